"""Seats and the line before them in memory; the reference for `redis_seats.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chat.adapters.memory.reach import Reach
from chat.ports import Places


@dataclass(slots=True)
class _Hall:
    seats: dict[str, int] = field(default_factory=dict)
    """Until when each is kept."""
    line: dict[str, int] = field(default_factory=dict)
    """In the order of coming; until when each place is kept."""


class MemorySeats:
    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._halls: dict[str, _Hall] = {}

    async def seat(self, room: str, users: Sequence[str], capacity: int, seat_ms: int, place_ms: int) -> Places:
        await self._reach.step()
        now_ms, hall = self._reach.now_ms(), self._halls.setdefault(room, _Hall())
        for kept in (hall.seats, hall.line):
            for user in [user for user, until_ms in kept.items() if until_ms <= now_ms]:
                del kept[user]
        for user in users:
            if user in hall.seats:
                hall.seats[user] = now_ms + seat_ms
            else:
                hall.line[user] = now_ms + place_ms
        for user in users:
            before = next((place for place, each in enumerate(hall.line) if each == user), None)
            if before is not None and (not capacity or before < capacity - len(hall.seats)):
                del hall.line[user]
                hall.seats[user] = now_ms + seat_ms
        places = {user: place for place, user in enumerate(hall.line, 1)}
        return Places(tuple(places.get(user, 0) for user in users), len(hall.line))

    async def keep_seats(self, room: str, users: Sequence[str], seat_ms: int) -> None:
        await self._reach.step()
        hall = self._halls.setdefault(room, _Hall())
        hall.seats.update(dict.fromkeys(users, self._reach.now_ms() + seat_ms))

    async def vacate(self, room: str, user: str) -> None:
        await self._reach.step()
        hall = self._halls.setdefault(room, _Hall())
        hall.seats.pop(user, None)
        hall.line.pop(user, None)
