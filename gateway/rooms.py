"""Rooms over REST: made, listed and looked at; rows of the one table of operations in `gateway.api`."""

from typing import TYPE_CHECKING, Final

from chat.commands import CreateRoom
from chat.errors import ErrorCode, Rejected
from chat.ids import Position
from chat.ports import RoomState
from gateway.bodies import InRoom, NoQuery, Nowhere, RoomRequest, RoomsPage, RoomsQuery, RoomView
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api


async def create_room(api: "Api", call: Call[Nowhere, NoQuery, RoomRequest]) -> RoomView:
    """A new room, owned by the caller. Needs a token with `create` or `admin`."""
    asked = call.body
    once = call.once or api.new_id()
    await api.service.create_room(call.caller, CreateRoom(id=0, room=asked.room, title=asked.title, once=once))
    return await _room_view(api, asked.room)


async def list_rooms(api: "Api", call: Call[Nowhere, RoomsQuery, None]) -> RoomsPage:
    """All rooms, by id. Needs a token with `admin`: ids of rooms are not for strangers."""
    if not call.caller.administrator:
        raise Rejected(ErrorCode.FORBIDDEN, "only a token with `admin` lists all rooms")
    rooms = [room for room in await api.service.log.rooms() if room > call.query.after]
    page = rooms[: call.query.limit]
    return RoomsPage(rooms=tuple([await _room_view(api, room) for room in page]), more=len(page) < len(rooms))


async def get_room(api: "Api", call: Call[InRoom, NoQuery, None]) -> RoomView:
    """A room that the caller may read."""
    return _as_view(await api.allowed(call.caller, call.where.room, "read"))


async def _room_view(api: "Api", room: str) -> RoomView:
    state = await api.service.log.state(room)
    if state is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    return _as_view(state)


def _as_view(state: RoomState) -> RoomView:
    return RoomView(
        room=state.room,
        title=state.title,
        head=Position(state.head.epoch, state.head.seq),
        members=state.members,
        created_at_ms=state.created_at_ms,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/rooms", list_rooms, query=RoomsQuery, answer=RoomsPage, errors=(ErrorCode.FORBIDDEN,)),
    Operation(
        "POST",
        "/rooms",
        create_room,
        body=RoomRequest,
        answer=RoomView,
        status=201,
        takes_once=True,
        errors=(ErrorCode.FORBIDDEN, ErrorCode.ROOM_EXISTS, ErrorCode.NAME_INVALID),
    ),
    Operation("GET", "/rooms/{room}", get_room, where=InRoom, answer=RoomView, errors=IN_ROOM),
)
