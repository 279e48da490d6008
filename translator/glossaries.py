"""The terms of rooms, as a worker knows them: never older than `LOOK_S`, so that a new term is in force that soon
everywhere. Bounded: the room that was not asked about for longest is forgotten."""

import asyncio
from collections import OrderedDict
from typing import Final

from chat.ports import RoomLog
from translator.retrying import settled
from translator.terms import Terms

LOOK_S: Final = 0.5
ROOMS_MAX: Final = 1_000


class Glossaries:
    """One per worker."""

    def __init__(self, room_log: RoomLog) -> None:
        self._log = room_log
        self._known: OrderedDict[str, tuple[float, int, Terms]] = OrderedDict()

    async def of(self, room: str) -> Terms:
        """Two jobs may look at once; both are right. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        known = self._known.get(room)
        if known is not None and loop.time() - known[0] < LOOK_S:
            return known[2]
        glossary = await settled(lambda: self._log.glossary(room))
        known = self._known.get(room)
        terms = known[2] if known is not None and known[1] == glossary.version else Terms(glossary.terms)
        self._known[room] = (loop.time(), glossary.version, terms)
        self._known.move_to_end(room)
        while len(self._known) > ROOMS_MAX:
            self._known.popitem(last=False)
        return terms
