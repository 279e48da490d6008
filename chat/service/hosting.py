"""What comes by itself in a hosted room: when, and to write it down. Asked by gateways that hold it."""

from chat.room import MODERATORS
from chat.service.moderation import Moderation
from chat.service.stage import Stage


class Hosting(Moderation, Stage):
    async def dues(self, room: str) -> tuple[int, ...]:
        """When something may have to be written down, on the log's clock in ms."""
        return tuple(sorted({*await self.stage_dues(room), *await self.held_dues(room)}))

    async def due(self, room: str, now_ms: int) -> None:
        """Write down what is due; by anybody, any number of times. Raises Unavailable."""
        await self.release_due(room, now_ms)
        await self.stage_due(room, now_ms)

    async def hosts(self, room: str) -> frozenset[str]:
        """User ids of moderators and owners."""
        return frozenset(member.user for member in await self.log.members(room) if member.role in MODERATORS)
