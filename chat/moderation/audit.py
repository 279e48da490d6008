"""The audit log: what moderators decided, out of the room's log, and the state that follows from it.

Invariant: folding the entries of a log gives the rows that hang on the board (conduct, standings, what is held and
reported, the word list). The board is a shortcut; the log is the truth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from chat.conduct import FREE, ORDINARY, Conduct, Standing
from chat.events import Entry, Event, Posted, Recalled, Recorded
from chat.ids import Seq
from chat.live_events import (
    ConductChanged,
    HandRaised,
    HeldBack,
    HeldDecided,
    Reported,
    ReportSettled,
    Sanctioned,
    Word,
    WordsChanged,
)
from chat.moderation.rulings import OUT
from chat.wire import readable_event

AuditedEvent = ConductChanged | Sanctioned | HeldBack | HeldDecided | Reported | ReportSettled | WordsChanged | Recalled


class AuditLine(Struct, frozen=True, kw_only=True):
    """One entry of the audit log: who did what and why stands in the event."""

    seq: Seq
    at_ms: int
    event: AuditedEvent | Recorded
    """A record: what was decided in a room that was imported. It holds nothing here and is not undone."""


class AuditPage(Struct, frozen=True, kw_only=True):
    entries: tuple[AuditLine, ...]
    """Newest first."""
    before: Seq
    """Ask with this for the next page; 0: there is none."""


@dataclass(slots=True)
class Audited:
    """What follows from a log."""

    conduct: Conduct = ORDINARY
    standings: dict[str, Standing] = field(default_factory=dict)
    """Of members about whom something holds."""
    held: dict[int, HeldBack] = field(default_factory=dict)
    """By seq; approved ones until they are posted."""
    approved: set[int] = field(default_factory=set)
    reports: dict[int, list[Reported]] = field(default_factory=dict)
    words: tuple[Word, ...] = ()
    lists: tuple[str, ...] = ()
    hands: set[str] = field(default_factory=set)


def is_audited(event: Event) -> bool:
    """Recalls only where somebody recalled another's message; a record where what it records is."""
    if isinstance(event, Recorded):
        return is_audited(event.event)
    return isinstance(event, AuditedEvent) and not (isinstance(event, Recalled) and event.by == event.author)


def page_of(entries: Sequence[Entry], before: int) -> AuditPage:
    """Of entries that are audited, newest first."""
    lines = []
    for entry in entries:
        event = readable_event(entry.body)
        assert isinstance(event, AuditedEvent | Recorded)
        lines.append(AuditLine(seq=entry.seq, at_ms=entry.at_ms, event=event))
    return AuditPage(entries=tuple(lines), before=before)


def fold(entries: Iterable[tuple[int, Event]]) -> Audited:
    """The state after these entries (seq, event) of one log, in order."""
    state = Audited()
    for seq, event in entries:
        _take(state, seq, event)
    return state


def _take(state: Audited, seq: int, event: Event) -> None:
    match event:
        case ConductChanged():
            state.conduct = event.conduct
        case Sanctioned():
            state.standings.pop(event.user, None)
            if event.standing != FREE:
                state.standings[event.user] = event.standing
            if event.action in OUT or event.action == "invite_speaker":
                state.hands.discard(event.user)
        case HeldBack():
            state.held[seq] = event
        case HeldDecided(of=of, approved=True):
            state.approved.add(of)
        case HeldDecided(of=of):
            state.held.pop(of, None)
            state.approved.discard(of)
        case Posted(held=int(of)):
            state.held.pop(of, None)
            state.approved.discard(of)
        case Reported():
            state.reports.setdefault(event.of, []).append(event)
        case ReportSettled():
            state.reports.pop(event.of, None)
        case WordsChanged():
            state.words, state.lists = event.words, event.lists
        case HandRaised(on=True):
            state.hands.add(event.user)
        case HandRaised():
            state.hands.discard(event.user)
        case _:
            pass
