"""The tables of the naming rules, read once when first asked for. Where each comes from stands at its own head and in
NOTICE; `data/make.py` made those that were not written by hand."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).parent / "data"


class Character(NamedTuple):
    """A character that given names are made of."""

    hanzi: str
    pinyin: str
    gender: str
    """`f` or `m` where it leans so, `n` where it does not."""
    place: str
    """`1` or `2` where it stands better first or last of two, `b` where both do."""
    weight: int
    """How good it reads today, 1..5; suggestions use 2 and more."""
    theme: str
    en: str
    zh: str


class Surname(NamedTuple):
    """A surname, of one or two characters."""

    hanzi: str
    pinyin: str
    common: int
    """1..5"""
    pleasant: int
    """1..5: how well it stands before a given name that was made from a foreign sound."""
    en: str


class Latin(NamedTuple):
    """A name in Latin letters that a Chinese member may be given."""

    name: str
    gender: str
    theme: str
    en: str
    zh: str


def rows(name: str) -> list[list[str]]:
    """Lines of a table, cut at `|`; lines that begin with `#` say where it is from."""
    lines = (_DATA / name).read_text("utf-8").splitlines()
    return [line.split("|") for line in lines if line and not line.startswith("#")]


@cache
def characters() -> dict[str, Character]:
    return {
        row[0]: Character(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6], row[7])
        for row in rows("characters.tsv")
    }


@cache
def surnames() -> dict[str, Surname]:
    return {row[0]: Surname(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in rows("surnames.tsv")}


@cache
def latin_names() -> dict[str, Latin]:
    return {row[0].lower(): Latin(*row) for row in rows("latin.tsv")}


@cache
def spoken() -> dict[str, tuple[str, ...]]:
    """Lower-case name -> its sounds in ARPABET with stress, as the CMU dictionary writes them; ours come first."""
    found = {row[0]: tuple(row[1].split()) for row in rows("cmudict.tsv")}
    found.update((row[0], tuple(row[1].split())) for row in rows("spoken.tsv"))
    return found


@cache
def words() -> frozenset[str]:
    """Chinese words of two characters, and of three that begin with a surname."""
    return frozenset(first + rest for first, rests in rows("words.tsv") for rest in rests.split())


@cache
def taboo() -> dict[str, tuple[str, str]]:
    """Pinyin with tone numbers (`du4zi5teng2`) or without (`duziteng`) -> what is heard, in English and Chinese."""
    return {row[0]: (row[1], row[2]) for row in rows("taboo.tsv")}


@cache
def famous() -> dict[str, str]:
    """A name in either script, lower case -> who bears it, in a few English words."""
    return {name.lower(): row[1] for row in rows("famous.tsv") for name in row[0].split("/")}


@cache
def rude() -> dict[str, tuple[str, str]]:
    """A Latin name, lower case -> what is heard in another language, in English and Chinese."""
    return {row[0]: (row[1], row[2]) for row in rows("rude.tsv")}
