"""What is told of an entry, under which id, and how it is signed."""

import base64
import hashlib
import hmac
import json

import msgspec
import pytest

from chat.conduct import Conduct
from chat.events import NOBODY, CeremonyClosed, Entry, Event, GivenTo, Joined, Posted, Reacted, RoomCreated
from chat.hooks import KINDS, TOLD, body_of, delivery_id, key_of, new_secret, signed_headers, told
from chat.live_events import ConductChanged, HeldBack, Reported, own_audience
from chat.wire import encode_event


def entry(event: Event, audience: str = "") -> Entry:
    return Entry("plaza", "aa", 7, 1_667_507_170_344, audience, encode_event(event))


POSTED = Posted(author="ann", name="Ann", text="你好")
REPORTED = Reported(of=1, by="b", author="a", revision=0, seen="x", language="en")
GIVEN = CeremonyClosed(
    of=1, nominee="b", nominee_name="B", by="b", outcome="accepted", given=(GivenTo(script="han", text="白睿康"),)
)


@pytest.mark.parametrize(
    ("event", "audience", "before", "kind", "after"),
    [
        (RoomCreated(by="ann", name="Ann", title="t"), "", "open", "room.opened", "open"),
        (POSTED, "", "lobby", "message.posted", "lobby"),
        (POSTED, own_audience("ann"), "open", None, "open"),  # of a shadowed member: others must not see it
        (Joined(user="b", name="B", role="guest"), "", "open", "member.joined", "open"),
        (Reacted(of=1, by="b", emoji="👍", on=True), "", "open", None, "open"),
        (HeldBack(author="b", name="B", text="…", why="words"), "!", "open", "message.held", "open"),
        (REPORTED, NOBODY, "open", "report.made", "open"),
        (GIVEN, "", "open", "name.given", "open"),
        (msgspec.structs.replace(GIVEN, outcome="declined", given=()), "", "open", None, "open"),
        (ConductChanged(by="a", conduct=Conduct(slow_s=5)), "", "open", None, "open"),
        (ConductChanged(by="", conduct=Conduct(phase="lobby")), "", "open", None, "lobby"),
        (ConductChanged(by="", conduct=Conduct()), "", "lobby", "room.opened", "open"),
        (ConductChanged(by="", conduct=Conduct(phase="archive")), "", "open", "room.closed", "archive"),
        (ConductChanged(by="a", conduct=Conduct(phase="archive", slow_s=1)), "", "archive", None, "archive"),
    ],
)
def test_what_is_told_follows_from_the_entry_and_the_phase(
    event: Event, audience: str, before: str, kind: str | None, after: str
) -> None:
    found = told(entry(event, audience), before)
    assert (found.kind, found.phase) == (kind, after)


def test_every_kind_has_a_row_and_unreadable_entries_are_not_told() -> None:
    assert {row.kind for row in TOLD} == set(KINDS)
    assert told(Entry("plaza", "aa", 7, 0, "", b"\xc1"), "open").kind is None


def test_an_entry_of_a_newer_house_is_told_by_its_tag() -> None:
    newer = msgspec.msgpack.encode({"type": "reported", "of": 3, "colour": "blue"})
    found = told(Entry("plaza", "aa", 7, 0, "!", newer), "open")
    assert (found.kind, found.event["colour"]) == ("report.made", "blue")


def test_a_repeat_has_the_same_id_and_the_same_bytes_and_nothing_else_has_that_id() -> None:
    first, again = entry(POSTED), entry(POSTED)
    assert delivery_id("a", first) == delivery_id("a", again)
    others = [delivery_id("b", first)]
    for change in ({"room": "p"}, {"epoch": "ab"}, {"seq": 8}):
        others.append(delivery_id("a", msgspec.structs.replace(first, **change)))
    assert len({delivery_id("a", first), *others}) == 5
    body = body_of("message.posted", first, told(first, "open").event)
    assert body == body_of("message.posted", again, told(again, "open").event)
    assert json.loads(body) == {
        "type": "message.posted",
        "timestamp": "2022-11-03T20:26:10.344Z",
        "data": {
            "room": "plaza",
            "epoch": "aa",
            "seq": 7,
            "at_ms": 1_667_507_170_344,
            "event": json.loads(msgspec.json.encode(POSTED)),
        },
    }


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """As spec/standard-webhooks.md says it: HMAC-SHA256 of id.timestamp.payload, base64, behind "v1,"."""
    key = bytes(range(32))
    headers = signed_headers(new_secret(key), "msg_2a", 1_674_087_231_999, b'{"a":1}')
    expected = hmac.new(key, b'msg_2a.1674087231.{"a":1}', hashlib.sha256).digest()
    assert headers["webhook-id"] == "msg_2a"
    assert headers["webhook-timestamp"] == "1674087231"
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize("secret", ["", "whsec_", "c2VjcmV0", new_secret(bytes(23)), "whsec_?"])
def test_a_secret_of_another_shape_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret|base64"):
        key_of(secret)
