"""The thinnest member: one socket, frames cut by hand, entries looked at as bytes. For benchmarks only.

A benchmark's clients share the machine with the server they measure. `chat.client` checks every frame (40 us); here an
entry costs a few microseconds, so that 200 readers of a busy room do not become the bottleneck they are measuring.
Frames of the server are unmasked and never fragmented (RFC 6455 sections 5.1 and 5.4 allow both; ours does neither).
"""

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import msgpack
import msgspec

from chat.commands import Command
from chat.wire import Codec

ENTRY: Final = b"\x86\xa4type\xa5entry"
"""How every entry begins (chat.wire.entry_frame)."""
ANSWER_WITHIN_S: Final = 60.0
_CLOSE, _PING, _PONG, _BINARY = 0x8, 0x9, 0xA, 0x2
_BIND_ADDRESS_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: the port is chosen at `connect`, when the other end is known."""

OnEntry = Callable[[bytes], None]
OnData = Callable[[bytes], bool]
"""Looks at bytes as they come, when nothing is left of what came before; True: they are dealt with."""
OnAnswer = Callable[[dict[str, Any]], None]


class Making(Protocol):
    """Makes a command once its id is known, as a class of `chat.commands` does, or a `partial` of one."""

    def __call__(self, *, id: int) -> Command: ...


class RawMember(asyncio.Protocol):
    """`await RawMember.connect(...)`, then `ask`. Entries go to `on_entry` as undecoded frames."""

    def __init__(
        self,
        on_entry: OnEntry,
        on_data: OnData | None = None,
        on_gone: Callable[[], None] | None = None,
        host: str = "localhost",
    ) -> None:
        self.on_entry = on_entry
        self._on_data = on_data
        self._on_gone = on_gone
        self._host = host
        self.close_code: int | None = None
        self.closing: dict[str, Any] | None = None
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, OnAnswer] = {}
        self._buffer = bytearray()
        self._last_id = 0

    @classmethod
    async def connect(
        cls,
        port: int,
        on_entry: OnEntry = lambda _: None,
        *,
        receive_buffer_bytes: int | None = None,
        host: str = "127.0.0.1",
        source: str | None = None,
        tls: ssl.SSLContext | None = None,
        on_data: OnData | None = None,
        on_gone: Callable[[], None] | None = None,
    ) -> "RawMember":
        """Over an open WebSocket. `host` is an IPv4 address or a name; `source`, the address to call from: one address
        has some 28,000 ports. Raises OSError, TimeoutError."""
        loop = asyncio.get_running_loop()
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            raw.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            raw.bind((source, 0))
        if receive_buffer_bytes is not None:  # before connect: afterwards the window has been promised already
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await loop.sock_connect(raw, (host, port))
                _, member = await loop.create_connection(
                    lambda: cls(on_entry, on_data, on_gone, host),
                    sock=raw,
                    ssl=tls,
                    server_hostname=host if tls is not None else None,
                )
        except BaseException:
            raw.close()
            raise
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await member._opened
        except BaseException:
            member.close()
            raise
        return member

    async def ask(self, make: Making) -> dict[str, Any]:
        """The answer to one command. Raises ConnectionError when it is an error, or never comes."""
        answer = await self.answer(make)
        if answer["type"] == "error":
            raise ConnectionError(f"{answer['code']}: {answer['words']}")
        return answer

    async def answer(self, make: Making) -> dict[str, Any]:
        """As `ask`, but an error is an answer too. Raises ConnectionError when none comes."""
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.tell(make, lambda frame: None if answered.done() else answered.set_result(frame))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            answer = await answered
        if answer["type"] == "lost":
            raise ConnectionError(answer["words"])
        return answer

    def tell(self, make: Making, then: OnAnswer) -> None:
        """Send a command without waiting. `then` gets the frame that answers it, or `{"type": "lost"}` when the
        connection ends first."""
        if self.gone.is_set():
            then({"type": "lost", "words": f"closed with {self.close_code}"})
            return
        self._last_id += 1
        self._answers[self._last_id] = then
        self._send(_BINARY, msgpack.packb(msgspec.to_builtins(make(id=self._last_id))))

    def stall(self) -> None:
        """Read no more: what comes waits in the kernels, then at the server."""
        if self.transport is not None:
            self.transport.pause_reading()

    def read_on(self) -> None:
        """Take at once what waited: with the window that stalled it, a megabyte would take seconds."""
        if self.transport is not None and not self.gone.is_set():
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            self.transport.resume_reading()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        transport = self.transport
        transport.write(
            (
                f"GET /ws HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: {Codec.MSGPACK.value}\r\n\r\n"
            ).encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        words = f"closed with {self.close_code}"
        if not self._opened.done():
            self._opened.set_exception(ConnectionError(words))
            self._opened.exception()  # seen, even when nobody waits any more
        answers, self._answers = self._answers, {}
        for then in answers.values():
            then({"type": "lost", "words": words})
        if self._on_gone is not None:
            self._on_gone()

    def data_received(self, data: bytes) -> None:
        if self._on_data is not None and not self._buffer and self._opened.done() and self._on_data(data):
            return
        self._buffer += data
        if not self._opened.done():
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self._opened.set_exception(ConnectionError(head.split(b"\r\n", 1)[0].decode("latin-1")))
                self.close()
                return
            self._buffer = bytearray(rest)
            self._opened.set_result(None)
        self._cut_frames()

    def _cut_frames(self) -> None:
        buffer, at, size = bytes(self._buffer), 0, len(self._buffer)
        while size - at >= 2:
            length, begin = buffer[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if begin + length > size:
                break
            self._frame(buffer[at] & 0x0F, buffer[begin : begin + length])
            at = begin + length
        if at:
            del self._buffer[:at]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _BINARY:
            if payload.startswith(ENTRY):
                self.on_entry(payload)
            else:
                self._told(msgpack.unpackb(payload))
        elif opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.close()

    def _told(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "closing":
            self.closing = frame
            return
        if frame["type"] == "room" and frame["re"] not in self._answers:
            return
        then = self._answers.pop(frame.get("re") or 0, None)
        if then is not None:
            then(frame)

    def _send(self, opcode: int, payload: bytes) -> None:
        """Clients mask (RFC 6455 section 5.3)."""
        if self.transport is None:
            raise ConnectionError("not connected")
        size = len(payload)
        head = (
            bytes((0x80 | opcode, 0x80 | size))
            if size < 126
            else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
        )
        mask = os.urandom(4)
        pattern = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
        self.transport.write(head + mask + masked)
