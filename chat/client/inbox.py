"""Items owed to the program, at most `items_max` of them plus a few notices of one connection.

A program that reads too slowly is disconnected (by us, named in `Disconnected`) and resumes where it stopped reading:
dropping would be a hole nobody sees, and not reading the socket would also hold back the acks and pongs behind the
entries. A program that never asks for events has the oldest forgotten, and a `Missed` tells so should it ask later.
"""

import asyncio
from collections import deque

from chat.client.items import Arrived, Item, Missed, Unreadable
from chat.ids import Position


class Inbox:
    def __init__(self, items_max: int) -> None:
        self.items_max = items_max
        self.listening = False
        self.ended = False
        self.forgotten = 0
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item) -> bool:
        """False when it is full and somebody is listening: the item was not taken."""
        full = len(self._items) >= self.items_max
        if not (full and self.listening):
            self.notice(item)
            return True
        self._drained.clear()
        return False

    def notice(self, item: Item) -> None:
        """Taken whatever the bound says: there are only a handful per connection, and a hole must be told. No next
        connection adds to them before the program has caught up, or has stopped listening."""
        if len(self._items) >= self.items_max:
            if self.listening:
                self._drained.clear()
            else:
                self._forget()
        self._items.append(item)
        self._filled.set()

    async def take(self) -> Item | None:
        """The next item; None when there is none and never will be."""
        while not self._items:
            if self.ended:
                return None
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if len(self._items) <= self.items_max // 2:
            self._drained.set()
        return item

    def leave(self) -> None:
        """Nobody listens any more, so nobody is waited for."""
        self.listening = False
        self._drained.set()

    def end(self) -> None:
        self.ended = True
        self._filled.set()

    async def wait_drained(self) -> None:
        """Until the program has caught up by half, so that a reconnect is worth it, or nobody listens."""
        await self._drained.wait()

    def _forget(self) -> None:
        """Nobody listens: keep one `Missed` per room instead of everything."""
        holes: dict[str, Missed] = {}
        for item in self._items:
            match item:
                case Arrived(room=room, position=before) | Unreadable(room=room, position=before):
                    after, count = Position(before.epoch, before.seq - 1), 1
                case Missed(room=room, before=before, count=count):
                    after = item.after or before
                case _:
                    continue
            if (hole := holes.get(room)) is not None:
                after = hole.after or after
                count = count + hole.count if min(count, hole.count) >= 0 else -1
            holes[room] = Missed(room, after, before, count)
        self.forgotten += len(self._items)
        self._items.clear()
        self._items.extend(holes.values())
