"""RoomLog in Redis streams. The atomic step is `append.lua`; here are its arguments and the reading side.

Invariant: an entry's stream id is `<seq>-0`, so a position is an address, and paging is XRANGE by seq.
The index of rooms lies outside the partitions and is written after creation: a process that dies between the two
leaves a room that works but is not listed; repeating the creation with the same once-key lists it.

Older entries may have moved into an archive (see `redis_archiver`): readers ask the engine first and then, from the
same answer, up to where the room has moved, so an entry that moves meanwhile is in one of the two answers or in both.
"""

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from chat.adapters.redis_archived import TRANSLATABLE, Known, Place, RedisArchived, joined
from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.adapters.redis_keys import RoomKeys
from chat.adapters.redis_presence import RedisPresence
from chat.errors import Unavailable
from chat.events import Edited, Entry, Event, GivenTo, Recalled, owes_translation_of, refers_to
from chat.ids import Position
from chat.limits import ONCE_KEY_LIFE_S
from chat.ports import (
    AnyGuard,
    Appended,
    Archive,
    BoardGuard,
    Ceremony,
    CeremonyGuard,
    CeremonyRow,
    Change,
    Changed,
    DropBox,
    DropCeremony,
    DropMember,
    DropRow,
    DropTerm,
    ForgetText,
    Glossary,
    Guard,
    JobText,
    Look,
    Member,
    MemberNames,
    NamesGuard,
    Proposal,
    ProposalRow,
    RoomExists,
    RoomMissing,
    RoomSettings,
    RoomState,
    SetBallot,
    SetCeremony,
    SetChoices,
    SetMember,
    SetNames,
    SetPin,
    SetProposal,
    SetRoom,
    SetRow,
    SetTerm,
    Stale,
    Tally,
    Term,
    changes_of,
)
from chat.wire import encode_event

_APPEND = Script.resource("look.lua", "append.lua")
_MARK_READ = Script("""
local stands = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if tonumber(ARGV[2]) <= stands then return stands end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return tonumber(ARGV[2])
""")
_SET_REMARK = Script("""
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) return 1 end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
""")
_LOOK = Script(
    Script.resource("look.lua").source
    + """
local seen, mark = look(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1])
return tell(seen, mark, KEYS[2], KEYS[3])
"""
)
_member = msgspec.msgpack.Decoder(Member)
_term = msgspec.msgpack.Decoder(Term)
_ceremony_row = msgspec.msgpack.Decoder(CeremonyRow)
_proposal_row = msgspec.msgpack.Decoder(ProposalRow)
_names = msgspec.msgpack.Decoder(tuple[GivenTo, ...])
_settings = msgspec.msgpack.Decoder(RoomSettings)
_encode = msgspec.msgpack.Encoder().encode


_NO_GUARD: Final = ("",) * 7
_NO_BOARD_GUARD: Final = ("", 0)
LOOKS_MAX: Final = 5
"""At a message in the archive, for one append: again only if the room moved or lost a message in between."""


def random_epoch() -> str:
    return secrets.token_hex(8)


def read_entry(room: str, header: bytes, body: bytes) -> Entry:
    """The entry behind `epoch:seq:at_ms:audience`, stored and published alike. Raises ValueError."""
    epoch, seq, at_ms, audience = header.decode().split(":", 3)
    return Entry(room, epoch, int(seq), int(at_ms), audience, body)


_STATE: Final = (
    "epoch", "title", "created_at_ms", "settings", "glossary", "title_seq", "keep_days", "dropped", "rules",
)  # fmt: skip
"""Fields of a room, as `look.lua` reads them; the head stands apart."""


class RedisLog:
    def __init__(
        self,
        engine: Commands,
        *,
        archive: Archive | None = None,
        new_epoch: Callable[[], str] = random_epoch,
        sharded: bool = False,
    ) -> None:
        self._engine = engine
        self._keys = engine.keys
        self._archived = RedisArchived(engine, archive)
        self._presence = RedisPresence(engine)
        self._new_epoch = new_epoch
        self._publish = "SPUBLISH" if sharded else "PUBLISH"

    async def create(self, room: str, title: str, event: Event, owner: Member, *, once: str) -> Appended:
        appended = await self._step(
            room, event, once=once, epoch=self._new_epoch(), title=title, change=SetMember(owner)
        )
        await self._engine.call("SADD", self._keys.rooms, room)
        return appended

    async def append(
        self,
        room: str,
        event: Event,
        *,
        once: str,
        audience: str = "",
        guard: AnyGuard | None = None,
        change: Change | Sequence[Change] | None = None,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
        seen: Look | None = None,
    ) -> Appended:
        appended = await self._step(
            room,
            event,
            once=once,
            audience=audience,
            guard=guard,
            change=change,
            job=job,
            job_revision=job_revision,
            seen=seen,
        )
        if isinstance(event, Recalled):
            with contextlib.suppress(Unavailable):  # it is recalled; the archiver makes the archive forget it later
                await self._archived.purge(room, appended.position.epoch)
        return appended

    async def recognise(self, room: str, once: str) -> Appended | None:
        keys = self._keys.room(room)
        epoch, place = await self._engine.call_all([("HGET", keys.meta, "epoch"), ("GET", keys.once + once)])
        if epoch is None or place is None or not place.startswith(epoch + b":"):
            return None
        return _appended(place, duplicate=True)

    async def state(self, room: str) -> RoomState | None:
        keys = self._keys.room(room)
        meta, head, members, pins, conduct = await self._engine.call_all(
            [
                ("HMGET", keys.meta, *_STATE),
                ("HGET", keys.meta, "head"),
                ("HLEN", keys.members),
                ("ZRANGE", keys.pins, 0, -1),
                ("HGET", f"{keys.board}conduct", ""),
            ]
        )
        return _state(room, meta, head, members, pins, conduct)

    async def look(self, room: str, user: str) -> Look:
        keys = self._keys.room(room)
        told = await self._engine.run(_LOOK, [keys.here, keys.meta, keys.members, keys.pins, keys.board], [user])
        return self._look(room, user, told)

    def _look(self, room: str, user: str, told: Sequence[Any]) -> Look:
        """From what `tell` of look.lua has told."""
        meta, member, rows, pins, conduct, standing, spoke, head, members, mark = told
        return Look(
            _state(room, meta, head, members, pins, conduct),
            None if member is None else _member.decode(member),
            self._presence.read(rows),
            standing,
            spoke,
            user,
            mark,
        )

    async def glossary(self, room: str) -> Glossary:
        keys = self._keys.room(room)
        version, rows = await self._engine.call_all([("HGET", keys.meta, "glossary"), ("HVALS", keys.terms)])
        terms = sorted((_term.decode(row) for row in rows), key=lambda term: (term.source, term.language))
        return Glossary(int(version or 0), tuple(terms))

    async def ceremonies(self, room: str) -> Sequence[Ceremony]:
        fields = _pairs(await self._engine.call("HGETALL", self._keys.room(room).ceremonies))
        rows = {int(name): row for name, row in fields.items() if name.isdigit()}
        return [_ceremony(id, row, fields) for id, row in sorted(rows.items())]

    async def ballot(self, room: str, of: int, user: str) -> int | None:
        choice = await self._engine.call("HGET", f"{self._keys.room(room).ballots}{of}", user)
        return None if choice is None else int(choice)

    async def names(self, room: str, user: str) -> MemberNames:
        version, row = await self._engine.call("HMGET", self._keys.room(room).names, f"#{user}", user)
        return MemberNames() if row is None else MemberNames(int(version), _names.decode(row))

    async def all_names(self, room: str) -> Mapping[str, MemberNames]:
        fields = _pairs(await self._engine.call("HGETALL", self._keys.room(room).names))
        return {
            user: MemberNames(int(fields[f"#{user}"]), _names.decode(row))
            for user, row in fields.items()
            if not user.startswith("#")
        }

    async def set_remark(self, room: str, reader: str, user: str, text: str, remarks_max: int) -> bool:
        key = self._keys.room(room).remarks + reader
        return bool(await self._engine.run(_SET_REMARK, [key], [user, text, remarks_max]))

    async def remarks(self, room: str, reader: str) -> Mapping[str, str]:
        fields = _pairs(await self._engine.call("HGETALL", self._keys.room(room).remarks + reader))
        return {user: text.decode() for user, text in fields.items()}

    async def rows(self, room: str, kind: str) -> Mapping[str, bytes]:
        return _pairs(await self._engine.call("HGETALL", self._keys.room(room).board + kind))

    async def row(self, room: str, kind: str, key: str) -> bytes | None:
        found: bytes | None = await self._engine.call("HGET", self._keys.room(room).board + kind, key)
        return found

    async def tally(self, room: str, box: str) -> Tally:
        counts = _pairs(await self._engine.call("HGETALL", f"{self._keys.room(room).board}tally:{box}"))
        voters = int(counts.pop("voters", b"0"))
        return Tally({int(choice): int(count) for choice, count in counts.items() if int(count)}, voters)

    async def choices(self, room: str, box: str, user: str) -> tuple[int, ...]:
        return _choices(await self._engine.call("HGET", f"{self._keys.room(room).board}box:{box}", user))

    async def rooms(self) -> Sequence[str]:
        return sorted(name.decode() for name in await self._engine.call("SMEMBERS", self._keys.rooms))

    async def member(self, room: str, user: str) -> Member | None:
        row = await self._engine.call("HGET", self._keys.room(room).members, user)
        return None if row is None else _member.decode(row)

    async def members(self, room: str) -> Sequence[Member]:
        rows = await self._engine.call("HVALS", self._keys.room(room).members)
        return sorted((_member.decode(row) for row in rows), key=lambda member: member.user)

    async def revision(self, room: str, of: int) -> int | None:
        keys = self._keys.room(room)
        edited, stored, place = await self._engine.call_all(
            [("HGET", keys.revisions, of), ("XRANGE", keys.log, f"{of}-0", f"{of}-0"), _place(keys)]
        )
        if edited is not None:
            return int(edited)
        if stored:
            return 0 if stored[0][1][1].decode() in TRANSLATABLE else None
        if not 1 <= of <= _placed(place).floor:
            return None
        known = await self._archived.known(room, of)
        return int(known.revision) if known.revision else None

    async def read_after(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        if limit <= 0:
            return []
        keys, seq = self._keys.room(room), max(seq, 0)
        stored, answer = await self._engine.call_all(
            [("XRANGE", keys.log, f"{seq + 1}-0", "+", "COUNT", limit), _place(keys)]
        )
        place = _placed(answer)
        return (
            await joined(
                [_entry(room, fields) for _, fields in stored],
                place,
                lambda: self._archived.after(room, place, seq, limit),
                all_hot=place.floor <= seq,
            )
        )[:limit]

    async def read_before(self, room: str, seq: int, limit: int) -> Sequence[Entry]:
        if limit <= 0 or seq <= 1:
            return []
        keys = self._keys.room(room)
        stored, answer = await self._engine.call_all(
            [("XREVRANGE", keys.log, f"{seq - 1}-0", "-", "COUNT", limit), _place(keys)]
        )
        place = _placed(answer)
        return (
            await joined(
                [_entry(room, fields) for _, fields in reversed(stored)],
                place,
                lambda: self._archived.before(room, place, seq, limit),
                all_hot=len(stored) >= limit,
            )
        )[-limit:]

    async def read_at(self, room: str, seq: int) -> Entry | None:
        keys = self._keys.room(room)
        stored, answer = await self._engine.call_all([("XRANGE", keys.log, f"{seq}-0", f"{seq}-0"), _place(keys)])
        if stored:
            return _entry(room, stored[0][1])
        place = _placed(answer)
        return await self._archived.at(room, place, seq) if 1 <= seq <= place.floor else None

    async def unheard_after(self, room: str, seq: int) -> int:
        return int(await self._engine.call("ZCOUNT", self._keys.room(room).unheard, f"({seq}", "+inf"))

    async def about(self, room: str, first: int, last: int, limit: int) -> Sequence[Entry]:
        if limit <= 0:
            return []
        keys = self._keys.room(room)
        references, answer = await self._engine.call_all([("ZRANGEBYSCORE", keys.refs, first, last), _place(keys)])
        seqs = sorted(int(seq) for seq in references)[-limit:]
        found: list[Any] = []
        if seqs:
            *found, answer = await self._engine.call_all(
                [*(("XRANGE", keys.log, f"{seq}-0", f"{seq}-0") for seq in seqs), _place(keys)]
            )
        place = _placed(answer)
        hot = [_entry(room, stored[0][1]) for stored in found if stored]
        return (
            await joined(
                hot,
                place,
                lambda: self._archived.about(room, place, first, last, limit),
                all_hot=place.floor < first or len(hot) >= limit,
            )
        )[-limit:]

    async def retain(self, room: str, keep_days: int | None) -> None:
        meta = self._keys.room(room).meta
        if await self._engine.call("HEXISTS", meta, "epoch"):
            if keep_days is None:
                await self._engine.call("HDEL", meta, "keep_days")
            else:
                await self._engine.call("HSET", meta, "keep_days", keep_days)

    async def mark_read(self, room: str, user: str, seq: int) -> int:
        return int(await self._engine.run(_MARK_READ, [self._keys.room(room).read], [user, seq]))

    async def read_marker(self, room: str, user: str) -> int:
        return int(await self._engine.call("HGET", self._keys.room(room).read, user) or 0)

    async def _step(
        self,
        room: str,
        event: Event,
        *,
        once: str,
        epoch: str = "",
        title: str = "",
        audience: str = "",
        guard: AnyGuard | None = None,
        change: Change | Sequence[Change] | None = None,
        job: JobText | ForgetText | None = None,
        job_revision: int = 0,
        seen: Look | None = None,
    ) -> Appended:
        known = Known()
        for _ in range(LOOKS_MAX):
            appended = await self._try_step(
                room, event, once, epoch, title, audience, guard, change, job, job_revision, seen, known
            )
            if appended is not None:
                return appended
            message = guard.message if isinstance(guard, BoardGuard) else guard
            looked_at = message.of if isinstance(message, Guard) else refers_to(event)
            assert looked_at is not None
            known = await self._archived.known(room, looked_at)
        raise Unavailable(f"{room} moves faster than it can be looked at", 1_000)

    async def _try_step(
        self,
        room: str,
        event: Event,
        once: str,
        epoch: str,
        title: str,
        audience: str,
        guard: AnyGuard | None,
        change: Change | Sequence[Change] | None,
        job: JobText | ForgetText | None,
        job_revision: int,
        seen: Look | None,
        known: Known,
    ) -> Appended | None:
        """None when the step must be told of a message that has moved."""
        keys = self._keys.room(room)
        message = guard.message if isinstance(guard, BoardGuard) else guard
        of, job_of, changes = refers_to(event), owes_translation_of(event), changes_of(change)
        answer = await self._engine.run(
            _APPEND,
            [
                keys.meta,
                keys.log,
                keys.members,
                keys.refs,
                keys.revisions,
                keys.once + once,
                keys.jobs,
                keys.terms,
                keys.pins,
                keys.purges,
                keys.ceremonies,
                keys.ballots + str(_ceremony_of(changes) if changes else 0),
                keys.names,
                keys.unheard,
                keys.board,
                keys.here,
            ],
            [
                room,
                keys.channel,
                self._publish,
                ONCE_KEY_LIFE_S,
                epoch,
                title,
                event.__struct_config__.tag,  # type: ignore[list-item]  # a str for every event
                encode_event(event),
                audience,
                "" if of is None else of,
                event.revision if isinstance(event, Edited) else "",
                *((message.of, message.revision) if isinstance(message, Guard) else ("", "")),
                b"" if job is None else _encode(job),
                "" if job_of is None else job_of,
                job_revision,
                *known,
                *(_NO_GUARD if guard is None else _guard_arguments(guard)),
                *(("", b"") if seen is None else (seen.user, seen.mark)),
                *(_NO_BOARD_GUARD if guard is None else _board_arguments(guard)),
                *(argument for each in changes for argument in _change_arguments(each)),
            ],
        )
        match answer:
            case [b"new", place]:
                return _appended(place, duplicate=False)
            case [b"known", place]:
                return _appended(place, duplicate=True)
            case [b"changed", *told] if seen is not None:
                raise Changed(self._look(room, seen.user, told))
            case [b"archived"]:
                return None
            case [b"missing"]:
                raise RoomMissing(room)
            case [b"exists"]:
                raise RoomExists(room)
            case [b"stale"]:
                raise Stale(f"what this append to {room} builds on has changed meanwhile")
            case _:
                raise Unavailable(f"append.lua answered {answer!r}")


def _state(
    room: str, meta: list[bytes | None], head: bytes | None, members: int, pins: list[bytes], conduct: bytes | None
) -> RoomState | None:
    """From what the fields `_STATE` hold."""
    epoch, title, created_at_ms, settings, glossary, title_seq, keep_days, dropped, rules = meta
    if epoch is None or title is None:
        return None
    return RoomState(
        room,
        title.decode(),
        Position(epoch.decode(), int(head or 0)),
        members,
        int(created_at_ms or 0),
        RoomSettings() if settings is None else _settings.decode(settings),
        int(glossary or 0),
        tuple(int(of) for of in pins),
        int(title_seq or 1),
        None if keep_days is None else int(keep_days),
        int(dropped or 0),
        int(rules or 0),
        conduct,
    )


def _guard_arguments(guard: AnyGuard | None) -> tuple[str | int, ...]:
    """(ceremony, version, cast, proposal, timely, named, version of the names) of `append.lua`."""
    names = guard if isinstance(guard, NamesGuard) else guard.names if isinstance(guard, CeremonyGuard) else None
    of_names = ("", "") if names is None else (names.user, names.version)
    if not isinstance(guard, CeremonyGuard):
        return ("", "", "", "", "", *of_names)
    wanted = ("" if each is None else each for each in (guard.version, guard.cast, guard.proposal))
    return (guard.of, *wanted, "1" if guard.timely else "", *of_names)


def _board_arguments(guard: AnyGuard | None) -> tuple[str | int | bytes, ...]:
    """(rules, how many rows, and of each: kind, key, "1" if it is there, the row) of `append.lua`."""
    if isinstance(guard, CeremonyGuard | NamesGuard):
        return "" if guard.rules is None else guard.rules, 0
    if not isinstance(guard, BoardGuard):
        return "", 0
    rows = ((kind, key, "" if row is None else "1", row or b"") for kind, key, row in guard.rows)
    return (
        "" if guard.rules is None else guard.rules,
        len(guard.rows),
        *(argument for row in rows for argument in row),
    )


def _change_arguments(change: Change) -> tuple[str, str | int, str | int, str | bytes | int]:
    """(what, key, part, row) of `append.lua`."""
    match change:
        case SetMember(member):
            return "set_member", member.user, "", _encode(member)
        case DropMember(user):
            return "drop_member", user, "", b""
        case SetTerm(term):
            return "set_term", _term_key(term.source, term.language), "", _encode(term)
        case DropTerm(source, language):
            return "drop_term", _term_key(source, language), "", b""
        case SetRoom(title, settings):
            return "set_room", title, "", _encode(settings)
        case SetPin(of, on):
            return "set_pin" if on else "drop_pin", of, "", b""
        case SetCeremony(ceremony, row, lasts_ms):
            return "set_ceremony", "" if ceremony is None else ceremony, lasts_ms, _encode(row)
        case SetProposal(ceremony, seq, proposal):
            what = "hide_proposal" if proposal.hidden else "set_proposal"
            return what, ceremony, "" if seq is None else seq, _encode(proposal)
        case SetBallot(ceremony, user, choice):
            return "set_ballot", ceremony, user, "" if choice is None else choice
        case DropCeremony(ceremony):
            return "drop_ceremony", ceremony, "", b""
        case SetNames(user, names):
            return "set_names", user, "", _encode(names)
        case SetRow(kind, key, row, rules):
            return "rule_row" if rules else "set_row", kind, "" if key is None else f"={key}", row
        case DropRow(kind, key, rules):
            return "drop_rule" if rules else "drop_row", kind, key, b""
        case SetChoices(box, user, choices):
            return "set_choices", box, user, ",".join(map(str, choices))
        case DropBox(box):
            return "drop_box", box, "", b""


def _choices(stored: bytes | None) -> tuple[int, ...]:
    return () if stored is None else tuple(int(choice) for choice in stored.decode().split(","))


def _ceremony_of(changes: Sequence[Change]) -> int:
    """Whose ballots this append may touch; 0 for none."""
    touched = (each.of for each in changes if isinstance(each, SetProposal | SetBallot | DropCeremony))
    return next(touched, 0)


def _pairs(answer: Any) -> dict[str, bytes]:
    """What HGETALL answers, in RESP2."""
    return {answer[at].decode(): answer[at + 1] for at in range(0, len(answer), 2)}


def _ceremony(id: int, row: bytes, fields: Mapping[str, bytes]) -> Ceremony:
    own = {name: value for name, value in fields.items() if name.startswith(f"{id}:")}
    seqs = sorted(int(name.rsplit(":", 1)[1]) for name in own if name.startswith(f"{id}:p:"))
    return Ceremony(
        id,
        _ceremony_row.decode(row),
        until_ms=int(own[f"{id}:until"]),
        version=int(own[f"{id}:version"]),
        cast=int(own.get(f"{id}:cast", 0)),
        proposals=tuple(
            Proposal(seq, _proposal_row.decode(own[f"{id}:p:{seq}"]), int(own.get(f"{id}:n:{seq}", 0))) for seq in seqs
        ),
    )


def _term_key(source: str, language: str) -> str:
    return f"{language}:{source}"


def _place(keys: RoomKeys) -> tuple[str, ...]:
    """The command that tells up to where the room has moved. After the one that reads the engine, never before."""
    return "HMGET", keys.meta, "epoch", "floor"


def _placed(answer: list[bytes | None]) -> Place:
    epoch, floor = answer
    return Place(epoch.decode() if epoch else "", int(floor or 0))


def _appended(place: bytes, *, duplicate: bool) -> Appended:
    epoch, seq, at_ms = place.decode().split(":")
    return Appended(Position(epoch, int(seq)), int(at_ms), duplicate)


def _entry(room: str, fields: list[Any]) -> Entry:
    """From k, h, b and what later versions may add behind them."""
    return read_entry(room, fields[3], fields[5])
