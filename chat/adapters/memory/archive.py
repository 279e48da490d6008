"""Archive in memory: the reference. A life is a dictionary by seq and the set of what was forgotten.

Invariant: no await between looking and writing, so every call is one step, as a transaction is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from chat.errors import Unavailable
from chat.ports import TEXTS_ABOUT, ArchivedEntry


@dataclass(slots=True)
class _Life:
    entries: dict[int, ArchivedEntry] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)

    def is_forgotten(self, each: ArchivedEntry) -> bool:
        return each.entry.seq in self.forgotten or (each.of in self.forgotten and each.kind in TEXTS_ABOUT)

    def keep_only(self, seqs: set[int]) -> None:
        self.entries = {seq: each for seq, each in self.entries.items() if seq in seqs}


class MemoryArchive:
    def __init__(self) -> None:
        self._lives: dict[tuple[str, str], _Life] = {}
        self.away: str | None = None
        """Why it cannot be reached; None while it can."""

    async def keep(self, room: str, epoch: str, entries: Sequence[ArchivedEntry]) -> None:
        life = await self._step(room, epoch)
        for each in entries:
            if not life.is_forgotten(each):
                life.entries.setdefault(each.entry.seq, each)

    async def forget(self, room: str, epoch: str, of: int) -> None:
        life = await self._step(room, epoch)
        life.forgotten.add(of)
        life.keep_only({seq for seq, each in life.entries.items() if not life.is_forgotten(each)})

    async def drop_before(self, room: str, epoch: str, at_ms: int, upto: int, limit: int) -> int:
        life = await self._step(room, epoch)
        dropped = 0
        for seq in sorted(life.entries)[: max(0, limit)]:
            if seq > upto or life.entries[seq].entry.at_ms >= at_ms:
                break
            del life.entries[seq]
            dropped += 1
        return dropped

    async def read_after(self, room: str, epoch: str, seq: int, upto: int, limit: int) -> Sequence[ArchivedEntry]:
        life = await self._step(room, epoch)
        return [life.entries[at] for at in sorted(life.entries) if seq < at <= upto][: max(0, limit)]

    async def read_before(self, room: str, epoch: str, seq: int, limit: int) -> Sequence[ArchivedEntry]:
        life = await self._step(room, epoch)
        return _latest([life.entries[at] for at in sorted(life.entries) if at < seq], limit)

    async def about(
        self, room: str, epoch: str, first: int, last: int, upto: int, limit: int, kind: str = ""
    ) -> Sequence[ArchivedEntry]:
        life = await self._step(room, epoch)
        found = [life.entries[seq] for seq in sorted(life.entries) if seq <= upto]
        said = [each for each in found if each.of is not None and first <= each.of <= last]
        return _latest([each for each in said if kind in ("", each.kind)], limit)

    async def _step(self, room: str, epoch: str) -> _Life:
        await asyncio.sleep(0)
        if self.away is not None:
            raise Unavailable(self.away)
        return self._lives.setdefault((room, epoch), _Life())


def _latest(entries: list[ArchivedEntry], limit: int) -> list[ArchivedEntry]:
    return entries[-limit:] if limit > 0 else []
