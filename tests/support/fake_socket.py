"""A socket that a test can slow, stop and cut. The `Sink` of an outbox, and the frames that came through it.

TCP is kept honest: bytes arrive in order or not at all, and nothing arrives after a cut.
"""

from collections.abc import Callable

from chat.frames import Frame
from chat.wire import Codec, decode_frame
from gateway.connection import Connection
from gateway.protocol import HIGH_WATER_BYTES


def split_frames(data: bytes) -> list[bytes]:
    """The payloads of whole, unmasked WebSocket frames (RFC 6455 section 5.2), read independently of `fanout`."""
    payloads, at = [], 0
    while at < len(data):
        assert data[at] in (0x81, 0x82), f"not a whole text or binary frame: {data[at : at + 4].hex()}"
        size, at = data[at + 1], at + 2
        if size == 126:
            size, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        elif size == 127:
            size, at = int.from_bytes(data[at : at + 8], "big"), at + 8
        payloads.append(data[at : at + size])
        at += size
    assert at == len(data), "the last frame is cut off"
    return payloads


class FakeSocket:
    def __init__(self, codec: Codec = Codec.MSGPACK, on_frame: Callable[[Frame], None] | None = None) -> None:
        self.codec = codec
        self.connection: Connection | None = None
        self.frames: list[Frame] = []
        self.raw: list[bytes] = []
        self.writes = 0
        self.closed: int | None = None
        self.on_close: Callable[[int], None] | None = None
        self._on_frame = on_frame
        self._stalled = False
        self._is_cut = False
        self._backlog = b""

    # -- Sink

    def write(self, data: bytes) -> None:
        assert self.closed is None, "nothing may be written after the close frame"
        if self._is_cut:
            return
        self.writes += 1
        if not self._stalled:
            self._arrive(data)
            return
        self._backlog += data
        if len(self._backlog) > HIGH_WATER_BYTES and self.connection is not None:
            self.connection.outbox.pause()

    def buffered(self) -> int:
        return len(self._backlog)

    def close(self, code: int, words: str) -> None:
        if self.closed is None:
            self.closed = code
            if self.on_close is not None:
                self.on_close(code)

    # -- the other end

    def stall(self) -> None:
        """The reader stops reading."""
        self._stalled = True

    def drain(self) -> None:
        """The reader reads again, all of it."""
        self._stalled = False
        backlog, self._backlog = self._backlog, b""
        if backlog and not self._is_cut:
            self._arrive(backlog)
        if self.connection is not None:
            self.connection.outbox.resume()

    def cut(self) -> None:
        """Gone: what had not arrived never will."""
        self._is_cut = True
        self._backlog = b""

    def _arrive(self, data: bytes) -> None:
        self.raw.append(data)
        for payload in split_frames(data):
            frame = decode_frame(payload, self.codec)
            self.frames.append(frame)
            if self._on_frame is not None:
                self._on_frame(frame)
