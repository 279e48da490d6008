"""Invitations of guests."""

from dataclasses import dataclass
from typing import Protocol

from chat.events import Role


@dataclass(frozen=True, slots=True)
class Invite:
    code: str
    room: str
    role: Role
    by: str
    expires_at_ms: int
    uses_left: int
    """-1: unlimited."""


class Invites(Protocol):
    """Short codes that let a guest in. Stored under a digest, so that a copied data directory opens no door."""

    async def put(self, invite: Invite) -> None: ...

    async def peek(self, code: str, now_ms: int) -> Invite | None:
        """The invitation if it is valid now; spends nothing."""
        ...

    async def spend(self, code: str, now_ms: int) -> Invite | None:
        """Use it once, atomically; None when unknown, expired, used up or revoked."""
        ...

    async def revoke(self, code: str) -> bool: ...
