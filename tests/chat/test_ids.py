"""Which identities the house accepts. What passes here may stand unquoted in keys, header lines and URLs."""

import msgspec
import pytest

from chat.ids import Epoch, OnceKey, Position, RoomId, Seq, UserId
from chat.language import Language


def accepts(kind: object, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("room", ["a", "7", "spring-concert", "a-", "a" * 64])
def test_a_room_id_is_lower_case_letters_digits_and_hyphens(room: str):
    assert accepts(RoomId, room)


@pytest.mark.parametrize("room", ["", "-a", "A", "a_b", "a b", "a/b", "a:b", "地球村", "a" * 65, "a" * 65 + "\n"])
def test_a_room_id_is_nothing_else(room: str):
    assert not accepts(RoomId, room)


@pytest.mark.parametrize("user", ["a", "A.b_c:d-e", "guest:7f3a", "a" * 128])
def test_a_user_id_may_come_from_another_system(user: str):
    assert accepts(UserId, user)


@pytest.mark.parametrize("user", ["", ".a", ":a", "a b", "a/b", "a\0", "榕榕", "a" * 129])
def test_a_user_id_needs_no_quoting(user: str):
    assert not accepts(UserId, user)


@pytest.mark.parametrize(
    ("once", "fine"), [("-", True), ("x" * 64, True), ("x" * 65, False), ("", False), ("a/b", False)]
)
def test_a_once_key_is_1_to_64_safe_characters(once: str, fine: bool):
    assert accepts(OnceKey, once) is fine


@pytest.mark.parametrize("kind", [RoomId, UserId, OnceKey, Epoch, Language], ids=str)
def test_a_trailing_newline_is_refused_although_dollar_matches_before_it(kind: object):
    """`$` also matches before a last newline; an id with one would break the header line of a published entry."""
    good = {Epoch: "0f", Language: "en"}.get(kind, "a")
    assert accepts(kind, good)
    assert not accepts(kind, good + "\n")


@pytest.mark.parametrize(
    ("seq", "fine"), [(-1, False), (0, True), (2**53 - 1, True), (2**53, False), (1.5, False), ("1", False)]
)
def test_a_seq_stays_countable_in_javascript(seq: object, fine: bool):
    assert accepts(Seq, seq) is fine


def test_a_position_is_a_pair_on_the_wire():
    assert msgspec.json.encode(Position("0f", 7)) == b'["0f",7]'
    assert msgspec.json.decode(b'["0f",7]', type=Position) == Position("0f", 7)


def test_positions_cannot_be_compared_because_epochs_cannot():
    with pytest.raises(TypeError):
        Position("a", 1) < Position("b", 2)  # type: ignore[operator]  # that mypy refuses it is the point  # noqa: B015
