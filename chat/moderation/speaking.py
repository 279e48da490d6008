"""Who may be heard in a room, and by whom: the one rule that every way of speaking is held to. Pure.

Invariant: what this lets through depends on nothing but its arguments, which are rows that the append is guarded by; so
a mute that lands between a look and its append is seen, however close the race was. Moderators and owners are bound by
nothing but the end of the event, and what somebody of a higher rank decided about them.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from chat.conduct import Conduct, Spoke, Standing, row_of, spoke_of
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, Role
from chat.limits import SAID_AGAIN_S, SURGE_SLOW_S
from chat.live_events import own_audience
from chat.ports import Change, SetRow
from chat.text import has_words

Way = Literal["message", "edit", "line", "act", "typing"]
"""message: a new one. edit: other words for an old one. line: words beside messages, as names, suggestions, questions.
act: no words of one's own, as reactions, votes, a raised hand. typing: that one is about to speak."""

SPEAKING: Final[frozenset[Way]] = frozenset({"message", "edit", "typing"})
SPOKE: Final = "spoke"
"""By member: when they last spoke, and what. Kept while the conduct asks for it."""
SAID: Final = "said"
"""By the first two letters of a digest: what was said lately, so that it is not said again. 256 rows at most."""


@dataclass(frozen=True, slots=True)
class Member:
    """Who wants to speak."""

    user: str
    role: Role
    standing: Standing
    since_ms: int = 0
    """When they became a member; 0: longer ago than anybody asks."""
    spoke: bytes | None = None
    """Their row of kind `SPOKE`."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody is heard."""

    audience: str = EVERYONE
    held: Literal["new_account", "prescreen"] | None = None
    due_ms: int = 0
    changes: tuple[Change, ...] = ()
    """Go with the entry."""
    rows: tuple[tuple[str, str, bytes | None], ...] = ()
    """What it was decided on."""
    exempt: bool = False
    """A moderator: no word list and no classifier is asked."""


PLAIN: Final = Manner()
MODERATING: Final = Manner(exempt=True)
_said = msgspec.msgpack.Decoder(tuple[tuple[str, int], ...])


def in_force(standing: Standing, now_ms: int) -> Standing:
    """What still holds: a ban or a mute whose time is over holds no more."""
    if (standing.banned or standing.muted) and 0 < standing.until_ms <= now_ms:
        return msgspec.structs.replace(standing, banned=False, muted=False, until_ms=0)
    return standing


def may_enter(standing: Standing, now_ms: int) -> None:
    """Raises Rejected(BANNED)."""
    standing = in_force(standing, now_ms)
    if standing.banned:
        raise Rejected(ErrorCode.BANNED, retry_after_ms=_left_ms(standing, now_ms))


def may_speak(
    conduct: Conduct, member: Member, way: Way, text: str, now_ms: int, *, moderator: bool, said: bytes | None = None
) -> Manner:
    """How `member` is heard. `text` as it would be shown; `said` the row of kind `SAID` for it, where the conduct is
    `unique`. Raises Rejected: OVER, BANNED, MUTED, NOT_NOW, EMOJI_ONLY, SLOW_MODE, SAID_ALREADY."""
    if conduct.phase == "archive":
        raise Rejected(ErrorCode.OVER, "the event is over")
    standing = in_force(member.standing, now_ms)
    may_enter(standing, now_ms)
    if standing.muted:
        raise Rejected(ErrorCode.MUTED, retry_after_ms=_left_ms(standing, now_ms))
    audience = own_audience(member.user) if standing.shadowed else EVERYONE
    if moderator:
        return Manner(audience, exempt=True)
    if way in SPEAKING or way == "line":
        _has_the_floor(conduct, member, standing, now_ms, way)
    if way not in ("message", "edit"):
        return Manner(audience)
    if conduct.emoji_only and has_words(text):
        raise Rejected(ErrorCode.EMOJI_ONLY)
    if way == "edit":
        if audience == EVERYONE and (conduct.prescreen_s or _is_new_here(conduct, member, now_ms)):
            raise Rejected(ErrorCode.NOT_NOW, "messages are looked at before others see them; recall it and write anew")
        return Manner(audience)
    changes, rows = _counted(conduct, member, text, now_ms, said)
    if audience == EVERYONE and _is_new_here(conduct, member, now_ms):
        return Manner(audience, "new_account", 0, changes, rows)
    if audience == EVERYONE and conduct.prescreen_s:
        return Manner(audience, "prescreen", now_ms + 1000 * conduct.prescreen_s, changes, rows)
    return Manner(audience, None, 0, changes, rows)


def pause_s(conduct: Conduct) -> int:
    """Seconds between two messages of one member."""
    return max(conduct.slow_s, SURGE_SLOW_S if conduct.surging or conduct.locked_down else 0)


def digest_of(text: str) -> str:
    """Equal for what reads alike: case and spaces do not make it another text."""
    return blake2b("".join(text.casefold().split()).encode(), digest_size=8).hexdigest()


def said_key(text: str) -> str:
    """Under which row of kind `SAID` this text is found."""
    return digest_of(text)[:2]


def asks_since(conduct: Conduct) -> bool:
    """Whether it matters how long somebody has been here."""
    return conduct.speakers == "seniors" or conduct.locked_down


def _has_the_floor(conduct: Conduct, member: Member, standing: Standing, now_ms: int, way: Way) -> None:
    words = None
    if conduct.phase == "lobby":
        words = "it has not begun yet"
    elif conduct.frozen:
        words = "only moderators speak just now"
    elif way == "line":  # those who do not speak may still ask, suggest and propose
        words = None
    elif conduct.locked_down and member.role == "guest":
        words = "only members speak just now"
    elif standing.speaker:
        words = None
    elif conduct.speakers == "invited":
        words = "only those who were invited speak here; raise your hand"
    elif conduct.speakers == "members" and member.role == "guest":
        words = "only members speak here"
    elif conduct.speakers == "seniors":
        left_ms = member.since_ms + 1000 * conduct.senior_s - now_ms if member.since_ms else 0
        if left_ms > 0:
            raise Rejected(ErrorCode.NOT_NOW, "you came a short while ago; listen first", retry_after_ms=left_ms)
    if words:
        raise Rejected(ErrorCode.NOT_NOW, words)


def _is_new_here(conduct: Conduct, member: Member, now_ms: int) -> bool:
    return conduct.locked_down and bool(member.since_ms) and now_ms < member.since_ms + 1000 * conduct.senior_s


def _counted(
    conduct: Conduct, member: Member, text: str, now_ms: int, said: bytes | None
) -> tuple[tuple[Change, ...], tuple[tuple[str, str, bytes | None], ...]]:
    """Slow mode and unique mode: what is written down with the message, and what it is guarded by."""
    wait_s = pause_s(conduct)
    if not wait_s and not conduct.unique:
        return (), ()
    before = spoke_of(member.spoke)
    if before is not None:
        left_ms = before.at_ms + 1000 * wait_s - now_ms
        if wait_s and left_ms > 0:
            raise Rejected(ErrorCode.SLOW_MODE, retry_after_ms=left_ms)
    digest = digest_of(text)
    changes: tuple[Change, ...] = (SetRow(SPOKE, member.user, row_of(Spoke(at_ms=now_ms, digest=digest))),)
    rows: tuple[tuple[str, str, bytes | None], ...] = ((SPOKE, member.user, member.spoke),)
    if not conduct.unique:
        return changes, rows
    since_ms = now_ms - 1000 * SAID_AGAIN_S
    lately = tuple(each for each in (_said.decode(said) if said else ()) if each[1] > since_ms)
    if (before is not None and before.digest == digest) or any(known == digest for known, _ in lately):
        raise Rejected(ErrorCode.SAID_ALREADY)
    key = digest[:2]
    row = msgspec.msgpack.encode((*lately, (digest, now_ms)))
    return (*changes, SetRow(SAID, key, row)), (*rows, (SAID, key, said))


def _left_ms(standing: Standing, now_ms: int) -> int | None:
    return standing.until_ms - now_ms if standing.until_ms else None
