"""A row of the REST surface, and a request for it, as values: what routing, decoding and documentation need to know.

The rows stand beside their coroutines, in a module for each noun; `gateway.api` is the table of all of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import Struct

from chat.errors import ErrorCode
from chat.room import Caller
from gateway.bodies import InRoom, NoQuery, Nowhere

if TYPE_CHECKING:
    from gateway.api import Api

Where = TypeVar("Where", bound=Struct)
Query = TypeVar("Query", bound=Struct)
Body = TypeVar("Body", bound=Struct | None)

IN_ROOM: Final = (ErrorCode.FORBIDDEN, ErrorCode.NOT_A_MEMBER, ErrorCode.ROOM_NOT_FOUND)
"""What whatever is done in a room can be refused with."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Where, Query, Body]):
    """One request, decoded and authenticated."""

    caller: Caller
    where: Where
    query: Query
    body: Body
    address: str
    base_url: str
    once: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row."""

    method: str
    path: str
    handler: Callable[["Api", Any], Awaitable[Any]]
    where: type[Struct] = Nowhere
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    answer: Any = None
    status: int = 200
    public: bool = False
    takes_once: bool = False
    image: str = ""
    """The media type of an answer that is a picture."""
    lines: bool = False
    """The answer is a stream of JSON lines of type `answer`."""
    document: str = ""
    """The media type of an answer that is a file to keep."""
    errors: tuple[ErrorCode, ...] = field(default=())
    """What can be said no for, besides what every operation can say."""

    @property
    def name(self) -> str:
        return self.handler.__name__


def change(
    method: str,
    path: str,
    handler: Callable[["Api", Any], Awaitable[Any]],
    body: type[Struct],
    *,
    where: type[Struct] = InRoom,
    errors: tuple[ErrorCode, ...],
) -> Operation:
    """A row that changes something in a room, once for each key, and has nothing to answer."""
    return Operation(method, path, handler, where=where, body=body, status=204, takes_once=True, errors=errors)
