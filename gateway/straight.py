"""A transport whose writes go straight to the kernel while nothing waits here, and through its buffer otherwise.

Invariant: bytes leave in the order of the calls. Everything of one connection (entries, answers, pings, close frames)
goes through this one object; it hands bytes to the kernel itself only while the transport's own buffer is empty, and
from the first byte that the kernel does not take until that buffer has drained it uses the transport's `write`.

Why: `transport.write` of uvloop queues, collects and sends at the end of the tick. For a room of a thousand that is
5.0 us a reader where `send` on the socket costs 4.5 and a loop in C 4.1 (measured): `send` may be called by whoever
shares one frame among many, without a Python call in between.

The descriptor is the transport's own, borrowed: a duplicate for each connection would halve how many people a process
may hold. So whoever owns the transport must call `end_straight` in `connection_lost` at the latest: asyncio and uvloop
close the descriptor right after it, and its number may be somebody else's connection then. Over TLS there is nothing to
be handed to the kernel, and all goes through the transport.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from gateway.outbox import Send


class StraightTransport(asyncio.Transport):
    """In place of the transport it is made of."""

    __slots__ = ("_changed", "_socket", "_transport", "send")

    def __init__(self, transport: asyncio.Transport, changed: Callable[[Send | None], None]) -> None:
        """`changed` is told whenever `send` appears or disappears."""
        self._transport = transport
        self._changed = changed
        self._socket = None if transport.get_extra_info("sslcontext") else _borrowed(transport)
        self.send: Send | None = self._socket.send if self._socket is not None else None
        """None while something waits: then only `write` keeps the order."""

    def write(self, data: Any) -> None:
        send = self.send
        if send is None:
            if self._socket is None or self._transport.get_write_buffer_size():
                self._transport.write(data)
                return
            send = self.send = self._socket.send
            self._changed(send)
        try:
            sent = send(data)
        except OSError:  # full, or broken: the transport finds out which
            sent = 0
        if sent < len(data):
            self.send = None
            self._changed(None)
            self._transport.write(data[sent:] if sent else data)

    def close(self) -> None:
        self.end_straight()
        self._transport.close()

    def abort(self) -> None:
        self.end_straight()
        self._transport.abort()

    def end_straight(self) -> None:
        """Give the descriptor back; a `send` that somebody kept raises OSError from now on. Idempotent."""
        if self._socket is not None:
            self._socket.detach()
            self._socket = self.send = None
            self._changed(None)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()


class _Borrowed(socket.socket):
    """Never closes its descriptor, whatever becomes of it."""

    __slots__ = ()

    def __del__(self) -> None:
        self.detach()


def _borrowed(transport: asyncio.Transport) -> socket.socket | None:
    original = transport.get_extra_info("socket")
    if original is None:
        return None
    borrowed = _Borrowed(original.family, original.type, original.proto, fileno=original.fileno())
    borrowed.setblocking(False)
    return borrowed
