"""A group of equal readers: straight to the kernel where nothing waits, in order where something does."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chat.wire import Codec
from gateway.closing import CloseReason
from gateway.fanout import CROWD, GATHER_CROWD_S, GATHER_S_MAX, Group, Timers
from gateway.outbox import UNMEASURED_BYTES_MAX, Outbox


@dataclass(eq=False)
class Client:
    """A kernel that takes only so much at a time, and a transport behind it."""

    takes: list[int] = field(default_factory=list)
    """Of each next call of `send`, how many bytes are taken at most; -1: none, with an OSError. Then: everything."""
    got: bytes = b""
    waits: bytes = b""
    closed: int | None = None
    straight_calls: int = 0

    def __post_init__(self) -> None:
        self.outbox = Outbox(self, self.on_close)
        self.outbox.go_straight(self.send)

    def send(self, data: bytes) -> int:
        assert not self.waits, "a straight send overtook what waits"
        assert self.closed is None
        self.straight_calls += 1
        most = self.takes.pop(0) if self.takes else len(data)
        if most < 0:
            raise BlockingIOError
        self.got += data[:most]
        return min(most, len(data))

    def write(self, data: bytes) -> None:
        self.waits += data
        self.outbox.go_straight(None)

    def buffered(self) -> int:
        return len(self.waits)

    def drain(self) -> None:
        self.got, self.waits = self.got + self.waits, b""
        self.outbox.go_straight(self.send)

    def on_close(self, reason: CloseReason) -> None:
        self.outbox.close(reason, b"")

    def close(self, code: int, words: str) -> None:
        self.closed = code


class Loop:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.due: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.timers = Timers(self.due.append, lambda s, then: self.later.append((s, then)), lambda: self.now_s)

    def end_tick(self) -> None:
        due, self.due[:] = tuple(self.due), []
        for then in due:
            then()


def grouped(*clients: Client) -> tuple[Loop, Group]:
    loop = Loop()
    group = Group(Codec.MSGPACK, ("en",), loop.timers)
    for client in clients:
        group.add(client.outbox)
    return loop, group


def test_who_keeps_up_is_sent_to_straight_with_one_send_a_tick() -> None:
    one, two = Client(), Client()
    loop, group = grouped(one, two)
    group.offer(b"a")
    group.offer(b"b")
    assert one.got == b""
    loop.end_tick()
    assert (one.got, two.got) == (b"ab", b"ab")
    assert (one.straight_calls, group.deliveries) == (1, 4)


def test_what_the_kernel_leaves_waits_in_order_and_the_others_notice_nothing() -> None:
    slow, full, quick = Client([2]), Client([-1]), Client()
    loop, group = grouped(slow, full, quick)
    for frame in (b"one", b"two"):
        group.offer(frame)
        loop.end_tick()
    assert quick.got == b"onetwo"
    assert (slow.got, slow.waits) == (b"on", b"etwo")
    assert (full.got, full.waits) == (b"", b"onetwo")
    slow.drain()
    group.offer(b"three")
    loop.end_tick()
    assert slow.got == b"onetwothree"
    assert slow.straight_calls == 2


def test_a_paused_or_closed_client_is_not_sent_to_straight() -> None:
    paused, closed = Client(), Client()
    loop, group = grouped(paused, closed)
    paused.outbox.pause()
    closed.outbox.close(CloseReason.RESTARTING, b"")
    group.offer(b"x")
    loop.end_tick()
    assert (paused.straight_calls, paused.waits) == (0, b"x")
    assert (closed.straight_calls, closed.waits) == (0, b"")


def test_a_huge_write_is_measured_for_everybody() -> None:
    client = Client()
    loop, group = grouped(client)
    group.offer(b"x" * (UNMEASURED_BYTES_MAX + 1))
    loop.end_tick()
    assert client.straight_calls == 0
    assert client.outbox.peak_bytes == UNMEASURED_BYTES_MAX + 1


def test_who_has_left_is_owed_nothing_and_may_come_back() -> None:
    client = Client()
    loop, group = grouped(client)
    group.offer(b"a")
    group.remove(client.outbox)  # what was offered before is still owed
    group.remove(client.outbox)
    group.offer(b"b")
    loop.end_tick()
    assert client.got == b"a"
    assert client.outbox.sharers == ()
    group.add(client.outbox)
    group.offer(b"c")
    loop.end_tick()
    assert client.got == b"ac"


def test_bursts_that_follow_faster_than_they_are_written_gather() -> None:
    """Two halves of a burst chased each other: each was written to a thousand readers while the other was stored."""
    client = Client()
    loop, group = grouped(client)
    client.outbox.go_straight(slow_send(loop, client.send, 0.004))
    for frame in (b"a", b"b", b"", b""):
        group.offer(frame)
    loop.end_tick()
    group.offer(b"c")
    loop.end_tick()
    assert client.got == b"ab"
    assert [round(after_s, 6) for after_s, _ in loop.later] == [0.004]
    assert loop.later[0][0] <= GATHER_S_MAX
    group.offer(b"d")
    loop.later.pop()[1]()
    assert client.got == b"abcd"


def test_a_quiet_room_waits_for_nothing() -> None:
    client = Client()
    loop, group = grouped(client)
    client.outbox.go_straight(slow_send(loop, client.send, 0.004))
    for frame in (b"a", b"b", b"", b""):
        group.offer(frame)
    loop.end_tick()
    loop.now_s += 0.009
    for frame in (b"c", b"d"):
        group.offer(frame)
        loop.end_tick()
    assert client.got == b"abcd"
    assert loop.later == []


def test_a_crowd_on_its_way_in_makes_a_busy_room_gather_longer() -> None:
    client = Client()
    loop, group = grouped(client)
    client.outbox.go_straight(slow_send(loop, client.send, 0.015))
    crowd = [Client() for _ in range(int(1.2 * CROWD))]
    for newcomer in crowd:
        group.add(newcomer.outbox)
    group.offer(b"a")  # quiet so far
    loop.end_tick()
    assert {each.got for each in (client, *crowd)} == {b"a"}
    loop.now_s += 0.005
    group.offer(b"b")
    loop.end_tick()
    loop.now_s += 0.02
    group.offer(b"c")
    [(after_s, flush)] = loop.later
    assert (after_s, client.got) == (GATHER_CROWD_S, b"a")
    flush()
    assert {each.got for each in (client, *crowd)} == {b"abc"}
    assert client.straight_calls == 2
    loop.now_s += 5.0  # all are in
    group.offer(b"d")
    loop.end_tick()
    assert client.got == b"abcd"


def test_who_comes_while_frames_wait_is_owed_what_follows_and_hurries_nobody() -> None:
    here, comes, goes = Client(), Client(), Client()
    loop, group = grouped(here)
    group.offer(b"a")
    group.add(comes.outbox)
    group.add(goes.outbox)
    group.offer(b"b")
    assert (here.got, comes.got) == (b"", b"")
    group.remove(goes.outbox)
    assert (here.got, goes.got, goes.outbox.sharers) == (b"", b"b", ())
    loop.end_tick()
    assert (here.got, comes.got, goes.got, group.deliveries) == (b"ab", b"b", b"b", 4)
    group.offer(b"c")
    loop.end_tick()
    assert (here.got, comes.got, goes.got) == (b"abc", b"bc", b"b")


def slow_send(loop: Loop, send: Callable[[bytes], int], takes_s: float) -> Callable[[bytes], int]:
    def slow(data: bytes) -> int:
        loop.now_s += takes_s
        return send(data)

    return slow


steps = st.one_of(
    st.tuples(st.just("offer"), st.binary(min_size=1, max_size=9)),
    st.tuples(st.sampled_from(["tick", "drain", "pause", "resume", "leave", "come"]), st.just(b"")),
)


@given(st.lists(st.integers(-1, 12), max_size=20), st.lists(steps, max_size=40))
def test_each_client_gets_what_was_offered_while_it_was_here_once_and_in_order(
    takes: list[int], done: list[tuple[str, bytes]]
) -> None:
    choosy, plain = Client(list(takes)), Client()
    loop, group = grouped(choosy, plain)
    offered, owed = b"", b""
    for what, frame in done:
        match what:
            case "offer":
                offered += frame
                owed += frame if choosy.outbox in group.members else b""
                group.offer(frame)
            case "tick":
                loop.end_tick()
            case "pause":
                choosy.outbox.pause()
            case "resume":
                choosy.outbox.resume()
            case "drain" if choosy.waits:
                choosy.drain()
            case "leave":
                group.remove(choosy.outbox)
            case "come" if choosy.outbox not in group.members:
                group.add(choosy.outbox)
    group.flush()
    assert plain.got == offered
    assert choosy.got + choosy.waits == owed
