"""How near a Chinese syllable comes to a foreign one, and which syllables of a whole name meet which.

`distance` is 0 where a listener takes one for the other and 1 where nothing is left. Its tables follow what readers of
Chinese newspapers are used to: r is heard in l and r, v in w, schwa in e, the s of a cluster in si.
"""

from functools import lru_cache

from chat.naming.pinyin import initial_and_final
from chat.naming.sounds import Slot

FAR = 0.62
"""From this distance on a syllable echoes nothing."""

_ONSETS: dict[str, dict[str, float]] = {
    "": {"": 0.0},
    "B": {"b": 0.0, "p": 0.35},
    "P": {"p": 0.0, "b": 0.3},
    "M": {"m": 0.0},
    "F": {"f": 0.0, "h": 0.6},
    "V": {"w": 0.05, "f": 0.25, "b": 0.5},
    "W": {"w": 0.0},
    "D": {"d": 0.0, "t": 0.4},
    "T": {"t": 0.0, "d": 0.35},
    "N": {"n": 0.0, "l": 0.6},
    "L": {"l": 0.0},
    "R": {"l": 0.15, "r": 0.1},
    "G": {"g": 0.0, "k": 0.35, "j": 0.6},
    "K": {"k": 0.0, "g": 0.35},
    "HH": {"h": 0.0},
    "S": {"s": 0.0, "x": 0.35, "sh": 0.35, "c": 0.4},
    "Z": {"z": 0.1, "s": 0.35, "j": 0.4, "zh": 0.3, "r": 0.6, "c": 0.5},
    "SH": {"sh": 0.0, "x": 0.12},
    "CH": {"ch": 0.0, "q": 0.08},
    "JH": {"j": 0.0, "zh": 0.15, "q": 0.35},
    "ZH": {"r": 0.15, "zh": 0.15, "j": 0.25},
    "TH": {"s": 0.1, "x": 0.3, "sh": 0.35, "t": 0.3},
    "DH": {"d": 0.15, "z": 0.3},
    "Y": {"y": 0.0},
    "TS": {"c": 0.0, "z": 0.1, "q": 0.4, "s": 0.4},
    "NG": {"n": 0.3},
}
_BEFORE_I: dict[str, dict[str, float]] = {
    "S": {"x": 0.0, "s": 0.15}, "SH": {"x": 0.0, "sh": 0.1}, "CH": {"q": 0.0}, "JH": {"j": 0.0, "zh": 0.2},
    "K": {"q": 0.3, "j": 0.35, "k": 0.0}, "G": {"j": 0.35, "g": 0.0}, "HH": {"x": 0.3, "h": 0.0},
    "Z": {"z": 0.1, "j": 0.25, "x": 0.35}, "TS": {"q": 0.15, "c": 0.0, "j": 0.3}, "TH": {"x": 0.15, "s": 0.1},
    "R": {"l": 0.12, "r": 0.1}, "T": {"t": 0.0, "d": 0.3}, "D": {"d": 0.0, "t": 0.35},
}  # fmt: skip
_VOWELS: dict[str, dict[str, float]] = {
    "AA": {"a": 0, "ao": 0.4, "ua": 0.3, "ia": 0.2, "e": 0.45, "o": 0.5, "ai": 0.45, "uo": 0.5},
    "AE": {"a": 0, "ai": 0.2, "ia": 0.2, "ie": 0.35, "e": 0.4, "ei": 0.45, "ua": 0.4},
    "AH": {"a": 0, "e": 0.25, "ua": 0.35, "ao": 0.5, "o": 0.45, "ia": 0.35},
    "AX": {"e": 0, "a": 0.05, "i": 0.25, "u": 0.3, "o": 0.2, "uo": 0.25, "ei": 0.2, "ai": 0.3, "ia": 0.2, "ie": 0.35,
           "ih": 0.25, "ue": 0.15, "er": 0.3},
    "AO": {"ao": 0.1, "o": 0, "uo": 0.05, "ou": 0.25, "a": 0.35, "ua": 0.3, "iao": 0.25},
    "AW": {"ao": 0, "iao": 0.25, "ou": 0.35, "a": 0.4},
    "AY": {"ai": 0, "a": 0.4, "ei": 0.3, "uei": 0.4, "uai": 0.2, "ie": 0.5, "ia": 0.45},
    "EH": {"ei": 0.15, "ai": 0.12, "e": 0.1, "ie": 0.15, "a": 0.4, "i": 0.35, "uei": 0.25, "ue": 0.2, "er": 0.4},
    "ER": {"e": 0, "er": 0, "o": 0.35, "a": 0.35, "ou": 0.45, "u": 0.4, "uo": 0.35, "ue": 0.25},
    "EY": {"ei": 0, "ai": 0.15, "ie": 0.3, "i": 0.4, "uei": 0.25, "e": 0.45},
    "IH": {"i": 0, "ih": 0.15, "v": 0.35, "ie": 0.35, "e": 0.35, "ei": 0.3, "uei": 0.35, "ia": 0.5},
    "IY": {"i": 0, "ih": 0.2, "v": 0.3, "ie": 0.35, "ei": 0.35, "uei": 0.4},
    "OW": {"ou": 0.05, "o": 0, "uo": 0.02, "ao": 0.25, "u": 0.35, "iou": 0.25, "e": 0.45, "iao": 0.3, "io": 0.2},
    "OY": {"ou": 0.25, "uai": 0.3, "uei": 0.4, "ai": 0.4, "o": 0.35, "uo": 0.35},
    "UH": {"u": 0, "e": 0.35, "o": 0.3, "uo": 0.3, "ou": 0.35, "v": 0.3, "ue": 0.25},
    "UW": {"u": 0, "v": 0.15, "iou": 0.2, "ou": 0.3, "uo": 0.35, "ue": 0.3, "o": 0.3},
    "UE": {"v": 0, "i": 0.25, "u": 0.2, "ve": 0.25},
}  # fmt: skip
_LEFT_OVER = {
    "ih": 0.0, "e": 0.02, "u": 0.04, "er": 0.0, "i": 0.08, "uo": 0.15, "o": 0.12, "ei": 0.15, "v": 0.2,
    "ai": 0.2, "a": 0.25, "ou": 0.25, "ao": 0.3, "ie": 0.25, "iou": 0.3, "uei": 0.25, "ue": 0.2, "ia": 0.3,
}  # fmt: skip
"""Vowels that Chinese puts after a consonant left over, the least heard first."""


@lru_cache(1024)
def said(syllable: str) -> tuple[str, str, str]:
    """(initial, vowels, nasal) of a pinyin syllable as it is said: `wei` is ('', 'uei', ''), `jun` ('j', 'v', 'n')."""
    initial, final = initial_and_final(syllable)
    if initial == "y":
        initial, final = "", {"i": "i", "in": "in", "ing": "ing"}.get(final, _after_y(final))
    elif initial == "w":
        initial, final = "", "u" if final == "u" else "u" + final
    elif initial in ("j", "q", "x") and final.startswith("u"):
        final = "v" + final[1:]
    elif initial in ("zh", "ch", "sh", "r", "z", "c", "s") and final == "i":
        final = "ih"
    nasal = next((ending for ending in ("ng", "n") if final.endswith(ending)), "")
    core = final[: len(final) - len(nasal)]
    core = {"iu": "iou", "ui": "uei"}.get(core, core)
    if nasal:
        if core == "u" and initial not in ("", "j", "q", "x") and nasal == "n":
            core = "ue"
        elif core == "ia" and nasal == "n":
            core = "ie"
        elif core == "va":
            core = "ve"
    return initial, core, nasal


def _after_y(final: str) -> str:
    if final.startswith("u"):
        return "v" + final[1:]
    if final == "an":
        return "ian"
    return "i" + final


@lru_cache(65536)
def distance(slot: Slot, syllable: str) -> float:
    """0..1; `syllable` is pinyin without tone."""
    initial, vowels, nasal = said(syllable)
    onset, onset_vowels = _onset(slot, initial, vowels)
    if onset >= 0.7:
        return 1.0
    if not slot.vowel:
        far = _LEFT_OVER.get(onset_vowels, 0.35) + (0.25 if nasal else 0.0)
        if slot.onset in ("L", "R") and syllable == "er":
            return 0.05
        if slot.onset in ("N", "M") and initial == "" and nasal:
            return 0.25
        return min(1.0, 0.8 * onset + far)
    table = _VOWELS[slot.vowel]
    vowel = table.get(onset_vowels, 0.9)
    if slot.glide == "W" and vowels.startswith("u") and len(vowels) > 1:
        vowel = min(vowel, table.get(vowels[1:], 0.9))
    if slot.glide == "Y" and vowels.startswith("i") and len(vowels) > 1:
        vowel = min(vowel, table.get(vowels[1:], 0.9))
    if nasal and vowel > 0.3 and (slot.vowel, onset_vowels) in (("EH", "ie"), ("AE", "ie"), ("OW", "u"), ("AO", "u")):
        vowel = 0.2
    return min(1.0, 0.55 * onset + 0.6 * vowel + _nasal(slot, nasal))


def _onset(slot: Slot, initial: str, vowels: str) -> tuple[float, str]:
    """Distance of the beginnings, and the vowels that are left to compare."""
    sound = slot.onset
    if sound in ("W", "V") and initial == "":
        if vowels.startswith("u"):
            return (0.0 if sound == "W" else 0.08), (vowels[1:] or "u")
        return 1.0, vowels
    if sound == "Y" and initial == "":
        if vowels.startswith("i"):
            return 0.0, (vowels[1:] or "i")
        if vowels.startswith("v"):
            return 0.0, {"v": "u", "ve": "e"}.get(vowels, vowels)
        return 1.0, vowels
    if sound == "" and initial == "":
        bare = vowels[:1] not in ("u", "v") and (vowels[:1] != "i" or vowels == "i")
        if slot.vowel in ("UW", "UH", "UE"):
            bare = vowels in ("u", "v")
        return (0.0 if bare else 0.3), vowels
    if sound == "" and initial != "":
        return 1.0, vowels
    if initial == "":
        return (0.6 if sound == "HH" else 1.0), vowels
    front = slot.vowel in ("IY", "IH", "EY", "EH", "UE") or (slot.glide == "Y")
    table = _BEFORE_I.get(sound) if front and vowels[:1] in ("i", "v") else None
    if table is None:
        table = _ONSETS.get(sound, {})
        extra = 0.12 if vowels[:1] in ("i", "v") and initial in ("j", "q", "x") and slot.vowel else 0.0
        return table.get(initial, 1.0) + extra, _without_medial(initial, vowels, slot)
    return table.get(initial, 1.0), vowels


def _without_medial(initial: str, vowels: str, slot: Slot) -> str:
    """j, q, x always have an i or ü behind them: before a or o it is hardly heard (Joe, 乔)."""
    if initial in ("j", "q", "x") and len(vowels) > 1 and slot.vowel not in ("IY", "IH"):
        return {"ie": "e", "iou": "ou", "iao": "ao", "ia": "a", "ve": "e", "io": "o"}.get(vowels, vowels)
    return vowels


def _nasal(slot: Slot, nasal: str) -> float:
    if slot.shared:
        return 0.03 if nasal else 0.0
    if not slot.nasal:
        return 0.28 if nasal else 0.0
    if not nasal:
        return 0.3 if slot.nasal != "M" else 0.2
    fits = nasal == ("ng" if slot.nasal == "NG" else "n")
    return 0.0 if fits else 0.07
