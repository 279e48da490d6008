"""TranslationCache in memory: rows without a life span, as tests of what is shared need them."""

from collections.abc import Mapping, Sequence

from chat.adapters.memory.reach import Reach


class MemoryTranslationCache:
    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self.rows: dict[str, str] = {}

    async def get(self, keys: Sequence[str]) -> Sequence[str | None]:
        await self._reach.step()
        return [self.rows.get(key) for key in keys]

    async def put(self, rows: Mapping[str, str]) -> None:
        await self._reach.step()
        self.rows.update(rows)

    async def forget(self, keys: Sequence[str]) -> None:
        await self._reach.step()
        for key in keys:
            self.rows.pop(key, None)
