"""What stalled readers cost the others, and whether memory grows: `python -m loadtest.bench.stall --minutes 10`.

Pairs of rounds of the same schedule, without and with one reader in a hundred who stops reading at the beginning; in
every other pair the other way round. The others' p99 (medians of rounds) may rise by 10 %; in every round each who
stalls is closed as a slow reader, and the gateway's memory may not rise between the first and the last third of the
round (the log grows on the engine's side, so only gateways are judged).
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
from loadtest.measure import median
from loadtest.pictures import chart
from loadtest.scenarios import Scenario

READERS: Final = 400
POSTS_PER_S: Final = 60.0
POST_CHARS: Final = 1_000
MINUTES: Final = 1.0
STALLED_SHARE: Final = 0.01
TARGET_RATIO: Final = 1.1
FLAT_BYTES: Final = 8 * 1024 * 1024


async def one(readers: int, minutes: float, share: float) -> dict[str, Any]:
    """A round with this share of stalled readers."""
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
    return {
        "stalled": scenario.stalled,
        **{name: report[name] for name in ("delivery", "ack", "send_lag", "lost", "violations")},
        "closed_as_slow": report["metrics_grew"].get("closed_total slow_reader", 0),
        "processors": busy(report),
        "gateway_grew_bytes": grown(report),
        "server": report["server"],
    }


def judged(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rounds with stalled readers against those without."""
    stalled, calm = ([told for told in rounds if bool(told["stalled"]) is which] for which in (True, False))
    p99_ms, calm_p99_ms = middle(stalled, "delivery", "p99_ms"), middle(calm, "delivery", "p99_ms")
    return {
        "p99_ms": p99_ms,
        "p99_ms_without": calm_p99_ms,
        "p99_ratio": round(p99_ms / calm_p99_ms, 3),
        "target_ratio": TARGET_RATIO,
        "closed_as_slow": [f"{told['closed_as_slow']:.0f} of {told['stalled']}" for told in stalled],
        "gateway_grew_bytes_at_most": max(told["gateway_grew_bytes"] for told in rounds),
        "met": p99_ms <= TARGET_RATIO * calm_p99_ms
        and all(0 < told["stalled"] == told["closed_as_slow"] for told in stalled)
        and not any(told["violations"] for told in rounds)
        and all(told["gateway_grew_bytes"] <= FLAT_BYTES for told in rounds),
    }


def picture(rounds: Sequence[Mapping[str, Any]]) -> str:
    """Memory in the last round of each kind."""
    last = {bool(told["stalled"]): told for told in rounds}
    return chart(
        "Memory of the gateway, with and without stalled readers",
        "seconds",
        "MB",
        {
            words: [
                (look["at_s"], look["processes"]["gateway"]["resident_bytes"] / 1e6)
                for look in last[stalled]["server"]
                if look["stage"] == "running"
            ]
            for stalled, words in ((True, "with"), (False, "without"))
        },
    )


def grown(report: Mapping[str, Any]) -> int:
    """Of the gateways, between the first and the last third of the round: medians, so that one look decides nothing."""
    sizes = [look["processes"]["gateway"]["resident_bytes"] for look in report["server"] if look["stage"] == "running"]
    third = max(1, len(sizes) // 3)
    return int(median(sizes[-third:]) - median(sizes[:third]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.stall", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each of the two kinds")
    asked = parser.parse_args(arguments)
    rounds = []
    for number in range(asked.rounds):
        for share in (0.0, STALLED_SHARE) if number % 2 == 0 else (STALLED_SHARE, 0.0):
            rounds.append(asyncio.run(one(asked.readers, asked.minutes, share)))
            show(rounds[-1])
    found = {"readers": asked.readers, "minutes": asked.minutes, **judged(rounds)}
    path = save("stall", {**found, "rounds": rounds})
    (IMAGES / "stall.svg").write_text(picture(rounds), "utf-8")
    print(json.dumps(found, indent=1))
    print(f"written to {path}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
