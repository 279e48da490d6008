"""What the program hears. Invariant: each kind says one thing that a program may have to act on, a hole in the entries
among them; what it need not know (repeats, pongs, newer kinds of frames) is counted and not said."""

from dataclasses import dataclass

from chat.events import Event
from chat.frames import CeremonyView, People, TallyFrame, TypingFrame
from chat.ids import Position
from chat.live_frames import LiveNotice


@dataclass(frozen=True, slots=True)
class Arrived:
    """An entry of a followed room. Per room and epoch, positions strictly increase."""

    room: str
    position: Position
    at_ms: int
    event: Event


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry whose event this version cannot read (a newer server's kind): passed over, and said."""

    room: str
    position: Position
    at_ms: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """After a reconnect: every entry between `after` and `head` follows."""

    room: str
    after: Position
    head: Position


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries after `after` will not arrive by themselves; delivery goes on behind `before`. Page back to see them."""

    room: str
    after: Position | None
    before: Position
    count: int
    """-1: nobody can tell, the log began a new life."""


@dataclass(frozen=True, slots=True)
class Connected:
    user: str
    name: str
    session: str
    server: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended; the client comes back by itself in `back_in_s`."""

    code: int
    words: str
    back_in_s: float


@dataclass(frozen=True, slots=True)
class RoomLost:
    """The server no longer lets us follow this room (removed, or the room is gone)."""

    room: str
    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What goes on in a room that we begin or go on to follow: the naming ceremonies that are not over, with their
    proposals, votes and our own vote. It stands instead of what was known of them before; entries that follow may be
    in it already."""

    room: str
    ceremonies: tuple[CeremonyView, ...]


Item = (
    Arrived
    | Unreadable
    | Recovered
    | Missed
    | Standing
    | Connected
    | Disconnected
    | RoomLost
    | People
    | TypingFrame
    | TallyFrame
    | LiveNotice
)
