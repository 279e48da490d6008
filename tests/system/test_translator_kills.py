"""Translators as real processes on a real engine: killed twenty times, and given three times what they can do.

Kills: after the last one every message has its translation once, or one word why there is none, and never both, but
for what overload skipped first. Load: the guests of the processor (the engine's threads) must not be felt by those who
only read originals. Rounds with and without load alternate and the best p99 of each kind are compared: other programs
of a shared machine only ever add to it. What is timed is the way of an original, from append to arrival at a feed.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import stop as stop_engine
from chat.events import Posted, RoomCreated, Translated, Untranslated
from chat.ports import JobText, Member
from chat.wire import decode_event

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ROOM = "tea"
KILLS = 20
ROUNDS = int(os.environ.get("OVERLOAD_ROUNDS", "1"))
"""Of calm and load in turn."""
LOADED_P99_S_MAX = 0.025
"""Nobody sees it. The ratio to the calm p99 (aim: 1.5) is written to build/bench/overload.json and not asserted: both
are some milliseconds, mostly of the disk that every append waits for, and other programs move each of them twofold."""
SENTENCES = 6
"""In each message of the load, so that the load costs the translator much and whoever posts it little."""
CHARACTERS = "天地人你我他山水火木土石田禾米竹花草鸟鱼马牛羊狗猫车船门窗桌椅书笔纸茶饭菜果糖盐油酒杯碗"
KINDS = ("我今天看见了{}和{}", "你们有没有{}和{}？", "明天我们去买{}和{}吧", "她说她喜欢{}和{}。")


def line(number: int) -> str:
    """Lines that differ, so that no cache answers."""
    size = len(CHARACTERS)
    high, middle, low = (CHARACTERS[number // each % size] for each in (size * size, size, 1))
    return KINDS[number % 4].format(high + middle + low, CHARACTERS[-1 - number % size])


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[ConnectedEngine]:
    async with connect_engine(None, tmp_path) as connected:
        made = RoomCreated(by="ann", name="Ann", title="Tea")
        await connected.log.create(ROOM, "Tea", made, Member("ann", "Ann", "owner"), once="c")
        yield connected
    await asyncio.to_thread(stop_engine, tmp_path)


async def start(data_dir: Path, **settings: str) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")}
    environment |= {"DIQIUCUN_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), "DIQIUCUN_LOG_FORMAT": "json"}
    with (data_dir / "translators.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "translator", env=environment | settings, stderr=log
        )


async def end(*workers: asyncio.subprocess.Process) -> None:
    for worker in workers:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()


async def post(engine: ConnectedEngine, number: int, budget_ms: int = 800, sentences: int = 1) -> None:
    now_ms = time.time_ns() // 1_000_000
    text = "。".join(line(sentences * number + each).rstrip("。") for each in range(sentences))
    job = JobText(text, "ann", (("en",),), deadline_ms=now_ms + 60_000, budget_ms=budget_ms, posted_at_ms=now_ms)
    await engine.log.append(ROOM, Posted(author="ann", name="Ann", text=text), once=f"p{number}", job=job)


async def said(engine: ConnectedEngine) -> tuple[int, Counter[int], Counter[int], Counter[str]]:
    """(messages, translations by message, refusals by message, refusals by reason)."""
    translated: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    posted = after = 0
    while page := await engine.log.read_after(ROOM, after, 1_000):
        for entry in page:
            match decode_event(entry.body):
                case Translated(of=of):
                    translated[of] += 1
                case Untranslated(of=of, reason=reason):
                    refused[of] += 1
                    reasons[reason] += 1
                case Posted():
                    posted += 1
        after = page[-1].seq
    return posted, translated, refused, reasons


async def test_twenty_kills_and_every_message_is_answered_once(engine: ConnectedEngine, tmp_path: Path) -> None:
    chance = random.Random(1)
    workers = [await start(tmp_path), await start(tmp_path)]
    posted = 0
    try:
        async with asyncio.timeout(240):
            for kill in range(KILLS):
                until = time.monotonic() + chance.uniform(0.3, 1.5)
                while time.monotonic() < until:
                    await post(engine, posted)
                    posted += 1
                    await asyncio.sleep(chance.uniform(0.0, 0.06))
                victim = kill % 2
                workers[victim].kill()
                await workers[victim].wait()
                workers[victim] = await start(tmp_path)
            while await engine.jobs.backlog():
                await asyncio.sleep(0.1)
    finally:
        await end(*workers)
    messages, translated, refused, reasons = await said(engine)
    assert messages == posted > 200
    assert max(translated.values()) == 1, "translated twice"
    assert not refused or max(refused.values()) == 1, "refused twice"
    assert len(set(translated) | set(refused)) == messages, "a message without an answer"
    assert set(translated) & set(refused) == set() or reasons["overload"], reasons
    assert len(translated) > 0.7 * messages, reasons


@asynccontextmanager
async def deliveries(engine: ConnectedEngine) -> AsyncIterator[list[float]]:
    """Seconds from append to arrival of every post, as a gateway's relay sees it."""
    took: list[float] = []
    async with engine.new_feed() as feed:
        await feed.follow("quiet")

        async def listen() -> None:
            async for item in feed.items():
                body = getattr(item, "body", None)
                event = decode_event(body) if body is not None else None
                if isinstance(event, Posted) and event.author == "bob":
                    took.append(time.perf_counter() - float(event.text))

        listening = asyncio.create_task(listen())
        try:
            yield took
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def p99_of(engine: ConnectedEngine, name: str, seconds: float) -> float:
    async with deliveries(engine) as took:
        until = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < until:
            number += 1
            event = Posted(author="bob", name="Bob", text=repr(time.perf_counter()))
            await engine.log.append("quiet", event, once=f"{name}-{number}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
    assert len(took) == number
    return statistics.quantiles(took, n=100)[98]


async def test_three_times_what_it_can_do_is_not_felt_by_readers_of_originals(
    engine: ConnectedEngine, tmp_path: Path
) -> None:
    quiet = RoomCreated(by="bob", name="Bob", title="Quiet")
    await engine.log.create("quiet", "Quiet", quiet, Member("bob", "Bob", "owner"), once="c")
    probe = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    worker = await start(tmp_path, DIQIUCUN_TRANSLATOR_METRICS_PORT=str(port))
    posted = 0
    try:
        async with asyncio.timeout(240):
            capacity_per_s = await _capacity(engine)
            posted += 301
            calm: list[float] = []
            loaded: list[float] = []
            for number in range(ROUNDS):
                calm.append(await p99_of(engine, f"calm{number}", 2.5))
                count = int(3 * capacity_per_s * 2.5)
                await _load(engine, posted, count)
                posted += count
                loaded.append(await p99_of(engine, f"loaded{number}", 2.5))
                while await engine.jobs.backlog():
                    await asyncio.sleep(0.1)
            counted = await _until_caught_up(port)
    finally:
        await end(worker)
    messages, translated, refused, reasons = await said(engine)
    ratio = round(min(loaded) / min(calm), 2)
    figures = {
        "capacity_per_s": round(capacity_per_s),
        "calm_p99_ms": [round(1000 * value, 2) for value in calm],
        "loaded_p99_ms": [round(1000 * value, 2) for value in loaded],
        "ratio": ratio,
        "posted": posted,
        "translated": len(translated),
        "in_budget": counted["translations_in_budget_total"],
        "skipped": counted["events_skipped_total"],
        "caught_up": counted["events_caught_up_total"],
        "doubted": sum(value for name, value in counted.items() if name.startswith("sentences_doubted_")),
        "reasons": dict(reasons),
    }
    print(json.dumps(figures))
    result = ROOT / "build" / "bench" / "overload.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(figures))
    assert messages == posted
    assert max(translated.values()) == 1
    final = {of for of in refused if of not in translated}
    assert len(translated) + len(final) == messages, "something was lost"
    assert reasons["too_late"] == 0, "an unskipped message without its translation"
    assert counted["events_skipped_total"] == reasons["overload"]
    if ROUNDS > 1:  # `make bench-overload`, with the machine to itself: a single round beside other tests is no measure
        assert min(loaded) <= LOADED_P99_S_MAX, figures


async def _capacity(engine: ConnectedEngine) -> float:
    """Messages a second: 300 at once, once the first has loaded the model."""
    await post(engine, 0, 60_000, SENTENCES)
    while await engine.jobs.backlog():
        await asyncio.sleep(0.02)
    started = time.monotonic()
    await asyncio.gather(*(post(engine, number, 60_000, SENTENCES) for number in range(1, 301)))
    while await engine.jobs.backlog():
        await asyncio.sleep(0.02)
    return 300 / (time.monotonic() - started)


async def _load(engine: ConnectedEngine, first: int, count: int) -> None:
    """Three times what can be done in a round, at its beginning: posted meanwhile, the posting itself would be felt."""
    await asyncio.gather(*(post(engine, first + each, sentences=SENTENCES) for each in range(count)))
    await asyncio.sleep(0.3)


async def _until_caught_up(port: int) -> dict[str, int]:
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        answer = (await reader.read()).decode()
        writer.close()
        rows = [row.split() for row in answer.splitlines() if row.startswith("diqiucun_translator_")]
        counted = {name.removeprefix("diqiucun_translator_"): int(value) for name, value in rows}
        if not counted["texts_parked"]:
            return counted
        await asyncio.sleep(0.2)
