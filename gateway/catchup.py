"""Merges a log read with the live entries that arrive meanwhile: strictly increasing, nothing lost or twice.

Pure. A reader joins in this order: live entries start to be kept (`live`), the log is read page by page (`begin`,
then `page`), and when a page comes back short, the kept entries behind it are released (`release`). An entry
appended before the last read is in a page; one appended after it is published after it, hence kept. Kept entries are
bounded: over the bound they are forgotten and the log is read again (`must_read_again`), since everything kept is in
the log too. The mark is cleared when a read begins, not when it ends: what was forgotten while the read was on its
way may be newer than what it returns.
"""

from collections.abc import Iterable
from typing import Final

from chat.events import Entry

KEPT_MAX: Final = 1_000


class Catchup:
    __slots__ = ("_kept", "kept_max", "last", "must_read_again")

    def __init__(self, after: int, kept_max: int = KEPT_MAX) -> None:
        self.last = after
        """Seq of the last entry handed out."""
        self.kept_max = kept_max
        self._kept: list[Entry] = []
        self.must_read_again = False

    def live(self, entry: Entry) -> None:
        """An entry of the feed, in order, while the log is being read."""
        if entry.seq <= self.last:
            return
        if len(self._kept) >= self.kept_max:
            self._kept.clear()
            self.must_read_again = True
        self._kept.append(entry)

    def begin(self) -> None:
        """A read of the log behind `last` begins."""
        self.must_read_again = False

    def page(self, entries: Iterable[Entry]) -> list[Entry]:
        """What of this page has not been handed out yet."""
        fresh = [entry for entry in entries if entry.seq > self.last]
        if fresh:
            self.last = fresh[-1].seq
        return fresh

    def release(self) -> list[Entry]:
        """The kept entries behind the last page. Call when a page came back short and nothing must be read again."""
        kept, self._kept = self._kept, []
        return self.page(kept)
