"""The bytes on the wire are the ones that clients were written for."""

from pathlib import Path

import pytest

from chat.wire import Codec, decode_command, decode_frame
from tests.golden.examples import COMMANDS, EVENTS, FRAMES, HERE, entry, file_bytes, file_text, golden

GOLDEN = [pytest.param(path, codec, message, id=f"{path.parent.name}/{path.name}") for path, codec, message in golden()]


@pytest.mark.parametrize(("path", "codec", "message"), GOLDEN)
def test_the_bytes_are_those_of_version_1(path: Path, codec: Codec, message):
    assert path.read_text(encoding="utf-8") == file_text(message, codec), (
        "the protocol changed; if that is meant (see tests/golden/examples.py), run `python -m tests.golden.examples`"
    )


@pytest.mark.parametrize(("path", "codec", "message"), GOLDEN)
def test_the_bytes_of_version_1_are_still_understood(path: Path, codec: Codec, message):
    decode = decode_command if path.parent.name == "commands" else decode_frame
    assert decode(file_bytes(path), codec) == message


@pytest.mark.parametrize("name", list(EVENTS))
@pytest.mark.parametrize("codec", Codec)
def test_an_entry_travels_as_the_golden_frame(name: str, codec: Codec):
    from chat.wire import entry_frame

    suffix = "json" if codec is Codec.JSON else "hex"
    assert entry_frame(entry(EVENTS[name]), codec) == file_bytes(HERE / "frames" / f"entry_{name}.{suffix}")


def test_no_file_is_left_of_a_message_that_is_gone():
    here = {path for folder in ("commands", "frames") for path in (HERE / folder).iterdir()}
    assert here == {path for path, _, _ in golden()}
    assert len(here) == 2 * (len(COMMANDS) + len(FRAMES))
