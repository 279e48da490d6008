"""Bytes owed to one client. Invariant: what waits for a client is at most bytes_max, always.

We close instead of dropping: a dropped event is a hole the reader cannot see, a closed connection resumes at its
cursor. We do not wait: one stalled phone must not hold back a room. The bytes themselves wait in the transport's
buffer (copying them into a queue of our own first costs a write per message); `pause` and `resume` come from the
transport's flow control, so a client that keeps up is never measured: asking `get_write_buffer_size` on every write
costs 10 % of the fan-out (measured), asking it only while paused costs nothing.

`send` is the short way of a client that keeps up: straight to the kernel, without this object in between (0.82 of the
floor through the transport, 0.91 straight, measured). It is None whenever order or bound could suffer: while anything
waits in the transport, when paused, and from the moment of closing. So whoever calls it never overtakes anything.
"""

from collections.abc import Callable
from typing import Final, Protocol

from gateway.closing import CloseReason

BYTES_MAX: Final = 1024 * 1024
"""About a minute of a very busy room; Centrifugo's default too. The kernel holds up to 128 kB besides."""
UNMEASURED_BYTES_MAX: Final = 64 * 1024
"""A write up to this size to a client that keeps up is not measured: buffer at most high-water mark + this."""


class Sink(Protocol):
    """The socket, as seen from here. No method waits."""

    def write(self, data: bytes) -> None: ...

    def buffered(self) -> int:
        """Bytes accepted by `write` and not yet by the kernel."""
        ...

    def close(self, code: int, words: str) -> None:
        """Begin the closing handshake; the connection is cut if the peer does not finish it in time."""
        ...


Send = Callable[[bytes], int]
"""Takes whole frames straight to the kernel and says how many bytes it took; OSError when none, now or ever."""


class Sharer(Protocol):
    """Who hands one frame to many clients, by their `send`."""

    def sends(self, outbox: "Outbox", before: Send | None) -> None:
        """`outbox.send` is another than `before` now."""
        ...


class Outbox:
    """One per connection. `offer` is sync and never fails: a client that cannot take it is closed, by name."""

    __slots__ = (
        "_on_close", "_sink", "bytes_max", "closed_for", "flowing", "peak_bytes", "send", "sharers", "waiting",
    )  # fmt: skip

    def __init__(self, sink: Sink, on_close: Callable[[CloseReason], None], bytes_max: int = BYTES_MAX) -> None:
        self._sink = sink
        self._on_close = on_close
        self.bytes_max = bytes_max
        self.flowing = True
        self.send: Send | None = None
        """For at most UNMEASURED_BYTES_MAX; what it does not take is to be offered before anything else."""
        self.sharers: tuple[Sharer, ...] = ()
        self.closed_for: CloseReason | None = None
        self.peak_bytes = 0
        self.waiting: Callable[[], None] | None = None
        """Called once when the client keeps up again: how a catch-up waits for room."""

    def offer(self, data: bytes) -> None:
        """Owe these bytes (one or more whole WebSocket frames) to the client."""
        if self.send is not None and len(data) <= UNMEASURED_BYTES_MAX:
            try:
                sent = self.send(data)
            except OSError:  # full, or gone: the transport finds out which
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        self.owe(data)

    def owe(self, data: bytes) -> None:
        """`offer`, for what `send` has just not taken."""
        if self.flowing and len(data) <= UNMEASURED_BYTES_MAX:
            self._sink.write(data)
            return
        if self.closed_for is not None:
            return
        owed = self._sink.buffered() + len(data)
        if owed > self.bytes_max:
            self._on_close(CloseReason.SLOW_READER)
            return
        self.peak_bytes = max(self.peak_bytes, owed)
        self._sink.write(data)

    def owed_bytes(self) -> int:
        """What waits in the transport, for whoever counts it now and then."""
        return self._sink.buffered()

    def go_straight(self, send: Send | None) -> None:
        """Nothing waits in the transport, so `send` keeps the order; or something does (None)."""
        before, self.send = self.send, send if self.flowing else None
        if self.send is not before:
            for sharer in self.sharers:
                sharer.sends(self, before)

    def pause(self) -> None:
        """The transport's buffer is over its high-water mark."""
        self.flowing = False
        self.go_straight(None)

    def resume(self) -> None:
        """The transport's buffer is below its low-water mark again."""
        if self.closed_for is None:
            self.flowing = True
        self._wake()

    def close(self, reason: CloseReason, last_words: bytes) -> None:
        """Owe `last_words`, then the closing handshake; afterwards `offer` does nothing. Idempotent."""
        if self.closed_for is not None:
            return
        self.closed_for = reason
        self.flowing = False
        self.go_straight(None)
        self._sink.write(last_words)
        self._sink.close(reason.code, reason.words)
        self._wake()

    def lose(self) -> None:
        """The socket is gone: nothing can be owed any more."""
        self.closed_for = self.closed_for or CloseReason.INTERNAL
        self.flowing = False
        self.go_straight(None)
        self._wake()

    def _wake(self) -> None:
        if self.waiting is not None:
            wake, self.waiting = self.waiting, None
            wake()
