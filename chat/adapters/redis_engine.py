"""Commands to one Redis: what log, presence, jobs and invitations share.

Invariant: whatever happens to the engine, a caller hears an answer or `Unavailable` within a bounded time; library
exceptions end here. A command whose answer was lost with the connection is repeated once on a new one, unless it said
that repeating is not safe: most commands here are idempotent, or carry a once-key.

Commands of all coroutines that come in one tick of the loop travel together, and the next batch goes out when this one
is answered. So commands take effect in the order in which they were asked for, whatever connection carries them, and
while the engine writes one batch to its disk the next one gathers. Nobody waits for a task to send them: who asks first
in a tick has them sent at its end, and answers go from the connection's bytes to those who asked. Only connecting has a
task. What a command costs is told in `redis_command_wire`.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Self

from hiredis import ReplyError

from chat.adapters.keepers import Keepers
from chat.adapters.redis_address import Address
from chat.adapters.redis_command_wire import CommandWire, connect, pack
from chat.adapters.redis_feed_wire import WireLost
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

Command = Sequence[str | bytes | int]


class Refused(Exception):
    """The engine answered with an error."""


class _Lost(Exception):
    """The connection could not be made or broke. Whether an unanswered command was carried out is unknown."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """With what a batch ends where nothing counts before replicas have it too (see `redis_cluster`)."""

    mark: Command
    """A write, so that WAIT has something to wait for when the batch only read or recognised."""
    replicas: int
    within_ms: int

    @property
    def packed(self) -> bytes:
        return pack(tuple(self.mark)) + pack(("WAIT", self.replicas, self.within_ms))

    def why_not(self, mark: Any, confirmed: Any) -> str | None:
        """From the answers to these two: why nothing of the batch counts."""
        if isinstance(mark, ReplyError) or isinstance(confirmed, ReplyError):
            return "the engine is no primary any more"
        if confirmed < self.replicas:
            return f"{confirmed} of {self.replicas} replicas confirmed within {self.within_ms} ms"
        return None


class Script:
    """A Lua script, known to the engine by its digest."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def resource(cls, *names: str) -> Self:
        """These files, one behind the other."""
        here = files("chat.adapters")
        return cls("".join(here.joinpath(name).read_text(encoding="utf-8") for name in names))

    async def run(
        self,
        call: Callable[..., Awaitable[Any]],
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        *,
        repeatable: bool,
    ) -> Any:
        """By its digest; in whole to an engine that has not seen it since it was started. `call` is an engine's."""
        try:
            return await call("EVALSHA", self.digest, len(keys), *keys, *args, repeatable=repeatable)
        except Refused as refused:
            if not str(refused).startswith("NOSCRIPT"):
                raise
        return await call("EVAL", self.source, len(keys), *keys, *args, repeatable=repeatable)


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
        # By hiredis: 1.7 us for an append, where redis-py's own packer takes 14 (measured).
        packed = b"".join([pack(tuple(command)) for command in commands])
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
        self._address = Address.parse(url)
        self._wire: CommandWire | None = None
        """The one that carries all commands but those that block."""
        self._blocking: list[CommandWire] = []
        """For reads that block, and not in use."""
        self._blocking_places = asyncio.Semaphore(BLOCKED_CONNECTIONS_MAX)
        self._waiting: deque[_Call] = deque()
        self._batch: list[_Call] = []
        self._answered = 0
        """How many calls of the batch have all their replies."""
        self._confirming: Confirmation | None = None
        """What ends this batch; its two answers come last."""
        self._marks: list[Any] = []
        self._sending = False
        """Whether a batch is under way, or is about to be."""
        self._wanted = asyncio.Event()
        """A connection is."""
        self._keepers = Keepers()
        self._keeper: asyncio.Task[None] | None = None
        self._counts = {"commands": 0, "connects": 0, "repeated": 0, "unavailable": 0, "refused": 0}

    async def __aenter__(self) -> Self:
        await self._keepers.open()
        self._keeper = self._keepers.start(self._keep_connected(), "redis commands")
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            await self._keepers.close(error)
        finally:
            for wire in self._blocking:
                wire.abort(_CLOSED)

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
        self._send_soon()
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
            async with asyncio.timeout(self._connect_within_s):
                await self._blocking_places.acquire()
        except TimeoutError:
            raise self._unavailable(f"no connection to the engine within {self._connect_within_s:g} s") from None
        try:
            wire = await self._blocking_wire()
            try:
                replies = await wire.ask(call.packed, 1)
            except BaseException:
                wire.abort("nobody waits for its answer any more")
                raise
            self._blocking.append(wire)
        except WireLost as lost:
            self.trouble()
            raise self._unavailable(str(lost)) from lost
        finally:
            self._blocking_places.release()
        return self._accepted(replies)[0]

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | bytes | int],
        *,
        repeatable: bool = True,
    ) -> Any:
        return await script.run(self.call, keys, args, repeatable=repeatable)

    def trouble(self) -> None:
        """Tell whoever looks after the engine that it may be gone."""
        if self._on_trouble is not None and self._is_open:
            self._on_trouble()

    def statistics(self) -> dict[str, int]:
        return {**self._counts, "in_flight": len(self._waiting) + len(self._batch)}

    @property
    def _is_open(self) -> bool:
        return self._keeper is not None and not self._keeper.done()

    def _new_call(self, commands: Sequence[Command], *, repeatable: bool) -> _Call:
        if not self._is_open:
            raise self._unavailable(_CLOSED)
        self._counts["commands"] += len(commands)
        return _Call.of(commands, repeatable=repeatable)

    def _accepted(self, replies: list[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise self._refused(str(reply))
        return replies

    async def _keep_connected(self) -> None:
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                try:
                    self._wire = await self._connect()
                except WireLost as lost:
                    self.trouble()
                    # All who wait share the outcome of connecting: a thousand callers in turn, each waiting for its
                    # own timeout, would be minutes. Who comes later tries anew: a feed that is back reads the log at
                    # once.
                    self._sending = False
                    self._lose(str(lost))
                else:
                    self._send_batch()
        finally:
            self._waiting.extendleft(reversed(self._batch))
            self._batch = []
            self._lose(_CLOSED)
            if self._wire is not None:
                self._wire.abort(_CLOSED)

    async def _connect(self) -> CommandWire:
        """Raises WireLost."""
        wire = await connect(
            self._address, connect_within_s=self._connect_within_s, answer_within_s=self._answer_within_s
        )
        self._counts["connects"] += 1
        return wire

    async def _blocking_wire(self) -> CommandWire:
        """Raises WireLost."""
        while self._blocking:
            wire = self._blocking.pop()
            if not wire.is_lost:
                return wire
        return await self._connect()

    def _send_soon(self) -> None:
        """At the end of the tick in which they gather: who was just answered often asks again."""
        if not self._sending:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._send_batch)

    def _send_batch(self) -> None:
        wire = self._wire
        if wire is None or wire.is_lost:
            self._wanted.set()
            return
        self._sending = False
        calls = self._next_batch()
        if not calls:
            return
        self._sending, self._batch, self._answered = True, calls, 0
        packed, answers = [call.packed for call in calls], sum([call.commands for call in calls])
        self._confirming = self.confirmation
        if self._confirming is not None:
            packed.append(self._confirming.packed)
            answers += 2
            self._marks = []
        wire.exchange(b"".join(packed), answers, self._told, self._ended)

    def _told(self, reply: Any) -> None:
        if self._answered == len(self._batch):
            self._marks.append(reply)
            return
        call = self._batch[self._answered]
        call.replies.append(reply)
        if len(call.replies) == call.commands:
            self._answered += 1
            if not call.answered.done() and (self._confirming is None or _tells_nothing(call.replies)):
                call.answered.set_result(call.replies)

    def _ended(self, why_lost: str | None) -> None:
        calls, self._batch, self._sending = self._batch, [], False
        if why_lost is not None:
            self.trouble()
            for call in reversed(calls):  # what is repeated goes before what came later
                if call.repeatable and not call.answered.done():
                    self._counts["repeated"] += 1
                    call.repeatable = False
                    call.replies.clear()
                    self._waiting.appendleft(call)
                else:
                    call.lose(why_lost)
        elif self._confirming is not None:
            unconfirmed = self._confirming.why_not(*self._marks)
            if unconfirmed is not None:
                self.trouble()
            for call in calls:
                if unconfirmed is not None:
                    call.lose(unconfirmed)
                elif not call.answered.done():
                    call.answered.set_result(call.replies)
        if self._waiting:
            self._send_soon()

    def _next_batch(self) -> list[_Call]:
        batch: list[_Call] = []
        while self._waiting and len(batch) < BATCH_CALLS_MAX:
            call = self._waiting.popleft()
            if not call.answered.done():
                batch.append(call)
        return batch

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
    return isinstance(replies[0], ReplyError)
