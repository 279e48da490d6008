"""Who is here, and who has a seat."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chat.frames import Person


@dataclass(frozen=True, slots=True)
class Roster:
    """Who one gateway process holds in one room."""

    total: int
    readers: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Members by reading-language list, most liked first: what translation needs to know."""
    people: tuple[Person, ...] = ()
    """At most 200 of them by name, for the list of who is here."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where those who were asked for stand: 0 seated, 1 the first in line; and how many wait in all."""

    places: tuple[int, ...]
    waiting: int


class Presence(Protocol):
    """Who is here, reported by each gateway for all its members together, under a lease.

    One report per gateway and room instead of one row per member: renewing 10,000 members costs one command.
    A gateway that dies is forgotten when its lease ends.
    """

    async def report(self, room: str, reporter: str, roster: Roster, lease_ms: int) -> None: ...

    async def withdraw(self, room: str, reporter: str) -> None: ...

    async def rosters(self, room: str) -> Sequence[Roster]:
        """The unexpired reports of a room."""
        ...

    async def seat(self, room: str, users: Sequence[str], capacity: int, seat_ms: int, place_ms: int) -> Places:
        """A seat for each of these, as far as there are free ones for those who came first; the others stand in line
        from now on, behind those who came before. Seats and places are kept for so long from now; asking again keeps
        them. `capacity` 0: there are seats for everybody."""
        ...

    async def keep_seats(self, room: str, users: Sequence[str], seat_ms: int) -> None:
        """Those who are in keep their seats for so long from now, whatever the capacity is by now."""
        ...

    async def vacate(self, room: str, user: str) -> None:
        """Give up seat and place."""
        ...
