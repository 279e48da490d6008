"""What must still hold for an entry to be appended: what was decided on and has moved since is `Stale`, not wrong."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Guard:
    """Append only while message `of` is still at `revision`; otherwise `STALE`. A recalled message has none."""

    of: int
    revision: int


@dataclass(frozen=True, slots=True)
class NamesGuard:
    """Append only while the names of `user` are at `version`; otherwise `STALE`."""

    user: str
    version: int
    rules: int | None = None
    """As in `BoardGuard`."""


@dataclass(frozen=True, slots=True)
class CeremonyGuard:
    """Append only while all of this holds of ceremony `of`; otherwise `STALE`. None: whatever it is."""

    of: int
    version: int | None = None
    cast: int | None = None
    """As many votes were cast."""
    proposal: int | None = None
    """This proposal is there and not hidden."""
    timely: bool = False
    """Its window has not ended, on the log's own clock."""
    names: NamesGuard | None = None
    rules: int | None = None
    """As in `BoardGuard`."""


@dataclass(frozen=True, slots=True)
class BoardGuard:
    """Append only while the room's board stands like this; otherwise `STALE`."""

    rules: int | None = None
    """`RoomState.rules`; None: whatever it is."""
    rows: tuple[tuple[str, str, bytes | None], ...] = ()
    """(kind, key, row), None where there is none. At most `ROWS_GUARDED_MAX`."""
    message: Guard | None = None


AnyGuard = Guard | CeremonyGuard | NamesGuard | BoardGuard


ROWS_GUARDED_MAX: Final = 8


class Stale(Exception):
    """The guard of an append did not hold: what was decided on is not so any more."""
