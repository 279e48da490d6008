"""The kill test: `python -m loadtest.killtest --duration 60 --seed 1`.

The real product runs while a seeded script sends SIGKILL to a process of it every few seconds: the engine that holds
the log, a gateway that holds sockets, a translator in the middle of a sentence. What is asked is written in `trial`. A
violation ends the program with 1, and the data directory is kept then.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.plan import PlannedKill
from loadtest.product import Product, running
from loadtest.trial import arguments_of, end_as_interrupted, tell, trial

ROLES: Final = ("engine", "gateway", "translator")
KILL_EVERY_S: Final = (3.0, 6.0)
"""Least and most between two kills: long enough that most of what died is back, short enough that some is not."""
RESULT: Final = Path("build/kill-test.json")


@dataclass(frozen=True, slots=True)
class Processes:
    """A `trial.Stage`: the processes of one product on this machine."""

    product: Product

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES

    def url(self) -> str:
        return self.product.url

    def token(self, user: str, **claims: Any) -> str:
        return self.product.token(user, **claims)

    async def wait_ready(self, planned: PlannedKill) -> None:
        """Any process may be killed at any time."""

    async def strike(self, planned: PlannedKill) -> int | None:
        """SIGKILL, nothing gentler. None: it has not come back since the last time."""
        pids = self.product.pids(planned.role)
        if not pids:
            return None
        pid = pids[int(planned.pick * len(pids))]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    async def wait_whole(self) -> None:
        """That it comes back is part of the question."""

    async def watch(self) -> None:
        await self.product.wait_death()


async def kill_test(
    data_dir: Path,
    *,
    duration_s: float,
    seed: int,
    kill_every_s: tuple[float, float] = KILL_EVERY_S,
    quiet: bool = False,
) -> dict[str, Any]:
    """See `trial`."""
    async with running(data_dir, workers=2, translators=1) as product:
        return await trial(Processes(product), duration_s=duration_s, seed=seed, every_s=kill_every_s, quiet=quiet)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = arguments_of("loadtest.killtest", (__doc__ or "").split("\n")[0], RESULT)
    parser.add_argument(
        "--kill-every",
        type=float,
        nargs=2,
        default=KILL_EVERY_S,
        metavar=("LEAST", "MOST"),
        help="seconds between kills",
    )
    asked = parser.parse_args(arguments)
    end_as_interrupted()
    data_dir = Path(tempfile.mkdtemp(prefix="kill-"))
    every_s = (asked.kill_every[0], asked.kill_every[1])
    report = asyncio.run(kill_test(data_dir, duration_s=asked.duration, seed=asked.seed, kill_every_s=every_s))
    return tell(report, asked.out, data_dir)


if __name__ == "__main__":
    sys.exit(main())
