"""The stage over REST: programme, polls, questions and announcements; rows of the one table of operations in
`gateway.api`. Each is the command of the same name in docs/protocol.md: same rules, same once-keys.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct

from chat.commands import Post
from chat.conduct import Conduct
from chat.errors import ErrorCode
from chat.ids import RoomId, Seq
from chat.limits import LANGUAGES_MAX, OPTIONS_MAX, POLL_S_MAX, QUESTION_CHARS_MAX
from chat.live_commands import (
    Ask,
    ClosePoll,
    OpenPoll,
    SetProgramme,
    SettleQuestion,
    StageCommand,
    VotePoll,
    VoteQuestion,
)
from chat.live_commands import Stage as StageQuestion
from chat.live_events import LiveText, Option, Programme, QuestionOutcome
from chat.live_frames import PollView, QuestionView
from chat.ports import Appended
from gateway.bodies import InRoom, MessageMade, NoQuery
from gateway.messages import made
from gateway.operation import IN_ROOM, Call, Operation, change

if TYPE_CHECKING:
    from gateway.api import Api


class OfStage(Struct, frozen=True):
    room: RoomId
    of: Annotated[Seq, Meta(description="the poll or question: the seq of its entry")]


class StageView(Struct, frozen=True, kw_only=True):
    """What a newcomer is shown. Texts of the programme are translated under `programme_seq`, those of a poll or a
    question under its own seq."""

    room: RoomId
    conduct: Conduct
    programme: Programme
    programme_seq: Seq
    polls: tuple[PollView, ...]
    questions: tuple[QuestionView, ...]
    now_ms: int


class AnnouncementRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: LiveText
    versions: Annotated[dict[Annotated[str, Meta(max_length=40)], LiveText], Meta(max_length=LANGUAGES_MAX)] = {}
    """The host's own words by language: their readers are shown these and no translation."""


class PollRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    question: Option
    options: Annotated[tuple[Option, ...], Meta(min_length=2, max_length=OPTIONS_MAX)]
    choices_max: Annotated[int, Meta(ge=1, le=OPTIONS_MAX)] = 1
    answer: Annotated[int, Meta(ge=0, lt=OPTIONS_MAX)] | None = None
    """Makes it a quiz: the right option, 0 is the first. It is told when the poll closes."""
    window_s: Annotated[int, Meta(ge=0, le=POLL_S_MAX)] = 0
    """0: until it is closed by hand."""


class PollVoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    choices: Annotated[tuple[Annotated[int, Meta(ge=0, lt=OPTIONS_MAX)], ...], Meta(max_length=OPTIONS_MAX)]
    """In place of those before; none takes them back."""


class PollEndRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    withdraw: bool = False
    """Without a result."""


class QuestionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=QUESTION_CHARS_MAX)]


class QuestionVoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on: bool = True


class QuestionEndRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    outcome: QuestionOutcome


async def get_stage(api: "Api", call: Call[InRoom, NoQuery, None]) -> StageView:
    """Programme, open polls and questions with their votes, as they stand for the caller."""
    frame = await api.service.stage(call.caller, StageQuestion(id=0, room=call.where.room))
    return StageView(
        room=frame.room,
        conduct=frame.conduct,
        programme=frame.programme,
        programme_seq=frame.programme_seq,
        polls=frame.polls,
        questions=frame.questions,
        now_ms=frame.now_ms,
    )


async def post_announcement(api: "Api", call: Call[InRoom, NoQuery, AnnouncementRequest]) -> MessageMade:
    """Speak to everybody in the room, for owners and moderators."""
    api.spend_post(call.caller)
    asked = call.body
    versions = tuple(asked.versions.items())
    once = call.once or api.new_id()
    command = Post(id=0, room=call.where.room, text=asked.text, once=once, announce=True, versions=versions)
    return made(await api.service.post(call.caller, command))


async def put_programme(api: "Api", call: Call[InRoom, NoQuery, Programme]) -> None:
    """Set the programme, as a whole. Its hours make the room a lobby before, an archive after. For owners and
    moderators."""
    await _do(api, call, SetProgramme(id=0, room=call.where.room, programme=call.body, once=call.once or api.new_id()))


async def open_poll(api: "Api", call: Call[InRoom, NoQuery, PollRequest]) -> MessageMade:
    """Begin a poll or a quiz, known by the seq of the answer. For owners and moderators."""
    asked = call.body
    command = OpenPoll(
        id=0,
        room=call.where.room,
        question=asked.question,
        options=asked.options,
        choices_max=asked.choices_max,
        answer=asked.answer,
        window_s=asked.window_s,
        once=call.once or api.new_id(),
    )
    return await _made(api, call, command)


async def vote_poll(api: "Api", call: Call[OfStage, NoQuery, PollVoteRequest]) -> None:
    """The caller's choices."""
    where, once = call.where, call.once or api.new_id()
    await _do(api, call, VotePoll(id=0, room=where.room, of=where.of, choices=call.body.choices, once=once))


async def close_poll(api: "Api", call: Call[OfStage, NoQuery, PollEndRequest]) -> None:
    """End a poll; its result is an entry of the room. For owners and moderators."""
    where, once = call.where, call.once or api.new_id()
    await _do(api, call, ClosePoll(id=0, room=where.room, of=where.of, withdraw=call.body.withdraw, once=once))


async def ask_stage(api: "Api", call: Call[InRoom, NoQuery, QuestionRequest]) -> MessageMade:
    """Ask the stage something; known by the seq of the answer."""
    once = call.once or api.new_id()
    return await _made(api, call, Ask(id=0, room=call.where.room, text=call.body.text, once=once))


async def vote_question(api: "Api", call: Call[OfStage, NoQuery, QuestionVoteRequest]) -> None:
    """The caller wants an answer to this question, too, or no longer."""
    where, once = call.where, call.once or api.new_id()
    await _do(api, call, VoteQuestion(id=0, room=where.room, of=where.of, on=call.body.on, once=once))


async def settle_question(api: "Api", call: Call[OfStage, NoQuery, QuestionEndRequest]) -> None:
    """Bring a question on stage, or say that it was answered or dismissed. For owners and moderators."""
    where, once = call.where, call.once or api.new_id()
    await _do(api, call, SettleQuestion(id=0, room=where.room, of=where.of, outcome=call.body.outcome, once=once))


async def _do(api: "Api", call: Call[Any, Any, Any], command: StageCommand) -> Appended | None:
    api.spend_post(call.caller)
    return await api.service.on_stage(call.caller, command)


async def _made(api: "Api", call: Call[Any, Any, Any], command: OpenPoll | Ask) -> MessageMade:
    """`_do`, for what is an entry of its own, always."""
    appended = await _do(api, call, command)
    if appended is None:
        raise TypeError(f"{type(command).__name__} was done without a position")
    return made(appended)


_ON_STAGE: Final = (*IN_ROOM, ErrorCode.OVER, ErrorCode.TOO_FAST)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/rooms/{room}/stage", get_stage, where=InRoom, answer=StageView, errors=IN_ROOM),
    Operation(
        "POST",
        "/rooms/{room}/announcements",
        post_announcement,
        where=InRoom,
        body=AnnouncementRequest,
        answer=MessageMade,
        status=201,
        takes_once=True,
        errors=(*IN_ROOM, ErrorCode.NOTHING_TO_SAY, ErrorCode.LANGUAGE_INVALID, ErrorCode.TOO_FAST),
    ),
    change(
        "PUT",
        "/rooms/{room}/programme",
        put_programme,
        Programme,
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
    change("PUT", "/rooms/{room}/polls/{of}/vote", vote_poll, PollVoteRequest, where=OfStage, errors=_ON_STAGE),
    change("POST", "/rooms/{room}/polls/{of}/close", close_poll, PollEndRequest, where=OfStage, errors=_ON_STAGE),
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
    change(
        "PUT",
        "/rooms/{room}/questions/{of}/vote",
        vote_question,
        QuestionVoteRequest,
        where=OfStage,
        errors=(*_ON_STAGE, ErrorCode.MESSAGE_NOT_FOUND),
    ),
    change(
        "POST",
        "/rooms/{room}/questions/{of}/settle",
        settle_question,
        QuestionEndRequest,
        where=OfStage,
        errors=_ON_STAGE,
    ),
)
