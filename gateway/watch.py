"""What is seen of entries on their way through this process: how long appends took, how late entries came, which rooms
are busy, and, where an operator asked for it, a trace of each post.

Invariant: an append and an entry are looked at once each, never once for each member. Anybody may choose the name of a
room, so without a bound each would be a time series for ever: at most `rooms_named` of them stand in `/metrics`, chosen
anew at most every `CHOSEN_FOR_S`, the busiest first. With `rooms_named` 0 no room is counted at all.

Traces are another `append` and another `deliver`, put in place at the start: while they are off, nothing asks for them.
"""

import heapq
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from structlog.contextvars import get_contextvars

from chat.errors import Unavailable
from chat.events import Entry, Event, Posted
from chat.measuring import Histogram, Statistic
from chat.ports import Appended, RoomLog
from gateway.clock import Clock
from gateway.hub import Hub

if TYPE_CHECKING:
    from chat.traces import Traces

CHOSEN_FOR_S: Final = 300.0
"""Ten rooms named are at most 120 series an hour and process, and ten where the same rooms stay busy."""
ROOMS_COUNTED_MAX: Final = 10_000
"""Rooms beyond are not counted one by one until some have emptied."""

Deliver = Callable[[Entry], int]


class _Append(Protocol):
    async def __call__(self, room: str, event: Event, **options: object) -> Appended: ...


class _Busy:
    """One room with somebody in it."""

    __slots__ = ("deliveries", "entries", "recent")

    def __init__(self) -> None:
        self.entries = 0
        self.deliveries = 0
        self.recent = 0
        """Deliveries since rooms were chosen last."""


class Watch:
    """One per process."""

    def __init__(self, clock: Clock, *, rooms_named: int = 0, traces: "Traces | None" = None) -> None:
        self._clock = clock
        self._rooms_named = rooms_named
        self._traces = traces
        self._appends = Histogram()
        self._appends_failed = 0
        self._lateness = Histogram()
        self._hub: Hub | None = None
        self._busy: dict[str, _Busy] = {}
        self._chosen: list[str] = []
        self._chosen_at_s = float("-inf")

    def over_log(self, log: RoomLog) -> RoomLog:
        """`log`, with its appends timed; everything else is its own."""
        append = self._timed(log.append)
        return _WatchedLog.of(log, append if self._traces is None else _traced(append, self._traces))

    def over_hub(self, hub: Hub, schedule: Callable[[Callable[[], None]], object]) -> Deliver:
        """What the relay delivers to instead of `hub`. `schedule` runs something at the end of this tick."""
        self._hub = hub
        if self._traces is None:
            return self._deliver
        traces = self._traces

        def deliver(entry: Entry) -> int:
            delivery = traces.delivery(entry)
            if delivery is None:
                return self._deliver(entry)
            before = hub.deliveries
            groups = self._deliver(entry)
            owed = hub.deliveries - before
            schedule(lambda: delivery.end(groups, owed))  # behind the flushes that delivering has scheduled
            return groups

        return deliver

    def statistics(self) -> dict[str, Statistic]:
        counted: dict[str, Statistic] = {
            "append_seconds": self._appends.distribution(),
            "appends_failed_total": self._appends_failed,
            "feed_seconds": self._lateness.distribution(),
        }
        if self._rooms_named and self._hub is not None:
            here = self._hub.rooms
            named = {room: self._busy[room] for room in self._choose(self._hub) if room in self._busy and room in here}
            counted["room_connections"] = {room: len(here[room].seats) for room in named}
            counted["room_entries_total"] = {room: busy.entries for room, busy in named.items()}
            counted["room_deliveries_total"] = {room: busy.deliveries for room, busy in named.items()}
        return counted

    def _timed(self, append: Callable[..., object]) -> _Append:
        call, now_s, observe = cast(_Append, append), self._clock.now_s, self._appends.observe

        async def timed(room: str, event: Event, **options: object) -> Appended:
            began_s = now_s()
            try:
                return await call(room, event, **options)
            except Unavailable:
                self._appends_failed += 1
                raise
            finally:
                observe(now_s() - began_s)

        return timed

    def _deliver(self, entry: Entry) -> int:
        hub = self._hub
        if hub is None:
            raise RuntimeError("a watch delivers only after over_hub")
        self._lateness.observe((self._clock.now_ms() - entry.at_ms) / 1000)
        if not self._rooms_named:
            return hub.deliver(entry)
        before = hub.deliveries
        groups = hub.deliver(entry)
        busy = self._busy.get(entry.room)
        if busy is None:
            if len(self._busy) >= ROOMS_COUNTED_MAX:
                return groups
            busy = self._busy[entry.room] = _Busy()
        busy.entries += 1
        busy.deliveries += hub.deliveries - before
        busy.recent += hub.deliveries - before
        return groups

    def _choose(self, hub: Hub) -> Sequence[str]:
        """The rooms to name now. Between two choices only places that are still free are filled."""
        now_s = self._clock.now_s()
        if now_s - self._chosen_at_s >= CHOSEN_FOR_S:
            self._chosen_at_s = now_s
            for room in [room for room in self._busy if room not in hub.rooms]:
                del self._busy[room]
            self._chosen = self._busiest(self._rooms_named, known=())
            for busy in self._busy.values():
                busy.recent = 0
        elif len(self._chosen) < self._rooms_named:
            self._chosen += self._busiest(self._rooms_named - len(self._chosen), known=self._chosen)
        return self._chosen

    def _busiest(self, count: int, *, known: Sequence[str]) -> list[str]:
        rest = (room for room in self._busy if room not in known)
        return heapq.nlargest(count, rest, key=lambda room: (self._busy[room].recent, room))


class _WatchedLog:
    """A RoomLog whose `append` is another. Its methods are bound once, so that those not watched cost nothing more."""

    @classmethod
    def of(cls, log: RoomLog, append: _Append) -> RoomLog:
        watched = cls()
        for name in dir(RoomLog):
            if not name.startswith("_"):
                setattr(watched, name, getattr(log, name))
        watched.append = append
        return cast(RoomLog, watched)

    append: _Append


def _traced(append: _Append, traces: "Traces") -> _Append:
    async def traced(room: str, event: Event, **options: object) -> Appended:
        began_ns = traces.now_ns()
        appended = await append(room, event, **options)
        if isinstance(event, Posted) and not appended.duplicate:
            connection = str(get_contextvars().get("connection", ""))
            traces.appended(room, appended.position, began_ns, connection=connection)
        return appended

    return traced
