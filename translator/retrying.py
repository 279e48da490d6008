"""Steps that are repeated until they are known to be done: an engine that is away for a moment costs time only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from chat.errors import Unavailable

RETRY_FIRST_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
ATTEMPTS_MAX: Final = 6
"""With doubling pauses about six seconds; after that the job is left to be delivered again."""

Done = TypeVar("Done")


async def settled(step: Callable[[], Awaitable[Done]]) -> Done:
    """Do `step` (idempotent) until it is known to be done. Raises the last Unavailable."""
    pause_s = RETRY_FIRST_S
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await step()
        except Unavailable:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_MAX_S)
    return await step()
