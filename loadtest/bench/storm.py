"""Everybody loses the connection at once and comes back: `python -m loadtest.bench.storm`.

Members of one room, posts going on. Then all sockets of the readers are cut; each comes back after the pause that
clients draw (up to half a second, doubling with each failure), says hello with its position, and must be resumed with
nothing lost, doubled or reordered. `resume` counts from the cut, its pause included; `reconnect` from a client's try
until its WebSocket is open.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from loadtest.bench.machine import part
from loadtest.bench.rounds import busy, one_round, own_server, save
from loadtest.driver import Course
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
        look for look in report["server"] if BEFORE_S < look["at_s"] <= BEFORE_S + (worst_ms or 0) / 1000 + 1
    ]
    return {
        **{name: report[name] for name in ("reconnect", "resume", "ack", "delivery", "send_lag", "failed_connects")},
        **{name: report[name] for name in ("dropped", "resumed", "unrecovered", "lost", "doubled", "reordered")},
        "members": members,
        "posts_per_s": posts_per_s,
        "processors": busy(report),
        "processors_while_they_come_back": [
            {role: used["cpu"] for role, used in look["processes"].items()} for look in coming_back
        ],
        "resumed_by_second": [look["resumed"] for look in coming_back],
        "seconds": [
            {"s": one["s"], "ack_p99_ms": one["ack"]["p99_ms"], "delivery_p99_ms": one["delivery"]["p99_ms"]}
            for one in report["seconds"]
        ],
        "server": report["server"],
        "violations": report["violations"],
        "target_resumed_within_s": TARGET_RESUMED_WITHIN_S,
        "met": not report["violations"]
        and report["resumed"] == report["dropped"] == members
        and worst_ms is not None
        and worst_ms <= TARGET_RESUMED_WITHIN_S * 1000,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.storm", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--posts-per-s", type=float, default=POSTS_PER_S)
    asked = parser.parse_args(arguments)
    found = asyncio.run(storm(asked.members, asked.posts_per_s))
    path = save("storm", found)
    print(json.dumps({name: value for name, value in found.items() if name != "server"}, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
