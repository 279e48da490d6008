"""Thousands of voters in a live room: `python -m loadtest.bench.ceremony --voters 5000`.

One server of its own, one room, everybody in it. First messages alone, then the same messages while everybody votes
within a minute, one in five twice, then messages alone again: a shared machine drifts. Server and engine have one
processor, the voters the other. The tally must be what the voters know of themselves and reach each reader at most
four times a second, never in a rush; the p99 of ordinary messages may rise by a fifth at most. Latency counts from the
intended time of each message, and every message must reach every reader: what is lost is never late.
"""

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgpack

from chat.commands import AcceptName, CreateRoom, Hello, Join, OpenCeremony, Post, ProposeName, VoteName
from loadtest.bench.machine import part
from loadtest.bench.rounds import own_server, save
from loadtest.measure import Latencies
from loadtest.raw import RawMember
from loadtest.tokens import mint

VOTERS: Final = 5_000
VOTE_S: Final = 60.0
ALONE_S: Final = 60.0
POSTS_PER_S: Final = 2.0
WRITERS: Final = 4
NAMES: Final = ("白睿康", "李安然", "陈知行", "林清扬", "周以宁")
TWICE: Final = 0.2
TALLIES_PER_S_MAX: Final = 4.0
TALLIES_IN_A_SECOND_MAX: Final = 5
"""At four a second, that many fall into one second when the first is late by a millisecond. More are a rush."""
TARGET_RATIO: Final = 1.2
JOINING_AT_ONCE: Final = 50
_MARK: Final = b"sent@"
_TALLY: Final = b"\x85\xa4type\xa5tally"
ROOM: Final = "hall"


class Voter(RawMember):
    """Notes when tallies come, and how late messages are."""

    late_s: list[float]
    tallies: list[float]
    last_tally: bytes

    def begin(self, late_s: list[float]) -> None:
        self.late_s, self.tallies, self.last_tally = late_s, [], b""

    def _frame(self, opcode: int, payload: bytes) -> None:
        if payload.startswith(_TALLY):
            self.tallies.append(time.monotonic())
            self.last_tally = payload
            return
        at = payload.find(_MARK)
        if at >= 0:
            self.late_s.append(time.monotonic() - float(payload[at + 5 : at + 19]))
        else:
            super()._frame(opcode, payload)


async def enter(port: int, token: str, user_languages: tuple[str, ...]) -> Voter:
    member = await Voter.connect(port)
    assert isinstance(member, Voter)
    member.begin([])
    await member.ask(partial(Hello, token=token, languages=user_languages))
    await member.ask(partial(Join, room=ROOM))
    return member


async def talk(writers: Sequence[Voter], seconds: float, run: str) -> None:
    """Messages at their times, whatever becomes of the ones before."""
    began = time.monotonic() + 0.2
    for number in range(messages(seconds)):
        due = began + number / POSTS_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        text = f"{_MARK.decode()}{due:014.4f}"
        writers[number % len(writers)].tell(
            partial(Post, room=ROOM, text=text, once=f"{run}-{number}"),
            lambda _: None,
        )
    await asyncio.sleep(2)


async def vote(voters: Sequence[Voter], of: int, proposals: Sequence[int], seconds: float) -> tuple[Counter[int], int]:
    """Everybody votes at a time of their own; (what must come out, answers that were errors)."""
    chance = random.Random(1)
    plan: list[tuple[float, int, int, str]] = []
    final: dict[int, int] = {}
    for voter in range(len(voters)):
        times = sorted(chance.uniform(0, seconds) for _ in range(2 if chance.random() < TWICE else 1))
        for at, due in enumerate(times):
            final[voter] = chance.choice(proposals)
            plan.append((due, voter, final[voter], f"v{at}"))
    plan.sort()
    answers: Counter[str] = Counter()
    answered = asyncio.Event()

    def answer(frame: dict[str, Any]) -> None:
        answers.update([frame["type"]])
        if answers.total() == len(plan):
            answered.set()

    began = time.monotonic()
    for due, voter, proposal, once in plan:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        voters[voter].tell(
            partial(VoteName, room=ROOM, of=of, proposal=proposal, once=once),
            answer,
        )
    async with asyncio.timeout(30):
        await answered.wait()
    return Counter(final.values()), len(plan) - answers["ack"]


def messages(seconds: float) -> int:
    """That are written within so many seconds."""
    return int(seconds * POSTS_PER_S)


def most_in_a_second(times_s: Sequence[float]) -> int:
    """How many of these times, in order, lie within one second."""
    most = first = 0
    for place, time_s in enumerate(times_s):
        while time_s - times_s[first] >= 1.0:
            first += 1
        most = max(most, place + 1 - first)
    return most


def met(found: Mapping[str, Any]) -> bool:
    """Whether nothing was refused, lost, doubled or miscounted, and all was in time."""
    return (
        not found["refused"]
        and not found["readers_with_a_wrong_last_tally"]
        and all(found[part]["deliveries"] == found[part]["expected"] > 0 for part in ("alone", "during"))
        and found["tallies_per_s_most"] <= TALLIES_PER_S_MAX
        and found["tallies_in_a_second_most"] <= TALLIES_IN_A_SECOND_MAX
        and found["p99_ratio"] <= TARGET_RATIO
    )


async def ceremony(voters_count: int, vote_s: float, alone_s: float) -> dict[str, Any]:
    async with own_server() as product:
        part([*product.pids("gateway"), *product.pids("engine")])
        keys = product.data_dir / "token-keys.json"

        def token(user: str) -> str:
            return mint(keys, user, rooms={ROOM: "member"}, create=True)

        owner = await Voter.connect(product.port)
        assert isinstance(owner, Voter)
        owner.begin([])
        await owner.ask(partial(Hello, token=token("owner"), languages=("zh",)))
        await owner.ask(partial(CreateRoom, room=ROOM, title="Hall", once="room"))
        voters: list[Voter] = []
        for first in range(0, voters_count, JOINING_AT_ONCE):
            group = range(first, min(first + JOINING_AT_ONCE, voters_count))
            voters += await asyncio.gather(*(enter(product.port, token(f"u{number}"), ("zh",)) for number in group))
        writers = [await enter(product.port, token(f"w{number}"), ("zh",)) for number in range(WRITERS)]
        await asyncio.sleep(3)
        await talk(writers, 5, "warm")

        def fresh() -> list[float]:
            late_s: list[float] = []
            for voter in voters:
                voter.late_s = late_s
            return late_s

        def told(late_s: list[float], written: int) -> dict[str, float]:
            summary = Latencies(late_s).summary()
            times = {name: summary[name] or math.inf for name in ("p50_ms", "p99_ms")}
            return {"deliveries": len(late_s), "expected": written * voters_count, **times}

        late_before_s = fresh()
        await talk(writers, alone_s / 2, "before")
        opened = await owner.ask(partial(OpenCeremony, room=ROOM, window_s=int(vote_s) + 90, once="open"))
        of = opened["position"][1]
        proposals = []
        for number, name in enumerate(NAMES):
            made = await writers[number % WRITERS].ask(
                partial(ProposeName, room=ROOM, of=of, text=name, once=f"p{name}".encode().hex())
            )
            proposals.append(made["position"][1])
        late_during_s = fresh()
        began = time.monotonic()
        (expected, refused), _ = await asyncio.gather(
            vote(voters, of, proposals, vote_s), talk(writers, vote_s, "during")
        )
        took_s = time.monotonic() - began
        await asyncio.sleep(1)
        frames = [msgpack.unpackb(voter.last_tally) for voter in voters]
        wrong = sum({row["proposal"]: row["votes"] for row in frame["tally"]} != dict(expected) for frame in frames)
        await owner.ask(partial(AcceptName, room=ROOM, of=of, proposal=proposals[0], once="accept"))
        late_after_s = fresh()
        await talk(writers, alone_s / 2, "after")
        for voter in voters:
            voter.close()
        alone = told(late_before_s + late_after_s, 2 * messages(alone_s / 2))
        during = told(late_during_s, messages(vote_s))
        ratio = during["p99_ms"] / alone["p99_ms"]
        rates = [len(voter.tallies) / took_s for voter in voters]
        found: dict[str, Any] = {
            "voters": voters_count,
            "votes": expected.total(),
            "vote_s": vote_s,
            "refused": refused,
            "alone": alone,
            "alone_p99_ms": [Latencies(late_s).percentile_ms(99) for late_s in (late_before_s, late_after_s)],
            "during": during,
            "p99_ratio": round(ratio, 3),
            "target_ratio": TARGET_RATIO,
            "tallies_per_s_most": round(max(rates), 2),
            "tallies_per_s_least": round(min(rates), 2),
            "tallies_in_a_second_most": max(most_in_a_second(voter.tallies) for voter in voters),
            "readers_with_a_wrong_last_tally": wrong,
        }
        return found | {"met": met(found)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.ceremony", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--voters", type=int, default=VOTERS)
    parser.add_argument("--seconds", type=float, default=VOTE_S, help="within which everybody votes")
    parser.add_argument(
        "--alone", type=float, default=ALONE_S, help="seconds of messages without a ceremony, half before, half after"
    )
    asked = parser.parse_args(arguments)
    with asyncio.Runner() as runner:
        found = runner.run(ceremony(asked.voters, asked.seconds, asked.alone))
    path = save("ceremony", found)
    print(json.dumps(found, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
