"""How Chinese names are read: pinyin with tone marks, without, initials, and in letters an English speaker can guess.

Invariant: `pinyin_of` is total: whatever is not a Chinese character stands as it is. Readings come, in this order, from
the caller's overrides (a member knows how their own name is read), our tables of surnames and given-name characters
(in a name 单 is Shàn and 曾 is Zēng), and pypinyin (MIT), whose table is loaded when a character is first asked for
that ours do not have: suggestions never need them.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType

from chat.naming.tables import characters, surnames
from chat.naming.values import SearchKeys

NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})

_TONE_MARKS = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0300": 4}
_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_HANZI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def is_hanzi(text: str) -> bool:
    """Whether every character is a Chinese one; False for an empty text."""
    return bool(text) and all(_HANZI.match(character) for character in text)


def split_surname(hanzi: str) -> tuple[str, str]:
    """(surname, given name) of a Chinese name. A name without a known surname, or of one character, is all given."""
    known = surnames()
    for length in (2, 1):
        if len(hanzi) > length and hanzi[:length] in known:
            return hanzi[:length], hanzi[length:]
    return "", hanzi


def syllables_of(hanzi: str, overrides: Mapping[str, str] = NO_OVERRIDES) -> tuple[str, ...]:
    """One reading with tone mark for each character; `overrides` maps a character, or the whole name, to its reading
    (of the whole name: syllables separated by spaces)."""
    if hanzi in overrides:
        given = tuple(overrides[hanzi].lower().split())
        if len(given) == len(hanzi):
            return given
    surname, rest = split_surname(hanzi)
    read: list[str] = []
    if surname:
        read += _surname_syllables(surname)
    read += _given_syllables(rest)
    return tuple(overrides.get(character, syllable) for character, syllable in zip(hanzi, read, strict=True))


def pinyin_of(hanzi: str, overrides: Mapping[str, str] = NO_OVERRIDES) -> str:
    """The name in pinyin as it is printed: `白睿康` -> `Bái Ruìkāng`. Syllables that begin with a vowel are set off by
    an apostrophe (`Xī'ān`, GB/T 28039-2011)."""
    syllables = syllables_of(hanzi, overrides)
    surname, _ = split_surname(hanzi)
    cut = len(surname)
    parts = [joined(syllables[:cut]), joined(syllables[cut:])] if surname else [joined(syllables)]
    return " ".join(part[:1].upper() + part[1:] for part in parts if part)


def joined(syllables: tuple[str, ...]) -> str:
    """Syllables as one word, with the apostrophe where they could be cut elsewhere."""
    word = ""
    for syllable in syllables:
        word += ("'" if word and plain(syllable)[:1] in ("a", "o", "e") else "") + syllable
    return word


@lru_cache(4096)
def plain(pinyin: str) -> str:
    """Without tones, lower case, ü as v: `Lǚ` -> `lv`. Letters of other alphabets lose their accents too."""
    bare = [mark for mark in unicodedata.normalize("NFD", pinyin.lower()) if mark not in _TONE_MARKS]
    return unicodedata.normalize("NFC", "".join(bare)).replace("ü", "v")


@lru_cache(4096)
def tone(syllable: str) -> int:
    """1..4, and 5 for the neutral tone."""
    return next((_TONE_MARKS[mark] for mark in unicodedata.normalize("NFD", syllable) if mark in _TONE_MARKS), 5)


@lru_cache(4096)
def initial_and_final(syllable: str) -> tuple[str, str]:
    """A syllable without tone as it is written, cut in two: `zhang` -> (`zh`, `ang`), `an` -> (``, `an`)."""
    bare = plain(syllable)
    initial = next((initial for initial in _INITIALS if bare.startswith(initial)), "")
    return initial, bare[len(initial) :]


def initials(hanzi: str, overrides: Mapping[str, str] = NO_OVERRIDES) -> str:
    """First letters of the syllables, as people type them: `白睿康` -> `brk`."""
    return "".join(plain(syllable)[:1] for syllable in syllables_of(hanzi, overrides))


def search_keys(hanzi: str, overrides: Mapping[str, str] = NO_OVERRIDES) -> SearchKeys:
    """What finds this name; a name in Latin letters is found by its letters without accents."""
    syllables = [syllable.lower().replace(" ", "") for syllable in syllables_of(hanzi, overrides)]
    toned = "".join(syllables)
    if any(_HANZI.match(character) for character in hanzi):
        return SearchKeys(toned, "".join(plain(s) for s in syllables), "".join(plain(s)[:1] for s in syllables))
    bare = unicodedata.normalize("NFD", toned)
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return SearchKeys(toned, letters, "".join(word[:1] for word in hanzi.lower().split()))


_ENGLISH_INITIALS = {"q": "ch", "x": "sh", "zh": "j", "c": "ts", "z": "dz"}
_ENGLISH_FINALS = {
    "a": "ah", "ai": "eye", "ao": "ow", "an": "ahn", "ang": "ahng", "e": "uh", "ei": "ay", "en": "un", "eng": "ung",
    "er": "ar", "i": "ee", "ia": "yah", "ie": "yeh", "iao": "yow", "iu": "yoh", "ian": "yen", "iang": "yahng",
    "in": "een", "ing": "ing", "iong": "yoong", "o": "woh", "ou": "oh", "ong": "oong", "u": "oo", "ua": "wah",
    "uai": "why", "uan": "wahn", "uang": "wahng", "ui": "way", "un": "wun", "uo": "woh", "v": "yoo", "ve": "yweh",
    "van": "ywen", "vn": "yoon", "ue": "yweh",
}  # fmt: skip
_ENGLISH_WHOLE = {
    "zhi": "jrr", "chi": "chrr", "shi": "shrr", "ri": "rrr", "zi": "dzz", "ci": "tsz", "si": "sss",
    "ye": "yeh", "yan": "yen", "yi": "ee", "yin": "een", "ying": "ing", "you": "yoh", "yong": "yoong", "yu": "yoo",
    "yue": "yweh", "yuan": "ywen", "yun": "yoon", "wu": "oo", "wo": "woh", "wei": "way", "wen": "wun", "wai": "why",
    "wan": "wahn", "wang": "wahng", "weng": "wung", "ju": "jyoo", "qu": "chyoo", "xu": "shyoo", "juan": "jwen",
    "quan": "chwen", "xuan": "shwen", "jun": "jyoon", "qun": "chyoon", "xun": "shyoon", "jue": "jweh",
    "que": "chweh", "xue": "shweh", "me": "muh",
}  # fmt: skip


def respelling(pinyin: str) -> str:
    """Pinyin in letters that an English speaker reads about right, syllable by syllable: `Bái Ruìkāng` ->
    `bye · rway-kahng`. Tones are not shown. What is no pinyin stands as it is."""
    return " · ".join("-".join(_english(syllable) for syllable in _cut(word)) for word in pinyin.split())


def _english(syllable: str) -> str:
    if syllable in _ENGLISH_WHOLE:
        return _ENGLISH_WHOLE[syllable]
    initial, final = initial_and_final(syllable)
    if initial == "b" and final == "ai":
        return "bye"
    if initial == "y":
        return {"a": "yah", "ao": "yow", "ang": "yahng"}.get(final, final)
    if initial == "w":
        return "w" + _ENGLISH_FINALS.get(final, final)
    if final == "ai":
        return _ENGLISH_INITIALS.get(initial, initial) + ("y" if initial else "eye")
    return _ENGLISH_INITIALS.get(initial, initial) + _ENGLISH_FINALS.get(final, final)


_SYLLABLE = re.compile(
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|van|ai|ao|an|ei|en|er|ia|ie|iu|in|ou|ua|ui|un|uo|ue|ve|vn"
    r"|a|e|i|o|u|v))"
)


def is_syllable(text: str) -> bool:
    """Whether it is one syllable as pinyin spells it, with a tone mark or without."""
    marks = sum(mark in _TONE_MARKS for mark in unicodedata.normalize("NFD", text))
    return marks <= 1 and _SYLLABLE.fullmatch(plain(text)) is not None


def _cut(word: str) -> list[str]:
    """Syllables of a pinyin word. A consonant between two vowels begins the second syllable, as the spelling rules
    say; where a vowel begins one there is an apostrophe."""
    found: list[str] = []
    for piece in re.split(r"['’\s-]+", plain(word)):
        place = 0
        while place < len(piece):
            match = _SYLLABLE.match(piece, place)
            if match is None:
                return [*found, piece[place:]]
            end = match.end()
            if end < len(piece) and piece[end] in "aeiouv" and piece[end - 1] in "ngr" and end - 1 > place:
                shorter = _SYLLABLE.fullmatch(piece, place, end - 1)
                end = end - 1 if shorter else end
            found.append(piece[place:end])
            place = end
    return found


def _surname_syllables(surname: str) -> list[str]:
    reading = surnames()[surname].pinyin
    return [reading] if len(surname) == 1 else list(_DOUBLE_SURNAMES[surname])


_DOUBLE_SURNAMES = {
    "欧阳": ("ōu", "yáng"), "司徒": ("sī", "tú"), "司马": ("sī", "mǎ"), "上官": ("shàng", "guān"),
    "诸葛": ("zhū", "gě"), "慕容": ("mù", "róng"), "东方": ("dōng", "fāng"), "夏侯": ("xià", "hóu"),
    "皇甫": ("huáng", "fǔ"), "尉迟": ("yù", "chí"), "长孙": ("zhǎng", "sūn"),
}  # fmt: skip


def _given_syllables(given: str) -> list[str]:
    known = characters()
    if all(character in known for character in given):
        return [known[character].pinyin for character in given]
    return [
        known[character].pinyin if character in known else syllable
        for character, syllable in zip(given, _looked_up(given), strict=True)
    ]


@lru_cache(1024)
def _looked_up(text: str) -> tuple[str, ...]:
    return tuple(_readings().get(ord(character), character).split(",")[0] for character in text)


@cache
def _readings() -> dict[int, str]:
    """pypinyin's table of single characters: code point -> readings, the usual one first. Only this file of it is
    loaded: the package itself reads its phrases too, for which a name has no use, and they cost 50 MB a process."""
    package = find_spec("pypinyin")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "pinyin_dict.py"
    spec = spec_from_file_location("chat.naming._pinyin_dict", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    table: dict[int, str] = module.pinyin_dict
    return table
