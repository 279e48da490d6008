"""Presence in memory: what each gateway said last about a room, until its lease ends on the engine's clock."""

from collections.abc import Sequence

from chat.adapters.memory.reach import Reach
from chat.adapters.memory.seats import MemorySeats
from chat.ports import Roster


class MemoryPresence(MemorySeats):
    def __init__(self, reach: Reach) -> None:
        super().__init__(reach)
        self._reach = reach
        self._reports: dict[str, dict[str, tuple[int, Roster]]] = {}

    async def report(self, room: str, reporter: str, roster: Roster, lease_ms: int) -> None:
        await self._reach.step()
        self._reports.setdefault(room, {})[reporter] = (self._reach.now_ms() + lease_ms, roster)

    async def withdraw(self, room: str, reporter: str) -> None:
        await self._reach.step()
        self._reports.get(room, {}).pop(reporter, None)

    async def rosters(self, room: str) -> Sequence[Roster]:
        await self._reach.step()
        return self.fresh(room)

    def fresh(self, room: str) -> Sequence[Roster]:
        now_ms = self._reach.now_ms()
        reports = self._reports.get(room, {})
        for reporter in [name for name, (until_ms, _) in reports.items() if until_ms <= now_ms]:
            del reports[reporter]
        return [roster for _, roster in reports.values()]

    def forget_all(self) -> None:
        self._reports.clear()
