"""When the greeter speaks. Pure: events, lists of people and time go in, what is to be said comes out.

Invariant: whoever stands in `greeted` is never greeted again, and nobody is greeted before `knows` has been set, which
is when the whole log has been read. What waits is bounded, and what is over a bound is not said later but not at all: a
late greeting is worth less than a quiet room.

A newcomer is greeted when they are seen to be here, not when they become a member: only then is it known what they
read, and a guest made by a backend over REST may never come.
"""

from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from chat.events import Event, Joined, Left, Mention, Posted
from chat.frames import People
from chat.greeter.words import ANSWERS, CROWD, greeting, language_for, question

BOT: Final = "bot:"
"""Programs have user ids that begin so. It is a custom among bots, not a rule of the house: it keeps two of them from
talking to each other for ever."""

NEWCOMER_LIVES_S: Final = 600.0
"""Who has not been seen so long after becoming a member is not waited for."""
NEWCOMERS_MAX: Final = 200
UNLISTED_S: Final = 5.0
"""Where more are here than the list of people holds, a newcomer who is not on it is greeted after this time."""
CROWD_PER_MINUTE: Final = 10
"""More newcomers than this in a minute are a crowd, and greeted together when the minute is over."""
MINUTE_S: Final = 60.0
CROWD_AGAIN_S: Final = 600.0
"""Between two greetings of crowds."""
FRESH_S: Final = 60.0
"""A question that is older is not answered any more: we were away."""
ANSWERS_PER_MINUTE: Final = 6
ANSWER_AGAIN_S: Final = 600.0
"""Before the same member hears an answer about the same topic again."""
ASKERS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Say:
    """A message to post. `once` is the same for the same intent, whoever has it and however often."""

    text: str
    once: str
    mentions: tuple[Mention, ...] = ()
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class _Newcomer:
    name: str
    came_s: float


@dataclass(slots=True)
class Desk:
    """One room. `me` and `name` are who we are there; times are seconds since 1970, as in the log."""

    me: str
    name: str
    greeted: set[str] = field(default_factory=set)
    knows: bool = False
    """The log has been read: who was ever greeted is in `greeted`."""
    _waiting: dict[str, _Newcomer] = field(default_factory=dict)
    _joined_s: deque[float] = field(default_factory=lambda: deque(maxlen=CROWD_PER_MINUTE + 1))
    _crowd_since_s: float | None = None
    _crowd_told_s: float = float("-inf")
    _answered_s: deque[float] = field(default_factory=lambda: deque(maxlen=ANSWERS_PER_MINUTE))
    _asked_s: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether time or a list of people could make us speak."""
        return bool(self._waiting) or self._crowd_since_s is not None

    def remember(self, event: Event, at_s: float, now_s: float) -> None:
        """An entry of the past, in order."""
        match event:
            case Posted(author=self.me, mentions=mentions, reply_to=None):
                self.greeted.update(mention.user for mention in mentions)
                if not mentions:  # a crowd was greeted: everybody who had come
                    self.greeted.update(self._waiting)
                for user in self.greeted & self._waiting.keys():
                    del self._waiting[user]
            case Joined() | Left():
                self._move(event, at_s, now_s)
            case _:
                pass

    def hear(self, event: Event, seq: int, at_s: float, now_s: float) -> list[Say]:
        """An entry that has just come."""
        match event:
            case Joined() | Left():
                if self._move(event, at_s, now_s):
                    self._joined_s.append(at_s)
                    self._look_for_crowd(now_s)
                return []
            case Posted(author=author) if not self._is_program(author) and now_s - at_s <= FRESH_S:
                return self._answer(event, seq, now_s)
            case Posted(author=self.me):  # another greeter of our name was faster, or we before a restart
                self.remember(event, at_s, now_s)
                return []
            case _:
                return []

    def see(self, people: People, now_s: float) -> list[Say]:
        """Who is here now. Newcomers among them are greeted, each in what they read."""
        if not self.knows:
            return []
        self._forget_late(now_s)
        if self._crowd_since_s is not None:
            return self._crowd(people, now_s)
        here = {person.user: person.languages for person in people.people}
        said = []
        for user, newcomer in list(self._waiting.items()):
            unlisted = people.total > len(people.people) and now_s - newcomer.came_s > UNLISTED_S
            if user not in here and not unlisted:
                continue
            del self._waiting[user]
            self.greeted.add(user)
            text, called = greeting(newcomer.name, here.get(user, ()))
            said.append(Say(text, _greeting_key(user), (Mention(user, called),)))
        return said

    def _is_program(self, user: str) -> bool:
        return user == self.me or user.startswith(BOT)

    def _move(self, event: Joined | Left, at_s: float, now_s: float) -> bool:
        """True when somebody is now waited for."""
        user = event.user
        if isinstance(event, Left):
            self._waiting.pop(user, None)
            return False
        strange = self._is_program(user) or event.role not in ("guest", "member")
        if strange or user in self.greeted or now_s - at_s > NEWCOMER_LIVES_S or len(self._waiting) >= NEWCOMERS_MAX:
            return False
        self._waiting[user] = _Newcomer(event.name, at_s)
        return True

    def _forget_late(self, now_s: float) -> None:
        for user, newcomer in list(self._waiting.items()):
            if now_s - newcomer.came_s > NEWCOMER_LIVES_S:
                del self._waiting[user]

    def _look_for_crowd(self, now_s: float) -> None:
        full = len(self._joined_s) > CROWD_PER_MINUTE
        if full and now_s - self._joined_s[0] <= MINUTE_S and self._crowd_since_s is None:
            self._crowd_since_s = now_s

    def _crowd(self, people: People, now_s: float) -> list[Say]:
        """Nothing while they stream in; then one line for all of them, unless the last crowd was greeted just now."""
        since_s = self._crowd_since_s
        if since_s is None or now_s - since_s <= MINUTE_S:
            return []
        self._crowd_since_s = None
        self.greeted.update(self._waiting)
        self._waiting.clear()
        self._look_for_crowd(now_s)
        if now_s - self._crowd_told_s < CROWD_AGAIN_S:
            return []
        self._crowd_told_s = now_s
        first = max(people.by_language.items(), key=lambda each: each[1], default=("en", 0))[0]
        return [Say(CROWD[language_for((first,))], f"crowd:{int(since_s // CROWD_AGAIN_S)}")]

    def _answer(self, event: Posted, seq: int, now_s: float) -> list[Say]:
        found = question(event.text, self.name)
        if found is None or self._crowd_since_s is not None:
            return []
        topic, language = found
        recently = self._asked_s.get((event.author, topic), float("-inf"))
        busy = len(self._answered_s) == ANSWERS_PER_MINUTE and now_s - self._answered_s[0] <= MINUTE_S
        if busy or now_s - recently < ANSWER_AGAIN_S:
            return []
        self._answered_s.append(now_s)
        self._asked_s.pop((event.author, topic), None)
        self._asked_s[event.author, topic] = now_s
        while len(self._asked_s) > ASKERS_MAX:
            del self._asked_s[next(iter(self._asked_s))]
        return [Say(ANSWERS[topic][language], f"answer:{seq}", reply_to=seq)]


def _greeting_key(user: str) -> str:
    """Ids of users may be longer than a once-key."""
    return f"greet:{blake2b(user.encode(), digest_size=16).hexdigest()}"
