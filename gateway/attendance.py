"""Who is here, told to the other gateways and to the readers, at a bounded rate.

Presence kills servers when every join is told to every member (n squared; Rocket.Chat, Synapse and Ably document it).
So: a gateway reports all its members of a room in one row under a lease, at most ten times a second per room, and
readers get the sum at most twice a second; above 200 members only counts. A language that nobody here read before is
reported at once, before the join is answered: the next message already needs its translation.
"""

import asyncio
from functools import partial
from typing import Final

import structlog

from chat.errors import Unavailable
from chat.frames import People
from chat.live_frames import CrowdFrame
from chat.ports import Presence, RoomFeed, Roster
from chat.service import Service
from chat.wire import encode_frame
from gateway.hub import PEOPLE_MAX, Hub
from gateway.relay import PEOPLE_CHANGED

REPORT_EVERY_S: Final = 0.1
TELL_EVERY_S: Final = 0.5
LEASE_MS: Final = 30_000
RENEW_EVERY_S: Final = 10.0
"""A third of the lease: two renewals may fail before a living gateway is forgotten."""

log = structlog.get_logger("attendance")


class Attendance:
    def __init__(self, hub: Hub, presence: Presence, feed: RoomFeed, service: Service, reporter: str) -> None:
        self._hub = hub
        self._presence = presence
        self._feed = feed
        self._service = service
        self._reporter = reporter
        self._to_report: set[str] = set()
        self._to_tell: set[str] = set()
        self._reported: set[str] = set()
        self._stirred = asyncio.Event()

    def changed(self, room: str) -> None:
        """Somebody here came, left or reads other languages."""
        self._to_report.add(room)
        self._stirred.set()

    def others_changed(self, room: str) -> None:
        """Some gateway (this one too) has reported."""
        if room in self._hub.rooms:
            self._to_tell.add(room)
            self._stirred.set()

    async def report_now(self, room: str) -> None:
        """Report this room before going on. Raises Unavailable."""
        here = self._hub.rooms.get(room)
        self._to_report.discard(room)
        if here is None:
            self._reported.discard(room)
            await self._presence.withdraw(room, self._reporter)
        else:
            self._reported.add(room)
            await self._presence.report(room, self._reporter, here.roster(), LEASE_MS)
        await self._feed.whisper(room, PEOPLE_CHANGED)

    async def run(self) -> None:
        """Report, renew and tell until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._report())
            tasks.create_task(self._tell())
            tasks.create_task(self._renew())

    async def withdraw_all(self) -> None:
        """This gateway ends: do not let its members stand there for the rest of the lease."""
        for room in tuple(self._reported):
            try:
                await self._presence.report(room, self._reporter, Roster(total=0), 1)
                await self._feed.whisper(room, PEOPLE_CHANGED)
            except Unavailable:
                return

    async def _report(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            for room in tuple(self._to_report):
                try:
                    await self.report_now(room)
                except Unavailable:
                    self._to_report.add(room)
                    self._stirred.set()
            await asyncio.sleep(REPORT_EVERY_S)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            for room in tuple(self._hub.rooms):
                here = self._hub.rooms.get(room)
                if here is None:
                    continue
                try:
                    await self._presence.report(room, self._reporter, here.roster(), LEASE_MS)
                except Unavailable:
                    break

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            told, self._to_tell = self._to_tell, set()
            for room in told:
                try:
                    people = await self._service.roll(room)
                except Unavailable:
                    self._to_tell.add(room)
                    continue
                here = self._hub.rooms.get(room)
                if here is None:
                    continue
                if here.crowd is not None:
                    crowd = CrowdFrame(room=room, total=people.total, by_language=people.by_language)
                    here.announce(partial(encode_frame, crowd))
                    continue
                if people.total > PEOPLE_MAX:
                    people = People(room=room, total=people.total, by_language=people.by_language, people=())
                here.announce(partial(encode_frame, people))
