"""Naming ceremonies that are not over and the names they gave, and how an entry changes them."""

from dataclasses import dataclass

from msgspec import Struct

from chat.events import CeremonyOpened, GivenTo, NameProposed


class CeremonyRow(Struct, frozen=True):
    """A ceremony as it is stored while it is not over."""

    opened: CeremonyOpened
    consented: bool


class ProposalRow(Struct, frozen=True):
    proposed: NameProposed
    reporters: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    seq: int
    row: ProposalRow
    votes: int = 0
    """0 for a hidden one, whatever was cast for it."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A naming ceremony that is not over, as its log stands."""

    id: int
    """The seq of its `CeremonyOpened`."""
    row: CeremonyRow
    until_ms: int
    """End of the window (or of the time to consent), on the log's clock."""
    version: int
    """Grows with every change but votes."""
    cast: int
    """Votes in the log, changed ones and those taken back included."""
    proposals: tuple[Proposal, ...] = ()
    """By seq."""


@dataclass(frozen=True, slots=True)
class SetCeremony:
    """Begin a ceremony (`of` None: this entry is it), or change its row; it lasts so long from this entry's time."""

    of: int | None
    row: CeremonyRow
    lasts_ms: int


@dataclass(frozen=True, slots=True)
class SetProposal:
    """Add a proposal to ceremony `of` (`seq` None: this entry is it), or change its row. Hidden, its votes are gone."""

    of: int
    seq: int | None
    row: ProposalRow


@dataclass(frozen=True, slots=True)
class SetBallot:
    """The one vote of `user` in ceremony `of` is for `proposal` from now on; None: they have none. Counted once."""

    of: int
    user: str
    proposal: int | None


@dataclass(frozen=True, slots=True)
class DropCeremony:
    """It is over: row, proposals and ballots leave the projection; the log keeps them."""

    of: int


@dataclass(frozen=True, slots=True)
class MemberNames:
    """A member's names; `version` counts how often they were changed."""

    version: int = 0
    names: tuple[GivenTo, ...] = ()


@dataclass(frozen=True, slots=True)
class SetNames:
    """All names of a member."""

    user: str
    names: tuple[GivenTo, ...]
