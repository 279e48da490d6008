"""What moderators forbid, and what was found of it: terms, hits, and the words for both.

Invariant: a span of a hit is 0 <= start < end <= len(text), in code points of the text as its author wrote it, so that
it can be shown, replaced and stored beside mentions, whose spans are counted alike.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chat.errors import ErrorCode, Rejected

LISTED_TERMS_MAX: Final = 10_000
"""Terms of one list, and of the lists of one room together: what compiles in a second and costs some 20 MB."""
LISTED_TERM_CHARS_MAX: Final = 80
"""One term. A longer one is a sentence, which nobody writes twice."""
INNOCENT_MAX: Final = 100
"""Innocent look-alikes of one term; whoever needs more should make the term longer."""
NOTE_CHARS_MAX: Final = 300
LIST_BYTES_MAX: Final = 2_000_000
"""A list as a file: the most terms, each with a note and some look-alikes."""
NUMBER: Final = "#"
"""At the end of a term: a number of five digits or more follows within a few characters, as after `whatsapp`."""


class Action(StrEnum):
    """What happens to a message that has a term in it, mildest first."""

    REPLACE = "replace"
    """It is sent with `***` in place of the term."""
    HOLD = "hold"
    """It waits for a moderator."""
    REFUSE = "refuse"
    """It is not sent, and its author is told."""


class Kind(StrEnum):
    """How a term is looked for."""

    WORD = "word"
    """As whole words: `ass` is not in `class`. Inflections only where they are listed."""
    SUBSTRING = "substring"
    """Anywhere, as Chinese is written. Where a term with Chinese in it begins or ends in Latin letters (加vx), these
    are whole words there."""
    PINYIN = "pinyin"
    """As substring, and other characters that sound alike, whatever their tones, or pinyin among characters."""


class How(StrEnum):
    """What somebody did to a term, most telling last. A hit without any of it is plain."""

    CASE = "case"
    WIDTH = "width"
    """Full-width letters, circled ones, and other shapes of the same letter (NFKC)."""
    TRADITIONAL = "traditional"
    INVISIBLE = "invisible"
    """Zero-width characters, and marks put on letters."""
    LOOKALIKE = "lookalike"
    """Letters of other alphabets that look the same."""
    SPACING = "spacing"
    """Spaces, marks or emoji between the characters, or a space left out."""
    REPEATED = "repeated"
    """Letters written more often than they are spelled: fuuuck."""
    LEET = "leet"
    """Digits, signs and stars for letters: sh1t, $hit, sh*t."""
    HOMOPHONE = "homophone"


class Term(Struct, frozen=True):
    """One term of a list. Spaces in `text` may be missing or be other separators in a message; other signs in it must
    be there."""

    text: str
    action: Action = Action.HOLD
    kind: Kind = Kind.WORD
    note: str = ""
    """For moderators: what it means, why it is listed."""
    innocent: tuple[str, ...] = ()
    """Longer texts that are no hit: a hit that such a text covers, or shares a character with, is none. 操场 for 操."""
    strict: bool = False
    """Only as it is written: case, width, script and invisible characters do not matter, but no separators within
    words, no digits or stars for letters, no repeated letters."""
    list_name: str = ""
    """Which list it is from."""


class Hit(Struct, frozen=True):
    """A term found in a text."""

    term: Term
    start: int
    end: int
    found: tuple[How, ...] = ()
    """What had been done to it, in the order of `How`; () when it is plain."""

    @property
    def action(self) -> Action:
        return self.term.action


_SEVERITY: Final = {action: rank for rank, action in enumerate(Action)}


class Hits(Struct, frozen=True):
    """All hits in one text, by start, then longest first. False when there are none."""

    hits: tuple[Hit, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def worst(self) -> Action | None:
        """The severest action of all hits: refuse before hold before replace; None without hits."""
        return max((hit.action for hit in self.hits), key=_SEVERITY.__getitem__, default=None)

    def with_action(self, action: Action) -> tuple[Hit, ...]:
        """The hits of one action."""
        return tuple(hit for hit in self.hits if hit.action is action)

    def replaced(self, text: str) -> str:
        """`text`, in which these were found, with `*` for each character of hits whose action is replace: as long as
        before, so that spans of mentions still fit."""
        shown = list(text)
        for hit in self.with_action(Action.REPLACE):
            shown[hit.start : hit.end] = "*" * (hit.end - hit.start)
        return "".join(shown)


NOTHING: Final = Hits()


def checked(term: Term) -> Term:
    """`term` as it may be compiled. Raises Rejected(MALFORMED), in words for who wrote it."""
    problem = problem_of(term)
    if problem:
        raise Rejected(ErrorCode.MALFORMED, problem)
    return term


def problem_of(term: Term) -> str:
    """What is wrong with a term, for the person who wrote it; "" when nothing is."""
    core = term.text.strip().removesuffix(NUMBER).strip()
    if not core:
        return "the term is empty"
    if len(term.text) > LISTED_TERM_CHARS_MAX:
        return f"the term has {len(term.text)} characters; at most {LISTED_TERM_CHARS_MAX} are allowed"
    if len(term.innocent) > INNOCENT_MAX:
        return f"the term has {len(term.innocent)} innocent look-alikes; at most {INNOCENT_MAX} are allowed"
    if any(not text.strip() or len(text) > LISTED_TERM_CHARS_MAX for text in term.innocent):
        return f"an innocent look-alike is empty or longer than {LISTED_TERM_CHARS_MAX} characters"
    if len(term.note) > NOTE_CHARS_MAX:
        return f"the note has {len(term.note)} characters; at most {NOTE_CHARS_MAX} are allowed"
    return ""
