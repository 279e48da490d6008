"""The lines of tests/data/moderation.tsv and how they fare."""

import re
import zlib
from pathlib import Path
from typing import NamedTuple

from chat.moderation import TermList, default_lists

PATH = Path(__file__).parents[1] / "data" / "moderation.tsv"
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


class Line(NamedTuple):
    caught: bool
    evasion: str
    text: str
    held_out: bool
    """One line in four, by its own bytes: never looked at while rules and lists were changed."""


class Figures(NamedTuple):
    caught: int
    to_catch: int
    hit: int
    innocent: int

    def __str__(self) -> str:
        return (
            f"caught {self.caught} of {self.to_catch} ({self.caught / self.to_catch:.1%}), "
            f"innocent lines hit {self.hit} of {self.innocent} ({self.hit / self.innocent:.1%})"
        )


def lines() -> list[Line]:
    """All lines; `\\u200b` and the like in the file are the character."""
    found = []
    for row in PATH.read_text("utf-8").splitlines():
        verdict, evasion, raw = row.split("\t")
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), raw)
        found.append(Line(verdict == "caught", evasion, text, zlib.crc32(raw.encode()) % 4 == 0))
    return found


def default_terms() -> TermList:
    """All lists that come with the house, as one."""
    return TermList(term for listed in default_lists().values() for term in listed)


def figures(terms: TermList, among: list[Line]) -> Figures:
    hits = [(line.caught, bool(terms.find(line.text))) for line in among]
    return Figures(
        sum(found for caught, found in hits if caught),
        sum(caught for caught, _ in hits),
        sum(found for caught, found in hits if not caught),
        sum(not caught for caught, _ in hits),
    )
