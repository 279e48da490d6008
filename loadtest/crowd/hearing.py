"""What the members of one process hear: a chunk of bytes decoded once for all who receive it, and everything counted.

Everybody in a group of a room receives the same bytes, so a chunk of them is decoded once and looked up afterwards:
a delivery costs some microseconds, and one process hears 100,000 a second. Nothing is sampled.
"""

from typing import Any, Final

import msgpack

from loadtest.histogram import bucket
from loadtest.raw import ENTRY
from loadtest.scenarios import Schedule, number_of

OTHER, POSTED, TRANSLATED, UNTRANSLATED = range(4)
CHUNKS_KEPT: Final = 4_096

Item = tuple[int, int, int]
"""Of an entry: seq, what it is, number of the post that it is or is about (-1: none of ours)."""


class Counts:
    """Of this process; reported every second."""

    def __init__(self) -> None:
        self.connected = 0
        self.joined = 0
        self.sent = 0
        self.acknowledged = 0
        self.refused: dict[str, int] = {}
        self.failed_connects: dict[str, int] = {}
        self.delivered = 0
        """Posts heard by readers."""
        self.entries = 0
        """Everything heard by anybody, joins and translations too."""
        self.translated = 0
        self.untranslated = 0
        self.reordered = 0
        self.dropped = 0
        self.resumed = 0
        self.unrecovered = 0
        self.slow_closed = 0

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


class Hearing:
    def __init__(self, plan: Schedule, rooms: int, duration_s: float) -> None:
        self.plan = plan
        self.rooms = rooms
        self.counts = Counts()
        self.began_s = 0.0
        """Time zero of the plan, on the machine's monotonic clock."""
        seconds = int(duration_s) + 1
        self.by_second: list[dict[int, int]] = [{} for _ in range(seconds)]
        self.delivery = [self.by_second[int(at_s)] for at_s in plan.at_s]
        """For each post, the histogram of the second in which it was meant to be sent."""
        self.ack: list[dict[int, int]] = [{} for _ in range(seconds)]
        self.translation: list[dict[int, int]] = [{} for _ in range(seconds)]
        self._chunks: dict[tuple[int, bytes], tuple[Item, ...] | None] = {}
        self._numbers: list[dict[int, int]] = [{} for _ in range(rooms)]
        """By room: seq -> number of our post."""

    def cut(self, data: bytes, room: int) -> tuple[Item, ...] | None:
        """The entries of a chunk that is nothing but whole entry frames; None for any other chunk."""
        key = (room, data)
        try:
            return self._chunks[key]
        except KeyError:
            if len(self._chunks) >= CHUNKS_KEPT:
                self._chunks.clear()
        items: list[Item] | None = []
        at, size = 0, len(data)
        while at < size:
            if size - at < 4:
                items = None
                break
            length, begin = data[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                items = None
                break
            at = begin + length
            if at > size or not data.startswith(ENTRY, begin):
                items = None
                break
            assert items is not None
            items.append(self.item(data[begin:at], room))
        found = tuple(items) if items is not None else None
        self._chunks[key] = found
        return found

    def item(self, payload: bytes, room: int) -> Item:
        frame = msgpack.unpackb(payload)
        seq, event = frame["seq"], frame["event"]
        kind = event["type"]
        if kind == "posted":
            number = number_of(event["text"])
            if number is None or number >= len(self.plan) or number % self.rooms != room:
                return (seq, OTHER, -1)
            self._numbers[room][seq] = number
            return (seq, POSTED, number)
        if kind in ("translated", "untranslated"):
            return (seq, TRANSLATED if kind == "translated" else UNTRANSLATED, self._numbers[room].get(event["of"], -1))
        return (seq, OTHER, -1)

    def add(self, histograms: list[dict[int, int]], number: int, now_s: float) -> None:
        """Latency from the intended time of post `number`, under the second of that time."""
        at_s = self.plan.at_s[number]
        histogram, index = histograms[int(at_s)], bucket(max(0, int((now_s - at_s) * 1e6)))
        histogram[index] = histogram.get(index, 0) + 1
