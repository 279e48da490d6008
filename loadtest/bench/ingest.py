"""How many durable posts a second one gateway process acknowledges: `python -m loadtest.bench.ingest`.

200 rooms with one reader each, so that the way in is measured and not the fan-out. Every post is fsynced before its
ack (the engine's setting is the product's). Open loop: rates are tried from small to large, and at each of them every
post must be acknowledged and delivered once; the highest rate at which 99 % of the posts were acknowledged within a
second counts. Texts are signs, so nobody is owed a translation.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from loadtest.bench.rounds import busy, one_round, own_server, save
from loadtest.driver import Course
from loadtest.scenarios import Scenario

ROOMS: Final = 200
RATES: Final = (500.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 5_000.0, 6_000.0)
TARGET_POSTS_PER_S: Final = 5_000.0
TARGET_P99_MS: Final = 50.0
AT_POSTS_PER_S: Final = 1_000.0
KEPT_UP_MS: Final = 1_000.0


async def ingest(rates: Sequence[float], duration_s: float, rooms: int) -> dict[str, Any]:
    rounds = []
    for rate in rates:
        scenario = Scenario(
            f"ingest at {rate:g}/s",
            "posts over many rooms",
            readers=rooms,
            rooms=rooms,
            posts_per_s=rate,
            duration_s=duration_s,
            languages=("en",),
            text="signs",
            posts_per_writer_s=1.8,
        )
        async with own_server() as product:
            report = await one_round(product, scenario, Course(newcomers=False, joins_per_s=600.0))
        rounds.append(
            {
                "posts_per_s_intended": rate,
                "posts_per_s": report["posts_per_s"],
                **{name: report[name] for name in ("sent", "acknowledged", "refused", "lost", "doubled", "reordered")},
                **{name: report[name] for name in ("ack", "delivery", "send_lag", "violations", "agreement")},
                "processors": busy(report),
                "generator_cpu_s": [one["cpu_s_of_the_run"] for one in report["generator"]],
            }
        )
        print(f"  {rounds[-1]}", file=sys.stderr, flush=True)
        if (report["ack"]["p99_ms"] or 0) > 10 * KEPT_UP_MS:
            break
    kept = [
        one for one in rounds if one["ack"]["p99_ms"] <= KEPT_UP_MS and not one["violations"] and not one["refused"]
    ]
    highest = max((one["posts_per_s_intended"] for one in kept), default=0.0)
    at = next((one for one in rounds if one["posts_per_s_intended"] == AT_POSTS_PER_S), None)
    p99_ms = at["ack"]["p99_ms"] if at else None
    return {
        "rooms": rooms,
        "duration_s": duration_s,
        "rounds": rounds,
        "highest_posts_per_s": highest,
        "target_posts_per_s": TARGET_POSTS_PER_S,
        "ack_p99_ms_at_1000": p99_ms,
        "target_ack_p99_ms": TARGET_P99_MS,
        "met": highest >= TARGET_POSTS_PER_S and p99_ms is not None and p99_ms <= TARGET_P99_MS,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.ingest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--duration", type=float, default=10.0, help="seconds of each rate")
    parser.add_argument("--rooms", type=int, default=ROOMS)
    asked = parser.parse_args(arguments)
    found = asyncio.run(ingest(asked.rates, asked.duration, asked.rooms))
    path = save("ingest", found)
    print(json.dumps({name: value for name, value in found.items() if name != "rounds"}, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
