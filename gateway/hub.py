"""Who is here: room -> groups of equal readers, and the readers who are still catching up.

`deliver` is sync and never awaits: between the relay and the last offer no other code can run, so nobody can join in
the middle of an entry. Joins and leaves are O(1) in the size of the room.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from chat.events import EVERYONE, Entry
from chat.frames import Person
from chat.ports import Roster
from chat.wire import Codec, entry_frame
from gateway.catchup import Catchup
from gateway.fanout import Group, websocket_frame
from gateway.outbox import Outbox

PEOPLE_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Seat:
    """One connection in one room."""

    outbox: Outbox
    codec: Codec
    person: Person

    @property
    def languages(self) -> tuple[str, ...]:
        return self.person.languages


class Frames:
    """One entry's bytes, made at most once per codec, and only if somebody speaks that codec."""

    __slots__ = ("_made", "entry")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._made: dict[Codec, bytes] = {}

    def of(self, codec: Codec) -> bytes:
        made = self._made.get(codec)
        if made is None:
            made = self._made[codec] = websocket_frame(entry_frame(self.entry, codec), codec)
        return made


class RoomHub:
    """The members of one room on this gateway."""

    __slots__ = ("_schedule", "catching", "groups", "readers", "seats")

    def __init__(self, schedule: Callable[[Callable[[], None]], object]) -> None:
        self._schedule = schedule
        self.groups: dict[tuple[Codec, tuple[str, ...]], Group] = {}
        self.catching: dict[Outbox, Catchup] = {}
        self.seats: dict[Outbox, Seat] = {}
        self.readers: dict[tuple[str, ...], int] = {}
        """Seats by reading languages, those still catching up included."""

    def enter(self, seat: Seat, catchup: Catchup) -> None:
        """Somebody is here and catching up: live entries are kept for them."""
        self.seats[seat.outbox] = seat
        self.catching[seat.outbox] = catchup
        self.readers[seat.languages] = self.readers.get(seat.languages, 0) + 1

    def go_live(self, outbox: Outbox) -> None:
        """Release what was kept for this reader, then deliver with everybody else. One sync step."""
        seat, catchup = self.seats[outbox], self.catching.pop(outbox)
        group = self._group(seat)
        group.flush()
        for entry in catchup.release():
            if entry.audience == EVERYONE or entry.audience in seat.languages:
                outbox.offer(Frames(entry).of(seat.codec))
        group.add(outbox)

    def leave(self, outbox: Outbox) -> Seat | None:
        seat = self.seats.pop(outbox, None)
        if seat is None:
            return None
        self.catching.pop(outbox, None)
        key = (seat.codec, seat.languages)
        group = self.groups.get(key)
        if group is not None:
            group.remove(outbox)
            if not group.members:
                del self.groups[key]
        self.readers[seat.languages] -= 1
        if not self.readers[seat.languages]:
            del self.readers[seat.languages]
        return seat

    def change_languages(self, outbox: Outbox, languages: tuple[str, ...]) -> None:
        """From the next entry on this reader reads other languages. Nothing is lost or twice: one sync step."""
        seat = self.seats[outbox]
        person = Person(user=seat.person.user, name=seat.person.name, languages=languages)
        catchup = self.catching.get(outbox)
        self.leave(outbox)
        changed = Seat(outbox, seat.codec, person)
        self.enter(changed, catchup or Catchup(0))
        if catchup is None:
            del self.catching[outbox]
            self._group(changed).add(outbox)

    def deliver(self, entry: Entry) -> int:
        """Offer an entry to its audience; returns to how many groups."""
        frames = Frames(entry)
        offered = 0
        for group in self.groups.values():
            if entry.audience == EVERYONE or entry.audience in group.languages:
                group.offer(frames.of(group.codec))
                offered += 1
        for catchup in self.catching.values():
            catchup.live(entry)
        return offered

    def announce(self, frame: Callable[[Codec], bytes]) -> None:
        """Offer a frame that is not an entry to all live readers, in order with entries."""
        for group in self.groups.values():
            group.offer(websocket_frame(frame(group.codec), group.codec))

    def whisper(self, frame: Callable[[Codec], bytes]) -> None:
        for group in tuple(self.groups.values()):
            group.whisper(websocket_frame(frame(group.codec), group.codec))

    def of_user(self, user: str) -> list[Outbox]:
        return [outbox for outbox, seat in self.seats.items() if seat.person.user == user]

    def roster(self) -> Roster:
        """What this gateway reports of the room: exact counts, and at most 200 people by name."""
        people: dict[str, Person] = {}
        for seat in self.seats.values():
            if len(people) >= PEOPLE_MAX:
                break
            people[seat.person.user] = seat.person
        return Roster(total=len(self.seats), readers=dict(self.readers), people=tuple(people.values()))

    def _group(self, seat: Seat) -> Group:
        key = (seat.codec, seat.languages)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(seat.codec, seat.languages, self._schedule)
        return group


class Hub:
    """All rooms of this gateway that have somebody in them."""

    def __init__(self, schedule: Callable[[Callable[[], None]], object]) -> None:
        self._schedule = schedule
        self.rooms: dict[str, RoomHub] = {}

    def enter(self, room: str, seat: Seat, catchup: Catchup) -> RoomHub:
        here = self.rooms.get(room)
        if here is None:
            here = self.rooms[room] = RoomHub(self._schedule)
        here.enter(seat, catchup)
        return here

    def leave(self, room: str, outbox: Outbox) -> bool:
        """True when that was the last one here."""
        here = self.rooms.get(room)
        if here is None:
            return False
        here.leave(outbox)
        if here.seats:
            return False
        del self.rooms[room]
        return True

    def deliver(self, entry: Entry) -> int:
        here = self.rooms.get(entry.room)
        return here.deliver(entry) if here else 0

    def counted(self) -> Iterator[tuple[str, int]]:
        return ((room, len(here.seats)) for room, here in self.rooms.items())

    def outboxes(self, rooms: Iterable[str]) -> set[Outbox]:
        return {outbox for room in rooms if room in self.rooms for outbox in self.rooms[room].seats}
