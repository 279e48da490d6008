"""uvicorn's WebSocket protocol, opened for fan-out: the application writes whole frames into the transport itself.

Why a subclass: `await send()` once per delivery costs 2.2 times as much as `transport.write` of bytes made once
(measured), and only the protocol hears `pause_writing`. What must stay true:

- raw frames only after the handshake and never after our close frame: `close_sent` is checked through `Outbox`;
- everything of one connection goes through the one `StraightTransport`, in call order, so pings, pongs and close
  frames cannot overtake entries and vice versa, whether they leave by the kernel or wait in the buffer;
- a closing handshake has a deadline and then the socket is *aborted*: `transport.close()` waits for the backlog of a
  stalled peer for ever;
- SO_SNDBUF is bounded: the kernel otherwise takes 2.8 to 4.2 MB for each dead reader before we notice.

The application finds the protocol in `scope["extensions"]["diqiucun.socket"]`.
"""

import socket
from asyncio import TimerHandle
from asyncio.transports import BaseTransport, Transport
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from gateway.closing import CloseReason
from gateway.connection import Connection
from gateway.outbox import Send
from gateway.straight import StraightTransport

EXTENSION: Final = "diqiucun.socket"
SEND_BUFFER_BYTES: Final = 64 * 1024
"""Of the kernel, per socket (Linux doubles it)."""
HIGH_WATER_BYTES: Final = 64 * 1024
CLOSE_WITHIN_S: Final = 10.0
"""A slow reader needs time to take its backlog in and find the code behind it; a dead one holds 1 MB so much longer."""


class ChatProtocol(WebSocketsSansIOProtocol):
    """One client's socket. Also the `Sink` of its outbox."""

    connection: Connection | None = None
    transport: StraightTransport
    _cut: TimerHandle | None = None

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

    def opened(self, connection: Connection) -> None:
        """The handshake is over: from here on this is the sink of `connection`."""
        self.connection = connection
        connection.outbox.go_straight(self.transport.send)

    def _straight(self, send: Send | None) -> None:
        if self.connection is not None:
            self.connection.outbox.go_straight(send)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def send_receive_event_to_app(self) -> None:
        """As uvicorn's, but text that is not UTF-8 ends in 1007 instead of a traceback in the log."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                if self.close_sent:
                    return
                self.conn.fail(1007, "text messages are UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.connection is not None:
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

    def _cut_later(self) -> None:
        if self._cut is None and not self.disconnected:
            self._cut = self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)
