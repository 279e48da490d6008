"""A fair sample of a room in which more is said than anybody can read.

The rule, in words: while a room stays under its readable rate, everybody receives everything. Above it, what is said
in a fifth of a second is looked at together, and as many messages as can be read in that time go on: first those of
hosts and moderators, announcements and what only few may hear (all of them, always, in nobody's place), then those of
people of whom least was shown lately (so somebody who speaks for the first time comes before somebody who speaks for
the tenth), and among equals who spoke first. The author of a message and whoever it mentions receive it in any case.
All others are told how many were left out, and the log has every one of them.

Pure: time arrives as an argument. Invariant: what goes on keeps the order of the log; nothing waits longer than
`window_s`; nobody is told of fewer messages than were left out.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from chat.events import EVERYONE, Edited, Entry, Event, Explained, Posted, Reacted, Recalled, Translated, Untranslated

WINDOW_S: Final = 0.2
LATELY_S: Final = 600.0
LEFT_OUT_KEPT: Final = 5_000
"""Messages of which we know that they were left out: what is said about them later is left out, too."""
AUTHORS_KEPT: Final = 20_000
MENTIONED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Onward:
    """An entry that goes on: to everybody, or (a message that was left out) to these people only."""

    entry: Entry
    only: frozenset[str] | None = None

    def concerns(self, user: str) -> bool:
        return self.only is None or user in self.only


@dataclass(slots=True)
class _Shown:
    """How much of an author was shown lately."""

    times_s: deque[float] = field(default_factory=deque)

    def count(self, now_s: float) -> int:
        while self.times_s and now_s - self.times_s[0] > LATELY_S:
            self.times_s.popleft()
        return len(self.times_s)


class Sample:
    """Of one room, on one gateway."""

    __slots__ = ("_left_out", "_shown", "_tokens", "_tokens_at_s", "_waiting", "_window_s", "hosts", "left", "per_s")

    def __init__(self, per_s: int, now_s: float, hosts: frozenset[str] = frozenset()) -> None:
        self.per_s = per_s
        self.hosts = hosts
        """User ids of moderators and owners."""
        self.left = 0
        """Messages left out so far."""
        self._tokens = float(per_s)
        self._tokens_at_s = now_s
        self._waiting: list[tuple[Entry, Event]] = []
        self._window_s = 0.0
        self._shown: dict[str, _Shown] = {}
        self._left_out: dict[int, frozenset[str]] = {}

    @property
    def window_s(self) -> float:
        """How long a window is: in each there is room for one message at least."""
        return max(WINDOW_S, 1 / self.per_s)

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def offer(self, entry: Entry, event: Event, now_s: float) -> list[Onward]:
        """What goes on at once. Empty: it waits for the end of the window (`due_s`), or it is left out."""
        if self._waiting:  # nothing overtakes what waits
            self._waiting.append((entry, event))
            return []
        about = _about(event)
        if about in self._left_out:
            if isinstance(event, Recalled):
                return [Onward(entry)]  # whoever pages back has it on the screen
            only = self._left_out[about]
            return [Onward(entry, only)] if only else []
        if not isinstance(event, Posted):
            return [Onward(entry)]
        if self._free(entry, event) or self._take(now_s, 1.0) >= 1.0:
            self._remember(event.author, now_s)
            return [Onward(entry)]
        self._window_s = now_s + self.window_s
        self._waiting.append((entry, event))
        return []

    def due_s(self) -> float:
        """When the window ends; meaningful while something waits."""
        return self._window_s

    def close_window(self, now_s: float) -> tuple[list[Onward], list[int]]:
        """What goes on, in the order of the log, and the seqs of what was left out."""
        waiting, self._waiting = self._waiting, []
        candidates = [
            (at, post)
            for at, (entry, post) in enumerate(waiting)
            if isinstance(post, Posted) and not self._free(entry, post)
        ]
        room_for = int(self._take(now_s, float(len(candidates))))
        chosen: set[int] = set()
        again: dict[str, int] = {}
        ranked = []
        for at, post in candidates:
            before = self._of(post.author).count(now_s) + again.get(post.author, 0)
            again[post.author] = again.get(post.author, 0) + 1
            ranked.append((before, at))
        chosen.update(at for _, at in sorted(ranked)[:room_for])
        onward: list[Onward] = []
        left: list[int] = []
        for at, (entry, event) in enumerate(waiting):
            if isinstance(event, Posted):
                if self._free(entry, event) or at in chosen:
                    self._remember(event.author, now_s)
                    onward.append(Onward(entry))
                else:
                    concerned = frozenset((event.author, *(each.user for each in event.mentions[:MENTIONED_MAX])))
                    self._leave_out(entry.seq, concerned)
                    left.append(entry.seq)
                    onward.append(Onward(entry, concerned))
                continue
            only = self._left_out.get(_about(event))
            if only is None or isinstance(event, Recalled):
                onward.append(Onward(entry))
            elif only:
                onward.append(Onward(entry, only))
        self.left += len(left)
        return onward, left

    def _free(self, entry: Entry, event: Posted) -> bool:
        return entry.audience != EVERYONE or event.purpose == "announcement" or event.author in self.hosts

    def _take(self, now_s: float, wanted: float) -> float:
        """Up to `wanted` whole messages that may be shown now."""
        self._tokens = min(float(self.per_s), self._tokens + (now_s - self._tokens_at_s) * self.per_s)
        self._tokens_at_s = now_s
        taken = float(int(min(wanted, self._tokens)))
        self._tokens -= taken
        return taken

    def _of(self, author: str) -> _Shown:
        found = self._shown.get(author)
        if found is None:
            if len(self._shown) >= AUTHORS_KEPT:
                del self._shown[next(iter(self._shown))]
            found = self._shown[author] = _Shown()
        return found

    def _remember(self, author: str, now_s: float) -> None:
        shown = self._of(author)
        shown.count(now_s)  # forgets what is no longer lately: nobody may ever ask for the count of a host
        shown.times_s.append(now_s)

    def _leave_out(self, seq: int, concerned: frozenset[str]) -> None:
        if len(self._left_out) >= LEFT_OUT_KEPT:
            del self._left_out[next(iter(self._left_out))]
        self._left_out[seq] = concerned


def _about(event: Event) -> int:
    """The message that this says something about; 0 for none."""
    if isinstance(event, Edited | Recalled | Reacted | Translated | Untranslated | Explained):
        return event.of
    return 0
