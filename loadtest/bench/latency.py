"""How late a post is heard at a steady load: `python -m loadtest.bench.latency`.

A thousand readers of one room and twenty posts a second, which is 20,000 deliveries a second. From the intended time of
a post to its arrival at each reader; ours has passed permissions and a log that is on disk by then, the peers here
have no engine in their path. Servers take turns as in `loadtest.bench.fanout`; medians of rounds are compared.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from loadtest.bench.crowd import Crowd, Round
from loadtest.bench.fanout import TITLES, colour, plain
from loadtest.bench.rounds import IMAGES
from loadtest.bench.servers import FLOOR, OURS, PEERS, install, our_crowd, peer_crowd
from loadtest.pictures import bars

OUT: Final = Path("build/bench/latency.json")
READERS: Final = 1_000
DELIVERIES_PER_S: Final = 20_000
TARGET: Final = 1.5
"""Most, of the best peer's."""


async def measure(readers: int, rounds: int, seconds: float, home: Path) -> dict[str, list[Round]]:
    peers = [peer for peer in PEERS if not peer.redis and peer.name != FLOOR]
    install(peers)
    async with contextlib.AsyncExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for peer in peers:
            (home / peer.name).mkdir()
            crowds[peer.name] = await stack.enter_async_context(peer_crowd(peer, readers, home / peer.name))
        crowds[OURS], _ = await stack.enter_async_context(our_crowd(readers, home / OURS))
        found: dict[str, list[Round]] = {name: [] for name in crowds}
        for _ in range(rounds):
            for name, crowd in crowds.items():
                found[name].append(await crowd.rate(DELIVERIES_PER_S / readers, seconds))
    return found


def compared(found: Mapping[str, Sequence[Round]]) -> dict[str, float]:
    """Ours to the best peer's, by percentile: medians of rounds."""
    return {
        which: _median(found[OURS], which) / min(_median(some, which) for name, some in found.items() if name != OURS)
        for which in ("p50_us", "p99_us")
    }


def _median(rounds: Sequence[Round], which: str) -> float:
    return float(statistics.median(getattr(one, which) for one in rounds))


def picture(found: Mapping[str, Sequence[Round]]) -> str:
    p99_ms = {name: _median(rounds, "p99_us") / 1e3 for name, rounds in found.items()}
    return bars(
        f"ms within which 99 of 100 of {DELIVERIES_PER_S:,} deliveries a second are heard",
        [(plain(name), p99_ms[name], colour(name)) for name in sorted(p99_ms, key=p99_ms.__getitem__)],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.latency", description=about)
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="latency-"))
    try:
        found = asyncio.run(measure(asked.readers, asked.rounds, asked.seconds, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    ratios = compared(found)
    print("| from intended to heard | p50 ms | p99 ms |\n|---|---|---|")
    for name, rounds in sorted(found.items(), key=lambda one: _median(one[1], "p50_us")):
        print(f"| {TITLES[name]} | {_median(rounds, 'p50_us') / 1e3:.1f} | {_median(rounds, 'p99_us') / 1e3:.1f} |")
    met = all(ratio <= TARGET for ratio in ratios.values())
    told = {name: [asdict(one) for one in rounds] for name, rounds in found.items()}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({"met": met, "ratios": ratios, "rounds": told}, indent=1) + "\n", "utf-8")
    (IMAGES / "latency.svg").write_text(picture(found), "utf-8")
    words = ", ".join(f"{which[:3]} {ratio:.2f} of the best peer's" for which, ratio in ratios.items())
    print(f"{words} (<= {TARGET}): {'met' if met else 'NOT MET'}", file=sys.stderr)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
