"""One load test from outside: makes rooms, starts the crowds, adds up what they saw, asks the server, judges.

Invariant: every figure is counted by the members themselves and merged without sampling; what /metrics and the kernel
say stands beside it. Latency counts from the intended time of each post. When the test ends, whatever way, no process
of it stays behind.
"""

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from chat.client import enter
from chat.commands import CreateRoom, Hello, Leave
from loadtest.histogram import Histogram
from loadtest.raw import Making, RawMember
from loadtest.scenarios import Scenario
from loadtest.server import Address, Processes, deltas, gateways_known, kernel_bytes, metrics
from loadtest.tokens import mint

START_AFTER_S: Final = 0.5
GUESTS_MAX: Final = 100
"""With an invitation: so many guests are made, and members share their tokens as devices of one person do."""
ROOMS_OF_AN_OWNER: Final = 25
"""Made by one session before another goes on: two commands for each, within the burst that a session may send."""
LINE_BYTES_MAX: Final = 2**27
END_WITHIN_S: Final = 15.0
HEALTHY: Final = ("lost", "doubled", "reordered", "unrecovered", "unacknowledged")
"""Counts of violations: 0 is the only good number."""

Tell = Callable[[Mapping[str, Any]], None]


class LoadTestFailed(Exception):
    """The test could not be made. The words are for a person."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which server, and how members get in: by the key file of its operator, or by an invitation."""

    address: Address
    keys: Path | None = None
    invite: str | None = None
    processes: Processes | None = None
    """The server's own, when they run on this machine."""


@dataclass(frozen=True, slots=True)
class Course:
    """How the scenario is driven."""

    processes: int = 1
    seed: int = 1
    joins_per_s: float = 200.0
    newcomers: bool = True
    back_within_s: float | None = None
    writers_apart: bool = False
    """One process more, which has all the writers; `processes` have the readers."""

    @property
    def parts(self) -> int:
        return self.processes + self.writers_apart


class _Child:
    """One `loadtest.crowd` process and its lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.counts: dict[str, Any] = {}
        self.generator: dict[str, Any] = {}
        self._said: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def tell(self, line: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    async def listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            found = json.loads(line)
            self.generator = found.get("generator", self.generator)
            if found["said"] == "progress":
                self.counts = found["counts"]
            else:
                self._said.put_nowait(found)
        self._said.put_nowait(None)

    async def said(self, what: str) -> dict[str, Any]:
        found = await self._said.get()
        if found is None or found["said"] != what:
            raise LoadTestFailed(f"a process of the load test ended before it was {what}; its words stand above")
        return found


async def load_test(target: Target, scenario: Scenario, course: Course, tell: Tell = lambda _: None) -> dict[str, Any]:
    """The whole test; returns the report (see docs/loadtest.md). Raises LoadTestFailed."""
    run = secrets.token_hex(3)
    watch = target.processes or Processes()
    before = await _metrics(target)
    rooms, tokens, scenario = await _open_doors(target, scenario, run)
    spec = {
        "host": target.address.host,
        "port": target.address.port,
        "tls": target.address.tls,
        "run": run,
        "rooms": rooms,
        "scenario": asdict(scenario),
        "seed": course.seed,
        "parts": course.parts,
        "keys": str(target.keys) if target.keys is not None else None,
        "tokens": tokens,
        "joins_per_s": course.joins_per_s,
        "newcomers": course.newcomers,
        "back_within_s": course.back_within_s,
        "writers_apart": course.writers_apart,
    }
    samples: list[dict[str, Any]] = []
    stage = {"stage": "walking in", "began_s": time.monotonic(), "target": target.address}
    async with _crowds(spec, course.parts) as children, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(_watch(children, watch, samples, stage, tell))
        walked_s = time.monotonic()
        generators = [(await child.said("ready"))["generator"] for child in children]
        walked_s = time.monotonic() - walked_s
        settled_memory = watch.look(0.0)
        began_s = time.monotonic() + START_AFTER_S
        stage |= {"stage": "running", "began_s": began_s, "duration_s": scenario.duration_s}
        for child in children:
            child.tell({"told": "go", "began_s": began_s})
        acknowledged = _united([(await child.said("sent"))["acknowledged"] for child in children])
        stage["stage"] = "settling"
        for child in children:
            child.tell({"told": "settle", "acknowledged": acknowledged.hex()})
        parts = [await child.said("settled") for child in children]
        after = await _metrics(target)
        for child in children:
            child.tell({"told": "end"})
        watching.cancel()
    report = _report(scenario, parts)
    report |= {
        "name": scenario.name,
        "seed": course.seed,
        "run": run,
        "processes": course.processes,
        "owners": -(-len(rooms) // ROOMS_OF_AN_OWNER) if target.keys is not None else 0,
        "walked_in_s": round(walked_s, 2),
        "scenario": asdict(scenario),
        "memory_walked_in": settled_memory,
        "server": samples,
        "generator": [
            {**part["generator"], "cpu_s_of_the_run": round(part["generator"]["cpu_s"] - earlier["cpu_s"], 2)}
            for part, earlier in zip(parts, generators, strict=True)
        ],
        "metrics_before": before,
        "metrics_after": after,
        "metrics_grew": deltas(before, after),
    }
    report["agreement"] = agreement(report)
    report["violations"] = [f"{name}: {report[name]}" for name in HEALTHY if report[name]]
    return report


def agreement(report: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """What members counted, beside what the server counted meanwhile. Equal when nobody else was there; a reader who
    was cut off was sent more than it heard."""
    grew = report["metrics_grew"]
    pairs = {
        "posts acknowledged": (report["acknowledged"], "posts_acknowledged_total"),
        "connections opened": (report["connected"] + report["owners"], "connections_opened_total"),
        "entries delivered": (report["entries"], "deliveries_total"),
    }
    return {words: {"members": mine, "server": grew[name]} for words, (mine, name) in pairs.items() if name in grew}


async def _metrics(target: Target) -> dict[str, float]:
    """Empty when the server does not say (a proxy may hide it)."""
    try:
        return await metrics(target.address, gateways_known(target.processes or Processes()))
    except (OSError, TimeoutError):
        return {}


async def _open_doors(target: Target, scenario: Scenario, run: str) -> tuple[list[str], list[str], Scenario]:
    """Rooms to go to, and the tokens of guests where there is no key. Raises LoadTestFailed."""
    if target.keys is None:
        if target.invite is None:
            raise LoadTestFailed("say how to get in: --keys FILE, or --invite LINK")
        entered = []
        for number in range(min(GUESTS_MAX, scenario.readers + scenario.writers)):
            entered.append(await enter(target.invite, f"load {run} {number}"))
        return [entered[0].room], [guest.token for guest in entered], replace(scenario, rooms=1)
    rooms = [f"load-{run}-{number}" for number in range(scenario.rooms)]
    for first in range(0, len(rooms), ROOMS_OF_AN_OWNER):
        owner = await RawMember.connect(target.address.port, host=target.address.host, tls=target.address.context())
        await _hello(owner, mint(target.keys, f"load-{run}-owner{first}", rooms={}, create=True))
        for room in rooms[first : first + ROOMS_OF_AN_OWNER]:
            await _make_room(owner, room)
        owner.close()
        await owner.gone.wait()
    return rooms, [], scenario


async def _hello(owner: RawMember, token: str) -> None:
    await owner.ask(partial(Hello, token=token, languages=("en",)))


async def _make_room(owner: RawMember, room: str) -> None:
    """And do not follow it."""
    await _do(owner, partial(CreateRoom, room=room, title=room, once=f"make-{room}"))
    await _do(owner, partial(Leave, room=room, stay_member=True))


async def _do(owner: RawMember, make: Making) -> None:
    """As fast as an honest client may: a refusal says how long to wait. Raises LoadTestFailed."""
    while (answer := await owner.answer(make))["type"] == "error":
        if not answer["retryable"]:
            raise LoadTestFailed(f"a room could not be made: {answer['words']}")
        await asyncio.sleep((answer["retry_after_ms"] or 500) / 1000)


@asynccontextmanager
async def _crowds(spec: Mapping[str, Any], count: int) -> AsyncIterator[list[_Child]]:
    children: list[_Child] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            listeners = []
            for part in range(count):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "loadtest.crowd"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=LINE_BYTES_MAX,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[1]))},
                )
                child = _Child(process)
                children.append(child)
                child.tell({**spec, "part": part})
                listeners.append(tasks.create_task(child.listen()))
            yield children
            async with asyncio.timeout(END_WITHIN_S):
                await asyncio.gather(*(child.process.wait() for child in children))
    finally:
        for child in children:
            if child.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()
                await child.process.wait()


async def _watch(
    children: Sequence[_Child], watch: Processes, samples: list[dict[str, Any]], stage: Mapping[str, Any], tell: Tell
) -> None:
    """Once a second: add up, look at the server's processes, tell."""
    last_s = time.monotonic()
    watch.look(0.0)
    earlier: dict[str, int] = {}
    while True:
        await asyncio.sleep(1.0)
        now_s = time.monotonic()
        counts = added([child.counts for child in children])
        sample = {
            "at_s": round(now_s - stage["began_s"], 2),
            "stage": stage["stage"],
            "processes": watch.look(now_s - last_s),
            "kernel": kernel_bytes() if watch.pids else {},
            **{
                f"{name}_per_s": round((counts.get(name, 0) - earlier.get(name, 0)) / (now_s - last_s), 1)
                for name in RATES
            },
            **{
                name: counts.get(name, 0)
                for name in ("joined", "sent", "acknowledged", "delivered", "dropped", "resumed")
            },
        }
        last_s, earlier = now_s, {name: counts.get(name, 0) for name in RATES}
        samples.append(sample)
        tell(sample)


RATES: Final = ("acknowledged", "delivered", "joined", "entries")


def added(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of several processes as one."""
    total: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, dict):
                kept = total.setdefault(name, {})
                for key, count in value.items():
                    kept[key] = kept.get(key, 0) + count
            else:
                total[name] = total.get(name, 0) + value
    return total


def _united(bitmaps: Sequence[str]) -> bytes:
    maps = [bytes.fromhex(found) for found in bitmaps]
    return bytes(max(column) for column in zip(*maps, strict=True)) if maps else b""


def _report(scenario: Scenario, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counts = added([part["counts"] for part in parts])
    delivery, ack, translation = (_by_second(parts, name) for name in ("delivery", "ack", "translation"))
    whole = {
        name: _merged([Histogram.from_json(part[name]) for part in parts])
        for name in ("connect", "reconnect", "join", "resume", "lag")
    }
    seconds = [
        {
            "s": second,
            "posts": ack[second].total,
            "deliveries": delivery[second].total,
            "ack": ack[second].summary(),
            "delivery": delivery[second].summary(),
            "translation": translation[second].summary(),
        }
        for second in range(len(delivery))
    ]
    deliveries = _merged(delivery)
    return {
        **counts,
        "readers": scenario.readers,
        "unacknowledged": counts["sent"] - counts["acknowledged"],
        "lost": sum(part["lost"] for part in parts),
        "doubled": sum(part["doubled"] for part in parts),
        "connect": whole["connect"].summary(),
        "reconnect": whole["reconnect"].summary(),
        "join": whole["join"].summary(),
        "resume": whole["resume"].summary(),
        "send_lag": whole["lag"].summary(),
        "ack": _merged(ack).summary(),
        "delivery": deliveries.summary(),
        "translation": _merged(translation).summary(),
        "posts_per_s": round(counts["acknowledged"] / scenario.duration_s, 1),
        "deliveries_per_s": round(deliveries.total / scenario.duration_s, 1),
        "seconds": seconds,
    }


def _by_second(parts: Sequence[Mapping[str, Any]], name: str) -> list[Histogram]:
    return [
        _merged([Histogram.from_json(part[name][second]) for part in parts]) for second in range(len(parts[0][name]))
    ]


def _merged(histograms: Sequence[Histogram]) -> Histogram:
    total = Histogram()
    for one in histograms:
        total.merge(one)
    return total
