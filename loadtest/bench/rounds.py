"""Rounds of a bench against a server of its own, and where their raw figures go: build/bench/<part>.json."""

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from loadtest.driver import Course, Target, load_test
from loadtest.measure import median
from loadtest.product import Product, running
from loadtest.scenarios import Scenario
from loadtest.server import Address, Processes

RESULTS: Final = Path("build/bench")
IMAGES: Final = Path("docs/images")
ROUNDS: Final = 5


@asynccontextmanager
async def own_server(*, workers: int = 1, environ: Mapping[str, str] | None = None) -> AsyncIterator[Product]:
    """`diqiucun up` without translators, on a data directory that is removed afterwards."""
    data_dir = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        async with running(data_dir, workers=workers, translators=0, environ=environ) as product:
            yield product
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


async def one_round(product: Product, scenario: Scenario, course: Course) -> dict[str, Any]:
    """One load test against it. Raises LoadTestFailed."""
    target = Target(
        Address("127.0.0.1", product.port, tls=False),
        keys=product.data_dir / "token-keys.json",
        processes=Processes.of(product.data_dir),
    )
    return await load_test(target, scenario, course, lambda sample: _show(scenario.name, sample))


def _show(name: str, sample: Mapping[str, Any]) -> None:
    cpu = " ".join(f"{role} {found['cpu']:.2f}" for role, found in sample["processes"].items())
    line = (
        f"  {name}: {sample['at_s']:5.0f} s {sample['stage']}, {sample['joined']} in, "
        f"{sample['acknowledged_per_s']:,.0f} posts/s, {sample['entries_per_s']:,.0f} deliveries/s, cpu {cpu}"
    )
    live = sys.stderr.isatty()
    if live or int(sample["at_s"]) % 5 == 0:
        print(f"\r{line:<120}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)


def busy(report: Mapping[str, Any]) -> dict[str, float]:
    """Processors that each role used while the posts went on: the median of the seconds."""
    looks = [sample["processes"] for sample in report["server"] if sample["stage"] == "running" and sample["at_s"] > 1]
    roles = {role for look in looks for role in look}
    return {role: sorted(look[role]["cpu"] for look in looks)[len(looks) // 2] for role in sorted(roles)}


def show(told: Mapping[str, Any]) -> None:
    """A round's figures; its looks at the server, second by second, are in the file."""
    print(json.dumps({name: value for name, value in told.items() if name != "server"}), flush=True)


def middle(rounds: Sequence[Mapping[str, Any]], *names: str) -> float:
    """The median of the rounds' figures of this name. Raises ValueError for no rounds."""
    figures = []
    for found in rounds:
        value: Any = found
        for name in names:
            value = value[name]
        figures.append(float(value))
    return median(figures)


def save(part: str, found: Mapping[str, Any]) -> Path:
    """Write and return where. The machine is told by its kind, never by its name."""
    path = RESULTS / f"{part}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    path.write_text(json.dumps({"machine": machine, **found}, indent=1) + "\n", "utf-8")
    return path
