"""The room's words: terms of its glossary and names of people present, found in a text. Pure.

Invariant: `place(text)` replaces each occurrence with what the reader shall see there, longest match first, and lists
them; afterwards `kept` counts whether a translation still shows each exactly as often. A term that is written in
letters with spaces around them matches whole words only, in any case unless it has a capital itself; Chinese, which
has no spaces, matches anywhere, in both scripts.

Placed *before* the engine, because then the sentence itself says which terms apply to it: caches that are keyed by
sentence go stale with exactly those rows that a changed term concerns. Keyed by the glossary's version instead, one
new term would empty the cache of a whole room, and two rooms could never share a row.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from chat.ports import Term
from translator import slang
from translator.chinese import SIMPLIFIED, TRADITIONAL, convert, to_simplified, to_traditional
from translator.explaining import noted
from translator.scripts import WIDE

_WIDE: Final = regex.compile(WIDE)
_HAN: Final = regex.compile(r"\p{Han}")
_CAPITAL: Final = regex.compile(r"\p{Lu}")
_IN_WORD: Final = rf"(?!{WIDE})[\p{{L}}\p{{N}}_]"
_WORDS_TOO: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    a an the i you he it we they me my is are am was be do does did can will may not no yes ok hi hello in on at to of
    and or but so if up go all any one two new good just like love this that what who how why when mark bill art guy
    man joy may june april august summer grace hope faith rose rich sunny happy angel
    """,
    )
)
"""Names that are words too are left to the engine: one member called Will must not break everybody's future tense."""
NAME_HAN_MIN: Final = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """One occurrence: `source` as it stands in the message, `form` as it must stand in the translation."""

    source: str
    form: str


@dataclass(frozen=True, slots=True)
class Placed:
    text: str
    kept: tuple[Kept, ...]


class Terms:
    """The terms of one room at one version; `into` picks those meant for a reader's language."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = tuple(terms)
        self._matchers: dict[str, _Matcher | None] = {}
        self._named: dict[str, dict[str, str]] = {}

    def into(self, target: str, names: Sequence[str] = ()) -> "Placing":
        """What to place for readers of `target`; `names` are those of people present."""
        if target not in self._matchers:
            self._matchers[target] = _matcher(_chosen(self._terms, target))
        return Placing(self._matchers[target], _names(tuple(sorted(names))))

    def introduced(self, text: str, output: str, target: str) -> str:
        """`output` with what a member is called in `text` beside the first mention of them: "Hi Brecken (雷恩)". Added
        after the engine, so that no sentence is translated with brackets in it."""
        if target not in self._named:
            self._named[target] = _chosen([term for term in self._terms if term.name], target)
        for source, form in self._named[target].items():
            if not form or source not in text or form == source or source.casefold() in output.casefold():
                continue
            brackets = f"（{source}）" if target in (SIMPLIFIED, TRADITIONAL) else f" ({source})"
            output = regex.sub(_bounded(form), lambda found, b=brackets: found[0] + b, output, count=1)
        return output

    def targets(self) -> tuple[str, ...]:
        """Languages that were asked for so far."""
        return tuple(self._matchers)

    def sources(self) -> tuple[str, ...]:
        return tuple(term.source for term in self._terms)

    @functools.cached_property
    def explained(self) -> tuple[slang.Term, ...]:
        """Those with a note: they are explained beside the text."""
        return noted(self._terms)


@dataclass(frozen=True, slots=True)
class Placing:
    """Terms and names for one target."""

    _terms: "_Matcher | None" = None
    _names: "_Matcher | None" = None

    def place(self, text: str) -> Placed:
        found = [hit for matcher in (self._terms, self._names) if matcher for hit in matcher.find(text)]
        if not found:
            return Placed(text, ())
        parts: list[str] = []
        kept: list[Kept] = []
        end = 0
        for start, stop, form in sorted(found, key=lambda hit: (hit[0], -hit[1])):
            if start < end:
                continue
            parts += (text[end:start], form)
            kept.append(Kept(text[start:stop], form))
            end = stop
        return Placed("".join(parts) + text[end:], tuple(kept))


NOTHING: Final = Placing()


def count(text: str, forms: Iterable[str]) -> Counter[str]:
    """How often each of `forms` stands in `text`; capitals apart, since a sentence may begin with one."""
    pattern = _forms_pattern(tuple(sorted(set(forms), key=lambda form: (-len(form), form))))
    return Counter(found[0].casefold() for found in pattern.finditer(text)) if pattern else Counter()


def part(text: str, forms: Iterable[str]) -> list[tuple[str, bool]]:
    """`text` cut around `forms`: (part, whether it is one of them), in order, joined again the text."""
    pattern = _forms_pattern(tuple(sorted(set(forms), key=lambda form: (-len(form), form))))
    if pattern is None:
        return [(text, False)]
    parts: list[tuple[str, bool]] = []
    end = 0
    for found in pattern.finditer(text):
        if found.start() > end:
            parts.append((text[end : found.start()], False))
        parts.append((found[0], True))
        end = found.end()
    if end < len(text):
        parts.append((text[end:], False))
    return parts


def repaired(output: str, kept: Iterable[Kept]) -> str:
    """`output` of the untouched sentence, with terms that came through untranslated put into their form."""
    for each in sorted(set(kept), key=lambda each: -len(each.source)):
        if each.form.casefold() not in output.casefold():
            pattern = regex.compile(_bounded(each.source), regex.IGNORECASE)
            output = pattern.sub(lambda _, form=each.form: form, output)
    return output


class _Matcher:
    def __init__(self, forms: dict[str, str]) -> None:
        """`forms` by source. A source without a capital is found in any case."""
        self._exact = forms
        self._folded = {source.casefold(): form for source, form in forms.items() if not _CAPITAL.search(source)}
        longest = sorted(forms, key=lambda source: (-len(source), source))
        alternatives = (
            _bounded(source) if _CAPITAL.search(source) else f"(?i:{_bounded(source)})" for source in longest
        )
        self._pattern = regex.compile("|".join(alternatives))

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, form); an empty form keeps what stands there."""
        return [
            (found.start(), found.end(), self._form(found[0]) or found[0]) for found in self._pattern.finditer(text)
        ]

    def _form(self, found: str) -> str:
        exact = self._exact.get(found)
        return exact if exact is not None else self._folded.get(found.casefold(), "")


def _matcher(forms: dict[str, str]) -> _Matcher | None:
    return _Matcher(forms) if forms else None


def _chosen(terms: Sequence[Term], target: str) -> dict[str, str]:
    """source -> form ("" keeps the source). A term for exactly this language wins over one for the other Chinese
    script, and that over one for every language."""
    chosen: dict[str, tuple[int, str]] = {}
    for term in terms:
        if not term.source.strip():
            continue
        form = term.target or ""
        if term.language == target:
            worth = 3
        elif {term.language, target} == {SIMPLIFIED, TRADITIONAL}:
            worth, form = 2, convert(form, target)
        elif term.language == "":
            worth = 1
        else:
            continue
        for source in _both_scripts(term.source.strip()):
            if source not in chosen or worth > chosen[source][0]:
                chosen[source] = (worth, form.strip())
    return {source: form for source, (_, form) in chosen.items()}


def _both_scripts(source: str) -> tuple[str, ...]:
    if not _HAN.search(source):
        return (source,)
    return tuple(dict.fromkeys((source, to_simplified(source), to_traditional(source))))


@functools.lru_cache(maxsize=1_000)
def _names(names: tuple[str, ...]) -> _Matcher | None:
    return _matcher({name.strip(): name.strip() for name in names if _is_distinct(name.strip())})


def _is_distinct(name: str) -> bool:
    """True for a name that is hardly ever an ordinary word."""
    han = len(_HAN.findall(name))
    if han:
        return han >= NAME_HAN_MIN or len(name) > han + 1
    return len(name) >= 2 and name.casefold() not in _WORDS_TOO and not name.isdigit()


def _bounded(source: str) -> str:
    """A pattern for `source`: letters of an alphabet at its ends must not go on."""
    before = "" if _WIDE.match(source[0]) or not source[0].isalnum() else f"(?<!{_IN_WORD})"
    after = "" if _WIDE.match(source[-1]) or not source[-1].isalnum() else f"(?!{_IN_WORD})"
    return before + r"\s+".join(regex.escape(word) for word in source.split()) + after


@functools.lru_cache(maxsize=2_000)
def _forms_pattern(forms: tuple[str, ...]) -> "regex.Pattern[str] | None":
    wanted = [form for form in forms if form]
    return regex.compile("|".join(map(_bounded, wanted)), regex.IGNORECASE) if wanted else None
