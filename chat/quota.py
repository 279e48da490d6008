"""A token bucket as a value: no clock, no lock, no timer.

`take` either spends one token or says how long to wait, in ms. Time arrives as an argument in seconds and may be any
monotonic clock.
"""

from dataclasses import dataclass
from math import ceil


@dataclass(slots=True)
class Quota:
    rate_per_s: float
    burst: int
    tokens: float
    at_s: float

    @classmethod
    def full(cls, rate_per_s: float, burst: int, now_s: float) -> "Quota":
        return cls(rate_per_s, burst, float(burst), now_s)

    def take(self, now_s: float, cost: float = 1.0) -> int:
        """0 when `cost` tokens were spent, otherwise milliseconds until they will be there (nothing is spent)."""
        self.tokens = min(float(self.burst), self.tokens + max(0.0, now_s - self.at_s) * self.rate_per_s)
        self.at_s = max(self.at_s, now_s)
        if self.tokens >= cost:
            self.tokens -= cost
            return 0
        return ceil((cost - self.tokens) / self.rate_per_s * 1000)

    def give_back(self, cost: float = 1.0) -> None:
        """What was taken did not come to pass."""
        self.tokens = min(float(self.burst), self.tokens + cost)
