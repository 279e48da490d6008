"""The one table of errors a command can meet: code, words, is a retry worth it.

Four kinds, four fates: `Rejected` (a rule said no: reply, stay open), `Malformed` (a broken client: reply when the
command can be told, else close), `Unavailable` (infrastructure: reply with `retry_after_ms`), and a bug (logged with
the connection id, the socket closes with INTERNAL). Codes are part of the protocol: add, never rename or reuse.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    MALFORMED = "malformed"
    NOT_READY = "not_ready"
    ALREADY_READY = "already_ready"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"
    FORBIDDEN = "forbidden"
    ROOM_NOT_FOUND = "room_not_found"
    ROOM_EXISTS = "room_exists"
    NOT_A_MEMBER = "not_a_member"
    OWNER_MUST_STAY = "owner_must_stay"
    MESSAGE_NOT_FOUND = "message_not_found"
    NOTHING_TO_SAY = "nothing_to_say"
    NAME_INVALID = "name_invalid"
    LANGUAGE_INVALID = "language_invalid"
    INVITE_INVALID = "invite_invalid"
    TOO_MANY_ROOMS = "too_many_rooms"
    TOO_FAST = "too_fast"
    STALE = "stale"
    EPOCH_CHANGED = "epoch_changed"
    NOT_TRANSLATABLE = "not_translatable"
    CEREMONY_NOT_FOUND = "ceremony_not_found"
    CEREMONY_OVER = "ceremony_over"
    NAME_REFUSED = "name_refused"
    HOOK_NOT_FOUND = "hook_not_found"
    OVER = "over"
    BANNED = "banned"
    MUTED = "muted"
    NOT_NOW = "not_now"
    EMOJI_ONLY = "emoji_only"
    SLOW_MODE = "slow_mode"
    SAID_ALREADY = "said_already"
    WORDS_REFUSED = "words_refused"
    TOO_MANY_HELD = "too_many_held"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    words: str
    """English, for developers and logs. Pages translate the code, never these words."""
    retryable: bool
    http_status: int


ERRORS: Final[dict[ErrorCode, ErrorKind]] = {
    ErrorCode.MALFORMED: ErrorKind("the command could not be read; see docs/protocol.md for its fields", False, 400),
    ErrorCode.NOT_READY: ErrorKind("say hello first; no other command is answered before it", False, 409),
    ErrorCode.ALREADY_READY: ErrorKind("hello was already said on this connection", False, 409),
    ErrorCode.UNAUTHENTICATED: ErrorKind("the token is missing, forged or not meant for this server", False, 401),
    ErrorCode.TOKEN_EXPIRED: ErrorKind("the token has expired; fetch a new one and say hello again", False, 401),
    ErrorCode.FORBIDDEN: ErrorKind("your role in this room does not allow that", False, 403),
    ErrorCode.ROOM_NOT_FOUND: ErrorKind("there is no such room, or you may not know of it", False, 404),
    ErrorCode.ROOM_EXISTS: ErrorKind("a room with this id exists already; choose another id", False, 409),
    ErrorCode.NOT_A_MEMBER: ErrorKind("join the room first", False, 403),
    ErrorCode.OWNER_MUST_STAY: ErrorKind("the owner cannot leave: a room keeps the one who made it", False, 409),
    ErrorCode.MESSAGE_NOT_FOUND: ErrorKind("there is no message at that position, or it was recalled", False, 404),
    ErrorCode.NOTHING_TO_SAY: ErrorKind("the text is empty once invisible characters are removed", False, 422),
    ErrorCode.NAME_INVALID: ErrorKind("a name needs 1 to 40 visible characters", False, 422),
    ErrorCode.LANGUAGE_INVALID: ErrorKind("that is not a language tag; expected one like 'zh' or 'en'", False, 422),
    ErrorCode.INVITE_INVALID: ErrorKind("the invitation is unknown, used up or expired; ask for a new one", False, 403),
    ErrorCode.TOO_MANY_ROOMS: ErrorKind("this connection follows too many rooms; leave one first", False, 429),
    ErrorCode.TOO_FAST: ErrorKind("too many commands; wait retry_after_ms and send it again", True, 429),
    ErrorCode.STALE: ErrorKind("what this was about has changed meanwhile; look again", False, 409),
    ErrorCode.EPOCH_CHANGED: ErrorKind("the position belongs to an earlier life of this room's log", False, 409),
    ErrorCode.NOT_TRANSLATABLE: ErrorKind("that message cannot be translated for you", False, 422),
    ErrorCode.CEREMONY_NOT_FOUND: ErrorKind("there is no such ceremony or proposal, or it is over", False, 404),
    ErrorCode.CEREMONY_OVER: ErrorKind("the ceremony does not take that now; see its window", False, 409),
    ErrorCode.NAME_REFUSED: ErrorKind("that name cannot be proposed; `words` tells why", False, 422),
    ErrorCode.OVER: ErrorKind("that poll, question or event is over; see what became of it", False, 409),
    ErrorCode.BANNED: ErrorKind("a moderator banned you from this room; see retry_after_ms for how long", False, 403),
    ErrorCode.MUTED: ErrorKind("a moderator muted you here; see retry_after_ms for how long", False, 403),
    ErrorCode.NOT_NOW: ErrorKind("not everybody may speak here just now; see how one may speak", False, 403),
    ErrorCode.EMOJI_ONLY: ErrorKind("only emoji are said here just now", False, 422),
    ErrorCode.SLOW_MODE: ErrorKind("this room is slow; say it again after retry_after_ms", False, 429),
    ErrorCode.SAID_ALREADY: ErrorKind("that was said a moment ago; say something new", False, 422),
    ErrorCode.WORDS_REFUSED: ErrorKind("this room does not take that text, because of words in it", False, 422),
    ErrorCode.TOO_MANY_HELD: ErrorKind("too many messages wait for a moderator; try again later", False, 429),
    ErrorCode.HOOK_NOT_FOUND: ErrorKind("there is no such endpoint of webhooks", False, 404),
    ErrorCode.UNAVAILABLE: ErrorKind("the message log cannot be reached just now; nothing was lost", True, 503),
}


class CommandFailed(Exception):
    """Base of what a command may be answered with instead of an ack."""

    def __init__(self, code: ErrorCode, words: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(words or ERRORS[code].words)
        self.code = code
        self.words = words or ERRORS[code].words
        self.retry_after_ms = retry_after_ms


class Rejected(CommandFailed):
    """A rule said no. The connection stays open."""


class Malformed(CommandFailed):
    """Bytes that are not a command. `command_id` is the id of the command when it could still be read."""

    def __init__(self, words: str, command_id: int | None = None) -> None:
        super().__init__(ErrorCode.MALFORMED, words)
        self.command_id = command_id


class Unavailable(CommandFailed):
    """Infrastructure is away. Adapters turn every library exception into this one."""

    def __init__(self, words: str | None = None, retry_after_ms: int = 500) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, words, retry_after_ms)
