"""Frame parsers, lent to connections. Invariant: a parser changes hands only where it remembers nothing of the one who
had it: between two messages, nothing read ahead, nothing to send, no closing handshake begun.

A `ServerProtocol` of websockets with its generators, stream reader and UUID is kilobytes, and a member who only reads
needs none of it: one is enough for all who are silent. Where a parser waits is seen from its innermost generator; if a
later version of websockets waits elsewhere, parsers are no longer shared, and nothing else happens.

Nearly always one read brings exactly one whole message, and then no parser is needed either (`lone_message`): its
generators and checks are 5 us of each post where this is 0.4 (measured in a loop; in the path caches are cold).
"""

import logging
from functools import cache
from typing import Any, Final

from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the one in C, where it is there
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

SPARE_MAX: Final = 16
_BETWEEN_FRAMES: Final = StreamReader.at_eof.__code__
_TEXT: Final = 0x81
_BINARY: Final = 0x82
_MASKED: Final = 0x80
_TWO_BYTES: Final = _MASKED | 126

log = logging.getLogger("uvicorn.error")


class Parsers:
    """Of messages up to `max_size` bytes, without extensions, after the handshake."""

    def __init__(self, max_size: int | None) -> None:
        self._max_size = max_size
        self._spare: list[ServerProtocol] = []

    def borrow(self) -> ServerProtocol:
        if self._spare:
            return self._spare.pop()
        return ServerProtocol(state=OPEN, max_size=self._max_size, logger=log)

    def give_back(self, parser: ServerProtocol) -> None:
        """Only where `remembers_nothing`."""
        if len(self._spare) < SPARE_MAX:
            self._spare.append(parser)


@cache
def parsers_up_to(max_size: int | None) -> Parsers:
    """The ones of this process."""
    return Parsers(max_size)


def remembers_nothing(parser: ServerProtocol) -> bool:
    """Whether another parser could read on in its place."""
    return (
        parser.state is OPEN
        and not parser.reader.buffer
        and not parser.reader.eof
        and parser.current_size is None
        and not parser.expect_continuation_frame
        and not parser.events
        and not parser.writes
        and not parser.extensions
        and parser.parser_exc is None
        and parser.close_sent is None
        and parser.close_rcvd is None
        and _between_frames(parser.parser)
    )


def lone_message(data: bytes, max_size: int | None) -> bytes | None:
    """What a client said, if `data` is exactly one whole message of up to 65,535 bytes in one frame (RFC 6455 section
    5.2) and a parser that remembers nothing would take it. None for anything else: then a parser is to be asked."""
    if len(data) < 6 or data[0] not in (_TEXT, _BINARY):
        return None
    size, begins = data[1], 6
    if size == _TWO_BYTES:
        size, begins = data[2] << 8 | data[3], 8
    elif _MASKED <= size < _TWO_BYTES:
        size -= _MASKED
    else:
        return None
    if len(data) != begins + size or (max_size is not None and size > max_size):
        return None
    message: bytes = apply_mask(data[begins:], data[begins - 4 : begins])
    if data[0] == _TEXT:
        try:
            message.decode()
        except UnicodeDecodeError:
            return None
    return message


def _between_frames(generator: Any) -> bool:
    while generator.gi_yieldfrom is not None:
        generator = generator.gi_yieldfrom
    return generator.gi_code is _BETWEEN_FRAMES
