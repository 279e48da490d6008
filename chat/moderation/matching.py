"""Terms compiled into one matcher.

Two steps, because most messages have nothing in them. First, one pass of an Aho-Corasick automaton (Aho and Corasick,
CACM 18(6), 1975) over a form of the text so coarse that nothing is missed: no separators, digits read as letters, runs
of a letter as one. A second automaton looks at the sounds, only where terms ask for it and the text is not ASCII. What
these name is then looked at closely (`patterns`), and may turn out to be innocent.

Invariant: which terms there are changes what a text costs only where the text comes close to one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Set
from operator import attrgetter
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

from chat.errors import ErrorCode, Rejected
from chat.moderation.folding import SOUNDS, Skeleton, collapsed, folding
from chat.moderation.patterns import Pattern, core_of, is_han, is_latin, letters_of, masked_forms
from chat.moderation.terms import LISTED_TERMS_MAX, NOTHING, Action, Hits, Kind, Term, checked

_DOUBLED: Final = re.compile(r"(.)\1", re.DOTALL)
_MASKED: Final = re.compile(r"\w[^\w\s'’,;:?]{1,6}\w")
"""Something between two letters: without it no letter is masked, and terms that were named for that are not meant."""
_MASKED_LETTERS_MIN: Final = 3
"""What is left of a term without its vowels must be so long to be looked for: `fck`, not `s`."""
_CANDIDATES_MAX: Final = 200
"""Terms that are looked at closely in one text, severest first: who writes more of them has said enough."""
_SEVERITY: Final = list(Action)


class TermList:
    """Terms, ready to be found. Immutable; safe to share between threads and rooms."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        """Raises Rejected(MALFORMED): a term is empty or too long, or there are more than LISTED_TERMS_MAX."""
        listed = tuple(checked(term) for term in dict.fromkeys(terms))
        if len(listed) > LISTED_TERMS_MAX:
            raise Rejected(ErrorCode.MALFORMED, f"{len(listed)} terms are too many; at most {LISTED_TERMS_MAX} fit")
        self.terms: Final = tuple(sorted(listed, key=lambda term: -_SEVERITY.index(term.action)))
        """All terms, severest first."""
        cores = [core_of(term) for term in self.terms]
        self._patterns: list[Pattern | None] = [None] * len(cores)
        self._skeleton = Skeleton(sign for core in cores if len(letters_of(core)) < 2 for sign in core if sign.strip())
        self._by_letters = _Automaton(
            (collapsed(form.translate(self._skeleton)), number + (0 if form is core else len(cores)))
            for number, core in enumerate(cores)
            for form in (core, *_masked(core, self.terms[number]))
        )
        self._by_sound = _Automaton(
            (core.translate(SOUNDS), number)
            for number, core in enumerate(cores)
            if self.terms[number].kind is Kind.PINYIN and any(map(is_han, core))
        )

    def __len__(self) -> int:
        return len(self.terms)

    def find(self, text: str) -> Hits:
        """All terms in `text`, as its author wrote it. Never raises, whatever the text is."""
        skeleton = text.translate(self._skeleton)
        if _DOUBLED.search(skeleton):
            skeleton = collapsed(skeleton)
        candidates: Set[int] = self._by_letters.in_text(skeleton)
        if self._by_sound.size and not text.isascii():
            candidates = candidates | self._by_sound.in_text(text.translate(SOUNDS))
        if not candidates:
            return NOTHING
        masked = {number - len(self.terms) for number in candidates if number >= len(self.terms)}
        if masked:
            candidates = {number for number in candidates if number < len(self.terms)}
            if _MASKED.search(text):
                candidates |= masked
        return self._looked_at(text, sorted(candidates)[:_CANDIDATES_MAX]) if candidates else NOTHING

    def _looked_at(self, text: str, candidates: list[int]) -> Hits:
        folded = folding(text)
        hits = [hit for number in candidates for hit in self._pattern(number).hits(folded)]
        hits.sort(key=_BY_PLACE)
        return Hits(tuple(hits))

    def _pattern(self, number: int) -> Pattern:
        """Expressions are compiled when first needed: of ten thousand terms, few are ever met."""
        pattern = self._patterns[number]
        if pattern is None:
            pattern = self._patterns[number] = Pattern(self.terms[number])
        return pattern


_BY_PLACE: Final = attrgetter("start", "end")
_NONE: Final[frozenset[int]] = frozenset()


class _Automaton:
    """Forms, each of one or more terms, and which of these terms a text may hold."""

    def __init__(self, forms: Iterable[tuple[str, int]]) -> None:
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        for form, number in forms:
            if form:
                numbers[form].add(number)
        self._numbers = [frozenset(found) for found in numbers.values()]
        self.size: Final = len(self._numbers)
        self._search = AhoCorasick(
            list(numbers), implementation=Implementation.ContiguousNFA, store_patterns=False
        ).find_matches_as_indexes

    def in_text(self, text: str) -> frozenset[int]:
        found = self._search(text, True)
        if not found:
            return _NONE
        return frozenset().union(*(self._numbers[form] for form, _, _ in found))


def _masked(core: str, term: Term) -> list[str]:
    """The forms in which a term with masked vowels comes: none where they would be too short, or are not looked for."""
    if term.strict or any(map(is_han, core)) or not any(map(is_latin, core)):
        return []
    forms = masked_forms(letters_of(core))
    return [form for form in forms if len(collapsed(form)) >= _MASKED_LETTERS_MIN]
