"""What the domain needs from the world. Adapters are named by technology, ports by role; one contract suite for all.

Every method raises `chat.errors.Unavailable` when the engine cannot be reached (library exceptions die in the
adapter), and nothing else. None of them checks permissions: that is `room.decide`, asked by `chat.service`.

A module a noun: the rows of a room (`rooms`, `glossary`, `ceremonies`, `board`), what an entry changes of them
(`changes`) and what must still hold of them (`guards`), then one port each.
"""

from chat.ports.archive import ARCHIVERS, TEXTS_ABOUT, Archive, ArchivedEntry
from chat.ports.board import DropBox, DropRow, SetChoices, SetRow, Tally
from chat.ports.ceremonies import (
    Ceremony,
    CeremonyRow,
    DropCeremony,
    MemberNames,
    Proposal,
    ProposalRow,
    SetBallot,
    SetCeremony,
    SetNames,
    SetProposal,
)
from chat.ports.changes import Change, changes_of
from chat.ports.classifier import UNAVAILABLE, Classifier, Verdict
from chat.ports.feed import FeedItem, Gap, RoomFeed, Whisper
from chat.ports.glossary import DropTerm, Glossary, SetTerm, Term
from chat.ports.guards import ROWS_GUARDED_MAX, AnyGuard, BoardGuard, CeremonyGuard, Guard, NamesGuard, Stale
from chat.ports.hooks import WEBHOOKS, Hooks
from chat.ports.invites import Invite, Invites
from chat.ports.jobs import (
    JOB_IDLE_MS,
    TRANSLATORS,
    ForgetText,
    Job,
    JobText,
    PreviewAnswer,
    PreviewText,
    TakenJob,
    TranslationJobs,
)
from chat.ports.log import UNHEARD_KEPT, Appended, Changed, Look, RoomExists, RoomLog, RoomMissing
from chat.ports.poster import Answer, Poster, Unanswered
from chat.ports.presence import Places, Presence, Roster
from chat.ports.rooms import DropMember, Member, RoomSettings, RoomState, SetMember, SetPin, SetRoom
from chat.ports.translations import TranslationCache

__all__ = [
    "ARCHIVERS",
    "JOB_IDLE_MS",
    "ROWS_GUARDED_MAX",
    "TEXTS_ABOUT",
    "TRANSLATORS",
    "UNAVAILABLE",
    "UNHEARD_KEPT",
    "WEBHOOKS",
    "Answer",
    "AnyGuard",
    "Appended",
    "Archive",
    "ArchivedEntry",
    "BoardGuard",
    "Ceremony",
    "CeremonyGuard",
    "CeremonyRow",
    "Change",
    "Changed",
    "Classifier",
    "DropBox",
    "DropCeremony",
    "DropMember",
    "DropRow",
    "DropTerm",
    "FeedItem",
    "ForgetText",
    "Gap",
    "Glossary",
    "Guard",
    "Hooks",
    "Invite",
    "Invites",
    "Job",
    "JobText",
    "Look",
    "Member",
    "MemberNames",
    "NamesGuard",
    "Places",
    "Poster",
    "Presence",
    "PreviewAnswer",
    "PreviewText",
    "Proposal",
    "ProposalRow",
    "RoomExists",
    "RoomFeed",
    "RoomLog",
    "RoomMissing",
    "RoomSettings",
    "RoomState",
    "Roster",
    "SetBallot",
    "SetCeremony",
    "SetChoices",
    "SetMember",
    "SetNames",
    "SetPin",
    "SetProposal",
    "SetRoom",
    "SetRow",
    "SetTerm",
    "Stale",
    "TakenJob",
    "Tally",
    "Term",
    "TranslationCache",
    "TranslationJobs",
    "Unanswered",
    "Verdict",
    "Whisper",
    "changes_of",
]
