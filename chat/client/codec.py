"""Bytes <-> frames, by `msgpack` and not the server's msgspec on purpose: every frame is then read by an independent
implementation, and only its shape is checked against the shared structs.

Invariant: a newer server may say more than this version knows. A newer kind of frame, event or error code is a value
(`Newer`, `Unreadable`, `NewerError`); only a known kind that is wrong is `Garbled`.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgpack
import msgspec

from chat.client.items import Unreadable
from chat.commands import Command
from chat.errors import ErrorCode
from chat.frames import EntryFrame, ErrorFrame, Frame
from chat.ids import Position

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in Frame.__args__)


class Garbled(Exception):
    """A frame that cannot be read."""


@dataclass(frozen=True, slots=True)
class NewerError:
    """An answer whose error code this version does not know: it stands in the words."""

    frame: ErrorFrame


class Newer:
    """A kind of frame that this version does not know."""


def encode(command: Command) -> bytes:
    packed: bytes = msgpack.packb(msgspec.to_builtins(command))
    return packed


def decode(data: str | bytes) -> Frame | Unreadable | NewerError | Newer:
    """Raises Garbled."""
    plain = _unpack(data)
    try:
        frame: Frame = msgspec.convert(plain, Frame)
    except msgspec.ValidationError as unlike:
        return _decode_unlike(plain, unlike)
    return frame


def _unpack(data: str | bytes) -> dict[str, Any]:
    try:
        if isinstance(data, str):
            raise ValueError("text on a binary subprotocol")
        plain = msgpack.unpackb(data, raw=False, strict_map_key=True)
        if not isinstance(plain, dict):
            raise ValueError(f"a {type(plain).__name__} instead of a map")
    except (ValueError, msgpack.UnpackException) as broken:
        raise Garbled(str(broken)) from None
    return plain


def _decode_unlike(plain: dict[str, Any], unlike: msgspec.ValidationError) -> Unreadable | NewerError | Newer:
    kind = plain.get("type")
    if kind == "entry":
        try:
            entry = msgspec.convert({**plain, "event": {"type": "left", "user": "x", "by": "x"}}, EntryFrame)
        except msgspec.ValidationError:
            raise Garbled(str(unlike)) from None
        return Unreadable(entry.room, Position(entry.epoch, entry.seq), entry.at_ms)
    if kind == "error" and isinstance(plain.get("re"), int) and str(plain.get("code")) not in set(ErrorCode):
        code = str(plain["code"])
        known = {**plain, "code": ErrorCode.MALFORMED.value, "words": f"{code}: {plain.get('words')}"}
        return NewerError(msgspec.convert(known, ErrorFrame))
    if kind in _KINDS:
        raise Garbled(str(unlike))
    return Newer()
