"""Who is here: room -> groups of equal readers, and the readers who are still catching up.

`deliver` is sync and never awaits: between the relay and the last offer no other code can run, so nobody can join in
the middle of an entry. Joins and leaves are O(1) in the size of the room.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from chat.conduct import Conduct
from chat.events import EVERYONE, Entry, Event, Posted
from chat.frames import Person
from chat.live_events import hears
from chat.ports import RoomSettings, Roster
from chat.wire import Codec, entry_frame, readable_event
from gateway.catchup import Catchup
from gateway.crowd import Crowd, Skipped
from gateway.fanout import Group, Timers, websocket_frame
from gateway.holding import Holding, foreign
from gateway.outbox import Outbox
from gateway.sampling import Onward

PEOPLE_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Seat:
    """One connection in one room."""

    outbox: Outbox
    codec: Codec
    person: Person
    apart: tuple[str, ...] = ()
    """Audiences beside one's languages: of moderators, of a shadowed member."""

    @property
    def languages(self) -> tuple[str, ...]:
        return self.person.languages

    @property
    def ears(self) -> tuple[str, ...]:
        """All audiences of this reader, languages first, most liked first."""
        return self.person.languages + self.apart if self.apart else self.person.languages


class Frames:
    """One entry's bytes, made at most once per codec, and only if somebody speaks that codec."""

    __slots__ = ("_made", "entry", "translation")

    def __init__(self, entry: Entry, translation: Event | None = None) -> None:
        self.entry = entry
        self.translation = translation
        self._made: dict[Codec, bytes] = {}

    def of(self, codec: Codec) -> bytes:
        made = self._made.get(codec)
        if made is None:
            made = self._made[codec] = websocket_frame(entry_frame(self.entry, codec, self.translation), codec)
        return made


class RoomHub:
    """The members of one room on this gateway."""

    __slots__ = (
        "_arriving",
        "_late",
        "_timers",
        "catching",
        "crowd",
        "groups",
        "hold_s",
        "holdings",
        "last_seq",
        "readers",
        "seats",
    )

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self.hold_s = 0.0
        """How long a message waits for its translation; 0 in a room that patches."""
        self.holdings: dict[tuple[Codec, tuple[str, ...]], Holding] = {}
        """Groups for which something waits right now, by the key of the group."""
        self._late: dict[Outbox, int] = {}
        """Readers who came while something waited for their group, and up to which seq they have had it already."""
        self._arriving: dict[Outbox, int] = {}
        """Readers of a live room who came while messages wait for the end of a window, and up to which seq they have
        had it already. They are in no group before that: of what waits each is owed another part."""
        self.crowd: Crowd | None = None
        """In a live room: what goes on to everybody, and what is told in its place."""
        self.last_seq = 0
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

    def go_live(self, outbox: Outbox) -> int:
        """Release what was kept for this reader, then deliver with everybody else. One sync step. Returns how many
        entries were released."""
        seat, catchup = self.seats[outbox], self.catching.pop(outbox)
        kept = catchup.release()
        frames = [Frames(entry).of(seat.codec) for entry in kept if hears(entry.audience, seat.ears)]
        if frames:
            outbox.offer(b"".join(frames))
        if self.crowd is not None and self.crowd.sample.waits:
            self._arriving[outbox] = catchup.last
            return len(frames)
        if (seat.codec, seat.ears) in self.holdings:
            self._late[outbox] = catchup.last
        self._group(seat).add(outbox)
        return len(frames)

    def leave(self, outbox: Outbox) -> Seat | None:
        seat = self.seats.pop(outbox, None)
        if seat is None:
            return None
        self.catching.pop(outbox, None)
        key = (seat.codec, seat.ears)
        group = self.groups.get(key)
        if group is not None:
            group.remove(outbox)
            if not group.members:
                del self.groups[key]
                self.holdings.pop(key, None)
        self._late.pop(outbox, None)
        self._arriving.pop(outbox, None)
        self.readers[seat.languages] -= 1
        if not self.readers[seat.languages]:
            del self.readers[seat.languages]
        return seat

    def change_languages(self, outbox: Outbox, languages: tuple[str, ...]) -> None:
        """From the next entry on this reader reads other languages. Nothing is lost or twice: one sync step."""
        seat = self.seats[outbox]
        person = Person(user=seat.person.user, name=seat.person.name, languages=languages)
        self._reseat(outbox, Seat(outbox, seat.codec, person, seat.apart))

    def set_apart(self, outbox: Outbox, apart: tuple[str, ...]) -> None:
        """From the next entry on this reader hears other audiences beside their languages."""
        seat = self.seats[outbox]
        if seat.apart != apart:
            self._reseat(outbox, Seat(outbox, seat.codec, seat.person, apart))

    def _reseat(self, outbox: Outbox, changed: Seat) -> None:
        seat = self.seats[outbox]
        catchup = self.catching.get(outbox)
        holding = self.holdings.get((seat.codec, seat.ears))
        if catchup is None and holding is not None:  # what waits for the old group is owed to this reader now
            self.groups[seat.codec, seat.ears].flush()
            for held in holding.everything():
                if held.entry.seq > self._late.get(outbox, 0):
                    outbox.offer(Frames(held.entry).of(seat.codec))
        arriving = self._arriving.get(outbox)
        self.leave(outbox)
        self.enter(changed, catchup or Catchup(0))
        if catchup is None:
            del self.catching[outbox]
            if arriving is not None:
                self._arriving[outbox] = arriving
                return
            if (changed.codec, changed.ears) in self.holdings:
                self._late[outbox] = self.last_seq
            self._group(changed).add(outbox)

    def configure(self, settings: RoomSettings) -> None:
        """How this room treats translation from now on."""
        self.hold_s = settings.translation_budget_ms / 1000 if settings.translation == "hold" else 0.0
        if not self.hold_s:
            self.release_all()

    def release_all(self) -> None:
        """Nothing waits any longer."""
        for key, holding in tuple(self.holdings.items()):
            self._release(key, holding, float("inf"))

    def deliver(self, entry: Entry) -> int:
        """Offer an entry to its audience; returns to how many groups."""
        self.last_seq = entry.seq
        if self.crowd is not None:
            for catchup in self.catching.values():
                catchup.live(entry)
            self.crowd.offer(entry)
            return len(self.groups)
        if self.hold_s or self.holdings:
            return self._deliver_holding(entry)
        frames = Frames(entry)
        offered = 0
        for group in self.groups.values():
            if entry.audience == EVERYONE or hears(entry.audience, group.languages):
                group.offer(frames.of(group.codec))
                offered += 1
        for catchup in self.catching.values():
            catchup.live(entry)
        return offered

    def conduct(self, room: str, conduct: Conduct) -> None:
        """How one may speak here from now on, as far as it changes what is shown."""
        if conduct.kind == "live":
            if self.crowd is None:
                self.release_all()
                self.crowd = Crowd(room, conduct, self._timers, self._onward, self._window_ended, self.announce)
            self.crowd.configure(conduct)
        elif self.crowd is not None:
            self.crowd.close_window()
            self.crowd = None

    def _onward(self, onward: Onward) -> None:
        """Of a live room: to everybody, or to few. Nothing is held there: the wait would be everybody's."""
        frames, audience = Frames(onward.entry), onward.entry.audience
        for outbox, had in self._arriving.items():
            seat = self.seats[outbox]
            if onward.entry.seq > had and hears(audience, seat.ears) and onward.concerns(seat.person.user):
                outbox.offer(frames.of(seat.codec))
        if onward.only is None:
            for group in self.groups.values():
                if audience == EVERYONE or hears(audience, group.languages):
                    group.offer(frames.of(group.codec))
            return
        for outbox, seat in self.seats.items():
            if not onward.concerns(seat.person.user) or not hears(audience, seat.ears):
                continue
            if outbox not in self.catching and outbox not in self._arriving:
                self._group(seat).flush()
                outbox.offer(frames.of(seat.codec))

    def _window_ended(self, skipped: Skipped) -> None:
        """Everybody is told what was left out of what they are owed, and who arrived meanwhile belongs to a group."""
        arriving, self._arriving = self._arriving, {}
        told = skipped(0)
        if told is not None:
            self.announce(told)
        for outbox, had in arriving.items():
            seat, told = self.seats[outbox], skipped(had)
            if told is not None:
                outbox.offer(websocket_frame(told(seat.codec), seat.codec))
            self._group(seat).add(outbox)

    def announce(self, frame: Callable[[Codec], bytes]) -> None:
        """Offer a frame that is not an entry to all live readers, in order with entries."""
        for group in self.groups.values():
            group.offer(websocket_frame(frame(group.codec), group.codec))
        for outbox in self._arriving:
            codec = self.seats[outbox].codec
            outbox.offer(websocket_frame(frame(codec), codec))

    def whisper(self, frame: Callable[[Codec], bytes]) -> None:
        for group in tuple(self.groups.values()):
            group.whisper(websocket_frame(frame(group.codec), group.codec))

    def whispers(self, frame: Callable[[Codec], bytes], slice_of: int) -> Iterator[None]:
        """The same in slices of so many readers: between two of them an entry may be delivered first."""
        for group in tuple(self.groups.values()):
            data, members = websocket_frame(frame(group.codec), group.codec), tuple(group.members)
            for start in range(0, len(members), slice_of):
                for member in members[start : start + slice_of]:
                    if member in group.members and member.flowing:
                        member.offer(data)
                yield

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

    def _deliver_holding(self, entry: Entry) -> int:
        event, now_s, frames, offered = readable_event(entry.body), self._timers.now_s(), Frames(entry), 0
        for key, group in self.groups.items():
            if not hears(entry.audience, group.languages):
                continue
            offered += 1
            holding = self.holdings.get(key)
            if holding is None:
                if not (self.hold_s and isinstance(event, Posted) and foreign(event, group.languages)):
                    group.offer(frames.of(group.codec))
                    continue
                holding = self.holdings[key] = Holding(group.languages, self.hold_s)
            holding.offer(entry, event, now_s)
            self._release(key, holding, now_s)
        for catchup in self.catching.values():
            catchup.live(entry)
        return offered

    def _release(self, key: tuple[Codec, tuple[str, ...]], holding: Holding, now_s: float) -> None:
        """Offer what need not wait longer, and look again when the next one's budget ends."""
        group = self.groups.get(key)
        if group is None or self.holdings.get(key) is not holding:
            return
        for held in holding.ready(now_s):
            data = Frames(held.entry, held.translation).of(group.codec)
            if not self._late:
                group.offer(data)
                continue
            group.flush()
            for member in tuple(group.members):
                if held.entry.seq > self._late.get(member, 0):
                    member.offer(data)
        due_s = holding.next_due_s()
        if due_s is None:
            del self.holdings[key]
            for member in tuple(self._late):
                if member in group.members:
                    del self._late[member]
        else:
            self._timers.call_later(max(0.0, due_s - now_s), lambda: self._release(key, holding, self._timers.now_s()))

    def _group(self, seat: Seat) -> Group:
        key = (seat.codec, seat.ears)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(seat.codec, seat.ears, self._timers)
        return group


class Hub:
    """All rooms of this gateway that have somebody in them."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self.rooms: dict[str, RoomHub] = {}
        self.deliveries = 0
        """Entries owed to one reader each, replayed ones included."""

    def enter(self, room: str, seat: Seat, catchup: Catchup) -> RoomHub:
        here = self.rooms.get(room)
        if here is None:
            here = self.rooms[room] = RoomHub(self._timers)
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
        if here is None:
            return 0
        for group in here.groups.values():
            if entry.audience == EVERYONE or hears(entry.audience, group.languages):
                self.deliveries += len(group.members)
        return here.deliver(entry)

    def counted(self) -> Iterator[tuple[str, int]]:
        return ((room, len(here.seats)) for room, here in self.rooms.items())

    def outboxes(self, rooms: Iterable[str]) -> set[Outbox]:
        return {outbox for room in rooms if room in self.rooms for outbox in self.rooms[room].seats}
