"""How many durable posts a second one gateway process acknowledges: `python -m loadtest.bench.ingest`.

200 rooms with one reader each, so that the way in is measured and not the fan-out. Every post is fsynced before its
ack (the engine's setting is the product's). Open loop, and latency counts from the intended time: members who may say
no more than two posts a second each, so 5,000 posts a second come over 2,800 connections. Texts are signs, so nobody is
owed a translation.

The gateway has one processor, engine and load generator share the other. Each round has a server of its own and tries
all rates. A rate is kept up with when no round lost, doubled, reordered or forgot a post, and in most of them nobody
was refused and 99 % were acknowledged within a second. Medians of the rounds count; all of them are written.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.bench.machine import GENERATOR_CORE, part, pin
from loadtest.bench.rounds import IMAGES, RESULTS, ROUNDS, busy, middle, one_round, own_server, save
from loadtest.driver import Course
from loadtest.pictures import chart
from loadtest.product import Product
from loadtest.scenarios import Scenario

ROOMS: Final = 200
RATES: Final = (1_000.0, 3_000.0, 5_000.0)
JOINS_PER_S: Final = 800.0
TARGET_POSTS_PER_S: Final = 5_000.0
TARGET_P99_MS: Final = 50.0
AT_POSTS_PER_S: Final = 1_000.0
KEPT_UP_MS: Final = 1_000.0


async def one(rate: float, duration_s: float, rooms: int) -> dict[str, Any]:
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
        _arrange(product)
        report = await one_round(product, scenario, Course(newcomers=False, joins_per_s=JOINS_PER_S))
    return {
        **{name: report[name] for name in ("sent", "acknowledged", "refused", "lost", "doubled", "reordered")},
        **{name: report[name] for name in ("ack", "delivery", "send_lag", "violations", "agreement")},
        "processors": {
            **busy(report),
            "generator": round(sum(each["cpu_s_of_the_run"] for each in report["generator"]) / duration_s, 3),
        },
    }


def _arrange(product: Product) -> None:
    """As the head of this file says; nothing on a machine with one processor."""
    if (os.cpu_count() or 1) > 1:
        part(product.pids("gateway"))
        pin(product.pids("engine"), GENERATOR_CORE)


async def ingest(rates: Sequence[float], rounds: int, duration_s: float, rooms: int) -> dict[str, list[dict[str, Any]]]:
    """The rounds by rate. Rates take turns, so that whatever else the machine does disturbs all alike."""
    found: dict[str, list[dict[str, Any]]] = {f"{rate:g}": [] for rate in rates}
    for number in range(rounds):
        for rate in rates:
            told = await one(rate, duration_s, rooms)
            found[f"{rate:g}"].append(told)
            print(
                f"  round {number + 1}, {rate:g}/s: ack p50 {told['ack']['p50_ms']} p99 {told['ack']['p99_ms']} ms, "
                f"refused {told['refused']}, {told['violations']}, processors {told['processors']}",
                file=sys.stderr,
                flush=True,
            )
    return found


def kept_up(rounds: Sequence[Mapping[str, Any]]) -> bool:
    good = sum(not one["refused"] and one["ack"]["p99_ms"] <= KEPT_UP_MS for one in rounds)
    return not any(one["violations"] for one in rounds) and 2 * good > len(rounds)


def verdict(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    highest = max((float(rate) for rate, rounds in found.items() if kept_up(rounds)), default=0.0)
    at = found.get(f"{AT_POSTS_PER_S:g}")
    p99_ms = middle(at, "ack", "p99_ms") if at else None
    return {
        "highest_posts_per_s": highest,
        "target_posts_per_s": TARGET_POSTS_PER_S,
        "ack_p99_ms_at_1000": p99_ms,
        "target_ack_p99_ms": TARGET_P99_MS,
        "met": highest >= TARGET_POSTS_PER_S and p99_ms is not None and p99_ms <= TARGET_P99_MS,
    }


def table(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """In Markdown."""
    rows = [
        "| posts/s offered | ack p50 ms | ack p99 ms (worst round) | refused | gateway | engine | generator |",
        "|---|---|---|---|---|---|---|",
    ]
    for rate, rounds in found.items():
        worst = max(one["ack"]["p99_ms"] for one in rounds)
        refused = sum(sum(one["refused"].values()) for one in rounds)
        processors = " | ".join(
            f"{middle(rounds, 'processors', role):.2f}" for role in ("gateway", "engine", "generator")
        )
        rows.append(
            f"| {float(rate):,.0f} | {middle(rounds, 'ack', 'p50_ms'):.1f} | "
            f"{middle(rounds, 'ack', 'p99_ms'):.1f} ({worst:.1f}) | {refused:,} | {processors} |"
        )
    return "\n".join(rows)


def picture(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    series = {
        words: [(float(rate), middle(rounds, "ack", name)) for rate, rounds in found.items() if kept_up(rounds)]
        for words, name in (("p99", "p99_ms"), ("p50", "p50_ms"))
    }
    return chart("From the intended time of a post to its durable ack", "posts a second", "ms", series)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.ingest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--duration", type=float, default=5.0, help="seconds of each rate in each round")
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--merge", action="store_true", help="keep the rates of the last run that are not run now")
    asked = parser.parse_args(arguments)
    found: dict[str, list[dict[str, Any]]] = {}
    if asked.merge:
        found = json.loads((RESULTS / "ingest.json").read_text("utf-8"))["rates"]
    found |= asyncio.run(ingest(asked.rates, asked.rounds, asked.duration, asked.rooms))
    found = dict(sorted(found.items(), key=lambda each: float(each[0])))
    judged = verdict(found)
    path = save("ingest", {"rooms": asked.rooms, "duration_s": asked.duration, **judged, "rates": found})
    (IMAGES / "ingest.svg").write_text(picture(found), "utf-8")
    print(table(found))
    print(json.dumps(judged, indent=1))
    print(f"written to {path}")
    return 0 if judged["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
