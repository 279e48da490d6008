"""Walking in over REST: what an invitation shows before one enters, and becoming a guest. Open to whoever holds an
invitation; rows of the one table of operations in `gateway.api`.
"""

from secrets import token_hex
from typing import TYPE_CHECKING, Final

from chat.errors import ErrorCode, Rejected
from chat.language import canonical_list
from gateway.bodies import (
    Entered,
    EnterRequest,
    Here,
    InviteQuery,
    InviteView,
    NoQuery,
    Nowhere,
    OfInvite,
    TranslatedTitle,
    listed,
)
from gateway.operation import Call, Operation
from gateway.quotas import address_key

if TYPE_CHECKING:
    from gateway.api import Api

GUEST: Final = "guest-"


async def view_invite(api: "Api", call: Call[OfInvite, InviteQuery, None]) -> InviteView:
    """What an invitation opens, and who is there now. Nothing is translated for a stranger; what is translated already
    is shown."""
    api.spend(api.looking, address_key(call.address))
    invite = await api.service.invites.peek(call.where.code, api.now_ms())
    state = await api.service.log.state(invite.room) if invite else None
    if invite is None or state is None:
        raise Rejected(ErrorCode.INVITE_INVALID)
    people = await api.service.roll(invite.room)
    told = await api.service.title_for(state, listed(call.query.languages))
    return InviteView(
        room=invite.room,
        title=state.title,
        translated=TranslatedTitle(title=told.text, language=told.language) if told else None,
        role=invite.role,
        here=Here(total=people.total, by_language=people.by_language),
        expires_at_ms=invite.expires_at_ms,
    )


async def enter(api: "Api", call: Call[Nowhere, NoQuery, EnterRequest]) -> Entered:
    """Walk in as a guest. With the token of an earlier visit to the same room the guest stays the same person, and
    the invitation is not used up again."""
    api.spend(api.entering, address_key(call.address))
    asked = call.body
    canonical_list(asked.languages)
    kept = await _guest_again(api, asked)
    if kept is not None:
        user, room, name = kept
    else:
        user = GUEST + token_hex(6)
        invite, name = await api.service.enter(asked.invite, user, asked.name)
        room = invite.room
    token, expires_at_ms = api.keys.mint(user, name=name, lives_s=api.guest_token_days * 86_400)
    return Entered(token=token, user=user, room=room, name=name, expires_at_ms=expires_at_ms)


async def _guest_again(api: "Api", asked: EnterRequest) -> tuple[str, str, str] | None:
    """(user, room, name) of a guest who comes back with a valid invitation and a token that still holds."""
    if asked.token is None:
        return None
    try:
        caller = api.keys.verify(asked.token)
    except Rejected:
        return None
    invite = await api.service.invites.peek(asked.invite, api.now_ms())
    if invite is None:
        raise Rejected(ErrorCode.INVITE_INVALID)
    member = await api.service.log.member(invite.room, caller.user)
    if member is None or not caller.user.startswith(GUEST):
        return None
    return caller.user, invite.room, member.name


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET",
        "/invites/{code}",
        view_invite,
        where=OfInvite,
        query=InviteQuery,
        answer=InviteView,
        public=True,
        errors=(ErrorCode.INVITE_INVALID, ErrorCode.TOO_FAST),
    ),
    Operation(
        "POST",
        "/enter",
        enter,
        body=EnterRequest,
        answer=Entered,
        public=True,
        errors=(
            ErrorCode.INVITE_INVALID,
            ErrorCode.NAME_INVALID,
            ErrorCode.LANGUAGE_INVALID,
            ErrorCode.ROOM_NOT_FOUND,
            ErrorCode.TOO_FAST,
        ),
    ),
)
