"""Commands to one Redis, through redis-py: what log, presence, jobs and invitations share.

Invariant: whatever happens to the engine, a caller hears an answer or `Unavailable` within a bounded time; library
exceptions end here. A command whose answer was lost with the connection is repeated once on a new one, unless it said
that repeating is not safe: most commands here are idempotent, or carry a once-key.

Commands of all coroutines that come in one tick of the loop travel together, and the next batch goes out when this one
is answered. So commands take effect in the order in which they were asked for, whatever connection carries them, and
while the engine writes one batch to its disk the next one gathers. Of this process, a command costs 113 us when
redis-py sends it alone, 20 in its `Pipeline` and 3 in a packed batch that is given to its connection (measured).

RESP2: its shapes are lists everywhere, nothing is pushed between two answers, and every engine speaks it. Answers are
read from the connection and not through redis-py's client, whose callbacks turn many of them into something else.
Only the feed has a reader of its own, see `redis_feed_wire`.
"""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Self

import hiredis
from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from chat.adapters.redis_address import connection_pool
from chat.adapters.redis_keys import Keys
from chat.errors import Unavailable

CONNECT_WITHIN_S: Final = 2.0
ANSWER_WITHIN_S: Final = 5.0
"""An engine that fsyncs each append on a bad disk answers within a second; five is dead or worse than dead."""
BATCH_CALLS_MAX: Final = 1_000
"""So many are repeated when one connection is lost."""
UNANSWERED_CALLS_MAX: Final = 10_000
"""An engine that is so far behind is away; more would only make memory grow."""
BLOCKED_CONNECTIONS_MAX: Final = 4
"""Beyond the one that carries all commands, for reads that block: a process has one translation worker."""

HANDLED: Final = ("NOSCRIPT", "NOGROUP", "BUSYGROUP", "UNBLOCKED")
"""Codes of error answers that callers handle: `Refused`. Any other is `Unavailable`."""
_CLOSED: Final = "this process is shutting down"
_LIBRARY_ERRORS: Final = (RedisError, OSError, RuntimeError)
"""RuntimeError is what uvloop answers when a connection is written to that has just closed."""

Command = Sequence[str | bytes | int]

_pack: Callable[[Sequence[str | bytes | int]], bytes] = hiredis.pack_command  # type: ignore[assignment]  # its stub wants 1-tuples


class Refused(Exception):
    """The engine answered with an error."""


class _Lost(Exception):
    """The connection could not be made or broke. Whether an unanswered command was carried out is unknown."""


class _Unconfirmed(Exception):
    """Too few replicas have what this connection has written or read."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """With what a batch ends where nothing counts before replicas have it too (see `redis_cluster`)."""

    mark: Command
    """A write, so that WAIT has something to wait for when the batch only read or recognised."""
    replicas: int
    within_ms: int

    @property
    def packed(self) -> bytes:
        return _pack(tuple(self.mark)) + _pack(("WAIT", self.replicas, self.within_ms))


class Script:
    """A Lua script, known to the engine by its digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def resource(cls, name: str) -> Self:
        return cls(files("chat.adapters").joinpath(name).read_text(encoding="utf-8"))


@dataclass(slots=True)
class _Call:
    """Commands of one caller, which stay together."""

    packed: bytes
    commands: int
    repeatable: bool
    answered: "asyncio.Future[list[Any]]"
    """Done with the replies, or with `_Lost`, or when the caller has stopped waiting."""
    replies: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, commands: Sequence[Command], *, repeatable: bool) -> Self:
        # By hiredis, as redis-py's connections do it outside asyncio: 1.7 us for an append instead of 14 (measured).
        packed = b"".join([_pack(tuple(command)) for command in commands])
        return cls(packed, len(commands), repeatable, asyncio.get_running_loop().create_future())

    def lose(self, why: str) -> None:
        if not self.answered.done():
            self.answered.set_exception(_Lost(why))


class RedisEngine:
    """An async context manager; it connects with the first command, so a process may start while Redis is away."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "dqc:",
        on_trouble: Callable[[], None] | None = None,
        connect_within_s: float = CONNECT_WITHIN_S,
        answer_within_s: float = ANSWER_WITHIN_S,
        handled: tuple[str, ...] = (),
    ) -> None:
        self.keys = Keys(prefix)
        self.confirmation: Confirmation | None = None
        self._handled = HANDLED + handled
        self._on_trouble = on_trouble
        self._connect_within_s = connect_within_s
        self._answer_within_s = answer_within_s
        self._pool = self._new_pool(url, 1)
        self._blocked_pool = self._new_pool(url, BLOCKED_CONNECTIONS_MAX)
        self._waiting: deque[_Call] = deque()
        self._batch: list[_Call] = []
        self._wanted = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._sender: asyncio.Task[None] | None = None
        self._counts = {"commands": 0, "connects": 0, "repeated": 0, "unavailable": 0, "refused": 0}

    async def __aenter__(self) -> Self:
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._sender = self._tasks.create_task(self._send(), name="redis commands")
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        assert self._tasks is not None
        assert self._sender is not None
        self._sender.cancel()
        try:
            if isinstance(error, Exception):  # it goes its own way, not wrapped into a group of one
                await self._tasks.__aexit__(None, None, None)
            else:
                await self._tasks.__aexit__(kind, error, trace)
        finally:
            await self._pool.disconnect()
            await self._blocked_pool.disconnect()

    async def ping(self) -> None:
        """Raises Unavailable."""
        await self.call("PING")

    async def call(self, *command: str | bytes | int, repeatable: bool = True) -> Any:
        """The answer. Raises Unavailable, or Refused for an error answer with a code that the caller may handle."""
        return (await self.call_all([command], repeatable=repeatable))[0]

    async def call_all(self, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]:
        """Their answers, in one round trip. No other command of this engine object runs between them."""
        call = self._new_call(commands, repeatable=repeatable)
        if len(self._waiting) + len(self._batch) >= UNANSWERED_CALLS_MAX:
            raise self._unavailable(f"{UNANSWERED_CALLS_MAX} callers already wait for the engine")
        self._waiting.append(call)
        self._wanted.set()
        try:
            return self._accepted(await call.answered)
        except _Lost as lost:
            raise self._unavailable(str(lost)) from lost

    async def call_reachable(self, commands: Sequence[Command]) -> list[Any]:
        """Answers; None for a command whose node is away. Here is one node, so all or none. Raises Unavailable when
        no node could be reached."""
        return await self.call_all(commands)

    async def used_bytes(self) -> int:
        """Memory in which it keeps its data. Raises Unavailable."""
        told: bytes = await self.call("INFO", "memory")
        values = dict(line.split(b":", 1) for line in told.split(b"\r\n") if b":" in line)
        return int(values.get(b"used_memory", 0))

    async def read_streams(self, group: str, reader: str, count: int, streams: Sequence[str], block_ms: int) -> Any:
        """What XREADGROUP answers for the new entries of all these streams."""
        command: list[str | int] = ["XREADGROUP", "GROUP", group, reader, "COUNT", count]
        if block_ms > 0:
            command += ["BLOCK", block_ms]
        command += ["STREAMS", *streams, *(">" for _ in streams)]
        return await (self.call_blocking(*command) if block_ms > 0 else self.call(*command))

    async def call_blocking(self, *command: str | bytes | int) -> Any:
        """The answer to a command that holds up its connection. Never repeated. Who cancels it hangs up, so that the
        engine gives nothing to a caller that has stopped waiting."""
        call = self._new_call([command], repeatable=False)
        try:
            async with self._connection(self._blocked_pool) as connection:
                await self._exchange(connection, [call])
        except _Lost as lost:
            self.trouble()
            raise self._unavailable(str(lost)) from lost
        return self._accepted(call.replies)[0]

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

    def trouble(self) -> None:
        """Tell whoever looks after the engine that it may be gone."""
        if self._on_trouble is not None and self._is_open:
            self._on_trouble()

    def statistics(self) -> dict[str, int]:
        return {**self._counts, "in_flight": len(self._waiting) + len(self._batch)}

    @property
    def _is_open(self) -> bool:
        return self._sender is not None and not self._sender.done()

    def _new_call(self, commands: Sequence[Command], *, repeatable: bool) -> _Call:
        if not self._is_open:
            raise self._unavailable(_CLOSED)
        self._counts["commands"] += len(commands)
        return _Call.of(commands, repeatable=repeatable)

    def _accepted(self, replies: list[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise self._refused(_words(reply))
        return replies

    async def _send(self) -> None:
        try:
            while True:
                if not self._waiting:
                    self._wanted.clear()
                    await self._wanted.wait()
                await asyncio.sleep(0)  # the tick in which they gather: who was just answered often asks again
                await self._send_batch()
        finally:
            self._waiting.extendleft(self._batch)
            self._lose(_CLOSED)

    async def _send_batch(self) -> None:
        try:
            async with self._connection(self._pool) as connection:
                self._batch = self._next_batch()
                if self._batch:
                    await self._exchange(connection, self._batch)
        except _Lost as lost:
            self.trouble()
            if not self._batch:
                # All who wait share the outcome of connecting: a thousand callers in turn, each waiting for its own
                # timeout, would be minutes. Who comes later tries anew: a feed that is back reads the log at once.
                self._lose(str(lost))
            for call in reversed(self._batch):  # what is repeated goes before what came later
                if call.repeatable and not call.answered.done():
                    self._counts["repeated"] += 1
                    call.repeatable = False
                    call.replies.clear()
                    self._waiting.appendleft(call)
                else:
                    call.lose(str(lost))
        except _Unconfirmed as unconfirmed:
            self.trouble()
            for call in self._batch:
                call.lose(str(unconfirmed))
        self._batch = []

    def _next_batch(self) -> list[_Call]:
        batch: list[_Call] = []
        while self._waiting and len(batch) < BATCH_CALLS_MAX:
            call = self._waiting.popleft()
            if not call.answered.done():
                batch.append(call)
        return batch

    @asynccontextmanager
    async def _connection(self, pool: BlockingConnectionPool) -> AsyncIterator[AbstractConnection]:
        """A connection that looks alive: the pool connects those that have broken again. Raises _Lost."""
        try:
            async with asyncio.timeout(self._connect_within_s):
                connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        except TimeoutError:
            raise _Lost(f"no connection to the engine within {self._connect_within_s:g} s") from None
        except _LIBRARY_ERRORS as error:
            raise _Lost(f"no connection to the engine: {_words(error)}") from error
        try:
            yield connection
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _exchange(self, connection: AbstractConnection, calls: Sequence[_Call]) -> None:
        """Raises _Lost when the engine says nothing for `answer_within_s`; who was answered before that is answered.
        Raises _Unconfirmed for those whom only a confirmation would have answered."""
        now_s = asyncio.get_running_loop().time
        confirmation = self.confirmation
        packed = [call.packed for call in calls]
        if confirmation is not None:
            packed.append(confirmation.packed)
        try:
            async with asyncio.timeout(self._answer_within_s) as deadline:
                await connection.send_packed_command(b"".join(packed), check_health=False)
                for call in calls:
                    for _ in range(call.commands):
                        try:
                            call.replies.append(await connection.read_response())
                        except ResponseError as refused:
                            call.replies.append(refused)
                    deadline.reschedule(now_s() + self._answer_within_s)
                    if not call.answered.done() and (confirmation is None or _tells_nothing(call.replies)):
                        call.answered.set_result(call.replies)
                if confirmation is not None:
                    await self._confirm(connection, confirmation)
                    for call in calls:
                        if not call.answered.done():
                            call.answered.set_result(call.replies)
        except TimeoutError:
            raise _Lost(f"the engine did not answer within {self._answer_within_s:g} s") from None
        except _LIBRARY_ERRORS as error:
            raise _Lost(f"the connection broke: {_words(error)}") from error

    async def _confirm(self, connection: AbstractConnection, confirmation: Confirmation) -> None:
        try:
            await connection.read_response()
        except ResponseError:
            with contextlib.suppress(ResponseError):
                await connection.read_response()
            raise _Unconfirmed("the engine is no primary any more") from None
        confirmed = await connection.read_response()
        if confirmed < confirmation.replicas:
            raise _Unconfirmed(
                f"{confirmed} of {confirmation.replicas} replicas confirmed within {confirmation.within_ms} ms"
            )

    def _new_pool(self, url: str, connections_max: int) -> BlockingConnectionPool:
        return connection_pool(
            url,
            max_connections=connections_max,
            timeout=self._connect_within_s,
            socket_connect_timeout=self._connect_within_s,
            socket_timeout=None,  # ours is one for a batch, where redis-py's would be one for each answer
            redis_connect_func=self._introduce,
            protocol=2,
            decode_responses=False,
        )

    async def _introduce(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        self._counts["connects"] += 1

    def _lose(self, why: str) -> None:
        """All who wait to be sent."""
        while self._waiting:
            self._waiting.popleft().lose(why)

    def _unavailable(self, words: str) -> Unavailable:
        self._counts["unavailable"] += 1
        return Unavailable(words)

    def _refused(self, words: str) -> Exception:
        if words.startswith(self._handled):
            return Refused(words)
        self._counts["refused"] += 1
        return self._unavailable(f"the engine refused: {words}")


def _tells_nothing(replies: list[Any]) -> bool:
    """Of what is stored: nothing was read or written by a call that was refused at once."""
    return isinstance(replies[0], ResponseError)


def _words(error: Exception) -> str:
    """As the engine said it: redis-py cuts off the codes that it knows."""
    code = "NOSCRIPT" if isinstance(error, NoScriptError) else getattr(error, "status_code", None)
    return f"{code} {error}" if code else str(error)
