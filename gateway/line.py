"""The line before a room that is full: guests of this gateway that wait for a seat, and those who have one.

Whoever comes to a room with a capacity asks here first. With a seat they are shown in; without, their connection is
told its place, and told again when it moves; the `room` frame follows as soon as there is a seat. One question to the
engine every two seconds for each room, for all who wait here, keeps their places and finds out. Nothing is decided
here: the order of the line is the engine's, so it is one line before all gateways.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from chat.commands import Command, Join, Leave
from chat.errors import CommandFailed, ErrorCode, Rejected
from chat.ids import Position
from chat.live_frames import WaitFrame
from chat.service.seating import SEATS_KEPT_EVERY_MS, Place, needs_seat, seats_in
from gateway.outbox import Outbox

if TYPE_CHECKING:
    from chat.service import Service, Standing

LOOK_EVERY_S: Final = 2.0
KEEP_EVERY_S: Final = SEATS_KEPT_EVERY_MS / 1000 - LOOK_EVERY_S


class Guest(Protocol):
    """A connection, as far as the line knows it."""

    @property
    def outbox(self) -> Outbox: ...

    def send(self, frame: WaitFrame, /) -> None: ...

    async def walk_in(self, room: str, position: Position | None, re: int) -> None: ...


@dataclass(slots=True)
class _Waiting:
    user: str
    position: Position | None
    re: int
    told: Place


class Line:
    """One per gateway."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._waiting: dict[str, dict[Any, _Waiting]] = {}
        self._seated: dict[str, dict[Any, str]] = {}
        self.admitted = 0

    async def admits(self, guest: Guest, standing: "Standing", position: Position | None, re: int) -> bool:
        """Whether `guest` may come in now; if not, they are told their place. Raises Unavailable."""
        state, user = standing.state, standing.member.user
        room = state.room
        if not needs_seat(state, standing.member.role):
            return True
        place = await self._service.take_seat(room, user, seats_in(state))
        if place is None:
            self._waiting.get(room, {}).pop(guest, None)
            self._seated.setdefault(room, {})[guest] = user
            return True
        self._waiting.setdefault(room, {})[guest] = _Waiting(user, position, re, place)
        guest.send(WaitFrame(room=room, place=place.place, waiting=place.waiting))
        return False

    def check(self, guest: Guest, command: Command) -> None:
        """Raises Rejected for what is asked of a room before whose door one still stands."""
        if self._waiting and not isinstance(command, Join | Leave):
            room = getattr(command, "room", None)
            if guest in self._waiting.get(room or "", ()):
                raise Rejected(ErrorCode.FORBIDDEN, "the room is full; you have a place in line")

    def left(self, guest: Guest, room: str | None = None) -> None:
        """The connection is gone, or has left this room: seat and place are kept for a while, but no longer renewed."""
        for halls in (self._waiting, self._seated):
            for each in (room,) if room is not None else tuple(halls):
                here = halls.get(each)
                if here is not None:
                    here.pop(guest, None)
                    if not here:
                        del halls[each]

    async def run(self) -> None:
        """Let in whoever gets a seat and keep the seats of those who are in, until cancelled."""
        kept_s = 0.0
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                kept_s += LOOK_EVERY_S
                for room in tuple(self._waiting):
                    for walking in await self._look(room):
                        tasks.create_task(walking)
                if kept_s >= KEEP_EVERY_S:
                    kept_s = 0.0
                    for room, seated in tuple(self._seated.items()):
                        try:
                            await self._service.keep_seats(room, tuple(dict.fromkeys(seated.values())))
                        except CommandFailed:
                            continue

    async def _look(self, room: str) -> list[Coroutine[Any, Any, None]]:
        """Those who have a seat by now, on their way."""
        if room not in self._waiting:  # the last of them went while another room was looked at
            return []
        users = tuple(dict.fromkeys(waiting.user for waiting in self._waiting[room].values()))
        try:
            state = await self._service.log.state(room)
            places = await self._service.take_seats(room, users, seats_in(state) if state else 0)
        except CommandFailed:
            return []
        walking: list[Coroutine[Any, Any, None]] = []
        here = self._waiting.get(room, {})
        for guest, waiting in tuple(here.items()):
            if guest.outbox.closed_for is not None:  # gone while it was asked for
                del here[guest]
                continue
            if waiting.user not in places:  # came while we looked
                continue
            place = places[waiting.user]
            if place is None:
                del here[guest]
                self.admitted += 1
                walking.append(guest.walk_in(room, waiting.position, waiting.re))
            elif place != waiting.told:
                waiting.told = place
                guest.send(WaitFrame(room=room, place=place.place, waiting=place.waiting))
        if not here:
            self._waiting.pop(room, None)
        return walking

    def statistics(self) -> dict[str, float]:
        return {
            "waiting_in_line": sum(map(len, self._waiting.values())),
            "admitted_from_line_total": self.admitted,
        }
