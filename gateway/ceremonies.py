"""Naming ceremonies of the rooms that this gateway holds: tallies for its readers, and the end of what has run out.

A vote is an entry that nobody receives. Told one by one, five thousand voters would be fifty million frames; so the
relay says here that a ceremony has moved, and at most four times a second the counts are read from the engine, where
they are changed in the same atomic step as the vote is written, and whispered to the readers of this gateway. Nothing
is counted twice, because nothing is counted here.

No timer is the truth: a ceremony is over when the log's clock says so, and what comes late is refused by the rules. To
write that down falls to whichever gateways have the room open; the once-key makes it one entry.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chat.errors import CommandFailed
from chat.events import CeremonyClosed, CeremonyConsented, CeremonyOpened, Entry, NameVoted, ProposalHidden
from chat.frames import CeremonyView
from chat.limits import CHOOSE_WITHIN_S
from chat.service import Service
from chat.wire import encode_frame
from gateway.clock import Clock
from gateway.hub import Hub
from gateway.relay import OfCeremonies

TELL_EVERY_S: Final = 0.25
"""Between two tallies of a ceremony to the same reader, at least."""
WHISPERS_PER_S: Final = 10_000
"""Of one ceremony: in a room of 5,000 everybody hears twice a second how the vote stands, in one of 10,000 once."""
SLICE: Final = 100
SLICE_EVERY_S: Final = 0.002
"""A tally for thousands in one go would keep a message waiting for as long as its own fan-out takes."""
LOOK_EVERY_S: Final = 1.0
"""How soon after its time a ceremony is written down as over."""
LATE_MS: Final = 500
"""Clocks of gateways and of the log differ: whoever is a little early asks again."""


@dataclass(slots=True)
class _Watched:
    """A ceremony that is not over, as far as this gateway knows."""

    nominee: str
    ends_at_ms: int
    told_s: float = float("-inf")
    moved: bool = False
    left: bool = False


class Ceremonies:
    """One per gateway."""

    def __init__(self, hub: Hub, service: Service, clock: Clock) -> None:
        self._hub = hub
        self._service = service
        self._clock = clock
        self._watched: dict[tuple[str, int], _Watched] = {}
        self._stirred = asyncio.Event()
        self.told = 0
        self.ended = 0

    def watch(self, room: str, views: Iterable[CeremonyView]) -> None:
        """Somebody is shown these ceremonies of a room: see to it that they hear tallies and an end."""
        for view in views:
            self._watched.setdefault((room, view.of), _Watched(view.opened.nominee, view.chooses_until_ms))

    def happened(self, entry: Entry, event: OfCeremonies) -> None:
        """An entry of a followed room, in order; sync, as all of delivery."""
        room = entry.room
        match event:
            case CeremonyOpened():
                lasts_s = event.window_s + CHOOSE_WITHIN_S if event.consented else event.consent_s
                self._watched[room, entry.seq] = _Watched(event.nominee, entry.at_ms + 1000 * lasts_s)
            case CeremonyConsented():
                ends_at_ms = entry.at_ms + 1000 * (event.window_s + CHOOSE_WITHIN_S)
                watched = self._watched.setdefault((room, event.of), _Watched(event.nominee, ends_at_ms))
                watched.ends_at_ms = ends_at_ms
            case CeremonyClosed():
                self._watched.pop((room, event.of), None)
            case NameVoted() | ProposalHidden():
                watched_now = self._watched.get((room, event.of))
                if watched_now is not None and not watched_now.moved:
                    watched_now.moved = True
                    self._stirred.set()

    def left(self, room: str, user: str) -> None:
        """A member left: what they were to be named in is over."""
        for (of_room, _), watched in self._watched.items():
            if of_room == room and watched.nominee == user:
                watched.left = True

    async def run(self) -> None:
        """Tell tallies and end what has run out, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._look())

    async def _tell(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            now_s = self._clock.now_s()
            waits_s: list[float] = []
            for (room, of), watched in tuple(self._watched.items()):
                if not watched.moved:
                    continue
                due_s = watched.told_s + self._every_s(room)
                if due_s > now_s:
                    waits_s.append(due_s - now_s)
                    continue
                watched.moved, watched.told_s = False, now_s
                if not await self._told(room, of):
                    watched.moved = True
                    waits_s.append(TELL_EVERY_S)
            if waits_s:
                await asyncio.sleep(min(waits_s))
                self._stirred.set()

    async def _told(self, room: str, of: int) -> bool:
        """False where the engine is away."""
        here = self._hub.rooms.get(room)
        if here is None:
            return True
        try:
            frame = await self._service.tally(room, of)
        except CommandFailed:
            return False
        if frame is not None:
            for _ in here.whispers(lambda codec: encode_frame(frame, codec), SLICE):
                await asyncio.sleep(SLICE_EVERY_S)
            self.told += 1
        return True

    def _every_s(self, room: str) -> float:
        here = self._hub.rooms.get(room)
        return max(TELL_EVERY_S, len(here.seats) / WHISPERS_PER_S if here else 0.0)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_ms = self._clock.now_ms()
            for (room, of), watched in tuple(self._watched.items()):
                if room not in self._hub.rooms:
                    self._watched.pop((room, of), None)
                    continue
                if not watched.left and now_ms < watched.ends_at_ms + LATE_MS:
                    continue
                try:
                    appended = await self._service.run_out(room, of, left=watched.left)
                    over = appended is None and await self._service.tally(room, of) is None
                except CommandFailed:
                    continue
                if over:  # its end had passed here before somebody was shown it
                    self._watched.pop((room, of), None)
                watched.left = False  # who left and came back in this second goes on being named
                self.ended += appended is not None and not appended.duplicate

    def statistics(self) -> dict[str, float]:
        return {
            "ceremonies": len(self._watched),
            "tallies_told_total": self.told,
            "ceremonies_ended_total": self.ended,
        }
