"""A token bucket: a burst at once, then its rate, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from chat.quota import Quota


def test_a_full_bucket_gives_its_burst_at_once_and_then_says_how_long_to_wait():
    quota = Quota.full(2.0, 3, now_s=100.0)
    assert [quota.take(100.0) for _ in range(4)] == [0, 0, 0, 500]


def test_waiting_as_long_as_told_is_enough():
    quota = Quota.full(2.0, 1, now_s=0.0)
    assert quota.take(0.0) == 0
    wait_ms = quota.take(0.1)
    assert wait_ms == 400
    assert quota.take(0.1 + (wait_ms - 1) / 1000) > 0
    assert quota.take(0.1 + wait_ms / 1000) == 0


def test_a_refusal_spends_nothing():
    quota = Quota.full(1.0, 1, now_s=0.0)
    quota.take(0.0)
    for _ in range(100):
        quota.take(0.5)
    assert quota.take(1.0) == 0


def test_an_idle_bucket_never_holds_more_than_its_burst():
    quota = Quota.full(10.0, 5, now_s=0.0)
    quota.take(0.0)
    assert [quota.take(1e9) for _ in range(6)] == [0, 0, 0, 0, 0, 100]


def test_a_clock_that_goes_back_neither_gives_nor_takes():
    quota = Quota.full(1.0, 1, now_s=100.0)
    assert quota.take(100.0) == 0
    assert quota.take(50.0) == 1000
    assert quota.take(100.5) == 500
    assert quota.take(101.0) == 0


@given(st.lists(st.floats(0, 60), max_size=100), st.integers(1, 20), st.floats(0.1, 50))
def test_never_more_than_the_burst_and_the_rate_allow(pauses_s: list[float], burst: int, rate_per_s: float):
    quota, now_s, given_out = Quota.full(rate_per_s, burst, 0.0), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        given_out += quota.take(now_s) == 0
        assert given_out <= burst + now_s * rate_per_s + 1e-6
        assert -1e-9 <= quota.tokens <= burst
