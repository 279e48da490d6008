"""Hooks in memory. Invariant: no await between looking and writing, so every call is one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from chat.adapters.memory.log import MemoryLog
from chat.adapters.memory.reach import Reach
from chat.hooks import ENDPOINTS_MAX, LETTERS_MAX, Cursor, DeadLetter, Endpoint
from chat.ids import Position


@dataclass(slots=True)
class _Kept:
    endpoint: Endpoint
    cursors: dict[str, Cursor]
    letters: dict[str, DeadLetter] = field(default_factory=dict)


class MemoryHooks:
    def __init__(self, reach: Reach, log: MemoryLog) -> None:
        self._reach = reach
        self._log = log
        self._kept: dict[str, _Kept] = {}
        self._owner = ("", 0)
        """Who delivers, and until when."""

    async def put(self, endpoint: Endpoint, cursors: Mapping[str, Cursor]) -> bool:
        await self._reach.step()
        if endpoint.id not in self._kept and len(self._kept) >= ENDPOINTS_MAX:
            return False
        self._kept[endpoint.id] = _Kept(endpoint, dict(cursors))
        return True

    async def endpoints(self) -> Sequence[Endpoint]:
        await self._reach.step()
        found = [kept.endpoint for kept in self._kept.values()]
        return sorted(found, key=lambda endpoint: (endpoint.made_ms, endpoint.id))

    async def endpoint(self, hook: str) -> Endpoint | None:
        await self._reach.step()
        return self._kept[hook].endpoint if hook in self._kept else None

    async def remove(self, hook: str) -> bool:
        await self._reach.step()
        return self._kept.pop(hook, None) is not None

    async def switch(self, hook: str, off: str) -> None:
        await self._reach.step()
        if hook in self._kept:
            self._kept[hook].endpoint = replace(self._kept[hook].endpoint, off=off)

    async def heads(self) -> Mapping[str, Position]:
        await self._reach.step()
        return {room: Position(stored.epoch, stored.head) for room, stored in self._log.stored.items()}

    async def cursors(self, hook: str) -> Mapping[str, Cursor]:
        await self._reach.step()
        return dict(self._kept[hook].cursors) if hook in self._kept else {}

    async def advance(self, hook: str, room: str, cursor: Cursor, letter: DeadLetter | None = None) -> None:
        await self._reach.step()
        kept = self._kept.get(hook)
        if kept is None:
            return
        known = kept.cursors.get(room)
        if known is not None and known.epoch == cursor.epoch and known.seq > cursor.seq:
            return
        kept.cursors[room] = cursor
        if letter is not None:
            kept.letters[letter.id] = letter
            for old in _by_death(kept)[LETTERS_MAX:]:
                del kept.letters[old.id]

    async def letters(self, hook: str, limit: int) -> Sequence[DeadLetter]:
        await self._reach.step()
        return _by_death(self._kept[hook])[: max(0, limit)] if hook in self._kept else []

    async def letter(self, hook: str, letter: str) -> DeadLetter | None:
        await self._reach.step()
        return self._kept[hook].letters.get(letter) if hook in self._kept else None

    async def drop_letter(self, hook: str, letter: str) -> bool:
        await self._reach.step()
        return hook in self._kept and self._kept[hook].letters.pop(letter, None) is not None

    async def lease(self, owner: str, lasts_ms: int) -> bool:
        await self._reach.step()
        other, until_ms = self._owner
        if other not in ("", owner) and until_ms > self._reach.now_ms():
            return False
        self._owner = (owner, self._reach.now_ms() + lasts_ms)
        return True

    async def release(self, owner: str) -> None:
        await self._reach.step()
        if self._owner[0] == owner:
            self._owner = ("", 0)

    def forget_all(self) -> None:
        self._kept.clear()
        self._owner = ("", 0)


def _by_death(kept: _Kept) -> list[DeadLetter]:
    """Newest first; of one instant as Redis has them, by id."""
    return sorted(kept.letters.values(), key=lambda letter: (letter.died_ms, letter.id), reverse=True)
