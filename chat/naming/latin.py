"""English names for a Chinese member: by sound, by meaning, or both.

By sound, the given name's syllables are compared with those of each name of the list (Měilín -> Merlin, Melinda); its
beginning counts most. By meaning, the themes of its characters are compared with the name's (晨 dawn -> Aurora).
"""

from functools import lru_cache
from zlib import crc32

from chat.naming.checks import checks
from chat.naming.echo import FAR, distance
from chat.naming.pinyin import plain, split_surname, syllables_of
from chat.naming.sounds import Slot, slots
from chat.naming.tables import Latin, characters, latin_names
from chat.naming.values import Echo, LatinName

COUNT_MAX = 20
SOUND_MIN = 0.12
"""Below this nobody hears a likeness."""


def suggest_latin(chinese_name: str, *, seed: int, count: int = 5, gender: str | None = None) -> list[LatinName]:
    """Up to `count` (1..20) names for a Chinese name, best first, at least one of them by meaning where the name's
    characters have one we know. `gender` is `f`, `m` or None. The same arguments give the same names."""
    if gender not in ("f", "m", None):
        raise ValueError(f"gender is 'f', 'm' or None, not {gender!r}")
    count = max(1, min(count, COUNT_MAX))
    hanzi = "".join(chinese_name.split())[:8]
    _, given = split_surname(hanzi)
    if not given:
        return []
    syllables = syllables_of(hanzi)[-len(given) :]
    ranked = sorted(
        (_ranked(latin, given, syllables, seed) for latin in latin_names().values() if gender in (None, *latin.gender)
         or latin.gender == "n"),
        key=lambda found: (-found[0], found[2].name),
    )  # fmt: skip
    chosen: list[LatinName] = []
    shared = False
    for of_meaning_max, strict in ((2, True), (count, True), (count, False)):
        for _, sound, latin, echoes, themes in ranked:
            if len(chosen) >= count:
                return chosen
            of_meaning = sum(not other.echoes for other in chosen)
            if any(other.name == latin.name for other in chosen) or (strict and _alike(latin.name, chosen)):
                continue
            if (not echoes and of_meaning >= of_meaning_max) or not (themes or echoes) or checks(latin.name):
                continue
            shared = shared or bool(themes)
            if strict and len(chosen) == count - 1 and count > 1 and not shared and any(row[4] for row in ranked):
                continue  # the last place is kept for a name that shares a meaning
            chosen.append(_named(latin, given, sound, echoes, themes))
    return chosen


def _alike(name: str, chosen: list[LatinName]) -> bool:
    """Anna beside Anya beside Annie is one suggestion, not three."""
    return sum(other.name[:2] == name[:2] for other in chosen) >= 2


def _ranked(
    latin: Latin, given: str, syllables: tuple[str, ...], seed: int
) -> tuple[float, float, Latin, tuple[Echo, ...], list[str]]:
    sound, echoes = heard(slots(latin.name, "en"), given, syllables)
    themes = [c for c in given if c in characters() and characters()[c].theme == latin.theme]
    if sound < SOUND_MIN:
        echoes = ()
    score = (
        sound * (1.0 if echoes else 0.4)
        + 0.22 * bool(themes)
        + 0.05 * (crc32(f"{seed} {latin.name}".encode()) % 97) / 97
    )
    return score, sound, latin, echoes, themes


def heard(name: tuple[Slot, ...], given: str, syllables: tuple[str, ...]) -> tuple[float, tuple[Echo, ...]]:
    """How much of the given name is heard in the Latin one, 0..1, and where: the best alignment of both in order."""
    if not name:
        return 0.0, ()
    near = [[max(0.0, 1 - distance(slot, plain(syllable)) / FAR) for slot in name] for syllable in syllables]
    best: dict[tuple[int, int], tuple[float, tuple[tuple[int, int], ...]]] = {}

    def walk(i: int, j: int) -> tuple[float, tuple[tuple[int, int], ...]]:
        if i == len(syllables) or j == len(name):
            return 0.0, ()
        if (i, j) not in best:
            options = [walk(i + 1, j), walk(i, j + 1)]
            if near[i][j] > 0.25:
                rest, met = walk(i + 1, j + 1)
                weight = (1.25 if i == 0 else 1.0) * (1.0 if name[j].vowel else 0.5)
                options.append((rest + weight * near[i][j], ((i, j), *met)))
            best[i, j] = max(options, key=lambda option: option[0])
        return best[i, j]

    total, met = walk(0, 0)
    of_given = total / (1.25 + len(syllables) - 1)
    full = sum(slot.weight for slot in name)
    of_name = sum(name[j].weight * near[i][j] for i, j in met) / full
    begins = 0.12 if (0, 0) in met else 0.0
    sound = min(1.0, 0.5 * of_given + 0.38 * of_name + begins)
    echoes = tuple(
        Echo(name[j].letters, given[i], syllables[i], round(1 - distance(name[j], plain(syllables[i])), 2))
        for i, j in met
    )
    return sound, echoes


def _named(latin: Latin, given: str, sound: float, echoes: tuple[Echo, ...], themes: list[str]) -> LatinName:
    parts_en, parts_zh = [], []
    if echoes:
        parts_en.append(
            ("Sounds like " if sound >= 0.45 else "A little like ")
            + ", ".join(f"{echo.hanzi} {echo.pinyin} (“{echo.heard}”)" for echo in echoes)
        )
        parts_zh.append("音近" + "、".join(f"“{echo.hanzi}”（{echo.heard}）" for echo in echoes))
    if themes:
        shared = ", ".join(f"{c} ({characters()[c].en})" for c in dict.fromkeys(themes))
        parts_en.append(f"shares the meaning of {shared}" if parts_en else f"Shares the meaning of {shared}")
        parts_zh.append("义近" + "、".join(f"“{c}”" for c in dict.fromkeys(themes)))
    return LatinName(
        name=latin.name, gender=None if latin.gender == "n" else latin.gender, respelling=respelled(latin.name),
        meaning_en=latin.en, meaning_zh=latin.zh, sound=round(sound if echoes else 0.0, 2), echoes=echoes,
        why_en=f"{'; '.join(parts_en)}. It means “{latin.en}”.",
        why_zh=f"{'；'.join(parts_zh)}。意为“{latin.zh}”。",
    )  # fmt: skip


_LETTERS = {
    "AA": "ah", "AE": "a", "AH": "uh", "AX": "uh", "AO": "aw", "AW": "ow", "AY": "eye", "EH": "eh", "ER": "er",
    "EY": "ay", "IH": "i", "IY": "ee", "OW": "oh", "OY": "oy", "UH": "uu", "UW": "oo", "UE": "ue",
    "JH": "j", "ZH": "zh", "HH": "h", "DH": "th", "TS": "ts",
}  # fmt: skip


@lru_cache(512)
def respelled(name: str) -> str:
    """How an English name is said, in plain letters: `Emily` -> `EH-mi-lee`."""
    syllables: list[str] = []
    stressed: list[bool] = []
    waiting = ""
    for slot in slots(name, "en"):
        onset = _LETTERS.get(slot.onset, slot.onset.lower())
        if not slot.vowel:
            if syllables and not waiting and not _begins(slot, name):
                syllables[-1] += onset
            else:
                waiting += onset
            continue
        nasal = "" if slot.shared else slot.nasal.lower()
        glide = slot.glide.lower()
        syllables.append(waiting + onset + glide + _LETTERS[slot.vowel] + nasal)
        stressed.append(slot.weight == 1.0)
        waiting = ""
    if waiting:
        syllables = [*syllables[:-1], (syllables[-1] if syllables else "") + waiting]
    if len(syllables) == 1:
        return syllables[0].upper()
    return "-".join(s.upper() if strong else s for s, strong in zip(syllables, stressed, strict=False))


def _begins(slot: Slot, name: str) -> bool:
    return name.lower().startswith(slot.letters) and slot is slots(name, "en")[0]
