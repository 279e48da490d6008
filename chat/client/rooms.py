"""The followed rooms, each with a cursor on its log.

Invariant: per room and epoch, what goes into the inbox strictly increases, and what will not come is said there by a
`Missed`. The cursor moves with the inbox and not with the socket: what did not fit was not read, and is resumed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from chat.client.ending import Ending
from chat.client.inbox import Inbox
from chat.client.items import Arrived, Missed, Recovered, RoomLost, Standing, Unreadable
from chat.commands import CreateRoom, Join, Resume
from chat.events import Event, Translated
from chat.frames import GapFrame, RoomFrame
from chat.ids import Position


@dataclass(slots=True)
class _Followed:
    cursor: Position | None = None
    """The last entry that went into the inbox: where to resume."""
    settled: bool = False
    """The server has let us in once, or an earlier run was there: part of every hello."""
    asked: dict[int, Position | None] = field(default_factory=dict)
    """Position named in the command of that id, on this connection."""


@dataclass(slots=True)
class Wanted:
    """A translation that is asked for: the log's answer is an old entry, for those who asked and not for the events."""

    askers: int = 0
    found: Translated | None = None


class Rooms:
    def __init__(self, positions: Mapping[str, Position | None], inbox: Inbox, counts: Counter[str]) -> None:
        self._followed = {room: _Followed(position, settled=True) for room, position in positions.items()}
        self._inbox = inbox
        self._counts = counts
        self._wanted: dict[tuple[str, int, str], Wanted] = {}

    def __len__(self) -> int:
        return len(self._followed)

    def positions(self) -> dict[str, Position | None]:
        return {room: followed.cursor for room, followed in self._followed.items()}

    def join(self, room: str, *, invite: str | None = None, position: Position | None = None) -> Callable[[int], Join]:
        """The command to follow `room` from `position`, or where we are when it is sent."""

        def command(id: int) -> Join:
            followed = self._followed.get(room)
            start = position or (followed.cursor if followed else None)
            return Join(id=id, room=room, position=start, invite=invite)

        return command

    def resumes(self, id: int) -> tuple[Resume, ...]:
        """What the hello of that id asks for."""
        settled = {room: followed for room, followed in self._followed.items() if followed.settled}
        for followed in settled.values():
            followed.asked[id] = followed.cursor
        return tuple(Resume(room=room, position=followed.cursor) for room, followed in settled.items())

    def ask(self, command: Join | CreateRoom) -> None:
        """That command goes out now."""
        start = command.position if isinstance(command, Join) else None
        self._followed.setdefault(command.room, _Followed()).asked[command.id] = start

    def refuse(self, room: str) -> None:
        """We were not let in. Where we had been in before, the server says itself what becomes of that."""
        followed = self._followed.get(room)
        if followed is not None and not followed.settled:
            del self._followed[room]

    def forget_asked(self) -> None:
        """The connection is gone, and what was asked on it."""
        for followed in self._followed.values():
            followed.asked.clear()

    def leave(self, room: str) -> None:
        self._followed.pop(room, None)

    def lose(self, room: str, code: str, words: str) -> None:
        """The server does not let us follow it any more."""
        self._followed.pop(room, None)
        self._inbox.notice(RoomLost(room, code, words))

    @contextmanager
    def wanting(self, room: str, of: int, language: str) -> Iterator[Wanted]:
        """While the block runs, this translation is looked for among old entries."""
        key = (room, of, language)
        wanted = self._wanted.setdefault(key, Wanted())
        wanted.askers += 1
        try:
            yield wanted
        finally:
            wanted.askers -= 1
            if not wanted.askers:
                del self._wanted[key]

    def arrive(self, room: str, position: Position, at_ms: int, event: Event | None) -> None:
        followed = self._followed.get(room)
        if followed is None:
            self._counts["unasked"] += 1  # left a moment ago
            return
        cursor = followed.cursor
        if cursor is not None and cursor.epoch == position.epoch and position.seq <= cursor.seq:
            translated = event if isinstance(event, Translated) else None
            wanted = self._wanted.get((room, translated.of, translated.language)) if translated else None
            if wanted is not None:
                wanted.found = translated
            else:
                self._counts["doubled"] += 1
            return
        if cursor is not None and cursor.epoch != position.epoch:
            self._counts["unannounced_epochs"] += 1
            self._inbox.notice(Missed(room, cursor, position, -1))
        item = Unreadable(room, position, at_ms) if event is None else Arrived(room, position, at_ms, event)
        if not self._inbox.offer(item):
            self._counts["overflowed"] += 1
            raise Ending(1000, f"the program is more than {self._inbox.items_max} items behind")
        self._counts["entries" if event is not None else "unreadable"] += 1
        followed.cursor = position

    def begin(self, frame: RoomFrame) -> None:
        """Delivery of a room begins: settle the cursor, and say what will not come."""
        followed = self._followed.get(frame.room)
        if followed is None or frame.re not in followed.asked:
            self._counts["unasked"] += 1
            return
        asked, again = followed.asked.pop(frame.re), followed.settled
        followed.settled = True
        followed.cursor = followed.cursor or asked or frame.head
        self._resume(followed, asked, frame)
        if again or frame.ceremonies:
            self._inbox.notice(Standing(frame.room, frame.ceremonies))

    def _resume(self, followed: _Followed, asked: Position | None, frame: RoomFrame) -> None:
        if asked is None:
            return
        if frame.recovered and asked.epoch == frame.head.epoch:
            self._counts["recovered"] += 1
            self._inbox.notice(Recovered(frame.room, asked, frame.head))
            return
        if asked.epoch == frame.head.epoch and frame.missed >= 0:
            self._skip(followed, frame.room, Position(asked.epoch, asked.seq + frame.missed), frame.missed)
        else:
            self._skip(followed, frame.room, frame.head, -1)

    def gap(self, frame: GapFrame) -> None:
        followed = self._followed.get(frame.room)
        if followed is not None:
            self._skip(followed, frame.room, frame.head, frame.missed)

    def _skip(self, followed: _Followed, room: str, start: Position, missed: int) -> None:
        """Delivery goes on behind `start`. Where nobody can tell how much is missing, our cursor means nothing."""
        cursor = followed.cursor
        if missed >= 0 and cursor is not None and cursor.epoch == start.epoch and cursor.seq >= start.seq:
            return  # live entries already came from behind the hole
        self._counts["missed"] += 1
        self._inbox.notice(Missed(room, cursor, start, missed))
        followed.cursor = start
