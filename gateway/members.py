"""Members over REST, with the pictures of their names; rows of the one table of operations in `gateway.api`."""

import time
from typing import TYPE_CHECKING, Final

from chat import names
from chat.card import card_svg
from chat.commands import Leave
from chat.errors import ErrorCode, Rejected
from gateway.bodies import InRoom, MemberRequest, MembersPage, MembersQuery, MemberView, NoQuery, OfMember
from gateway.naming import CardQuery
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api


async def list_members(api: "Api", call: Call[InRoom, MembersQuery, None]) -> MembersPage:
    """Members by user id."""
    room, query = call.where.room, call.query
    await api.allowed(call.caller, room, "read")
    members = [member for member in await api.service.log.members(room) if member.user > query.after]
    page = members[: query.limit]
    return MembersPage(
        members=tuple(MemberView(user=member.user, name=member.name, role=member.role) for member in page),
        more=len(page) < len(members),
    )


async def get_card(api: "Api", call: Call[OfMember, CardQuery, None]) -> str:
    """The picture of a member's name, for whoever may read the room: SVG, with no font or image fetched."""
    room, user = call.where.room, call.where.user
    state = await api.allowed(call.caller, room, "read")
    member, known = await api.service.log.member(room, user), await api.service.log.names(room, user)
    if member is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
    if not known.names:
        raise Rejected(ErrorCode.CEREMONY_NOT_FOUND, "this member was given no name yet")
    wanted = call.query.name
    name = next((one for one in known.names if wanted is None or names.same_name(one.text, wanted)), None)
    if name is None:
        raise Rejected(ErrorCode.CEREMONY_NOT_FOUND, "this member has no such name")
    return card_svg(member.name, name, state.title, time.strftime("%Y-%m-%d", time.gmtime(name.since_ms / 1000)))


async def get_card_picture(api: "Api", call: Call[OfMember, CardQuery, None]) -> bytes:
    """The same as PNG, 1,280 pixels a side; 503 where the server has no font with Chinese characters."""
    svg = await get_card(api, call)
    api.spend(api.naming, call.caller.user)
    return await api.painter.png(svg)


async def put_member(api: "Api", call: Call[OfMember, NoQuery, MemberRequest]) -> MemberView:
    """Make somebody a member (needs `admin`), or change a member's role (the owner may, too)."""
    room, user, asked = call.where.room, call.where.user, call.body
    await api.service.admit(call.caller, room, user, asked.name, asked.role)
    member = await api.service.log.member(room, user)
    if member is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "the member was removed meanwhile")
    return MemberView(user=member.user, name=member.name, role=member.role)


async def delete_member(api: "Api", call: Call[OfMember, NoQuery, None]) -> None:
    """End a membership: another's as a moderator, or one's own."""
    room, user = call.where.room, call.where.user
    if user == call.caller.user:
        await api.service.leave(call.caller, Leave(id=0, room=room))
    else:
        await api.service.remove(call.caller, room, user)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET",
        "/rooms/{room}/members",
        list_members,
        where=InRoom,
        query=MembersQuery,
        answer=MembersPage,
        errors=IN_ROOM,
    ),
    Operation(
        "GET",
        "/rooms/{room}/members/{user}/card.svg",
        get_card,
        where=OfMember,
        query=CardQuery,
        answer=str,
        image="image/svg+xml",
        errors=(*IN_ROOM, ErrorCode.CEREMONY_NOT_FOUND),
    ),
    Operation(
        "GET",
        "/rooms/{room}/members/{user}/card.png",
        get_card_picture,
        where=OfMember,
        query=CardQuery,
        answer=bytes,
        image="image/png",
        errors=(*IN_ROOM, ErrorCode.CEREMONY_NOT_FOUND, ErrorCode.TOO_FAST),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/members/{user}",
        put_member,
        where=OfMember,
        body=MemberRequest,
        answer=MemberView,
        errors=(*IN_ROOM, ErrorCode.OWNER_MUST_STAY, ErrorCode.NAME_INVALID),
    ),
    Operation(
        "DELETE",
        "/rooms/{room}/members/{user}",
        delete_member,
        where=OfMember,
        status=204,
        errors=(*IN_ROOM, ErrorCode.OWNER_MUST_STAY),
    ),
)
