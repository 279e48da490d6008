"""A room's terms over REST; rows of the one table of operations in `gateway.api`."""

from typing import TYPE_CHECKING, Final

from chat.commands import PutTerm, RemoveTerm
from chat.errors import ErrorCode
from chat.service import glossary_rows
from gateway.bodies import GlossaryView, InRoom, NoQuery, TermQuery, TermRequest
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api


async def get_glossary(api: "Api", call: Call[InRoom, NoQuery, None]) -> GlossaryView:
    """The terms of a room that the caller may read."""
    glossary = await api.service.glossary(call.caller, call.where.room)
    return GlossaryView(room=call.where.room, version=glossary.version, terms=glossary_rows(glossary))


async def put_term(api: "Api", call: Call[InRoom, TermQuery, TermRequest]) -> None:
    """Add a term, or replace it; as the command `put_term`, for owners and moderators. In force within a second."""
    api.spend_post(call.caller)
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


async def delete_term(api: "Api", call: Call[InRoom, TermQuery, None]) -> None:
    """Remove a term; as the command `remove_term`, for owners and moderators."""
    api.spend_post(call.caller)
    which = call.query
    once = call.once or api.new_id()
    await api.service.change_glossary(
        call.caller, RemoveTerm(id=0, room=call.where.room, source=which.source, language=which.language, once=once)
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/rooms/{room}/glossary", get_glossary, where=InRoom, answer=GlossaryView, errors=IN_ROOM),
    Operation(
        "PUT",
        "/rooms/{room}/glossary/term",
        put_term,
        where=InRoom,
        query=TermQuery,
        body=TermRequest,
        status=204,
        takes_once=True,
        errors=(*IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.LANGUAGE_INVALID, ErrorCode.TOO_FAST),
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
            *IN_ROOM,
            ErrorCode.NOTHING_TO_SAY,
            ErrorCode.LANGUAGE_INVALID,
            ErrorCode.MESSAGE_NOT_FOUND,
            ErrorCode.TOO_FAST,
        ),
    ),
)
