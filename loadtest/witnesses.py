"""Who writes and who reads in a trial, and everything they saw.

A reader keeps every entry in the order in which it came, and fills the gaps that the server tells of from the history,
as a member would. Latencies count from the intended time of a post.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chat.client import Arrived, Client, Missed, Refused, Unanswered, Unreadable
from chat.events import Posted, Translated
from chat.ids import Position
from loadtest.measure import Acknowledged, Latencies, Seen, expected_view, translation_faults
from loadtest.plan import PlannedPost, Writer

ROOM: Final = "kill-test"
LANGUAGES: Final = ("zh", "en")
WRITERS: Final = (Writer("wa", "zh"), Writer("wb", "zh"), Writer("wc", "en"))
READERS: Final = tuple((f"r{number}", LANGUAGES[number % 2]) for number in range(6))
ACK_WITHIN_S: Final = 90.0
QUIET_WITHIN_S: Final = 150.0
LOOK_S: Final = 0.5


@dataclass(slots=True)
class Reader:
    """One member who reads, and everything it saw."""

    name: str
    language: str
    client: Client
    first: Position
    view: list[Seen] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    unfilled: list[str] = field(default_factory=list)
    last: int = 0

    async def listen(self, times: "Times") -> None:
        async for item in self.client.events():
            match item:
                case Arrived():
                    self._see(Seen(item.position.seq, item.event), item.position.epoch)
                    times.arrived(self, item)
                case Unreadable():
                    self.unfilled.append(f"unreadable entry at {item.position.seq}")
                case Missed():
                    await self._fill(item)
                case _:
                    pass

    def _see(self, seen: Seen, epoch: str) -> None:
        if epoch != self.first.epoch:
            self.unfilled.append(f"entry {seen.seq} of another epoch, {epoch}")
        self.view.append(seen)
        self.last = max(self.last, seen.seq)

    async def _fill(self, missed: Missed) -> None:
        """What the server said it could not deliver, a member reads in the history."""
        self.gaps.append(f"{missed.count} entries before {missed.before.seq}")
        if missed.after is None or missed.after.epoch != missed.before.epoch:
            self.unfilled.append(f"a gap that nobody can fill: {missed}")
            return
        async for entry in self.client.read_between(ROOM, missed.after, missed.before.seq):
            self._see(Seen(entry.seq, entry.event), missed.before.epoch)


class Times:
    """Latencies from the intended time of a post: until acknowledged, read, translated."""

    def __init__(self) -> None:
        self.began_s = 0.0
        self.intended: dict[str, float] = {}
        self.ack = Latencies()
        self.delivery = Latencies()
        self.translation = Latencies()
        self._messages: dict[int, float] = {}

    def arrived(self, reader: Reader, item: Arrived) -> None:
        now_s = asyncio.get_running_loop().time() - self.began_s
        if isinstance(item.event, Posted):
            intended_s = self.intended.get(item.event.text)
            if intended_s is not None:
                self.delivery.add(now_s - intended_s)
                self._messages[item.position.seq] = intended_s
        elif isinstance(item.event, Translated) and item.event.of in self._messages:
            self.translation.add(now_s - self._messages[item.event.of])


@dataclass(slots=True)
class Course:
    """What has happened so far."""

    posted: int = 0
    under_way: int = 0
    """Posts sent and not yet acknowledged."""
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a post is sent; for the ambush."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    unacknowledged: list[str] = field(default_factory=list)
    kills: list[dict[str, Any]] = field(default_factory=list)
    stage: str = "starting"


async def write(client: Client, posts: Sequence[PlannedPost], times: Times, course: Course) -> None:
    """One writer: each post at its intended time, or as soon as the one before is acknowledged."""
    loop = asyncio.get_running_loop()
    for post in posts:
        await asyncio.sleep(max(0.0, times.began_s + post.at_s - loop.time()))
        course.posted += 1
        course.under_way += 1
        course.sent.set()
        times.intended[post.text] = post.at_s
        try:
            position = await client.post(ROOM, post.text, once=f"{post.writer}-{post.number}", within_s=ACK_WITHIN_S)
        except (Unanswered, Refused) as failed:
            course.unacknowledged.append(f"{post.text}: {failed}")
            continue
        finally:
            course.under_way -= 1
        times.ack.add(loop.time() - times.began_s - post.at_s)
        course.acknowledged.append(Acknowledged(post.writer, post.number, post.text, position.seq))


async def read_log(auditor: Client, epoch: str | None = None) -> list[Seen]:
    """The whole log, in all languages of the room."""
    log: list[Seen] = []
    seq, more = 0, True
    while more:
        page = await auditor.history(ROOM, after=seq, epoch=epoch, limit=100)
        log += [Seen(entry.seq, entry.event) for entry in page.entries]
        seq, more = page.last, page.more
    return log


async def wait_quiet(auditor: Client, readers: Sequence[Reader], sources: dict[str, str], course: Course) -> bool:
    """Until nothing is owed to anybody: every message answered in every language, every reader at the log's end.
    False when that has not happened by the deadline."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + QUIET_WITHIN_S
    while loop.time() < until_s:
        log = await read_log(auditor)
        owed = len(translation_faults(log, sources, LANGUAGES).missing)
        behind = sum(1 for reader in readers if reader.last < max((e.seq for e in _expected(log, reader)), default=0))
        course.stage = f"settling: {owed} translations owed, {behind} readers behind"
        if not owed and not behind:
            return True
        await asyncio.sleep(LOOK_S)
    return False


def _expected(log: Sequence[Seen], reader: Reader) -> list[Seen]:
    return expected_view(log, (reader.language,), reader.first.seq)


async def show_progress(times: Times, course: Course, readers: Sequence[Reader]) -> None:
    loop = asyncio.get_running_loop()
    live = sys.stderr.isatty()
    while True:
        seen = min((len(reader.view) for reader in readers), default=0)
        line = (
            f"{loop.time() - times.began_s:6.1f} s  posted {course.posted}  acknowledged {len(course.acknowledged)}  "
            f"kills {len(course.kills)}  slowest reader saw {seen}  {course.stage}"
        )
        print(f"\r{line:<110}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)
        await asyncio.sleep(0.5 if live else 5.0)
