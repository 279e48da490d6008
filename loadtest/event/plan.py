"""What is to happen in the evening, all of it from a seed: who says what when, who votes for what, who leaves and when
they come back. Pure; guests are numbers, and times are seconds from the beginning of their part of the evening.

Each part draws from chance of its own, so that a change of one leaves the others as they were.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

PEOPLE: Final = 5_000
LANGUAGES: Final = (("zh",), ("en",), ("es", "en"))
SHARES: Final = (0.30, 0.60, 0.10)
LINES: Final = {
    "zh": ("这首歌太好听了", "你们从哪里来？", "晚上好，大家！", "我在上海看直播", "再来一首", "谢谢你们"),
    "en": ("This song is so good", "Where are you all from?", "Good evening everyone!", "One more!", "Hello from Ohio"),
    "es": ("¡Qué bonita canción!", "Saludos desde México", "¡Otra, otra!"),
}
HELD_WORD: Final = "加微信"
HELD_LINE: Final = f"想赚钱{HELD_WORD}"
PROPOSALS: Final = ("白睿康", "李安然", "陈知行", "林清扬", "周以宁")
ACTORS: Final = 1 + len(PROPOSALS)
"""The first guests: who gets a name, and who propose one."""
VOTING_SHARE: Final = 0.6
"""Of the time in which people talk."""
AFTER_SHARE: Final = 0.4
"""Those who stay talk less while the others are gone."""
BACK_FIRST_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a guest says. `held`: the room's word list keeps it back."""

    at_s: float
    guest: int
    text: str
    once: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    at_s: float
    guest: int
    choice: int
    """Place among the options, or among the proposals."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large, how long. `people` and everything that counts them shrink together for a rehearsal."""

    people: int = PEOPLE
    walk_in_s: float = 60.0
    talk_s: float = 90.0
    posts_per_s: float = 50.0
    poll_votes: int = 3_000
    name_votes: int = 1_000
    held: int = 100
    back_within_s: float = 15.0
    after_s: float = 30.0
    seed: int = 1

    def scaled(self, people: int, speed: float) -> "Plan":
        """For so many people (more than ACTORS + 1), and so many times as fast."""
        share = people / self.people
        return replace(
            self,
            people=people,
            walk_in_s=self.walk_in_s / speed,
            talk_s=self.talk_s / speed,
            poll_votes=int(self.poll_votes * share),
            name_votes=int(self.name_votes * share),
            held=max(4, int(self.held * share)),
            back_within_s=self.back_within_s / speed,
            after_s=self.after_s / speed,
        )

    def walks_in_at(self, guest: int) -> float:
        return self.walk_in_s * guest / self.people

    def talk(self) -> Sequence[Line]:
        """What is said while all are there, those lines too that are held."""
        chance, lines, now_s = self._chance("talk"), list[Line](), 0.0
        while now_s < self.talk_s:
            ramp = 0.1 + 0.9 * min(1.0, now_s / (self.talk_s / 3))
            now_s += chance.expovariate(self.posts_per_s * ramp)
            guest = ACTORS + int((self.people - ACTORS) * chance.random() ** 2)  # some talk much, most hardly
            lines.append(Line(now_s, guest, chance.choice(LINES[languages_of(guest)[0]]), f"p{len(lines)}"))
        for at in range(self.held):
            due_s = self.talk_s * (0.2 + 0.6 * at / self.held)
            lines.append(Line(due_s, chance.randrange(self.people), HELD_LINE, f"h{at}", held=True))
        return sorted(lines, key=_when)

    @property
    def announced_at_s(self) -> float:
        return self.talk_s * 0.5

    def poll(self) -> Sequence[Vote]:
        """Nobody votes twice."""
        chance = self._chance("poll")
        return sorted(
            (self._vote(chance, guest, int(chance.random() < 0.6)) for guest in self._voters(chance, self.poll_votes)),
            key=_when,
        )

    def naming(self) -> Sequence[Vote]:
        chance = self._chance("naming")
        return sorted(
            (
                self._vote(chance, guest, chance.randrange(len(PROPOSALS)))
                for guest in self._voters(chance, self.name_votes)
            ),
            key=_when,
        )

    def leaves(self, guest: int) -> bool:
        """Every other one loses the connection."""
        return guest % 2 == 1

    def back(self) -> dict[int, float]:
        """When each of those who leave tries to come back."""
        chance = self._chance("back")
        return {
            guest: chance.uniform(BACK_FIRST_S, max(BACK_FIRST_S, self.back_within_s))
            for guest in range(self.people)
            if self.leaves(guest)
        }

    def after(self) -> Sequence[Line]:
        """What those who stayed say meanwhile."""
        chance, lines, now_s = self._chance("after"), list[Line](), 0.0
        while now_s < self.after_s:
            now_s += chance.expovariate(self.posts_per_s * AFTER_SHARE)
            guest = 2 * chance.randrange((self.people + 1) // 2)
            lines.append(Line(now_s, guest, chance.choice(LINES[languages_of(guest)[0]]), f"q{len(lines)}"))
        return lines

    def _voters(self, chance: random.Random, count: int) -> Sequence[int]:
        audience = range(ACTORS, self.people)
        return chance.sample(audience, min(count, len(audience)))

    def _vote(self, chance: random.Random, guest: int, choice: int) -> Vote:
        return Vote(chance.uniform(0, self.talk_s * VOTING_SHARE), guest, choice)

    def _chance(self, part: str) -> random.Random:
        return random.Random(f"{part}:{self.seed}")


def languages_of(guest: int) -> tuple[str, ...]:
    """What a guest reads, the first one best: always the same for the same number."""
    return random.Random(guest).choices(LANGUAGES, SHARES)[0]


def _when(one: Line | Vote) -> float:
    return one.at_s
