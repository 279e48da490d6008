"""Greetings and other fixed phrases of chat that the starter knows by heart. Pure once loaded.

Invariant: only a whole sentence is looked up, never a part; and only for the starter package. A model of seven
million weights has read "你好" too rarely to be sure of it, and these lines are half of what strangers first say to
each other. Own list, one phrase a line in `starter/phrases.tsv`: direction, phrase, translation.
"""

import functools
import unicodedata
from pathlib import Path
from typing import Final

import regex

from translator.scripts import SPACELESS

_FILE: Final = Path(__file__).parent / "starter" / "phrases.tsv"
_ENDING: Final = regex.compile(r"(?<![\s.。!！?？~～,，…])[\s.。!！?？~～,，…]++\Z")
_LAUGHTER: Final = regex.compile(r"([哈嘿嘻呵])\1+")
_FULL: Final = {".": "。", "!": "！", "?": "？"}


class Phrases:
    """Translations of whole sentences by (source, target, phrase)."""

    def __init__(self, phrases: dict[tuple[str, str, str], str]) -> None:
        self._phrases = {(source, target, _folded(phrase)): made for (source, target, phrase), made in phrases.items()}

    @classmethod
    def of_starter(cls) -> "Phrases":
        """The list that comes with the starter; read once."""
        return _of_starter()

    def get(self, phrase: str, source: str, target: str) -> str | None:
        """The translation, with the ending the phrase had ("你好！" -> "Hello!")."""
        made = self._phrases.get((source, target, _folded(phrase)))
        if made is None and target not in SPACELESS and _LAUGHTER.fullmatch(_folded(phrase)):
            made = "Haha"
        if made is None:
            return None
        own = _ENDING.search(made)
        if own is not None:
            return made
        ending = _ENDING.search(phrase.strip())
        if ending is None:
            return made
        marks = unicodedata.normalize("NFKC", ending[0]).replace("。", ".").strip()
        if target in SPACELESS:
            marks = "".join(_FULL.get(mark, mark) for mark in marks)
        return made + marks

    def __len__(self) -> int:
        return len(self._phrases)


def _folded(phrase: str) -> str:
    """What two writings of one phrase have in common: no case, no ending, no doubled spaces."""
    plain = unicodedata.normalize("NFKC", phrase).casefold().replace("’", "'")
    return " ".join(_ENDING.sub("", plain).split())


def is_laughter(phrase: str) -> bool:
    """True for Chinese laughter and the marks behind it, of which every engine makes words."""
    return _LAUGHTER.fullmatch(_folded(phrase)) is not None


@functools.cache
def _of_starter() -> Phrases:
    phrases: dict[tuple[str, str, str], str] = {}
    for line in _FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            direction, phrase, made = line.split("\t")
            source, _, target = direction.partition(">")
            phrases[source, target, phrase] = made
    return Phrases(phrases)
