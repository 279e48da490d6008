"""A parser changes hands only where it remembers nothing of the one who had it."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from gateway.parsers import SPARE_MAX, Parsers, remembers_nothing


def sent(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """As a client sends it."""
    return Frame(opcode, data, fin).serialize(mask=True)


def fed(data: bytes) -> ServerProtocol:
    parser = Parsers(65_536).borrow()
    parser.receive_data(data)
    parser.events_received()
    parser.data_to_send()
    return parser


def test_a_fresh_parser_remembers_nothing() -> None:
    assert remembers_nothing(Parsers(65_536).borrow())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300, 65_535, 65_536])
def test_within_a_frame_it_remembers_and_after_it_not(size: int) -> None:
    frame = sent(Opcode.BINARY, b"x" * size)
    for cut in {*range(1, min(len(frame), 20)), len(frame) - 1}:
        assert not remembers_nothing(fed(frame[:cut])), cut
    assert remembers_nothing(fed(frame))
    assert not remembers_nothing(fed(frame + frame[:1]))


@pytest.mark.parametrize(
    "data",
    [
        sent(Opcode.TEXT, b"half", fin=False),
        sent(Opcode.TEXT, b"half", fin=False) + sent(Opcode.PING, b""),
        sent(Opcode.CLOSE, b"\x03\xe8"),
        sent(Opcode.CONT, b"of nothing"),
        b"\xff\xff\xff\xff",
        sent(Opcode.BINARY, b"x" * 65_537),
    ],
    ids=["fragment", "ping between fragments", "close", "stray continuation", "garbage", "too big"],
)
def test_what_was_begun_or_ended_is_remembered(data: bytes) -> None:
    assert not remembers_nothing(fed(data))


def test_after_the_last_fragment_and_after_a_ping_nothing_is_remembered() -> None:
    assert remembers_nothing(fed(sent(Opcode.TEXT, b"a", fin=False) + sent(Opcode.CONT, b"b")))
    assert remembers_nothing(fed(sent(Opcode.PING, b"?")))


def test_what_is_still_to_be_read_or_sent_is_remembered() -> None:
    parser = Parsers(65_536).borrow()
    parser.receive_data(sent(Opcode.PING, b"?"))
    assert not remembers_nothing(parser)
    parser.events_received()
    assert not remembers_nothing(parser)
    parser.data_to_send()
    assert remembers_nothing(parser)


def test_spare_parsers_are_lent_again_and_are_few() -> None:
    parsers = Parsers(65_536)
    one = parsers.borrow()
    parsers.give_back(one)
    assert parsers.borrow() is one
    lent = [parsers.borrow() for _ in range(SPARE_MAX + 5)]
    for parser in lent:
        parsers.give_back(parser)
    again = [parsers.borrow() for _ in lent]
    assert len({id(parser) for parser in again} & {id(parser) for parser in lent}) == SPARE_MAX
