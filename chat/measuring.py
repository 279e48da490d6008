"""What a long-lived object counts, in the shapes that `statistics()` may have and that Prometheus knows.

Invariant: one observation costs one bisection in a tuple of at most twenty bounds and two additions, so it may stand
on the way of every append and every entry (never of every member). Buckets are kept apart and added up only when
somebody asks. A summary with quantiles would cost more here and cannot be added up over processes.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LATENCY_BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""From a round trip to an engine on the same machine to what nobody calls live any more."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram at one moment. `counts` are per bucket, not added up; the last one is above all bounds."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float
    """Sum of what was observed."""


Statistic = float | Mapping[str, float] | Distribution
"""A number; numbers by the value of one label (a reason, a room); or a histogram."""


class Histogram:
    """Counts of what was observed, by size."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_S) -> None:
        """`bounds`: inclusive upper ends of the buckets, ascending."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """What is below zero (two clocks that disagree) counts as zero."""
        if value < 0:
            value = 0.0
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        return Distribution(self._bounds, tuple(self._counts), self._total)
