"""Word lists of rooms, as a worker knows them: never older than `LOOK_S`, so that a list is in force that soon
everywhere. Bounded: the room that was not asked about for longest is forgotten."""

import asyncio
from collections import OrderedDict
from typing import Final

from chat.moderation import TermList
from chat.moderation.rows import WORDS, terms_in
from chat.ports import RoomLog
from translator.retrying import settled

LOOK_S: Final = 2.0
ROOMS_MAX: Final = 500


class WordLists:
    """One per worker."""

    def __init__(self, room_log: RoomLog) -> None:
        self._log = room_log
        self._known: OrderedDict[str, tuple[float, bytes | None, TermList | None]] = OrderedDict()

    async def of(self, room: str) -> TermList | None:
        """None where the room has none. Two jobs may look at once; both are right. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        known = self._known.get(room)
        if known is not None and loop.time() - known[0] < LOOK_S:
            return known[2]
        row = await settled(lambda: self._log.row(room, WORDS, ""))
        known = self._known.get(room)
        terms = known[2] if known is not None and known[1] == row else terms_in(row)
        self._known[room] = (loop.time(), row, terms)
        self._known.move_to_end(room)
        while len(self._known) > ROOMS_MAX:
            self._known.popitem(last=False)
        return terms
