"""Many members in one room on one gateway process: `python -m loadtest.bench.members`.

10,000 members, 10 posts a second for a minute: 100,000 deliveries a second, heard by one process of members on the
other processor. Each round has a server of its own; nothing may be lost or reordered in any, and the medians of rounds
are compared. Resident memory of a member is the growth of the gateway from before anybody came until all sat idle, over
their number. The kernel's stands apart, machine-wide and so of both ends: buffers of sockets, and records (slabs) of
any kind.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.bench.machine import part
from loadtest.bench.rounds import ROUNDS, busy, middle, one_round, own_server, save, show
from loadtest.driver import Course
from loadtest.product import resident_bytes
from loadtest.scenarios import Scenario
from loadtest.server import kernel_bytes

MEMBERS: Final = 10_000
POSTS_PER_S: Final = 10.0
DURATION_S: Final = 60.0
TARGET_P99_MS: Final = 300.0
TARGET_BYTES: Final = 14_000


async def members(count: int, posts_per_s: float, duration_s: float) -> dict[str, Any]:
    scenario = Scenario(
        "members",
        "one large room",
        readers=count,
        posts_per_s=posts_per_s,
        duration_s=duration_s,
        languages=("en",),
        text="signs",
    )
    async with own_server() as product:
        [gateway] = product.pids("gateway")
        part([gateway, *product.pids("engine")])
        before, kernel_before = resident_bytes(gateway), kernel_bytes()
        report = await one_round(product, scenario, Course(newcomers=False, joins_per_s=300.0, writers_apart=True))
    kernel_idle = [look["kernel"] for look in report["server"] if look["stage"] == "walking in"][-1]
    walked_in = report["memory_walked_in"]["gateway"]["resident_bytes"]
    per_member = round((walked_in - before) / (count + scenario.writers))
    return {
        "members": count,
        **{name: report[name] for name in ("connect", "join", "delivery", "ack", "send_lag", "deliveries_per_s")},
        **{name: report[name] for name in ("lost", "doubled", "reordered", "violations", "generator")},
        "processors": busy(report),
        "resident_bytes_per_member": per_member,
        "kernel_bytes_per_member_both_ends": {
            what: round((held - kernel_before[what]) / (count + scenario.writers)) for what, held in kernel_idle.items()
        },
        "server": report["server"],
    }


def judged(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median round against its targets."""
    p99_ms, per_member = middle(rounds, "delivery", "p99_ms"), middle(rounds, "resident_bytes_per_member")
    return {
        "delivery_p50_ms": middle(rounds, "delivery", "p50_ms"),
        "delivery_p99_ms": p99_ms,
        "target_p99_ms": TARGET_P99_MS,
        "resident_bytes_per_member": per_member,
        "target_bytes_per_member": TARGET_BYTES,
        "violations": [fault for one in rounds for fault in one["violations"]],
        "met": not any(one["violations"] for one in rounds) and p99_ms <= TARGET_P99_MS and per_member <= TARGET_BYTES,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.members", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--posts-per-s", type=float, default=POSTS_PER_S)
    parser.add_argument("--duration", type=float, default=DURATION_S)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args(arguments)
    rounds = []
    for _ in range(asked.rounds):
        rounds.append(asyncio.run(members(asked.members, asked.posts_per_s, asked.duration)))
        show(rounds[-1])
    found = judged(rounds)
    path = save("members", {**found, "rounds": rounds})
    print(json.dumps(found, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
