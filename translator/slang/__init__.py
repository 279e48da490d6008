"""Slang of Chinese and English chat, found in a line and explained: yyds, 破防, no cap, it's giving. Pure once loaded.

Invariant: a chip that explains a word nobody used is worse than no chip. So a Latin term is found only as a whole word
("bet" is not in "better"; a Chinese neighbour ends a word), a term that is also an ordinary word (mid, tea, 6, 上头)
only where it stands alone, and nothing is found inside a mention, an address or code. Positions are those of the text
as it was given: folding (case, full width, curly quotes) never changes a length.

The line is translated as ever; these explanations stand beside it, because no engine knows this year's words. One row a
term in `slang.tsv`; a room may add its own or silence one of ours. The index goes by the first two characters: 600
terms or 6,000 cost the same, a few microseconds a line.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import regex

from translator import masking

_FILE: Final = Path(__file__).parent / "slang.tsv"
_COLUMNS: Final = 7


class Where(StrEnum):
    """Where the bare term counts. Its variants are telling by themselves and count anywhere."""

    ANYWHERE = "anywhere"
    CLAUSE = "clause"
    """Alone between marks, spaces around them, emoji, or the ends of the line: "Bet, see you there"."""
    LINE = "line"
    """As a whole line, marks and emoji aside."""
    CHINESE = "chinese"
    """In a line that holds Chinese too: an English word with a meaning of its own there (cue, flag, mark)."""


class Register(StrEnum):
    """How careful to be with it."""

    PLAIN = "plain"
    MILD = "mild"
    """May tease or hurt."""
    RUDE = "rude"
    """Explained so that a reader knows; not for use among strangers."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term with its explanations. Empty explanations silence the term: how a room removes one."""

    term: str
    language: str
    """Of the term: "zh" or "en"."""
    meaning_en: str
    meaning_zh: str
    variants: tuple[str, ...] = ()
    where: Where = Where.ANYWHERE
    register: Register = Register.PLAIN

    def meaning(self, reader: str) -> str:
        """The explanation for a reader of `reader` (a canonical tag): in Chinese, or else in English."""
        return self.meaning_zh if reader in ("zh", "zh-Hant") else self.meaning_en


@dataclass(frozen=True, slots=True)
class Found:
    """`text[start:end]` is `term`, perhaps in another spelling."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Form:
    """One spelling of a term, folded."""

    text: str
    term: Term
    where: Where
    latin_first: bool
    latin_last: bool
    stretch_min: int | None
    """How many more of its last character there must be, if there are more: 666 may be 66666, slay may be slayyy."""


_LATIN: Final = regex.compile(r"[\p{Latin}\p{N}_]")
_STARTS: Final = re.compile(r"(?<![a-z0-9_])[a-z0-9_]|[^a-z0-9_\s]")
"""Where a term may begin: at a word's first letter, or at anything that is no Latin letter."""
_MARKS_OF_SPANS: Final = frozenset("@.`")
"""No address, unnamed mention or code without one of these."""
_HAN: Final = regex.compile(r"\p{Han}")
_FOLDS: Final = str.maketrans(
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {0x3000: " ", 0x00A0: " ", 0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
)
_COUNTED: Final = frozenset("元块塊圆圓角毛钱錢个個万萬千百亿億号號路人年月日点點分秒米里斤克次岁歲度层層楼樓室票张張%")
"""After digits they make a number of them: 666元 is a price."""
_JOINS: Final = frozenset("'-_&@#$/")
"""Beside a word they make it a part of something longer: "mid-July", "W&L", "@slay"."""


class Slang:
    """Terms ready to be found. Immutable: `including` gives a new one."""

    def __init__(self, terms: Iterable[Term]) -> None:
        forms: dict[tuple[str, str], _Form] = {}
        self._terms: dict[tuple[str, str], Term] = {}
        for term in terms:
            replaced = self._terms.pop((term.language, fold(term.term)), None)
            if replaced is not None:
                forms = {key: form for key, form in forms.items() if form.term is not replaced}
            self._terms[term.language, fold(term.term)] = term
            for form in _forms(term):
                forms[term.language, form.text] = form
        self._index: dict[str, list[_Form]] = {}
        for form in sorted(forms.values(), key=lambda form: -len(form.text)):
            if form.term.meaning_en or form.term.meaning_zh:
                self._index.setdefault(form.text[:2], []).append(form)
        self._single = frozenset(key for key in self._index if len(key) == 1)

    @classmethod
    def builtin(cls) -> "Slang":
        """The table that comes with Diqiucun; read once."""
        return _builtin()

    def including(self, terms: Iterable[Term]) -> "Slang":
        """These terms and `terms`, which win over ours of the same spelling."""
        return Slang((*self._terms.values(), *terms))

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(self._terms.values())

    def find(self, text: str, language: str | None = None, mentions: Iterable[str] = ()) -> tuple[Found, ...]:
        """Terms of `language` ("zh", "en"; None: of both) in `text`: ascending, the longest where several begin."""
        folded = fold(text)
        found: list[Found] = []
        index, single = self._index, self._single
        over = 0
        for candidate in _STARTS.finditer(folded):
            position = candidate.start()
            if position < over:
                continue
            forms: Sequence[_Form] = index.get(folded[position : position + 2], ())
            if folded[position] in single:
                forms = (*forms, *index[folded[position]])
            for form in forms:
                if folded.startswith(form.text, position) and (language is None or form.term.language == language):
                    end = _end(folded, position, form)
                    if end:
                        found.append(Found(form.term, position, end))
                        over = end
                        break
        mentions = tuple(mentions)
        if found and (mentions or not _MARKS_OF_SPANS.isdisjoint(text)):
            taken = _protected(text, mentions)
            found = [each for each in found if not any(a < each.end and each.start < b for a, b in taken)]
        return tuple(found)


def find(
    text: str, language: str | None = None, mentions: Iterable[str] = (), room: tuple[Term, ...] = ()
) -> tuple[Found, ...]:
    """`Slang.find` with the built-in table and a room's own terms."""
    return _of_room(room).find(text, language, mentions)


def fold(text: str) -> str:
    """What two spellings of one term have in common: no case, half-width, plain quotes. As long as `text`."""
    plain = text.translate(_FOLDS)
    lowered = plain.lower()
    if len(lowered) == len(plain):
        return lowered
    return "".join(small if len(small := each.lower()) == 1 else each for each in plain)


def read(lines: Iterable[str]) -> tuple[Term, ...]:
    """Terms of a table like `slang.tsv`. Raises ValueError with the number of a row that cannot be used."""
    terms: list[Term] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
        if len(cells) != _COLUMNS or not (cells[0] and cells[5] and cells[6]):
            raise ValueError(f"row {number}: expected {_COLUMNS} columns, term and both meanings not empty")
        term, language, variants, where, register, meaning_en, meaning_zh = cells
        if language not in ("zh", "en"):
            raise ValueError(f"row {number}: the language of a term is zh or en, not {language!r}")
        try:
            kinds = Where(where), Register(register)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
        spelled = tuple(variant for variant in variants.split("|") if variant)
        terms.append(Term(term, language, meaning_en, meaning_zh, spelled, *kinds))
    return tuple(terms)


def _forms(term: Term) -> Iterable[_Form]:
    for number, spelling in enumerate((term.term, *term.variants)):
        text = fold(spelling)
        if not text:
            continue
        where = term.where if number == 0 or term.where is Where.CHINESE else Where.ANYWHERE
        latin_last = bool(_LATIN.match(text[-1]))
        stretch_min = None
        if (latin_last and text[-1:] == text[-2:-1]) or (len(text) == 1 and text.isdigit()):
            stretch_min = 1
        elif len(text) > 1 and text[-1].isalpha() and latin_last:
            stretch_min = 2
        yield _Form(text, term, where, bool(_LATIN.match(text[0])), latin_last, stretch_min)


def _end(folded: str, start: int, form: _Form) -> int:
    """Where the term that begins at `start` ends, or 0 when it does not count there."""
    end = start + len(form.text)
    if form.stretch_min is not None:
        last = form.text[-1]
        run = end
        while run < len(folded) and folded[run] == last:
            run += 1
        if run - end >= form.stretch_min:
            end = run
    if form.latin_first and start and _continues(folded, start - 1, -1):
        return 0
    if form.latin_last and end < len(folded) and _continues(folded, end, 1):
        return 0
    if form.text.isdigit() and _counts(folded, start, end):
        return 0
    match form.where:
        case Where.ANYWHERE:
            return end
        case Where.CHINESE:
            return end if _HAN.search(folded) else 0
        case Where.CLAUSE:
            return end if _is_bare(folded, start - 1, -1) and _is_bare(folded, end, 1) else 0
        case Where.LINE:
            before = folded.rfind("\n", 0, start) + 1
            after = folded.find("\n", end)
            rest = folded[before:start] + folded[end : after if after >= 0 else len(folded)]
            return 0 if any(each.isalnum() for each in rest) else end


def _continues(folded: str, position: int, step: int) -> bool:
    """True when the character beside a Latin term belongs to the same word or compound."""
    beside = folded[position]
    if _LATIN.match(beside):
        return True
    beyond = position + step
    joined = beside in _JOINS or (beside == "." and step == -1)
    return joined and 0 <= beyond < len(folded) and folded[beyond].isascii() and folded[beyond].isalnum()


def _counts(folded: str, start: int, end: int) -> bool:
    """True for digits that say how many, how much or how late."""
    before, after = folded[:start].rstrip(" ")[-1:], folded[end:].lstrip(" ")[:1]
    decimal = folded[end : end + 1] in tuple(".:") and folded[end + 1 : end + 2].isdigit()
    return before in tuple("¥$€£.:") or after in _COUNTED or decimal


def _is_bare(folded: str, position: int, step: int) -> bool:
    """True when what follows (or precedes) is a mark, an emoji or the end, spaces aside."""
    while 0 <= position < len(folded) and folded[position] in " \t":
        position += step
    if not 0 <= position < len(folded):
        return True
    return not folded[position].isalnum() and folded[position] not in _JOINS


def _protected(text: str, mentions: Iterable[str]) -> list[tuple[int, int]]:
    """Where mentions, addresses and code stand in `text`."""
    spans: list[tuple[int, int]] = []
    start = 0
    for segment in masking.mask(text, mentions):
        end = start + len(segment.text)
        if isinstance(segment, masking.Verbatim) and segment.kind in _KEPT:
            spans.append((start, end))
        start = end
    return spans


_KEPT: Final = frozenset({masking.Kind.MENTION, masking.Kind.URL, masking.Kind.EMAIL, masking.Kind.CODE})


@functools.cache
def _builtin() -> Slang:
    return Slang(read(_FILE.read_text("utf-8").splitlines()))


@functools.lru_cache(maxsize=1_024)
def _of_room(room: tuple[Term, ...]) -> Slang:
    return _builtin().including(room) if room else _builtin()
