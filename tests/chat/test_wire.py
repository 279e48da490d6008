"""The codecs: what goes in comes out, in both, as two independent implementations read it; and any bytes whatever are
a command or `Malformed`, nothing else."""

import json
from contextlib import suppress
from typing import Any, get_args

import msgpack
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.commands import Command
from chat.errors import Malformed
from chat.events import Entry, Event, Posted
from chat.frames import EntryFrame, Frame
from chat.limits import COMMAND_ID_MAX
from chat.wire import (
    Codec,
    decode_command,
    decode_event,
    decode_frame,
    encode_event,
    encode_frame,
    entry_frame,
    readable_event,
)
from tests.chat.strategies import messages
from tests.golden.examples import COMMANDS

few = settings(max_examples=max(15, settings.default.max_examples // 3))
"""For each of thirty types in two codecs; the search profile raises it."""
codecs = pytest.mark.parametrize("codec", list(Codec))
ENCODE = {Codec.MSGPACK: msgspec.msgpack.encode, Codec.JSON: msgspec.json.encode}


def plain(data: bytes, codec: Codec) -> Any:
    """As somebody else's library reads it. Keys that are seqs are numbers in msgpack, of which JSON makes text."""
    return json.loads(data) if codec is Codec.JSON else msgpack.unpackb(data, strict_map_key=False)


def foreign(value: Any, codec: Codec) -> bytes:
    """As somebody else's library writes it."""
    return json.dumps(value).encode() if codec is Codec.JSON else msgpack.packb(value)


def lists(value: Any) -> Any:
    """Tuples as lists, which is all that a codec knows."""
    return json.loads(json.dumps(value))


@codecs
@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: kind.__name__)
def test_every_command_makes_the_round_trip(kind: type, codec: Codec):
    @few
    @given(messages(kind))
    def check(command: Command) -> None:
        data = ENCODE[codec](command)
        assert decode_command(data, codec) == command
        assert decode_command(foreign(plain(data, codec), codec), codec) == command

    check()


@codecs
@pytest.mark.parametrize("kind", get_args(Frame), ids=lambda kind: kind.__name__)
def test_every_frame_makes_the_round_trip(kind: type, codec: Codec):
    @few
    @given(messages(kind))
    def check(frame: Frame) -> None:
        data = encode_frame(frame, codec)
        assert decode_frame(data, codec) == frame
        assert lists(plain(data, codec)) == lists(msgspec.to_builtins(frame, str_keys=True))

    check()


@given(messages(Event))
def test_every_event_makes_the_round_trip(event: Event):
    body = encode_event(event)
    assert decode_event(body) == event == readable_event(body)
    assert plain(body, Codec.MSGPACK) == lists(msgspec.to_builtins(event))


@codecs
@given(entry=messages(Entry), event=messages(Event))
def test_joining_header_and_body_as_bytes_equals_encoding_the_frame(codec: Codec, entry: Entry, event: Event):
    entry = msgspec.structs.replace(entry, body=encode_event(event))
    frame = EntryFrame(room=entry.room, epoch=entry.epoch, seq=entry.seq, at_ms=entry.at_ms, event=event)
    assert entry_frame(entry, codec) == encode_frame(frame, codec)
    assert decode_frame(entry_frame(entry, codec), codec) == frame


# -- any bytes ---------------------------------------------------------------------------------------------------------

_leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5) | st.binary()
_anything = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
_almost = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMANDS)) | _anything},
    optional={name: _anything for command in COMMANDS.values() for name in command.__struct_fields__},
)


def is_command_or_malformed(data: bytes, codec: Codec) -> None:
    try:
        command = decode_command(data, codec)
    except Malformed as refused:
        command_id, words = refused.command_id, refused.words
    else:
        assert type(command) in get_args(Command)
        return
    assert command_id is None or 0 <= command_id <= COMMAND_ID_MAX
    assert len(words) <= 300


@codecs
@given(data=st.binary(max_size=200))
@example(data=b"")
@example(data=b"\xdd\xff\xff\xff\xff")  # an array of four billion
@example(data=b"\x82\xa4type\xa4ping\xa2id\xdd\xff\xff\xff\xff")
@example(data=b"\x91" * 60_000)
@example(data=b"[" * 60_000)
@example(data=b'{"type":"ping","id":1,"x":' + b"[" * 60_000)
@example(data=b'{"type":"ping","id":' + b"9" * 60_000 + b"}")
@example(data=b'{"type":"ping","id":1e999}')
@example(data=b'{"type":"ping","id":1}{')
@example(data=b'{"type":"post","id":1,"room":"r","once":"o","text":"\xff"}')
@example(data=b'{"type":"post","id":1,"room":"r","once":"o","text":"\\ud800"}')
def test_any_bytes_are_a_command_or_malformed(codec: Codec, data: bytes):
    is_command_or_malformed(data, codec)


@given(value=_almost)
def test_anything_shaped_like_a_command_is_one_or_malformed(value: dict[str, Any]):
    is_command_or_malformed(msgpack.packb(value), Codec.MSGPACK)
    text = json.dumps(value, default=lambda data: data.hex())
    is_command_or_malformed(text.encode(), Codec.JSON)


@codecs
@given(data=st.data())
def test_a_damaged_command_is_a_command_or_malformed(codec: Codec, data: st.DataObject):
    whole = ENCODE[codec](COMMANDS[data.draw(st.sampled_from(sorted(COMMANDS)))])
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    is_command_or_malformed(whole[:first] + data.draw(st.binary(max_size=6)) + whole[last:], codec)


@codecs
@given(data=st.binary(max_size=100))
def test_any_bytes_are_a_frame_or_an_event_or_malformed(codec: Codec, data: bytes):
    for decode in (lambda: decode_frame(data, codec), lambda: decode_event(data), lambda: readable_event(data)):
        with suppress(Malformed):
            decode()


# -- answers to what cannot be read ------------------------------------------------------------------------------------


@codecs
@pytest.mark.parametrize(
    ("value", "command_id"),
    [
        ({"type": "post", "id": 7}, 7),
        ({"type": "no_such_command", "id": 7, "more": [1]}, 7),
        ({"id": COMMAND_ID_MAX}, COMMAND_ID_MAX),
        ({"type": "ping", "id": COMMAND_ID_MAX + 1}, None),
        ({"type": "ping", "id": -1}, None),
        ({"type": "ping", "id": True}, None),
        ({"type": "ping", "id": "7"}, None),
        ({"type": "ping", "id": [[7]]}, None),
        ({"type": "ping"}, None),
        (["ping", 7], None),
        ("ping", None),
    ],
)
def test_malformed_names_the_command_when_its_id_can_be_read(codec: Codec, value: Any, command_id: int | None):
    with pytest.raises(Malformed) as refused:
        decode_command(foreign(value, codec), codec)
    assert refused.value.command_id == command_id


# -- growing -----------------------------------------------------------------------------------------------------------


@codecs
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_fields_of_newer_clients_are_ignored(name: str, codec: Codec):
    value = plain(ENCODE[codec](COMMANDS[name]), codec) | {"from_the_future": [1, {"deep": None}]}
    assert decode_command(foreign(value, codec), codec) == COMMANDS[name]


@codecs
def test_an_event_of_a_newer_version_is_passed_on_untouched(codec: Codec):
    """A rolling upgrade: a new gateway appended `waved`, an old one has readers. One entry that it could not read
    made whole pages of history, and every JSON reader's feed, fail."""
    waved = {"type": "waved", "by": "brecken", "hands": 2}
    body = msgpack.packb(waved)
    with pytest.raises(Malformed):
        decode_event(body)
    assert readable_event(body) == waved
    entry = Entry("r", "0f", 7, 1, "", body)
    assert plain(entry_frame(entry, codec), codec)["event"] == waved


def test_an_event_with_fields_of_a_newer_version_is_read_without_them():
    body = msgpack.packb({"type": "posted", "author": "a", "name": "A", "text": "hi", "mood": "fine"})
    assert readable_event(body) == Posted(author="a", name="A", text="hi")
