"""Moderation over REST; rows of the one table of operations in `gateway.api`. Each is the command of the same name in
docs/protocol.md: same rules, same once-keys.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct

from chat.conduct import Conduct
from chat.errors import ErrorCode
from chat.ids import RoomId, Seq
from chat.limits import DELETE_LAST_MAX, TIMEOUT_S_MAX
from chat.live_commands import (
    DecideHeld,
    Desk,
    ModerationCommand,
    RaiseHand,
    Report,
    Sanction,
    SetConduct,
    SettleReport,
    SetWords,
)
from chat.live_events import SanctionAction, Why, Word, Words
from chat.live_frames import HandView, HeldView, ReportView, StandingView
from chat.moderation.audit import AuditPage
from gateway.bodies import InRoom, NoQuery, OfMember
from gateway.operation import IN_ROOM, Call, Operation, change

if TYPE_CHECKING:
    from gateway.api import Api

AUDIT_LIMIT_MAX = 200


class OfMessage(Struct, frozen=True):
    room: RoomId
    of: Annotated[Seq, Meta(description="the message, held or posted: the seq of its entry")]


class ConductRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    conduct: Conduct
    why: Why = ""


class SanctionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    action: SanctionAction
    for_s: Annotated[int, Meta(ge=0, le=TIMEOUT_S_MAX)] = 0
    """How long; 0: until it is lifted. A timeout needs it."""
    why: Why = ""
    of: Seq = 0
    """The message that was the reason."""
    delete_last: Annotated[int, Meta(ge=0, le=DELETE_LAST_MAX)] = 0
    """Recall so many of their latest messages as well."""
    undoes: Seq = 0
    """The entry of the decision that is taken back."""


class HeldRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    approve: bool
    why: Why = ""


class ReportRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    language: Annotated[str, Meta(max_length=40)] = ""
    """Of the translation that was seen; empty: the original."""
    why: Why = ""


class SettlementRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    remove: bool
    """Recall the message."""
    why: Why = ""


class WordsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    words: Words = ()
    lists: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """Built-in lists that are on."""


class HandRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on: bool = True


class DeskView(Struct, frozen=True, kw_only=True):
    """What waits for a moderator, and what stands."""

    room: RoomId
    conduct: Conduct
    held: tuple[HeldView, ...]
    more_held: int
    reports: tuple[ReportView, ...]
    hands: tuple[HandView, ...]
    sanctions: tuple[StandingView, ...]
    words: tuple[Word, ...]
    lists: tuple[str, ...]
    waiting: int
    """Guests in line before the door of a full room."""


class AuditQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    before: Annotated[Seq, Meta(description="go on before this entry; 0: from the newest")] = 0
    limit: Annotated[int, Meta(ge=1, le=AUDIT_LIMIT_MAX)] = 100


async def get_desk(api: "Api", call: Call[InRoom, NoQuery, None]) -> DeskView:
    """Held messages, reports, raised hands, sanctions and words. For owners and moderators."""
    frame = await api.service.desk(call.caller, (), Desk(id=0, room=call.where.room))
    return DeskView(
        room=frame.room,
        conduct=frame.conduct,
        held=frame.held,
        more_held=frame.more_held,
        reports=frame.reports,
        hands=frame.hands,
        sanctions=frame.sanctions,
        words=frame.words,
        lists=frame.lists,
        waiting=frame.waiting,
    )


async def get_audit(api: "Api", call: Call[InRoom, AuditQuery, None]) -> AuditPage:
    """What moderators decided, newest first. For owners and moderators."""
    return await api.service.audit(call.caller, call.where.room, before=call.query.before, limit=call.query.limit)


async def put_conduct(api: "Api", call: Call[InRoom, NoQuery, ConductRequest]) -> None:
    """How one may speak here from now on, as a whole. For owners and moderators."""
    asked, once = call.body, call.once or api.new_id()
    await _do(api, call, SetConduct(id=0, room=call.where.room, conduct=asked.conduct, why=asked.why, once=once))


async def sanction(api: "Api", call: Call[OfMember, NoQuery, SanctionRequest]) -> None:
    """Decide about a member of a lower rank. For owners and moderators."""
    where, asked = call.where, call.body
    command = Sanction(
        id=0,
        room=where.room,
        user=where.user,
        action=asked.action,
        for_s=asked.for_s,
        why=asked.why,
        of=asked.of,
        delete_last=asked.delete_last,
        undoes=asked.undoes,
        once=call.once or api.new_id(),
    )
    await _do(api, call, command)


async def decide_held(api: "Api", call: Call[OfMessage, NoQuery, HeldRequest]) -> None:
    """Let a held message through, or refuse it. For owners and moderators."""
    where, asked, once = call.where, call.body, call.once or api.new_id()
    await _do(
        api, call, DecideHeld(id=0, room=where.room, of=where.of, approve=asked.approve, why=asked.why, once=once)
    )


async def report(api: "Api", call: Call[OfMessage, NoQuery, ReportRequest]) -> None:
    """Report a message to the moderators, as the caller saw it."""
    where, asked, once = call.where, call.body, call.once or api.new_id()
    await _do(api, call, Report(id=0, room=where.room, of=where.of, language=asked.language, why=asked.why, once=once))


async def settle_report(api: "Api", call: Call[OfMessage, NoQuery, SettlementRequest]) -> None:
    """Deal with all reports about a message. For owners and moderators."""
    where, asked, once = call.where, call.body, call.once or api.new_id()
    await _do(
        api, call, SettleReport(id=0, room=where.room, of=where.of, remove=asked.remove, why=asked.why, once=once)
    )


async def put_words(api: "Api", call: Call[InRoom, NoQuery, WordsRequest]) -> None:
    """The room's word list, as a whole, and which built-in lists are on. For owners and moderators."""
    asked, once = call.body, call.once or api.new_id()
    await _do(api, call, SetWords(id=0, room=call.where.room, words=asked.words, lists=asked.lists, once=once))


async def raise_hand(api: "Api", call: Call[InRoom, NoQuery, HandRequest]) -> None:
    """Ask to speak, or no longer."""
    once = call.once or api.new_id()
    await _do(api, call, RaiseHand(id=0, room=call.where.room, on=call.body.on, once=once))


async def _do(api: "Api", call: Call[Any, Any, Any], command: ModerationCommand) -> None:
    api.spend_post(call.caller)
    await api.service.moderate(call.caller, command)


_MODERATING: Final = (*IN_ROOM, ErrorCode.MALFORMED, ErrorCode.TOO_FAST)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/rooms/{room}/desk", get_desk, where=InRoom, answer=DeskView, errors=IN_ROOM),
    Operation(
        "GET", "/rooms/{room}/audit", get_audit, where=InRoom, query=AuditQuery, answer=AuditPage, errors=IN_ROOM
    ),
    change("PUT", "/rooms/{room}/conduct", put_conduct, ConductRequest, errors=_MODERATING),
    change(
        "POST",
        "/rooms/{room}/members/{user}/sanctions",
        sanction,
        SanctionRequest,
        where=OfMember,
        errors=(*_MODERATING, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    change(
        "POST",
        "/rooms/{room}/held/{of}",
        decide_held,
        HeldRequest,
        where=OfMessage,
        errors=(*_MODERATING, ErrorCode.OVER),
    ),
    change(
        "POST",
        "/rooms/{room}/messages/{of}/reports",
        report,
        ReportRequest,
        where=OfMessage,
        errors=(*_MODERATING, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    change(
        "POST",
        "/rooms/{room}/messages/{of}/settlement",
        settle_report,
        SettlementRequest,
        where=OfMessage,
        errors=(*_MODERATING, ErrorCode.OVER),
    ),
    change("PUT", "/rooms/{room}/words", put_words, WordsRequest, errors=_MODERATING),
    change(
        "PUT", "/rooms/{room}/hand", raise_hand, HandRequest, errors=(*_MODERATING, ErrorCode.MUTED, ErrorCode.OVER)
    ),
)
