"""Endpoints of webhooks, and how far each was told."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from chat.hooks import Cursor, DeadLetter, Endpoint
from chat.ids import Position


class Hooks(Protocol):
    """Endpoints of webhooks, how far each was told of each room, and what was given up. Whoever delivers holds the
    lease; a lease lost without knowing means at most that something is delivered twice."""

    async def put(self, endpoint: Endpoint, cursors: Mapping[str, Cursor]) -> bool:
        """Register it, told of these rooms up to these places and of all others from their beginning. False, and
        nothing done, where there are `ENDPOINTS_MAX` already."""
        ...

    async def endpoints(self) -> Sequence[Endpoint]:
        """All, oldest first."""
        ...

    async def endpoint(self, hook: str) -> Endpoint | None: ...

    async def remove(self, hook: str) -> bool:
        """With its cursors and dead letters."""
        ...

    async def switch(self, hook: str, off: str) -> None:
        """Off, and why; with "" on again: it goes on where it was. Nothing for an endpoint that is not there."""
        ...

    async def heads(self) -> Mapping[str, Position]:
        """Of the logs of all rooms."""
        ...

    async def cursors(self, hook: str) -> Mapping[str, Cursor]: ...

    async def advance(self, hook: str, room: str, cursor: Cursor, letter: DeadLetter | None = None) -> None:
        """Move the cursor of a room forward (never back, in one life of the room), and keep the dead letter, in one
        step. Of an endpoint's letters the newest `LETTERS_MAX` stay. Nothing for an endpoint that is not there."""
        ...

    async def letters(self, hook: str, limit: int) -> Sequence[DeadLetter]:
        """The newest, newest first."""
        ...

    async def letter(self, hook: str, letter: str) -> DeadLetter | None: ...

    async def drop_letter(self, hook: str, letter: str) -> bool: ...

    async def lease(self, owner: str, lasts_ms: int) -> bool:
        """Take the lease, or prolong it; False while somebody else has it."""
        ...

    async def release(self, owner: str) -> None:
        """Give it back. Nothing where somebody else has it."""
        ...


WEBHOOKS: Final = "~webhooks"
"""The pseudo-room in which who delivers webhooks reports its figures (see `TRANSLATORS`)."""
