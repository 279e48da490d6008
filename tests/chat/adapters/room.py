"""The room that the tests of adapters write to, who made it, and what she says."""

from chat.events import Posted, RoomCreated
from chat.ports import Member

CREATED = RoomCreated(by="ann", name="Ann", title="T")
ANN = Member("ann", "Ann", "owner")


def posted(text: str) -> Posted:
    return Posted(author="ann", name="Ann", text=text)
