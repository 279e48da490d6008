"""Joining a room that goes on speaking: no interleaving of log pages and live entries loses or doubles anything."""

from hypothesis import given
from hypothesis import strategies as st

from chat.events import Entry
from gateway.catchup import Catchup


def entry(seq: int) -> Entry:
    return Entry("r", "e", seq, 0, "", b"")


def test_live_entries_wait_behind_the_pages() -> None:
    catchup = Catchup(2)
    catchup.begin()
    catchup.live(entry(5))
    assert [e.seq for e in catchup.page([entry(3), entry(4)])] == [3, 4]
    assert [e.seq for e in catchup.release()] == [5]


def test_what_is_in_the_page_and_live_is_handed_out_once() -> None:
    catchup = Catchup(0)
    catchup.begin()
    catchup.live(entry(1))
    catchup.live(entry(2))
    assert [e.seq for e in catchup.page([entry(1)])] == [1]
    assert [e.seq for e in catchup.release()] == [2]


def test_over_the_bound_the_log_is_read_again() -> None:
    catchup = Catchup(0, kept_max=2)
    catchup.begin()
    for seq in (1, 2, 3):
        catchup.live(entry(seq))
    assert catchup.must_read_again


def test_the_mark_survives_a_read_that_began_before_it() -> None:
    """Once, `page` itself cleared the mark: what was forgotten while the read was on its way was lost."""
    catchup = Catchup(0, kept_max=1)
    catchup.begin()
    catchup.live(entry(1))
    catchup.live(entry(2))
    catchup.page([entry(1)])
    assert catchup.must_read_again


@given(
    st.integers(0, 20),
    st.integers(1, 5),
    st.integers(1, 6),
    st.lists(st.integers(0, 4), min_size=30, max_size=60),
)
def test_any_interleaving_is_strictly_increasing_and_whole(
    start: int, page: int, kept_max: int, bursts: list[int]
) -> None:
    """A model log grows by `bursts` between the steps of a reader; the read is taken one step before it is seen."""
    log = list(range(1, start + 1))
    catchup, seen = Catchup(0, kept_max), list[int]()
    steps = iter(bursts)

    def speak(most: int | None = None) -> None:
        for _ in range(next(steps, 0) if most is None else most):
            log.append(len(log) + 1)
            catchup.live(entry(log[-1]))

    while True:
        catchup.begin()
        speak()
        read = [entry(seq) for seq in log if seq > catchup.last][:page]
        speak()
        seen += [e.seq for e in catchup.page(read)]
        if len(read) < page and not catchup.must_read_again:
            break
    seen += [e.seq for e in catchup.release()]
    assert seen == log
