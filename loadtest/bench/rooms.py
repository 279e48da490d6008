"""Many members in many rooms on several gateway processes: `python -m loadtest.bench.rooms --members 100000`.

Rooms of 100, one post in each room every ten seconds. A process, ours or the server's, holds as many connections as the
system lets it have open files: gateways and processes of members are as many as that asks for. Members call from
loopback addresses of their own, since one address has some 28,000 ports. Nothing may be lost or reordered; processors
are not shared out, everybody runs where there is room.
"""

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from typing import Any, Final

from loadtest.bench.rounds import busy, one_round, own_server, save
from loadtest.driver import Course
from loadtest.scenarios import Scenario

MEMBERS: Final = 100_000
ROOM: Final = 100
POSTS_PER_ROOM_S: Final = 0.1
SHARE: Final = 0.8
"""Of the open files that a process may have: the kernel deals out connections by chance."""
CONNECTIONS_MAX: Final = 20_000
"""A gateway takes no more."""


async def rooms(members: int, duration_s: float, joins_per_s: float) -> dict[str, Any]:
    count = max(1, members // ROOM)
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = CONNECTIONS_MAX if files == resource.RLIM_INFINITY else min(CONNECTIONS_MAX, files)
    processes = max(2, -(-(members + count) // int(held * SHARE)))
    scenario = Scenario(
        "rooms",
        "many rooms of a hundred",
        readers=count * ROOM,
        rooms=count,
        posts_per_s=count * POSTS_PER_ROOM_S,
        duration_s=duration_s,
        languages=("en",),
        text="signs",
    )
    async with own_server(workers=processes) as product:
        report = await one_round(product, scenario, Course(processes=processes, joins_per_s=joins_per_s))
    return {
        "members": scenario.readers,
        "rooms": count,
        "gateways": processes,
        "open_files_a_process_may_have": files,
        **{name: report[name] for name in ("walked_in_s", "connect", "join", "delivery", "ack", "send_lag")},
        **{name: report[name] for name in ("joined", "deliveries_per_s", "lost", "doubled", "reordered", "violations")},
        "agreement": report["agreement"],
        "failed_connects": report["failed_connects"],
        "memory_walked_in": report["memory_walked_in"],
        "processors": busy(report),
        "kernel": report["server"][-1]["kernel"],
        "met": not report["violations"] and report["joined"] == scenario.readers + scenario.writers,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.rooms", description=about)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--duration", type=float, default=60.0)
    parser.add_argument("--joins-per-s", type=float, default=500.0)
    asked = parser.parse_args(arguments)
    found = asyncio.run(rooms(asked.members, asked.duration, asked.joins_per_s))
    path = save("rooms", found)
    print(json.dumps(found, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
