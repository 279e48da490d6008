"""The closer look at one term: where it is in a folded text, and what was done to it.

A term becomes a regular expression of runs (the letters of one kind that follow each other) with gaps between them.
Invariant: no two neighbouring parts of it can match the same character, and all of them are possessive, so that a
search is linear in the text, whatever the text is (no "catastrophic backtracking", CWE-1333). What no expression says
well (is `who re` a word in two pieces, or two words?) is decided afterwards, about the few places that match.
"""

import re
from collections.abc import Iterator
from itertools import combinations, groupby
from typing import Final, NamedTuple

from chat.moderation.folding import Folding, by_sound, fold, readings, simplified
from chat.moderation.terms import NUMBER, Hit, How, Kind, Term
from chat.moderation.words import SHORT_WORDS

_LETTER: Final = "[a-z\u00df-\u00f6\u00f8-\u02af\u0370-\u0dff]"
"""A letter of a script that puts spaces between words; in the others, words have no edges to look for."""
_EDGE_BEFORE: Final = rf"(?<!{_LETTER})(?<!{_LETTER}['’])(?<!{_LETTER}\d)"
_EDGE_AFTER: Final = rf"(?!\d{{0,8}}+{_LETTER})(?!['’](?!s(?!{_LETTER})){_LETTER})"
"""Not within a word, don't and sh1t2day included; the 's of somebody may follow."""
_GAP_MAX: Final = 8
"""Separators between two characters; a family emoji has seven code points."""
_MASK: Final = r"[^\w\s'’,;:?]"
_MASKED_MAX: Final = 3
_MASKED_VOWELS_MAX: Final = 3
_DIGIT: Final = "[0-9〇零幺一二三四五六七八九]"
_NUMBER_TAIL: Final = rf"(?:(?!{_DIGIT})[\s\S]){{0,12}}+{_DIGIT}(?:[\s.()/-]{{0,2}}+{_DIGIT}){{4,30}}+"
_SIGNS: Final = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!|", "l": "1!|", "o": "0", "s": "5$", "t": "7"}
_LETTER_SIGNS: Final = frozenset("@$!|")
_APOSTROPHES: Final = frozenset("'’")
_VOWELS: Final = frozenset("aeiou")
_ODD_DOUBLES: Final = frozenset("achijkquvwxy")
"""Letters that English does not double: `fuuck` is one, `god` is not hidden in `good`."""
_STOPS: Final = frozenset(".,!?;:。、\n\r")
"""Where one sentence ends and the next begins; two words that meet there make no term. Folded, so half-width."""
_COMMAS: Final = _STOPS - {"."}


def is_han(character: str) -> bool:
    return character >= "\u3400" and (character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff")


def is_latin(character: str) -> bool:
    return "a" <= character <= "z"


class Run(NamedTuple):
    """Equal letters of a term that follow each other (i and l count as equal: both are written 1)."""

    letters: str
    own_gap: bool
    """Whether the term itself has a space before it."""
    sign: str
    """Other signs of the term that must stand before it."""


def core_of(term: Term) -> str:
    """The term without its `#`, folded."""
    return fold(term.text.strip().removesuffix(NUMBER)).strip()


def runs_of(core: str, by_character: bool = False) -> tuple[list[Run], str]:
    """The runs of a folded term, and the signs after the last."""
    runs: list[Run] = []
    gap, sign = False, ""
    for merged, group in groupby(core, key=lambda c: "i" if c == "l" else c):
        letters = "".join(group)
        if merged.isalnum():
            for piece in list(letters) if by_character or is_han(merged) else [letters]:
                runs.append(Run(piece, gap, sign))
                gap, sign = False, ""
        elif merged.isspace():
            gap = True
        else:
            sign += letters
    return runs, sign


class _Word(NamedTuple):
    """A word of a term as it was written: its pieces, and what stands between them."""

    pieces: list[str]
    gaps: list[str]

    def add(self, piece: str, gap: str) -> None:
        self.gaps.append(gap)
        self.pieces.append(piece)


class Pattern:
    """What finds one term in folded texts."""

    def __init__(self, term: Term) -> None:
        core = core_of(term)
        self._term = term
        self._by_sound = term.kind is Kind.PINYIN
        self._runs, sign = runs_of(core, by_character=self._by_sound)
        self._has_han = any(is_han(character) for character in core)
        self._has_latin = any(is_latin(character) for character in core)
        self._numbered = term.text.rstrip().endswith(NUMBER) and bool(self._runs)
        self._innocent = tuple(letters_of(fold(text)) for text in term.innocent)
        parts = [self._edge(core[:1], _EDGE_BEFORE)]
        parts += [self._run(place, run) for place, run in enumerate(self._runs)]
        parts += [re.escape(sign), self._edge(core[-1:], _EDGE_AFTER)]
        if self._numbered:
            parts.append(_NUMBER_TAIL)
        self._expression = re.compile("".join(parts))

    def hits(self, folding: Folding) -> Iterator[Hit]:
        """All places of the term in a text, from its beginning, none within another."""
        for match in self._expression.finditer(by_sound(folding.text) if self._by_sound else folding.text):
            found = self._judged(match, folding)
            if found is not None and not self._is_innocent(match, folding.text):
                start, end = folding.span(*match.span())
                yield Hit(self._term, start, end, found)

    def _edge(self, character: str, edge: str) -> str:
        everywhere = self._term.kind is not Kind.WORD and not self._has_han
        return "" if everywhere or not re.fullmatch(rf"{_LETTER}|\d", character) else edge

    def _run(self, place: int, run: Run) -> str:
        """Three groups: the gap before the run, the run, and what masks it."""
        letter, least = run.letters[0], len(run.letters)
        if self._by_sound and is_han(letter):
            syllable = readings().get(letter)
            kind = by_sound(letter) + (f"|{syllable}" if syllable else "")
            signs = ""
        elif self._term.strict or not is_latin(letter):
            kind, signs = re.escape(run.letters), ""
        else:
            kind = "".join(dict.fromkeys(run.letters))
            signs = "".join(dict.fromkeys("".join(_SIGNS.get(character, "") for character in kind)))
            kind = "il" if set(kind) <= {"i", "l"} else kind
            kind = f"[{kind}{re.escape(signs)}]"
        between = _gap(signs)
        if run.sign:
            gap = rf"\s{{0,2}}+{re.escape(run.sign)}\s{{0,2}}+"
        elif place == 0 or (self._term.strict and not run.own_gap):
            gap = ""
        else:
            gap = between
        if kind.startswith("[") and not self._by_sound:
            once_more = f"(?:(?!['’]){between}{kind}(?![a-z]))*+"
            apart = f"|{kind}(?:{between}{kind}){{{least - 1}}}" if least > 1 else ""
            kind = f"(?:{kind}{{{least},}}+{apart}){once_more}"
        plain = f"({gap})({kind})"
        masked = self._maskable(place, run)
        return f"(?:{plain}|({_MASK}{{1,{_MASKED_MAX}}}+))" if masked else f"{plain}()"

    def _maskable(self, place: int, run: Run) -> bool:
        if self._term.strict or self._has_han or run.own_gap or run.sign or not 0 < place < len(self._runs) - 1:
            return False
        return run.letters[0] in _VOWELS

    def _judged(self, match: re.Match[str], folding: Folding) -> tuple[How, ...] | None:
        """What was done to the term at `match`; None where it is not the term after all."""
        found: set[How] = set()
        words = [_Word([""], [])]
        letters = digits = 0
        for place, run in enumerate(self._runs):
            gap, mask = match[3 * place + 1], match[3 * place + 3]
            written = folding.text[slice(*match.span(3 * place + 2))]
            if mask:
                found.add(How.LEET)
                words[-1].pieces[-1] += mask
                continue
            if run.own_gap:
                words.append(_Word([""], []))
                if not gap.isspace():
                    found.add(How.SPACING)
                if not _STOPS.isdisjoint(gap):
                    return None
            elif gap and not run.sign:
                words[-1].add("", gap)
            bare = _separated(written, words[-1])
            how = self._how_written(place, run, bare)
            if how is None:
                return None
            found |= how
            letters += sum(map(str.isalpha, bare))
            digits += sum(map(str.isdigit, bare)) if is_latin(run.letters[0]) else 0
        if self._has_latin and (digits > letters or not letters):
            return None
        if any(word.gaps for word in words):
            found.add(How.SPACING)
            if not all(self._is_spaced_out(word, match) for word in words if word.gaps):
                return None
        if self._by_sound and self._has_han and not self._sounds_well(match):
            return None
        return tuple(how for how in How if how in found or how in _shapes(match, folding))

    def _how_written(self, place: int, run: Run, written: str) -> set[How] | None:
        if written == run.letters:
            return set()
        if not is_latin(run.letters[0]):
            return {How.HOMOPHONE}
        if any(not is_latin(character) for character in written):
            return {How.LEET} if set(filter(is_latin, written)) <= set(run.letters) else None
        if _collapsed(written) != _collapsed(run.letters):
            return None
        once_more = len(written) == 2 and len(run.letters) == 1
        if once_more and place > 0 and written[0] not in _ODD_DOUBLES:
            return None
        return {How.REPEATED}

    def _is_spaced_out(self, word: "_Word", match: re.Match[str]) -> bool:
        """Whether gaps hide a word, rather than set words apart."""
        pieces, gaps = word
        every_gap = "".join(gaps)
        if all(len(_collapsed(piece)) == 1 for piece in pieces) and (len(pieces) > 2 or self._numbered):
            return "\n" not in every_gap
        if self._has_han:
            return _STOPS.isdisjoint(every_gap) or gaps == ["."]  # 傻.逼
        stops = _STOPS if any(map(str.isspace, every_gap)) else _COMMAS
        if not stops.isdisjoint(every_gap) or not _APOSTROPHES.isdisjoint(gaps):
            return False
        after = match.string[match.end() : match.end() + 2]
        return not all(piece in SHORT_WORDS or piece.isdigit() for piece in pieces) and after not in ("'s", "’s")

    def _sounds_well(self, match: re.Match[str]) -> bool:
        """Whether there is a Chinese character in it, and pinyin in it is no part of a longer word."""
        text = match.string
        start, end = match.span()
        if not any(is_han(character) for character in match[0]):
            return False
        if is_latin(text[start]) and start and is_latin(text[start - 1]):
            return False
        return not (is_latin(text[end - 1]) and end < len(text) and is_latin(text[end]))

    def _is_innocent(self, match: re.Match[str], text: str) -> bool:
        if not self._innocent:
            return False
        start, end = len(letters_of(text[: match.start()])), len(letters_of(text[: match.end()]))
        letters = letters_of(text)
        for innocent in self._innocent:
            place = letters.find(innocent, max(0, start - len(innocent) + 1))
            while 0 <= place < end:
                beyond = place < start or place + len(innocent) > end
                if beyond or (place, place + len(innocent)) == (start, end):
                    return True
                place = letters.find(innocent, place + 1)
        return False


def _gap(signs: str) -> str:
    """Separators, except signs that the letter after them may be written with."""
    barred = "".join(sign for sign in signs if not sign.isalnum())
    return f"(?:{f'(?![{re.escape(barred)}])' if barred else ''}[\\W_]){{0,{_GAP_MAX}}}+"


def letters_of(text: str) -> str:
    """Only the letters and digits of a folded text."""
    return "".join(filter(str.isalnum, text))


def _separated(written: str, word: _Word) -> str:
    """The letters and signs of a run, without the separators in it, which `word` is told."""
    bare = ""
    for between, group in groupby(written, key=lambda c: not c.isalnum() and c not in _LETTER_SIGNS):
        part = "".join(group)
        if between:
            word.add("", part)
        else:
            word.pieces[-1] += part
            bare += part
    return bare


def _collapsed(text: str) -> str:
    return "".join(key for key, _ in groupby(text))


def _shapes(match: re.Match[str], folding: Folding) -> set[How]:
    """How the characters of the original differ from the folded ones."""
    start, end = folding.span(*match.span())
    return {how for character in folding.original[start:end] if (how := _shape(character)) is not None}


def _shape(character: str) -> How | None:
    alike = fold(character)
    if alike == character:
        return None
    if not alike:
        return How.INVISIBLE
    if not any(map(str.isalnum, alike)):
        return None
    if character in simplified():
        return How.TRADITIONAL
    if character.isascii() or alike == character.lower():
        return How.CASE
    return How.LOOKALIKE if character.isalpha() and "\u0080" <= character < "\u2460" else How.WIDTH


def masked_forms(letters: str) -> Iterator[str]:
    """What is left of a Latin word when inner vowels of it are masked: `sh*t`, `m*therfucker`. All ways of masking up
    to three vowels, and each vowel alone of a longer word."""
    places = [place for place, letter in enumerate(letters) if letter in _VOWELS and 0 < place < len(letters) - 1]
    most = len(places) if len(places) <= _MASKED_VOWELS_MAX else 1
    for count in range(1, most + 1):
        for masked in combinations(places, count):
            yield "".join(letter for place, letter in enumerate(letters) if place not in masked)
