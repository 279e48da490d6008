"""Invitations over REST: made and revoked; rows of the one table of operations in `gateway.api`."""

from typing import TYPE_CHECKING, Final

from chat.errors import ErrorCode, Rejected
from gateway.bodies import InRoom, InviteMade, InviteRequest, NoQuery, OfInvite
from gateway.invites import invite_link, new_code
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api


async def create_invite(api: "Api", call: Call[InRoom, NoQuery, InviteRequest]) -> InviteMade:
    """A new invitation. The code is shown here and never again: it is kept as a digest."""
    asked = call.body
    invite = await api.service.invite(
        call.caller,
        call.where.room,
        role=asked.role,
        lives_s=asked.lives_s,
        uses=-1 if asked.uses is None else asked.uses,
        code=new_code(),
    )
    return InviteMade(
        code=invite.code,
        room=invite.room,
        role=invite.role,
        expires_at_ms=invite.expires_at_ms,
        uses_left=None if invite.uses_left < 0 else invite.uses_left,
        link=invite_link(api.public_url or call.base_url, invite.code),
    )


async def delete_invite(api: "Api", call: Call[OfInvite, NoQuery, None]) -> None:
    """Revoke an invitation. Whoever may invite into its room may revoke it."""
    invite = await api.service.invites.peek(call.where.code, api.now_ms())
    if invite is None:
        raise Rejected(ErrorCode.INVITE_INVALID)
    await api.allowed(call.caller, invite.room, "invite")
    await api.service.invites.revoke(call.where.code)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST",
        "/rooms/{room}/invites",
        create_invite,
        where=InRoom,
        body=InviteRequest,
        answer=InviteMade,
        status=201,
        errors=IN_ROOM,
    ),
    Operation(
        "DELETE",
        "/invites/{code}",
        delete_invite,
        where=OfInvite,
        status=204,
        errors=(*IN_ROOM, ErrorCode.INVITE_INVALID),
    ),
)
