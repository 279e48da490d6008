"""All that an entry may change in its room, in the one atomic step that writes it down."""

from collections.abc import Sequence

from chat.ports.board import DropBox, DropRow, SetChoices, SetRow
from chat.ports.ceremonies import DropCeremony, SetBallot, SetCeremony, SetNames, SetProposal
from chat.ports.glossary import DropTerm, SetTerm
from chat.ports.rooms import DropMember, SetMember, SetPin, SetRoom

Change = (
    SetMember
    | DropMember
    | SetTerm
    | DropTerm
    | SetRoom
    | SetPin
    | SetCeremony
    | SetProposal
    | SetBallot
    | DropCeremony
    | SetNames
    | SetRow
    | DropRow
    | SetChoices
    | DropBox
)


def changes_of(change: Change | Sequence[Change] | None) -> tuple[Change, ...]:
    """All of them, in order: most entries change one row or none."""
    if change is None:
        return ()
    return tuple(change) if isinstance(change, Sequence) else (change,)
