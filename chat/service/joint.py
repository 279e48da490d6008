"""Reads that many ask for at once: whoever comes while one is under way is given the next one, together with everybody
else who came meanwhile.

Invariant: what is given out was read after it was asked for, so it is no older than a read of one's own; and nothing
is kept once nobody waits. A memory of some seconds would spare more and would have to be told of every entry.

A failure is the answer of all who waited for that read, too: each trying in turn would make the last wait for as long
as all of them together.
"""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Generic, TypeVar

from chat.errors import Unavailable

Read = TypeVar("Read")


class _Round(Generic[Read]):
    """The reads of one key, one after the other, numbered from 1."""

    __slots__ = ("asking", "begun", "ended", "failure", "found", "turn")

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.asking = 0
        self.begun = 0
        self.ended = 0
        """The last one that came to an end; one that was cancelled never does."""
        self.found: tuple[Read] | None = None
        self.failure: Unavailable | None = None


class JointReads(Generic[Read]):
    def __init__(self, read: Callable[[str], Awaitable[Read]]) -> None:
        self._read = read
        self._rounds: dict[str, _Round[Read]] = {}

    def __len__(self) -> int:
        """Keys that somebody waits for."""
        return len(self._rounds)

    async def of(self, key: str) -> Read:
        """What `read` finds now. Raises Unavailable."""
        here = self._rounds.get(key)
        if here is None:
            here = self._rounds[key] = _Round()
        here.asking += 1
        begun_before = here.begun
        try:
            async with here.turn:
                if here.ended <= begun_before:
                    await self._next(key, here)
                if here.failure is not None:
                    raise copy(here.failure)  # one that many raise would grow by a traceback of each
                if here.found is None:
                    raise RuntimeError("a read ended without an outcome")
                return here.found[0]
        finally:
            here.asking -= 1
            if not here.asking:
                del self._rounds[key]

    async def _next(self, key: str, here: _Round[Read]) -> None:
        here.begun += 1
        number = here.begun
        try:
            here.found, here.failure = (await self._read(key),), None
        except Unavailable as away:
            here.found, here.failure = None, away
        here.ended = number
