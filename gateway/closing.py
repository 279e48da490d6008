"""The table of close codes: code, words, should the client come back, and after how long.

Codes 4000-4499 mean "come back", 4500-4999 mean "do not, until something on your side has changed" (private range of
RFC 6455 section 7.4.2; the split by range is Centrifugo's idea, so that an old client treats a new code rightly).
A `closing` frame with the same words and a jittered delay is sent just before. Besides these a client can meet 1007
(text that is not UTF-8), 1009 (message over 64 kB), 1002 (broken framing) and 1011 (no pong), sent by the protocol
machine itself, and HTTP 403 (foreign Origin) or 503 (too many connections) before there is a socket at all.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    words: str
    retry_after_ms: tuple[int, int] | None
    """Bounds of the delay that is drawn for each client, so that thousands do not return in one instant."""


class CloseReason(Enum):
    RESTARTING = Close(4000, "the server is restarting; come back and resume where you were", (500, 5_000))
    SLOW_READER = Close(4001, "you read more slowly than the room speaks; come back and resume", (200, 2_000))
    HELLO_TIMEOUT = Close(4002, "no hello arrived in time", (1_000, 3_000))
    INTERNAL = Close(4003, "a fault on our side; nothing acknowledged was lost", (1_000, 5_000))
    FLOOD = Close(4004, "far too many commands; come back later and slower", (10_000, 20_000))
    RESYNC = Close(4005, "the room's log began a new life; come back and start from its head", (200, 2_000))
    MALFORMED = Close(4500, "too many messages that are not commands of this protocol", None)
    TOKEN_EXPIRED = Close(4501, "the token has expired; fetch a new one first", None)
    UNAUTHENTICATED = Close(4502, "the token is missing, forged or not meant for this server", None)
    UNKNOWN_SUBPROTOCOL = Close(4503, "offer the subprotocol diqiucun.v1.msgpack or diqiucun.v1.json", None)

    @property
    def code(self) -> int:
        return self.value.code

    @property
    def words(self) -> str:
        return self.value.words


def delay_ms(reason: CloseReason, fraction: float) -> int | None:
    """When this client should come back; `fraction` in [0, 1) spreads them. None: do not."""
    bounds = reason.value.retry_after_ms
    if bounds is None:
        return None
    return bounds[0] + int((bounds[1] - bounds[0]) * fraction)
