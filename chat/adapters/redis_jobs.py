"""TranslationJobs in Redis streams, one stream for each partition, one consumer group.

Invariant: a job leaves its stream only by `done`, so the length of the streams is the backlog, and a job whose worker
died is found in the group's pending list and claimed after `idle_ms`. The group is made whenever the engine says that
it is missing: an engine that lost its data must not stop translation until a restart.

XREADGROUP counts per stream. A first read asks each of the sixteen for its share of `limit`; streams that had more are
asked again for what is left, so that one busy room still fills a batch and quiet rooms are not passed over. So does
claiming: a dead worker's hundreds of jobs are taken as fast as they are done, not a few with each look.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Command, Refused
from chat.adapters.redis_keys import partition
from chat.errors import Unavailable
from chat.ports import JOB_IDLE_MS, ForgetText, Job, JobText, PreviewText, TakenJob

GROUP: Final = "translators"
BLOCK_MS_MAX: Final = 1_000
"""Well under the time in which the connection expects an answer, and often enough to look for abandoned jobs."""

_encode = msgspec.msgpack.Encoder().encode
_job_text = msgspec.msgpack.Decoder(JobText | PreviewText | ForgetText)


class RedisJobs:
    def __init__(self, engine: Commands, *, idle_ms: int = JOB_IDLE_MS, streams: tuple[str, ...] | None = None) -> None:
        """`streams`: one for each partition; by default those into which an append puts its job."""
        self._engine = engine
        self._streams = streams or engine.keys.jobs
        self._idle_ms = idle_ms
        self._ahead: dict[str, deque[tuple[float, TakenJob]]] = {}
        """Read by a worker beyond its limit (at most one for each stream), with the time of reading."""
        self._claim_at_s = 0.0
        self._claim_from = dict.fromkeys(self._streams, b"0-0")
        """Where each stream is looked through next. A look sees ten times what it may claim, so that one which always
        began at the oldest job would never come past the many that living workers keep."""
        self._counts = {"taken": 0, "claimed": 0, "unreadable": 0}

    async def put(self, job: Job) -> None:
        await self._engine.call(
            "XADD", self._streams[partition(job.room)], "*",
            "room", job.room, "of", job.of, "revision", job.revision, "text", _encode(job.text),
        )  # fmt: skip

    async def take(self, worker: str, limit: int, wait_ms: int) -> Sequence[TakenJob]:
        if limit <= 0:
            return []
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_ms / 1000
        taken = self._take_ahead(worker, limit)
        while True:
            try:
                if len(taken) < limit and loop.time() >= self._claim_at_s:
                    self._claim_at_s = loop.time() + self._idle_ms / 10_000
                    taken += await self._claim(worker, limit - len(taken))
                    if len(taken) >= limit:
                        self._claim_at_s = 0.0  # whoever left so many left more
                if len(taken) < limit:
                    left_ms = int((until_s - loop.time()) * 1000)
                    block_ms = 0 if taken else min(left_ms, BLOCK_MS_MAX, max(1, self._idle_ms // 10))
                    taken += await self._read(worker, limit - len(taken), block_ms)
            except Refused as refused:
                if not str(refused).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                await self._make_groups()
                continue
            if taken or loop.time() >= until_s:
                break
        if len(taken) > limit:
            ahead = self._ahead.setdefault(worker, deque())
            ahead.extend((loop.time(), job) for job in taken[limit:])
        self._counts["taken"] += min(len(taken), limit)
        return taken[:limit]

    async def keep(self, worker: str, refs: Sequence[str]) -> None:
        commands: list[Command] = [
            ("XCLAIM", stream, GROUP, worker, 0, *ids, "JUSTID")
            for stream, ids in _by_stream(refs, self._streams).items()
        ]
        if commands:
            await self._engine.call_all(commands)

    async def done(self, refs: Sequence[str]) -> None:
        commands: list[Command] = []
        for stream, ids in _by_stream(refs, self._streams).items():
            # Deleted first: a pending id without an entry is cleaned up by claiming, the reverse would stay for ever.
            commands += [("XDEL", stream, *ids), ("XACK", stream, GROUP, *ids)]
        if commands:
            await self._engine.call_all(commands)

    async def backlog(self) -> int:
        return sum(length or 0 for length in await self._engine.call_reachable([("XLEN", s) for s in self._streams]))

    async def oldest_ms(self) -> int | None:
        first = await self._engine.call_reachable([("XRANGE", s, "-", "+", "COUNT", 1) for s in self._streams])
        return min((int(rows[0][0].partition(b"-")[0]) for rows in first if rows), default=None)

    def statistics(self) -> dict[str, int]:
        return dict(self._counts)

    def _take_ahead(self, worker: str, limit: int) -> list[TakenJob]:
        """What is nearly idle by now is left to whoever claims it."""
        ahead = self._ahead.get(worker, deque())
        fresh_since_s = asyncio.get_running_loop().time() - self._idle_ms / 2000
        taken: list[TakenJob] = []
        while ahead and len(taken) < limit:
            read_at_s, job = ahead.popleft()
            if read_at_s >= fresh_since_s:
                taken.append(job)
        return taken

    async def _read(self, worker: str, limit: int, block_ms: int) -> list[TakenJob]:
        """New jobs; may exceed `limit` by one for each stream when `limit` is smaller than their number."""
        streams: Sequence[str] = self._streams
        taken: list[TakenJob] = []
        while streams and len(taken) < limit:
            count = max(1, (limit - len(taken)) // len(streams))
            reply = await self._engine.read_streams(GROUP, worker, count, streams, block_ms)
            block_ms = 0
            full = []
            for stream, rows in reply or ():
                taken += await self._jobs(stream.decode(), rows, {})
                if len(rows) >= count:
                    full.append(stream.decode())
            streams = full
        return taken

    async def _claim(self, worker: str, limit: int) -> list[TakenJob]:
        """What dead workers held; may exceed `limit` as `_read` may."""
        streams: Sequence[str] = self._streams
        taken: list[TakenJob] = []
        while streams and len(taken) < limit:
            count = max(1, (limit - len(taken)) // len(streams))
            claimed = await self._engine.call_reachable(
                [
                    ("XAUTOCLAIM", stream, GROUP, worker, self._idle_ms, self._claim_from[stream], "COUNT", count)
                    for stream in streams
                ]
            )
            full = []
            for stream, answer in zip(streams, claimed, strict=True):
                if not answer:
                    continue
                self._claim_from[stream], rows = answer[0], answer[1]
                if not rows:
                    continue
                pending = await self._engine.call_all([("XPENDING", stream, GROUP, ref, ref, 1) for ref, _ in rows])
                taken += await self._jobs(stream, rows, {row[0][0]: row[0][3] for row in pending if row})
                if len(rows) >= count:
                    full.append(stream)
            streams = full
        self._counts["claimed"] += len(taken)
        return taken

    async def _jobs(self, stream: str, rows: list[list[Any]], times_delivered: dict[bytes, int]) -> list[TakenJob]:
        """What cannot be read is done with at once: delivered again and again, it would never become readable."""
        number = self._streams.index(stream)
        taken: list[TakenJob] = []
        unreadable: list[str] = []
        for ref, fields in rows:
            name = f"{number}:{ref.decode()}"
            try:
                values = dict(zip(fields[::2], fields[1::2], strict=True))
                job = Job(
                    values[b"room"].decode(),
                    int(values[b"of"]),
                    int(values[b"revision"]),
                    _job_text.decode(values[b"text"]),
                )
            except (TypeError, ValueError, KeyError, msgspec.DecodeError):
                unreadable.append(name)
                continue
            taken.append(TakenJob(name, job, times_delivered.get(ref, 1)))
        if unreadable:
            self._counts["unreadable"] += len(unreadable)
            await self.done(unreadable)
        return taken

    async def _make_groups(self) -> None:
        for stream in self._streams:
            try:
                await self._engine.call("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM")
            except Unavailable:
                continue  # one node of several, or all: the read that follows says so
            except Refused as refused:
                if not str(refused).startswith("BUSYGROUP"):
                    raise


def _by_stream(refs: Sequence[str], streams: Sequence[str]) -> dict[str, list[str]]:
    """Refs are `<partition>:<id>`."""
    ids: dict[str, list[str]] = {}
    for ref in refs:
        number, _, entry_id = ref.partition(":")
        ids.setdefault(streams[int(number)], []).append(entry_id)
    return ids
