"""All members of one process on their course: in at a rate, writing at intended times, back after a storm, out."""

import asyncio
import random
import resource
import ssl
import time
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from chat.commands import Hello, Join, Leave, Post, Resume
from chat.ids import Position
from loadtest.crowd.hearing import Hearing
from loadtest.crowd.members import Place, Reader, Writer
from loadtest.crowd.spec import Spec, every
from loadtest.histogram import Histogram
from loadtest.raw import RawMember
from loadtest.scenarios import Schedule, schedule
from loadtest.tokens import mint

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


class Crowd:
    def __init__(self, spec: Spec, tasks: asyncio.TaskGroup) -> None:
        self.spec = spec
        self.scenario = spec.scenario
        self.rooms = spec.scenario.rooms
        self.plan: Schedule = schedule(spec.scenario, spec.seed)
        self.hearing = Hearing(self.plan, self.rooms, spec.scenario.duration_s)
        self.counts = self.hearing.counts
        self.ending = False
        self.answered = asyncio.Event()
        self.chance = random.Random(f"crowd:{spec.seed}:{spec.part}")
        self.connecting, self.reconnecting, self.lag = Histogram(), Histogram(), Histogram()
        self.join, self.resume = Histogram(), Histogram()
        self.acknowledged = bytearray(len(self.plan))
        self.positions: dict[int, int] = {}
        self._tasks = tasks
        self._connects = 0
        self._tls = ssl.create_default_context() if spec.tls else None
        places = [
            Place(room, name, len(range(room, len(self.plan), self.rooms))) for room, name in enumerate(spec.rooms)
        ]
        stalled = spec.scenario.stalled
        self.readers = [
            Reader(
                self.hearing,
                f"load-{spec.run}-r{number}",
                places[number % self.rooms],
                self.plan.language(number),
                stalled=number < stalled,
                gone=self._reader_gone,
            )
            for number in every(spec.reading, spec.scenario.readers)
        ]
        self.writers = {
            number: Writer(f"load-{spec.run}-w{number}", spec.rooms[number % self.rooms], self.plan.language(number))
            for number in every(spec.writing, spec.scenario.writers)
        }

    def spawn(self, work: Any) -> None:
        self._tasks.create_task(work)

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

    def _reader_gone(self, reader: Reader) -> None:
        if not reader.stalled and not self.ending:
            self.counts.dropped += 1
            self.spawn(self.come_back(reader))

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
            wait_s = self.hearing.began_s + self.plan.at_s[number] - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self.lag.add(time.monotonic() - self.hearing.began_s - self.plan.at_s[number])
            writer = self.writers[self.plan.writer(number)]
            writer.pending[number] = self.plan.text(number)
            self.counts.sent += 1
            if writer.alive:
                self._post(writer, number)
        await asyncio.sleep(max(0.0, self.hearing.began_s + self.scenario.duration_s - time.monotonic()))

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
                self.hearing.add(self.hearing.ack, number, time.monotonic() - self.hearing.began_s)
        elif frame["type"] == "error":
            self.counts.refused[frame["code"]] = self.counts.refused.get(frame["code"], 0) + 1
            if frame["retryable"]:
                pause_s = (frame["retry_after_ms"] or 0) / 1000 + self.chance.uniform(0, BACKOFF_FIRST_S)
                asyncio.get_running_loop().call_later(pause_s, self._post, writer, number)

    async def _storm(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self.hearing.began_s + at_s - time.monotonic()))
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
            "delivery": self.hearing.by_second,
            "ack": self.hearing.ack,
            "translation": self.hearing.translation,
        }
