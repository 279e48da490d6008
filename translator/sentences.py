"""A line of chat, cut into sentences. Pure.

Invariant: the pieces joined are the text, character for character, so nothing is lost or doubled by cutting; and no
piece is longer than `LENGTH_MAX`, so that no sentence costs the engine more than its bound.

Chinese chat often puts a space where a comma belongs (今天好累 不想上班), and laughter without anything before the
rest (哈哈哈，好的): both end a piece, because small models take the second clause for a part of the first, and a laugh
for a word.

Own rules instead of a model: the splitters that ship with Argos packages download one model a language at first use,
and the rules that chat needs fit on a page (abbreviations, initials, decimals, closing quotes after 。). sentencex
was right on the same cases; it would be one more compiled dependency for a line count that this file has.
"""

from typing import Final

import regex

LENGTH_MAX: Final = 240
"""Characters in one piece. Packages are trained on sentences; past about 100 pieces of SentencePiece they loop or drop
the tail, and 240 characters are 50 to 120 of them."""

_CLOSERS: Final = r"[\"'”’」』）)》\]】]*+"
_END: Final = regex.compile(
    rf"(?:[。！？!?…｡]++[。！？!?…｡.~～]*+{_CLOSERS}\s*+|(?<!\.)\.++{_CLOSERS}(?:\s++|\Z)|(?<![~～])[~～]++\s*+(?=\p{{Han}})"
    r"|(?<=\p{Han}{2})[ \u3000]++(?=\p{Han}{2})|(?<!\p{Han})([哈嘿嘻呵])\1++[，,。！？!?…｡.~～\s]*+(?=\p{L}))"
)
"""Whole runs or nothing: a mark that was given back is tried again from the next one, and so on through the line; and
of a laugh it would tear off the last syllable."""
_ONE: Final = regex.compile(r"(?V1)(?:[[\p{Han}，、]--[哈嘿嘻呵]]++|[A-Za-z ,'’]++)[。！？.!?]?")
"""One sentence, as most lines of chat are: nothing in it before the end at which `_END` could cut."""
_ABBREVIATION: Final = regex.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|sr|jr|st|vs|etc|no|vol|fig|approx|dept|est|inc|ltd|co|corp|e\.g|i\.e|a\.m|p\.m|ph\.d"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|sra|dra|mme|mlle|bzw|z\.b|d\.h|usw|\p{Lu})|\b(?:\p{L}\.)+\p{L})\.\s*\Z",
    regex.IGNORECASE,
)
_ABBREVIATION_MAX: Final = 64
"""Characters before a full stop that are looked at: a line of nothing but initials is one sentence, read once."""
_INITIAL: Final = regex.compile(r"(?:^|[\s(])\p{Lu}\.\s*\Z")
_MAY_END: Final = frozenset({"etc.", "a.m.", "p.m.", "inc.", "ltd.", "co.", "jr.", "sr.", "no."})
"""Abbreviations that do end a sentence when a capital letter follows."""
_CLAUSE: Final = regex.compile(r"[，,；;：:、]\s*|\s+")


def split(text: str) -> list[str]:
    """Sentences of `text` with their white space; `"".join(split(text)) == text`. Line breaks end a sentence."""
    if len(text) <= LENGTH_MAX and _ONE.fullmatch(text) is not None:
        return [text]
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        start = 0
        for found in _END.finditer(line):
            if found.end() < len(line) and _runs_on(line, start, found):
                continue
            pieces.append(line[start : found.end()])
            start = found.end()
        if start < len(line):
            pieces.append(line[start:])
    return [part for piece in pieces for part in _bounded(piece)]


def _runs_on(line: str, start: int, found: "regex.Match[str]") -> bool:
    """True when the mark at `found` does not end the sentence that began at `start`."""
    mark = found[0].strip()
    if mark == ".":
        before = line[max(start, found.start() - _ABBREVIATION_MAX) : found.start() + 1]
        following = line[found.end() : found.end() + 1]
        if _INITIAL.search(before):
            return True
        if _ABBREVIATION.search(before):
            word = before.split()[-1].lower()
            return not (word in _MAY_END and following.isupper())
        return following.islower()
    if mark.strip("….") == "":
        return line[found.end() : found.end() + 1].islower()
    return False


def _bounded(piece: str) -> list[str]:
    """`piece` in parts of at most LENGTH_MAX, cut at the last clause mark or space, or anywhere if it has none."""
    parts: list[str] = []
    while len(piece) > LENGTH_MAX:
        cuts = [found.end() for found in _CLAUSE.finditer(piece, 0, LENGTH_MAX) if found.end() >= LENGTH_MAX // 4]
        cut = cuts[-1] if cuts else LENGTH_MAX
        parts.append(piece[:cut])
        piece = piece[cut:]
    if piece:
        parts.append(piece)
    return parts
