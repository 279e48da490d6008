"""How much of a processor, how much memory and how much time many members cost: `python -m loadtest.bench.capacity`.

One room on one gateway process; server and engine on one processor, the C crowd of the fan-out benches on the other.
For each number of members posts come at a few rates, evenly, for some seconds each; processor time and latency (from
the intended time of a post to each reader) are of the round, memory is read before it. Every delivery is checked. The
pictures of docs/capacity.md are drawn from the result: `--draw` draws them again without measuring.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtest.bench.rounds import IMAGES, RESULTS, save
from loadtest.bench.servers import our_crowd
from loadtest.pictures import chart
from loadtest.product import resident_bytes

SIZES: Final = (250, 1_000, 4_000, 7_000)
"""This crowd comes as fast as it is let in: more than that at once, and a gateway tells some to come later."""
RATES: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
DELIVERIES_PER_S_MAX: Final = 300_000
"""Above it rounds are left out: one processor does no more."""
SECONDS: Final = 6.0


async def capacity(sizes: Sequence[int], seconds: float) -> dict[str, Any]:
    points: list[dict[str, Any]] = []
    for members in sizes:
        with tempfile.TemporaryDirectory(prefix="capacity-") as folder:
            async with our_crowd(members, Path(folder)) as (crowd, product):
                [gateway], [engine] = product.pids("gateway"), product.pids("engine")
                for rate in RATES:
                    if members * rate > DELIVERIES_PER_S_MAX:
                        continue
                    held = resident_bytes(gateway), resident_bytes(engine)
                    found = await crowd.rate(rate, seconds)
                    points.append(
                        {
                            "members": members,
                            "posts_per_s": rate,
                            "deliveries_per_s": round(found.deliveries / found.seconds),
                            "gateway_processors": round(found.server_cpu_s / found.seconds, 4),
                            "engine_processors": round(found.other_cpu_s / found.seconds, 4),
                            "p50_ms": round(found.p50_us / 1000, 1),
                            "p99_ms": round(found.p99_us / 1000, 1),
                            "gateway_bytes": held[0],
                            "engine_bytes": held[1],
                        }
                    )
                    print(f"  {points[-1]}", file=sys.stderr, flush=True)
    return {"seconds": seconds, "points": points}


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """Name of the file -> SVG."""

    def by_size(of: Callable[[Mapping[str, Any]], float]) -> dict[str, list[tuple[float, float]]]:
        series: dict[str, list[tuple[float, float]]] = {}
        for point in found["points"]:
            series.setdefault(f"{point['members']:,} members", []).append((point["deliveries_per_s"], of(point)))
        return series

    smallest: dict[int, float] = {}
    for point in found["points"]:
        smallest.setdefault(point["members"], point["gateway_bytes"] / 1e6)
    return {
        "capacity-processor.svg": chart(
            "Processor of one gateway process",
            "deliveries a second",
            "processors",
            by_size(lambda point: float(point["gateway_processors"])),
        ),
        "capacity-latency.svg": chart(
            "99 of 100 deliveries are heard within",
            "deliveries a second",
            "ms",
            by_size(lambda point: float(point["p99_ms"])),
        ),
        "capacity-memory.svg": chart(
            "Memory of one gateway process", "members", "MB", {"resident": [*sorted(smallest.items())]}
        ),
    }


def merged(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Points of both; where a number of members was measured again, only the newer ones."""
    sizes = {point["members"] for point in now}
    points = [*now, *(point for point in before if point["members"] not in sizes)]
    return sorted(points, key=lambda point: (point["members"], point["posts_per_s"]))


def draw(found: Mapping[str, Any]) -> None:
    for name, picture in pictures(found).items():
        (IMAGES / name).write_text(picture, "utf-8")


def asked_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.capacity", description=about)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round")
    parser.add_argument("--merge", action="store_true", help="keep the sizes of the last result that are not run now")
    parser.add_argument(
        "--draw", action="store_true", help="draw the pictures from the last result, and measure nothing"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = asked_of(arguments)
    if asked.draw:
        draw(json.loads((RESULTS / "capacity.json").read_text("utf-8")))
        return 0
    found = asyncio.run(capacity(asked.sizes, asked.seconds))
    if asked.merge:
        found["points"] = merged(json.loads((RESULTS / "capacity.json").read_text("utf-8"))["points"], found["points"])
    print(f"written to {save('capacity', found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
