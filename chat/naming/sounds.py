"""How a foreign name sounds: its syllables, each with the letters it is written with.

A name is looked up in our own list and in the CMU dictionary's; else its spelling is read, with vowels as most of the
world says them (a as in father, i as in machine) unless it looks English. A syllable that Chinese cannot say in one
(the B of Brecken, the l of Michael) becomes a slot of little weight: a good name may echo it or leave it out.
Sounds are those of ARPABET, with TS as in tsar and UE as in German ü beside them.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from chat.naming.tables import spoken

VOWELS = frozenset((
    "AA", "AE", "AH", "AX", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW", "UE",
))  # fmt: skip
NASALS = frozenset(("N", "M", "NG"))
_GLIDES = frozenset("LRWY")


class Slot(NamedTuple):
    """One syllable, or a consonant left over between two."""

    onset: str
    """The one consonant it begins with, or nothing."""
    glide: str
    """`W` or `Y` after the consonant (Gwen, Mia), or nothing."""
    vowel: str
    """Nothing in a consonant left over."""
    nasal: str
    """`N`, `M`, `NG` at its end, or nothing."""
    shared: bool
    """The nasal begins the next slot, too, as in Anna: it may be heard in both, or not."""
    weight: float
    letters: str


class _Phone(NamedTuple):
    sound: str
    stress: str
    letters: str


@lru_cache(1024)
def slots(name: str, language: str | None = None) -> tuple[Slot, ...]:
    """Syllables of one word. Nothing for a word without a letter from A to Z."""
    word = letters_of(name)
    if not word:
        return ()
    known = spoken().get(name.lower()) or spoken().get(word)
    phones = _spelled(word, known) if known else _read(name, word, language)
    if phones and phones[-1].sound == "AX" and phones[-1].letters[:1] == "a":  # Emma, Luka: to Chinese ears an open a
        phones[-1] = phones[-1]._replace(sound="AA")
    return tuple(_cut(phones))


def letters_of(name: str) -> str:
    """Lower-case letters from a to z: accents fall, đ, ø, ł, ß and æ are written out."""
    written = name.lower().translate(_WRITTEN_OUT)
    return "".join(letter for letter in unicodedata.normalize("NFD", written) if "a" <= letter <= "z")


_WRITTEN_OUT = str.maketrans({"đ": "d", "ø": "oe", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})

# --- a pronunciation found in a table: which letters stand for which sound

_WRITTEN = {
    "K": "ckqx", "S": "scz", "Z": "zsx", "SH": "sct", "ZH": "zsgj", "CH": "ct", "JH": "jgd", "TH": "t", "DH": "t",
    "F": "fp", "V": "vfw", "Y": "yij", "W": "wuo", "HH": "hjgx", "NG": "n", "TS": "tzc", "G": "g",
}  # fmt: skip


def _spelled(word: str, sounds: tuple[str, ...]) -> list[_Phone]:
    """Shares the letters among the sounds: cheapest of all cuts, where a sound takes up to four letters."""
    best: dict[tuple[int, int], tuple[float, int]] = {(0, 0): (0.0, 0)}
    for index, sound in enumerate(sounds):
        bare = sound.rstrip("012")
        for place in range(len(word) + 1):
            if (index, place) not in best:
                continue
            cost = best[index, place][0]
            for end in range(place, min(len(word), place + 4) + 1):
                total = cost + _misfit(bare, word[place:end])
                if (index + 1, end) not in best or total < best[index + 1, end][0]:
                    best[index + 1, end] = (total, place)
    end = max(place for index, place in best if index == len(sounds))
    cuts = [len(word)]
    for index in range(len(sounds), 0, -1):
        end = best[index, end][1]
        cuts.append(end)
    cuts.reverse()
    cuts[0] = 0
    return [
        _Phone(_bare(sound), sound[-1] if sound[-1].isdigit() else "", word[start:stop])
        for sound, start, stop in zip(sounds, cuts, cuts[1:], strict=False)
    ]


def _bare(sound: str) -> str:
    return "AX" if sound == "AH0" else sound.rstrip("012")


def _misfit(sound: str, letters: str) -> float:
    if not letters:
        return 1.2
    if sound in VOWELS:
        outside = sum(letter not in "aeiouywrh" for letter in letters)
        return outside * 1.5 + 0.15 * (len(letters) - 1) + (0 if letters[0] in "aeiouyh" else 1)
    first = letters[0] in _WRITTEN.get(sound, sound.lower()[0])
    vowels = sum(letter in "aeiou" for letter in letters[1:])
    return (0 if first else 1.5) + 0.2 * (len(letters) - 1) + 0.8 * vowels


# --- a pronunciation read from the spelling

_COMMON = (
    "tch CH|sch SH|shch SH|sh SH|ch CH|ck K|ph F|th T|kh K|gh G|zh ZH|ts TS|tz TS|qu K W|dj JH|ng NG|ny N Y|nh N Y|"
    "ee IY|ea IY|oo UW|ou UW|ai AY|ay AY|ei EY|ey EY|au AW|aw AO|ao AW|oi OY|oy OY|ie IY EH|eu OY|ue UW EH|"
    "aa AA|ii IY|uu UW|a AA|e EH|i IY|o OW|u UW|y IY|b B|c K|d D|f F|g G|h HH|j JH|k K|l L|m M|n N|p P|q K|r R|"
    "s S|t T|v V|w W|x K S|z Z"
)
_BY_LANGUAGE = {
    "es": "ll Y|ñ N Y|j HH|h -|gue G EH|gui G IY|ge HH EH|gi HH IY|que K EH|qui K IY|z S|ce S EH|ci S IY|v B|x HH",
    "pt": "lh L Y|nh N Y|ç S|j ZH|ão AW N|ch SH|x SH|ce S EH|ci S IY|ge ZH EH|gi ZH IY|que K EH|qui K IY|h -",
    "fr": "eau OW|au OW|ou UW|oi W AA|ai EH|ei EH|ch SH|j ZH|ge ZH EH|gi ZH IY|gn N Y|u UE|ç S|ce S EH|ci S IY|h -|"
    "que K|eu ER|an AA N|en AA N|in AE N|ien Y AE N|on OW N",
    "it": "gli L Y|gn N Y|chi K IY|che K EH|ci CH IY|ce CH EH|cia CH AA|cio CH OW|gi JH IY|ge JH EH|gia JH AA|"
    "gio JH OW|sc S K|z TS|h -",
    "de": "ü UE|ö ER|ä EH|ei AY|ie IY|eu OY|w V|v F|z TS|j Y|ch HH|sch SH|tsch CH|ss S",
    "pl": "sz SH|cz CH|rz ZH|ż ZH|ź ZH|ś SH|ć CH|ń N|ł W|w V|j Y|ch HH|c TS|ci CH|si SH|zi ZH|dzi JH",
    "sr": "š SH|č CH|ć CH|ž ZH|đ JH|j Y|c TS|lj L Y|nj N Y",
    "ru": "kh HH|j Y|ya Y AA|yu Y UW|yo Y OW|ye Y EH|iy IY|ii IY|zh ZH|shch SH",
    "vi": "ph F|th T|tr CH|ch CH|kh HH|gi Z|nh N|d Z|đ D|x S|qu K W|y IY|uy W IY|ươ UH|ư UH",
    "ja": "tsu TS UW|shi SH IY|chi CH IY|fu F UW|ei EY|ou OW|ai AY|au AW|ue UW EH|oi OY",
    "hi": "th T|kh K|bh B|dh D|gh G|v V|w V|ee IY|oo UW|aa AA|ai AY|au AO|ch CH|y Y",
    "ar": "kh HH|gh G|dh D|th S|q K|ee IY|oo UW|ou UW|aa AA|ai AY|ei EY|ay AY|j JH|w W|y Y",
    "tr": "ş SH|ç CH|ğ -|c JH|j ZH|ö ER|ü UE|ı AX|y Y",
    "en": "igh AY|eigh EY|ie IY|ey IY|ay EY|ai EY|ow OW|ou AW|ew UW|er ER|ir ER|ur ER|or AO R|ar AA R|th TH|"
    "ce S|ci S IH|cy S IY|ge JH|gi JH IH|tion SH AX N|wh W|kn N|wr R|y IY|u AH|i IH|o AA|a AE",
}


@lru_cache(32)
def _rules(language: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Spelling to sounds, longest first, those of the language before the common ones."""
    merged: dict[str, tuple[str, ...]] = {}
    for text in (_COMMON, _BY_LANGUAGE.get(language, "")):
        for rule in filter(None, text.split("|")):
            spelling, *sounds = rule.split()
            merged[spelling] = tuple(sound for sound in sounds if sound != "-")
    return tuple(sorted(merged.items(), key=lambda rule: -len(rule[0])))


def guess_language(name: str) -> str:
    """From letters that only some languages write and endings that only some names have; empty where nothing tells."""
    lower = unicodedata.normalize("NFC", name.lower())
    for letters, language in (
        ("ăơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ", "vi"), ("ãõ", "pt"), ("ñ", "es"), ("ßä", "de"),
        ("łżźśćń", "pl"), ("şğı", "tr"), ("šžčđ", "sr"), ("èêëâîôœ", "fr"), ("öü", "de"), ("áéíóú", "es"),
    ):  # fmt: skip
        if any(letter in lower for letter in letters):
            return language
    for ending, language in (
        (r"(ov|ova|ev|eva|sky|slav|mir|shka|enko|chuk)$", "ru"), (r"(ski|ska|czyk|wicz)$", "pl"),
        (r"(ez|ito|ita|ndo|nda)$", "es"), (r"(inho|eira|eiro)$", "pt"), (r"(lyn|ley|leigh|ton|son|den|ford|y)$", "en"),
    ):  # fmt: skip
        if re.search(ending, lower):
            return language
    if re.fullmatch(r"((k|s|sh|t|ch|ts|n|h|f|m|y|r|w|g|z|j|d|b|p|ky|ry|my|ny|hy|gy|by)?[aiueo]{1,2}n?)+", lower):
        return "ja" if re.search(r"(ko|ki|shi|mi|ro|to|suke|ka|ta|ji|chi|tsu)", lower) else ""
    return ""


def _read(name: str, word: str, language: str | None) -> list[_Phone]:
    guessed = (language or "").split("-")[0].lower() or guess_language(name)
    text = unicodedata.normalize("NFC", name.lower())
    if not any(letter in spelling for letter in text for spelling, _ in _rules(guessed) if letter > "z"):
        text = word
    else:
        text = "".join(
            letter if any(letter in s for s, _ in _rules(guessed)) else letters_of(letter) for letter in text
        )
    text = re.sub(r"([bcdfghjkmpqrstvwxz])\1", r"\1", text)
    if guessed not in ("es", "it", "de", "ja", "pl", "sr", "ru", "tr", "hi", "ar", "vi", "pt"):
        text = re.sub(r"(?<=[aeiou][bcdfghjklmnprstvz])e$", "", text)
        text = re.sub(r"([aeo])h$", r"\1", text)
    found: list[_Phone] = []
    place = 0
    while place < len(text):
        rule = next(((s, sounds) for s, sounds in _rules(guessed) if text.startswith(s, place)), (text[place], ()))
        spelling, sounds = rule
        after = text[place + len(spelling) : place + len(spelling) + 1]
        if spelling == "y" and after and after in "aeiou":
            sounds = ("Y",)
        if spelling == "c" and after and after in "eiy":
            sounds = ("S",) if guessed not in ("pl", "sr") else ("TS",)
        if spelling == "ng" and after and after in "aeiou":
            sounds = ("N", "G")
        if spelling == "h" and found and found[-1].sound in VOWELS and (not after or after not in "aeiou"):
            sounds = ()
        if spelling in ("l", "n") and found and found[-1].letters == spelling and found[-1].sound == sounds[0]:
            found[-1] = found[-1]._replace(letters=spelling * 2)
            sounds = ()
        if not sounds and found:
            last = found[-1]
            if last.letters != spelling * 2:
                found[-1] = last._replace(letters=last.letters + spelling)
        for index, sound in enumerate(sounds):
            found.append(_Phone(sound, "1" if sound in VOWELS else "", spelling if index == 0 else ""))
        place += len(spelling)
    if found and sum(phone.sound in VOWELS for phone in found) > 1:
        ending = max(index for index, phone in enumerate(found) if phone.sound in VOWELS)
        found[ending] = found[ending]._replace(stress="0")
    return found


# --- sounds to slots


def _cut(phones: list[_Phone]) -> list[Slot]:
    places = [index for index, phone in enumerate(phones) if phone.sound in VOWELS]
    if not places:
        return [_weak(phone) for phone in phones if phone.sound not in _GLIDES][:3]
    found: list[Slot] = []
    start = 0
    for number, place in enumerate(places):
        onset = phones[start:place]
        vowel = phones[place]
        following = places[number + 1] if number + 1 < len(places) else len(phones)
        rest = phones[place + 1 : following]
        last = number + 1 == len(places)
        coda, kept = (rest, 0) if last else _split(rest)
        nasal = coda[0].sound if coda and coda[0].sound in NASALS else ""
        shared = False
        if not nasal and not last and len(rest) == 1 and rest[0].sound in ("N", "M"):
            nasal, shared = rest[0].sound, True
        glide = ""
        *before, main = onset or [_Phone("", "", "")]
        if main.sound in ("W", "Y") and before:
            glide = main.sound
            before, main = before[:-1], _Phone(before[-1].sound, "", before[-1].letters + main.letters)
        weak_first = [phone for phone in before if phone.sound not in ("W", "Y")]
        found += [_weak(phone) for phone in weak_first]
        letters = main.letters + vowel.letters + ("".join(coda[0].letters) if nasal and not shared else "")
        weight = 1.0 if vowel.stress == "1" else 0.95 if not found else 0.8
        found.append(Slot(main.sound, glide, vowel.sound, nasal, shared, weight, letters))
        remainder = coda[1:] if nasal and not shared else coda
        found += [_weak(phone) for phone in remainder]
        start = following - kept
    return found


def _split(between: list[_Phone]) -> tuple[list[_Phone], int]:
    """Consonants between two vowels: (what ends the first syllable, how many begin the second)."""
    if not between:
        return [], 0
    kept = 1
    if len(between) >= 2 and between[-1].sound in _GLIDES:
        runs_on = between[-2].sound not in NASALS | {"L", "R", "W", "Y"}
        kept = 2 if runs_on or between[-1].sound in ("W", "Y") else 1
    if between[-1].sound == "NG":
        kept = 0
    return between[: len(between) - kept], kept


_WEIGHT = {"R": 0.12, "L": 0.3, "HH": 0.05, "T": 0.25, "D": 0.25, "M": 0.3, "N": 0.3, "Y": 0.1, "W": 0.1}


def _weak(phone: _Phone) -> Slot:
    return Slot(phone.sound, "", "", "", False, _WEIGHT.get(phone.sound, 0.32), phone.letters)
