"""Where entries go that no longer fit the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chat.events import Entry

TEXTS_ABOUT: Final = frozenset({"edited", "translated", "untranslated", "suggested", "explained"})
"""Kinds of entries that hold words of the message they are about: they leave with it when it is recalled."""


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry, and what is indexed of it."""

    entry: Entry
    kind: str
    """The tag of its event."""
    of: int | None
    """`refers_to` of its event."""


class Archive(Protocol):
    """Entries that no longer fit the engine, for as long as the room keeps them. One life of a room is (room, epoch).

    Who moves entries keeps them here first and takes them from the engine afterwards, so an entry is in one of the
    two, or for a moment in both; readers read both up to the seq that was taken. Every write may come twice, in any
    order and from several writers at once, with the same outcome; when it returns, it survives kill -9 and a loss of
    power. A message forgotten once stays forgotten, also when an old copy of it is kept later.
    """

    async def keep(self, room: str, epoch: str, entries: Sequence[ArchivedEntry]) -> None:
        """All of these or none, by seq: what is there stays as it is. Forgotten messages are left out."""
        ...

    async def forget(self, room: str, epoch: str, of: int) -> None:
        """Message `of` was recalled: it and its `TEXTS_ABOUT` go, now and for ever. It need not be here (yet)."""
        ...

    async def drop_before(self, room: str, epoch: str, at_ms: int, upto: int, limit: int) -> int:
        """Remove the oldest entries, as long as they are older than `at_ms` and their seq is at most `upto`; at most
        `limit` of them. Returns how many."""
        ...

    async def read_after(self, room: str, epoch: str, seq: int, upto: int, limit: int) -> Sequence[ArchivedEntry]:
        """Up to `limit` entries with `seq` < their seq <= `upto`, the first ones, ascending."""
        ...

    async def read_before(self, room: str, epoch: str, seq: int, limit: int) -> Sequence[ArchivedEntry]:
        """Up to `limit` entries with a smaller seq, the latest ones, ascending."""
        ...

    async def about(
        self, room: str, epoch: str, first: int, last: int, upto: int, limit: int, kind: str = ""
    ) -> Sequence[ArchivedEntry]:
        """Entries (of one kind, if given) that refer to messages first..last and whose seq is at most `upto`:
        ascending by seq, the latest `limit` of them."""
        ...


ARCHIVERS: Final = "~archivers"
"""The pseudo-room in which who moves messages into the archive reports its figures (see `TRANSLATORS`)."""
