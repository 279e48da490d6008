"""Seats and the line before them: first come, first in; leases on the engine's clock."""

from chat.ports import Places
from tests.contracts.conftest import Ports, eventually

LONG = 60_000


async def asked(ports: Ports, *users: str, capacity: int = 2, seat_ms: int = LONG, place_ms: int = LONG) -> Places:
    return await ports.presence.seat("r", users, capacity, seat_ms, place_ms)


async def test_who_comes_first_sits_and_the_others_stand_in_line(ports: Ports) -> None:
    assert await asked(ports, "a") == Places((0,), 0)
    assert await asked(ports, "b", "c", "d") == Places((0, 1, 2), 2)
    assert await asked(ports, "d", "a") == Places((2, 0), 2), "asking again changes no place"
    await ports.presence.vacate("r", "a")
    assert await asked(ports, "e") == Places((2 + 1,), 3), "nobody passes those who stand in line"
    assert await asked(ports, "d") == Places((2,), 3)
    assert await asked(ports, "c") == Places((0,), 2)
    assert await asked(ports, "d", capacity=0) == Places((0,), 1), "no capacity, no line"
    assert await ports.presence.seat("other", ["e"], 1, LONG, LONG) == Places((0,), 0)


async def test_a_seat_that_is_not_kept_is_free_again(ports: Ports) -> None:
    await asked(ports, "a", "b", seat_ms=60)
    assert await asked(ports, "c") == Places((1,), 1)
    await ports.presence.keep_seats("r", ["a"], LONG)

    async def seated() -> bool:
        return await asked(ports, "c") == Places((0,), 0)

    await eventually(seated)
    assert await asked(ports, "d") == Places((1,), 1), "the one that was kept is taken"


async def test_who_does_not_wait_loses_the_place(ports: Ports) -> None:
    await asked(ports, "a", "b")
    await asked(ports, "c", place_ms=60)
    assert await asked(ports, "d") == Places((2,), 2)

    async def moved() -> bool:
        return await asked(ports, "d") == Places((1,), 1)

    await eventually(moved)
    await ports.presence.vacate("r", "d")
    assert await asked(ports, "e", "c") == Places((1, 2), 2), "who comes back stands at the end"
