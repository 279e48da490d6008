"""Webhooks: which entries of a room's log are told to programs outside, under what name, and how that is signed. Pure.

Invariant: what is told of an entry follows from the entry and from the phase its room was in, so that a repeated
delivery has the same id and the same bytes; only time and signature of the attempt differ. Entries are known by their
tags, not by their types: what a newer version of the house appended is told as well.

Headers and signature are those of Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md), so that receivers verify with a library of theirs.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from chat.events import EVERYONE, Entry
from chat.ids import RoomId, Seq, UserId
from chat.wire import plain_event

HookId = Annotated[str, Meta(pattern=r"^[a-z0-9]{1,40}(?!\n)$", description="of an endpoint")]
DeliveryId = Annotated[
    str, Meta(pattern=r"^msg_[0-9a-f]{1,64}(?!\n)$", description="`webhook-id`: the same in repeats")
]
Kind = Literal[
    "room.opened",
    "room.closed",
    "message.posted",
    "message.edited",
    "message.recalled",
    "message.held",
    "report.made",
    "name.given",
    "member.joined",
    "member.left",
]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
PING: Final = "ping"
"""What an endpoint is sent when an administrator asks whether it is there."""
SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64."""
ENDPOINTS_MAX: Final = 50
LETTERS_MAX: Final = 1_000
"""Dead letters that are kept of an endpoint; the oldest ones go."""
OPEN: Final = "open"

Condition = Callable[[Mapping[str, Any], str, str], bool]
"""Of the event as plain values, the audience of its entry, and the phase that its room was in until now."""


def _always(event: Mapping[str, Any], audience: str, phase: str) -> bool:
    return True


def _everybody(event: Mapping[str, Any], audience: str, phase: str) -> bool:
    return audience == EVERYONE


def _given(event: Mapping[str, Any], audience: str, phase: str) -> bool:
    return bool(event.get("given"))


def _opened(event: Mapping[str, Any], audience: str, phase: str) -> bool:
    return phase_in(event) == OPEN != phase


def _closed(event: Mapping[str, Any], audience: str, phase: str) -> bool:
    return phase_in(event) == "archive" != phase


@dataclass(frozen=True, slots=True)
class Row:
    """Entries with this tag are told as `kind`, if the condition holds."""

    kind: Kind
    tag: str
    words: str
    condition: Condition = _always


TOLD: Final = (
    Row("room.opened", "room_created", "A room was made."),
    Row("room.opened", "conduct_changed", "Its doors opened, after a lobby or an archive.", _opened),
    Row("room.closed", "conduct_changed", "It became an archive: everybody reads, nobody speaks.", _closed),
    Row("message.posted", "posted", "A message that everybody in the room receives.", _everybody),
    Row("message.edited", "edited", "Its author replaced the text of message `of`.", _everybody),
    Row("message.recalled", "recalled", "Message `of` was taken back; delete what you keep of it."),
    Row("message.held", "held_back", "A message waits for a moderator, and why."),
    Row("report.made", "reported", "A member reports message `of`, as they saw it."),
    Row("name.given", "ceremony_closed", "A naming ceremony ended with a name; `given` holds it.", _given),
    Row("member.joined", "joined", "Somebody became a member."),
    Row("member.left", "left", "A membership ended; `by` is who ended it."),
)
"""The one table of what is told, first fit. docs/webhooks.md has the same rows (tested)."""
_BY_TAG: Final = {tag: tuple(row for row in TOLD if row.tag == tag) for tag in {row.tag for row in TOLD}}


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a program outside is told of what happens."""

    id: HookId
    url: str
    secret: str
    events: tuple[Kind, ...]
    rooms: tuple[RoomId, ...] | None
    """None: all, those made later included."""
    made_ms: int
    by: UserId
    off: str = ""
    """Why nothing is sent to it now; "": it is on."""

    def hears(self, room: str) -> bool:
        return self.rooms is None or room in self.rooms


class Cursor(Struct, frozen=True, array_like=True):
    """How far an endpoint was told of a room: everything up to `seq`."""

    epoch: str
    seq: int
    phase: str = OPEN
    """Of the room, as of that entry."""
    tries: int = 0
    """How often the next delivery failed."""
    due_ms: int = 0
    """When it is tried again."""


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A delivery that was given up. It holds no text: what is delivered again is read from the log again, so what was
    recalled meanwhile stays recalled."""

    id: DeliveryId
    type: Kind
    room: RoomId
    epoch: str
    seq: Seq
    phase: str
    """Of the room, before the entry."""
    at_ms: int
    """When it happened."""
    died_ms: int
    tries: int
    why: str
    """Of the last try: "answered 500", "no answer within 15 s"."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry is told as."""

    kind: Kind | None
    """None: it is not told."""
    event: Mapping[str, Any]
    phase: str
    """Of the room from this entry on."""


def told(entry: Entry, phase: str) -> Told:
    """`phase`: of the room until this entry."""
    event = plain_event(entry.body)
    tag = str(event.get("type", ""))
    after = phase_in(event) if tag == "conduct_changed" else phase
    for row in _BY_TAG.get(tag, ()):
        if row.condition(event, entry.audience, phase):
            return Told(row.kind, event, after)
    return Told(None, event, after)


def phase_in(event: Mapping[str, Any]) -> str:
    """Of a `conduct_changed`. Its fields are left out where they are as in an ordinary room."""
    conduct = event.get("conduct")
    return str(conduct.get("phase", OPEN)) if isinstance(conduct, Mapping) else OPEN


def delivery_id(endpoint: str, entry: Entry) -> str:
    """The same for every attempt to tell this endpoint of this entry, whoever makes it."""
    place = "\0".join((endpoint, entry.room, entry.epoch, str(entry.seq)))
    return "msg_" + hashlib.sha256(place.encode()).hexdigest()[:40]


def body_of(kind: str, entry: Entry, event: Mapping[str, Any]) -> bytes:
    """The JSON that is sent: when it happened, where in which log, and the event as it stands there."""
    return msgspec.json.encode(
        {
            "type": kind,
            "timestamp": _rfc3339(entry.at_ms),
            "data": {"room": entry.room, "epoch": entry.epoch, "seq": entry.seq, "at_ms": entry.at_ms, "event": event},
        }
    )


def ping_body(endpoint: str, now_ms: int) -> bytes:
    return msgspec.json.encode({"type": PING, "timestamp": _rfc3339(now_ms), "data": {"hook": endpoint}})


def new_secret(random_bytes: bytes) -> str:
    """As it is shown: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError for what is no such secret."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a secret begins with {SECRET_PREFIX}")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError("a secret is base64 of 24 to 64 bytes")
    return key


def signed_headers(secret: str, delivery: str, now_ms: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt."""
    at_s = str(now_ms // 1000)
    content = b".".join((delivery.encode(), at_s.encode(), body))
    signature = base64.b64encode(hmac.digest(key_of(secret), content, "sha256")).decode()
    return {
        "content-type": "application/json",
        "user-agent": "Diqiucun-Webhooks/1",
        "webhook-id": delivery,
        "webhook-timestamp": at_s,
        "webhook-signature": f"v1,{signature}",
    }


def _rfc3339(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03}Z"
