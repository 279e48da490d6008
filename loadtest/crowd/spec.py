"""What one process of members is told by the driver, and which members are its own."""

from dataclasses import dataclass
from typing import Any

from loadtest.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Spec:
    """What one process is told."""

    host: str
    port: int
    tls: bool
    run: str
    rooms: tuple[str, ...]
    scenario: Scenario
    seed: int
    part: int
    parts: int
    keys: str | None
    tokens: tuple[str, ...]
    """Without keys: those of guests, shared out among the members."""
    joins_per_s: float
    newcomers: bool
    """True: everybody sees everybody join. False: all are members already when the first one walks in."""
    back_within_s: float | None
    """After a storm: None for the backoff of clients, or the bound of a random time."""
    writers_apart: bool = False
    """Part 0 writes and the others read: then a post is not late because its process was busy reading."""

    @property
    def reading(self) -> tuple[int, int]:
        """Of readers: those from the first number on, in steps of the second."""
        return (self.part - 1, self.parts - 1) if self.writers_apart else (self.part, self.parts)

    @property
    def writing(self) -> tuple[int, int]:
        """The same of writers."""
        return (self.part, 1) if self.writers_apart else (self.part, self.parts)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Spec":
        scenario = Scenario(**{**found["scenario"], "languages": tuple(found["scenario"]["languages"])})
        return cls(**{**found, "scenario": scenario, "rooms": tuple(found["rooms"]), "tokens": tuple(found["tokens"])})


def every(place: tuple[int, int], count: int) -> range:
    """The numbers below `count` that fall to a process; none to one that has no place among them."""
    first, step = place
    return range(first, count, step) if 0 <= first < step else range(0)
