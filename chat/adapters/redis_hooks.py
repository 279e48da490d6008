"""Hooks in Redis: a hash of endpoints, and for each of them a hash of cursors and its dead letters by time of death.

Invariant: a cursor moves and the letter of what it passes is kept in one step, and only while the endpoint is there:
whoever was killed in between delivers again, and nothing of a removed endpoint comes back.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.hooks import ENDPOINTS_MAX, LETTERS_MAX, Cursor, DeadLetter, Endpoint
from chat.ids import Position

ROOMS_AT_ONCE: Final = 500

_encode = msgspec.msgpack.Encoder().encode
_endpoint = msgspec.msgpack.Decoder(Endpoint)
_cursor = msgspec.msgpack.Decoder(Cursor)
_letter = msgspec.msgpack.Decoder(DeadLetter)

_PUT = Script("""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
for at = 4, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
return 1
""")
_REMOVE = Script("""
local known = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
return known
""")
_SWITCH = Script("""
if ARGV[2] == '' then return redis.call('HDEL', KEYS[2], ARGV[1]) end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
return 1
""")
_ADVANCE = Script("""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known then
  known = cmsgpack.unpack(known)
  if known[1] == ARGV[3] and known[2] > tonumber(ARGV[4]) then return 0 end
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[5])
if ARGV[6] then
  redis.call('HSET', KEYS[3], ARGV[6], ARGV[7])
  redis.call('ZADD', KEYS[4], ARGV[8], ARGV[6])
  local over = redis.call('ZRANGE', KEYS[4], 0, -1 - tonumber(ARGV[9]))
  for _, letter in ipairs(over) do
    redis.call('ZREM', KEYS[4], letter)
    redis.call('HDEL', KEYS[3], letter)
  end
end
return 1
""")
_LEASE = Script("""
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


class RedisHooks:
    def __init__(self, engine: Commands) -> None:
        self._engine = engine
        self._endpoints = engine.keys.hooks("endpoints")
        self._off = engine.keys.hooks("off")
        self._lease = engine.keys.hooks("lease")

    async def put(self, endpoint: Endpoint, cursors: Mapping[str, Cursor]) -> bool:
        rows = [each for room, cursor in cursors.items() for each in (room, _encode(cursor))]
        keys = [self._endpoints, self._of("cursors", endpoint.id)]
        made = await self._engine.run(_PUT, keys, [endpoint.id, _encode(endpoint), ENDPOINTS_MAX, *rows])
        return bool(made)

    async def endpoints(self) -> Sequence[Endpoint]:
        rows, off = await self._engine.call_all([("HGETALL", self._endpoints), ("HGETALL", self._off)])
        why = _pairs(off)
        found = [_with(row, why.get(hook)) for hook, row in _pairs(rows).items()]
        return sorted(found, key=lambda endpoint: (endpoint.made_ms, endpoint.id))

    async def endpoint(self, hook: str) -> Endpoint | None:
        row, off = await self._engine.call_all([("HGET", self._endpoints, hook), ("HGET", self._off, hook)])
        return None if row is None else _with(row, off)

    async def remove(self, hook: str) -> bool:
        own = [self._of(what, hook) for what in ("cursors", "dead", "died")]
        return bool(await self._engine.run(_REMOVE, [self._endpoints, self._off, *own], [hook]))

    async def switch(self, hook: str, off: str) -> None:
        await self._engine.run(_SWITCH, [self._endpoints, self._off], [hook, off])

    async def heads(self) -> Mapping[str, Position]:
        names = [name.decode() for name in await self._engine.call("SMEMBERS", self._engine.keys.rooms)]
        heads: dict[str, Position] = {}
        for first in range(0, len(names), ROOMS_AT_ONCE):
            some = names[first : first + ROOMS_AT_ONCE]
            asked = [("HMGET", self._engine.keys.room(name).meta, "epoch", "head") for name in some]
            for name, (epoch, head) in zip(some, await self._engine.call_all(asked), strict=True):
                if epoch is not None:
                    heads[name] = Position(epoch.decode(), int(head or 0))
        return heads

    async def cursors(self, hook: str) -> Mapping[str, Cursor]:
        rows = await self._engine.call("HGETALL", self._of("cursors", hook))
        return {room.decode(): _cursor.decode(row) for room, row in _pairs(rows).items()}

    async def advance(self, hook: str, room: str, cursor: Cursor, letter: DeadLetter | None = None) -> None:
        keys = [self._endpoints, *(self._of(what, hook) for what in ("cursors", "dead", "died"))]
        args: list[str | bytes | int] = [hook, room, cursor.epoch, cursor.seq, _encode(cursor)]
        if letter is not None:
            args += [letter.id, _encode(letter), letter.died_ms, LETTERS_MAX]
        await self._engine.run(_ADVANCE, keys, args)

    async def letters(self, hook: str, limit: int) -> Sequence[DeadLetter]:
        names = await self._engine.call("ZRANGE", self._of("died", hook), 0, limit - 1, "REV") if limit > 0 else []
        rows = await self._engine.call("HMGET", self._of("dead", hook), *names) if names else []
        return [_letter.decode(row) for row in rows if row is not None]

    async def letter(self, hook: str, letter: str) -> DeadLetter | None:
        row = await self._engine.call("HGET", self._of("dead", hook), letter)
        return None if row is None else _letter.decode(row)

    async def drop_letter(self, hook: str, letter: str) -> bool:
        dropped, _ = await self._engine.call_all(
            [("HDEL", self._of("dead", hook), letter), ("ZREM", self._of("died", hook), letter)]
        )
        return bool(dropped)

    async def lease(self, owner: str, lasts_ms: int) -> bool:
        return bool(await self._engine.run(_LEASE, [self._lease], [owner, lasts_ms]))

    async def release(self, owner: str) -> None:
        await self._engine.run(_RELEASE, [self._lease], [owner])

    def _of(self, what: str, hook: str) -> str:
        return self._engine.keys.hooks(f"{what}:{hook}")


def _pairs(rows: Sequence[bytes]) -> dict[bytes, bytes]:
    """Of what HGETALL answers."""
    return dict(zip(rows[::2], rows[1::2], strict=True))


def _with(row: bytes, off: bytes | None) -> Endpoint:
    endpoint = _endpoint.decode(row)
    return msgspec.structs.replace(endpoint, off=off.decode()) if off else endpoint
