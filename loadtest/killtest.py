"""The kill test: `python -m loadtest.killtest --duration 60 --seed 1`.

The real product runs while a seeded script sends SIGKILL to a process of it every few seconds: the engine that holds
the log, a gateway that holds sockets, a translator in the middle of a sentence. Three members write, six read.
Afterwards the test waits until everything owed has come, reads the whole log, and asks (see `measure`):

- is every acknowledged post in the log exactly once, where the ack said, in its author's order?
- does every reader's view equal the log filtered by language, entry by entry, from the reader's first position?
- has every message, for the other language, exactly one translation or one word why there is none?

Anything else is a violation and ends the program with 1. The data directory is kept then. Writers are open loop (see
`plan`), each sends one post at a time, and a post is repeated under its once-key until it is acknowledged.
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from chat.client import Arrived, Client, Missed, Refused, Unanswered, Unreadable
from chat.events import Posted, Translated, Untranslated
from chat.ids import Position
from loadtest.measure import (
    Acknowledged,
    Latencies,
    Seen,
    expected_view,
    post_faults,
    translation_faults,
    view_faults,
)
from loadtest.plan import PlannedKill, PlannedPost, Writer, plan_kills, plan_posts
from loadtest.product import Product, running

ROOM: Final = "kill-test"
LANGUAGES: Final = ("zh", "en")
WRITERS: Final = (Writer("wa", "zh"), Writer("wb", "zh"), Writer("wc", "en"))
READERS: Final = tuple((f"r{number}", LANGUAGES[number % 2]) for number in range(6))
ROLES: Final = ("engine", "gateway", "translator")
POSTS_PER_S: Final = 1.0
"""Of each writer: half of what one session may post, so that repeats after a kill are not refused as too fast."""
KILL_EVERY_S: Final = (3.0, 6.0)
"""Least and most between two kills: long enough that most of what died is back, short enough that some is not."""
AMBUSH_WITHIN_S: Final = 2.0
WIRE_FAULTS: Final = {
    "doubled": "entries delivered again, filtered by the client",
    "malformed_frames": "frames that an independent implementation cannot read",
    "unknown_frames": "frames of a kind that is not in the protocol",
    "unannounced_epochs": "changes of epoch that nobody announced",
    "errors_without_id": "errors about commands that could not be read",
}
"""What the client bears, and a server must not do."""
ACK_WITHIN_S: Final = 90.0
QUIET_WITHIN_S: Final = 150.0
LOOK_S: Final = 0.5
RESULT: Final = Path("build/kill-test.json")


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


async def kill(product: Product, kills: Sequence[PlannedKill], times: Times, course: Course) -> None:
    """The script: SIGKILL, nothing gentler."""
    loop = asyncio.get_running_loop()
    for planned in kills:
        await asyncio.sleep(max(0.0, times.began_s + planned.at_s - loop.time()))
        if planned.ambush_s is not None:
            course.sent.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(course.sent.wait(), AMBUSH_WITHIN_S)
            await asyncio.sleep(planned.ambush_s)
        pids = product.pids(planned.role)
        done = {
            "at_s": round(loop.time() - times.began_s, 3),
            "role": planned.role,
            "posts_under_way": course.under_way,
        }
        if not pids:  # it has not come back since the last time
            course.kills.append({**done, "pid": None})
            continue
        pid = pids[int(planned.pick * len(pids))]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        course.kills.append({**done, "pid": pid})


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


async def kill_test(
    data_dir: Path,
    *,
    duration_s: float,
    seed: int,
    kill_every_s: tuple[float, float] = KILL_EVERY_S,
    quiet: bool = False,
) -> dict[str, Any]:
    """Run it and say what was found. `violations` in the answer is empty when all is well."""
    posts = plan_posts(seed, WRITERS, duration_s, POSTS_PER_S)
    kills = plan_kills(seed, ROLES, duration_s, kill_every_s)
    chance = random.Random(f"clients:{seed}")
    times, course = Times(), Course()
    async with running(data_dir, workers=2, translators=1) as product, contextlib.AsyncExitStack() as stack:

        async def member(name: str, *languages: str, **claims: Any) -> Client:
            token = product.token(name, name=name, rooms={ROOM: "member"}, **claims)
            client = Client(
                product.url,
                token=token,
                languages=languages,
                connect_within_s=60.0,
                answer_within_s=ACK_WITHIN_S,
                backoff_most_s=2.0,
                proxy=None,
                chance=random.Random(chance.random()),
            )
            return await stack.enter_async_context(client)

        auditor = await member("auditor", *LANGUAGES, create=True, admin=True)
        await auditor.create_room(ROOM, "Kill test")
        await auditor.leave(ROOM, stay_member=True)
        readers = []
        for name, language in READERS:
            client = await member(name, language)
            frame = await client.join(ROOM)
            readers.append(Reader(name, language, client, frame.head, last=frame.head.seq))
        writers = [await member(writer.name, writer.language) for writer in WRITERS]
        for client in writers:
            await client.join(ROOM)
        times.began_s = asyncio.get_running_loop().time()
        sources = {post.text: post.language for post in posts}
        course.stage = "killing"
        background = [asyncio.create_task(reader.listen(times)) for reader in readers]
        if not quiet:
            background.append(asyncio.create_task(show_progress(times, course, readers)))
        try:
            async with asyncio.TaskGroup() as lifetime:
                watching = lifetime.create_task(product.wait_death())
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(kill(product, kills, times, course))
                    for writer, client in zip(WRITERS, writers, strict=True):
                        own = [post for post in posts if post.writer == writer.name]
                        tasks.create_task(write(client, own, times, course))
                course.stage = "settling"
                settled = await wait_quiet(auditor, readers, sources, course)
                log = await read_log(auditor)
                watching.cancel()
            for task in background:  # a reader that died would look like one that saw nothing
                if task.done() and (failure := task.exception()) is not None:
                    raise failure
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
        clients = {
            **{reader.name: reader.client.statistics() for reader in readers},
            **{writer.name: client.statistics() for writer, client in zip(WRITERS, writers, strict=True)},
            "auditor": auditor.statistics(),
        }
    report = judge(log, readers, posts, times, course, settled=settled)
    for name, counts in clients.items():
        for fault, words in WIRE_FAULTS.items():
            if counts.get(fault):
                report["violations"].append(f"{name}: {counts[fault]} {words}")
    report |= {
        "seed": seed,
        "duration_s": duration_s,
        "took_s": round(asyncio.get_running_loop().time() - times.began_s, 1),
        "reconnects": sum(counts.get("disconnected", 0) for counts in clients.values()),
        "repeated_commands": sum(counts.get("repeated", 0) for counts in clients.values()),
        "clients": clients,
    }
    return report


def judge(
    log: Sequence[Seen],
    readers: Sequence[Reader],
    posts: Sequence[PlannedPost],
    times: Times,
    course: Course,
    *,
    settled: bool,
) -> dict[str, Any]:
    """The verdict, with every violation in words."""
    sent = {post.text: post.number for post in posts}
    in_log = post_faults(log, course.acknowledged, sent)
    answers = translation_faults(log, {post.text: post.language for post in posts}, LANGUAGES)
    views = {reader.name: view_faults(log, reader.view, (reader.language,), reader.first.seq) for reader in readers}
    violations = [f"{kind}: {text}" for kind, texts in asdict(in_log).items() for text in texts]
    violations += [f"not acknowledged: {text}" for text in course.unacknowledged]
    violations += [
        f"view of {name}: {kind} {seqs}"
        for name, faults in views.items()
        for kind, seqs in asdict(faults).items()
        if seqs
    ]
    violations += [f"view of {reader.name}: {what}" for reader in readers for what in reader.unfilled]
    violations += [f"no translation and no word why: {what}" for what in answers.missing]
    violations += [f"translated twice: {what}" for what in answers.doubled]
    if not settled:
        violations.append(f"not quiet {QUIET_WITHIN_S:g} s after the end")
    reasons: dict[str, int] = {}
    for entry in log:
        if isinstance(entry.event, Untranslated):
            reasons[entry.event.reason] = reasons.get(entry.event.reason, 0) + 1
    killed = [one for one in course.kills if one["pid"] is not None]
    return {
        "posted": course.posted,
        "acknowledged": len(course.acknowledged),
        "lost": len(in_log.lost) + sum(len(faults.lost) for faults in views.values()),
        "doubled": len(in_log.doubled) + sum(len(faults.doubled) for faults in views.values()),
        "reordered": len(in_log.reordered) + sum(len(faults.reordered) for faults in views.values()),
        "view_mismatches": sum(1 for faults in views.values() if faults),
        "gaps_told": sum(len(reader.gaps) for reader in readers),
        "translated": sum(1 for entry in log if isinstance(entry.event, Translated)),
        "untranslated": reasons,
        "kills": {role: sum(1 for one in killed if one["role"] == role) for role in ROLES},
        "kills_total": len(killed),
        "kills_with_posts_under_way": sum(1 for one in killed if one["posts_under_way"]),
        "kill_script": course.kills,
        "log_entries": len(log),
        "ack": times.ack.summary(),
        "delivery": times.delivery.summary(),
        "translation": times.translation.summary(),
        "violations": violations,
    }


ROWS: Final = (
    *("posted", "acknowledged", "lost", "doubled", "reordered", "view_mismatches", "gaps_told", "kills_total"),
    *(
        "kills",
        "kills_with_posts_under_way",
        "reconnects",
        "repeated_commands",
        "log_entries",
        "translated",
        "untranslated",
    ),
    *("ack", "delivery", "translation", "seed", "duration_s", "took_s"),
)


def table(report: dict[str, Any]) -> str:
    lines = []
    for row in ROWS:
        value = report[row]
        shown = "  ".join(f"{key} {of}" for key, of in value.items()) if isinstance(value, dict) else str(value)
        lines.append(f"  {row:<20} {shown}")
    lines += [f"  VIOLATION            {what}" for what in report["violations"]]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.killtest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--duration", type=float, default=60.0, metavar="S", help="seconds of writing and killing")
    parser.add_argument("--seed", type=int, default=1, help="the same seed writes and kills the same")
    parser.add_argument(
        "--kill-every",
        type=float,
        nargs=2,
        default=KILL_EVERY_S,
        metavar=("LEAST", "MOST"),
        help="seconds between kills",
    )
    parser.add_argument("--out", type=Path, default=RESULT, help="where the figures go")
    asked = parser.parse_args(arguments)
    data_dir = Path(tempfile.mkdtemp(prefix="kill-"))
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # end what was started, whoever stops us
    every_s = (asked.kill_every[0], asked.kill_every[1])
    report = asyncio.run(kill_test(data_dir, duration_s=asked.duration, seed=asked.seed, kill_every_s=every_s))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"\n{table(report)}\n  written to           {asked.out}")
    if report["violations"]:
        print(f"  data kept in         {data_dir}")
        return 1
    shutil.rmtree(data_dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
