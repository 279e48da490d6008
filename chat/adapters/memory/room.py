"""One room as it is stored: its entries in order, and the projections that are written in the same step.

Invariant: seqs are dense when given and never given again. A recall takes away what holds its text (the message, its
edits, translations and suggestions); their seqs stay unused. Nothing here waits: one call is one atomic step, and the
time of it arrives as an argument.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from chat.events import (
    NOBODY,
    Edited,
    Entry,
    Event,
    Explained,
    NameProposed,
    Posted,
    Recalled,
    RoomChanged,
    RoomCreated,
    Suggested,
    Translated,
    Untranslated,
    refers_to,
)
from chat.limits import ONCE_KEY_LIFE_S
from chat.live_events import HeldBack, PollOpened, ProgrammeChanged, QuestionAsked
from chat.ports import (
    AnyGuard,
    Appended,
    BoardGuard,
    Ceremony,
    CeremonyGuard,
    Change,
    DropBox,
    DropCeremony,
    DropMember,
    DropRow,
    DropTerm,
    Guard,
    Member,
    MemberNames,
    NamesGuard,
    Proposal,
    RoomSettings,
    SetBallot,
    SetCeremony,
    SetChoices,
    SetMember,
    SetNames,
    SetPin,
    SetProposal,
    SetRoom,
    SetRow,
    SetTerm,
    Term,
)
from chat.wire import encode_event


@dataclass(slots=True)
class StoredRoom:
    id: str
    epoch: str
    title: str
    created_at_ms: int
    head: int = 0
    seqs: list[int] = field(default_factory=list)
    """Seqs of stored entries, ascending; recalled ones are missing."""
    entries: dict[int, Entry] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    references: dict[int, list[int]] = field(default_factory=dict)
    revisions: dict[int, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    once: dict[str, Appended] = field(default_factory=dict)
    terms: dict[tuple[str, str], Term] = field(default_factory=dict)
    glossary_version: int = 0
    settings: RoomSettings = field(default_factory=RoomSettings)
    pins: dict[int, None] = field(default_factory=dict)
    title_seq: int = 1
    keep_days: int | None = None
    unheard: list[int] = field(default_factory=list)
    """Seqs of entries that nobody receives, ascending."""
    ceremonies: dict[int, Ceremony] = field(default_factory=dict)
    ballots: dict[int, dict[str, int]] = field(default_factory=dict)
    """Of each ceremony: for which proposal each member votes."""
    names: dict[str, MemberNames] = field(default_factory=dict)
    remarks: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each reader calls whom."""
    board: dict[str, dict[str, bytes]] = field(default_factory=dict)
    rules: int = 0
    boxes: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    """Of each ballot box: what each voter chose."""

    def recognise(self, once: str, now_ms: int) -> Appended | None:
        """What was answered for this once-key, while it is remembered."""
        known = self.once.get(once)
        if known is None:
            return None
        if now_ms >= known.at_ms + ONCE_KEY_LIFE_S * 1000:
            del self.once[once]
            return None
        return replace(known, duplicate=True)

    def append(self, event: Event, once: str, audience: str, at_ms: int) -> tuple[Appended, Entry]:
        """Give the next seq, store, index; the guard was looked at, and publishing is the caller's."""
        self.head += 1
        seq = self.head
        entry = Entry(self.id, self.epoch, seq, at_ms, audience, encode_event(event))
        match event:
            case Posted() | RoomCreated() | RoomChanged() | NameProposed():
                self.revisions[seq] = 0
            case HeldBack() | ProgrammeChanged() | PollOpened() | QuestionAsked():
                self.revisions[seq] = 0
            case Edited():
                if event.of in self.revisions:
                    self.revisions[event.of] = event.revision
            case Recalled():
                self._recall(event.of)
            case _:
                pass
        of = refers_to(event)
        if of is not None:
            self.references.setdefault(of, []).append(seq)
        if audience == NOBODY:
            self.unheard.append(seq)
        self.seqs.append(seq)
        self.entries[seq] = entry
        self.events[seq] = event
        appended = Appended(entry.position, at_ms, duplicate=False)
        self.once[once] = appended
        return appended, entry

    def _recall(self, of: int) -> None:
        """Texts go: the message, its edits, its translations. Reactions carry none and stay."""
        if not isinstance(self.events.get(of), Posted):
            return
        del self.revisions[of]
        self.pins.pop(of, None)
        texts = [
            seq
            for seq in self.references.get(of, ())
            if isinstance(self.events[seq], Edited | Translated | Untranslated | Suggested | Explained)
        ]
        for seq in (of, *texts):
            del self.entries[seq], self.events[seq]
            self.seqs.remove(seq)
        if texts:
            self.references[of] = [seq for seq in self.references[of] if seq not in texts]

    def holds(self, guard: AnyGuard | None, now_ms: int) -> bool:
        """Whether what an append builds on is still so."""
        match guard:
            case Guard():
                return self.revisions.get(guard.of) == guard.revision
            case NamesGuard():
                known = self.names.get(guard.user, MemberNames())
                return known.version == guard.version and guard.rules in (None, self.rules)
            case CeremonyGuard():
                ceremony = self.ceremonies.get(guard.of)
                return (
                    ceremony is not None
                    and guard.rules in (None, self.rules)
                    and guard.version in (None, ceremony.version)
                    and guard.cast in (None, ceremony.cast)
                    and (guard.proposal is None or any(_is_shown(each, guard.proposal) for each in ceremony.proposals))
                    and not (guard.timely and now_ms > ceremony.until_ms)
                    and self.holds(guard.names, now_ms)
                )
            case BoardGuard():
                return (
                    guard.rules in (None, self.rules)
                    and all(self.row(kind, key) == row for kind, key, row in guard.rows)
                    and self.holds(guard.message, now_ms)
                )
            case None:
                return True

    def row(self, kind: str, key: str) -> bytes | None:
        return self.board.get(kind, {}).get(key)

    def write(self, change: Change, at_ms: int) -> None:
        """Change a projection; the entry that it came with is the head."""
        match change:
            case SetMember(member):
                self.members[member.user] = member
            case DropMember(user):
                self.members.pop(user, None)
            case SetTerm(term):
                self.terms[term.source, term.language] = term
                self.glossary_version = self.head
            case DropTerm(source, language):
                self.terms.pop((source, language), None)
                self.glossary_version = self.head
            case SetRoom(title, settings):
                self.title, self.settings, self.title_seq = title, settings, self.head
            case SetPin(of, on):
                self.pins.pop(of, None)
                if on:
                    self.pins[of] = None
            case SetNames(user, names):
                self.names[user] = MemberNames(self.names.get(user, MemberNames()).version + 1, names)
            case SetCeremony(of, row, lasts_ms):
                id = self.head if of is None else of
                known = self.ceremonies.get(id, Ceremony(id, row, 0, 0, 0))
                self.ceremonies[id] = replace(known, row=row, until_ms=at_ms + lasts_ms, version=known.version + 1)
            case SetRow(kind, key, row, rules):
                self.board.setdefault(kind, {})[str(self.head) if key is None else key] = row
                self.rules += rules
            case DropRow(kind, key, rules):
                self.board.get(kind, {}).pop(key, None)
                self.rules += rules
            case SetChoices(box, user, choices):
                voters = self.boxes.setdefault(box, {})
                voters.pop(user, None)
                if choices:
                    voters[user] = choices
            case DropBox(box):
                self.boxes.pop(box, None)
            case SetProposal() | SetBallot() | DropCeremony():
                self._write_ceremony(change)

    def _write_ceremony(self, change: SetProposal | SetBallot | DropCeremony) -> None:
        if isinstance(change, DropCeremony):
            self.ceremonies.pop(change.of, None)
            self.ballots.pop(change.of, None)
            return
        known = self.ceremonies[change.of]
        proposals = {each.seq: each for each in known.proposals}
        ballots = self.ballots.setdefault(change.of, {})
        if isinstance(change, SetProposal):
            seq = self.head if change.seq is None else change.seq
            proposals[seq] = Proposal(seq, change.row)
            known = replace(known, version=known.version + 1)
        else:
            ballots.pop(change.user, None)
            if change.proposal is not None:
                ballots[change.user] = change.proposal
            known = replace(known, cast=known.cast + 1)
        counts = Counter(ballots.values())
        counted = [replace(each, votes=0 if each.row.hidden else counts[each.seq]) for each in proposals.values()]
        self.ceremonies[change.of] = replace(known, proposals=tuple(counted))


def _is_shown(proposal: Proposal, seq: int) -> bool:
    return proposal.seq == seq and not proposal.row.hidden
