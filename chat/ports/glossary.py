"""The terms of a room's glossary, and how an entry changes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A row of a room's glossary."""

    source: str
    """As it stands in messages."""
    target: str | None
    """What stands in the translation; None: the source itself, untranslated."""
    language: str
    """Readers' language for which `target` is meant; "" for every language."""
    note: str
    added_by: str
    name: bool = False
    """A member's name: where it is first met in a text, its source is shown beside it."""


@dataclass(frozen=True, slots=True)
class Glossary:
    """The terms of a room. `version` is the seq of the entry that changed it last (0: never), so it only grows."""

    version: int = 0
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class SetTerm:
    """Write this glossary row in the same atomic step; it replaces the one with the same source and language."""

    term: Term


@dataclass(frozen=True, slots=True)
class DropTerm:
    source: str
    language: str
