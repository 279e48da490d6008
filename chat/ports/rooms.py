"""A room as its log knows it: title, settings, pins and members, rows that are written in one step with their entry."""

from dataclasses import dataclass, field
from typing import Literal

from chat.events import Role
from chat.ids import Position


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """How a room treats translation. Stored as one row, changed as one."""

    translation: Literal["patch", "hold"] = "patch"
    """patch: the original at once, the translation when it is ready. hold: readers of another language wait up to
    the budget and get both in one frame; readers of the original never wait."""
    translation_budget_ms: int = 800


@dataclass(frozen=True, slots=True)
class RoomState:
    """What is known of a room without reading its log."""

    room: str
    title: str
    head: Position
    members: int
    created_at_ms: int
    settings: RoomSettings = field(default_factory=RoomSettings)
    glossary_version: int = 0
    pins: tuple[int, ...] = ()
    """Seqs of pinned messages, in the order of pinning."""
    title_seq: int = 1
    """The entry that set the title."""
    keep_days: int | None = None
    """Entries older than this many days are removed; 0: none ever is; None: as the deployment has it."""
    dropped: int = 0
    """Entries up to this seq were removed because of their age."""
    rules: int = 0
    """How often a row that rules depend on was changed."""
    conduct: bytes | None = None
    """The row that says how one may speak here; None: as in any room."""


@dataclass(frozen=True, slots=True)
class SetRoom:
    """Write title and settings of the room in the same atomic step."""

    title: str
    settings: RoomSettings


@dataclass(frozen=True, slots=True)
class SetPin:
    """Pin message `of` (again: it moves to the end), or take the pin out."""

    of: int
    on: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A row of a room's membership, a projection of its log."""

    user: str
    name: str
    role: Role
    since_ms: int = 0
    """When they came in; 0: before this was written down. Gone with the membership, so there are no more than that."""


@dataclass(frozen=True, slots=True)
class SetMember:
    """Write this membership row in the same atomic step as the entry."""

    member: Member


@dataclass(frozen=True, slots=True)
class DropMember:
    user: str
