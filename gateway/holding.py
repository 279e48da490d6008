"""Entries that wait for their translation, in a room that holds. For one group of equal readers.

Invariant: entries leave in the order in which they came (seq stays a resume cursor), each exactly once, and none later
than its budget. A message in a language that this group does not read waits for its translation, and everything
behind it waits with it; readers of the original are another group and never wait. Who resumes or pages back meets
messages and translations at their own seqs, as everywhere: holding changes when a frame is sent, never the log.

Pure: time arrives as an argument, in seconds of any monotonic clock.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET

from chat.events import Entry, Event, Posted, Translated, Untranslated


@dataclass(slots=True)
class Held:
    entry: Entry
    due_s: float
    """0: it waits only for its turn."""
    translation: Translated | None = None
    settled: bool = False


def foreign(event: Posted, languages: tuple[str, ...]) -> bool:
    """Whether readers of `languages` certainly cannot read this as it stands, nor in the author's other words."""
    versions = () if event.versions is UNSET else event.versions
    own_words = any(language in languages for language, _ in versions)
    return event.written_in != "" and event.written_in not in languages and not own_words


class Holding:
    __slots__ = ("_languages", "_queue", "budget_s")

    def __init__(self, languages: tuple[str, ...], budget_s: float) -> None:
        self._languages = languages
        self.budget_s = budget_s
        self._queue: deque[Held] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def offer(self, entry: Entry, event: Event, now_s: float) -> None:
        """An entry of this group's audience."""
        match event:
            case Posted():
                waits = foreign(event, self._languages)
                self._queue.append(Held(entry, now_s + self.budget_s if waits else 0.0, settled=not waits))
            case Translated() | Untranslated():
                for held in self._queue:
                    if held.entry.seq == event.of and event.revision == 0:
                        held.settled = True
                        held.translation = event if isinstance(event, Translated) else None
                self._queue.append(Held(entry, 0.0, settled=True))
            case _:
                self._queue.append(Held(entry, 0.0, settled=True))

    def ready(self, now_s: float) -> Iterator[Held]:
        """Takes out what may be sent now."""
        while self._queue and (self._queue[0].settled or self._queue[0].due_s <= now_s):
            yield self._queue.popleft()

    def next_due_s(self) -> float | None:
        """When the first one's budget ends; None when nothing waits."""
        return self._queue[0].due_s if self._queue else None

    def everything(self) -> Iterator[Held]:
        """What waits, left in place: for a reader who leaves the group."""
        return iter(tuple(self._queue))
