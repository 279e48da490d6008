"""Commands to one Redis: the connection that log, presence, jobs and invitations share.

Invariant: whatever happens to the engine, a caller hears an answer or `Unavailable` within a bounded time; library
exceptions end here. A command whose answer was lost with the connection is repeated once on a new one, unless it said
that repeating is not safe: most commands here are idempotent, or carry a once-key.

One connection, not a pool: commands of all coroutines form one pipeline, which costs a tenth of a pooled command and
cannot run out. Commands that block the connection (XREADGROUP BLOCK) get one of their own.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, Self

import hiredis

from chat.adapters.redis_keys import Keys
from chat.adapters.redis_wire import Address, RedisWire, Refused, WireLost, connect
from chat.errors import Unavailable

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 5.0
"""An engine that fsyncs each append on a bad disk answers within a second; five is dead or worse than dead."""

Command = Sequence[str | bytes | int]


class Script:
    """A Lua script, known to the engine by its digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def resource(cls, name: str) -> Self:
        return cls(files("chat.adapters").joinpath(name).read_text(encoding="utf-8"))


class RedisEngine:
    def __init__(
        self,
        url: str,
        *,
        prefix: str = "dqc:",
        on_trouble: Callable[[], None] | None = None,
        connect_within_s: float = CONNECT_WITHIN_S,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self.address = Address.parse(url)
        self.keys = Keys(prefix)
        self._on_trouble = on_trouble
        self._connect_within_s = connect_within_s
        self._answer_within_s = answer_within_s
        self._wire: RedisWire | None = None
        self._connecting = asyncio.Lock()
        self._failure = ""
        self._failures = 0
        self._dedicated: list[RedisWire] = []
        self._closed = False
        self._counts = {"commands": 0, "connects": 0, "repeated": 0, "unavailable": 0, "refused": 0}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        for wire in (self._wire, *self._dedicated):
            if wire is not None:
                wire.abort("this process is shutting down")

    async def ping(self) -> None:
        """Raises Unavailable."""
        await self.call("PING")

    async def call(self, *command: str | bytes | int, repeatable: bool = True) -> Any:
        """The answer. Raises Unavailable, or Refused for an error answer with a code that the caller may handle."""
        return (await self.call_all([command], repeatable=repeatable))[0]

    async def call_all(
        self, commands: Sequence[Command], *, repeatable: bool = True, wire: RedisWire | None = None
    ) -> list[Any]:
        """Their answers, in one round trip. Other commands may run between them."""
        self._counts["commands"] += len(commands)
        repeat = repeatable and wire is None
        while True:
            via: RedisWire | None = None
            try:
                via = wire or await self._connected()
                pending = [via.send(*command) for command in commands]
                replies = [await answer for answer in pending]
            except WireLost as lost:
                self.trouble()
                if repeat and via is not None:
                    repeat = False
                    self._counts["repeated"] += 1
                    continue
                raise self._unavailable(str(lost)) from lost
            for reply in replies:
                if isinstance(reply, hiredis.ReplyError):
                    raise self._refused(str(reply))
            return replies

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        *,
        repeatable: bool = True,
    ) -> Any:
        try:
            return await self.call("EVALSHA", script.digest, len(keys), *keys, *args, repeatable=repeatable)
        except Refused as refused:
            if not str(refused).startswith("NOSCRIPT"):
                raise
        return await self.call("EVAL", script.source, len(keys), *keys, *args, repeatable=repeatable)

    async def dedicated(self) -> RedisWire:
        """A wire of the caller's own, for commands that block. Lost at `close`."""
        try:
            wire = await self._connect()
        except WireLost as lost:
            self.trouble()
            raise self._unavailable(str(lost)) from lost
        self._dedicated = [each for each in self._dedicated if not each.is_lost]
        self._dedicated.append(wire)
        return wire

    def trouble(self) -> None:
        """Tell whoever looks after the engine that it may be gone."""
        if self._on_trouble is not None and not self._closed:
            self._on_trouble()

    def statistics(self) -> dict[str, int]:
        in_flight = self._wire.in_flight if self._wire is not None else 0
        return {**self._counts, "in_flight": in_flight}

    async def _connected(self) -> RedisWire:
        if self._wire is not None and not self._wire.is_lost:
            return self._wire
        failures = self._failures
        async with self._connecting:
            if self._wire is not None and not self._wire.is_lost:
                return self._wire
            if self._failures != failures:
                # Who queued up behind an attempt shares its outcome: a thousand callers in turn, each waiting for its
                # own timeout, would be minutes. Who comes later tries anew: a feed that is back reads the log at once.
                raise WireLost(self._failure)
            try:
                self._wire = await self._connect()
            except WireLost as lost:
                self._failure = str(lost)
                self._failures += 1
                raise
            return self._wire

    async def _connect(self) -> RedisWire:
        if self._closed:
            raise WireLost("this process is shutting down")
        wire = await connect(
            self.address, connect_within_s=self._connect_within_s, answer_within_s=self._answer_within_s
        )
        self._counts["connects"] += 1
        return wire

    def _unavailable(self, words: str) -> Unavailable:
        self._counts["unavailable"] += 1
        return Unavailable(words)

    def _refused(self, words: str) -> Exception:
        if words.startswith(("NOSCRIPT", "NOGROUP", "BUSYGROUP", "UNBLOCKED")):
            return Refused(words)
        self._counts["refused"] += 1
        return self._unavailable(f"the engine refused: {words}")
