"""Time and chance as one small value that arrives as an argument, so that stories run in virtual time from a seed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    now_s: Callable[[], float] = time.monotonic
    """Monotonic seconds, for intervals."""
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    """Milliseconds since 1970-01-01 UTC, for what is written down."""
    random: Callable[[], float] = random.random
    """In [0, 1), for jitter only; secrets come from `secrets`."""
