"""The use cases: one short coroutine per command. Load a view -> `room.decide` -> append -> answer.

One file a noun (`rooms`, `messages`, `reading`, `ceremonies`, `moderation`, `stage`) over one `ground`, or over `floor`
where something is said; to those who call it is one `Service`. Nothing here compares roles or knows a codec.
"""

from chat.ids import Position
from chat.ports import Appended
from chat.service.ceremonies import Ceremonies
from chat.service.ground import ABOUT_MAX, BACKLOG_LOOK_MS, JOBS_MAX, OnceCommand, Present
from chat.service.hosting import Hosting
from chat.service.messages import SUGGESTIONS_MAX, Messages
from chat.service.reading import Reading
from chat.service.rooms import Rooms, Standing, glossary_rows

__all__ = [
    "ABOUT_MAX",
    "BACKLOG_LOOK_MS",
    "JOBS_MAX",
    "SUGGESTIONS_MAX",
    "OnceCommand",
    "Present",
    "Service",
    "Standing",
    "glossary_rows",
    "position_of",
]


class Service(Rooms, Messages, Reading, Ceremonies, Hosting):
    """One per process, shared by the WebSocket and the REST side. What it remembers is in `Ground`, and bounded."""


def position_of(appended: Appended | None) -> Position | None:
    return appended.position if appended else None
