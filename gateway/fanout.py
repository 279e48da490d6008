"""One frame, many clients: made once, shared as the same bytes, joined per loop tick.

Members with the same codec and reading languages form a `Group`: they receive exactly the same bytes. The first
frame of a tick schedules one flush at the end of it; a burst becomes one write per member. That is the only design
that beats one send per delivery and it costs nothing when the room is quiet. `writelines` instead of a join was slower.

Invariant: a member receives the frames offered to its group after it was added and before it was removed, in order.
Who is added while frames wait is a newcomer until they are written, and is owed only what comes after; who is removed
gets what waits at once. Neither makes the others' frames leave sooner: in a crowd on its way in each would undo what
gathering spares.

How far each step brought us, in deliveries per second of processor against a C loop of `send` (docs/performance.md),
for a thousand readers, one post in flight / sixteen: an outbox, its sink and the transport called for each reader
0.51 / 2.2; `send` of each outbox straight to the kernel 0.60 / 2.7; the loop walking over nothing but these `send`s
(fewer cache misses, we suppose) 0.66 / 3.5; gathering of bursts (GATHER_S_MAX), and who is here decoded once 0.65 /
4.5; gathering by a mean, which outlives one stray frame, 0.69 / 5.4; commands over a wire of our own, no parser for a
message that comes whole 0.74 / 6.7; a post in one step of the engine 0.76 / 9.2: delivering is the same, but who posts
again sooner is joined with the others, 15.7 of 16. Medians of single runs: one and the same code differs by 0.05 / 1.

A loop in C would take what is left of Python out of each delivery, 0.6 to 1.3 us of 5 (reckoned from the table, not
built): about 0.9 for a thousand readers, and little for a hundred, where the post itself is what costs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chat.wire import Codec
from gateway.outbox import UNMEASURED_BYTES_MAX, Outbox, Send

GATHER_S_MAX: Final = 0.01
"""A burst in a busy room gathers as long as writing the last one took (5 ms for a thousand readers), at most this.
Two halves of a burst otherwise chase each other for ever, each written while the other is being stored."""
GATHER_CROWD_S: Final = 0.05
CROWD: Final = 200.0
"""While so many have just come (each counts half after a second), a room that is written to most of the time gathers
so long: coming in needs the processor more than those who are here need each post at once. Of 5,000 who come back all
at once the last one otherwise waits for a quarter of a million deliveries a second to the others."""


@dataclass(frozen=True, slots=True)
class Timers:
    """What hub and groups need of an event loop."""

    schedule: Callable[[Callable[[], None]], object]
    """At the end of this tick."""
    call_later: Callable[[float, Callable[[], None]], object]
    """After so many seconds."""
    now_s: Callable[[], float]


_BINARY: Final = 0x82
_TEXT: Final = 0x81


def websocket_frame(payload: bytes, codec: Codec) -> bytes:
    """An unfragmented, unmasked server frame (RFC 6455 section 5.2). Compression is off on purpose: it would make
    each client's bytes differ (measured: 0.15 of the floor, and 59 kB a connection)."""
    first = _TEXT if codec is Codec.JSON else _BINARY
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


class Group:
    """Clients of one room that receive the same bytes."""

    __slots__ = (
        "_behind", "_came", "_came_at_s", "_flushed_at_s", "_newcomers", "_straight", "_timers", "_together", "_took_s",
        "_waiting", "codec", "deliveries", "languages", "members",
    )  # fmt: skip

    def __init__(self, codec: Codec, languages: tuple[str, ...], timers: Timers) -> None:
        self.codec = codec
        self.languages = languages
        self.members: dict[Outbox, None] = {}
        self.deliveries = 0
        self._straight: dict[Send, Outbox] = {}
        """Members for whom nothing waits, by what takes their frames: the loop of `flush` looks at nothing else."""
        self._behind: dict[Outbox, None] = {}
        """All other members, but for newcomers."""
        self._newcomers: dict[Outbox, int] = {}
        """Who was added while frames waited, and how many of these they are not owed."""
        self._came = 0.0
        """Members who came, each counting half after a second, as of this time."""
        self._came_at_s = 0.0
        self._waiting: list[bytes] = []
        self._took_s = 0.0
        """How long the last flush took, and when it ended."""
        self._flushed_at_s = 0.0
        self._together = 0.0
        """Frames that one flush joined: a mean in which the last one counts half."""
        self._timers = timers

    def add(self, outbox: Outbox) -> None:
        now_s = self._timers.now_s()
        self._came, self._came_at_s = self._coming(now_s) + 1, now_s
        self.members[outbox] = None
        outbox.sharers += (self,)
        if self._waiting:
            self._newcomers[outbox] = len(self._waiting)
        else:
            self.sends(outbox, None)

    def remove(self, outbox: Outbox) -> None:
        if self.members.pop(outbox, outbox) is not None:
            return
        outbox.sharers = tuple(sharer for sharer in outbox.sharers if sharer is not self)
        self._behind.pop(outbox, None)
        if outbox.send is not None:
            self._straight.pop(outbox.send, None)
        owed = self._waiting[self._newcomers.pop(outbox, 0) :]
        if owed:
            self.deliveries += len(owed)
            outbox.offer(b"".join(owed))

    def sends(self, outbox: Outbox, before: Send | None) -> None:
        """A member's `send` has appeared, or is not to be used now."""
        if outbox in self._newcomers:
            return
        if before is not None:
            self._straight.pop(before, None)
        if outbox.send is not None:
            self._behind.pop(outbox, None)
            self._straight[outbox.send] = outbox
        else:
            self._behind[outbox] = None

    def offer(self, frame: bytes) -> None:
        """Owe this frame to every member, soon."""
        if not self._waiting:
            self._soon()
        self._waiting.append(frame)

    def flush(self) -> None:
        """Write what waits. Members may leave while we write to those who are behind (an overflow closes)."""
        if not self._waiting:
            return
        frames, self._waiting = self._waiting, []
        newcomers, self._newcomers = self._newcomers, {}
        self.deliveries += len(frames) * len(self.members) - sum(newcomers.values())
        began_s = self._timers.now_s()
        self._write(frames[0] if len(frames) == 1 else b"".join(frames))
        for outbox, before in newcomers.items():
            if before < len(frames):
                outbox.offer(b"".join(frames[before:]))
            if outbox in self.members:
                self.sends(outbox, None)
        self._flushed_at_s = self._timers.now_s()
        self._took_s = self._flushed_at_s - began_s
        self._together = (self._together + len(frames)) / 2

    def _write(self, data: bytes) -> None:
        size = len(data)
        if size > UNMEASURED_BYTES_MAX:
            for member in (*self._behind, *self._straight.values()):
                member.offer(data)
            return
        behind, fell_behind = tuple(self._behind), []
        for send in self._straight:
            sent = 0
            try:
                if (sent := send(data)) == size:
                    continue
            except OSError:  # full, or gone: the transport finds out which
                pass
            fell_behind.append((send, sent))
        for send, sent in fell_behind:
            self._straight[send].owe(data[sent:] if sent else data)
        for member in behind:
            member.offer(data)

    def whisper(self, frame: bytes) -> None:
        """Owe a frame that is worth nothing later: only to those who keep up, first to be shed."""
        for member in tuple(self.members):
            if member.flowing:
                member.offer(frame)

    def _soon(self) -> None:
        """At the end of this tick; in a room that is written to most of the time and has bursts, or a crowd on its way
        in, a little later."""
        timers = self._timers
        now_s = timers.now_s()
        if now_s - self._flushed_at_s >= 2 * self._took_s:
            timers.schedule(self.flush)
        elif self._coming(now_s) >= CROWD:
            timers.call_later(GATHER_CROWD_S, self.flush)
        elif self._together >= 2:
            timers.call_later(min(self._took_s, GATHER_S_MAX), self.flush)
        else:
            timers.schedule(self.flush)

    def _coming(self, now_s: float) -> float:
        return self._came * math.exp2(self._came_at_s - now_s)
