"""Messages over REST: read in pages and posted; rows of the one table of operations in `gateway.api`."""

from typing import TYPE_CHECKING, Final

from chat.commands import History, Post
from chat.errors import ErrorCode
from chat.frames import MessagesPage
from chat.ports import Appended
from gateway.bodies import InRoom, MessageMade, MessageRequest, MessagesQuery, NoQuery, listed
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api


async def list_messages(api: "Api", call: Call[InRoom, MessagesQuery, None]) -> MessagesPage:
    """A page of a room's log, forwards (`after`) or backwards (`before`, or neither for the latest)."""
    query = call.query
    languages = listed(query.languages)
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


async def post_message(api: "Api", call: Call[InRoom, NoQuery, MessageRequest]) -> MessageMade:
    """Say something, as a bot or a bridge does. Repeat with the same Idempotency-Key and it is said once."""
    api.spend_post(call.caller)
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
    return made(appended)


def made(appended: Appended) -> MessageMade:
    return MessageMade(position=appended.position, at_ms=appended.at_ms, duplicate=appended.duplicate)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "GET",
        "/rooms/{room}/messages",
        list_messages,
        where=InRoom,
        query=MessagesQuery,
        answer=MessagesPage,
        errors=(*IN_ROOM, ErrorCode.EPOCH_CHANGED),
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
        errors=(*IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.MESSAGE_NOT_FOUND, ErrorCode.TOO_FAST),
    ),
)
