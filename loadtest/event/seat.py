"""What the audience heard: an `Evening` for what all share, a `Seat` for what one guest saw, counted as it comes.

Everybody who reads the same languages receives the same bytes, so a frame is decoded once. A seat knows no socket and
no clock: it outlives its connection, and the verdict over it is tested without one.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack

from chat.ids import Position
from loadtest.event.plan import languages_of
from loadtest.histogram import Histogram

MARK: Final = " ·t"
"""Before the intended time of a line, at its end."""
FRAMES_KEPT: Final = 8_192
MUST_ARRIVE: Final = frozenset(
    {"poll_opened", "poll_closed", "ceremony_opened", "ceremony_closed", "name_proposed", "conduct_changed"}
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame, decoded once for all who receive the same bytes."""

    seq: int = 0
    """0: no entry."""
    kind: str = ""
    """Of the event; `announcement` for a message that is one."""
    author: str = ""
    intended: float = 0.0
    """When a message was to be sent; 0 when it does not say so."""
    announced_in: tuple[str, ...] = ()
    left_out: int = 0
    frame: dict[str, Any] | None = None
    """What is no entry: an answer or a notice."""


def heard_of(payload: bytes) -> Heard:
    frame = msgpack.unpackb(payload)
    if frame["type"] == "skipped":
        return Heard(left_out=frame["count"])
    if frame["type"] != "entry":
        return Heard(frame=frame)
    event, seq = frame["event"], frame["seq"]
    if event["type"] != "posted":
        return Heard(seq=seq, kind=event["type"])
    if event.get("purpose") == "announcement":
        versions = tuple(language for language, _ in event.get("versions") or ())
        return Heard(seq=seq, kind="announcement", announced_in=(event["written_in"] or "zh", *versions))
    _, mark, at = event["text"].rpartition(MARK)
    return Heard(seq=seq, kind="posted", author=event["author"], intended=float(at) if mark else 0.0)


@dataclass(slots=True)
class Evening:
    """What is counted over all guests. Times are of the machine's monotonic clock."""

    delivery: Histogram = field(default_factory=Histogram)
    """From the intended time of a message, to those who were there then."""
    announced: Histogram = field(default_factory=Histogram)
    """To those who could read it in a language of their own."""
    announced_at: float = 0.0
    seconds: dict[int, Histogram] = field(default_factory=dict)
    """`delivery` by second of arrival since `began`."""
    began: float = 0.0
    storm_at: float = float("inf")
    back_at: float = 0.0
    """When the last one was back."""
    readers: Counter[int] = field(default_factory=Counter)
    """By how many of those who stayed each message was received."""
    told: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _frames: dict[bytes, Heard] = field(default_factory=dict)

    def decode(self, payload: bytes) -> Heard:
        found = self._frames.get(payload)
        if found is None:
            if len(self._frames) >= FRAMES_KEPT:
                self._frames.clear()
            found = self._frames[payload] = heard_of(payload)
        return found


@dataclass(slots=True)
class Seat:
    """What one guest saw after `first`."""

    number: int
    returned: bool = False
    """True: this is what they saw after they lost the connection and came back."""
    left: bool = False
    """True: they lost the connection as planned, and what they saw until then is not judged."""
    closed: bool = False
    """The connection is gone, planned or not."""
    gap: bool = False
    """They were told on their return that they missed something."""
    epoch: str = ""
    first: int = 0
    last: int = 0
    since: float = float("inf")
    """When they sat down."""
    shown: int = 0
    own: list[int] = field(default_factory=list)
    """Seqs of their own messages that they saw."""
    left_out: int = 0
    must: list[int] = field(default_factory=list)
    disorder: int = 0
    languages: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.languages = languages_of(self.number)

    @property
    def user(self) -> str:
        return f"u{self.number}"

    def sit_down(self, head: Position, now: float) -> None:
        """Before anything is heard: what comes after `head` is owed to them."""
        self.epoch, self.first, self.last, self.since = head.epoch, head.seq, head.seq, now

    def hear(self, heard: Heard, evening: Evening, now: float) -> None:
        self.left_out += heard.left_out
        if not heard.seq:
            return
        self.disorder += heard.seq <= self.last
        self.last = heard.seq
        if heard.kind == "posted":
            self.shown += 1
            if heard.author == self.user:
                self.own.append(heard.seq)
            if not self.returned:  # who comes back is told everything in between, sampled or not
                evening.readers[heard.seq] += 1
            if heard.intended > self.since:  # what was said before they came (back) is no delivery, it is history
                late = now - heard.intended
                evening.delivery.add(late)
                second = int(now - evening.began)
                found = evening.seconds.get(second)
                if found is None:
                    found = evening.seconds[second] = Histogram()
                found.add(late)
        elif heard.kind == "announcement":
            self.must.append(heard.seq)
            if self.languages[0] in heard.announced_in and not self.returned:
                evening.announced.add(now - evening.announced_at)
        elif heard.kind in MUST_ARRIVE:
            self.must.append(heard.seq)
