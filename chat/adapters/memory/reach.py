"""The way to the engine: its clock, and whether it answers. What all ports in memory share.

Invariant: every operation gives way to other tasks before its step, and an append, a job or a spent invitation once
more after it: a double that never suspends would hide check-await-assign bugs and would never show an entry that
arrives at the reader before its author has the acknowledgement. The step itself has no await, which makes it atomic as
a script in Redis is.
"""

import asyncio
import time
from collections.abc import Callable

from chat.errors import Unavailable


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Reach:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.away: str | None = None
        """Why the engine cannot be reached; None while it can."""

    async def step(self) -> None:
        """Give way to others, then go on if the engine can be reached."""
        await asyncio.sleep(0)
        if self.away is not None:
            raise Unavailable(self.away)
