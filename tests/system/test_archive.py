"""History without end, with real processes: archivers killed in the middle of it, a backup while people talk."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import stop
from chat.adapters.redis_archiver import Keeping, RedisArchiver
from chat.events import Edited, Entry, Joined, Posted, Recalled, RoomCreated, Translated
from chat.ports import Appended, Guard, Member, SetMember
from chat.wire import decode_event
from gateway.supervisor import SUPERVISED

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
ROOMS = ("a", "b", "c")


def environ(data_dir: Path, **settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")}
    own = {"data_dir": str(data_dir), **settings}
    return {**clean, "PYTHONPATH": str(ROOT), **{f"DIQIUCUN_{name.upper()}": value for name, value in own.items()}}


def run(data_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env=environ(data_dir, **settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@asynccontextmanager
async def village(data_dir: Path) -> AsyncIterator[ConnectedEngine]:
    try:
        async with connect_engine(None, data_dir) as engine:
            yield engine
    finally:
        stop(data_dir)


async def create(engine: ConnectedEngine, room: str) -> Appended:
    event = RoomCreated(by="ann", name="Ann", title=room)
    return await engine.log.create(room, room, event, Member("ann", "Ann", "owner"), once="create")


async def post(engine: ConnectedEngine, room: str, number: int) -> Appended:
    return await engine.log.append(room, Posted(author="ann", name="Ann", text=f"{room} {number}"), once=f"p{number}")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.01)


async def whole(engine: ConnectedEngine, room: str) -> list[Entry]:
    """The log in pages, as anybody reads it."""
    entries: list[Entry] = []
    while page := await engine.log.read_after(room, entries[-1].seq if entries else 0, 137):
        entries += page
    return entries


async def floor_of(engine: ConnectedEngine, room: str) -> int:
    return int(await engine.redis.call("HGET", engine.redis.keys.room(room).meta, "floor") or 0)


async def moved_so_far(engine: ConnectedEngine) -> int:
    return sum([await floor_of(engine, room) for room in ROOMS])


async def start_archiver(data_dir: Path) -> asyncio.subprocess.Process:
    """It ends when our end of its stdin closes, so a test that fails leaves nobody behind."""
    supervised = {**environ(data_dir, hot_entries="40"), SUPERVISED: "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "archiver", env=supervised, cwd=ROOT, stdin=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize("seed", [1])
async def test_archivers_killed_ten_times_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """Two archivers at work on the same rooms, each killed five times with SIGKILL while three writers write and edits,
    translations and recalls go on: in the end the log is what was appended, and each entry lies in one place."""
    chance = random.Random(seed)
    async with village(tmp_path / "data") as engine:
        expected: dict[str, dict[int, tuple[int, object]]] = {room: {} for room in ROOMS}
        writing = True

        async def write(room: str) -> None:
            made = await create(engine, room)
            expected[room][1] = (made.at_ms, RoomCreated(by="ann", name="Ann", title=room))
            number = 0
            while writing:
                for appended, event in zip(
                    await asyncio.gather(*(post(engine, room, number + more) for more in range(40))),
                    [Posted(author="ann", name="Ann", text=f"{room} {number + more}") for more in range(40)],
                    strict=True,
                ):
                    expected[room][appended.position.seq] = (appended.at_ms, event)
                number += 40
                await change(room, number)

        async def change(room: str, number: int) -> None:
            """Something happens to a message of long ago or of just now."""
            of = chance.choice([seq for seq, (_, event) in expected[room].items() if isinstance(event, Posted)])
            revision = await engine.log.revision(room, of)
            assert revision is not None
            edit = Edited(of=of, by="ann", revision=revision + 1, text=f"better {number}")
            made = await engine.log.append(room, edit, once=f"e{number}", guard=Guard(of, revision))
            expected[room][made.position.seq] = (made.at_ms, edit)
            words = Translated(
                of=of, revision=revision + 1, language="zh", source="en", text="好", engine="e", package="p"
            )
            guard = Guard(of, revision + 1)
            made = await engine.log.append(room, words, once=f"t{number}", audience="zh", guard=guard)
            expected[room][made.position.seq] = (made.at_ms, words)
            if chance.random() < 0.5:
                recall = Recalled(of=of, by="ann", author="ann")
                made = await engine.log.append(room, recall, once=f"r{number}")
                expected[room] = {
                    seq: (at_ms, event)
                    for seq, (at_ms, event) in expected[room].items()
                    if seq != of and not (isinstance(event, Edited | Translated) and event.of == of)
                }
                expected[room][made.position.seq] = (made.at_ms, recall)

        async with asyncio.TaskGroup() as tasks:
            for room in ROOMS:
                tasks.create_task(write(room))
            archivers = [await start_archiver(tmp_path / "data") for _ in range(2)]
            kills_that_cut = 0
            for kill in range(10):
                before = await moved_so_far(engine)

                async def has_moved(before: int = before) -> bool:
                    return await moved_so_far(engine) > before

                await until(has_moved)
                await asyncio.sleep(chance.random() * 0.4)  # anywhere in its work
                victim = archivers[kill % 2]
                kills_that_cut += victim.returncode is None
                victim.send_signal(signal.SIGKILL)
                await victim.wait()
                archivers[kill % 2] = await start_archiver(tmp_path / "data")
            writing = False
        assert kills_that_cut == 10
        for archiver in archivers:
            archiver.kill()
            await archiver.wait()
        assert engine.archive is not None
        await RedisArchiver(engine.redis, engine.archive, Keeping(40), now_ms=lambda: 0).sweep()
        for room in ROOMS:
            entries = await whole(engine, room)
            found = {entry.seq: (entry.at_ms, decode_event(entry.body)) for entry in entries}
            assert found == expected[room]
            assert len(entries) == len(found), "an entry came twice"
            state = await engine.log.state(room)
            assert state is not None
            floor = await floor_of(engine, room)
            archived = await engine.archive.read_after(room, state.head.epoch, 0, 10**9, 10**6)
            hot = await engine.redis.call("XRANGE", engine.redis.keys.room(room).log, "-", "+")
            in_archive = [each.entry.seq for each in archived]
            in_engine = [int(position.partition(b"-")[0]) for position, _ in hot]
            assert in_archive == [seq for seq in sorted(expected[room]) if seq <= floor]
            assert in_engine == [seq for seq in sorted(expected[room]) if seq > floor]
            assert floor > 500


async def test_a_backup_taken_while_people_talk_has_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    file, old, new = tmp_path / "village.backup", tmp_path / "old", tmp_path / "new"
    async with village(old) as engine:
        assert engine.archive is not None
        await create(engine, "a")
        for first in range(0, 3000, 100):
            await asyncio.gather(*(post(engine, "a", first + more) for more in range(100)))
        archiver = RedisArchiver(engine.redis, engine.archive, Keeping(100), now_ms=lambda: 0)
        await archiver.sweep()
        await engine.log.append("a", Edited(of=5, by="ann", revision=1, text="better"), once="e", guard=Guard(5, 0))
        await engine.log.append("a", Recalled(of=7, by="ann", author="ann"), once="r")
        before = await whole(engine, "a")
        assert await floor_of(engine, "a") > 2000

        async def talk() -> None:
            number = 10_000
            while True:
                await post(engine, "a", number)
                number += 1
                if number % 50 == 0:
                    await archiver.sweep()

        talking = asyncio.create_task(talk())
        made = await asyncio.to_thread(run, old, "backup", str(file))
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking
        assert made.returncode == 0, made.stderr
        assert file.stat().st_mode & 0o777 == 0o600
        refused = await asyncio.to_thread(run, old, "restore", str(file))
        assert refused.returncode == 1
        assert "there are rooms already" in refused.stderr
        epoch = before[0].epoch
    try:
        put_back = run(new, "restore", str(file))
        assert put_back.returncode == 0, put_back.stderr
        async with village(new) as engine:
            after = await whole(engine, "a")
            assert {entry.epoch for entry in after} != {epoch}, "a client must hear that this is another life"
            assert len({entry.epoch for entry in after}) == 1
            told = [(entry.seq, entry.at_ms, entry.audience, entry.body) for entry in after]
            assert told[: len(before)] == [(entry.seq, entry.at_ms, entry.audience, entry.body) for entry in before]
            assert await engine.log.revision("a", 5) == 1
            assert await engine.log.revision("a", 7) is None
            assert await engine.log.member("a", "ann") == Member("ann", "Ann", "owner")
            again = await post(engine, "a", 17)
            assert (again.duplicate, again.position.epoch) == (True, after[0].epoch)
            state = await engine.log.state("a")
            assert state is not None
            fresh = await post(engine, "a", 99_999)
            assert fresh.position.seq == state.head.seq + 1
    finally:
        stop(new)


def test_half_a_backup_restores_nothing(tmp_path: Path) -> None:
    file = tmp_path / "half.backup"
    whole_file = tmp_path / "whole.backup"

    async def make() -> None:
        async with village(tmp_path / "old") as engine:
            await create(engine, "a")
            made = await asyncio.to_thread(run, tmp_path / "old", "backup", str(whole_file))
            assert made.returncode == 0, made.stderr

    asyncio.run(make())
    file.write_bytes(whole_file.read_bytes()[:-40])
    refused = run(tmp_path / "new", "restore", str(file))
    assert refused.returncode == 1
    assert "no whole backup" in refused.stderr
    assert not (tmp_path / "new").exists()


async def test_a_person_is_erased_from_engine_and_archive(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    async with village(data_dir) as engine:
        assert engine.archive is not None
        await create(engine, "a")
        await engine.log.append(
            "a",
            Joined(user="bob", name="Bob", role="member"),
            once="j",
            change=SetMember(Member("bob", "Bob", "member")),
        )
        for number in range(6):
            event = Posted(author=("ann", "bob")[number % 2], name="N", text=f"secret {number}")
            await engine.log.append("a", event, once=f"p{number}")
        words = Translated(of=4, revision=0, language="zh", source="en", text="秘密", engine="e", package="p")
        await engine.log.append("a", words, once="t", audience="zh", guard=Guard(4, 0))
        await RedisArchiver(engine.redis, engine.archive, Keeping(0), now_ms=lambda: 0).move("a", 5)
        done = await asyncio.to_thread(run, data_dir, "erase", "bob")
        assert done.returncode == 0, done.stderr
        assert "3 messages of bob were taken back, 1 memberships ended" in done.stdout
        left = [decode_event(entry.body) for entry in await whole(engine, "a")]
        assert [event.text for event in left if isinstance(event, Posted)] == ["secret 0", "secret 2", "secret 4"]
        assert not [event for event in left if isinstance(event, Translated)]
        assert await engine.log.member("a", "bob") is None
    kept = b"".join([path.read_bytes() for path in data_dir.glob("archive.sqlite")])
    assert b"secret 0" in kept
    assert b"secret 1" not in kept
