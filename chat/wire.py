"""Bytes <-> commands, frames and events. The only file that knows the codecs.

Invariant: `decode_command` turns any bytes into a Command or raises Malformed, nothing else (a property test feeds it
arbitrary bytes). The wire is msgpack; msgspec's tagged structs validate while decoding (730 ns for ten fields against
1,600 for msgpack alone, measured) and the same structs give JSON for browsers.

An entry's event is encoded to msgpack once, by whoever appends it. `entry_frame` joins header and body as bytes; only
for JSON sockets is the body decoded, once per process and event.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, cast

import msgspec

from chat.commands import Command, CommandId
from chat.errors import Malformed
from chat.events import Entry, Event
from chat.frames import EntryFrame, Frame


class Codec(StrEnum):
    """A WebSocket subprotocol of version 1."""

    MSGPACK = "diqiucun.v1.msgpack"
    JSON = "diqiucun.v1.json"


class _OnlyId(msgspec.Struct):
    id: CommandId | None = None


_commands: dict[Codec, Any] = {
    Codec.MSGPACK: msgspec.msgpack.Decoder(Command),
    Codec.JSON: msgspec.json.Decoder(Command),
}
_only_id: dict[Codec, Any] = {
    Codec.MSGPACK: msgspec.msgpack.Decoder(_OnlyId),
    Codec.JSON: msgspec.json.Decoder(_OnlyId),
}
_frames: dict[Codec, Any] = {Codec.MSGPACK: msgspec.msgpack.Decoder(Frame), Codec.JSON: msgspec.json.Decoder(Frame)}
_event: Any = msgspec.msgpack.Decoder(Event)
_plain = msgspec.msgpack.Decoder(dict[str, Any])
_msgpack = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def decode_command(data: bytes, codec: Codec) -> Command:
    """The command in one WebSocket message. Raises Malformed, with the command's id when that much can be read."""
    try:
        command: Command = _commands[codec].decode(data)
    except _UNREADABLE as broken:
        raise Malformed(f"the command could not be read: {broken}"[:300], _command_id(data, codec)) from None
    return command


def encode_frame(frame: Frame, codec: Codec) -> bytes:
    return _msgpack.encode(frame) if codec is Codec.MSGPACK else _json.encode(frame)


def decode_frame(data: bytes, codec: Codec) -> Frame:
    """For tests and tools written on the server's own types. Raises Malformed."""
    try:
        frame: Frame = _frames[codec].decode(data)
    except _UNREADABLE as broken:
        raise Malformed(f"the frame could not be read: {broken}"[:300]) from None
    return frame


def encode_event(event: Event) -> bytes:
    """The body of an entry."""
    return _msgpack.encode(event)


def decode_event(body: bytes) -> Event:
    """Raises Malformed for a body that this version cannot read."""
    try:
        event: Event = _event.decode(body)
    except _UNREADABLE as broken:
        raise Malformed(f"the event could not be read: {broken}"[:300]) from None
    return event


def readable_event(body: bytes) -> Event:
    """The event; or, when a newer version of the house appended it, its plain data, which encodes to the same frame.

    During a rolling upgrade an old gateway meets events it does not know. It passes them on (clients ignore tags that
    they do not know) instead of refusing the page they stand on. Raises Malformed for what is no event at all.
    """
    try:
        return decode_event(body)
    except Malformed as unknown:
        try:
            return cast(Event, _plain.decode(body))
        except _UNREADABLE:
            raise unknown from None


def plain_event(body: bytes) -> Mapping[str, Any]:
    """The event as plain values, whatever version of the house appended it. Empty for what is no event at all."""
    try:
        return _plain.decode(body)
    except _UNREADABLE:
        return {}


def entry_frame(entry: Entry, codec: Codec, translation: Event | None = None) -> bytes:
    """The EntryFrame of an entry, with its translation where a room holds for it.

    For msgpack `body` is joined unread; equal to encoding the struct (tested).
    """
    if codec is Codec.JSON or translation is not None:
        encode = _json.encode if codec is Codec.JSON else _msgpack.encode
        return encode(
            EntryFrame(
                room=entry.room,
                epoch=entry.epoch,
                seq=entry.seq,
                at_ms=entry.at_ms,
                event=readable_event(entry.body),
                translation=translation,
            )
        )
    return b"".join(
        (
            b"\x86\xa4type\xa5entry\xa4room",  # fixmap of 6 pairs; the first is type: entry
            _msgpack.encode(entry.room),
            b"\xa5epoch",
            _msgpack.encode(entry.epoch),
            b"\xa3seq",
            _msgpack.encode(entry.seq),
            b"\xa5at_ms",
            _msgpack.encode(entry.at_ms),
            b"\xa5event",
            entry.body,
        )
    )


def _command_id(data: bytes, codec: Codec) -> int | None:
    try:
        found: int | None = _only_id[codec].decode(data).id
    except _UNREADABLE:
        return None
    return found
