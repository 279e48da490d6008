"""A room's board (small rows by kind and key) and its ballot boxes, and how an entry changes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SetRow:
    """Hang a row on the room's board: small things that rules look at or that newcomers are shown, each under a kind
    ("standing", "held", "poll") and a key. `key` None: the seq of this entry."""

    kind: str
    key: str | None
    row: bytes
    rules: bool = False
    """What members may do depends on it: appends that were decided before are `STALE` (`BoardGuard.rules`)."""


@dataclass(frozen=True, slots=True)
class DropRow:
    kind: str
    key: str
    rules: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes in a ballot box."""

    counts: Mapping[int, int] = field(default_factory=dict)
    """By choice; choices that nobody has are missing."""
    voters: int = 0


@dataclass(frozen=True, slots=True)
class SetChoices:
    """The choices of `user` in ballot box `box` are these from now on; none: they have none. Each counted once."""

    box: str
    user: str
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DropBox:
    """The box is emptied; the log keeps the votes."""

    box: str
