"""Invites in memory. Invariant: to look at the uses left and to take one is a single step: the last is spent once."""

import asyncio
from dataclasses import replace

from chat.adapters.memory.reach import Reach
from chat.ports import Invite


class MemoryInvites:
    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._invites: dict[str, Invite] = {}

    async def put(self, invite: Invite) -> None:
        await self._reach.step()
        self._invites[invite.code] = invite

    async def peek(self, code: str, now_ms: int) -> Invite | None:
        await self._reach.step()
        invite = self._invites.get(code)
        if invite is None or invite.uses_left == 0 or invite.expires_at_ms <= now_ms:
            return None
        return invite

    async def spend(self, code: str, now_ms: int) -> Invite | None:
        """The invitation as it stands after this use."""
        await self._reach.step()
        invite = self._invites.get(code)
        if invite is None or invite.uses_left == 0 or invite.expires_at_ms <= now_ms:
            return None
        if invite.uses_left > 0:
            invite = replace(invite, uses_left=invite.uses_left - 1)
            self._invites[code] = invite
        await asyncio.sleep(0)
        return invite

    async def revoke(self, code: str) -> bool:
        await self._reach.step()
        return self._invites.pop(code, None) is not None

    def forget_all(self) -> None:
        self._invites.clear()
