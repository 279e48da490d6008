"""Members of one process of a load test: they walk in, read, write at intended times, vanish, come back.

Started by `loadtest.driver` as `python -m loadtest.crowd`, one for each processor that may be spent. The driver writes
lines of JSON to our stdin (a plan; `go` with the time zero on the machine's monotonic clock, which all processes
share; `settle` with what was acknowledged; `end`) and reads lines from our stdout.

Everybody in a group of a room receives the same bytes, so a chunk of them is decoded once and looked up afterwards:
a delivery costs some microseconds, and one process hears 100,000 a second. What a reader saw is kept exactly: one byte
for each post of the room, and the last seq. Nothing is sampled.
"""

import asyncio
import contextlib
import gc
import json
import random
import resource
import ssl
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgpack
import uvloop

from chat.commands import Hello, Join, Leave, Post, Resume
from chat.ids import Position
from loadtest.histogram import Histogram, bucket
from loadtest.raw import ENTRY, RawMember
from loadtest.scenarios import Scenario, Schedule, number_of, schedule
from loadtest.tokens import mint

OTHER, POSTED, TRANSLATED, UNTRANSLATED = range(4)
CHUNKS_KEPT: Final = 4_096
WALKING_IN_AT_ONCE: Final = 50
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MOST_S: Final = 20.0
"""As `chat.client` comes back: full jitter under a ceiling that doubles."""
RETRIES_MAX: Final = 60
STALLED_BUFFER_BYTES: Final = 4_096
SOURCE_PORTS: Final = 20_000
"""Connections from one loopback address before the next is taken."""
SETTLE_WITHIN_S: Final = 20.0
SEEN: Final = bytes((0, *([1] * 255)))

Item = tuple[int, int, int]
"""Of an entry: seq, what it is, number of the post that it is or is about (-1: none of ours)."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What one process is told."""

    host: str
    port: int
    tls: bool
    run: str
    rooms: tuple[str, ...]
    scenario: Scenario
    seed: int
    part: int
    parts: int
    keys: str | None
    tokens: tuple[str, ...]
    """Without keys: those of guests, shared out among the members."""
    joins_per_s: float
    newcomers: bool
    """True: everybody sees everybody join. False: all are members already when the first one walks in."""
    back_within_s: float | None
    """After a storm: None for the backoff of clients, or the bound of a random time."""
    writers_apart: bool = False
    """Part 0 writes and the others read: then a post is not late because its process was busy reading."""

    @property
    def reading(self) -> tuple[int, int]:
        """Of readers: those from the first number on, in steps of the second."""
        return (self.part - 1, self.parts - 1) if self.writers_apart else (self.part, self.parts)

    @property
    def writing(self) -> tuple[int, int]:
        """The same of writers."""
        return (self.part, 1) if self.writers_apart else (self.part, self.parts)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Spec":
        scenario = Scenario(**{**found["scenario"], "languages": tuple(found["scenario"]["languages"])})
        return cls(**{**found, "scenario": scenario, "rooms": tuple(found["rooms"]), "tokens": tuple(found["tokens"])})


class Counts:
    """Of this process; reported every second."""

    def __init__(self) -> None:
        self.connected = 0
        self.joined = 0
        self.sent = 0
        self.acknowledged = 0
        self.refused: dict[str, int] = {}
        self.failed_connects: dict[str, int] = {}
        self.delivered = 0
        """Posts heard by readers."""
        self.entries = 0
        """Everything heard by anybody, joins and translations too."""
        self.translated = 0
        self.untranslated = 0
        self.reordered = 0
        self.dropped = 0
        self.resumed = 0
        self.unrecovered = 0
        self.slow_closed = 0

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


class Reader:
    """One member who reads, and what it saw."""

    __slots__ = (
        "_crowd",
        "alive",
        "epoch",
        "language",
        "last",
        "member",
        "name",
        "room",
        "room_index",
        "seen",
        "stalled",
    )

    def __init__(self, crowd: "Crowd", name: str, room_index: int, language: str, posts: int, *, stalled: bool) -> None:
        self._crowd = crowd
        self.name = name
        self.room_index = room_index
        self.room = crowd.spec.rooms[room_index]
        self.language = language
        self.seen = bytearray(posts)
        self.last = 0
        self.epoch = ""
        self.stalled = stalled
        self.member: RawMember | None = None
        self.alive = False

    def on_data(self, data: bytes) -> bool:
        items = self._crowd.cut(data, self.room_index)
        if items is None:
            return False
        self.hear(items)
        return True

    def on_entry(self, payload: bytes) -> None:
        self.hear((self._crowd.item(payload, self.room_index),))

    def hear(self, items: Sequence[Item]) -> None:
        crowd, last = self._crowd, self.last
        counts = crowd.counts
        now_s = time.monotonic() - crowd.began_s
        for seq, what, number in items:
            counts.entries += 1
            if seq <= last:
                counts.reordered += 1
            else:
                last = seq
            if number < 0:
                continue
            if what == POSTED:
                place = number // crowd.rooms
                if self.seen[place] < 255:
                    self.seen[place] += 1
                counts.delivered += 1
                late = now_s - crowd.plan.at_s[number]
                index = bucket(int(late * 1e6)) if late > 0 else 0
                heard = crowd.delivery[number]
                heard[index] = heard.get(index, 0) + 1
            elif what == TRANSLATED:
                counts.translated += 1
                crowd.add(crowd.translation, number, now_s)
            else:
                counts.untranslated += 1
        self.last = last

    def on_gone(self) -> None:
        if not self.alive:
            return
        self.alive = False
        if self.member is not None and self.member.close_code == 4001:
            self._crowd.counts.slow_closed += 1
        if not self.stalled and not self._crowd.ending:
            self._crowd.counts.dropped += 1
            self._crowd.spawn(self._crowd.come_back(self))


class Writer:
    """One member who writes and does not read. Each post has its own once-key and is repeated until acknowledged."""

    __slots__ = ("alive", "language", "member", "name", "pending", "room")

    def __init__(self, name: str, room: str, language: str) -> None:
        self.name = name
        self.room = room
        self.language = language
        self.member: RawMember | None = None
        self.alive = False
        self.pending: dict[int, str] = {}
        """Number -> text of posts that wait for their ack."""


class Crowd:
    def __init__(self, spec: Spec, tasks: asyncio.TaskGroup) -> None:
        self.spec = spec
        self.scenario = spec.scenario
        self.rooms = spec.scenario.rooms
        self.plan: Schedule = schedule(spec.scenario, spec.seed)
        self.counts = Counts()
        self.began_s = 0.0
        self.ending = False
        self.answered = asyncio.Event()
        self.chance = random.Random(f"crowd:{spec.seed}:{spec.part}")
        self.connecting, self.reconnecting, self.lag = Histogram(), Histogram(), Histogram()
        self.join, self.resume = Histogram(), Histogram()
        seconds = int(spec.scenario.duration_s) + 1
        by_second: list[dict[int, int]] = [{} for _ in range(seconds)]
        self.by_second = by_second
        self.delivery = [by_second[int(at_s)] for at_s in self.plan.at_s]
        """For each post, the histogram of the second in which it was meant to be sent."""
        self.ack: list[dict[int, int]] = [{} for _ in range(seconds)]
        self.translation: list[dict[int, int]] = [{} for _ in range(seconds)]
        self.acknowledged = bytearray(len(self.plan))
        self.positions: dict[int, int] = {}
        self._chunks: dict[tuple[int, bytes], tuple[Item, ...] | None] = {}
        self._numbers: list[dict[int, int]] = [{} for _ in range(self.rooms)]
        """By room: seq -> number of our post."""
        self._tasks = tasks
        self._connects = 0
        self._tls = ssl.create_default_context() if spec.tls else None
        places = [len(range(room, len(self.plan), self.rooms)) for room in range(self.rooms)]
        stalled = spec.scenario.stalled
        self.readers = [
            Reader(
                self,
                f"load-{spec.run}-r{number}",
                number % self.rooms,
                self.plan.language(number),
                places[number % self.rooms],
                stalled=number < stalled,
            )
            for number in _every(spec.reading, spec.scenario.readers)
        ]
        self.writers = {
            number: Writer(f"load-{spec.run}-w{number}", spec.rooms[number % self.rooms], self.plan.language(number))
            for number in _every(spec.writing, spec.scenario.writers)
        }

    def spawn(self, work: Any) -> None:
        self._tasks.create_task(work)

    # -- what comes ----------------------------------------------------------------------------------------------------

    def cut(self, data: bytes, room: int) -> tuple[Item, ...] | None:
        """The entries of a chunk that is nothing but whole entry frames; None for any other chunk."""
        key = (room, data)
        try:
            return self._chunks[key]
        except KeyError:
            if len(self._chunks) >= CHUNKS_KEPT:
                self._chunks.clear()
        items: list[Item] | None = []
        at, size = 0, len(data)
        while at < size:
            if size - at < 4:
                items = None
                break
            length, begin = data[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                items = None
                break
            at = begin + length
            if at > size or not data.startswith(ENTRY, begin):
                items = None
                break
            assert items is not None
            items.append(self.item(data[begin:at], room))
        found = tuple(items) if items is not None else None
        self._chunks[key] = found
        return found

    def item(self, payload: bytes, room: int) -> Item:
        frame = msgpack.unpackb(payload)
        seq, event = frame["seq"], frame["event"]
        kind = event["type"]
        if kind == "posted":
            number = number_of(event["text"])
            if number is None or number >= len(self.plan) or number % self.rooms != room:
                return (seq, OTHER, -1)
            self._numbers[room][seq] = number
            return (seq, POSTED, number)
        if kind in ("translated", "untranslated"):
            return (seq, TRANSLATED if kind == "translated" else UNTRANSLATED, self._numbers[room].get(event["of"], -1))
        return (seq, OTHER, -1)

    def add(self, histograms: list[dict[int, int]], number: int, now_s: float) -> None:
        """Latency from the intended time of post `number`, under the second of that time."""
        at_s = self.plan.at_s[number]
        histogram, index = histograms[int(at_s)], bucket(max(0, int((now_s - at_s) * 1e6)))
        histogram[index] = histogram.get(index, 0) + 1

    # -- walking in ----------------------------------------------------------------------------------------------------

    async def connect(self, member: Reader | Writer, took: Histogram) -> RawMember:
        """An open WebSocket; `took`: how long it took to be accepted. Raises OSError, TimeoutError."""
        spec, self._connects = self.spec, self._connects + 1
        loopback = spec.host.startswith("127.")
        source = f"127.{1 + spec.part}.0.{1 + self._connects // SOURCE_PORTS % 250}" if loopback else None
        hooks: dict[str, Any] = {}
        if isinstance(member, Reader):
            hooks = {"on_data": member.on_data, "on_gone": member.on_gone}
            if member.stalled:
                hooks["receive_buffer_bytes"] = STALLED_BUFFER_BYTES
        else:
            hooks = {"on_gone": lambda: self._writer_gone(member)}
        on_entry = member.on_entry if isinstance(member, Reader) else self._overheard
        began_s = time.monotonic()
        socket = await RawMember.connect(spec.port, on_entry, host=spec.host, source=source, tls=self._tls, **hooks)
        took.add(time.monotonic() - began_s)
        self.counts.connected += 1
        return socket

    def _overheard(self, payload: bytes) -> None:
        """By a writer, between joining and leaving."""
        self.counts.entries += 1

    def token(self, name: str) -> str:
        if self.spec.keys is not None:
            return mint(Path(self.spec.keys), name, rooms={"*": "member"})
        return self.spec.tokens[zlib.crc32(name.encode()) % len(self.spec.tokens)]

    async def walk_in(self, member: Reader | Writer) -> None:
        """Connect and join, again and again until it works. The time of the try that worked counts."""
        for failures in range(RETRIES_MAX):
            began_s = time.monotonic()
            try:
                socket = await self.connect(member, self.connecting)
                await self._say_hello(member, socket)
                if isinstance(member, Writer) or not self.spec.newcomers:
                    await socket.ask(partial(Join, room=member.room))
                    await socket.ask(partial(Leave, room=member.room, stay_member=True))
                if isinstance(member, Reader) and self.spec.newcomers:
                    await self._sit_down(member, socket)
                    self.join.add(time.monotonic() - began_s)
                member.member = socket
                member.alive = True
                self.counts.joined += 1
                return
            except (OSError, TimeoutError) as failed:
                self._count_failure(failed)
                await asyncio.sleep(self._pause_s(failures + 1))
        raise ConnectionError(f"{member.name} could not walk in in {RETRIES_MAX} tries")

    async def _say_hello(self, member: Reader | Writer, socket: RawMember) -> None:
        token = self.token(member.name)
        await socket.ask(partial(Hello, token=token, languages=(member.language,)))

    async def sit_down(self, reader: Reader) -> None:
        """A member walks in who has been one before."""
        assert reader.member is not None
        began_s = time.monotonic()
        await self._sit_down(reader, reader.member)
        self.join.add(time.monotonic() - began_s)

    async def _sit_down(self, reader: Reader, socket: RawMember) -> None:
        frame = await socket.ask(partial(Join, room=reader.room))
        reader.epoch, reader.last = frame["head"]
        if reader.stalled:
            socket.stall()

    async def come_back(self, reader: Reader) -> None:
        """As a client does: backoff, a new socket, hello with the position of what was seen last."""
        gone_s = time.monotonic()
        for failures in range(RETRIES_MAX):
            await asyncio.sleep(self._pause_s(failures + 1, storm=failures == 0))
            if self.ending:
                return
            socket = None
            try:
                socket = await self.connect(reader, self.reconnecting)
                frame = await self._say_hello_again(reader, socket)
                if frame["type"] != "room":
                    raise ConnectionError(f"not let back in: {frame.get('refused')}")
            except (OSError, TimeoutError) as failed:
                self._count_failure(failed)
                if socket is not None:
                    socket.close()
                continue
            if not frame["recovered"]:
                self.counts.unrecovered += 1
            reader.member, reader.alive = socket, not socket.gone.is_set()
            self.counts.resumed += 1
            self.resume.add(time.monotonic() - gone_s)
            return
        raise ConnectionError(f"{reader.name} did not come back in {RETRIES_MAX} tries")

    async def _say_hello_again(self, reader: Reader, socket: RawMember) -> dict[str, Any]:
        token = self.token(reader.name)
        rooms = (Resume(room=reader.room, position=Position(reader.epoch, reader.last)),)
        return await socket.ask(partial(Hello, token=token, languages=(reader.language,), rooms=rooms))

    def _writer_gone(self, writer: Writer) -> None:
        if writer.alive and not self.ending:
            writer.alive = False
            self.spawn(self._write_on(writer))

    async def _write_on(self, writer: Writer) -> None:
        await self.walk_in(writer)
        for number in tuple(writer.pending):
            self._post(writer, number)

    def _pause_s(self, failures: int, *, storm: bool = False) -> float:
        if storm and self.spec.back_within_s is not None:
            return self.chance.uniform(0, self.spec.back_within_s)
        return self.chance.uniform(0, min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(failures - 1, 16)))

    def _count_failure(self, failed: BaseException) -> None:
        words = str(failed)[:60] or type(failed).__name__
        self.counts.failed_connects[words] = self.counts.failed_connects.get(words, 0) + 1

    # -- the course ----------------------------------------------------------------------------------------------------

    async def everybody_in(self) -> None:
        everybody: list[Reader | Writer] = [*self.writers.values(), *self.readers]
        await self._at_rate([self.walk_in(member) for member in everybody])
        if not self.spec.newcomers:
            await self._at_rate([self.sit_down(reader) for reader in self.readers])

    async def _at_rate(self, walks: list[Any]) -> None:
        began_s, per_s = time.monotonic(), self.spec.joins_per_s / self.spec.reading[1]
        gate = asyncio.Semaphore(WALKING_IN_AT_ONCE)

        async def one(walk: Any) -> None:
            try:
                await walk
            finally:
                gate.release()

        async with asyncio.TaskGroup() as tasks:
            for number, walk in enumerate(walks):
                await asyncio.sleep(began_s + number / per_s - time.monotonic())
                await gate.acquire()
                tasks.create_task(one(walk))

    async def run(self) -> None:
        """Write at the intended times; drop everybody when the scenario says so."""
        storm = self.scenario.storm_at_s
        if storm is not None:
            self.spawn(self._storm(storm))
        mine = [number for number in range(len(self.plan)) if self.plan.writer(number) in self.writers]
        for number in mine:
            wait_s = self.began_s + self.plan.at_s[number] - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self.lag.add(time.monotonic() - self.began_s - self.plan.at_s[number])
            writer = self.writers[self.plan.writer(number)]
            writer.pending[number] = self.plan.text(number)
            self.counts.sent += 1
            if writer.alive:
                self._post(writer, number)
        await asyncio.sleep(max(0.0, self.began_s + self.scenario.duration_s - time.monotonic()))

    def _post(self, writer: Writer, number: int) -> None:
        text = writer.pending.get(number)
        if text is None or writer.member is None or not writer.alive:
            return
        once = f"{self.spec.run}-{number}"
        writer.member.tell(
            partial(Post, room=writer.room, text=text, once=once),
            lambda frame: self._answered(writer, number, frame),
        )

    def _answered(self, writer: Writer, number: int, frame: dict[str, Any]) -> None:
        if frame["type"] == "ack":
            if writer.pending.pop(number, None) is not None:
                self.counts.acknowledged += 1
                self.answered.set()
                self.acknowledged[number] = 1
                self.add(self.ack, number, time.monotonic() - self.began_s)
        elif frame["type"] == "error":
            self.counts.refused[frame["code"]] = self.counts.refused.get(frame["code"], 0) + 1
            if frame["retryable"]:
                pause_s = (frame["retry_after_ms"] or 0) / 1000 + self.chance.uniform(0, BACKOFF_FIRST_S)
                asyncio.get_running_loop().call_later(pause_s, self._post, writer, number)

    async def _storm(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self.began_s + at_s - time.monotonic()))
        for reader in self.readers:
            if reader.member is not None and reader.alive and not reader.stalled:
                reader.member.close()

    # -- the end -------------------------------------------------------------------------------------------------------

    async def all_answered(self) -> None:
        """Until no post waits for its ack."""
        for writer in self.writers.values():
            while writer.pending:
                self.answered.clear()
                await self.answered.wait()

    async def settle(self, acknowledged: bytes) -> tuple[int, int]:
        """Wait until every reader has what was acknowledged, or nothing comes any more. Returns (lost, doubled)."""
        masks = [int.from_bytes(acknowledged[room :: self.rooms], "big") for room in range(self.rooms)]
        until_s = time.monotonic() + SETTLE_WITHIN_S
        while True:
            lost = sum(self._lost(reader, masks) for reader in self.readers if not reader.stalled)
            if not lost or time.monotonic() >= until_s:
                break
            await asyncio.sleep(0.2)
        twice = sum(count - 1 for reader in self.readers for count in reader.seen if count > 1)
        return lost, twice

    @staticmethod
    def _lost(reader: Reader, masks: Sequence[int]) -> int:
        seen = int.from_bytes(reader.seen.translate(SEEN), "big")
        return (masks[reader.room_index] & ~seen).bit_count()

    async def leave(self) -> None:
        self.ending = True
        everybody: list[Reader | Writer] = [*self.writers.values(), *self.readers]
        for member in everybody:
            if member.member is not None:
                member.member.close()

    def generator(self) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "resident_kb": used.ru_maxrss}

    def report(self) -> dict[str, Any]:
        return {
            "counts": self.counts.to_json(),
            "connect": self.connecting.to_json(),
            "reconnect": self.reconnecting.to_json(),
            "join": self.join.to_json(),
            "resume": self.resume.to_json(),
            "lag": self.lag.to_json(),
            "delivery": self.by_second,
            "ack": self.ack,
            "translation": self.translation,
        }


def _every(place: tuple[int, int], count: int) -> range:
    """The numbers below `count` that fall to a process; none to one that has no place among them."""
    first, step = place
    return range(first, count, step) if 0 <= first < step else range(0)


def raise_open_files() -> int:
    """As many sockets as we may have; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def say(what: str, **more: Any) -> None:
    print(json.dumps({"said": what, **more}), flush=True)


async def lines_in() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main() -> None:
    raise_open_files()
    reader = await lines_in()
    spec = Spec.from_json(json.loads(await reader.readline()))

    async def told(what: str) -> dict[str, Any]:
        line = await reader.readline()
        if not line:
            raise SystemExit(1)  # the driver is gone, and so are we
        found: dict[str, Any] = json.loads(line)
        assert found["told"] == what, found
        return found

    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(spec, tasks)

        async def progress() -> None:
            while True:
                say("progress", counts=crowd.counts.to_json(), generator=crowd.generator())
                await asyncio.sleep(1.0)

        telling = tasks.create_task(progress())
        await crowd.everybody_in()
        gc.collect()
        gc.freeze()  # a collection of our own heap would be measured as lateness of the server
        say("ready", generator=crowd.generator())
        crowd.began_s = (await told("go"))["began_s"]
        await crowd.run()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(crowd.all_answered(), SETTLE_WITHIN_S)
        say("sent", acknowledged=bytes(crowd.acknowledged).hex())
        lost, doubled = await crowd.settle(bytes.fromhex((await told("settle"))["acknowledged"]))
        say("settled", lost=lost, doubled=doubled, **crowd.report(), generator=crowd.generator())
        await told("end")
        telling.cancel()
        await crowd.leave()


if __name__ == "__main__":
    uvloop.run(main())
