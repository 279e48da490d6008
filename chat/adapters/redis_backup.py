"""A backup of one deployment, engine and archive, as one file; and the way back.

Invariant: every entry that was acknowledged before the backup began is in it. Each room is taken from the engine in one
step, and its archive after that: what moved in between is then in both, and is taken once, since the archive is read
only up to the floor that the room had in that step. The server may run meanwhile.

Restored rooms begin another life, with new epochs: members who had seen messages later than the backup are told so,
where otherwise the same positions would soon stand for other messages. Positions, once-keys and read markers stay.

The file is a gzip of msgpack records with their lengths: `Begun`, a `Room` and its `Moved` entries for each room, a
`Key` for whatever else lies in the engine, and `Ended`, without which the file was cut off. What is only worth
something while processes run (who is here, shared translations) is left out.
"""

import gzip
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from chat.adapters.redis_commands import Commands
from chat.adapters.redis_engine import Script
from chat.adapters.redis_keys import Keys, RoomKeys
from chat.events import Entry
from chat.ports import Archive, ArchivedEntry

FORMAT: Final = 1
MOVED_AT_ONCE: Final = 1_000
SCAN_AT_ONCE: Final = 500
LENGTH_BYTES: Final = 4
PROJECTIONS: Final = tuple(
    name for name in RoomKeys._fields if name not in ("meta", "log", "jobs", "channel", "once", "here")
)
"""Keys of a room beside its state and its log."""
FLEETING: Final = ("translation:",)
FLEETING_ENDS: Final = (":here",)
"""Keys that are worth nothing later."""
ONCE: Final = ":once:"

_TAKE = Script("""
local taken = {redis.call('HGETALL', KEYS[1]), redis.call('XRANGE', KEYS[2], '-', '+')}
for at = 3, #KEYS do taken[at] = redis.call('DUMP', KEYS[at]) or '' end
return taken
""")


class BackupInvalid(Exception):
    """The file is no backup, is cut off, or cannot go where it should. The words are for the operator."""


class Begun(Struct, frozen=True, tag="begun"):
    format: int
    prefix: str
    at_ms: int
    files: dict[str, bytes]
    """Small files of the data directory: the keys that sign tokens, the code of the first invitation."""


class Room(Struct, frozen=True, tag="room"):
    room: str
    meta: dict[str, bytes]
    log: list[tuple[str, bytes, bytes]]
    """Kind, header and body of each entry in the engine."""
    projections: dict[str, bytes]
    """As the engine dumps them."""


class Moved(Struct, frozen=True, tag="moved"):
    """Entries of the room before, out of the archive: seq, time, kind, of, audience, body."""

    entries: list[tuple[int, int, str, int | None, str, bytes]]


class Key(Struct, frozen=True, tag="key"):
    name: str
    """Without the prefix."""
    dump: bytes
    expires_in_ms: int


class Once(Struct, frozen=True, tag="once"):
    """Once-keys: name without the prefix, position, how long it is remembered."""

    keys: list[tuple[str, bytes, int]]


class Ended(Struct, frozen=True, tag="ended"):
    rooms: int
    entries: int


Record = Begun | Room | Moved | Key | Once | Ended
_records: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Counted:
    rooms: int
    entries: int


async def records(
    engine: Commands, archive: Archive | None, *, now_ms: int, files: dict[str, bytes]
) -> AsyncIterator[Record]:
    """Everything that is to be kept, in the order of the file. Raises Unavailable."""
    yield Begun(FORMAT, engine.keys.prefix, now_ms, files)
    rooms = sorted(name.decode() for name in await engine.call("SMEMBERS", engine.keys.rooms))
    entries, own = 0, {engine.keys.rooms}
    # What is no room's comes first: an invitation or a once-key may be missing that came later, none leads nowhere.
    for name in rooms:
        own.update(_room_keys(engine.keys, name))
    async for other in _others(engine, own):
        yield other
    for name in rooms:
        taken = await _taken(engine, name)
        if taken is None:
            continue
        yield taken
        entries += len(taken.log)
        epoch, seq, floor = taken.meta["epoch"].decode(), 0, int(taken.meta.get("floor", b"0"))
        while floor and archive is not None:
            page = await archive.read_after(name, epoch, seq, floor, MOVED_AT_ONCE)
            if page:
                entries += len(page)
                yield Moved([_row(each) for each in page])
                seq = page[-1].entry.seq
            if len(page) < MOVED_AT_ONCE:
                break
    yield Ended(len(rooms), entries)


async def restore(found: Iterable[Record], engine: Commands, archive: Archive | None) -> Counted:
    """Put everything where nothing is yet. Raises BackupInvalid, Unavailable."""
    if await engine.call("EXISTS", engine.keys.rooms):
        raise BackupInvalid("there are rooms already; a backup is restored into an empty engine")
    rooms: list[str] = []
    entries, room, epoch, epochs = 0, "", "", dict[str, tuple[str, str]]()
    once: list[tuple[str, bytes, int]] = []
    for record in found:
        match record:
            case Room():
                room, epoch = record.room, secrets.token_hex(8)
                rooms.append(room)
                epochs[engine.keys.room(room).once] = (record.meta["epoch"].decode(), epoch)
                if int(record.meta.get("floor", b"0")) and archive is None:
                    raise BackupInvalid("older messages need an archive, and the settings say that there is none")
                await _put_room(engine, record, epoch)
                entries += len(record.log)
            case Moved():
                assert archive is not None
                await archive.keep(room, epoch, [_archived(room, epoch, row) for row in record.entries])
                entries += len(record.entries)
            case Once():
                once += record.keys
            case Key():
                name = engine.keys.prefix + record.name
                await engine.call("RESTORE", name, record.expires_in_ms, record.dump, "REPLACE")
            case _:
                pass
    for first in range(0, len(once), SCAN_AT_ONCE):
        await engine.call_all(_once_commands(engine.keys, once[first : first + SCAN_AT_ONCE], epochs))
    if rooms:  # last: until then there is nothing here, and the same file can be restored again
        await engine.call("SADD", engine.keys.rooms, *rooms)
    return Counted(len(rooms), entries)


def write_record(file: BinaryIO, record: Record) -> None:
    packed = _encode(record)
    file.write(len(packed).to_bytes(LENGTH_BYTES, "big") + packed)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """The file of that name, there whole or not at all, for its owner only."""
    partly = path.with_name(path.name + ".part")
    partly.unlink(missing_ok=True)
    partly.touch(mode=0o600)
    try:
        with gzip.open(partly, "wb", compresslevel=3) as file:
            yield file  # type: ignore[misc]  # a GzipFile writes and closes like any other
        partly.replace(path)
    finally:
        partly.unlink(missing_ok=True)


def read_records(path: Path) -> Iterator[Record]:
    """The records of a whole file. Raises BackupInvalid."""
    ended = False
    try:
        with gzip.open(path, "rb") as file:
            while length := file.read(LENGTH_BYTES):
                size = int.from_bytes(length, "big")
                packed = file.read(size)
                if len(packed) < size:
                    break
                record = _records.decode(packed)
                if isinstance(record, Begun) and record.format != FORMAT:
                    raise BackupInvalid(f"{path} is of format {record.format}; this version reads {FORMAT}")
                ended = isinstance(record, Ended)
                yield record
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise BackupInvalid(f"{path} is no whole backup: {error}") from None
    if not ended:
        raise BackupInvalid(f"{path} is no whole backup: it was cut off")


def _room_keys(keys: Keys, room: str) -> list[str]:
    of = keys.room(room)
    return [of.meta, of.log, *(getattr(of, name) for name in PROJECTIONS)]


async def _taken(engine: Commands, room: str) -> Room | None:
    meta, log, *dumps = await engine.run(_TAKE, _room_keys(engine.keys, room), [])
    if not meta:
        return None
    return Room(
        room,
        {name.decode(): value for name, value in zip(meta[::2], meta[1::2], strict=True)},
        [(fields[1].decode(), fields[3], fields[5]) for _, fields in log],
        {name: dump for name, dump in zip(PROJECTIONS, dumps, strict=True) if dump},
    )


async def _put_room(engine: Commands, taken: Room, epoch: str) -> None:
    keys = engine.keys.room(taken.room)
    meta = {**taken.meta, "epoch": epoch.encode()}
    await engine.call("DEL", *_room_keys(engine.keys, taken.room))
    for first in range(0, len(taken.log), SCAN_AT_ONCE):
        added: list[tuple[str | bytes | int, ...]] = []
        for kind, header, body in taken.log[first : first + SCAN_AT_ONCE]:
            _, _, rest = header.partition(b":")
            seq = int(rest.partition(b":")[0])
            added.append(("XADD", keys.log, f"{seq}-0", "k", kind, "h", epoch.encode() + b":" + rest, "b", body))
        await engine.call_all(added, repeatable=False)
    await engine.call("HSET", keys.meta, *(word for pair in meta.items() for word in pair))
    for name, dump in taken.projections.items():
        await engine.call("RESTORE", getattr(keys, name), 0, dump, "REPLACE")


def _once_commands(
    keys: Keys, once: list[tuple[str, bytes, int]], epochs: dict[str, tuple[str, str]]
) -> list[tuple[str | bytes | int, ...]]:
    """They stand for positions, which have a new epoch now."""
    commands: list[tuple[str | bytes | int, ...]] = [("PING",)]
    for key, place, left_ms in once:
        name = keys.prefix + key
        epoch, new_epoch = epochs.get(name[: name.index(ONCE) + len(ONCE)], ("", ""))
        life, _, rest = place.partition(b":")
        if epoch and life == epoch.encode():
            commands.append(("SET", name, new_epoch.encode() + b":" + rest, "PX", left_ms))
    return commands


async def _others(engine: Commands, own: set[str]) -> AsyncIterator[Key | Once]:
    cursor: bytes | int = 0
    while True:
        cursor, found = await engine.call("SCAN", cursor, "MATCH", f"{engine.keys.prefix}*", "COUNT", SCAN_AT_ONCE)
        names = [name for name in (raw.decode() for raw in found) if name not in own]
        names = [name for name in names if not _is_fleeting(name.removeprefix(engine.keys.prefix))]
        reading = [("GET" if ONCE in name else "DUMP", name) for name in names]
        values = await engine.call_all([*reading, *(("PTTL", name) for name in names)]) if names else []
        once: list[tuple[str, bytes, int]] = []
        for name, value, left_ms in zip(names, values, values[len(names) :], strict=False):
            if value is None:
                continue
            name = name.removeprefix(engine.keys.prefix)
            if ONCE in name and left_ms > 0:
                once.append((name, value, left_ms))
            elif ONCE not in name:
                yield Key(name, value, max(0, left_ms))
        if once:
            yield Once(once)
        if int(cursor) == 0:
            return


def _is_fleeting(name: str) -> bool:
    return name.startswith(FLEETING) or name.endswith(FLEETING_ENDS)


def _row(each: ArchivedEntry) -> tuple[int, int, str, int | None, str, bytes]:
    entry = each.entry
    return entry.seq, entry.at_ms, each.kind, each.of, entry.audience, entry.body


def _archived(room: str, epoch: str, row: tuple[int, int, str, int | None, str, bytes]) -> ArchivedEntry:
    seq, at_ms, kind, of, audience, body = row
    return ArchivedEntry(Entry(room, epoch, seq, at_ms, audience, body), kind, of)
