"""A parser changes hands only where it remembers nothing of the one who had it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from gateway.parsers import SPARE_MAX, Parsers, lone_message, remembers_nothing


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


_FRAMES = st.one_of(
    st.builds(
        sent, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), st.binary(max_size=200), fin=st.booleans()
    ),
    st.builds(sent, st.just(Opcode.PING), st.binary(max_size=125)),
)


@given(st.one_of(_FRAMES, st.binary(max_size=20), st.tuples(_FRAMES, st.binary(max_size=8)).map(b"".join)))
@example(sent(Opcode.TEXT, b"\xff"))
@example(b"\x82\xfe\x00\x01\x00\x00\x00\x00x")  # a length in more bytes than it needs
@example(b"\xc2\x81\x00\x00\x00\x00x")
def test_without_a_parser_the_same_is_heard_as_with_one_or_nothing(data: bytes) -> None:
    message = lone_message(data, 150)
    if message is None:
        return
    parser = Parsers(150).borrow()
    parser.receive_data(data)
    [frame] = parser.events_received()
    assert isinstance(frame, Frame)
    assert (bytes(frame.data), frame.fin) == (message, True)
    assert frame.opcode in (Opcode.TEXT, Opcode.BINARY)
    assert remembers_nothing(parser)
    assert frame.opcode is Opcode.BINARY or message.decode().encode() == message


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 300, 65_535])
def test_one_whole_message_needs_no_parser(opcode: Opcode, size: int) -> None:
    frame = sent(opcode, b"x" * size)
    assert lone_message(frame, 65_535) == b"x" * size
    assert lone_message(frame, size - 1) is None
    assert lone_message(frame[:-1], None) is None
    assert lone_message(frame + frame, None) is None
