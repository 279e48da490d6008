"""The room's words: terms of its glossary and names of people present, found in a text. Pure.

Invariant: `place(text)` replaces each occurrence with what the reader shall see there, longest match first, and lists
them; afterwards `count` says whether a translation still shows each exactly as often. What was placed can be counted:
a space parts a form from a letter or digit beside it with which it would be read as one word. A term that is written
in letters with spaces around them matches whole words only, in any case unless it has a capital itself; Chinese, which
has no spaces, matches anywhere, in both scripts.

Placed *before* the engine, because then the sentence itself says which terms apply to it: caches that are keyed by
sentence go stale with exactly those rows that a changed term concerns. Keyed by the glossary's version instead, one
new term would empty the cache of a whole room, and two rooms could never share a row.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import regex

from chat.ports import Term
from translator import slang
from translator.chinese import SIMPLIFIED, TRADITIONAL, convert, to_simplified, to_traditional
from translator.explaining import noted
from translator.names import is_distinct, is_meant, is_written_as_name
from translator.scripts import WIDE

_WIDE: Final = regex.compile(WIDE)
_HAN: Final = regex.compile(r"\p{Han}")
_CAPITAL: Final = regex.compile(r"\p{Lu}")
_LETTER: Final = rf"(?!{WIDE})[\p{{L}}\p{{N}}_]"
_IN_WORD: Final = regex.compile(_LETTER)
_SPACE: Final = regex.compile(r"\s+")
_UNEVEN: Final = regex.compile(r"\s\s|[^\S ]")


@dataclass(frozen=True, slots=True)
class Kept:
    """One occurrence: `source` as it stands in the message, `form` as it must stand in the translation."""

    source: str
    form: str


@dataclass(frozen=True, slots=True)
class Placed:
    text: str
    kept: tuple[Kept, ...]


class Role(StrEnum):
    """What a term is to a line that holds it."""

    KEPT = "kept"
    """Stays as it is, for everybody."""
    WORD = "word"
    """A word of some language; some readers shall see a certain other one for it."""
    NAME = "name"
    """A member's, which some readers shall see in another form."""


class Terms:
    """The terms of one room at one version; `into` picks those meant for a reader's language."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = tuple(terms)
        self._matchers: dict[str, _Finder | None] = {}
        self._named: dict[str, dict[str, str]] = {}

    def into(self, target: str, names: Sequence[str] = ()) -> "Placing":
        """What to place for readers of `target`; `names` are those of people present."""
        if target not in self._matchers:
            self._matchers[target] = _finder(_chosen(self._spelled, target))
        return Placing(self._matchers[target], _names(tuple(sorted(names))))

    def introduced(self, text: str, output: str, target: str) -> str:
        """`output` with what a member is called in `text` beside the first mention of them: "Hi Brecken (雷恩)". Added
        after the engine, so that no sentence is translated with brackets in it."""
        if target not in self._named:
            self._named[target] = _chosen([each for each in self._spelled if each[0].name], target)
        for source, form in self._named[target].items():
            if not form or source not in text or form == source or source.casefold() in output.casefold():
                continue
            brackets = f"（{source}）" if target in (SIMPLIFIED, TRADITIONAL) else f" ({source})"
            output = regex.sub(_bounded(form), lambda found, b=brackets: found[0] + b, output, count=1)
        return output

    def targets(self) -> tuple[str, ...]:
        """Languages that were asked for so far."""
        return tuple(self._matchers)

    def standing(self, text: str) -> list[tuple[str, "Role"]]:
        """The terms in `text`, as they stand there."""
        found = self._standing.find(text) if self._standing else []
        return [(text[start:end], Role(role)) for start, end, role in found]

    @functools.cached_property
    def _spelled(self) -> "tuple[tuple[Term, tuple[str, ...]], ...]":
        """The terms with their sources in both Chinese scripts."""
        sources = [_collapsed(term.source.strip()) for term in self._terms]
        han = tuple(dict.fromkeys(source for source in sources if _HAN.search(source)))
        in_both = _in_both_scripts(han)
        return tuple(
            (term, in_both.get(source, (source,)))
            for term, source in zip(self._terms, sources, strict=True)
            if source and (not term.name or is_distinct(source) or is_written_as_name(source))
        )

    @functools.cached_property
    def _standing(self) -> "_Finder | None":
        roles: dict[str, str] = {}
        for term, sources in self._spelled:
            role = Role.KEPT if not (term.target or "").strip() else Role.NAME if term.name else Role.WORD
            roles |= {source: role for source in sources if roles.get(source, Role.KEPT) is Role.KEPT}
        return _finder(roles)

    @functools.cached_property
    def explained(self) -> tuple[slang.Term, ...]:
        """Those with a note: they are explained beside the text."""
        return noted(self._terms)


@dataclass(frozen=True, slots=True)
class Placing:
    """Terms and names for one target."""

    _terms: "_Finder | None" = None
    _names: "_Names | None" = None

    def place(self, text: str) -> Placed:
        return _placed(text, [hit for finder in (self._terms, self._names) if finder for hit in finder.find(text)])


NOTHING: Final = Placing()


def count(text: str, forms: Iterable[str]) -> Counter[str]:
    """How often each of `forms` stands in `text`; capitals apart, since a sentence may begin with one, but for a name
    that only its capital tells from a word: in "Will will come" there is one Will."""
    finder = _forms_finder(tuple(sorted(set(forms))))
    return Counter(_folded(_collapsed(text[start:end])) for start, end, _ in finder.find(text))


def part(text: str, forms: Iterable[str]) -> list[tuple[str, bool]]:
    """`text` cut around `forms`: (part, whether it is one of them), in order, joined again the text."""
    parts: list[tuple[str, bool]] = []
    over = 0
    for start, end, _ in _forms_finder(tuple(sorted(set(forms)))).find(text):
        if start > over:
            parts.append((text[over:start], False))
        parts.append((text[start:end], True))
        over = end
    if over < len(text):
        parts.append((text[over:], False))
    return parts


def repaired(output: str, kept: Iterable[Kept]) -> str:
    """`output` of the untouched sentence, with terms that came through untranslated put into their form."""
    folded = output.casefold()
    missing = {each.source: each.form for each in kept if each.form.casefold() not in folded}
    return _placed(output, _Finder(missing, in_any_case=lambda _: True).find(output)).text if missing else output


Hit = tuple[int, int, str]
"""Start, end, and what shall stand there."""


def _placed(text: str, hits: Iterable[Hit]) -> Placed:
    """`text` with the hits in their forms, the first and longest of those that overlap."""
    placed = ""
    kept: list[Kept] = []
    end = 0
    for start, stop, form in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        if start < end:
            continue
        placed += _apart(kept, text[end:start]) + text[end:start]
        if placed and (_grows(form[0], placed[-1]) or (start == end and kept and _grows(placed[-1], form[0]))):
            placed += " "
        placed += form
        kept.append(Kept(text[start:stop], form))
        end = stop
    return Placed(placed + _apart(kept, text[end:]) + text[end:], tuple(kept))


def _apart(kept: Sequence[Kept], rest: str) -> str:
    """What must stand between the last form and the text behind it."""
    return " " if kept and rest and _grows(kept[-1].form[-1], rest[0]) else ""


def _grows(edge: str, neighbour: str) -> bool:
    """True where the letter or digit at the edge of a form would be read as one word with its neighbour."""
    return edge.isalnum() and _is_in_word(edge) and _is_in_word(neighbour)


@dataclass(frozen=True, slots=True)
class _Entry:
    source: str
    form: str
    in_any_case: bool
    begins_word: bool
    """A letter in front of it makes it a part of another word."""
    ends_word: bool


def _has_no_capital(source: str) -> bool:
    return _CAPITAL.search(source) is None


def _is_no_word(form: str) -> bool:
    return is_distinct(form) or not is_written_as_name(form)


class _Finder:
    """Sources in a text by their first character and the lengths there are for it. One pattern of all of them takes
    a quarter of a second to compile for two thousand terms, and a lone message waits for it; this takes a few ms."""

    def __init__(self, forms: Mapping[str, str], in_any_case: Callable[[str], bool] = _has_no_capital) -> None:
        """`forms` by source; `in_any_case` says of a source whether it is itself in other capitals, too."""
        self._entries: dict[str, list[_Entry]] = {}
        lengths: dict[str, set[int]] = {}
        for source, form in forms.items():
            plain = _collapsed(source)
            if not plain:
                continue
            entry = _Entry(plain, form, in_any_case(plain), _is_bound(plain[0]), _is_bound(plain[-1]))
            key = _folded(plain)
            self._entries.setdefault(key, []).append(entry)
            lengths.setdefault(key[0], set()).add(len(key))
        for entries in self._entries.values():
            entries.sort(key=lambda entry: entry.in_any_case)  # the exact one first
        self._lengths = {first: tuple(sorted(known, reverse=True)) for first, known in lengths.items()}

    def find(self, text: str) -> list[Hit]:
        """Ascending, not overlapping, the longest where several begin; an empty form keeps what stands there."""
        places: Sequence[int] | None = None
        plain = text
        if _UNEVEN.search(text):
            plain, places = _collapsed(text), _places(text)
        folded = _folded(plain)
        found: list[Hit] = []
        position, over = 0, len(plain)
        while position < over:
            entry = self._at(plain, folded, position)
            if entry is None:
                position += 1
                continue
            end = position + len(entry.source)
            start, stop = (places[position], places[end - 1] + 1) if places is not None else (position, end)
            found.append((start, stop, entry.form or text[start:stop]))
            position = end
        return found

    def _at(self, plain: str, folded: str, start: int) -> _Entry | None:
        for length in self._lengths.get(folded[start], ()):
            end = start + length
            for entry in self._entries.get(folded[start:end], ()):
                if not entry.in_any_case and plain[start:end] != entry.source:
                    continue
                if entry.begins_word and start and _is_in_word(plain[start - 1]):
                    continue
                if entry.ends_word and end < len(plain) and _is_in_word(plain[end]):
                    continue
                return entry
        return None


def _finder(forms: Mapping[str, str]) -> _Finder | None:
    return _Finder(forms) if forms else None


@functools.lru_cache(maxsize=2_000)
def _forms_finder(forms: tuple[str, ...]) -> _Finder:
    return _Finder({form: form for form in forms}, _is_no_word)


def _collapsed(text: str) -> str:
    """Every run of white space as one space."""
    return str(_SPACE.sub(" ", text)) if _UNEVEN.search(text) else text


def _places(text: str) -> list[int]:
    """For each character of `_collapsed(text)`, where it (or its run) begins in `text`."""
    places: list[int] = []
    in_space = False
    for place, character in enumerate(text):
        is_space = _SPACE.match(character) is not None
        if not (is_space and in_space):
            places.append(place)
        in_space = is_space
    return places


def _folded(text: str) -> str:
    """`text` without case, as long as it was: ß stays ß."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(each if len(each.casefold()) != 1 else each.casefold() for each in text)


@functools.lru_cache(maxsize=8_192)
def _is_in_word(character: str) -> bool:
    """True for letters and digits of writing that puts spaces between words, and for the underscore."""
    return _IN_WORD.match(character) is not None


def _is_bound(edge: str) -> bool:
    return edge.isalnum() and _WIDE.match(edge) is None


def _chosen(terms: Iterable[tuple[Term, tuple[str, ...]]], target: str) -> dict[str, str]:
    """source -> form ("" keeps the source). A term for exactly this language wins over one for the other Chinese
    script, and that over one for every language."""
    chosen: dict[str, tuple[int, str]] = {}
    for term, sources in terms:
        form = (term.target or "").strip()
        if term.language == target:
            worth = 3
        elif {term.language, target} == {SIMPLIFIED, TRADITIONAL}:
            worth, form = 2, convert(form, target)
        elif term.language == "":
            worth = 1
        else:
            continue
        for source in sources:
            if source not in chosen or worth > chosen[source][0]:
                chosen[source] = (worth, form)
    return {source: form for source, (_, form) in chosen.items()}


def _in_both_scripts(sources: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Each of `sources` (of one line each) as it is, in Simplified and in Traditional. Converted together: two thousand
    calls cost ten times what the conversion does."""
    lines = "\n".join(sources)
    converted = [convert(lines).split("\n") for convert in (to_simplified, to_traditional)] if sources else [[], []]
    if any(len(each) != len(sources) for each in converted):
        converted = [[convert(source) for source in sources] for convert in (to_simplified, to_traditional)]
    return {each[0]: tuple(dict.fromkeys(each)) for each in zip(sources, *converted, strict=True)}


class _Names:
    """Names of people present, where a line means them."""

    def __init__(self, names: Iterable[str]) -> None:
        stripped = [name.strip() for name in names]
        self._distinct = _Finder({name: name for name in stripped if is_distinct(name)})
        self._words_too = _Finder(
            {name: name for name in stripped if not is_distinct(name) and is_written_as_name(name)}
        )

    def find(self, text: str) -> list[Hit]:
        meant = [hit for hit in self._words_too.find(text) if is_meant(text, hit[0], hit[1])]
        return self._distinct.find(text) + meant


@functools.lru_cache(maxsize=1_000)
def _names(names: tuple[str, ...]) -> _Names | None:
    return _Names(names) if names else None


def _bounded(source: str) -> str:
    """A pattern for `source`: letters of an alphabet at its ends must not go on."""
    before = "" if _WIDE.match(source[0]) or not source[0].isalnum() else f"(?<!{_LETTER})"
    after = "" if _WIDE.match(source[-1]) or not source[-1].isalnum() else f"(?!{_LETTER})"
    return before + r"\s+".join(regex.escape(word) for word in source.split()) + after
