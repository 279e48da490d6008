"""Slang and room terms in a message, explained to those who do not read their language. Pure.

Invariant: an explanation stands beside the text and never in its place, so it needs no translation to succeed: "yyds"
alone is left to no engine and still explained. A room adds, rewrites or silences entries through its glossary: a term
with a note is explained by its note.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from chat.events import ExplainedTerm
from chat.ports import Term as RoomTerm
from translator import slang

TERMS_MAX: Final = 8
"""Explanations of one message; a line that needs more needs a friend."""
_HAN: Final = regex.compile(r"\p{Han}")
_CHINESE: Final = frozenset({"zh", "zh-Hant"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """For readers whose first language is `language`."""

    language: str
    terms: tuple[ExplainedTerm, ...]


def noted(terms: Iterable[RoomTerm]) -> tuple[slang.Term, ...]:
    """The room's terms that carry a note, as slang: explained by it in every language."""
    return tuple(
        slang.Term(
            term=term.source,
            language="zh" if _HAN.search(term.source) else "en",
            meaning_en=term.note,
            meaning_zh=term.note,
        )
        for term in terms
        if term.note
    )


def explanations(
    text: str,
    readers: Iterable[Sequence[str]],
    mentions: Iterable[str] = (),
    room: tuple[slang.Term, ...] = (),
) -> tuple[Explanation, ...]:
    """What each group of readers is told; nothing for a term of a language that they read."""
    found = slang.find(text, None, mentions, room)
    if not found:
        return ()
    told: dict[str, tuple[ExplainedTerm, ...]] = {}
    for languages in readers:
        terms = tuple(
            ExplainedTerm(text[one.start : one.end], one.start, one.end, meaning)
            for one in found
            if not _reads(languages, one.term.language) and (meaning := one.term.meaning(languages[0]))
        )
        if terms:
            told.setdefault(languages[0], terms[:TERMS_MAX])
    return tuple(Explanation(language, terms) for language, terms in told.items())


def _reads(languages: Sequence[str], language: str) -> bool:
    return bool(_CHINESE.intersection(languages)) if language == "zh" else language in languages
