"""A chat that must survive: three members write, six read, while somebody strikes the product by a script.

What is struck, and how, a `Stage` knows: `killtest` has one of processes on this machine, `killtest_cluster` one of
machines. Members, questions and verdict are the same. Afterwards the trial waits until everything owed has come, reads
the whole log, and asks (see `measure`):

- is every acknowledged post in the log exactly once, where the ack said, in its author's order?
- does every reader's view equal the log filtered by language, entry by entry, from the reader's first position?
- has every message, for the other language, exactly one translation or one word why there is none?

Anything else is a violation, and so is a role of the script that was never struck. Writers are open loop (see `plan`),
each sends one post at a time, and a post is repeated under its once-key until it is acknowledged.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from chat.client import Client
from chat.events import Translated, Untranslated
from loadtest.measure import (
    Seen,
    post_faults,
    translation_faults,
    view_faults,
)
from loadtest.plan import PlannedKill, PlannedPost, plan_kills, plan_posts
from loadtest.witnesses import (
    ACK_WITHIN_S,
    LANGUAGES,
    QUIET_WITHIN_S,
    READERS,
    ROOM,
    WRITERS,
    Course,
    Reader,
    Times,
    read_log,
    show_progress,
    wait_quiet,
    write,
)

POSTS_PER_S: Final = 1.0
"""Of each writer: half of what one session may post, so that repeats after a kill are not refused as too fast."""
AMBUSH_WITHIN_S: Final = 2.0
WIRE_FAULTS: Final = {
    "doubled": "entries delivered again, filtered by the client",
    "malformed_frames": "frames that an independent implementation cannot read",
    "unknown_frames": "frames of a kind that is not in the protocol",
    "unannounced_epochs": "changes of epoch that nobody announced",
    "errors_without_id": "errors about commands that could not be read",
}
"""What the client bears, and a server must not do."""


class Stage(Protocol):
    """The product on trial."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What the script may strike."""

    def url(self) -> str:
        """Where the next member connects."""

    def token(self, user: str, **claims: Any) -> str: ...

    async def wait_ready(self, planned: PlannedKill) -> None:
        """Until this stroke is a question that the product promises to answer."""

    async def strike(self, planned: PlannedKill) -> int | str | None:
        """What was struck: a pid, the name of a machine; None when there was nothing."""

    async def wait_whole(self) -> None:
        """After the last stroke."""

    async def watch(self) -> None:
        """Raises when what must not end has ended; else waits for ever."""


async def strike_all(stage: Stage, kills: Sequence[PlannedKill], times: Times, course: Course) -> None:
    """The script."""
    loop = asyncio.get_running_loop()
    for planned in kills:
        await asyncio.sleep(max(0.0, times.began_s + planned.at_s - loop.time()))
        await stage.wait_ready(planned)
        if planned.ambush_s is not None:
            course.sent.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(course.sent.wait(), AMBUSH_WITHIN_S)
            await asyncio.sleep(planned.ambush_s)
        done = {
            "at_s": round(loop.time() - times.began_s, 3),
            "role": planned.role,
            "posts_under_way": course.under_way,
        }
        course.kills.append({**done, "pid": await stage.strike(planned)})


async def trial(
    stage: Stage, *, duration_s: float, seed: int, every_s: tuple[float, float], quiet: bool = False
) -> dict[str, Any]:
    """Run it and say what was found. `violations` in the answer is empty when all is well."""
    posts = plan_posts(seed, WRITERS, duration_s, POSTS_PER_S)
    kills = plan_kills(seed, stage.roles, duration_s, every_s)
    sources = {post.text: post.language for post in posts}
    times, course = Times(), Course()
    async with contextlib.AsyncExitStack() as stack:
        people = await _People.enter(stage, stack, random.Random(f"clients:{seed}"))
        times.began_s = asyncio.get_running_loop().time()
        course.stage = "killing"
        async with asyncio.TaskGroup() as background:  # a reader that dies would look like one that saw nothing
            beside = [background.create_task(reader.listen(times)) for reader in people.readers]
            beside.append(background.create_task(stage.watch()))
            if not quiet:
                beside.append(background.create_task(show_progress(times, course, people.readers)))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(strike_all(stage, kills, times, course))
                for writer, client in zip(WRITERS, people.writers, strict=True):
                    own = [post for post in posts if post.writer == writer.name]
                    tasks.create_task(write(client, own, times, course))
            course.stage = "settling"
            await stage.wait_whole()
            settled = await wait_quiet(people.auditor, people.readers, sources, course)
            log = await read_log(people.auditor)
            for task in beside:
                task.cancel()
        clients = people.statistics()
    report = judge(log, people.readers, posts, times, course, roles=stage.roles, settled=settled)
    report["violations"] += wire_violations(clients)
    return report | {
        "seed": seed,
        "duration_s": duration_s,
        "took_s": round(asyncio.get_running_loop().time() - times.began_s, 1),
        "reconnects": sum(counts.get("disconnected", 0) for counts in clients.values()),
        "repeated_commands": sum(counts.get("repeated", 0) for counts in clients.values()),
        "clients": clients,
    }


@dataclass(frozen=True, slots=True)
class _People:
    auditor: Client
    readers: list[Reader]
    writers: list[Client]

    @classmethod
    async def enter(cls, stage: Stage, stack: contextlib.AsyncExitStack, chance: random.Random) -> "_People":
        """Everybody in the room; connections end with `stack`."""

        async def member(name: str, *languages: str, **claims: Any) -> Client:
            client = Client(
                stage.url(),
                token=stage.token(name, name=name, rooms={ROOM: "member"}, **claims),
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
        return cls(auditor, readers, writers)

    def statistics(self) -> dict[str, dict[str, int]]:
        return {
            **{reader.name: reader.client.statistics() for reader in self.readers},
            **{writer.name: client.statistics() for writer, client in zip(WRITERS, self.writers, strict=True)},
            "auditor": self.auditor.statistics(),
        }


def wire_violations(clients: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What clients bore and a server must not do, in words."""
    return [
        f"{name}: {counts[fault]} {words}"
        for name, counts in clients.items()
        for fault, words in WIRE_FAULTS.items()
        if counts.get(fault)
    ]


def judge(
    log: Sequence[Seen],
    readers: Sequence[Reader],
    posts: Sequence[PlannedPost],
    times: Times,
    course: Course,
    *,
    roles: Sequence[str],
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
    never = {one["role"] for one in course.kills} - {one["role"] for one in killed}
    violations += [f"no {role} was there to be struck" for role in sorted(never)]
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
        "kills": {role: sum(1 for one in killed if one["role"] == role) for role in roles},
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


def arguments_of(module: str, words: str, result: Path) -> argparse.ArgumentParser:
    """What both programs are asked on the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=words)
    parser.add_argument("--duration", type=float, default=60.0, metavar="S", help="seconds of writing and killing")
    parser.add_argument("--seed", type=int, default=1, help="the same seed writes and kills the same")
    parser.add_argument("--out", type=Path, default=result, help="where the figures go")
    return parser


def end_as_interrupted() -> None:
    """SIGTERM as Ctrl-C: what was started ends, whoever stops us."""
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))


def tell(report: dict[str, Any], out: Path, data_dir: Path, more: str = "") -> int:
    """Write the figures, print the table; the exit status. The data are kept when something was wrong."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"\n{table(report)}\n{more}  written to           {out}")
    if report["violations"]:
        print(f"  data kept in         {data_dir}")
        return 1
    shutil.rmtree(data_dir, ignore_errors=True)
    return 0
