"""How often each latency came, in bounded memory, so that processes and seconds can be added up.

Log-linear buckets as in HdrHistogram (Gil Tene): 64 in each octave, so a percentile is off by at most 1/64 of its
value, and always upwards: the bucket's upper bound is told. `measure.Latencies` is exact and for some thousand
values; here they are millions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


def bucket(us: int) -> int:
    """The bucket of so many microseconds (>= 0)."""
    shift = us.bit_length() - 7
    return us if shift <= 0 else (shift << 6) + (us >> shift)


def upper_us(index: int) -> int:
    """The least number of microseconds that is above this bucket."""
    if index < 128:
        return index + 1
    shift = (index >> 6) - 1
    return (index - (shift << 6) + 1) << shift


@dataclass(slots=True)
class Histogram:
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, seconds: float) -> None:
        """A negative latency (a clock read before the intended time) counts as none."""
        index = bucket(max(0, int(seconds * 1e6)))
        self.counts[index] = self.counts.get(index, 0) + 1

    def merge(self, other: "Histogram") -> None:
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def percentile_ms(self, percent: float) -> float | None:
        """Nearest rank; None when there is nothing to rank."""
        total = self.total
        if not total:
            return None
        rank = max(1, -(-total * percent // 100))
        for index in sorted(self.counts):
            rank -= self.counts[index]
            if rank <= 0:
                return round(upper_us(index) / 1000, 3)
        return None

    def summary(self) -> dict[str, float | None]:
        return {
            "count": self.total,
            "p50_ms": self.percentile_ms(50),
            "p90_ms": self.percentile_ms(90),
            "p99_ms": self.percentile_ms(99),
            "max_ms": self.percentile_ms(100),
        }

    def to_json(self) -> dict[str, int]:
        return {str(index): count for index, count in self.counts.items()}

    @classmethod
    def from_json(cls, found: Mapping[str, int]) -> "Histogram":
        return cls({int(index): count for index, count in found.items()})
