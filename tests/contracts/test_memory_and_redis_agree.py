"""The memory adapter is what most tests believe; here both live through the same random history and tell the same."""

import random
from pathlib import Path
from typing import Any

import pytest

from chat.adapters.embedded import EmbeddedEngine
from chat.events import Edited, Entry, Reacted, Recalled, Translated
from chat.ports import (
    Appended,
    DropMember,
    Guard,
    JobText,
    Member,
    RoomExists,
    RoomMissing,
    RoomState,
    SetMember,
    Stale,
)
from tests.contracts.conftest import Ports, file_in, memory_ports, posted, redis_ports

ROOMS = ("a", "b", "never-made")


async def one_step(ports: Ports, chance: random.Random, number: int) -> object:
    """One random operation, often a repeated, stale or misplaced one, and what came of it."""
    room = chance.choice(ROOMS)
    of = chance.randint(0, 25)
    revision = chance.randint(0, 2)
    event = chance.choice(
        [
            posted(f"m{number}"),
            posted(f"n{number}"),
            Edited(of=of, by="ann", revision=revision, text=f"e{number}"),
            Recalled(of=of, by="ann", author="ann"),
            Reacted(of=of, by="ann", emoji="👍", on=True),
            Translated(of=of, revision=revision, language="zh", source="en", text="你好", engine="e", package="p"),
        ]
    )
    user = chance.choice("uvw")
    what: dict[str, Any] = {
        "once": f"k{chance.randint(number // 2, number)}",
        "audience": chance.choice(["", "zh"]),
        "guard": chance.choice([None, None, Guard(of, revision), Guard(of, 0)]),
        "change": chance.choice([None, SetMember(Member(user, f"U{number}", "guest")), DropMember(user)]),
        "job": chance.choice([None, JobText(f"j{number}", "ann", (("zh",),))]),
        "job_revision": revision,
    }
    try:
        if number % 10 == 0 and room != "never-made":
            return told(await ports.create(room, once=f"k{chance.randint(0, 3)}"))
        return told(await ports.log.append(room, event, **what))
    except (RoomExists, RoomMissing, Stale) as refused:
        return type(refused)


def told(value: Appended | Entry | RoomState | None) -> object:
    """Without epoch and time, which differ between two lives."""
    match value:
        case Appended():
            return value.position.seq, value.duplicate
        case Entry():
            return value.room, value.seq, value.audience, value.body
        case RoomState():
            return value.room, value.title, value.head.seq, value.members
        case None:
            return None


async def everything(ports: Ports) -> list[object]:
    seen: list[object] = [await ports.log.rooms(), await ports.jobs.backlog()]
    for room in ROOMS:
        seen += [told(await ports.log.state(room)), await ports.log.members(room)]
        seen += [told(entry) for entry in await ports.log.read_after(room, 0, 1000)]
        seen += [told(entry) for entry in await ports.log.read_before(room, 20, 7)]
        seen += [told(entry) for entry in await ports.log.about(room, 3, 15, 12)]
        seen += [await ports.log.revision(room, of) for of in range(40)]
        seen += [(known := await ports.log.recognise(room, f"k{n}")) and told(known) for n in range(80)]
    jobs = [taken.job for taken in await ports.jobs.take("w", 1000, 0)]
    seen += sorted((job.room, job.of, job.revision, job.text.text) for job in jobs)
    return seen


@pytest.mark.engine
@pytest.mark.parametrize("seed", range(4))
async def test_the_same_history_leaves_the_same_traces(
    embedded_engine: EmbeddedEngine, seed: int, tmp_path: Path
) -> None:
    traces = []
    for opening in (
        memory_ports(),
        redis_ports(embedded_engine),
        redis_ports(embedded_engine, file_in(tmp_path)),
    ):
        chance = random.Random(seed)
        async with opening as ports:
            steps = [await one_step(ports, chance, number) for number in range(80)]
            traces.append((steps, await everything(ports)))
    assert traces[0] == traces[1], f"seed {seed}"
    assert traces[0] == traces[2], f"seed {seed}, with everything moved into an archive"
