"""Presence in Redis: one hash for each room, a field for each reporting gateway.

Invariant: a report is seen until its lease ends on the engine's clock, the one clock that all gateways share; stale
fields are dropped by whoever reads past them, and the hash itself ends with its longest lease.
Scripts instead of expiring hash fields (HPEXPIRE), which need Redis 7.4 or Valkey 9.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.adapters.redis_seats import RedisSeats
from chat.ports import Roster

_REPORT = Script("""
local time = redis.call('TIME')
local until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', until_ms) .. ':' .. ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
""")
_ROSTERS = Script("""
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local rows, fresh = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #rows, 2 do
  local colon = string.find(rows[i + 1], ':', 1, true)
  if tonumber(string.sub(rows[i + 1], 1, colon - 1)) > now_ms then
    fresh[#fresh + 1] = string.sub(rows[i + 1], colon + 1)
  else
    redis.call('HDEL', KEYS[1], rows[i])
  end
end
return fresh
""")
_encode = msgspec.msgpack.Encoder().encode
_roster = msgspec.msgpack.Decoder(Roster)
ROWS_KEPT_MAX: Final = 256
"""Rows that were decoded lately. Each post looks at who is here, and that seldom changes between two posts: two
hundred people cost 100 us to decode and 3 to recognise (measured)."""


class RedisPresence(RedisSeats):
    def __init__(self, engine: Commands) -> None:
        super().__init__(engine)
        self._engine = engine
        self._keys = engine.keys
        self._decoded: dict[bytes, Roster] = {}

    async def report(self, room: str, reporter: str, roster: Roster, lease_ms: int) -> None:
        await self._engine.run(_REPORT, [self._keys.room(room).here], [reporter, _encode(roster), lease_ms])

    async def withdraw(self, room: str, reporter: str) -> None:
        await self._engine.call("HDEL", self._keys.room(room).here, reporter)

    async def rosters(self, room: str) -> Sequence[Roster]:
        return self.read(await self._engine.run(_ROSTERS, [self._keys.room(room).here], []))

    def read(self, rows: Sequence[bytes]) -> Sequence[Roster]:
        """From the rows that are fresh."""
        return [self._decoded.get(row) or self._decode(row) for row in rows]

    def _decode(self, row: bytes) -> Roster:
        if len(self._decoded) >= ROWS_KEPT_MAX:
            self._decoded.clear()
        roster = self._decoded[row] = _roster.decode(row)
        return roster
