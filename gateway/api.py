"""The REST surface: one table of operations, and one short coroutine for each.

Nothing here knows HTTP libraries: `http.py` turns a request into a `Call` and an answer into bytes, `openapi.py` turns
the same table into the document. Permissions are asked through `chat.service` and `room.allow`, nowhere else.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from chat import names
from chat import room as rules
from chat.card import card_svg
from chat.commands import CreateRoom, FindPeople, History, Leave, Post, PutTerm, RemoveTerm
from chat.errors import ErrorCode, Rejected
from chat.events import Script
from chat.frames import MessagesPage
from chat.ids import Position
from chat.language import canonical_list
from chat.limits import POSTS_BURST, POSTS_PER_S
from chat.live_events import Programme
from chat.moderation.audit import AuditPage
from chat.ports import Appended, RoomState
from chat.room import Caller, View
from chat.service import Service, glossary_rows
from gateway.bodies import (
    Entered,
    EnterRequest,
    ExportLine,
    GlossaryView,
    Here,
    InRoom,
    InviteMade,
    InviteQuery,
    InviteRequest,
    InviteView,
    MemberRequest,
    MembersPage,
    MembersQuery,
    MemberView,
    MessageMade,
    MessageRequest,
    MessagesQuery,
    NoQuery,
    Nowhere,
    OfInvite,
    OfMember,
    RoomRequest,
    RoomsPage,
    RoomsQuery,
    RoomView,
    TermQuery,
    TermRequest,
    TranslatedTitle,
)
from gateway.export import encode_line, export_lines
from gateway.invites import invite_link, new_code
from gateway.moderating import (
    AuditQuery,
    ConductRequest,
    DeskView,
    HandRequest,
    HeldRequest,
    OfMessage,
    ReportRequest,
    SanctionRequest,
    SettlementRequest,
    WordsRequest,
    decide_held,
    get_audit,
    get_desk,
    put_conduct,
    put_words,
    raise_hand,
    report,
    sanction,
    settle_report,
)
from gateway.naming import (
    LOOKS_BURST as NAME_LOOKS_BURST,
)
from gateway.naming import (
    LOOKS_PER_S as NAME_LOOKS_PER_S,
)
from gateway.naming import (
    CardQuery,
    FindPeopleQuery,
    NamePreviewQuery,
    NameView,
    PeoplePage,
    PeopleQuery,
    Suggestions,
    SuggestionsQuery,
    ideas,
    viewed,
)
from gateway.picture import Painter
from gateway.poster import PosterRequest, poster_svg
from gateway.quotas import Quotas, address_key
from gateway.staging import (
    AnnouncementRequest,
    OfStage,
    PollEndRequest,
    PollRequest,
    PollVoteRequest,
    QuestionEndRequest,
    QuestionRequest,
    QuestionVoteRequest,
    StageView,
    ask_stage,
    close_poll,
    get_stage,
    open_poll,
    post_announcement,
    put_programme,
    settle_question,
    vote_poll,
    vote_question,
)
from gateway.tokens import TokenKeys
from gateway.transcript import csv_lines, html_lines
from gateway.webhooks.bodies import (
    HookMade,
    HookRequest,
    HooksPage,
    LettersPage,
    LettersQuery,
    OfHook,
    OfLetter,
    Tried,
)
from gateway.webhooks.operations import (
    Webhooks,
    create_hook,
    delete_hook,
    list_hooks,
    list_letters,
    ping_hook,
    redeliver,
)

GUEST: Final = "guest-"
LOOKS_PER_S: Final = 2.0
LOOKS_BURST: Final = 600
"""Looks at invitations from one address: a full hall opens the same link at once; a guesser of codes gains nothing."""

NOBODY: Final = Caller(user="", name="")

Where = TypeVar("Where", bound=Struct)
Query = TypeVar("Query", bound=Struct)
Body = TypeVar("Body", bound=Struct | None)


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


class Api:
    """What the operations need."""

    def __init__(
        self,
        service: Service,
        keys: TokenKeys,
        webhooks: Webhooks,
        *,
        public_url: str | None,
        guest_token_days: int,
        enter_per_minute: float,
        enter_burst: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        now_s: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: token_hex(12),
    ) -> None:
        self.service = service
        self.keys = keys
        self.webhooks = webhooks
        self.public_url = public_url
        self.guest_token_days = guest_token_days
        self.now_ms = now_ms
        self.now_s = now_s
        self.new_id = new_id
        self.entering = Quotas(enter_per_minute / 60, enter_burst)
        self.looking = Quotas(LOOKS_PER_S, LOOKS_BURST)
        self.posting = Quotas(POSTS_PER_S, POSTS_BURST)
        self.naming = Quotas(NAME_LOOKS_PER_S, NAME_LOOKS_BURST)
        self.painter = Painter()

    def statistics(self) -> dict[str, float]:
        return {
            "rest_enter_refused_total": self.entering.refused,
            "rest_invite_looks_refused_total": self.looking.refused,
            "rest_posts_refused_total": self.posting.refused,
            "rest_name_looks_refused_total": self.naming.refused,
            "cards_drawn_total": self.painter.drawn,
        }

    def spend(self, quotas: Quotas, key: str) -> None:
        """Raises Rejected(TOO_FAST)."""
        wait_ms = quotas.take(key, self.now_s())
        if wait_ms:
            raise Rejected(ErrorCode.TOO_FAST, retry_after_ms=wait_ms)

    async def allowed(self, caller: Caller, room: str, action: str) -> RoomState:
        """The room, if `caller` may do `action` in it. Raises Rejected."""
        state = await self.service.log.state(room)
        rules.allow(View(state, await self.service.log.member(room, caller.user)), caller, action)
        if state is None:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND)
        return state


# -- public ------------------------------------------------------------------------------------------------------------


async def view_invite(api: Api, call: Call[OfInvite, InviteQuery, None]) -> InviteView:
    """What an invitation opens, and who is there now. Nothing is translated for a stranger; what is translated already
    is shown."""
    api.spend(api.looking, address_key(call.address))
    invite = await api.service.invites.peek(call.where.code, api.now_ms())
    state = await api.service.log.state(invite.room) if invite else None
    if invite is None or state is None:
        raise Rejected(ErrorCode.INVITE_INVALID)
    people = await api.service.roll(invite.room)
    told = await api.service.title_for(state, _languages(call.query.languages))
    return InviteView(
        room=invite.room,
        title=state.title,
        translated=TranslatedTitle(title=told.text, language=told.language) if told else None,
        role=invite.role,
        here=Here(total=people.total, by_language=people.by_language),
        expires_at_ms=invite.expires_at_ms,
    )


async def enter(api: Api, call: Call[Nowhere, NoQuery, EnterRequest]) -> Entered:
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


async def _guest_again(api: Api, asked: EnterRequest) -> tuple[str, str, str] | None:
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


# -- rooms -------------------------------------------------------------------------------------------------------------


async def create_room(api: Api, call: Call[Nowhere, NoQuery, RoomRequest]) -> RoomView:
    """A new room, owned by the caller. Needs a token with `create` or `admin`."""
    asked = call.body
    once = call.once or api.new_id()
    await api.service.create_room(call.caller, CreateRoom(id=0, room=asked.room, title=asked.title, once=once))
    return await _room_view(api, asked.room)


async def list_rooms(api: Api, call: Call[Nowhere, RoomsQuery, None]) -> RoomsPage:
    """All rooms, by id. Needs a token with `admin`: ids of rooms are not for strangers."""
    if not call.caller.administrator:
        raise Rejected(ErrorCode.FORBIDDEN, "only a token with `admin` lists all rooms")
    rooms = [room for room in await api.service.log.rooms() if room > call.query.after]
    page = rooms[: call.query.limit]
    return RoomsPage(rooms=tuple([await _room_view(api, room) for room in page]), more=len(page) < len(rooms))


async def get_room(api: Api, call: Call[InRoom, NoQuery, None]) -> RoomView:
    """A room that the caller may read."""
    return _as_view(await api.allowed(call.caller, call.where.room, "read"))


async def list_members(api: Api, call: Call[InRoom, MembersQuery, None]) -> MembersPage:
    """Members by user id."""
    room, query = call.where.room, call.query
    await api.allowed(call.caller, room, "read")
    members = [member for member in await api.service.log.members(room) if member.user > query.after]
    page = members[: query.limit]
    return MembersPage(
        members=tuple(MemberView(user=member.user, name=member.name, role=member.role) for member in page),
        more=len(page) < len(members),
    )


async def get_card(api: Api, call: Call[OfMember, CardQuery, None]) -> str:
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


async def get_card_picture(api: Api, call: Call[OfMember, CardQuery, None]) -> bytes:
    """The same as PNG, 1,280 pixels a side; 503 where the server has no font with Chinese characters."""
    svg = await get_card(api, call)
    api.spend(api.naming, call.caller.user)
    return await api.painter.png(svg)


async def put_member(api: Api, call: Call[OfMember, NoQuery, MemberRequest]) -> MemberView:
    """Make somebody a member (needs `admin`), or change a member's role (the owner may, too)."""
    room, user, asked = call.where.room, call.where.user, call.body
    await api.service.admit(call.caller, room, user, asked.name, asked.role)
    member = await api.service.log.member(room, user)
    if member is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "the member was removed meanwhile")
    return MemberView(user=member.user, name=member.name, role=member.role)


async def delete_member(api: Api, call: Call[OfMember, NoQuery, None]) -> None:
    """End a membership: another's as a moderator, or one's own."""
    room, user = call.where.room, call.where.user
    if user == call.caller.user:
        await api.service.leave(call.caller, Leave(id=0, room=room))
    else:
        await api.service.remove(call.caller, room, user)


async def create_invite(api: Api, call: Call[InRoom, NoQuery, InviteRequest]) -> InviteMade:
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


async def delete_invite(api: Api, call: Call[OfInvite, NoQuery, None]) -> None:
    """Revoke an invitation. Whoever may invite into its room may revoke it."""
    invite = await api.service.invites.peek(call.where.code, api.now_ms())
    if invite is None:
        raise Rejected(ErrorCode.INVITE_INVALID)
    await api.allowed(call.caller, invite.room, "invite")
    await api.service.invites.revoke(call.where.code)


# -- messages ----------------------------------------------------------------------------------------------------------


async def list_messages(api: Api, call: Call[InRoom, MessagesQuery, None]) -> MessagesPage:
    """A page of a room's log, forwards (`after`) or backwards (`before`, or neither for the latest)."""
    query = call.query
    languages = _languages(query.languages)
    page = await api.service.history(
        call.caller,
        languages,
        History(
            id=0, room=call.where.room, before=query.before, after=query.after, epoch=query.epoch, limit=query.limit
        ),
    )
    return MessagesPage(
        room=page.room,
        epoch=page.epoch,
        entries=page.entries,
        about=page.about,
        first=page.first,
        last=page.last,
        more=page.more,
    )


async def post_message(api: Api, call: Call[InRoom, NoQuery, MessageRequest]) -> MessageMade:
    """Say something, as a bot or a bridge does. Repeat with the same Idempotency-Key and it is said once."""
    _spend_post(api, call.caller)
    asked = call.body
    appended: Appended = await api.service.post(
        call.caller,
        Post(
            id=0,
            room=call.where.room,
            text=asked.text,
            once=call.once or api.new_id(),
            reply_to=asked.reply_to,
            mentions=asked.mentions,
        ),
    )
    return MessageMade(position=appended.position, at_ms=appended.at_ms, duplicate=appended.duplicate)


async def get_glossary(api: Api, call: Call[InRoom, NoQuery, None]) -> GlossaryView:
    """The terms of a room that the caller may read."""
    glossary = await api.service.glossary(call.caller, call.where.room)
    return GlossaryView(room=call.where.room, version=glossary.version, terms=glossary_rows(glossary))


async def put_term(api: Api, call: Call[InRoom, TermQuery, TermRequest]) -> None:
    """Add a term, or replace it; as the command `put_term`, for owners and moderators. In force within a second."""
    _spend_post(api, call.caller)
    which, asked = call.query, call.body
    command = PutTerm(
        id=0,
        room=call.where.room,
        source=which.source,
        target=asked.target,
        language=which.language,
        note=asked.note,
        once=call.once or api.new_id(),
    )
    await api.service.change_glossary(call.caller, command)


async def delete_term(api: Api, call: Call[InRoom, TermQuery, None]) -> None:
    """Remove a term; as the command `remove_term`, for owners and moderators."""
    _spend_post(api, call.caller)
    which = call.query
    once = call.once or api.new_id()
    await api.service.change_glossary(
        call.caller, RemoveTerm(id=0, room=call.where.room, source=which.source, language=which.language, once=once)
    )


async def preview_name(api: Api, call: Call[InRoom, NamePreviewQuery, None]) -> NameView:
    """What a proposal of this name would be shown with: reading, meaning, sound, and what speaks against it."""
    query = call.query
    original = await _original_name(api, call.caller, call.where.room, query.user)
    script: Script = "han" if names.is_han(query.text) else "latin"
    text = names.clean_given_name(query.text, script)
    return await asyncio.to_thread(viewed, text, script, original, query.pinyin)


async def suggest_names(api: Api, call: Call[InRoom, SuggestionsQuery, None]) -> Suggestions:
    """Five ideas by sound and meaning for a member whose name is in the other script. The same seed gives the same."""
    query = call.query
    original = await _original_name(api, call.caller, call.where.room, query.user)
    found = await asyncio.to_thread(ideas, original, query.script, query.seed, query.gender, full=query.full)
    return Suggestions(names=found)


async def list_names(api: Api, call: Call[InRoom, PeopleQuery, None]) -> PeoplePage:
    """Everybody in the room with all their names, by user id."""
    query = call.query
    people, more = await api.service.named_people(call.caller, call.where.room, after=query.after, limit=query.limit)
    return PeoplePage(people=people, more=more)


async def find_names(api: Api, call: Call[InRoom, FindPeopleQuery, None]) -> PeoplePage:
    """Members by any of their names, best first; as the command `find_people`."""
    query = call.query
    api.spend(api.naming, call.caller.user)
    command = FindPeople(id=0, room=call.where.room, query=query.query)
    found = await api.service.find_people(call.caller, command, skip=query.skip, limit=query.limit)
    return PeoplePage(people=found.cards, more=found.more)


async def _original_name(api: Api, caller: Caller, room: str, user: str | None) -> str:
    """The name under which a member (None: the caller) came in, for who may propose them another."""
    await api.allowed(caller, room, "propose_name")
    api.spend(api.naming, caller.user)
    member = await api.service.log.member(room, user or caller.user)
    if member is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
    return member.name


async def export_room(api: Api, call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """Everything that was said, one JSON object per line, the last one of type `end`. For owners and moderators."""
    state = await api.allowed(call.caller, call.where.room, "export")

    async def lines() -> AsyncIterator[bytes]:
        async for line in export_lines(api.service.log, state, api.now_ms()):
            yield encode_line(line)

    return lines()


async def export_page(api: Api, call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """Everything that everybody could read, as one HTML file for people: Chinese and English side by side. For owners
    and moderators."""
    state = await api.allowed(call.caller, call.where.room, "export")
    return html_lines(export_lines(api.service.log, state, api.now_ms()))


async def export_table(api: Api, call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """The same as a table for spreadsheets (RFC 4180, UTF-8): no cell begins like a formula."""
    state = await api.allowed(call.caller, call.where.room, "export")
    return csv_lines(export_lines(api.service.log, state, api.now_ms()))


async def draw_poster(api: Api, call: Call[InRoom, NoQuery, PosterRequest]) -> str:
    """A page to print, A4 as SVG: title in both languages, when it begins, the invitation as QR code and address. For
    who may invite; the code comes in the body, because addresses are written into logs."""
    asked, room = call.body, call.where.room
    state = await api.allowed(call.caller, room, "invite")
    invite = await api.service.invites.peek(asked.invite, api.now_ms())
    if invite is None or invite.room != room:
        raise Rejected(ErrorCode.INVITE_INVALID)
    told = [await api.service.title_for(state, (language,)) for language in ("zh", "en")]
    starts_ms = await api.service.starts_ms(room)
    titles = (state.title, *(each.text for each in told if each))
    return poster_svg(
        titles, invite_link(api.public_url or call.base_url, asked.invite), starts_ms, asked.utc_offset_min
    )


def _spend_post(api: Api, caller: Caller) -> None:
    if not caller.administrator:
        api.spend(api.posting, caller.user)


def _languages(tags: str) -> tuple[str, ...]:
    return canonical_list(tag for tag in tags.split(",") if tag)


async def _room_view(api: Api, room: str) -> RoomView:
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


# -- the table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: everything that routing, decoding and documentation need to know."""

    method: str
    path: str
    handler: Callable[[Api, Any], Awaitable[Any]]
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


_IN_ROOM: Final = (ErrorCode.FORBIDDEN, ErrorCode.NOT_A_MEMBER, ErrorCode.ROOM_NOT_FOUND)
_ON_STAGE: Final = (*_IN_ROOM, ErrorCode.OVER, ErrorCode.TOO_FAST)
_MODERATING: Final = (*_IN_ROOM, ErrorCode.MALFORMED, ErrorCode.TOO_FAST)
_OF_HOOK: Final = (ErrorCode.FORBIDDEN, ErrorCode.HOOK_NOT_FOUND)

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
        "DELETE",
        "/invites/{code}",
        delete_invite,
        where=OfInvite,
        status=204,
        errors=(*_IN_ROOM, ErrorCode.INVITE_INVALID),
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
    Operation("GET", "/rooms/{room}", get_room, where=InRoom, answer=RoomView, errors=_IN_ROOM),
    Operation(
        "GET",
        "/rooms/{room}/members",
        list_members,
        where=InRoom,
        query=MembersQuery,
        answer=MembersPage,
        errors=_IN_ROOM,
    ),
    Operation(
        "GET",
        "/rooms/{room}/members/{user}/card.svg",
        get_card,
        where=OfMember,
        query=CardQuery,
        answer=str,
        image="image/svg+xml",
        errors=(*_IN_ROOM, ErrorCode.CEREMONY_NOT_FOUND),
    ),
    Operation(
        "GET",
        "/rooms/{room}/members/{user}/card.png",
        get_card_picture,
        where=OfMember,
        query=CardQuery,
        answer=bytes,
        image="image/png",
        errors=(*_IN_ROOM, ErrorCode.CEREMONY_NOT_FOUND, ErrorCode.TOO_FAST),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/members/{user}",
        put_member,
        where=OfMember,
        body=MemberRequest,
        answer=MemberView,
        errors=(*_IN_ROOM, ErrorCode.OWNER_MUST_STAY, ErrorCode.NAME_INVALID),
    ),
    Operation(
        "DELETE",
        "/rooms/{room}/members/{user}",
        delete_member,
        where=OfMember,
        status=204,
        errors=(*_IN_ROOM, ErrorCode.OWNER_MUST_STAY),
    ),
    Operation(
        "POST",
        "/rooms/{room}/invites",
        create_invite,
        where=InRoom,
        body=InviteRequest,
        answer=InviteMade,
        status=201,
        errors=_IN_ROOM,
    ),
    Operation(
        "GET",
        "/rooms/{room}/messages",
        list_messages,
        where=InRoom,
        query=MessagesQuery,
        answer=MessagesPage,
        errors=(*_IN_ROOM, ErrorCode.EPOCH_CHANGED),
    ),
    Operation(
        "POST",
        "/rooms/{room}/messages",
        post_message,
        where=InRoom,
        body=MessageRequest,
        answer=MessageMade,
        status=201,
        takes_once=True,
        errors=(*_IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.MESSAGE_NOT_FOUND, ErrorCode.TOO_FAST),
    ),
    Operation("GET", "/rooms/{room}/glossary", get_glossary, where=InRoom, answer=GlossaryView, errors=_IN_ROOM),
    Operation(
        "PUT",
        "/rooms/{room}/glossary/term",
        put_term,
        where=InRoom,
        query=TermQuery,
        body=TermRequest,
        status=204,
        takes_once=True,
        errors=(*_IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.LANGUAGE_INVALID, ErrorCode.TOO_FAST),
    ),
    Operation(
        "DELETE",
        "/rooms/{room}/glossary/term",
        delete_term,
        where=InRoom,
        query=TermQuery,
        status=204,
        takes_once=True,
        errors=(
            *_IN_ROOM,
            ErrorCode.NOTHING_TO_SAY,
            ErrorCode.LANGUAGE_INVALID,
            ErrorCode.MESSAGE_NOT_FOUND,
            ErrorCode.TOO_FAST,
        ),
    ),
    Operation(
        "GET", "/rooms/{room}/names", list_names, where=InRoom, query=PeopleQuery, answer=PeoplePage, errors=_IN_ROOM
    ),
    Operation(
        "GET",
        "/rooms/{room}/names/search",
        find_names,
        where=InRoom,
        query=FindPeopleQuery,
        answer=PeoplePage,
        errors=(*_IN_ROOM, ErrorCode.TOO_FAST),
    ),
    Operation(
        "GET",
        "/rooms/{room}/naming/preview",
        preview_name,
        where=InRoom,
        query=NamePreviewQuery,
        answer=NameView,
        errors=(*_IN_ROOM, ErrorCode.NAME_INVALID, ErrorCode.TOO_FAST),
    ),
    Operation(
        "GET",
        "/rooms/{room}/naming/suggestions",
        suggest_names,
        where=InRoom,
        query=SuggestionsQuery,
        answer=Suggestions,
        errors=(*_IN_ROOM, ErrorCode.TOO_FAST),
    ),
    Operation("GET", "/rooms/{room}/export", export_room, where=InRoom, answer=ExportLine, lines=True, errors=_IN_ROOM),
    Operation(
        "GET",
        "/rooms/{room}/export.html",
        export_page,
        where=InRoom,
        answer=str,
        document="text/html; charset=utf-8",
        errors=_IN_ROOM,
    ),
    Operation(
        "GET",
        "/rooms/{room}/export.csv",
        export_table,
        where=InRoom,
        answer=str,
        document="text/csv; charset=utf-8",
        errors=_IN_ROOM,
    ),
    Operation(
        "POST",
        "/rooms/{room}/poster.svg",
        draw_poster,
        where=InRoom,
        body=PosterRequest,
        answer=str,
        image="image/svg+xml",
        errors=(*_IN_ROOM, ErrorCode.INVITE_INVALID),
    ),
    Operation("GET", "/rooms/{room}/stage", get_stage, where=InRoom, answer=StageView, errors=_IN_ROOM),
    Operation(
        "POST",
        "/rooms/{room}/announcements",
        post_announcement,
        where=InRoom,
        body=AnnouncementRequest,
        answer=MessageMade,
        status=201,
        takes_once=True,
        errors=(*_IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.LANGUAGE_INVALID, ErrorCode.TOO_FAST),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/programme",
        put_programme,
        where=InRoom,
        body=Programme,
        status=204,
        takes_once=True,
        errors=(*_ON_STAGE, ErrorCode.NAME_INVALID, ErrorCode.NOTHING_TO_SAY),
    ),
    Operation(
        "POST",
        "/rooms/{room}/polls",
        open_poll,
        where=InRoom,
        body=PollRequest,
        answer=MessageMade,
        status=201,
        takes_once=True,
        errors=(*_ON_STAGE, ErrorCode.NOTHING_TO_SAY),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/polls/{of}/vote",
        vote_poll,
        where=OfStage,
        body=PollVoteRequest,
        status=204,
        takes_once=True,
        errors=_ON_STAGE,
    ),
    Operation(
        "POST",
        "/rooms/{room}/polls/{of}/close",
        close_poll,
        where=OfStage,
        body=PollEndRequest,
        status=204,
        takes_once=True,
        errors=_ON_STAGE,
    ),
    Operation(
        "POST",
        "/rooms/{room}/questions",
        ask_stage,
        where=InRoom,
        body=QuestionRequest,
        answer=MessageMade,
        status=201,
        takes_once=True,
        errors=(*_ON_STAGE, ErrorCode.NOTHING_TO_SAY, ErrorCode.MUTED, ErrorCode.WORDS_REFUSED),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/questions/{of}/vote",
        vote_question,
        where=OfStage,
        body=QuestionVoteRequest,
        status=204,
        takes_once=True,
        errors=(*_ON_STAGE, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    Operation(
        "POST",
        "/rooms/{room}/questions/{of}/settle",
        settle_question,
        where=OfStage,
        body=QuestionEndRequest,
        status=204,
        takes_once=True,
        errors=_ON_STAGE,
    ),
    Operation("GET", "/rooms/{room}/desk", get_desk, where=InRoom, answer=DeskView, errors=_IN_ROOM),
    Operation(
        "GET", "/rooms/{room}/audit", get_audit, where=InRoom, query=AuditQuery, answer=AuditPage, errors=_IN_ROOM
    ),
    Operation(
        "PUT",
        "/rooms/{room}/conduct",
        put_conduct,
        where=InRoom,
        body=ConductRequest,
        status=204,
        takes_once=True,
        errors=_MODERATING,
    ),
    Operation(
        "POST",
        "/rooms/{room}/members/{user}/sanctions",
        sanction,
        where=OfMember,
        body=SanctionRequest,
        status=204,
        takes_once=True,
        errors=(*_MODERATING, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    Operation(
        "POST",
        "/rooms/{room}/held/{of}",
        decide_held,
        where=OfMessage,
        body=HeldRequest,
        status=204,
        takes_once=True,
        errors=(*_MODERATING, ErrorCode.OVER),
    ),
    Operation(
        "POST",
        "/rooms/{room}/messages/{of}/reports",
        report,
        where=OfMessage,
        body=ReportRequest,
        status=204,
        takes_once=True,
        errors=(*_MODERATING, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    Operation(
        "POST",
        "/rooms/{room}/messages/{of}/settlement",
        settle_report,
        where=OfMessage,
        body=SettlementRequest,
        status=204,
        takes_once=True,
        errors=(*_MODERATING, ErrorCode.OVER),
    ),
    Operation(
        "PUT",
        "/rooms/{room}/words",
        put_words,
        where=InRoom,
        body=WordsRequest,
        status=204,
        takes_once=True,
        errors=_MODERATING,
    ),
    Operation(
        "PUT",
        "/rooms/{room}/hand",
        raise_hand,
        where=InRoom,
        body=HandRequest,
        status=204,
        takes_once=True,
        errors=(*_MODERATING, ErrorCode.MUTED, ErrorCode.OVER),
    ),
    Operation("GET", "/hooks", list_hooks, answer=HooksPage, errors=(ErrorCode.FORBIDDEN,)),
    Operation(
        "POST",
        "/hooks",
        create_hook,
        body=HookRequest,
        answer=HookMade,
        status=201,
        errors=(ErrorCode.FORBIDDEN,),
    ),
    Operation("DELETE", "/hooks/{hook}", delete_hook, where=OfHook, status=204, errors=_OF_HOOK),
    Operation(
        "POST", "/hooks/{hook}/ping", ping_hook, where=OfHook, answer=Tried, errors=(*_OF_HOOK, ErrorCode.TOO_FAST)
    ),
    Operation(
        "GET",
        "/hooks/{hook}/letters",
        list_letters,
        where=OfHook,
        query=LettersQuery,
        answer=LettersPage,
        errors=_OF_HOOK,
    ),
    Operation(
        "POST",
        "/hooks/{hook}/letters/{letter}",
        redeliver,
        where=OfLetter,
        answer=Tried,
        errors=(*_OF_HOOK, ErrorCode.TOO_FAST),
    ),
)


def by_path() -> Mapping[str, dict[str, Operation]]:
    """The operations of each path, by method."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return paths
