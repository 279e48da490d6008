"""The connection that carries commands: a batch goes out in one write, and its answers are told as they come.

Invariant: what was exchanged ends exactly once, with its last answer or with why the wire was lost. A wire that hears
nothing for `answer_within_s` while answers are due is lost. It is never repaired: whoever needs one connects a new one.

Not redis-py's connection: with its pool, its timeouts and streams, and a coroutine for each answer, a command alone
cost this process 43 us, and 14 with nine others; here it is 12 and 6.5 (measured). Not the feed's wire either: that one
speaks RESP3 and settles a future for each command, and a batch wants neither.

RESP2: its shapes are lists everywhere, nothing is pushed between two answers, and every engine speaks it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import hiredis

from chat.adapters.redis_address import Address
from chat.adapters.redis_feed_wire import WireLost, open_wire

_NOT_YET: Any = object()
_NAME: Final = ("CLIENT", "SETINFO", "LIB-NAME", "diqiucun")
"""For who looks at the engine's list of clients. Engines older than Redis 7.2 refuse it, and that is all right."""

pack: Callable[[Sequence[str | bytes | int]], bytes] = hiredis.pack_command  # type: ignore[assignment]  # its stub wants 1-tuples


class CommandWire(asyncio.Protocol):
    __slots__ = (
        "_answer_within_s", "_deadline", "_due", "_ended", "_heard_s", "_loop", "_reader", "_tell", "_transport",
        "why_lost",
    )  # fmt: skip

    def __init__(self, answer_within_s: float) -> None:
        self._answer_within_s = answer_within_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._transport: asyncio.Transport | None = None
        self._due = 0
        """Answers that the exchange under way still awaits."""
        self._tell: Callable[[Any], object] | None = None
        self._ended: Callable[[str | None], None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._heard_s = 0.0
        self.why_lost: str | None = None

    @property
    def is_lost(self) -> bool:
        return self.why_lost is not None or self._transport is None or self._transport.is_closing()

    def exchange(
        self, packed: bytes, answers: int, tell: Callable[[Any], object], ended: Callable[[str | None], None]
    ) -> None:
        """Send commands and `tell` each of their `answers` (an error is a `hiredis.ReplyError` value), then say with
        `ended` that these were all, or why the wire was lost. One exchange at a time. Raises WireLost."""
        if self._transport is None or self.is_lost:
            raise WireLost(self.why_lost or "the connection is just closing")
        if self._due:
            raise RuntimeError("the answers of the last exchange are still due")
        self._due, self._tell, self._ended = answers, tell, ended
        self._heard_s = self._loop.time()
        self._deadline = self._loop.call_later(self._answer_within_s, self._check)
        self._transport.write(packed)

    async def ask(self, packed: bytes, answers: int) -> list[Any]:
        """The answers. Raises WireLost. Who stops waiting must `abort`: the answers are still due."""
        replies: list[Any] = []
        done: asyncio.Future[None] = self._loop.create_future()

        def ended(why: str | None) -> None:
            if done.done():
                return
            if why is None:
                done.set_result(None)
            else:
                done.set_exception(WireLost(why))

        self.exchange(packed, answers, replies.append, ended)
        await done
        return replies

    def abort(self, why: str) -> None:
        """Lose the wire now. Idempotent."""
        if self.why_lost is not None:
            return
        self.why_lost = why
        if self._transport is not None:
            self._transport.abort()
        if self._due:
            self._end(why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # not asserted: uvloop's transports are no subclass of it
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        reader, tell = self._reader, self._tell
        try:
            reader.feed(data)
            while self._due and tell is not None and (reply := reader.gets()) is not _NOT_YET:
                self._due -= 1
                tell(reply)
            if not self._due and reader.has_data():
                self.abort("the engine answered what was not asked")
        except hiredis.ProtocolError as broken:
            self.abort(f"the engine spoke no RESP: {broken}")
        if not self._due and self._ended is not None:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.abort(f"the connection broke: {error}" if error else "the connection broke: the engine closed it")

    def _end(self, why: str | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        ended, self._ended, self._tell, self._deadline, self._due = self._ended, None, None, None, 0
        if ended is not None:
            ended(why)

    def _check(self) -> None:
        """The deadline counts from the last answer that came, not from the first that was asked for."""
        left_s = self._heard_s + self._answer_within_s - self._loop.time()
        if left_s > 0:
            self._deadline = self._loop.call_later(left_s, self._check)
        else:
            self.abort(f"the engine did not answer within {self._answer_within_s:g} s")


async def connect(address: Address, *, connect_within_s: float, answer_within_s: float) -> CommandWire:
    """A wire that has introduced itself. Raises WireLost."""
    wire = CommandWire(answer_within_s)
    introduction: list[tuple[str | int, ...]] = []
    if address.password is not None:
        named = () if address.username == "default" else (address.username,)  # engines before 6 know no names
        introduction.append(("AUTH", *named, address.password))
    if address.database:
        introduction.append(("SELECT", address.database))
    async with open_wire(address, wire, wire.abort, connect_within_s):
        replies = await wire.ask(b"".join([pack(each) for each in (*introduction, _NAME)]), len(introduction) + 1)
        for reply in replies[:-1]:
            if isinstance(reply, hiredis.ReplyError):
                raise WireLost(f"the engine at {address} refused: {reply}")
    return wire
