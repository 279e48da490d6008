"""Small plans with a name: how many read and write, where, how fast, and what goes wrong meanwhile.

Pure. `schedule` turns a plan and a seed into intended times; every process of a test makes the same schedule for
itself, so a reader in one process knows when a post of another process was meant to be sent. Open loop, see
`loadtest.plan`. Post number n goes to writer n % writers and so to room n % rooms.
"""

import math
import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadtest.sentences import SENTENCES
from loadtest.signs import FILLING, number_in, signs_of

BURST_EVERY_S: Final = 10.0
BURST_S: Final = 1.0
BURST_TIMES: Final = 5
"""Bursts: every ten seconds one second at five times the rate, as when a goal falls."""
MARK: Final = " #1"
_DIGITS: Final = 8
_SIGNS_MARK: Final = " …"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens. Numbers of members are of the whole test, rates are of all rooms together."""

    name: str
    words: str
    readers: int = 200
    posts_per_s: float = 10.0
    duration_s: float = 30.0
    rooms: int = 1
    languages: tuple[str, ...] = ("zh", "en")
    bursts: bool = False
    storm_at_s: float | None = None
    """All readers lose their connection at this time and come back as clients do."""
    posts_per_writer_s: float = 1.0
    """At most; half of what a session may post, so nobody in a steady plan is refused as too fast."""
    stalled_share: float = 0.0
    """Of the readers: they stop reading at the beginning."""
    text: str = "sentences"
    """sentences, or signs: no word and no digit ("666" is slang), so that nobody is owed a translation."""
    text_chars: int = 40
    """Of texts of signs."""

    @property
    def writers(self) -> int:
        """A multiple of `rooms`; one for each post a second at least."""
        peak = self.posts_per_s * (BURST_TIMES if self.bursts else 1)
        return math.ceil(max(1.0, peak / self.posts_per_writer_s) / self.rooms) * self.rooms

    @property
    def stalled(self) -> int:
        return math.ceil(self.readers * self.stalled_share)


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("steady", "people talk, people read: what an evening looks like"),
        Scenario("burst", "every ten seconds everybody talks at once", bursts=True),
        Scenario("storm", "all readers lose their connection and come back", posts_per_s=20.0, storm_at_s=10.0),
        Scenario("stall", "one reader in a hundred stops reading", posts_per_s=30.0, stalled_share=0.01),
        Scenario("idle", "everybody is there, almost nobody talks", readers=1_000, posts_per_s=0.2),
        Scenario("two-languages", "Chinese and foreign members; how long translations take", posts_per_s=2.0),
    )
}


@dataclass(frozen=True, slots=True)
class Schedule:
    scenario: Scenario
    at_s: Sequence[float]
    """Intended time of each post from the beginning, ascending."""

    def __len__(self) -> int:
        return len(self.at_s)

    def writer(self, number: int) -> int:
        return number % self.scenario.writers

    def room(self, number: int) -> int:
        return number % self.scenario.rooms

    def place(self, number: int) -> int:
        """Which post of its room this is: 0, 1, 2 ..."""
        return number // self.scenario.rooms

    def text(self, number: int) -> str:
        scenario = self.scenario
        if scenario.text == "signs":
            return FILLING * (scenario.text_chars // len(FILLING) + 1) + _SIGNS_MARK + signs_of(number, _DIGITS)
        sentences = SENTENCES[self.language(self.writer(number))]
        return sentences[number * 7919 % len(sentences)] + MARK + f"{number:0{_DIGITS}d}"

    def language(self, member: int) -> str:
        """Of a reader or writer by number."""
        return self.scenario.languages[member // self.scenario.rooms % len(self.scenario.languages)]


def number_of(text: str) -> int | None:
    """Which post of the schedule this text is; None for what others say."""
    _, mark, signs = text.rpartition(_SIGNS_MARK)
    if mark and len(signs) == _DIGITS and (number := number_in(signs)) is not None:
        return number
    _, mark, digits = text.rpartition(MARK)
    return int(digits) if mark and len(digits) == _DIGITS and digits.isdecimal() else None


def schedule(scenario: Scenario, seed: int) -> Schedule:
    """Poisson arrivals of `posts_per_s`; the same seed gives the same times on every machine."""
    chance = random.Random(f"scenario:{seed}")
    at_s = array("d")
    now_s = chance.expovariate(scenario.posts_per_s) if scenario.posts_per_s > 0 else math.inf
    while now_s < scenario.duration_s:
        at_s.append(now_s)
        bursting = scenario.bursts and now_s % BURST_EVERY_S >= BURST_EVERY_S - BURST_S
        now_s += chance.expovariate(scenario.posts_per_s * (BURST_TIMES if bursting else 1))
    return Schedule(scenario, at_s)
