"""One client: bytes -> session -> service, and the answers back into its outbox.

Commands of one connection are done one after the other: a client's posts stand in the log in the order it sent them,
and a client that sends faster than the log answers is held back by its own socket, nobody else's. The only
`except Exception` of the gateway are here: a fault in one connection, in what it sent or in its walk in from the line,
ends that connection, with its id in the log.
"""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

import structlog
from msgspec import structs

from chat import limits
from chat.commands import (
    AcceptName,
    Command,
    Configure,
    Consent,
    CreateRoom,
    Edit,
    EndCeremony,
    FindPeople,
    Glossary,
    Hello,
    History,
    Join,
    Leave,
    MarkRead,
    Names,
    OpenCeremony,
    Pin,
    Ping,
    Post,
    Presence,
    Preview,
    ProposeName,
    PutTerm,
    React,
    Recall,
    Remark,
    RemoveTerm,
    ReportProposal,
    Resume,
    SetLanguages,
    SetName,
    Suggest,
    Translate,
    Typing,
    Vote,
    VoteName,
)
from chat.conduct import Standing as Decided
from chat.conduct import conduct_of, standing_of
from chat.errors import ERRORS, CommandFailed, ErrorCode, Malformed, Rejected, Unavailable
from chat.events import Entry
from chat.frames import (
    Ack,
    Closing,
    ErrorFrame,
    Frame,
    GlossaryFrame,
    Person,
    Pong,
    RoomFrame,
    RoomRefused,
    TypingFrame,
    Welcome,
)
from chat.ids import Position
from chat.language import canonical_list
from chat.live_commands import Desk, LiveCommand, ModerationCommand, Stage
from chat.live_events import MODERATORS, hears, own_audience
from chat.ports import Member
from chat.room import MODERATORS as MODERATING
from chat.room import Caller
from chat.service import Standing, glossary_rows, position_of
from chat.text import clean_name
from chat.wire import Codec, decode_command, encode_frame
from gateway.catchup import Catchup
from gateway.closing import CloseReason, delay_ms
from gateway.fanout import websocket_frame
from gateway.hub import Frames, Seat
from gateway.outbox import Outbox, Sink
from gateway.session import End, Perform, Refuse, Session, Shed

if TYPE_CHECKING:
    from gateway.gateway import Gateway

CATCH_UP_WITHIN_S: Final = 30.0
"""A resume that takes longer belongs to a reader too slow for the room, or to an engine that stays away."""
CATCH_UP_RETRY_S: Final = 0.2

LIMITS: Final = {
    "frame_bytes_max": limits.FRAME_BYTES_MAX,
    "text_chars_max": limits.TEXT_CHARS_MAX,
    "name_graphemes_max": limits.NAME_GRAPHEMES_MAX,
    "mentions_max": limits.MENTIONS_MAX,
    "languages_max": limits.LANGUAGES_MAX,
    "rooms_per_session_max": limits.ROOMS_PER_SESSION_MAX,
    "history_limit_max": limits.HISTORY_LIMIT_MAX,
    "resume_entries_max": limits.RESUME_ENTRIES_MAX,
}

log = structlog.get_logger("connection")


class Connection:
    __slots__ = ("_gateway", "codec", "id", "languages", "outbox", "rooms", "session")

    def __init__(self, gateway: "Gateway", sink: Sink, codec: Codec, connection_id: str) -> None:
        self._gateway = gateway
        self.id = connection_id
        self.codec = codec
        self.session = Session(gateway.clock.now_s())
        self.outbox = Outbox(sink, self.close, gateway.outbox_bytes_max)
        self.languages: tuple[str, ...] = ()
        self.rooms: dict[str, Person] = {}

    # -- from the socket -------------------------------------------------------------------------------------------

    async def receive(self, data: bytes) -> None:
        """One WebSocket message. Never raises, except by cancellation."""
        try:
            try:
                command = decode_command(data, self.codec)
            except Malformed as malformed:
                effects = self.session.receive_malformed(malformed)
            else:
                clock = self._gateway.clock
                effects = self.session.receive(command, clock.now_s(), clock.now_ms())
            for effect in effects:
                match effect:
                    case Perform():
                        await self._perform(effect.command)
                    case Refuse():
                        self._refuse(effect.re, effect.failure)
                    case Shed():
                        self.send(Ack(re=effect.re))
                    case End():
                        self.close(effect.reason)
                    case _:
                        assert_never(effect)
        except Exception:
            log.exception("a fault ended this connection", connection=self.id)
            self.close(CloseReason.INTERNAL)

    def send(self, frame: Frame) -> None:
        self.outbox.offer(websocket_frame(encode_frame(frame, self.codec), self.codec))

    def close(self, reason: CloseReason) -> None:
        """Say why and when to come back, then begin the closing handshake. Idempotent."""
        if self.outbox.closed_for is not None:
            return
        self.session.close()
        self._gateway.count_close(reason)
        tell = log.debug if reason is CloseReason.RESTARTING else log.info
        tell("closed", connection=self.id, reason=reason.name.lower())
        after_ms = delay_ms(reason, self._gateway.clock.random())
        closing = Closing(code=reason.code, words=reason.words, retry_after_ms=after_ms)
        self.outbox.close(reason, websocket_frame(encode_frame(closing, self.codec), self.codec))

    async def gone(self) -> None:
        """The socket is closed: leave all rooms."""
        self.session.close()
        self.outbox.lose()
        self._gateway.line.left(self)
        for room in tuple(self.rooms):
            await self.leave_room(room)

    # -- commands --------------------------------------------------------------------------------------------------

    async def _perform(self, command: Command) -> None:
        self._gateway.commands += 1
        try:
            if isinstance(command, Hello):
                await self._hello(command)
            elif self.session.caller is not None:
                self._gateway.line.check(self, command)
                await self._answer(self.session.caller, command)
        except CommandFailed as failure:
            if isinstance(failure, Unavailable):
                self.session.spared(command)
            self._refuse(command.id, failure)

    async def _answer(self, caller: Caller, command: Command) -> None:
        service = self._gateway.service
        if isinstance(command, LiveCommand):
            await self._answer_live(caller, command)
            return
        match command:
            case Post():
                self._ack(command.id, position_of(await service.post(caller, command)))
                self._gateway.posts_acknowledged += 1
            case Edit():
                self._ack(command.id, position_of(await service.edit(caller, command)))
            case Recall():
                self._ack(command.id, position_of(await service.recall(caller, command)))
            case React():
                self._ack(command.id, position_of(await service.react(caller, command)))
            case History():
                self.send(await service.history(caller, self.languages, command))
            case Translate():
                entry = await service.translate(caller, self.languages, command)
                if entry is not None:
                    self._offer(entry)
                self._ack(command.id, entry.position if entry else None)
            case Typing():
                name = await service.typist(caller, command.room)
                if name is not None and not self._is_live(command.room):
                    typing = TypingFrame(room=command.room, user=caller.user, name=name)
                    await self._gateway.feed.whisper(command.room, encode_frame(typing, Codec.MSGPACK))
                self._ack(command.id)
            case MarkRead():
                if not self._is_live(command.room):
                    await service.mark_read(caller, command)
                self._ack(command.id)
            case Presence():
                people = await service.people(caller, command.room)
                self.send(structs.replace(people, re=command.id))
            case CreateRoom():
                await service.create_room(caller, command)
                await self._follow(await service.standing(caller, command.room), None, command.id)
            case Join():
                await self._follow(await service.join(caller, command), command.position, command.id)
            case Leave():
                appended = await service.leave(caller, command)
                await self.leave_room(command.room)
                if appended is not None:
                    await service.leave_seat(command.room, caller.user)
                self._ack(command.id, position_of(appended))
            case SetLanguages():
                await self._set_languages(command)
            case Suggest():
                self._ack(command.id, position_of(await service.suggest(caller, command)))
            case Vote():
                self._ack(command.id, position_of(await service.vote(caller, command)))
            case Pin():
                self._ack(command.id, position_of(await service.pin(caller, command)))
            case PutTerm() | RemoveTerm():
                self._ack(command.id, position_of(await service.change_glossary(caller, command)))
            case Configure():
                self._ack(command.id, position_of(await service.configure(caller, command)))
            case Glossary():
                known = await service.glossary(caller, command.room)
                rows = glossary_rows(known)
                self.send(GlossaryFrame(re=command.id, room=command.room, version=known.version, terms=rows))
            case OpenCeremony() | Consent() | ProposeName() | VoteName() | ReportProposal() | SetName():
                self._ack(command.id, position_of(await service.ceremony(caller, command)))
            case AcceptName() | EndCeremony():
                self._ack(command.id, position_of(await service.ceremony(caller, command)))
            case Names():
                self.send(await service.cards(caller, command))
            case Remark():
                await service.remark(caller, command)
                self._ack(command.id)
            case FindPeople():
                self.send(await service.find_people(caller, command))
            case Preview():  # seconds may pass: the next command must not wait for them
                self._gateway.start(self._preview(caller, command))
            case Ping():
                self.send(Pong(re=command.id, at_ms=self._gateway.clock.now_ms()))
            case Hello():
                raise Rejected(ErrorCode.ALREADY_READY)
            case _:
                assert_never(command)

    async def _answer_live(self, caller: Caller, command: LiveCommand) -> None:
        service = self._gateway.service
        if isinstance(command, Desk):
            self.send(await service.desk(caller, self.languages, command))
        elif isinstance(command, Stage):
            self.send(await service.stage(caller, command))
        elif isinstance(command, ModerationCommand):
            self._ack(command.id, position_of(await service.moderate(caller, command)))
        else:
            self._ack(command.id, position_of(await service.on_stage(caller, command)))

    async def _preview(self, caller: Caller, command: Preview) -> None:
        try:
            self.send(await self._gateway.previews.ask(caller, command))
        except CommandFailed as failure:
            self._refuse(command.id, failure)

    async def _hello(self, command: Hello) -> None:
        try:
            caller = self._gateway.verify(command.token)
        except Rejected as refused:
            self._refuse(command.id, refused)
            expired = refused.code is ErrorCode.TOKEN_EXPIRED
            self.close(CloseReason.TOKEN_EXPIRED if expired else CloseReason.UNAUTHENTICATED)
            return
        if not caller.name:
            caller = replace(caller, name=clean_name(command.name or caller.user))
        self.languages = _languages(command.languages)
        refused_rooms: list[RoomRefused] = []
        try:
            for number, resume in enumerate(command.rooms):
                refused_room = await self._resume(caller, resume, command.id, let_in=number > 0)
                if refused_room is not None:
                    refused_rooms.append(refused_room)
        except Unavailable:
            for room in tuple(self.rooms):  # all or nothing: the client says hello again, with what it saw by then
                await self.leave_room(room)
            raise
        self.session.accept(caller)
        self.send(
            Welcome(
                re=command.id,
                user=caller.user,
                name=caller.name,
                languages=self.languages,
                session=self.id,
                server=self._gateway.name,
                refused=tuple(refused_rooms),
                routes=self._gateway.routes(),
                limits=LIMITS,
                token_expires_at_ms=caller.expires_at_ms,
            )
        )

    async def _resume(self, caller: Caller, resume: Resume, re: int, *, let_in: bool) -> RoomRefused | None:
        try:
            async with self._gateway.gate.passing(let_in=let_in):
                standing = await self._gateway.service.standing(caller, resume.room)
            await self._follow(standing, resume.position, re)
        except Rejected as refused:
            return RoomRefused(room=resume.room, code=refused.code, words=refused.words)
        return None

    async def _set_languages(self, command: SetLanguages) -> None:
        self.languages = _languages(command.languages)
        for room, person in tuple(self.rooms.items()):
            here = self._gateway.hub.rooms.get(room)
            if here is None or self.outbox not in here.seats:
                continue
            self.rooms[room] = Person(user=person.user, name=person.name, languages=self.languages)
            first_reader = self.languages not in here.readers
            here.change_languages(self.outbox, self.languages)
            await self._tell_presence(room, urgent=first_reader)
        self._ack(command.id)

    # -- rooms -----------------------------------------------------------------------------------------------------

    async def _follow(self, standing: Standing, position: Position | None, re: int) -> None:
        """Show the room, replay what was missed, then deliver live. The `room` frame is the answer."""
        room, gateway = standing.state.room, self._gateway
        if not await gateway.line.admits(self, standing, position, re):
            return
        if room in self.rooms:
            self.send(_room_frame(standing, standing.state.head, True, 0, re))
            return
        if len(self.rooms) >= limits.ROOMS_PER_SESSION_MAX:
            raise Rejected(ErrorCode.TOO_MANY_ROOMS)
        person = Person(user=standing.member.user, name=standing.member.name, languages=self.languages)
        self.rooms[room] = person  # reserved before the first await
        followed = gateway.relay.position(room) is not None
        try:
            relayed = await gateway.relay.follow(room)
        except BaseException:
            self.rooms.pop(room, None)
            raise
        newest = standing.state.head
        if relayed.epoch == newest.epoch and relayed.seq > newest.seq:
            newest = relayed
        unheard = 0
        same_log = position is not None and position.epoch == newest.epoch
        if position is not None and same_log and newest.seq - position.seq > limits.RESUME_ENTRIES_MAX:
            unheard = await self._unheard(room, position.seq)
        start, recovered, missed = where_to_start(position, newest, standing.state.dropped, unheard)
        catchup = Catchup(start)
        first_reader = room not in gateway.hub.rooms or self.languages not in gateway.hub.rooms[room].readers
        here = gateway.hub.enter(room, Seat(self.outbox, self.codec, person, apart_of(standing)), catchup)
        here.configure(standing.state.settings)
        gateway.ceremonies.watch(room, standing.ceremonies)
        gateway.live.watch(room, standing.state.conduct, (gateway.relay.position(room) or newest).seq)
        seen = standing.state.head.seq
        try:
            if gateway.live.decided_seq(room) > seen or (not followed and newest.seq > seen):
                await self._stand_again(room, standing.member)
            self.send(_room_frame(standing, newest, recovered, missed, re))
            await self._tell_presence(room, urgent=first_reader)
            async with asyncio.timeout(CATCH_UP_WITHIN_S):
                await self._catch_up(room, newest.epoch, catchup)
        except TimeoutError:
            self.close(CloseReason.RESTARTING if self.outbox.flowing else CloseReason.SLOW_READER)
        except BaseException:
            await self.leave_room(room)
            raise

    async def _stand_again(self, room: str, known: Member) -> None:
        """Something may have been decided about this member after their standing was read and before their seat could
        be told of it. What is decided from here on reaches the seat. Raises Rejected(NOT_A_MEMBER), Unavailable."""
        gateway, seen = self._gateway, -1
        while seen != gateway.live.decided_seq(room):  # or what was read may be older than what the seat was told
            seen = gateway.live.decided_seq(room)
            member = await gateway.service.log.member(room, known.user)
            own = standing_of(await gateway.service.log.row(room, "standing", known.user))
        here = gateway.hub.rooms.get(room)
        if member is None and known.role == "owner":  # nobody removes an owner; an administrator needs no membership
            member = known
        if member is None or here is None or self.outbox not in here.seats:
            raise Rejected(ErrorCode.NOT_A_MEMBER)
        here.set_apart(self.outbox, apart_as(member, own))

    async def walk_in(self, room: str, position: Position | None, re: int) -> None:
        """There is a seat now, after a wait in line. The `room` frame answers what was asked then."""
        if self.session.caller is None or self.outbox.closed_for is not None:
            return
        try:
            await self._follow(await self._gateway.service.standing(self.session.caller, room), position, re)
        except CommandFailed as failure:
            self._refuse(re, failure)
        except Exception:  # beside `receive`, and of this connection all the same: the others who wait shall not end
            log.exception("a fault ended this connection", connection=self.id)
            self.close(CloseReason.INTERNAL)
        await self._leave_closed(room)

    async def _leave_closed(self, room: str) -> None:
        """The socket may have gone while this room was entered from beside it: then nobody else gives the seat back."""
        if self.outbox.closed_for is not None:
            await self.leave_room(room)

    async def _unheard(self, room: str, after: int) -> int:
        try:
            return await self._gateway.service.log.unheard_after(room, after)
        except Unavailable:
            return 0

    async def _catch_up(self, room: str, epoch: str, catchup: Catchup) -> None:
        gateway = self._gateway
        while self.outbox.closed_for is None:
            catchup.begin()
            page = gateway.pages.kept(room, epoch, catchup.last)
            if page is None:
                try:
                    async with gateway.gate.passing(let_in=True):
                        page = await gateway.pages.read(room, epoch, catchup.last)
                except Unavailable:  # the room frame was the answer: from here on we try again instead of failing
                    await asyncio.sleep(CATCH_UP_RETRY_S)
                    continue
            after = catchup.last
            catchup.page(page.entries)
            for data, count in page.writes(self.codec, self._ears(room), after):
                self.outbox.offer(data)
                gateway.hub.deliveries += count
                if not self.outbox.flowing:
                    await self._wait_flowing()
            if page.whole or catchup.must_read_again:
                continue
            await gateway.relay.wait_at(room, catchup.last)  # or the relay would deliver some of the pages again
            here = gateway.hub.rooms.get(room)
            if here is None or self.outbox not in here.catching:
                return
            if not catchup.must_read_again:
                gateway.hub.deliveries += here.go_live(self.outbox)
                return

    async def leave_room(self, room: str) -> None:
        """Stop delivering this room to this client."""
        self._gateway.line.left(self, room)
        if self.rooms.pop(room, None) is None:
            return
        self._gateway.hub.leave(room, self.outbox)
        self._gateway.attendance.changed(room)
        await self._gateway.relay.unfollow(room)

    async def _tell_presence(self, room: str, *, urgent: bool) -> None:
        if urgent:
            try:
                await self._gateway.attendance.report_now(room)
            except Unavailable:
                urgent = False
        if not urgent:
            self._gateway.attendance.changed(room)

    async def _wait_flowing(self) -> None:
        if self.outbox.closed_for is not None or self.outbox.flowing:
            return
        drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.outbox.waiting = lambda: None if drained.done() else drained.set_result(None)
        await drained

    def _offer(self, entry: Entry) -> None:
        if hears(entry.audience, self._ears(entry.room)):
            self.outbox.offer(Frames(entry).of(self.codec))
            self._gateway.hub.deliveries += 1

    def _is_live(self, room: str) -> bool:
        """A live room knows no typing and no read markers."""
        here = self._gateway.hub.rooms.get(room)
        return here is not None and here.crowd is not None

    def _ears(self, room: str) -> tuple[str, ...]:
        here = self._gateway.hub.rooms.get(room)
        seat = here.seats.get(self.outbox) if here is not None else None
        return self.languages if seat is None else seat.ears

    def _ack(self, re: int, position: Position | None = None) -> None:
        self.send(Ack(re=re, position=position))

    def _refuse(self, re: int | None, failure: CommandFailed) -> None:
        self._gateway.refusals[failure.code] = self._gateway.refusals.get(failure.code, 0) + 1
        self.send(
            ErrorFrame(
                re=re,
                code=failure.code,
                words=failure.words,
                retryable=ERRORS[failure.code].retryable,
                retry_after_ms=failure.retry_after_ms,
            )
        )


def where_to_start(
    position: Position | None, newest: Position, dropped: int = 0, unheard: int = 0
) -> tuple[int, bool, int]:
    """(seq to deliver after, recovered, missed) for a client that last saw `position` of a log now at `newest`.

    Of the entries between, `unheard` are votes that nobody receives: who slept through a ceremony has missed no word.
    Another epoch, or a position this log never had: nobody can tell what was missed (-1). Entries up to `dropped` are
    gone because of their age: who has not seen them all is told of a gap, and finds in the history what is left of it.
    """
    if position is None:
        return newest.seq, True, 0
    if position.epoch != newest.epoch or position.seq > newest.seq:
        return newest.seq, False, -1
    behind = newest.seq - position.seq - unheard
    if behind > limits.RESUME_ENTRIES_MAX or position.seq < dropped:
        return newest.seq, False, behind
    return position.seq, True, 0


def _room_frame(standing: Standing, head: Position, recovered: bool, missed: int, re: int) -> RoomFrame:
    return RoomFrame(
        room=standing.state.room,
        title=standing.state.title,
        role=standing.member.role,
        head=head,
        recovered=recovered,
        missed=missed,
        read=standing.read,
        members=standing.state.members,
        re=re,
        title_seq=standing.state.title_seq,
        translation=standing.state.settings.translation,
        translation_budget_ms=standing.state.settings.translation_budget_ms,
        glossary_version=standing.state.glossary_version,
        pins=standing.state.pins,
        ceremonies=standing.ceremonies,
        conduct=conduct_of(standing.state.conduct),
        standing=standing.own,
    )


def apart_of(standing: Standing) -> tuple[str, ...]:
    """The audiences of a member beside their languages."""
    return apart_as(standing.member, standing.own)


def apart_as(member: Member, own: Decided) -> tuple[str, ...]:
    moderator = (MODERATORS,) if member.role in MODERATING else ()
    return (*moderator, own_audience(member.user)) if own.shadowed else moderator


def _languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return canonical_list(tags)
    except ValueError as wrong:
        raise Rejected(ErrorCode.LANGUAGE_INVALID, str(wrong)) from None
