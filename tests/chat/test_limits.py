"""Every bound of a command, one below it, at it, and one above."""

import msgspec
import pytest

from chat import limits
from chat.commands import Command
from chat.errors import Malformed
from chat.wire import Codec, decode_command

BASE = {
    "post": {"room": "r", "text": "t", "once": "o"},
    "hello": {"token": "t", "languages": ["zh"]},
    "history": {"room": "r"},
    "react": {"room": "r", "of": 1, "emoji": "❤", "once": "o"},
    "create_room": {"room": "r", "title": "t", "once": "o"},
    "set_languages": {"languages": ["zh"]},
    "mark_read": {"room": "r", "seq": 1},
    "join": {"room": "r"},
    "put_term": {"room": "r", "source": "a", "once": "o"},
    "configure": {"room": "r", "once": "o"},
    "ping": {},
}
MENTION = {"user": "u", "text": "@u"}

BOUNDS = [
    # command, field, how to make a value of size n, least, greatest
    ("ping", "id", int, 0, limits.COMMAND_ID_MAX),
    ("post", "text", lambda n: "字" * n, 1, limits.TEXT_CHARS_MAX),
    ("post", "text", lambda n: "👍" * n, 1, limits.TEXT_CHARS_MAX),
    ("post", "mentions", lambda n: [MENTION] * n, 0, limits.MENTIONS_MAX),
    ("post", "once", lambda n: "o" * n, 1, 64),
    ("post", "reply_to", int, 0, 2**53 - 1),
    ("hello", "languages", lambda n: ["en"] * n, 1, limits.LANGUAGES_MAX),
    ("hello", "name", lambda n: "名" * n, 0, limits.NAME_CHARS_MAX),
    ("hello", "token", lambda n: "t" * n, 0, 4096),
    ("hello", "rooms", lambda n: [{"room": "r"}] * n, 0, limits.ROOMS_PER_SESSION_MAX),
    ("set_languages", "languages", lambda n: ["en"] * n, 1, limits.LANGUAGES_MAX),
    ("history", "limit", int, 1, limits.HISTORY_LIMIT_MAX),
    ("react", "emoji", lambda n: "❤" * n, 1, limits.EMOJI_CHARS_MAX),
    ("create_room", "title", lambda n: "村" * n, 1, 4 * limits.TITLE_GRAPHEMES_MAX),
    ("mark_read", "seq", int, 0, 2**53 - 1),
    ("put_term", "source", lambda n: "树" * n, 1, limits.TERM_CHARS_MAX),
    ("put_term", "note", lambda n: "n" * n, 0, limits.NOTE_CHARS_MAX),
    ("configure", "translation_budget_ms", int, limits.BUDGET_MS_MIN, limits.BUDGET_MS_MAX),
    ("join", "invite", lambda n: "i" * n, 0, 64),
]


def _decode(kind: str, field: str, value: object, codec: Codec) -> Command:
    message = {"type": kind, "id": 1} | BASE[kind] | {field: value}
    return decode_command(
        msgspec.json.encode(message) if codec is Codec.JSON else msgspec.msgpack.encode(message), codec
    )


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize(("kind", "field", "make", "least", "greatest"), BOUNDS)
def test_a_bound_lets_in_its_edge_and_nothing_beyond(kind, field, make, least, greatest, codec):
    for size in {least, greatest - 1, greatest}:
        _decode(kind, field, make(size), codec)
    beyond = [greatest + 1] if least == 0 and make is not int else [least - 1, greatest + 1]
    for size in beyond:
        with pytest.raises(Malformed):
            _decode(kind, field, make(size), codec)


def test_the_longest_post_fits_into_one_frame_in_every_codec_and_with_every_escape():
    """A browser may write any character as \\uXXXX: twelve bytes for one emoji."""
    escaped = len(r"\ud83d\udc4d") * limits.TEXT_CHARS_MAX
    mentions = limits.MENTIONS_MAX * len(msgspec.json.encode(MENTION | {"text": "名" * 40}))
    assert escaped + mentions + 1024 <= limits.FRAME_BYTES_MAX


def test_a_page_is_far_below_what_a_gateway_owes_one_client():
    from gateway.outbox import BYTES_MAX

    assert 2 * limits.PAGE_BYTES_MAX < BYTES_MAX


def test_a_burst_is_at_least_a_second_of_its_rate():
    assert limits.COMMANDS_BURST >= limits.COMMANDS_PER_S
    assert limits.POSTS_BURST >= limits.POSTS_PER_S
    assert limits.POSTS_PER_S < limits.COMMANDS_PER_S
