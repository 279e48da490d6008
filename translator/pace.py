"""When writes go to the engine that nobody waits for: together, every `EVERY_S`.

Each write of the engine waits for its disk, and an original that is posted in that moment waits too. Translations go
at once; acknowledgements and parked texts may wait for each other. Invariant: nobody waits longer than `EVERY_S`, and
whoever waits goes in the same tick of the loop, so that their commands travel, and are written, as one.
"""

import asyncio
from typing import Final

EVERY_S: Final = 0.05


class Pace:
    """One per worker."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._go: asyncio.Future[None] | None = None

    async def turn(self) -> None:
        """Wait for the others."""
        if self._go is None:
            loop = asyncio.get_running_loop()
            self._go = loop.create_future()
            loop.call_later(self._every_s, self._start)
        await asyncio.shield(self._go)

    def _start(self) -> None:
        if self._go is not None:
            self._go.set_result(None)
            self._go = None
