"""How many hellos and resumes of this process may ask the engine at once, and how many may wait for their turn.

Invariant: at most `under_way_max` pass. At most `waiting_max` newcomers wait, in their order; the next one is refused
and told when to come back. Who was let in before and asks for more goes first and is never refused: what was begun is
finished, instead of everybody being half done.

After a cut everybody comes at once. Without a gate each would read the log at the same moment, the engine would answer
all of them late, those who post would wait behind them, and clients that gave up would ask again.

A place is held while the engine is asked, never while a client reads: a slow reader costs no place.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from chat.errors import Unavailable
from chat.limits import RESUMES_UNDER_WAY_MAX, RESUMES_WAITING_MAX

RETRY_MS: Final = 1_000
RETRY_SPREAD_MS: Final = 4_000
"""Those who are refused together shall not come back together."""


class Gate:
    """One per process."""

    def __init__(
        self,
        chance: Callable[[], float],
        *,
        under_way_max: int = RESUMES_UNDER_WAY_MAX,
        waiting_max: int = RESUMES_WAITING_MAX,
    ) -> None:
        """`chance`: from 0 to 1, drawn for each who is refused."""
        self._chance = chance
        self._under_way_max = under_way_max
        self._waiting_max = waiting_max
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._refused = 0

    @asynccontextmanager
    async def passing(self, *, let_in: bool = False) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises Unavailable when too many wait. Not to be nested.
        `let_in`: has passed before in this hello, resume or join."""
        if self._under_way >= self._under_way_max:
            await self._wait_turn(let_in)
        else:
            self._under_way += 1
        try:
            yield
        finally:
            self._pass_on()

    def statistics(self) -> dict[str, int]:
        return {
            "resumes_under_way": self._under_way,
            "resumes_waiting": len(self._waiting),
            "resumes_refused_total": self._refused,
        }

    async def _wait_turn(self, let_in: bool) -> None:
        if not let_in and len(self._waiting) >= self._waiting_max:
            self._refused += 1
            retry_after_ms = RETRY_MS + round(RETRY_SPREAD_MS * self._chance())
            raise Unavailable("too many are coming back at once; try again shortly", retry_after_ms)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if let_in:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():  # the place was ours already: cancelled in the same tick
                self._pass_on()
            else:
                with suppress(ValueError):  # whoever passed us over has taken us out
                    self._waiting.remove(turn)
            raise

    def _pass_on(self) -> None:
        """A place is free: whoever has waited longest takes it, so nobody can overtake in between."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._under_way -= 1
