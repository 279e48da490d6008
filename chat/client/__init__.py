"""A member as a Python program: bots, bridges, load tests, an integrator's backend.

Invariants: entries of a room reach the program strictly increasing, none twice, and whatever the server could not
deliver is said (`Missed`), never silent. An awaited `post` that returns is in the log exactly once, however often the
connection broke meanwhile: the same once-key is repeated until the server says done, says no, or the deadline passes.

`client` is what a program holds. Behind it: `line` (link after link, until there is no coming back), `questions`
(commands and their answers), `rooms` (a cursor on each), `inbox` (items owed to the program). Reconnect and resume as
in `docs/protocol.md`.
"""

from chat.client.client import Client
from chat.client.failures import Closed, Refused, Unanswered
from chat.client.guest import Entered, enter
from chat.client.items import (
    Arrived,
    Connected,
    Disconnected,
    Item,
    Missed,
    Recovered,
    RoomLost,
    Standing,
    Unreadable,
)
from chat.client.line import Token
from chat.client.questions import new_once_key

__all__ = [
    "Arrived",
    "Client",
    "Closed",
    "Connected",
    "Disconnected",
    "Entered",
    "Item",
    "Missed",
    "Recovered",
    "Refused",
    "RoomLost",
    "Standing",
    "Token",
    "Unanswered",
    "Unreadable",
    "enter",
    "new_once_key",
]
