"""What log, presence, jobs, invitations and shared translations ask of an engine, be it one server or a cluster.

Invariant: they name keys, never nodes. What is asked in one `call_all` may lie on several nodes; only commands on one
key's hash tag are carried out together.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from chat.adapters.redis_engine import Command, Script
from chat.adapters.redis_keys import Keys


class Commands(Protocol):
    """All methods raise Unavailable; `Refused` for the error answers of `redis_engine.HANDLED`."""

    keys: Keys

    async def ping(self) -> None: ...

    async def call(self, *command: str | bytes | int, repeatable: bool = True) -> Any: ...

    async def call_all(self, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]: ...

    async def call_reachable(self, commands: Sequence[Command]) -> list[Any]: ...

    async def read_streams(self, group: str, reader: str, count: int, streams: Sequence[str], block_ms: int) -> Any: ...

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int], *, repeatable: bool = True
    ) -> Any: ...

    async def used_bytes(self) -> int:
        """Memory of the engine; of several nodes, that of the fullest."""
        ...

    def statistics(self) -> dict[str, int]: ...
