"""How long to wait before the next try. Jitter: "full jitter" of the AWS Architecture Blog, "Exponential Backoff And
Jitter" (2015). Invariant: never earlier than the server asked for; its own jitter comes on top of that, so a restart
does not bring everybody back at once."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    first_s: float
    most_s: float
    chance: random.Random

    def delay_s(self, failures: int, retry_after_ms: int | None) -> float:
        ceiling = min(self.most_s, self.first_s * 2 ** min(failures - 1, 16))
        return (retry_after_ms or 0) / 1000 + self.chance.uniform(0, ceiling)
