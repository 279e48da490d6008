"""One member who reads, and one who writes.

What a reader saw is kept exactly: one byte for each post of the room, and the last seq.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest.crowd.hearing import POSTED, TRANSLATED, Hearing, Item
from loadtest.histogram import bucket
from loadtest.raw import RawMember

SLOW_READER: Final = 4001


@dataclass(frozen=True, slots=True)
class Place:
    """A room of the test."""

    index: int
    room: str
    posts: int
    """That the plan has for it."""


class Reader:
    """One member who reads, and what it saw."""

    __slots__ = (
        "_gone",
        "_hearing",
        "alive",
        "epoch",
        "language",
        "last",
        "member",
        "name",
        "room",
        "room_index",
        "seen",
        "stalled",
    )

    def __init__(
        self,
        hearing: Hearing,
        name: str,
        place: Place,
        language: str,
        *,
        stalled: bool,
        gone: "Callable[[Reader], None]",
    ) -> None:
        self._hearing = hearing
        self._gone = gone
        self.name = name
        self.room_index = place.index
        self.room = place.room
        self.language = language
        self.seen = bytearray(place.posts)
        self.last = 0
        self.epoch = ""
        self.stalled = stalled
        self.member: RawMember | None = None
        self.alive = False

    def on_data(self, data: bytes) -> bool:
        items = self._hearing.cut(data, self.room_index)
        if items is None:
            return False
        self.hear(items)
        return True

    def on_entry(self, payload: bytes) -> None:
        self.hear((self._hearing.item(payload, self.room_index),))

    def hear(self, items: Sequence[Item]) -> None:
        hearing, last = self._hearing, self.last
        counts = hearing.counts
        now_s = time.monotonic() - hearing.began_s
        for seq, what, number in items:
            counts.entries += 1
            if seq <= last:
                counts.reordered += 1
            else:
                last = seq
            if number < 0:
                continue
            if what == POSTED:
                place = number // hearing.rooms
                if self.seen[place] < 255:
                    self.seen[place] += 1
                counts.delivered += 1
                late = now_s - hearing.plan.at_s[number]
                index = bucket(int(late * 1e6)) if late > 0 else 0
                heard = hearing.delivery[number]
                heard[index] = heard.get(index, 0) + 1
            elif what == TRANSLATED:
                counts.translated += 1
                hearing.add(hearing.translation, number, now_s)
            else:
                counts.untranslated += 1
        self.last = last

    def on_gone(self) -> None:
        if not self.alive:
            return
        self.alive = False
        if self.member is not None and self.member.close_code == SLOW_READER:
            self._hearing.counts.slow_closed += 1
        self._gone(self)


class Writer:
    """One member who writes and does not read. Each post has its own once-key and is repeated until acknowledged."""

    __slots__ = ("alive", "language", "member", "name", "pending", "room")

    def __init__(self, name: str, room: str, language: str) -> None:
        self.name = name
        self.room = room
        self.language = language
        self.member: RawMember | None = None
        self.alive = False
        self.pending: dict[int, str] = {}
        """Number -> text of posts that wait for their ack."""
