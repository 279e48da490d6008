"""Which sentences go to the engine together, and when. A pure state machine: time arrives as an argument.

Invariants: every item that was accepted leaves exactly once: in a batch, as expired, or as shed; a batch is due
`window_s` after its oldest item came, or at once when it is full or the engine is idle; nothing leaves after its
deadline as work. An item that cannot be done by `late_at` any more (its room's budget) gives way to those that can:
serving the oldest first under overload makes *every* reader wait for just longer than the budget. Within a class the
lower priority number goes first, then the earlier time, then who came first, so a room's sentences keep their order.

Late items are done when nothing else waits. One that stays late for `late_hold_s` is shed, oldest first; so is the
oldest when too many wait. Whoever asked hears "overload" and may come back with priority `CATCH_UP`.

Why batches at all: 32 sentences together cost the engine a quarter of what they cost one by one. Why 4 ms: a reader
does not see it, and in a busy room it fills a batch.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

WINDOW_S: Final = 0.004
ITEMS_MAX: Final = 32
"""Sentences a batch. Beyond it the gain per sentence is gone and the first one waits for the last."""
WEIGHT_MAX: Final = 1_024
"""... and their weight, roughly in pieces of SentencePiece: eight long sentences cost as much as thirty short ones."""
WAITING_MAX: Final = 4_096
"""Sentences waiting for one direction: a minute of work on one core, and no more memory than a few MB."""
LATE_HOLD_S: Final = 3.0
"""How long a late sentence waits for a lull. With the budget it stays well under the time after which a job counts as
abandoned, so that no other worker does the same work again."""

URGENT: Final = 0
"""Somebody looks at the screen: a reader asked, a writer previews, a member is mentioned. Never late, never shed for
others."""
POSTED: Final = 1
CATCH_UP: Final = 2
"""Was skipped once; done when nothing else waits."""


@dataclass(frozen=True, slots=True)
class Taken(Generic[Item]):
    """What left the batcher: `batch` is to be worked on, the others are to be told so."""

    batch: tuple[Item, ...]
    expired: tuple[Item, ...]
    shed: tuple[Item, ...] = ()


@dataclass(slots=True, order=True)
class _Waiting(Generic[Item]):
    priority: int
    due: float
    number: int
    item: Item = field(compare=False)
    deadline: float = field(compare=False)
    late_at: float = field(compare=False)
    weight: int = field(compare=False)
    late_since: float = field(compare=False, default=0.0)


class Batcher(Generic[Item]):
    """Items waiting for one direction. Times are seconds on one monotonic clock."""

    def __init__(
        self,
        window_s: float = WINDOW_S,
        items_max: int = ITEMS_MAX,
        waiting_max: int = WAITING_MAX,
        *,
        weight_max: int = WEIGHT_MAX,
        late_hold_s: float = LATE_HOLD_S,
    ) -> None:
        if items_max < 1 or waiting_max < 1 or weight_max < 1 or window_s < 0 or late_hold_s < 0:
            raise ValueError("a batch holds at least one item, and a window is not negative")
        self._window_s = window_s
        self._items_max = items_max
        self._waiting_max = waiting_max
        self._weight_max = weight_max
        self._late_hold_s = late_hold_s
        self._timely: list[_Waiting[Item]] = []
        self._late: deque[_Waiting[Item]] = deque()
        self._evicted: list[tuple[float, Item]] = []
        """Shed by an offer, with the time; told at the next `take`."""
        self._came: dict[int, float] = {}  # by number, in order of coming: the first is the oldest
        self._offered = 0
        self._refused = 0
        self._expired = 0
        self._shed = 0
        self._grew_late = 0
        self._batches = 0
        self._batched = 0

    def __len__(self) -> int:
        return len(self._timely) + len(self._late)

    def offer(
        self,
        item: Item,
        now: float,
        *,
        deadline: float,
        priority: int = URGENT,
        late_at: float = float("inf"),
        weight: int = 1,
    ) -> bool:
        """Accept `item`, or return False when too many wait already and none of them has to give way to it."""
        if len(self) >= self._waiting_max and not self._evict(now, priority):
            self._refused += 1
            return False
        self._offered += 1
        waiting = _Waiting(priority, min(deadline, late_at), self._offered, item, deadline, late_at, weight)
        self._came[self._offered] = now
        if priority >= CATCH_UP:
            self._grow_late(waiting, now)
        else:
            heapq.heappush(self._timely, waiting)
        return True

    def due_at(self, *, idle: bool = False) -> float | None:
        """When `take` will have something, None when nothing waits. An idle engine waits for nobody."""
        if self._evicted:
            return self._evicted[0][0]
        if not self._came:
            return None
        oldest = next(iter(self._came.values()))
        return oldest if idle or len(self) >= self._items_max else oldest + self._window_s

    def take(self, now: float, *, work_s: float = 0.0, idle: bool = False, items_max: int | None = None) -> Taken[Item]:
        """What is due at `now`; nothing before `due_at`. `work_s`: how long a batch is expected to take. `items_max`
        asks for a smaller batch, where several engines share what waits."""
        due = self.due_at(idle=idle)
        if due is None or now < due:
            return Taken((), ())
        shed = [item for _, item in self._evicted]
        self._evicted.clear()
        batch: list[Item] = []
        expired: list[Item] = []
        room = min(items_max or self._items_max, self._items_max)
        weight = 0
        while self._timely and len(batch) < room:
            waiting = self._timely[0]
            if waiting.deadline <= now:
                self._leave(heapq.heappop(self._timely), expired)
            elif waiting.priority > URGENT and waiting.late_at < now + work_s:
                self._grow_late(heapq.heappop(self._timely), now)
            elif batch and weight + waiting.weight > self._weight_max:
                break
            else:
                weight += waiting.weight
                self._leave(heapq.heappop(self._timely), batch)
        while self._late and (len(batch) < room or now >= self._late[0].late_since + self._late_hold_s):
            waiting = self._late[0]
            if waiting.deadline <= now:
                self._leave(self._late.popleft(), expired)
            elif len(batch) < room and (not batch or weight + waiting.weight <= self._weight_max):
                weight += waiting.weight
                self._leave(self._late.popleft(), batch)
            elif now >= waiting.late_since + self._late_hold_s:
                self._shed += 1
                self._leave(self._late.popleft(), shed)
            else:
                break
        self._expired += len(expired)
        self._batches += bool(batch)
        self._batched += len(batch)
        return Taken(tuple(batch), tuple(expired), tuple(shed))

    def statistics(self) -> dict[str, int]:
        return {
            "sentences_waiting": len(self),
            "sentences_waiting_late": len(self._late),
            "sentences_refused": self._refused,
            "sentences_expired": self._expired,
            "sentences_late": self._grew_late,
            "sentences_shed": self._shed,
            "batches": self._batches,
            "sentences_batched": self._batched,
        }

    def _grow_late(self, waiting: _Waiting[Item], now: float) -> None:
        waiting.late_since = now
        self._late.append(waiting)
        self._grew_late += waiting.priority < CATCH_UP

    def _leave(self, waiting: _Waiting[Item], where: list[Item]) -> None:
        del self._came[waiting.number]
        where.append(waiting.item)

    def _evict(self, now: float, priority: int) -> bool:
        """Make room for an item of `priority`: the oldest late one goes; for somebody urgent, the oldest other."""
        if self._late and priority < CATCH_UP:
            waiting = self._late.popleft()
        elif priority == URGENT and (others := [each for each in self._timely if each.priority > URGENT]):
            waiting = min(others)
            self._timely.remove(waiting)
            heapq.heapify(self._timely)
        else:
            return False
        del self._came[waiting.number]
        self._evicted.append((now, waiting.item))
        self._shed += 1
        return True
