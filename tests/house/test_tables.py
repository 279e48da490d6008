"""What is in one table is in all of them: types, golden bytes, docs/protocol.md, the page's words."""

import re
from typing import get_args

import pytest

from chat import events, frames
from chat.asyncapi import ANSWERS, UNASKED, tag
from chat.commands import Command
from chat.errors import ERRORS, ErrorCode
from chat.wire import Codec
from gateway.closing import CloseReason
from gateway.connection import LIMITS
from tests.golden.examples import COMMANDS, EVENTS, FRAMES
from tests.house.sources import ROOT
from translator.pipeline import Why

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
WORDS_FILES = [ROOT / "gateway" / "web" / name for name in ("words.js", "words-later.js")]
COMMAND_TAGS = [tag(kind) for kind in get_args(Command)]
EVENT_TAGS = [tag(kind) for kind in get_args(events.Event)]
FRAME_TAGS = [tag(kind) for kind in get_args(frames.Frame)]


def row(name: str, heading: str) -> str:
    """The row of docs/protocol.md that begins with `name`, in the table under `heading`."""
    section = PROTOCOL.split(f"\n## {heading}\n", 1)
    assert len(section) == 2, f"docs/protocol.md has no section '## {heading}'"
    table = section[1].split("\n## ", 1)[0]
    found = re.findall(rf"^\| `{re.escape(name)}` \|.*$", table, re.MULTILINE)
    assert len(found) == 1, f"{len(found)} rows of `{name}` under '## {heading}' in docs/protocol.md"
    return str(found[0])


@pytest.mark.parametrize("kind", get_args(Command), ids=tag)
def test_a_command_is_documented_with_its_fields_and_has_golden_bytes(kind: type):
    described = row(tag(kind), "Commands")
    for field in kind.__struct_fields__:
        assert field == "id" or f"`{field}`" in described, f"field {field} of {tag(kind)}"
    for answer in ANSWERS.get(kind, (frames.Ack,)):
        assert f"`{tag(answer)}`" in described
    assert type(COMMANDS[tag(kind)]) is kind


@pytest.mark.parametrize("kind", get_args(events.Event), ids=tag)
def test_an_event_is_documented_with_its_fields_and_has_golden_bytes(kind: type):
    described = row(tag(kind), "Events")
    for field in kind.__struct_fields__:
        assert f"`{field}`" in described, f"field {field} of {tag(kind)}"
    assert type(EVENTS[tag(kind)]) is kind
    assert f"entry_{tag(kind)}" in FRAMES


@pytest.mark.parametrize("kind", get_args(frames.Frame), ids=tag)
def test_a_frame_is_documented_with_its_fields_and_has_golden_bytes(kind: type):
    described = row(tag(kind), "Frames")
    for field in kind.__struct_fields__:
        assert f"`{field}`" in described, f"field {field} of {tag(kind)}"
    assert any(type(frame) is kind for frame in FRAMES.values())
    assert kind in UNASKED or any(kind in answers for answers in ANSWERS.values()) or kind is frames.Ack


def test_tags_are_distinct_and_nothing_is_left_of_what_is_gone():
    for tags, examples in ((COMMAND_TAGS, COMMANDS), (EVENT_TAGS, EVENTS)):
        assert sorted(set(tags)) == sorted(tags) == sorted(examples)
    assert len(set(FRAME_TAGS)) == len(FRAME_TAGS)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_an_error_is_in_the_table_and_documented(code: ErrorCode):
    kind = ERRORS[code]
    described = row(code, "Errors")
    assert f"| {kind.http_status} |" in described
    assert f"| {'yes' if kind.retryable else 'no'} |" in described
    assert len(kind.words) > 10


@pytest.mark.parametrize("reason", list(CloseReason), ids=lambda reason: reason.name)
def test_a_close_code_is_documented_with_its_fate(reason: CloseReason):
    described = row(str(reason.code), "Close codes")
    after = reason.value.retry_after_ms
    assert reason.words in described
    assert ("| yes |" if after else "| no |") in described
    assert (after is not None) == (reason.code < 4500), "the range tells old clients what to do with a new code"
    if after:
        assert f"{after[0]}-{after[1]}" in described


def test_close_codes_are_distinct_and_in_the_private_range():
    codes = [reason.code for reason in CloseReason]
    assert len(set(codes)) == len(codes)
    assert all(4000 <= code < 5000 for code in codes)


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_limit_that_clients_are_told_is_documented_with_its_value(name: str):
    assert f"| {LIMITS[name]:,} |" in row(name, "Limits")


@pytest.mark.parametrize("codec", list(Codec))
def test_a_subprotocol_is_documented(codec: Codec):
    assert f"`{codec}`" in PROTOCOL


def test_every_json_example_in_the_protocol_is_what_the_server_speaks():
    from chat.wire import decode_command, decode_frame

    said = re.findall(r"^(→|←) (\{.*\})$", PROTOCOL, re.MULTILINE)
    assert len(said) > 10
    for arrow, text in said:
        (decode_command if arrow == "→" else decode_frame)(text.encode(), Codec.JSON)


@pytest.mark.parametrize("reason", list(Why))
def test_a_reason_of_untranslated_is_documented_and_the_page_has_words_for_it(reason: Why):
    assert f"`{reason}`" in row("untranslated", "Events")
    assert _in_both_languages(f"reason_{reason}")


@pytest.mark.parametrize("code", list(ErrorCode))
def test_the_page_has_words_for_every_error_in_both_languages(code: ErrorCode):
    assert _in_both_languages(f"error_{code}")


def _in_both_languages(word: str) -> bool:
    """`word: ["中文", "English"],`"""
    text = "".join(file.read_text(encoding="utf-8") for file in WORDS_FILES)
    return re.search(rf'^\s+{word}: \[\s*"[^"]+",\s*["{{]', text, re.MULTILINE) is not None
