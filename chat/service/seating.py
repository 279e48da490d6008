"""Who is in a room that is full, and who waits before its door: first come, first in.

Seats and places are leases in the engine, shared by all gateways: who loses the connection keeps the seat for a
minute, who waits keeps the place for half a minute. Members and those of a higher role need no seat: a room is full of
guests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chat.conduct import conduct_of
from chat.events import Role
from chat.ports import RoomState
from chat.service.ground import Ground

SEAT_KEPT_MS: Final = 60_000
"""After the connection was lost."""
SEATS_KEPT_EVERY_MS: Final = 15_000
"""How often gateways keep the seats of those who are in."""
PLACE_KEPT_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Place:
    """In line: 1 is next."""

    place: int
    waiting: int


def seats_in(state: RoomState) -> int:
    """How many guests may be in at once; 0: as many as come."""
    return conduct_of(state.conduct).capacity


def needs_seat(state: RoomState, role: Role) -> bool:
    return role == "guest" and seats_in(state) > 0


class Seating(Ground):
    async def take_seats(self, room: str, users: Sequence[str], capacity: int) -> Mapping[str, Place | None]:
        """For each of these users: None with a seat, else their place in line, kept for half a minute. Asked by the
        gateway, for guests it would let in or that wait. Raises Unavailable."""
        seat_ms = SEAT_KEPT_MS + SEATS_KEPT_EVERY_MS
        found = await self.presence.seat(room, users, capacity, seat_ms, PLACE_KEPT_MS)
        return {
            user: Place(place, found.waiting) if place else None
            for user, place in zip(users, found.places, strict=True)
        }

    async def take_seat(self, room: str, user: str, capacity: int) -> Place | None:
        """The same for one."""
        return (await self.take_seats(room, (user,), capacity))[user]

    async def keep_seats(self, room: str, users: Sequence[str]) -> None:
        await self.presence.keep_seats(room, users, SEAT_KEPT_MS + SEATS_KEPT_EVERY_MS)

    async def leave_seat(self, room: str, user: str) -> None:
        """For good: the next one may come in."""
        await self.presence.vacate(room, user)
