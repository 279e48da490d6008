"""Everybody loses the connection at once and comes back: `python -m loadtest.bench.storm`.

Members of one room, posts going on. Then all sockets of the readers are cut; each comes back after the pause that
clients draw (up to half a second, doubling with each failure), says hello with its position, and must be resumed with
nothing lost, doubled or reordered. `resume` counts from the cut, its pause included; `reconnect` from a client's try
until its WebSocket is open. Each round has a server of its own; medians of rounds are compared.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.bench.machine import part
from loadtest.bench.rounds import IMAGES, ROUNDS, busy, middle, one_round, own_server, save, show
from loadtest.driver import Course
from loadtest.pictures import chart
from loadtest.scenarios import Scenario

MEMBERS: Final = 5_000
POSTS_PER_S: Final = 50.0
BEFORE_S: Final = 10.0
AFTER_S: Final = 30.0
TARGET_RESUMED_WITHIN_S: Final = 15.0


async def storm(members: int, posts_per_s: float) -> dict[str, Any]:
    scenario = Scenario(
        "storm",
        "all members lose their connection at once",
        readers=members,
        posts_per_s=posts_per_s,
        duration_s=BEFORE_S + AFTER_S,
        languages=("en",),
        text="signs",
        storm_at_s=BEFORE_S,
    )
    async with own_server() as product:
        part([*product.pids("gateway"), *product.pids("engine")])
        report = await one_round(product, scenario, Course(newcomers=False, joins_per_s=300.0, writers_apart=True))
    worst_ms = report["resume"]["max_ms"]
    coming_back = [
        look
        for look in report["server"]
        if look["stage"] == "running" and BEFORE_S < look["at_s"] <= BEFORE_S + (worst_ms or 0) / 1000 + 1
    ]
    return {
        **{name: report[name] for name in ("reconnect", "resume", "ack", "delivery", "send_lag", "failed_connects")},
        **{name: report[name] for name in ("dropped", "unrecovered", "lost", "doubled", "reordered")},
        "members": members,
        "posts_per_s": posts_per_s,
        "processors": busy(report),
        "processors_while_they_come_back": [
            {role: used["cpu"] for role, used in look["processes"].items()} for look in coming_back
        ],
        "resumed": [(round(look["at_s"] - BEFORE_S, 1), look["resumed"]) for look in coming_back],
        "seconds": [
            {"s": one["s"], "ack_p99_ms": one["ack"]["p99_ms"], "delivery_p99_ms": one["delivery"]["p99_ms"]}
            for one in report["seconds"]
        ],
        "server": report["server"],
        "violations": report["violations"],
        "all_resumed": report["resumed"] == report["dropped"] == members,
    }


def judged(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median round against its target; nobody may be missing in any."""
    worst_s = middle(rounds, "resume", "max_ms") / 1000
    whole = all(one["all_resumed"] and not one["violations"] for one in rounds)
    return {
        "resumed_within_s": round(worst_s, 2),
        "resumed_within_s_by_round": [round(one["resume"]["max_ms"] / 1000, 2) for one in rounds],
        "target_resumed_within_s": TARGET_RESUMED_WITHIN_S,
        "all_resumed_and_nothing_lost": whole,
        "met": whole and worst_s <= TARGET_RESUMED_WITHIN_S,
    }


def picture(rounds: Sequence[Mapping[str, Any]]) -> str:
    return chart(
        "Back with nothing lost, after all lost the connection at once",
        "seconds since",
        "members",
        {f"round {number + 1}": [(0.0, 0.0), *one["resumed"]] for number, one in enumerate(rounds)},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.storm", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--posts-per-s", type=float, default=POSTS_PER_S)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args(arguments)
    rounds = []
    for _ in range(asked.rounds):
        rounds.append(asyncio.run(storm(asked.members, asked.posts_per_s)))
        show(rounds[-1])
    found = judged(rounds)
    path = save("storm", {**found, "rounds": rounds})
    (IMAGES / "storm.svg").write_text(picture(rounds), "utf-8")
    print(json.dumps(found, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
