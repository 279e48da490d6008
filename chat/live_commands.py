"""What hosts, moderators and their audience may ask. Unions and rules of evolution as in `commands.py`."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.conduct import Conduct
from chat.ids import OnceKey, RoomId, Seq, UserId
from chat.limits import (
    COMMAND_ID_MAX,
    DELETE_LAST_MAX,
    OPTIONS_MAX,
    POLL_S_MAX,
    QUESTION_CHARS_MAX,
    TIMEOUT_S_MAX,
)
from chat.live_events import Option, Programme, QuestionOutcome, SanctionAction, Why, Words


class _Live(Struct, frozen=True, kw_only=True, tag_field="type"):
    id: Annotated[int, Meta(ge=0, le=COMMAND_ID_MAX)]
    room: RoomId


class SetConduct(_Live, frozen=True, kw_only=True, tag="set_conduct"):
    """How one may speak here from now on, as a whole. Moderators only."""

    conduct: Conduct
    why: Why = ""
    once: OnceKey


class Sanction(_Live, frozen=True, kw_only=True, tag="sanction"):
    """Decide about a member of a lower rank. Moderators only."""

    user: UserId
    action: SanctionAction
    for_s: Annotated[int, Meta(ge=0, le=TIMEOUT_S_MAX)] = 0
    """How long; 0: until it is lifted. A timeout needs it."""
    why: Why = ""
    of: Seq = 0
    delete_last: Annotated[int, Meta(ge=0, le=DELETE_LAST_MAX)] = 0
    """Recall so many of their latest messages as well."""
    undoes: Seq = 0
    once: OnceKey


class DecideHeld(_Live, frozen=True, kw_only=True, tag="decide_held"):
    """Let held message `of` through, or refuse it. Moderators only."""

    of: Seq
    approve: bool
    why: Why = ""
    once: OnceKey


class Report(_Live, frozen=True, kw_only=True, tag="report"):
    """Report message `of` as one saw it: `language` of the translation, or "" for the original."""

    of: Seq
    language: Annotated[str, Meta(max_length=40)] = ""
    why: Why = ""
    once: OnceKey


class SettleReport(_Live, frozen=True, kw_only=True, tag="settle_report"):
    """Deal with the reports about message `of`; removing recalls it. Moderators only."""

    of: Seq
    remove: bool
    why: Why = ""
    once: OnceKey


class SetWords(_Live, frozen=True, kw_only=True, tag="set_words"):
    """The room's word list, as a whole, and which built-in lists are on. Moderators only."""

    words: Words
    lists: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    once: OnceKey


class RaiseHand(_Live, frozen=True, kw_only=True, tag="raise_hand"):
    on: bool = True
    once: OnceKey


class Desk(_Live, frozen=True, kw_only=True, tag="desk"):
    """What a moderator needs in front of them: conduct, held messages, reports, raised hands, sanctions, words."""


class SetProgramme(_Live, frozen=True, kw_only=True, tag="set_programme"):
    """Moderators only."""

    programme: Programme
    once: OnceKey


class OpenPoll(_Live, frozen=True, kw_only=True, tag="open_poll"):
    """Moderators only."""

    question: Option
    options: Annotated[tuple[Option, ...], Meta(min_length=2, max_length=OPTIONS_MAX)]
    choices_max: Annotated[int, Meta(ge=1, le=OPTIONS_MAX)] = 1
    answer: Annotated[int, Meta(ge=0, lt=OPTIONS_MAX)] | None = None
    """Makes it a quiz: the right option (0 is the first), told when the poll closes."""
    window_s: Annotated[int, Meta(ge=0, le=POLL_S_MAX)] = 0
    once: OnceKey


class VotePoll(_Live, frozen=True, kw_only=True, tag="vote_poll"):
    """One's choices in poll `of`, in place of those before; none takes them back."""

    of: Seq
    choices: Annotated[tuple[Annotated[int, Meta(ge=0, lt=OPTIONS_MAX)], ...], Meta(max_length=OPTIONS_MAX)]
    once: OnceKey


class ClosePoll(_Live, frozen=True, kw_only=True, tag="close_poll"):
    """Moderators only. `withdraw`: without a result."""

    of: Seq
    withdraw: bool = False
    once: OnceKey


class Ask(_Live, frozen=True, kw_only=True, tag="ask"):
    """A question to the stage."""

    text: Annotated[str, Meta(min_length=1, max_length=QUESTION_CHARS_MAX)]
    once: OnceKey


class VoteQuestion(_Live, frozen=True, kw_only=True, tag="vote_question"):
    of: Seq
    on: bool = True
    once: OnceKey


class SettleQuestion(_Live, frozen=True, kw_only=True, tag="settle_question"):
    """Moderators only."""

    of: Seq
    outcome: QuestionOutcome
    once: OnceKey


class Stage(_Live, frozen=True, kw_only=True, tag="stage"):
    """What newcomers are shown: programme, open polls with their votes, questions, how one may speak."""


ModerationCommand = SetConduct | Sanction | DecideHeld | Report | SettleReport | SetWords | RaiseHand
StageCommand = SetProgramme | OpenPoll | VotePoll | ClosePoll | Ask | VoteQuestion | SettleQuestion
LiveCommand = ModerationCommand | StageCommand | Desk | Stage
