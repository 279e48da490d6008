"""The archiver's choices: what stays hot, what old rooms drop, what gives way when the engine's memory runs out."""

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chat.adapters.archive_sql import SqlArchive
from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import EmbeddedEngine
from chat.adapters.redis_archiver import DAY_MS, SLACK, Keeping, RedisArchiver
from chat.errors import Unavailable
from chat.events import Entry, Posted, Recalled, RoomCreated
from chat.ids import Position
from chat.ports import ArchivedEntry, Member, SetPin
from gateway.app import OF_ARCHIVERS, archivers
from gateway.archiver import Report
from gateway.connection import where_to_start
from tests.support.engine import embedded_engine, random_prefix
from tests.support.faults import Faults

__all__ = ["embedded_engine"]

pytestmark = pytest.mark.engine


@pytest.fixture
async def engine(embedded_engine: EmbeddedEngine, tmp_path: Path) -> AsyncIterator[ConnectedEngine]:
    async with connect_engine(
        embedded_engine.url, embedded_engine.data_dir, archive_url=archive_of(tmp_path), prefix=random_prefix()
    ) as connected:
        yield connected


def archive_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'archive.sqlite'}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def archiver(engine: ConnectedEngine, keeping: Keeping, ahead_ms: int = 0) -> RedisArchiver:
    assert engine.archive is not None
    return RedisArchiver(engine.redis, engine.archive, keeping, now_ms=lambda: now_ms() + ahead_ms)


async def room_of(engine: ConnectedEngine, posts: int, room: str = "r") -> None:
    event = RoomCreated(by="ann", name="Ann", title=room)
    await engine.log.create(room, room, event, Member("ann", "Ann", "owner"), once="create")
    for number in range(posts):
        await engine.log.append(room, Posted(author="ann", name="Ann", text=f"m{number}"), once=f"p{number}")


async def hot(engine: ConnectedEngine, room: str = "r") -> int:
    return int(await engine.redis.call("XLEN", engine.redis.keys.room(room).log))


def failing_archiver(engine: ConnectedEngine, keeping: Keeping) -> RedisArchiver:
    """Its archive is away when it is first asked for anything."""
    assert engine.archive is not None
    return RedisArchiver(engine.redis, Faults(1).wrap(engine.archive), keeping, now_ms=now_ms)


async def test_the_newest_stay_a_few_above_that_are_let_be_and_how_far_it_is_behind_is_told(
    engine: ConnectedEngine,
) -> None:
    await room_of(engine, SLACK + 9)
    idle = archiver(engine, Keeping(11))
    await idle.sweep()
    assert (await hot(engine), idle.behind()) == (SLACK + 10, 0)
    failing = failing_archiver(engine, Keeping(10))
    report = Report(failing, engine.presence, name="one", now_s=lambda: 1_234.5)
    with pytest.raises(Unavailable):
        await failing.sweep()
    report.failed()
    await report.tell()
    working = archiver(engine, Keeping(10))
    await working.sweep()
    assert (await hot(engine), working.behind()) == (10, 0)
    await Report(working, engine.presence, name="two", now_s=lambda: 2_000.0).tell()
    told = await archivers(engine.presence)
    assert set(told) == {"archivers", *OF_ARCHIVERS}
    assert (told["archivers"], told["archiver_behind"], told["archiver_moved_total"]) == (2, SLACK, SLACK)
    assert told["archiver_failed_at_seconds"] == 1_234
    assert len(await engine.log.read_after("r", 0, 10_000)) == SLACK + 10


async def test_what_is_older_than_a_room_keeps_is_dropped_and_the_gap_is_told(engine: ConnectedEngine) -> None:
    await room_of(engine, 30)
    await engine.log.append("r", Posted(author="ann", name="Ann", text="pinned"), once="x", change=SetPin(5, on=True))
    late = archiver(engine, Keeping(10), ahead_ms=3 * DAY_MS)
    await late.drop_old()
    assert len(await engine.log.read_after("r", 0, 100)) == 32, "for ever, unless somebody says otherwise"
    await engine.log.retain("r", 2)
    await late.drop_old()
    state = await engine.log.state("r")
    assert state is not None
    assert (state.keep_days, state.dropped, state.pins, state.head.seq) == (2, 32, (), 32)
    assert await engine.log.read_after("r", 0, 100) == []
    fresh = await engine.log.append("r", Posted(author="ann", name="Ann", text="new"), once="new")
    assert fresh.position.seq == 33
    assert where_to_start(Position(state.head.epoch, 7), fresh.position, state.dropped) == (33, False, 26)
    assert where_to_start(Position(state.head.epoch, 32), fresh.position, state.dropped) == (32, True, 0)
    await engine.log.retain("r", None)
    state = await engine.log.state("r")
    assert state is not None
    assert state.keep_days is None


async def test_only_what_is_too_old_is_dropped_also_by_the_rule_for_all_rooms(engine: ConnectedEngine) -> None:
    await room_of(engine, 20)
    await room_of(engine, 20, "kept")
    await engine.log.retain("kept", 0)
    middle = await engine.log.read_at("r", 10)
    assert middle is not None
    ahead_ms = DAY_MS + middle.at_ms - now_ms()
    await archiver(engine, Keeping(5, keep_days=1), ahead_ms=ahead_ms).drop_old()
    left = await engine.log.read_after("r", 0, 100)
    assert all(entry.at_ms >= middle.at_ms - 50 for entry in left)
    assert left[-1].seq == 21
    assert len(await engine.log.read_after("kept", 0, 100)) == 21


async def test_under_memory_pressure_the_room_that_is_quiet_for_longest_gives_first(engine: ConnectedEngine) -> None:
    for room in ("quiet", "busy"):
        await room_of(engine, 150, room)
    used = await engine.redis.used_bytes()
    await archiver(engine, Keeping(1_000, engine_bytes_max=used * 2)).sweep()
    assert (await hot(engine, "quiet"), await hot(engine, "busy")) == (151, 151)
    moved: list[tuple[str, int]] = []

    class Watched(RedisArchiver):
        async def move(self, room: str, upto: int) -> None:
            moved.append((room, upto))
            await super().move(room, upto)

    assert engine.archive is not None
    pressed = Keeping(1_000, engine_bytes_max=int(used / 0.9))  # more than these rooms can give
    await Watched(engine.redis, engine.archive, pressed, now_ms=now_ms).sweep()
    assert moved == [("quiet", 51), ("busy", 51), ("quiet", 151), ("busy", 151)]
    assert (await hot(engine, "quiet"), await hot(engine, "busy")) == (0, 0)
    assert len(await engine.log.read_before("busy", 152, 1_000)) == 151


async def test_what_the_archive_did_not_confirm_stays_in_the_engine(engine: ConnectedEngine) -> None:
    await room_of(engine, 20)
    failing = failing_archiver(engine, Keeping(0))
    with pytest.raises(Unavailable):
        await failing.move("r", 21)
    assert await hot(engine) == 21


async def test_a_recall_between_the_copy_and_the_trim_is_seen(engine: ConnectedEngine, tmp_path: Path) -> None:
    """The copy holds a message that the engine no longer has: the trim is refused, the batch read again, and the
    copy of the recalled message is gone from the archive."""
    await room_of(engine, 5)
    archive = engine.archive
    assert archive is not None

    class Between(SqlArchive):
        recalled = False

        async def keep(self, room: str, epoch: str, entries: Sequence[ArchivedEntry]) -> None:
            await super().keep(room, epoch, entries)
            if not self.recalled:
                self.recalled = True
                await engine.log.append("r", Recalled(of=3, by="ann", author="ann"), once="r")

    async with Between(archive_of(tmp_path)) as between:
        moving = RedisArchiver(engine.redis, between, Keeping(0), now_ms=now_ms)
        await moving.move("r", 6)
    assert moving.statistics()["overtaken"] == 1
    entries: list[Entry] = list(await engine.log.read_after("r", 0, 100))
    assert [entry.seq for entry in entries] == [1, 2, 4, 5, 6, 7]
    kept = await archive.read_after("r", entries[0].epoch, 0, 100, 100)
    assert [each.entry.seq for each in kept] == [1, 2, 4, 5, 6]
