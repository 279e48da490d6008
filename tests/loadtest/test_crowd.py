"""The members of several processes: each is one process's own, and what comes is read the same however it is cut."""

import pytest

from chat.events import Joined, Posted
from chat.frames import EntryFrame
from chat.wire import Codec, encode_frame
from gateway.fanout import websocket_frame
from loadtest.crowd.hearing import OTHER, POSTED, Hearing
from loadtest.crowd.spec import Spec, every
from loadtest.scenarios import Scenario, schedule

SCENARIO = Scenario("s", "few", readers=7, rooms=1, posts_per_s=20.0, duration_s=3.0, text="signs")


def spec(part: int, parts: int, *, writers_apart: bool) -> Spec:
    return Spec(
        host="127.0.0.1",
        port=1,
        tls=False,
        run="r",
        rooms=("room",),
        scenario=SCENARIO,
        seed=1,
        part=part,
        parts=parts,
        keys=None,
        tokens=(),
        joins_per_s=1.0,
        newcomers=True,
        back_within_s=None,
        writers_apart=writers_apart,
    )


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("writers_apart", [False, True])
def test_everybody_is_a_member_of_one_process(parts: int, *, writers_apart: bool) -> None:
    told = [spec(part, parts, writers_apart=writers_apart) for part in range(parts)]
    for count, places in ((7, [one.reading for one in told]), (3, [one.writing for one in told])):
        assert sorted(number for place in places for number in every(place, count)) == list(range(count))
    if writers_apart:
        assert (every(told[0].reading, 7), every(told[0].writing, 3)) == (range(0), range(3))


def frame_of(seq: int, event: Posted | Joined) -> bytes:
    payload = encode_frame(EntryFrame(room="room", epoch="e", seq=seq, at_ms=1, event=event), Codec.MSGPACK)
    return websocket_frame(payload, Codec.MSGPACK)


def test_a_chunk_of_whole_entries_is_cut_and_anything_else_is_left_to_the_socket() -> None:
    hearing = Hearing(schedule(SCENARIO, 1), 1, SCENARIO.duration_s)
    posted = frame_of(5, Posted(author="w", name="W", text=hearing.plan.text(2)))
    joined = frame_of(6, Joined(user="u", name="U", role="member"))
    assert hearing.cut(posted + joined, 0) == ((5, POSTED, 2), (6, OTHER, -1))
    assert hearing.cut(posted, 0) == ((5, POSTED, 2),)
    for broken in (posted[:-1], posted + joined[:3], b"\x89\x00" + posted):
        assert hearing.cut(broken, 0) is None
