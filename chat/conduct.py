"""How one may speak in a room, and what moderators decided about a member: the two rows that every post
is held against.

Both are stored as rows of the room's board (kinds "conduct" and "standing"), written with the entry that changed them,
and counted in `RoomState.rules`: a post that was decided under other rules is `STALE` and is decided again.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from chat.limits import (
    CAPACITY_MAX,
    PRESCREEN_S_MAX,
    RATE_MAX,
    SENIOR_S_MAX,
    SLOW_S_MAX,
)

Speakers = Literal["everyone", "members", "seniors", "invited"]
Phase = Literal["open", "lobby", "archive"]


class Conduct(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one may speak here. The default is an ordinary group chat. Moderators and owners are bound by nothing of it
    but `phase` "archive", in which nobody speaks."""

    kind: Literal["group", "live"] = "group"
    """live: presence as counts, no entry for each join, reactions as counts, no typing, no read markers."""
    phase: Phase = "open"
    """lobby: people gather, moderators speak. archive: everybody reads, nobody speaks."""
    speakers: Speakers = "everyone"
    """members: no guests. seniors: here for `senior_s`. invited: whom a moderator asked to speak."""
    senior_s: Annotated[int, Meta(ge=0, le=SENIOR_S_MAX)] = 300
    slow_s: Annotated[int, Meta(ge=0, le=SLOW_S_MAX)] = 0
    """Seconds between two messages of one member; 0: no slow mode."""
    emoji_only: bool = False
    unique: bool = False
    """Nobody says twice in a row what they just said, and nothing that was said in the last minute."""
    frozen: bool = False
    """Only moderators speak."""
    prescreen_s: Annotated[int, Meta(ge=0, le=PRESCREEN_S_MAX)] = 0
    """A message reaches others after so long unless a moderator removes it; 0: at once."""
    surge_per_s: Annotated[int, Meta(ge=0, le=RATE_MAX)] = 0
    """Above so many messages a second the room is slow by itself (`SURGE_SLOW_S`) until it is calm; 0: never."""
    surging: bool = False
    readable_per_s: Annotated[int, Meta(ge=1, le=RATE_MAX)] = 8
    """In a live room, above so many messages a second each reader receives a fair sample."""
    locked_down: bool = False
    """Slow, members only, and messages of accounts younger than `senior_s` are held."""
    capacity: Annotated[int, Meta(ge=0, le=CAPACITY_MAX)] = 0
    """How many may be here at once; who comes later waits in line. 0: no limit."""


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What moderators decided about one member. The default is what everybody has, and is not stored."""

    banned: bool = False
    until_ms: int = 0
    """End of a ban or a mute, on the log's clock; 0: until it is lifted."""
    muted: bool = False
    shadowed: bool = False
    """They see what they say, moderators see it, others do not."""
    speaker: bool = False
    """Invited to speak where `Conduct.speakers` is "invited"."""
    since_ms: int = 0
    """When they became a member, where it is known."""


class Spoke(Struct, frozen=True, kw_only=True, array_like=True):
    """When a member last spoke, and a digest of what they said. Kept only in rooms whose conduct asks for it."""

    at_ms: int
    digest: str = ""


ORDINARY: Final = Conduct()
FREE: Final = Standing()

_conduct = msgspec.msgpack.Decoder(Conduct)
_standing = msgspec.msgpack.Decoder(Standing)
_spoke = msgspec.msgpack.Decoder(Spoke)
_encode = msgspec.msgpack.Encoder().encode


def conduct_of(row: bytes | None) -> Conduct:
    return ORDINARY if row is None else _conduct.decode(row)


def standing_of(row: bytes | None) -> Standing:
    return FREE if row is None else _standing.decode(row)


def spoke_of(row: bytes | None) -> Spoke | None:
    """When a member last spoke, where the room keeps that."""
    return None if row is None else _spoke.decode(row)


def row_of(value: Struct) -> bytes:
    return _encode(value)
