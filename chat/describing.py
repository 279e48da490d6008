"""What the rules of naming, and the search for people, are told about a name: `chat.naming` in the words of the log.
Pure, and total: a name of which nothing is known is described by nothing."""

import unicodedata
from functools import lru_cache
from typing import Final

import regex

from chat import naming
from chat.events import Echo, Finding, Gloss, Script
from chat.names import Described
from chat.naming.latin import heard
from chat.naming.pinyin import is_syllable, plain
from chat.naming.sounds import slots
from chat.naming.tables import latin_names

_HAN: Final = regex.compile(r"\p{Han}")
_SEPARATORS: Final = regex.compile(r"[\s·'’.\-]+")


def describe(text: str, script: Script, original: str, pinyin: str | None = None) -> Described:
    """A name proposed to somebody called `original`. `pinyin` overrides the usual reading, syllable by syllable."""
    findings = tuple(
        Finding(kind=each.kind.value, part=each.part, en=each.why_en, zh=each.why_zh) for each in naming.checks(text)
    )
    if script == "latin":
        known = latin_names().get(text) or latin_names().get(text.casefold())
        sound, echoes = _sound(text, original)
        return Described(
            respelling=naming.respelled(text),
            meaning_en=known.en if known else "",
            meaning_zh=known.zh if known else "",
            echoes=echoes,
            sound=sound,
            findings=findings,
        )
    hanzi = "".join(_HAN.findall(text))
    overrides = _overrides(hanzi, pinyin)
    glosses = _glosses(hanzi, overrides)
    romanisation = naming.pinyin_of(hanzi, overrides)
    sound, echoes = _sound(original, hanzi, overrides)
    given = [each for each in glosses if not each.zh.startswith("姓")]
    return Described(
        romanisation=romanisation,
        respelling=naming.respelling(romanisation),
        glosses=glosses,
        meaning_en=", ".join(each.en for each in given if each.en),
        meaning_zh="、".join(each.zh for each in given if each.zh),
        echoes=echoes,
        sound=sound,
        findings=findings,
    )


@lru_cache(50_000)
def search_keys(name: str, readings: str = "") -> tuple[str, ...]:
    """What may be typed to find a name, folded and without spaces: the name itself first. `readings` are the syllables
    of a name that is not read as usual."""
    folded = fold(name)
    hanzi = "".join(_HAN.findall(name))
    if not hanzi:
        parts = [part for part in _SEPARATORS.split(name.casefold()) if part]
        keys = (folded, *parts, "".join(part[0] for part in parts))
        return tuple(dict.fromkeys((*keys, *map(_unaccented, keys))))
    overrides = _overrides(hanzi, readings)
    _, given = naming.split_surname(hanzi)
    of_given = {given: " ".join(naming.syllables_of(hanzi, overrides)[-len(given) :])}
    whole = naming.search_keys(hanzi, overrides).all()
    return tuple(dict.fromkeys((folded, *whole, *naming.search_keys(given, of_given).all())))


@lru_cache(1_000)
def queries_of(typed: str) -> tuple[str, ...]:
    """What somebody who typed this may mean, as `search_keys` has it: with tones and accents, and without."""
    folded = fold(typed)
    return tuple(dict.fromkeys((folded, plain(folded), _unaccented(folded))))


def fold(text: str) -> str:
    """As it is compared: one way of writing accents, no case, no spaces, dots, hyphens or apostrophes."""
    return "".join(_SEPARATORS.split(unicodedata.normalize("NFC", text).casefold()))


def _unaccented(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def _overrides(hanzi: str, pinyin: str | None) -> dict[str, str]:
    """The reading a member gave, where it has a syllable of pinyin for each character: everybody is shown it, and it is
    no second way to write a text."""
    syllables = (pinyin or "").split()
    fits = len(syllables) == len(hanzi) and all(map(is_syllable, syllables))
    return {hanzi: " ".join(syllables)} if fits else {}


def _glosses(hanzi: str, overrides: dict[str, str]) -> tuple[Gloss, ...]:
    found, at = [], 0
    syllables = naming.syllables_of(hanzi, overrides)
    for each in naming.gloss_of(hanzi):
        own = " ".join(syllables[at : at + len(each.hanzi)])
        found.append(Gloss(char=each.hanzi, reading=own if overrides else each.pinyin, en=each.en, zh=each.zh))
        at += len(each.hanzi)
    return tuple(found)


def _sound(latin: str, chinese: str, overrides: dict[str, str] | None = None) -> tuple[int, tuple[Echo, ...]]:
    """How much of one is heard in the other, in per cent, and where. Nothing unless one is Chinese and one is not."""
    hanzi = "".join(_HAN.findall(chinese))
    word = next((part for part in _SEPARATORS.split(latin) if part), "")
    if not hanzi or not word or _HAN.search(latin):
        return 0, ()
    sound, echoes = heard(slots(word), hanzi, naming.syllables_of(hanzi, overrides or {}))
    return round(100 * sound), tuple(Echo(heard=each.heard, char=each.hanzi) for each in echoes)
