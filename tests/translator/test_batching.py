"""The batcher as a pure state machine: loses nothing, is never late, keeps its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from translator.batching import CATCH_UP, POSTED, URGENT, Batcher

STEP = st.one_of(
    st.tuples(st.just("offer"), st.integers(0, 2), st.floats(0, 0.05), st.floats(0, 0.05)),
    st.tuples(st.just("wait"), st.floats(0, 0.01), st.just(0.0), st.just(0.0)),
    st.tuples(st.just("take"), st.just(0), st.just(0.0), st.just(0.0)),
)
HOLD_S = 0.01
WORK_S = 0.003


@given(st.lists(STEP, max_size=80), st.integers(1, 5), st.integers(1, 8))
def test_every_accepted_item_leaves_exactly_once(
    steps: list[tuple[str, float, float, float]], items_max: int, waiting_max: int
) -> None:
    batcher: Batcher[int] = Batcher(0.004, items_max, waiting_max, late_hold_s=HOLD_S)
    now, number = 100.0, 0
    accepted: dict[int, tuple[float, int]] = {}
    left: list[int] = []

    def take() -> None:
        due = batcher.due_at()
        taken = batcher.take(now, work_s=WORK_S)
        assert len(taken.batch) <= items_max
        assert all(accepted[item][0] > now for item in taken.batch), "work past its deadline"
        assert all(accepted[item][0] <= now for item in taken.expired), "expired before its deadline"
        assert all(accepted[item][1] > URGENT or waiting_max < 80 for item in taken.shed), "urgent and shed"
        assert bool(taken.batch or taken.expired or taken.shed) == (due is not None and due <= now)
        left.extend((*taken.batch, *taken.expired, *taken.shed))

    for kind, value, budget, late in steps:
        match kind:
            case "offer":
                number += 1
                full = len(batcher) >= waiting_max
                took = batcher.offer(
                    number, now, deadline=now + budget, priority=int(value), late_at=now + late, weight=number % 7
                )
                assert took or full
                if took:
                    accepted[number] = (now + budget, int(value))
            case "wait":
                now += value
            case _:
                take()
        assert len(batcher) <= waiting_max
        due = batcher.due_at()
        assert due is None or due <= now + 0.004, "a batch that waits longer than its window"
    while batcher.due_at() is not None:
        now += 0.004
        take()
    assert sorted(left) == sorted(accepted)
    statistics = batcher.statistics()
    assert statistics["sentences_waiting"] == 0
    assert statistics["sentences_batched"] + statistics["sentences_expired"] + statistics["sentences_shed"] == len(left)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.3)), max_size=60), st.integers(1, 4))
def test_the_sentences_of_a_room_keep_their_order(offers: list[tuple[int, float]], items_max: int) -> None:
    """One budget a room, one priority: whatever the load, what was said first goes first, among those that can still
    be in time and among those that cannot."""
    batcher: Batcher[tuple[int, int]] = Batcher(0.004, items_max, late_hold_s=60.0)
    now = 0.0
    done: list[tuple[int, int]] = []
    timely: set[int] = set()
    for number, (room, pause) in enumerate(offers):
        batcher.offer((room, number), now, deadline=now + 60, priority=POSTED, late_at=now + 0.2)
        now += pause / 10
        if number % 3 == 2:
            late = batcher.statistics()["sentences_waiting_late"]
            batch = batcher.take(now, work_s=0.05).batch
            if late == batcher.statistics()["sentences_waiting_late"] == 0:
                timely |= {number for _, number in batch}
            done += batch
    while len(batcher):
        now += 0.1
        done += batcher.take(now, work_s=0.05).batch
    assert len(done) == len(offers)
    for room in range(4):
        numbers = [number for of, number in done if of == room]
        for kind in (timely, set(numbers) - timely if not timely else set()):
            ordered = [number for number in numbers if number in kind]
            assert ordered == sorted(ordered)


def test_what_can_still_be_in_time_goes_before_what_cannot() -> None:
    batcher: Batcher[str] = Batcher(0.0, 2)
    batcher.offer("hopeless", 0.0, deadline=60.0, priority=POSTED, late_at=0.8)
    batcher.offer("hopeless too", 0.0, deadline=60.0, priority=POSTED, late_at=0.8)
    batcher.offer("mention", 0.0, deadline=60.0, priority=URGENT, late_at=0.8)
    batcher.offer("fresh", 0.9, deadline=60.0, priority=POSTED, late_at=1.7)
    assert batcher.take(1.0, work_s=0.2).batch == ("mention", "fresh")
    assert batcher.take(1.2, work_s=0.2).batch == ("hopeless", "hopeless too")


def test_what_stays_late_is_shed_oldest_first_and_only_when_there_is_no_lull() -> None:
    batcher: Batcher[str] = Batcher(0.0, 1, late_hold_s=1.0)
    for name in ("old", "older"):
        batcher.offer(name, 0.0, deadline=60.0, priority=POSTED, late_at=0.1)
    batcher.offer("fresh", 0.5, deadline=60.0, priority=POSTED, late_at=2.0)
    assert batcher.take(0.6).batch == ("fresh",)
    batcher.offer("fresh", 1.5, deadline=60.0, priority=POSTED, late_at=3.0)
    taken = batcher.take(1.7)
    assert (taken.batch, taken.shed) == (("fresh",), ("old", "older"))


def test_catching_up_waits_until_nothing_else_does() -> None:
    batcher: Batcher[str] = Batcher(0.0, 1)
    batcher.offer("skipped once", 0.0, deadline=60.0, priority=CATCH_UP)
    batcher.offer("posted", 0.1, deadline=60.0, priority=POSTED, late_at=0.9)
    assert batcher.take(0.2).batch == ("posted",)
    assert batcher.take(0.2).batch == ("skipped once",)


def test_a_full_waiting_room_gives_up_the_oldest_late_one_then_whoever_is_not_urgent() -> None:
    batcher: Batcher[str] = Batcher(0.0, 1, waiting_max=3, late_hold_s=9.0)
    batcher.offer("first", 0.0, deadline=60.0, priority=POSTED, late_at=0.1)
    batcher.offer("second", 0.0, deadline=60.0, priority=POSTED, late_at=0.1)
    batcher.offer("third", 0.5, deadline=60.0, priority=POSTED, late_at=5.0)
    assert batcher.take(1.0).batch == ("third",)  # and the others are known to be late now
    assert batcher.offer("fourth", 1.0, deadline=60.0, priority=POSTED, late_at=5.0)
    assert batcher.offer("fifth", 1.0, deadline=60.0, priority=POSTED, late_at=6.0)
    assert batcher.take(1.0).shed == ("first",)
    assert batcher.offer("asked", 1.0, deadline=60.0, priority=URGENT)
    assert batcher.offer("mentioned", 1.0, deadline=60.0, priority=URGENT)
    taken = batcher.take(1.0)
    assert taken.batch == ("asked",)
    assert taken.shed == ("second",)


def test_a_batch_is_bounded_by_its_weight_too_and_one_heavy_sentence_still_goes() -> None:
    batcher: Batcher[str] = Batcher(0.0, 9, weight_max=10)
    for name, weight in (("heavy", 50), ("a", 4), ("b", 4), ("c", 4)):
        batcher.offer(name, 0.0, deadline=60.0, weight=weight)
    assert [batcher.take(0.0).batch for _ in range(3)] == [("heavy",), ("a", "b"), ("c",)]


def test_an_idle_engine_waits_for_nobody() -> None:
    batcher: Batcher[str] = Batcher(0.004, 32)
    batcher.offer("alone", 1.0, deadline=9.0)
    assert batcher.due_at(idle=True) == 1.0
    assert batcher.take(1.0, idle=True).batch == ("alone",)


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
