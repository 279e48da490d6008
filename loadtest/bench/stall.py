"""What stalled readers cost the others, and whether memory grows: `python -m loadtest.bench.stall --minutes 10`.

Two rounds of the same schedule, without and with one reader in a hundred who stops reading at the beginning. The
others' p99 may rise by 10 %; each who stalls is closed as a slow reader; the gateway's memory may not rise between the
first and the last third of the round (the log grows on the engine's side, so only gateways are judged).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.bench.machine import part
from loadtest.bench.rounds import busy, one_round, own_server, save
from loadtest.driver import Course
from loadtest.measure import median
from loadtest.scenarios import Scenario

READERS: Final = 400
POSTS_PER_S: Final = 60.0
POST_CHARS: Final = 1_000
MINUTES: Final = 1.0
TARGET_RATIO: Final = 1.1
FLAT_BYTES: Final = 8 * 1024 * 1024


async def stall(readers: int, minutes: float) -> dict[str, Any]:
    rounds = []
    for share in (0.0, 0.01):
        scenario = Scenario(
            "with stalled readers" if share else "without",
            "one reader in a hundred stops reading" if share else "everybody reads",
            readers=readers,
            posts_per_s=POSTS_PER_S,
            duration_s=minutes * 60,
            languages=("en",),
            text="signs",
            text_chars=POST_CHARS,
            stalled_share=share,
        )
        async with own_server() as product:
            part([*product.pids("gateway"), *product.pids("engine")])
            report = await one_round(product, scenario, Course(newcomers=False, writers_apart=True))
        rounds.append(
            {
                "stalled": scenario.stalled,
                **{name: report[name] for name in ("delivery", "ack", "send_lag", "lost", "violations")},
                "closed_as_slow": report["metrics_grew"].get("closed_total slow_reader", 0),
                "processors": busy(report),
                "gateway_grew_bytes": grown(report),
                "server": report["server"],
            }
        )
    ratio = rounds[1]["delivery"]["p99_ms"] / rounds[0]["delivery"]["p99_ms"]
    return {
        "readers": readers,
        "minutes": minutes,
        "rounds": rounds,
        "p99_ratio": round(ratio, 3),
        "target_ratio": TARGET_RATIO,
        "met": ratio <= TARGET_RATIO
        and 0 < rounds[1]["stalled"] == rounds[1]["closed_as_slow"]
        and not any(one["violations"] for one in rounds)
        and all(one["gateway_grew_bytes"] <= FLAT_BYTES for one in rounds),
    }


def grown(report: Mapping[str, Any]) -> int:
    """Of the gateways, between the first and the last third of the round: medians, so that one look decides nothing."""
    sizes = [look["processes"]["gateway"]["resident_bytes"] for look in report["server"] if look["stage"] == "running"]
    third = max(1, len(sizes) // 3)
    return int(median(sizes[-third:]) - median(sizes[:third]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.stall", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each of the two rounds")
    asked = parser.parse_args(arguments)
    found = asyncio.run(stall(asked.readers, asked.minutes))
    path = save("stall", found)
    for one in found["rounds"]:
        print(json.dumps({name: value for name, value in one.items() if name != "server"}))
    print(json.dumps({name: value for name, value in found.items() if name != "rounds"}, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
