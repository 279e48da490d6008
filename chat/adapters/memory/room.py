"""One room as it is stored: its entries in order, and the projections that are written in the same step.

Invariant: seqs are dense when given and never given again. A recall takes away what holds its text (the message, its
edits, translations and suggestions); their seqs stay unused. Nothing here waits: one call is one atomic step, and the
time of it arrives as an argument.
"""

from dataclasses import dataclass, field, replace

from chat.events import (
    Edited,
    Entry,
    Event,
    Explained,
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
from chat.ports import (
    Appended,
    Change,
    DropMember,
    DropTerm,
    Member,
    RoomSettings,
    SetMember,
    SetPin,
    SetRoom,
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
            case Posted() | RoomCreated() | RoomChanged():
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

    def write(self, change: Change | None) -> None:
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
            case None:
                pass
