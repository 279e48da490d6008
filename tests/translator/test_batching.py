"""The batcher as a pure state machine: loses nothing, is never late, keeps its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from translator.batching import Batcher

STEP = st.one_of(
    st.tuples(st.just("offer"), st.integers(0, 2), st.floats(0, 0.05)),
    st.tuples(st.just("wait"), st.floats(0, 0.01), st.just(0.0)),
    st.tuples(st.just("take"), st.just(0), st.just(0.0)),
)


@given(st.lists(STEP, max_size=80), st.integers(1, 5), st.integers(1, 8))
def test_every_accepted_item_leaves_exactly_once(
    steps: list[tuple[str, float, float]], items_max: int, waiting_max: int
) -> None:
    batcher: Batcher[int] = Batcher(0.004, items_max, waiting_max)
    now, number = 100.0, 0
    accepted: dict[int, float] = {}
    left: list[int] = []

    def take() -> None:
        due = batcher.due_at()
        taken = batcher.take(now)
        assert len(taken.batch) <= items_max
        assert all(accepted[item] > now for item in taken.batch), "work past its deadline"
        assert all(accepted[item] <= now for item in taken.expired), "expired before its deadline"
        assert bool(taken.batch or taken.expired) == (due is not None and due <= now)
        left.extend((*taken.batch, *taken.expired))

    for kind, value, budget in steps:
        match kind:
            case "offer":
                number += 1
                full = len(batcher) >= waiting_max
                assert batcher.offer(number, now, deadline=now + budget, priority=int(value)) is not full
                if not full:
                    accepted[number] = now + budget
            case "wait":
                now += value
            case _:
                take()
        assert len(batcher) <= waiting_max
        due = batcher.due_at()
        assert due is None or due <= now + 0.004, "a batch that waits longer than its window"
    while len(batcher):
        now += 0.004
        take()
    assert sorted(left) == sorted(accepted)


def test_a_full_batch_is_due_at_once_and_a_lone_sentence_after_its_window() -> None:
    batcher: Batcher[str] = Batcher(0.004, 2)
    batcher.offer("a", 1.0, deadline=9.0)
    assert batcher.due_at() == 1.004
    assert batcher.take(1.003).batch == ()
    batcher.offer("b", 1.001, deadline=9.0)
    due = batcher.due_at()
    assert due is not None
    assert due <= 1.001
    assert batcher.take(1.001).batch == ("a", "b")
    assert batcher.due_at() is None


def test_who_is_waited_for_goes_first_then_the_nearer_deadline() -> None:
    batcher: Batcher[str] = Batcher(0.0, 3)
    batcher.offer("later", 1.0, deadline=9.0, priority=1)
    batcher.offer("sooner", 1.0, deadline=5.0, priority=1)
    batcher.offer("asked", 1.0, deadline=9.0, priority=0)
    batcher.offer("last", 1.0, deadline=9.0, priority=1)
    assert batcher.take(1.0).batch == ("asked", "sooner", "later")


def test_at_its_bound_it_says_no() -> None:
    batcher: Batcher[int] = Batcher(waiting_max=2)
    assert [batcher.offer(number, 1.0, deadline=9.0) for number in range(3)] == [True, True, False]
    assert batcher.statistics()["sentences_refused"] == 1
