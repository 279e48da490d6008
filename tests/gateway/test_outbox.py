"""Bytes owed to one client: bounded, in order, and what happens at the bound has a name."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.closing import CloseReason
from gateway.outbox import UNMEASURED_BYTES_MAX, Outbox


class Pipe:
    """A transport of which only so much has left."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.held = 0
        self.closed_with: int | None = None

    def write(self, data: bytes) -> None:
        assert self.closed_with is None
        self.written.append(data)
        self.held += len(data)

    def buffered(self) -> int:
        return self.held

    def close(self, code: int, words: str) -> None:
        self.closed_with = code


def make(bytes_max: int) -> tuple[Pipe, Outbox, list[CloseReason]]:
    pipe, reasons = Pipe(), list[CloseReason]()

    def on_close(reason: CloseReason) -> None:
        reasons.append(reason)
        outbox.close(reason, b"last words")

    outbox = Outbox(pipe, on_close, bytes_max)
    return pipe, outbox, reasons


def test_a_client_that_keeps_up_is_written_to_without_being_measured() -> None:
    pipe, outbox, _ = make(10)
    outbox.offer(b"x" * 100)
    assert pipe.written == [b"x" * 100]


def test_at_the_bound_the_client_is_closed_by_name_and_owed_nothing_more() -> None:
    pipe, outbox, reasons = make(100)
    outbox.pause()
    outbox.offer(b"x" * 100)
    assert reasons == []
    outbox.offer(b"y")
    assert reasons == [CloseReason.SLOW_READER]
    assert pipe.closed_with == CloseReason.SLOW_READER.code
    outbox.resume()
    outbox.offer(b"z")
    assert pipe.written == [b"x" * 100, b"last words"]


def test_one_huge_write_to_a_quick_client_is_measured_too() -> None:
    _, outbox, reasons = make(UNMEASURED_BYTES_MAX)
    outbox.offer(b"x" * (UNMEASURED_BYTES_MAX + 1))
    assert reasons == [CloseReason.SLOW_READER]


def test_whoever_waits_for_room_is_woken_by_room_and_by_the_end() -> None:
    _, outbox, _ = make(100)
    woken = []
    outbox.pause()
    outbox.waiting = lambda: woken.append("room")
    outbox.resume()
    outbox.waiting = lambda: woken.append("end")
    outbox.lose()
    assert woken == ["room", "end"]


@given(st.lists(st.one_of(st.integers(1, 60), st.sampled_from(["pause", "leave"])), max_size=80))
def test_what_waits_never_exceeds_the_bound_and_keeps_its_order(steps: list[int | str]) -> None:
    bound, number, offered = 200, 0, list[bytes]()
    pipe, outbox, _ = make(bound)
    outbox.pause()
    for step in steps:
        if step == "pause":
            outbox.pause()
        elif step == "leave":
            pipe.held = 0
        elif isinstance(step, int):
            number += 1
            frame = number.to_bytes(2, "big") * step
            outbox.offer(frame)
            offered.append(frame)
        assert pipe.held <= bound + len(b"last words")
    written = [data for data in pipe.written if data != b"last words"]
    assert written == offered[: len(written)]


def test_what_the_kernel_does_not_take_goes_to_the_transport_before_anything_else() -> None:
    pipe, outbox, _ = make(1_000)
    taken: list[bytes] = []

    def send(data: bytes) -> int:
        if len(taken) == 2:
            raise BlockingIOError
        taken.append(data[: 3 if taken else len(data)])
        return len(taken[-1])

    outbox.go_straight(send)
    for data in (b"first", b"second", b"third"):
        outbox.offer(data)
    assert (taken, pipe.written) == ([b"first", b"sec"], [b"ond", b"third"])
    outbox.go_straight(None)
    outbox.offer(b"fourth")
    assert pipe.written[2:] == [b"fourth"]
