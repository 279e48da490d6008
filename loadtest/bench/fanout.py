"""Fan-out at the limit: the whole product beside other servers and a loop in C: `python -m loadtest.bench.fanout`.

One room, N readers, posts of 200 characters; deliveries per second of the *server's* processor time. Ours are
authenticated members of a room with permissions and presence, and every post goes through the durable log of the
embedded engine; peers pass on what they are given. The floor does one `send(2)` for each delivery and nothing else.
The processor time of engines (ours, and the Redis of peers that need one) is told apart and is not in the figure.

All servers run at the same time with all their readers connected, and take turns: a round is one turn of each. What
counts is the ratio to the floor of the same round, and of these the median: a shared machine drifts by more than a
third within a minute. Each reader checks that every post arrives exactly once and in the order of all others. A peer
that does not manage this takes no further turn, and has no figure for that load.

    --readers 100,1000,5000   --rounds 5   --seconds 1   --peers floor,ws,...   --merge
"""

import argparse
import asyncio
import contextlib
import json
import math
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from loadtest.bench.crowd import Crowd, CrowdFailed, Round
from loadtest.bench.servers import FLOOR, OURS, PEERS, Peer, install, our_crowd, peer_crowd
from loadtest.pictures import GREY, PALE, STRONG, bars

OUT: Final = Path("build/bench/fanout.json")
PICTURE: Final = Path("docs/images/fanout.svg")
IN_FLIGHT: Final = (1, 16)
READERS: Final = (100, 1_000, 5_000)
TARGETS: Final = {(1_000, 1): 0.65, (5_000, 1): 0.60, (1_000, 16): 6.0}
"""Least ratio to the floor, by readers and posts in flight."""
TITLES: Final = {OURS: "Diqiucun, everything on", **{peer.name: peer.title for peer in PEERS}}

Rounds = dict[str, list[Round]]


async def measure(peers: Sequence[Peer], readers: int, rounds: int, seconds: float, home: Path) -> dict[int, Rounds]:
    """All servers, alternating. Raises CrowdFailed."""
    async with contextlib.AsyncExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for peer in peers:
            folder = home / f"{peer.name}-{readers}"
            folder.mkdir()
            crowds[peer.name] = await stack.enter_async_context(peer_crowd(peer, readers, folder))
        crowds[OURS], _ = await stack.enter_async_context(our_crowd(readers, home / f"{OURS}-{readers}"))
        found: dict[int, Rounds] = {}
        for in_flight in IN_FLIGHT:
            found[in_flight] = {name: [] for name in crowds}
            for number in range(rounds):
                for name, crowd in tuple(crowds.items()):
                    try:
                        found[in_flight][name].append(await crowd.keep(in_flight, seconds))
                    except CrowdFailed as failed:
                        if name in (OURS, FLOOR):
                            raise
                        print(f"  {name} is out: {failed}", file=sys.stderr, flush=True)
                        del crowds[name], found[in_flight][name]
                print(f"  {readers} readers, {in_flight} in flight: round {number + 1}", file=sys.stderr, flush=True)
    return found


def ratios(rounds: Mapping[str, Sequence[Round]], name: str, to: str = FLOOR) -> list[float]:
    """Of each round by itself."""
    return [one.per_cpu_s / other.per_cpu_s for one, other in zip(rounds[name], rounds[to], strict=True)]


def summary(rounds: Rounds) -> dict[str, Any]:
    """Raw rounds, and their medians."""
    return {
        name: {
            "per_cpu_s": round(statistics.median(one.per_cpu_s for one in some)),
            "ratio_to_floor": round(statistics.median(ratios(rounds, name)), 3),
            "ratios": [round(ratio, 3) for ratio in ratios(rounds, name)],
            "engine_cpu_us_per_post": round(statistics.median(1e6 * one.other_cpu_s / one.posts for one in some)),
            "rounds": [asdict(one) for one in some],
        }
        for name, some in rounds.items()
    }


def table(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Markdown: a row for each server, a column for each size and load."""
    columns = [(readers, in_flight) for in_flight in map(str, IN_FLIGHT) for readers in found]
    names = dict.fromkeys(name for one in found.values() for rounds in one.values() for name in rounds)
    ranked = sorted(names, key=lambda name: -_ratio(found, columns[min(1, len(columns) - 1)], name))
    lines = [
        "| × floor | " + " | ".join(f"{int(readers):,} readers, {load} in flight" for readers, load in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name in ranked:
        figures = [_ratio(found, column, name) for column in columns]
        cells = ["none" if math.isnan(figure) else f"{figure:.2f}" for figure in figures]
        lines.append(f"| {TITLES[name]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ratio(found: Mapping[str, Any], column: tuple[str, str], name: str) -> float:
    rounds = found[column[0]][column[1]]
    return float(rounds[name]["ratio_to_floor"]) if name in rounds else float("nan")


def unmet(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """What was promised and is not so."""
    missed = []
    for readers, by_load in found.items():
        for load, rounds in by_load.items():
            ours, wanted = rounds[OURS]["ratio_to_floor"], TARGETS.get((int(readers), int(load)))
            if wanted is not None and ours < wanted:
                missed.append(f"{readers} readers, {load} in flight: {ours:.2f} of the floor, wanted {wanted}")
            missed += [
                f"{readers} readers, {load} in flight: {TITLES[name]} is ahead, {rounds[name]['ratio_to_floor']:.2f}"
                f" against {ours:.2f}"
                for name in rounds
                if name not in (OURS, FLOOR) and rounds[name]["ratio_to_floor"] >= ours
            ]
    return missed


def picture(found: Mapping[str, Mapping[str, Mapping[str, Any]]], readers: str) -> str:
    """Bars of one size, one post in flight."""
    ratios = {name: float(one["ratio_to_floor"]) for name, one in found[readers]["1"].items()}
    return bars(
        f"Deliveries per second of server processor, {int(readers):,} readers, one post in flight (floor = 1)",
        [(plain(name), ratios[name], colour(name)) for name in sorted(ratios, key=ratios.__getitem__, reverse=True)],
    )


def plain(name: str) -> str:
    """A server's title, without Markdown."""
    return TITLES[name].replace("`", "")


def colour(name: str) -> str:
    return STRONG if name == OURS else GREY if name == FLOOR else PALE


def main(arguments: Sequence[str] | None = None) -> int:
    words = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.fanout", description=words)
    parser.add_argument("--readers", default=",".join(map(str, READERS)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one server's turn")
    parser.add_argument("--peers", default=",".join(peer.name for peer in PEERS))
    parser.add_argument("--merge", action="store_true", help="keep sizes of an earlier run that this one leaves out")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(arguments)
    wanted = {FLOOR, *asked.peers.split(",")}
    peers = [peer for peer in PEERS if peer.name in wanted]
    install(peers)
    found: dict[str, Any] = {}
    if asked.merge and asked.out.exists():
        found = json.loads(asked.out.read_text("utf-8"))["readers"]
    for readers in map(int, asked.readers.split(",")):
        home = Path(tempfile.mkdtemp(prefix="fanout-"))
        try:
            by_load = asyncio.run(measure(peers, readers, asked.rounds, asked.seconds, home))
        finally:
            shutil.rmtree(home, ignore_errors=True)
        found[str(readers)] = {str(load): summary(rounds) for load, rounds in by_load.items()}
        found = dict(sorted(found.items(), key=lambda one: int(one[0])))
        missed = unmet(found)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps({"unmet": missed, "readers": found}, indent=1) + "\n", "utf-8")
    if asked.out == OUT:
        PICTURE.write_text(picture(found, "1000" if "1000" in found else next(iter(found))), "utf-8")
    print(table(found))
    print("\n".join(missed) or "all targets met", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
