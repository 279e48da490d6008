"""The board: rows, guards on them, and ballot boxes, written in the same step as the entry they came with."""

import asyncio

import pytest

from chat.events import Event
from chat.ports import BoardGuard, Change, DropBox, DropRow, Guard, SetChoices, SetRow, Stale, Tally
from tests.contracts.conftest import Ports, posted


async def write(
    ports: Ports, once: str, *changes: Change, guard: BoardGuard | None = None, event: Event | None = None
) -> int:
    appended = await ports.log.append("r", event or posted(once), once=once, change=changes, guard=guard)
    return appended.position.seq


async def test_rows_are_hung_up_replaced_and_taken_off(ports: Ports) -> None:
    await ports.create()
    assert await ports.log.rows("r", "held") == {}
    assert await ports.log.row("r", "held", "x") is None
    seq = await write(ports, "a", SetRow("held", None, b"\x00first"), SetRow("hand", "ann", b"up"))
    assert await ports.log.rows("r", "held") == {str(seq): b"\x00first"}
    assert await ports.log.row("r", "hand", "ann") == b"up"
    await write(ports, "b", SetRow("hand", "ann", b"down"), DropRow("held", str(seq)))
    assert await ports.log.rows("r", "held") == {}
    assert await ports.log.row("r", "hand", "ann") == b"down"


async def test_a_look_shows_conduct_and_the_callers_rows(ports: Ports) -> None:
    await ports.create()
    before = await ports.log.look("r", "ann")
    assert before.state is not None
    assert (before.state.conduct, before.state.rules, before.standing, before.spoke) == (None, 0, None, None)
    await write(ports, "a", SetRow("conduct", "", b"calm", rules=True), SetRow("standing", "ann", b"muted", rules=True))
    await write(ports, "b", SetRow("spoke", "ann", b"now"))
    after = await ports.log.look("r", "ann")
    assert after.state is not None
    assert (after.state.conduct, after.state.rules, after.standing, after.spoke) == (b"calm", 2, b"muted", b"now")
    assert await ports.log.state("r") == after.state
    other = await ports.log.look("r", "bob")
    assert (other.standing, other.spoke) == (None, None)


async def test_what_was_decided_under_other_rules_is_stale(ports: Ports) -> None:
    await ports.create()
    await write(ports, "a", SetRow("standing", "ann", b"muted", rules=True))
    with pytest.raises(Stale):
        await write(ports, "b", guard=BoardGuard(rules=0))
    await write(ports, "c", guard=BoardGuard(rules=1))
    await write(ports, "d", DropRow("standing", "ann", rules=True))
    with pytest.raises(Stale):
        await write(ports, "e", guard=BoardGuard(rules=1))


async def test_a_guarded_row_lets_one_of_two_through(ports: Ports) -> None:
    await ports.create()
    none = BoardGuard(rows=(("spoke", "ann", None),))
    outcomes = await asyncio.gather(
        *(write(ports, f"p{n}", SetRow("spoke", "ann", b"%d" % n), guard=none) for n in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Stale) for each in outcomes) == 1
    stands = await ports.log.row("r", "spoke", "ann")
    assert stands is not None
    await write(ports, "again", guard=BoardGuard(rows=(("spoke", "ann", stands), ("spoke", "bob", None))))
    with pytest.raises(Stale):
        await write(ports, "other", guard=BoardGuard(rows=(("spoke", "ann", b"else"),)))


async def test_a_board_guard_carries_the_one_of_a_message(ports: Ports) -> None:
    await ports.create()
    seq = await write(ports, "m")
    await write(ports, "x", guard=BoardGuard(rules=0, message=Guard(seq, 0)))
    with pytest.raises(Stale):
        await write(ports, "y", guard=BoardGuard(rules=0, message=Guard(seq, 1)))


async def test_each_voter_counts_once_in_each_box(ports: Ports) -> None:
    await ports.create()
    assert await ports.log.tally("r", "7") == Tally()
    await write(ports, "a", SetChoices("7", "ann", (1, 3)), event=posted("a"))
    await write(ports, "b", SetChoices("7", "bob", (3,)), SetChoices("8", "bob", (1,)))
    assert await ports.log.tally("r", "7") == Tally({1: 1, 3: 2}, 2)
    await write(ports, "c", SetChoices("7", "ann", (2,)))
    assert await ports.log.tally("r", "7") == Tally({2: 1, 3: 1}, 2)
    assert await ports.log.choices("r", "7", "ann") == (2,)
    await write(ports, "d", SetChoices("7", "bob", ()))
    assert await ports.log.tally("r", "7") == Tally({2: 1}, 1)
    assert await ports.log.choices("r", "7", "bob") == ()
    await write(ports, "e", DropBox("7"))
    assert await ports.log.tally("r", "7") == Tally()
    assert await ports.log.tally("r", "8") == Tally({1: 1}, 1)


async def test_a_retry_changes_no_row_twice(ports: Ports) -> None:
    await ports.create()
    for _ in range(2):
        await write(ports, "a", SetRow("standing", "ann", b"x", rules=True), SetChoices("7", "ann", (1,)))
    state = await ports.log.state("r")
    assert state is not None
    assert state.rules == 1
    assert await ports.log.tally("r", "7") == Tally({1: 1}, 1)
