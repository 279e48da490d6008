"""Pages of the logs that many read at once: after a cut, everybody of a room asks for the same entries.

Invariant: what is given out was read from the log, and is what a read now would give but for what was recalled in the
last KEPT_S (the recall itself stands behind it in the log, and reaches whoever got the page). Only whole pages are
kept, since nothing can be appended into them; they end at multiples of PAGE, so that readers who left at different
positions ask for the same ones from their second page on. The frames of a page are made once for each codec and
audience, and joined: a write for each entry was half the work of a crowd that comes back.

Bounded: PAGES_MAX pages, the oldest go first; nobody reads them after KEPT_S.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from chat.events import Entry
from chat.live_events import hears
from chat.ports import RoomLog
from chat.wire import Codec
from gateway.hub import Frames

PAGE: Final = 100
PAGES_MAX: Final = 64
KEPT_S: Final = 10.0
WRITE_BYTES: Final = 16 * 1024
"""About so many go into one write: a client is asked whether it keeps up after each."""

Write = tuple[bytes, int]
"""Whole frames, joined, and how many."""


class Page:
    """Entries in a row, and the writes that they become."""

    __slots__ = ("_writes", "entries", "read_at_s", "whole")

    def __init__(self, entries: Sequence[Entry], read_at_s: float, *, whole: bool) -> None:
        self.entries = entries
        self.read_at_s = read_at_s
        self.whole = whole
        """False: the log ended here."""
        self._writes: dict[tuple[Codec, tuple[str, ...]], list[Write]] = {}

    def writes(self, codec: Codec, ears: tuple[str, ...], after: int) -> Sequence[Write]:
        """For who hears `ears` and has had everything up to `after`."""
        if not self.entries or self.entries[0].seq <= after:
            return list(_writes([entry for entry in self.entries if entry.seq > after], codec, ears))
        made = self._writes.get((codec, ears))
        if made is None:
            made = self._writes[codec, ears] = list(_writes(self.entries, codec, ears))
        return made


class Pages:
    """One per process."""

    def __init__(self, log: RoomLog, now_s: Callable[[], float]) -> None:
        self._log = log
        self._now_s = now_s
        self._kept: dict[tuple[str, str, int], Page] = {}

    def kept(self, room: str, epoch: str, after: int) -> Page | None:
        """The page behind `after`, if somebody has just read it."""
        page = self._kept.get((room, epoch, after))
        return page if page is not None and self._now_s() - page.read_at_s < KEPT_S else None

    async def read(self, room: str, epoch: str, after: int) -> Page:
        """The same from the log. Raises Unavailable."""
        limit, read_at_s = PAGE - after % PAGE, self._now_s()
        entries = await self._log.read_after(room, after, limit)
        page = Page(entries, read_at_s, whole=len(entries) == limit)
        if page.whole and entries[-1].epoch == epoch:
            self._kept.pop((room, epoch, after), None)
            self._kept[room, epoch, after] = page
            if len(self._kept) > PAGES_MAX:
                del self._kept[next(iter(self._kept))]
        return page


def _writes(entries: Sequence[Entry], codec: Codec, ears: tuple[str, ...]) -> Iterator[Write]:
    frames: list[bytes] = []
    size = 0
    for entry in entries:
        if not hears(entry.audience, ears):
            continue
        frame = Frames(entry).of(codec)
        frames.append(frame)
        size += len(frame)
        if size >= WRITE_BYTES:
            yield b"".join(frames), len(frames)
            frames, size = [], 0
    if frames:
        yield b"".join(frames), len(frames)
