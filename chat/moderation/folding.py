"""Many ways to write a letter, one letter: what a text is compared in.

A character is folded alone, never with its neighbours, so that a place in the folded text leads back to a place in the
original. `folded` is idempotent: letters are lower case, of their usual width and without accents (NFKC, then case
folding), Chinese is Simplified, letters of other alphabets that look Latin are Latin, what is invisible is gone; all
other signs stay.

From it come two coarser forms, both without anything that is no letter or digit. `Skeleton` also reads digits and
signs as the letters they stand for (1 and l as i), `Sounds` Chinese characters as their pinyin. They are wrong about
some texts on purpose: they only say which terms are worth a closer look, at the price of one `str.translate`.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

_DATA: Final = Path(__file__).parent / "data"

_LOOKALIKES: Final = dict(
    zip(
        "аеорсухкмтнвіјѕԁһԛԝαορυντκιηεχβγᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢıłøđħɑɡɩʋƒœæ➕",
        "aeopcyxkmthbijsdhqwaopuvtkinexbyabcdefghijklmnoprstuvwyzilodhagivfoa+",
        strict=True,
    )
)
"""Cyrillic, Greek, small capitals and Latin letters that no normalisation takes apart (cut down from UTS #39)."""
_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Fillers that are letters or signs by category, and look like nothing."""
_STROKES: Final = frozenset("丶丨丿亅灬乀乄")
"""Characters that nobody writes as words, but some put between words."""
_STROKE: Final = "·"
LEET: Final[Mapping[str, str]] = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
}  # fmt: skip
"""Signs read as letters. `!`, `|` and `*` are more often what they are, so only the closer look knows them."""
_FOLDED_MAX: Final = 40_000
"""Characters that a table remembers: all that people write; what is beyond is folded each time it comes."""


@cache
def simplified() -> dict[str, str]:
    """Traditional character -> Simplified one."""
    old, new = _rows("simplified.tsv")
    return dict(zip(old, new, strict=True))


@cache
def readings() -> dict[str, str]:
    """Simplified character -> its usual reading without tone."""
    return {character: syllable for syllable, characters in homophones().items() for character in characters}


@cache
def homophones() -> dict[str, str]:
    """Syllable without tone -> the Simplified characters read so."""
    rows = [row.split("\t") for row in _rows("readings.tsv")]
    return {row[0]: row[1] for row in rows}


@cache
def _one_of_each_sound() -> dict[int, str]:
    return {ord(character): characters[0] for characters in homophones().values() for character in characters}


def by_sound(text: str) -> str:
    """A folded text with one character in place of all that sound like it; as long as before."""
    return text.translate(_one_of_each_sound())


def _rows(name: str) -> list[str]:
    return [line for line in (_DATA / name).read_text("utf-8").splitlines() if not line.startswith("#")]


def folded(character: str) -> str:
    """One character, folded: none for what is invisible, more than one for ligatures and the like."""
    code = ord(character)
    if character in _BLANKS or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cs"):
        return ""
    if 0x1F1E6 <= code <= 0x1F1FF:  # flags are made of these; two may spell a word
        return chr(ord("a") + code - 0x1F1E6)
    for first in (0x1F150, 0x1F170):  # white letters on black, which NFKC leaves alone
        if first <= code < first + 26:
            return chr(ord("a") + code - first)
    return "".join(_folded_part(part) for part in unicodedata.normalize("NFKC", character).casefold())


def _folded_part(part: str) -> str:
    if part in _BLANKS or unicodedata.category(part) in ("Mn", "Me", "Cf"):
        return ""
    if part in _STROKES:
        return _STROKE
    if ord(part) < 0x1100 or 0x1E00 <= ord(part) < 0x2000:  # not Hangul, whose syllables would come apart
        part = "".join(mark for mark in unicodedata.normalize("NFD", part) if unicodedata.category(mark) != "Mn")
    return "".join(_LOOKALIKES.get(letter, simplified().get(letter, letter)) for letter in part)


class _Table(dict[int, str]):
    """A table for `str.translate` that fills itself with what it is asked for."""

    def __missing__(self, code: int) -> str:
        made = self.made(chr(code))
        if len(self) < _FOLDED_MAX:
            self[code] = made
        return made

    def made(self, character: str) -> str:
        return folded(character)


FOLDED: Final = _Table()


class Skeleton(_Table):
    """Letters, digits read as letters, nothing else; `signs` stay too, for terms that are made of signs."""

    def __init__(self, signs: Iterable[str] = ()) -> None:
        super().__init__()
        self._signs = frozenset(signs)

    def made(self, character: str) -> str:
        return "".join(self._part(part) for part in FOLDED[ord(character)])

    def _part(self, part: str) -> str:
        if part in self._signs:
            return part
        letter = LEET.get(part, part)
        return "i" if letter == "l" else letter if letter.isalnum() else ""


class Sounds(_Table):
    """Letters and digits as they are, Chinese characters as pinyin, nothing else."""

    def made(self, character: str) -> str:
        known = readings()
        return "".join(known.get(part, part) for part in FOLDED[ord(character)] if part.isalnum())


SOUNDS: Final = Sounds()
"""One for all lists: what it is filled with does not depend on their terms."""


def collapsed(text: str) -> str:
    """Each run of one character as one: `fuuuck` -> `fuck`, and `class` -> `clas`."""
    return "".join(map(_FIRST, groupby(text)))


_FIRST: Final = itemgetter(0)


class Folding(NamedTuple):
    """A folded text and the way back."""

    text: str
    places: list[int]
    """For each character of `text`, the index in the original of what it came from."""
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original behind `text[start:end]`, with the marks and joiners that hang on its end."""
        last = self.places[end - 1] + 1
        while last < len(self.original) and not FOLDED[ord(self.original[last])]:
            last += 1
        return self.places[start], last


def folding(text: str) -> Folding:
    """`text`, folded."""
    pieces = [FOLDED[ord(character)] for character in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    return Folding("".join(pieces), places, text)


def fold(text: str) -> str:
    """`text`, folded, without a way back."""
    return text.translate(FOLDED)
