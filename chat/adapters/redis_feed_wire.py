"""The feed's connection to Redis or Valkey, speaking RESP3: commands go out in order, answers come back in order.

Invariant: every command sent is settled exactly once, with its answer or with `WireLost`, and a wire that heard nothing
for `answer_within_s` while answers were due is lost. It is never repaired: whoever needs one connects a new one, so
"the connection broke" is an event its owner sees, not a silence inside a library.

Only the feed uses it; commands go another way (`redis_command_wire`). A protocol on `hiredis.Reader`, because a
published message costs 0.45 us here and 7.6 in redis-py's PubSub (measured), which besides mends its connection in
silence. It writes once per tick of the loop: what waits is joined.
"""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import hiredis

from chat.adapters.redis_address import Address

_NOT_YET: Any = object()

IN_FLIGHT_MAX: Final = 10_000
"""Commands sent and not answered. An engine that is so far behind is away; more would only make memory grow."""


class WireLost(Exception):
    """The connection could not be made or broke. Whether an unanswered command was carried out is unknown."""


class FeedWire(asyncio.Protocol):
    def __init__(self, *, answer_within_s: float, on_push: Callable[[list[Any]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._transport: asyncio.Transport | None = None
        self._answer_within_s = answer_within_s
        self._on_push = on_push
        self._due: deque[asyncio.Future[Any] | None] = deque()
        self._outgoing: list[bytes] = []
        self._heard = 0
        self._watch: asyncio.TimerHandle | None = None
        self._why: str | None = None
        self.gone: asyncio.Future[str] = self._loop.create_future()
        """Done when the wire is lost, with the reason. Wait for it with `asyncio.wait`, which does not cancel it."""

    @property
    def is_lost(self) -> bool:
        return self._why is not None

    def send(self, *command: str | bytes | int) -> asyncio.Future[Any]:
        """The future of the answer; an error answer is a `hiredis.ReplyError` value. Raises WireLost."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._put(command, answer)
        return answer

    def tell(self, *command: str | bytes | int) -> None:
        """Send a command whose answer is not looked at; if it is an error, the wire is lost. Raises WireLost."""
        self._put(command, None)

    def send_only(self, *command: str | bytes | int) -> None:
        """Send a command that is answered by pushes; should it be refused, the wire is lost. Raises WireLost."""
        if self._why is not None:
            raise WireLost(self._why)
        self._write(command)

    def abort(self, why: str) -> None:
        """Lose the wire now. Idempotent."""
        if self._why is not None:
            return
        self._why = why
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._outgoing.clear()
        while self._due:
            answer = self._due.popleft()
            if answer is not None and not answer.done():
                answer.set_exception(WireLost(why))
                answer.exception()  # seen: who gave up waiting must not make asyncio complain
        if not self.gone.done():
            self.gone.set_result(why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # not asserted: uvloop's transports are no subclass of it
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        if self._why is not None:
            return
        self._heard += 1
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOT_YET:
                if type(reply) is hiredis.PushNotification:
                    self._on_push(reply)
                elif not self._settle(reply):
                    return
        except hiredis.ProtocolError as broken:
            self.abort(f"the engine spoke no RESP: {broken}")

    def connection_lost(self, error: Exception | None) -> None:
        self.abort(f"the connection broke: {error}" if error else "the engine closed the connection")

    def _settle(self, reply: Any) -> bool:
        if not self._due:
            self.abort(f"the engine answered what was not asked: {reply!r}"[:200])
            return False
        answer = self._due.popleft()
        if answer is None:
            if isinstance(reply, hiredis.ReplyError):
                self.abort(f"the engine refused: {reply}")
                return False
        elif not answer.done():
            answer.set_result(reply)
        return True

    def _put(self, command: tuple[str | bytes | int, ...], answer: asyncio.Future[Any] | None) -> None:
        if self._why is not None:
            raise WireLost(self._why)
        if len(self._due) >= IN_FLIGHT_MAX:
            raise WireLost(f"{IN_FLIGHT_MAX} commands already wait for the engine")
        self._due.append(answer)
        self._write(command)
        if self._watch is None:
            self._watch = self._loop.call_later(self._answer_within_s, self._check, self._heard)

    def _write(self, command: tuple[str | bytes | int, ...]) -> None:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub wants 1-tuples

    def _flush(self) -> None:
        if self._outgoing and self._transport is not None:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    def _check(self, heard: int) -> None:
        self._watch = None
        if not self._due:
            return
        if heard == self._heard:
            self.abort(f"the engine did not answer within {self._answer_within_s:g} s")
            return
        self._watch = self._loop.call_later(self._answer_within_s, self._check, self._heard)


@asynccontextmanager
async def open_wire(
    address: Address, wire: asyncio.Protocol, abort: Callable[[str], None], connect_within_s: float
) -> AsyncIterator[None]:
    """Connect it, for who introduces itself in the block; both within that time. Whoever fails there loses the wire,
    by `abort`. Raises WireLost."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(connect_within_s):
            if address.socket_path is not None:
                await loop.create_unix_connection(lambda: wire, address.socket_path)
            else:
                await loop.create_connection(lambda: wire, address.host, address.port, ssl=address.tls)
            yield
    except TimeoutError:
        abort("it took too long to connect")
        raise WireLost(f"no connection to the engine at {address} within {connect_within_s:g} s") from None
    except OSError as error:
        abort("it could not be connected")
        raise WireLost(f"no connection to the engine at {address}: {error}") from error
    except BaseException:
        abort("it was not wanted any more")
        raise


async def connect(
    address: Address,
    *,
    connect_within_s: float,
    answer_within_s: float,
    on_push: Callable[[list[Any]], None],
) -> FeedWire:
    """A wire that has introduced itself to an engine that is ready for commands. Raises WireLost."""
    wire = FeedWire(answer_within_s=answer_within_s, on_push=on_push)
    async with open_wire(address, wire, wire.abort, connect_within_s):
        hello: list[str] = ["HELLO", "3"]
        if address.password is not None:
            hello += ["AUTH", address.username, address.password]
        introduction = [wire.send(*hello)]
        if address.database:
            introduction.append(wire.send("SELECT", address.database))
        introduction.append(wire.send("PING"))  # an engine that still loads its file says so here
        for reply in await asyncio.gather(*introduction):
            if isinstance(reply, hiredis.ReplyError):
                raise WireLost(f"the engine at {address} refused: {reply}")
    return wire
