"""What will happen in a load test, decided before it begins: who says what and when, and what is killed when.

Pure: the same seed gives the same plan on every machine. Open loop: posts have intended times that do not wait for
answers, and latency is measured from these times. A closed loop (send, wait, send) asks a stalled server fewer
questions exactly while it stalls, and so hides the stall (Gil Tene's "coordinated omission").
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadtest.sentences import SENTENCES

AMBUSHES: Final = 0.75
"""Share of the kills that wait for a post under way: at a few posts a second, a kill at any other time meets none."""
AMBUSH_S_MAX: Final = 0.005
"""About the time from a post to its ack on an idle machine."""


@dataclass(frozen=True, slots=True)
class Writer:
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class PlannedPost:
    at_s: float
    """Intended time, from the beginning of the test."""
    writer: str
    number: int
    """1, 2, 3 ... of this writer."""
    language: str
    text: str
    """Unique in the test: it ends in a number like #100012 (writer 1, post 12), so that it can be found in the log."""


@dataclass(frozen=True, slots=True)
class PlannedKill:
    at_s: float
    role: str
    pick: float
    """In [0, 1): which of the processes of this role, when there are several."""
    ambush_s: float | None
    """Wait for the next post and strike this long after it was sent, while it is somewhere between client, gateway,
    engine and translator; None: strike at `at_s`, whatever goes on."""


def plan_posts(seed: int, writers: Sequence[Writer], duration_s: float, posts_per_s: float) -> tuple[PlannedPost, ...]:
    """Poisson arrivals of `posts_per_s` for each writer, in order of time."""
    planned: list[PlannedPost] = []
    for place, writer in enumerate(writers, 1):
        chance = random.Random(f"posts:{seed}:{writer.name}")
        at_s, number = chance.expovariate(posts_per_s), 1
        while at_s < duration_s:
            text = f"{chance.choice(SENTENCES[writer.language])} #{place}{number:05d}"
            planned.append(PlannedPost(at_s, writer.name, number, writer.language, text))
            at_s += chance.expovariate(posts_per_s)
            number += 1
    return tuple(sorted(planned, key=lambda post: (post.at_s, post.writer)))


def plan_kills(
    seed: int, roles: Sequence[str], duration_s: float, every_s: tuple[float, float]
) -> tuple[PlannedKill, ...]:
    """One kill after each pause of `every_s` (least, most). Every role is killed before one is killed a second time
    more than the others, so that short tests meet all of them."""
    chance = random.Random(f"kills:{seed}")
    planned: list[PlannedKill] = []
    waiting: list[str] = []
    at_s = chance.uniform(*every_s)
    while at_s < duration_s:
        if not waiting:
            waiting = chance.sample(list(roles), len(roles))
        ambush_s = chance.uniform(0.0, AMBUSH_S_MAX) if chance.random() < AMBUSHES else None
        planned.append(PlannedKill(at_s, waiting.pop(), chance.random(), ambush_s))
        at_s += chance.uniform(*every_s)
    return tuple(planned)
