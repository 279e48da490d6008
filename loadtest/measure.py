"""What a test has to say about a room: was anything lost, doubled, out of order, mistranslated into silence, late.

Pure: logs and views come as values. The yardstick is one sentence: *a reader's view equals the log filtered by the
reader's languages, from the reader's first position*. Every count here is of violations; 0 is the only good number.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chat.events import EVERYONE, Event, Posted, Translated, Untranslated


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry as the log has it, or as a reader saw it."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A post that the server has answered with `ack`."""

    author: str
    number: int
    text: str
    seq: int


@dataclass(frozen=True, slots=True)
class PostFaults:
    """What became of acknowledged posts."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    misplaced: tuple[str, ...]
    """In the log, but not where the ack said."""
    reordered: tuple[str, ...]
    """Behind a later post of the same author."""
    strange: tuple[str, ...]
    """In the log, and never sent by anybody."""


@dataclass(frozen=True, slots=True)
class ViewFaults:
    """How a reader's view differs from the log."""

    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    reordered: tuple[int, ...]
    """Seqs that came behind a greater one."""
    foreign: tuple[int, ...]
    """Entries that the reader should not have seen: of another audience, or not in the log."""
    altered: tuple[int, ...]
    """The same seq with another content."""

    def __bool__(self) -> bool:
        return any((self.lost, self.doubled, self.reordered, self.foreign, self.altered))

    @property
    def total(self) -> int:
        return sum(map(len, (self.lost, self.doubled, self.reordered, self.foreign, self.altered)))


@dataclass(frozen=True, slots=True)
class TranslationFaults:
    missing: tuple[str, ...]
    """`seq>language` of messages with neither a translation nor the word why there is none."""
    doubled: tuple[str, ...]


def audience(event: Event) -> str:
    """Who receives this event: everybody, or the readers of one language."""
    return event.language if isinstance(event, Translated | Untranslated) else EVERYONE


def expected_view(log: Sequence[Seen], languages: Iterable[str], after: int) -> list[Seen]:
    """The log as a reader of `languages` sees it who began after seq `after`."""
    mine = {EVERYONE, *languages}
    return [entry for entry in log if entry.seq > after and audience(entry.event) in mine]


def view_faults(log: Sequence[Seen], view: Sequence[Seen], languages: Iterable[str], after: int) -> ViewFaults:
    expected = {entry.seq: entry.event for entry in expected_view(log, languages, after)}
    counted = Counter(entry.seq for entry in view)
    reordered: list[int] = []
    highest = after
    for entry in view:
        if entry.seq < highest:
            reordered.append(entry.seq)
        highest = max(highest, entry.seq)
    return ViewFaults(
        lost=tuple(seq for seq in expected if seq not in counted),
        doubled=tuple(seq for seq, times in counted.items() if times > 1),
        reordered=tuple(reordered),
        foreign=tuple(seq for seq in counted if seq not in expected),
        altered=tuple(
            entry.seq for entry in view if entry.seq in expected and not _same(expected[entry.seq], entry.event)
        ),
    )


def post_faults(log: Sequence[Seen], acknowledged: Iterable[Acknowledged], sent: Mapping[str, int]) -> PostFaults:
    """`sent`: the number of every text that anybody tried to post, whether it was acknowledged or not."""
    places: dict[str, list[int]] = {}
    reordered: list[str] = []
    latest: dict[str, int] = {}
    for entry in log:
        if not isinstance(entry.event, Posted):
            continue
        author, text = entry.event.author, entry.event.text
        places.setdefault(text, []).append(entry.seq)
        number = sent.get(text, 0)
        if len(places[text]) == 1 and number < latest.get(author, 0):
            reordered.append(text)
        latest[author] = max(number, latest.get(author, 0))
    lost = tuple(post.text for post in acknowledged if post.text not in places)
    return PostFaults(
        lost=lost,
        doubled=tuple(text for text, seqs in places.items() if len(seqs) > 1),
        misplaced=tuple(post.text for post in acknowledged if post.text in places and places[post.text][0] != post.seq),
        reordered=tuple(reordered),
        strange=tuple(text for text in places if text not in sent),
    )


def translation_faults(log: Sequence[Seen], sources: Mapping[str, str], languages: Iterable[str]) -> TranslationFaults:
    """Every message owes each other language of the room exactly one answer. `sources`: language of each text."""
    answers = Counter(
        (entry.event.of, entry.event.language, entry.event.revision)
        for entry in log
        if isinstance(entry.event, Translated | Untranslated)
    )
    targets = tuple(languages)
    missing: list[str] = []
    for entry in log:
        if isinstance(entry.event, Posted):
            source = sources.get(entry.event.text)
            missing += [
                f"{entry.seq}>{language}"
                for language in targets
                if language != source and not answers[entry.seq, language, 0]
            ]
    doubled = tuple(f"{of}>{language}" for (of, language, _), times in answers.items() if times > 1)
    return TranslationFaults(tuple(missing), doubled)


def _same(one: Event, other: Event) -> bool:
    return type(one) is type(other) and one == other


@dataclass(slots=True)
class Latencies:
    """Exact percentiles of some thousand measurements, in seconds; given out in ms."""

    values_s: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        self.values_s.append(seconds)

    def percentile_ms(self, percent: float) -> float | None:
        """Nearest rank: a value that was measured, never one in between."""
        if not self.values_s:
            return None
        rank = max(1, math.ceil(percent / 100 * len(self.values_s)))
        return round(sorted(self.values_s)[rank - 1] * 1000, 3)

    def summary(self) -> dict[str, float | None]:
        return {
            "count": len(self.values_s),
            "p50_ms": self.percentile_ms(50),
            "p90_ms": self.percentile_ms(90),
            "p99_ms": self.percentile_ms(99),
            "max_ms": self.percentile_ms(100),
        }


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower middle. Raises ValueError for none."""
    if not values:
        raise ValueError("no values, no median")
    return sorted(values)[(len(values) - 1) // 2]
