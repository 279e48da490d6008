"""uvicorn's WebSocket protocol, opened for fan-out: the application writes whole frames into the transport itself.

Why a subclass: `await send()` once per delivery costs 2.2 times as much as `transport.write` of bytes made once
(measured), and only the protocol hears `pause_writing`. What must stay true:

- raw frames only after the handshake and never after our close frame: `close_sent` is checked through `Outbox`;
- everything of one connection goes through the one `StraightTransport`, in call order, so pings, pongs and close
  frames cannot overtake entries and vice versa, whether they leave by the kernel or wait in the buffer;
- a closing handshake has a deadline and then the socket is *aborted*: `transport.close()` waits for the backlog of a
  stalled peer for ever;
- SO_SNDBUF is bounded: the kernel otherwise takes 2.8 to 4.2 MB for each dead reader before we notice;
- who is silent costs little: the ASGI call ends with the handshake (`opened`) and takes request, headers and scope with
  it, messages go to an `Inbox` that is empty without them, and frame parsers are lent (`gateway.parsers`).

The application finds the protocol in `scope["extensions"]["diqiucun.socket"]`.
"""

import asyncio
import socket
from asyncio import TimerHandle
from asyncio.transports import BaseTransport, Transport
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast

from structlog.contextvars import bind_contextvars
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.server import ServerProtocol

from gateway.closing import CloseReason
from gateway.connection import Connection
from gateway.inbox import Inbox
from gateway.outbox import Send
from gateway.parsers import lone_message, parsers_up_to, remembers_nothing
from gateway.straight import StraightTransport

EXTENSION: Final = "diqiucun.socket"
SEND_BUFFER_BYTES: Final = 64 * 1024
"""Of the kernel, per socket (Linux doubles it)."""
HIGH_WATER_BYTES: Final = 64 * 1024
CLOSE_WITHIN_S: Final = 10.0
"""A slow reader needs time to take its backlog in and find the code behind it; a dead one holds 1 MB so much longer."""

Release = Callable[[Connection], Awaitable[None]]

_WRITABLE: Final = asyncio.Event()
_WRITABLE.set()


class ChatProtocol(WebSocketsSansIOProtocol):
    """One client's socket. Also the `Sink` of its outbox and the `Owner` of its inbox."""

    # uvicorn's too: in a dict of each connection 40 names take more than in slots.
    __slots__ = (
        "_conn", "_cut", "_inbox", "_release", "app", "app_state", "asgi_version", "client", "close_sent",
        "close_timeout", "close_timer", "config", "connection", "connections", "curr_msg_data_type",
        "default_headers", "disconnected", "frames", "handshake_complete", "handshake_initiated", "initial_response",
        "last_ping_rtt", "logger", "loop", "pending_ping_payload", "ping_interval", "ping_sent_at", "ping_timeout",
        "ping_timer", "pong_timer", "queue", "read_paused", "request", "response", "root_path", "scheme", "scope",
        "server", "tasks", "transport", "writable",
    )  # fmt: skip

    connection: Connection | None
    transport: StraightTransport

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._conn: ServerProtocol | None = None
        self._cut: TimerHandle | None = None
        self._inbox: Inbox | None = None
        self._release: Release | None = None
        self.connection = None
        super().__init__(*arguments, **options)

    @property
    def conn(self) -> ServerProtocol:
        """The parser of this connection; a borrowed one if it had none."""
        if self._conn is None:
            self._conn = parsers_up_to(self.config.ws_max_size).borrow()
        return self._conn

    @conn.setter
    def conn(self, parser: ServerProtocol) -> None:
        self._conn = parser

    def _lay_aside(self) -> None:
        """Nothing is begun: whoever sends next may have this parser."""
        parser = self._conn
        if self._inbox is None or parser is None or self.close_sent or not remembers_nothing(parser):
            return
        self._conn = None
        if not parser.accept_called:  # the one of the handshake holds the request
            parsers_up_to(self.config.ws_max_size).give_back(parser)

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport = StraightTransport(cast(Transport, transport), self._straight)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            # asyncio sets it only where the listening socket was made with proto=IPPROTO_TCP; without it every second
            # small answer waits 40 ms for a delayed ACK (measured).
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def opened(self, connection: Connection, release: Release) -> None:
        """The handshake is over: from here on this is the sink of `connection`, and what the client sends is its work.
        `release` is called once, after the last of it. The application has nothing more to do and may return."""
        self.connection, self._release = connection, release
        came, self._inbox = self.queue, Inbox(self)
        self.queue = cast(Any, self._inbox)
        while not came.empty():
            self._inbox.put_nowait(came.get_nowait())
        if self.writable.is_set():
            self.writable = _WRITABLE
        connection.outbox.go_straight(self.transport.send)

    async def run_asgi(self) -> None:
        """As uvicorn's, but the socket stays open when the application has handed it to a connection."""
        handed_over = False
        try:
            await self.app(cast(Any, self.scope), cast(Any, self.receive), cast(Any, self.send))
            handed_over = self._inbox is not None
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self.send_500_response()
        else:
            if not handed_over and not self.handshake_complete:
                self.logger.error("ASGI callable returned without completing handshake.")
                self.send_500_response()
        if not handed_over and self.close_timer is None:
            self.transport.close()
        if self.handshake_complete:
            del self.scope, self.request, self.response
            self.server = self.client = None
            self._lay_aside()

    def data_received(self, data: bytes) -> None:
        if self._conn is None and self._inbox is not None:
            message = lone_message(data, self.config.ws_max_size)
            if message is not None:
                self._put(self._inbox, message)
                return
        super().data_received(data)
        self._lay_aside()

    def send_keepalive_ping(self) -> None:
        super().send_keepalive_ping()
        self._lay_aside()

    def _straight(self, send: Send | None) -> None:
        if self.connection is not None:
            self.connection.outbox.go_straight(send)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def send_receive_event_to_app(self) -> None:
        """As uvicorn's, but text that is not UTF-8 ends in 1007 instead of a traceback in the log, and once the socket
        is open messages go to the inbox."""
        message = b"".join(self.frames)
        if self.curr_msg_data_type == "text":
            try:
                message.decode()
            except UnicodeDecodeError:
                self.frames = []
                if self.close_sent:
                    return
                self.conn.fail(1007, "text messages are UTF-8")
                self.handle_parser_exception()
                return
        if self._inbox is None:
            super().send_receive_event_to_app()
            return
        self.frames = []
        if self.close_sent:
            return
        self._put(self._inbox, message)

    def _put(self, inbox: Inbox, message: bytes) -> None:
        if inbox.put(message) and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        if self.connection is None:
            super().pause_writing()
        else:
            self.connection.outbox.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.connection is not None:
            self.connection.outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport.end_straight()
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        if self.connection is not None:
            self.connection.outbox.lose()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The process is asked to end: say goodbye in our own words."""
        if self.connection is not None and self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.connection.close(CloseReason.RESTARTING)
            return
        super().shutdown()

    def keepalive_timeout(self) -> None:
        """No pong: the peer is gone or stalled, so its backlog must not keep the socket open."""
        super().keepalive_timeout()
        self._cut_later()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._cut_later()

    # -- Sink ------------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self.disconnected and not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    def buffered(self) -> int:
        return 0 if self.disconnected else self.transport.get_write_buffer_size()

    def close(self, code: int, words: str) -> None:
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": words})
        try:
            self.conn.send_close(code, words)
        except InvalidState:
            self.transport.abort()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)

    # -- Owner of the inbox ----------------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def read_on(self) -> None:
        if self.read_paused and not self.disconnected:
            self.read_paused = False
            self.transport.resume_reading()

    async def work(self, message: bytes) -> None:
        if self.connection is not None:
            bind_contextvars(connection=self.connection.id)  # of this task: each line logged on behalf of this client
            await self.connection.receive(message)

    async def leave(self) -> None:
        if self.connection is not None and self._release is not None:
            bind_contextvars(connection=self.connection.id)
            await self._release(self.connection)

    def abandoned(self) -> None:
        if self.close_timer is None:
            self.transport.close()

    def _cut_later(self) -> None:
        if self._cut is None and not self.disconnected:
            self._cut = self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)
