"""What is published to the rooms that a process follows."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from chat.events import Entry


@dataclass(frozen=True, slots=True)
class Gap:
    """The feed was away: entries of followed rooms may have been published unseen. Fill from the log.

    A value, not a silence: code that forgets this case does not type-check (`match` and `assert_never`).
    """

    why: str
    rooms: frozenset[str] | None = None
    """Only these, where one engine of several was lost; None: any followed room."""

    def concerns(self, room: str) -> bool:
        return self.rooms is None or room in self.rooms


@dataclass(frozen=True, slots=True)
class Whisper:
    """Something published to a room's followers and never stored (typing)."""

    room: str
    payload: bytes


FeedItem = Entry | Whisper | Gap


class RoomFeed(Protocol):
    """One subscription per process to the rooms it follows. At most once: whoever needs all, reads the log.

    Bounded: when the consumer of `items` is behind by more than the adapter's bound, the backlog is dropped and
    replaced with one Gap.
    """

    async def follow(self, room: str) -> None:
        """Returns when the subscription is in force: every later publication arrives or a Gap tells of the loss."""
        ...

    async def unfollow(self, room: str) -> None: ...

    async def whisper(self, room: str, payload: bytes) -> None: ...

    def items(self) -> AsyncGenerator[FeedItem, None]:
        """The stream of what is published to followed rooms, in order per room. One consumer. Never ends by itself:
        a lost connection is retried for ever and shows as a Gap once it is back."""
        ...
