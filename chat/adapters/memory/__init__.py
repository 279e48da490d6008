"""All ports in memory: the reference implementation of the contracts and the double that tests run on.

Several feeds (one for each simulated gateway) share one `MemoryEngine`. Time and new epochs arrive as callables, and
waiting uses only asyncio primitives, so whole worlds run in virtual time. Each port is a file: `log` (with `room`, what
one room holds), `feed`, `presence`, `jobs`, `invites`, `hooks`, `translations`; `reach` is what they share, `engine`
joins them.

Nothing is bounded but what the ports bound, and nothing survives the process: not a store for production.
"""

from chat.adapters.memory.engine import MemoryEngine
from chat.adapters.memory.feed import MemoryFeed
from chat.adapters.memory.reach import wall_clock_ms

__all__ = ["MemoryEngine", "MemoryFeed", "wall_clock_ms"]
