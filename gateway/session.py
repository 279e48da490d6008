"""One client's protocol state, without a socket: AWAITING_HELLO -> READY -> CLOSED.

Sans-I/O: a command and the time go in, effects come out; nothing here waits, so every path is tested with plain
calls. Invariants: no command is performed before hello was accepted or after the session closed; every command gets
exactly one answer (its own effect here, or the answer of what it performs).
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, get_args

from chat import limits
from chat.commands import (
    AcceptName,
    Command,
    Configure,
    Consent,
    Edit,
    EndCeremony,
    FindPeople,
    Hello,
    OpenCeremony,
    Pin,
    Post,
    Preview,
    ProposeName,
    PutTerm,
    React,
    Recall,
    Remark,
    RemoveTerm,
    ReportProposal,
    SetName,
    Suggest,
    Typing,
    Vote,
    VoteName,
)
from chat.errors import CommandFailed, ErrorCode, Malformed, Rejected
from chat.live_commands import LiveCommand
from chat.quota import Quota
from chat.room import Caller
from gateway.closing import CloseReason

MALFORMED_MAX: Final = 20
"""Unreadable messages in one session before it is closed: a broken client, not a slip."""
REFUSED_FAST_MAX: Final = 200
"""Commands refused as too fast before the session is closed: it does not listen to retry_after_ms."""
TYPING_PER_S: Final = 0.5


_WRITES: Final = (
    Post, Edit, Recall, React, Suggest, Vote, PutTerm, RemoveTerm, Configure, Pin, Preview, OpenCeremony, Consent,
    ProposeName, VoteName, ReportProposal, AcceptName, EndCeremony, SetName, Remark, FindPeople,
    *get_args(LiveCommand),
)  # fmt: skip
"""Commands that make work: a log entry, a translation, a look at every member."""


class State(Enum):
    AWAITING_HELLO = auto()
    READY = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Perform:
    """Do this command, then answer it."""

    command: Command


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this error."""

    re: int | None
    failure: CommandFailed


@dataclass(frozen=True, slots=True)
class Shed:
    """Acknowledge and do nothing: a typing notice that nobody needs."""

    re: int


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection."""

    reason: CloseReason


Effect = Perform | Refuse | Shed | End


class Session:
    __slots__ = ("_commands", "_malformed", "_posts", "_refused_fast", "_typing", "caller", "opened_s", "state")

    def __init__(self, now_s: float) -> None:
        self.state = State.AWAITING_HELLO
        self.caller: Caller | None = None
        self.opened_s = now_s
        self._commands = Quota.full(limits.COMMANDS_PER_S, limits.COMMANDS_BURST, now_s)
        self._posts = Quota.full(limits.POSTS_PER_S, limits.POSTS_BURST, now_s)
        self._typing: Quota | None = None
        self._malformed = 0
        self._refused_fast = 0

    def receive(self, command: Command, now_s: float, now_ms: int) -> tuple[Effect, ...]:
        """What to do about one command, in order."""
        if self.state is State.CLOSED:
            return ()
        if self.state is State.AWAITING_HELLO:
            if isinstance(command, Hello):
                return (Perform(command),)
            return (Refuse(command.id, Rejected(ErrorCode.NOT_READY)),)
        if self.expired(now_ms):
            self.close()
            return (Refuse(command.id, Rejected(ErrorCode.TOKEN_EXPIRED)), End(CloseReason.TOKEN_EXPIRED))
        if isinstance(command, Hello):
            return (Refuse(command.id, Rejected(ErrorCode.ALREADY_READY)),)
        wait_ms = self._commands.take(now_s)
        if not wait_ms and isinstance(command, _WRITES):
            wait_ms = self._posts.take(now_s)
        if wait_ms:
            return self._too_fast(command.id, wait_ms)
        if isinstance(command, Typing):
            if self._typing is None:
                self._typing = Quota.full(TYPING_PER_S, 1, now_s)
            if self._typing.take(now_s):
                return (Shed(command.id),)
        return (Perform(command),)

    def receive_malformed(self, malformed: Malformed) -> tuple[Effect, ...]:
        """What to do about bytes that are no command."""
        if self.state is State.CLOSED:
            return ()
        self._malformed += 1
        refuse = Refuse(malformed.command_id, malformed)
        if self._malformed > MALFORMED_MAX:
            self.close()
            return (refuse, End(CloseReason.MALFORMED))
        return (refuse,)

    def spared(self, command: Command) -> None:
        """This command was not done because the house was full or its log away: that is not held against the member,
        or who does as told and asks again would be too fast."""
        if isinstance(command, _WRITES):
            self._posts.give_back()

    def accept(self, caller: Caller) -> None:
        """Hello was believed."""
        if self.state is State.AWAITING_HELLO:
            self.caller = caller
            self.state = State.READY

    def expired(self, now_ms: int) -> bool:
        return self.caller is not None and now_ms >= self.caller.expires_at_ms > 0

    def late(self, now_s: float) -> bool:
        """No hello in time."""
        return self.state is State.AWAITING_HELLO and now_s - self.opened_s > limits.HELLO_WITHIN_S

    def close(self) -> None:
        self.state = State.CLOSED

    def _too_fast(self, command_id: int, wait_ms: int) -> tuple[Effect, ...]:
        self._refused_fast += 1
        refuse = Refuse(command_id, Rejected(ErrorCode.TOO_FAST, retry_after_ms=wait_ms))
        if self._refused_fast > REFUSED_FAST_MAX:
            self.close()
            return (refuse, End(CloseReason.FLOOD))
        return (refuse,)
