"""What hangs on the board for the programme, for polls and for questions, and what the rules may know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Struct

from chat.conduct import FREE, Conduct, Standing, conduct_of
from chat.live_events import PollOpened, Programme, QuestionAsked

PROGRAMME: Final = "programme"
POLL: Final = "poll"
QUESTION: Final = "question"
LAST_VOTE: Final = "last_vote"
"""By poll or question: the once-key of the vote that was cast last."""
QUESTIONS_VOTED: Final = "questions_voted"
"""By member: the questions they vote for. Guarded, so that their two devices cannot vote past each other."""
BOX_OF_QUESTIONS: Final = "questions"
"""The one ballot box of all questions; a member's choices are the seqs of the questions they vote for."""


class ProgrammeRow(Struct, frozen=True, kw_only=True):
    """Under the seq of the entry that set it."""

    programme: Programme
    phase: str = ""
    """The phase to which its times have brought the room: what a moderator does about it afterwards stands."""


class PollRow(Struct, frozen=True, kw_only=True):
    opened: PollOpened
    answer: int | None = None
    """Of a quiz. It does not leave the server before the poll is closed."""
    sealed: bool = False
    """No vote is taken any more; it only has to be counted."""
    closed_by: str = ""
    """Who sealed it; "": its time came."""


class QuestionRow(Struct, frozen=True, kw_only=True):
    asked: QuestionAsked
    on_stage: bool = False
    sealed: bool = False
    shadowed: bool = False
    """Its author does not know that others do not see it."""


@dataclass(frozen=True, slots=True)
class Count:
    """What is in a box, and after which vote it was looked into."""

    after: bytes | None
    """Row `LAST_VOTE`; read before the box."""
    counts: Mapping[int, int] = field(default_factory=dict)
    voters: int = 0


@dataclass(frozen=True, slots=True)
class Show:
    """What the rules may know, beside the view of the room, for one command."""

    now_ms: int = 0
    conduct_row: bytes | None = None
    standing: Standing = FREE
    programmes: Mapping[str, bytes] = field(default_factory=dict)
    """Rows of the programme, by key; more than one only where two were set in the same moment. The latest counts."""
    polls: Mapping[str, bytes] = field(default_factory=dict)
    """Of those that are open, or of the one that the command is about."""
    questions: Mapping[str, bytes] = field(default_factory=dict)
    voted: bytes | None = None
    """The caller's row `QUESTIONS_VOTED`."""
    open_questions: frozenset[int] | None = None
    """All of them, where it was looked."""
    once: str = ""
    """The key under which the command will be written down."""
    count: Count | None = None
    """Of the poll or question that is to be closed."""

    @property
    def conduct(self) -> Conduct:
        return conduct_of(self.conduct_row)


_programme = msgspec.msgpack.Decoder(ProgrammeRow)
_poll = msgspec.msgpack.Decoder(PollRow)
_question = msgspec.msgpack.Decoder(QuestionRow)
_seqs = msgspec.msgpack.Decoder(tuple[int, ...])


def programme_of(row: bytes) -> ProgrammeRow:
    return _programme.decode(row)


def poll_of(row: bytes) -> PollRow:
    return _poll.decode(row)


def question_of(row: bytes) -> QuestionRow:
    return _question.decode(row)


def questions_voted_of(row: bytes | None) -> tuple[int, ...]:
    return () if row is None else _seqs.decode(row)


def row_of_questions(seqs: tuple[int, ...]) -> bytes:
    return msgspec.msgpack.encode(seqs)


def latest_programme(rows: Mapping[str, bytes]) -> tuple[int, ProgrammeRow] | None:
    """The programme that counts, with its seq."""
    key = max(rows, key=int, default=None)
    return None if key is None else (int(key), programme_of(rows[key]))
