"""History without end, measured: `python -m tests.bench.archive`.

One large room and many small ones are filled through the product's own append step (so every entry is stored, indexed
and published as in life), at a steady rate, while two real archiver processes move what is old under a memory bound of
the engine and are killed with SIGKILL at random. Asked is:

- does the engine stay under its bound, looked at every 50 ms while it is being filled?
- how long does a page of history take, anywhere: 50 entries before a random position of a random room, with what was
  said about them, as a reader's history asks for them?
- is every entry there afterwards, once and in order, in the archive or in the engine? The whole log of every room is
  read in pages and compared, entry by entry, with what was appended.

Once-keys live 48 hours in life and would fill most of an engine that was filled in minutes; here they live
`ONCE_LIFE_S`, as if the messages had come over weeks. Not in loadtest, which is a stranger: this needs the append step
itself, no client may write so fast. The result is `build/bench/archive.json` and says what it was made with.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import stop
from chat.adapters.redis_engine import RedisEngine, Script
from chat.adapters.redis_log import RedisLog
from chat.events import Posted, RoomCreated
from chat.ports import Member
from chat.wire import encode_event

ROOT: Final = Path(__file__).parents[2]
RESULT: Final = ROOT / "build/bench/archive.json"
PAGE_ENTRIES: Final = 50
PAGE_P99_TARGET_MS: Final = 30.0
PIPELINE: Final = 500
ONCE_LIFE_S: Final = 10
LOOK_S: Final = 0.05
LARGE: Final = "large"
TEXT: Final = "今天的世界很大，但是我们在同一个村子里。See you at the well at six? #"
MEGABYTE: Final = 1_000_000


@dataclass(slots=True)
class Captured(Exception):
    """What the log would have sent."""

    script: Script
    keys: list[str]
    arguments: list[Any]


class _Capture:
    """In the place of an engine: hands the arguments of the append step to us, so that they are the product's own."""

    def __init__(self, engine: RedisEngine) -> None:
        self.keys = engine.keys

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any], **_: Any) -> Any:
        raise Captured(script, list(keys), list(args))


def posted(room: str, number: int) -> Posted:
    return Posted(author="ann", name="Ann", text=f"{TEXT}{room} {number}")


async def template(engine: RedisEngine, room: str) -> Captured:
    try:
        await RedisLog(cast(RedisEngine, _Capture(engine))).append(room, posted(room, 0), once="")
    except Captured as captured:
        return captured
    raise AssertionError("unreachable")


@dataclass(slots=True)
class Filling:
    """What was appended so far, and what was seen meanwhile."""

    appended: dict[str, int] = field(default_factory=dict)
    used_bytes_max: int = 0
    looks: int = 0
    behind_s_max: float = 0.0
    kills: int = 0


async def append(engine: RedisEngine, filling: Filling, room: str, count: int) -> None:
    """`count` more posts; number n stands at seq n + 1."""
    captured = await template(engine, room)
    once = captured.keys[5]
    first = filling.appended.setdefault(room, 1)
    commands = []
    for number in range(first, first + count):
        keys, args = list(captured.keys), list(captured.arguments)
        keys[5] = f"{once}{number}"
        args[3] = ONCE_LIFE_S
        args[7] = encode_event(posted(room, number))
        commands.append(("EVALSHA", captured.script.digest, len(keys), *keys, *args))
    answers = await engine.call_all(commands, repeatable=False)
    assert all(answer[0] == b"new" for answer in answers)
    filling.appended[room] = first + count


async def fill(engine: ConnectedEngine, filling: Filling, sizes: dict[str, int], per_s: float) -> None:
    redis: Any = engine.redis
    for room in sizes:
        event = RoomCreated(by="ann", name="Ann", title=room)
        await engine.log.create(room, room, event, Member("ann", "Ann", "owner"), once="create")
        filling.appended[room] = 1
    captured = await template(redis, LARGE)
    await redis.call("SCRIPT", "LOAD", captured.script.source)
    # Small rooms one after the other between steps of the large one, so that some have long been quiet at the end.
    small = [room for room, size in sizes.items() if room != LARGE for _ in range(max(1, size // PIPELINE))]
    large = [LARGE] * (sizes[LARGE] // PIPELINE)
    steps = sorted([*enumerate(small), *((at * len(small) / max(1, len(large)), LARGE) for at, _ in enumerate(large))])
    began = time.monotonic()
    sent = 0
    for _, room in steps:
        count = min(PIPELINE, sizes[room] + 1 - filling.appended[room])
        await append(redis, filling, room, count)
        sent += count
        ahead_s = began + sent / per_s - time.monotonic()
        filling.behind_s_max = max(filling.behind_s_max, -ahead_s)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)


async def look_at_memory(engine: RedisEngine, filling: Filling) -> None:
    while True:
        answer = await engine.call("INFO", "memory")
        [used] = [int(line[12:]) for line in answer.split(b"\r\n") if line.startswith(b"used_memory:")]
        filling.used_bytes_max = max(filling.used_bytes_max, used)
        filling.looks += 1
        await asyncio.sleep(LOOK_S)


async def archivers(data_dir: Path, settings: dict[str, str], filling: Filling, chance: random.Random) -> None:
    """Two of them; one dies every few seconds, in the middle of whatever it does, and is started again."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "DIQIUCUN_LOG_LEVEL": "warning", **settings}

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", "archiver", env=environ, cwd=ROOT)

    running = [await start() for _ in range(2)]
    try:
        while True:
            await asyncio.sleep(3 + 5 * chance.random())
            victim = chance.randrange(2)
            running[victim].send_signal(signal.SIGKILL)
            await running[victim].wait()
            filling.kills += 1
            running[victim] = await start()
    finally:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def beside(*works: Any) -> AsyncIterator[None]:
    """Tasks that run as long as the block does."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(work) for work in works]
        yield
        for task in running:
            task.cancel()


async def pages(engine: ConnectedEngine, sizes: dict[str, int], count: int, chance: random.Random) -> dict[str, Any]:
    """Half of them in the large room, half in the others."""
    small = [room for room in sizes if room != LARGE] or [LARGE]
    times: dict[str, list[float]] = {"archive": [], "engine": []}
    for number in range(count):
        room = LARGE if number % 2 else chance.choice(small)
        before = chance.randrange(2, sizes[room] + 2)
        began = time.perf_counter()
        found = await engine.log.read_before(room, before, PAGE_ENTRIES)
        await engine.log.about(room, found[0].seq, found[-1].seq, 2_000)
        took = (time.perf_counter() - began) * 1000
        assert [entry.seq for entry in found] == list(range(max(1, before - PAGE_ENTRIES), before))
        floor = int(await engine.redis.call("HGET", engine.redis.keys.room(room).meta, "floor") or 0)
        times["archive" if found[0].seq <= floor else "engine"].append(took)
    every = sorted(times["archive"] + times["engine"])
    return {
        "pages": len(every),
        "of_them_from_the_archive": len(times["archive"]),
        "p50_ms": round(every[len(every) // 2], 2),
        "p99_ms": round(every[len(every) * 99 // 100], 2),
        "max_ms": round(every[-1], 2),
    }


async def compare(engine: ConnectedEngine, filling: Filling) -> dict[str, int]:
    """The whole log of every room against what was appended."""
    found = {"entries": 0, "missing": 0, "doubled": 0, "different": 0}
    for room, size in filling.appended.items():
        seq = 0
        while page := await engine.log.read_after(room, seq, 2_000):
            for entry in page:
                found["entries"] += 1
                found["missing"] += max(0, entry.seq - seq - 1)
                found["doubled"] += entry.seq <= seq
                found["different"] += entry.seq > 1 and entry.body != encode_event(posted(room, entry.seq - 1))
                seq = entry.seq
        found["missing"] += size - seq
    return found


async def bench(arguments: argparse.Namespace, data_dir: Path) -> dict[str, Any]:
    sizes = {LARGE: arguments.large, **{f"r{number:04}": arguments.room_entries for number in range(arguments.rooms)}}
    settings = {
        "DIQIUCUN_DATA_DIR": str(data_dir),
        "DIQIUCUN_HOT_ENTRIES": str(arguments.hot),
        "DIQIUCUN_ENGINE_MEMORY_MB": str(arguments.memory_mb),
    }
    filling, chance = Filling(), random.Random(arguments.seed)
    async with connect_engine(None, data_dir) as engine, RedisEngine(engine.url) as watching:
        began = time.monotonic()
        async with beside(look_at_memory(watching, filling), archivers(data_dir, settings, filling, chance)):
            await fill(engine, filling, sizes, arguments.per_second)
            filled_s = time.monotonic() - began
            reading = await pages(engine, sizes, arguments.pages, chance)
        compared = await compare(engine, filling)
    file_bytes = await asyncio.to_thread(_size, data_dir)
    ok = compared["entries"] == sum(filling.appended.values()) and not sum(
        compared[fault] for fault in ("missing", "doubled", "different")
    )
    return {
        "made_with": vars(arguments),
        "filled_s": round(filled_s, 1),
        "appended_per_s": round(sum(sizes.values()) / filled_s),
        "behind_schedule_s_max": round(filling.behind_s_max, 1),
        "archiver_kills": filling.kills,
        "engine_memory": {
            "bound_mb": arguments.memory_mb,
            "max_mb": round(filling.used_bytes_max / MEGABYTE, 1),
            "looks": filling.looks,
            "met": filling.used_bytes_max <= arguments.memory_mb * MEGABYTE,
        },
        "history_page": {
            **reading,
            "target_p99_ms": PAGE_P99_TARGET_MS,
            "met": reading["p99_ms"] <= PAGE_P99_TARGET_MS,
        },
        "log": {**compared, "met": ok},
        "archive_mb": round(file_bytes / MEGABYTE, 1),
        "archive_bytes_per_entry": round(file_bytes / sum(sizes.values())),
    }


def _size(data_dir: Path) -> int:
    return sum(path.stat().st_size for path in data_dir.glob("archive.sqlite*"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1_000_000, help="entries of the large room")
    parser.add_argument("--rooms", type=int, default=500, help="how many small rooms")
    parser.add_argument("--room-entries", type=int, default=1_000, help="entries of each of them")
    parser.add_argument("--hot", type=int, default=500, help="entries that stay hot")
    parser.add_argument("--memory-mb", type=int, default=100, help="bound of the engine's memory")
    parser.add_argument("--per-second", type=float, default=8_000.0, help="entries appended in a second")
    parser.add_argument("--pages", type=int, default=2_000, help="pages of history to read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="a hundredth of everything, to see that it runs")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.large, arguments.rooms, arguments.pages = 20_000, 10, 200
        arguments.memory_mb = 20
    data_dir = Path(tempfile.mkdtemp(prefix="dqc-archive-"))
    try:
        report = asyncio.run(bench(arguments, data_dir))
    finally:
        stop(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
    print(json.dumps(report, indent=2))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0 if all(report[part]["met"] for part in ("engine_memory", "history_page", "log")) else 1


if __name__ == "__main__":
    sys.exit(main())
