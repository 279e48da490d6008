"""TranslationCache in Redis: one key for each row, with an end of its own.

Invariant: a row is a pure function of its key (route, package version, terms, text), so a lost or late row costs one
translation and never a wrong one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from chat.adapters.redis_commands import Commands

ROW_LIFE_S: Final = 24 * 3600
"""What a room says is said again within a day or hardly ever."""


class RedisTranslationCache:
    def __init__(self, engine: Commands) -> None:
        self._engine = engine
        self._prefix = f"{engine.keys.prefix}translation:"

    async def get(self, keys: Sequence[str]) -> Sequence[str | None]:
        rows = await self._engine.call_reachable([("GET", self._prefix + key) for key in keys])
        return [None if row is None else row.decode() for row in rows]

    async def put(self, rows: Mapping[str, str]) -> None:
        await self._engine.call_all([("SET", self._prefix + key, text, "EX", ROW_LIFE_S) for key, text in rows.items()])

    async def forget(self, keys: Sequence[str]) -> None:
        await self._engine.call_all([("DEL", self._prefix + key) for key in keys])
