"""Invites in Redis, each a hash under the SHA-256 of its code.

Invariant: an invitation with n uses opens n times, however many people spend it at once: checking and counting are one
script. `spend` is never repeated by itself: when its answer is lost, one use may be lost with it, which costs the
inviter a new code; the other way round a code would open twice.

The digest keeps a copied data directory from opening doors as long as codes are not guessable; that is up to whoever
makes them. `now_ms` is wall-clock time: the engine forgets an invitation a minute after its end.
"""

import hashlib
from typing import Any, Final, get_args

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.events import Role
from chat.ports import Invite

_FORGOTTEN_AFTER_MS: Final = 60_000
_ROLES: Final[dict[bytes, Role]] = {role.encode(): role for role in get_args(Role)}
_SPEND = Script("""
local row = redis.call('HMGET', KEYS[1], 'room', 'role', 'by', 'expires_at_ms', 'uses_left')
if not row[1] or tonumber(row[4]) <= tonumber(ARGV[1]) or row[5] == '0' then return false end
if tonumber(row[5]) > 0 then
  row[5] = tostring(redis.call('HINCRBY', KEYS[1], 'uses_left', -1))
end
return row
""")


class RedisInvites:
    def __init__(self, engine: Commands) -> None:
        self._engine = engine

    async def put(self, invite: Invite) -> None:
        key = self._key(invite.code)
        await self._engine.call_all(
            [
                ("MULTI",),
                ("DEL", key),
                (
                    *("HSET", key, "room", invite.room, "role", invite.role, "by", invite.by),
                    *("expires_at_ms", invite.expires_at_ms, "uses_left", invite.uses_left),
                ),
                ("PEXPIREAT", key, invite.expires_at_ms + _FORGOTTEN_AFTER_MS),
                ("EXEC",),
            ]
        )

    async def peek(self, code: str, now_ms: int) -> Invite | None:
        row = await self._engine.call("HMGET", self._key(code), "room", "role", "by", "expires_at_ms", "uses_left")
        if row[0] is None:
            return None
        invite = _invite(code, row)
        return invite if invite.uses_left != 0 and invite.expires_at_ms > now_ms else None

    async def spend(self, code: str, now_ms: int) -> Invite | None:
        """The invitation as it stands after this use."""
        row = await self._engine.run(_SPEND, [self._key(code)], [now_ms], repeatable=False)
        return None if row is None else _invite(code, row)

    async def revoke(self, code: str) -> bool:
        return bool(await self._engine.call("DEL", self._key(code)))

    def _key(self, code: str) -> str:
        return self._engine.keys.invite(hashlib.sha256(code.encode()).hexdigest())


def _invite(code: str, row: list[Any]) -> Invite:
    room, role, by, expires_at_ms, uses_left = row
    return Invite(code, room.decode(), _ROLES[role], by.decode(), int(expires_at_ms), int(uses_left))
