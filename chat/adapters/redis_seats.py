"""Seats and the line before them in Redis: three sorted sets for each room, on the engine's clock.

Invariant: who is in line stands there in the order of coming, whichever gateway asks, and nobody is seated before those
in front of them: a free seat is taken by asking for it, in one step, by one of as many from the head as seats are free.
"""

from collections.abc import Sequence

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.ports import Places

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seats, line, kept = KEYS[1], KEYS[2], KEYS[3]
"""
_SEAT = Script(
    _NOW
    + """
local capacity, seat_ms, place_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function until_ms(lasts) return string.format('%.0f', now + lasts) end
redis.call('ZREMRANGEBYSCORE', seats, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', kept, '-inf', now)) do redis.call('ZREM', line, gone) end
redis.call('ZREMRANGEBYSCORE', kept, '-inf', now)
for at = 4, #ARGV do
  if redis.call('ZSCORE', seats, ARGV[at]) then
    redis.call('ZADD', seats, until_ms(seat_ms), ARGV[at])
  else
    if not redis.call('ZSCORE', line, ARGV[at]) then
      local last = redis.call('ZREVRANGE', line, 0, 0, 'WITHSCORES')
      redis.call('ZADD', line, (tonumber(last[2]) or 0) + 1, ARGV[at])
    end
    redis.call('ZADD', kept, until_ms(place_ms), ARGV[at])
  end
end
local free = capacity == 0 and math.huge or capacity - redis.call('ZCARD', seats)
for at = 4, #ARGV do
  local before = redis.call('ZRANK', line, ARGV[at])
  if before and before < free then
    redis.call('ZREM', line, ARGV[at])
    redis.call('ZREM', kept, ARGV[at])
    redis.call('ZADD', seats, until_ms(seat_ms), ARGV[at])
    free = free - 1
  end
end
local places = {redis.call('ZCARD', line)}
for at = 4, #ARGV do
  local before = redis.call('ZRANK', line, ARGV[at])
  places[#places + 1] = before and before + 1 or 0
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, seat_ms + place_ms) end
return places
"""
)
_KEEP = Script(
    _NOW
    + """
local until_ms = string.format('%.0f', now + tonumber(ARGV[1]))
for at = 2, #ARGV do redis.call('ZADD', seats, until_ms, ARGV[at]) end
redis.call('PEXPIRE', seats, 2 * tonumber(ARGV[1]))
"""
)
_VACATE = Script("for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end")


class RedisSeats:
    def __init__(self, engine: Commands) -> None:
        self._seating = engine

    async def seat(self, room: str, users: Sequence[str], capacity: int, seat_ms: int, place_ms: int) -> Places:
        waiting, *places = await self._seating.run(_SEAT, self._hall(room), [capacity, seat_ms, place_ms, *users])
        return Places(tuple(map(int, places)), int(waiting))

    async def keep_seats(self, room: str, users: Sequence[str], seat_ms: int) -> None:
        if users:
            await self._seating.run(_KEEP, self._hall(room), [seat_ms, *users])

    async def vacate(self, room: str, user: str) -> None:
        await self._seating.run(_VACATE, self._hall(room), [user])

    def _hall(self, room: str) -> list[str]:
        here = self._seating.keys.room(room).here
        return [f"{here}:seats", f"{here}:line", f"{here}:kept"]
