"""A plan is the same in every process, and what members saw can be added up without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.text import clean_text, has_words
from loadtest.bench.crowd import HOLE, POST_CHARS, TEXT
from loadtest.histogram import Histogram, bucket, upper_us
from loadtest.pictures import ceiling, chart
from loadtest.scenarios import SCENARIOS, Scenario, number_of, schedule
from loadtest.server import deltas, parse
from loadtest.signs import number_in, signs_of


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_same_seed_makes_the_same_schedule(scenario: Scenario) -> None:
    one, other = schedule(scenario, 7), schedule(scenario, 7)
    assert list(one.at_s) == list(other.at_s) == sorted(one.at_s)
    assert list(schedule(scenario, 8).at_s) != list(one.at_s)
    assert all(0 <= at_s < scenario.duration_s for at_s in one.at_s)
    assert [number_of(one.text(number)) for number in range(len(one))] == list(range(len(one)))


@given(st.integers(1, 30), st.floats(0.5, 300.0), st.booleans())
def test_every_room_has_the_same_number_of_writers(rooms: int, posts_per_s: float, bursts: bool) -> None:
    scenario = Scenario("s", "words", rooms=rooms, posts_per_s=posts_per_s, duration_s=3.0, bursts=bursts)
    assert scenario.writers % rooms == 0
    plan = schedule(scenario, 1)
    for number in range(len(plan)):
        assert plan.room(number) == plan.writer(number) % rooms
        assert plan.place(number) * rooms + plan.room(number) == number


@pytest.mark.parametrize("number", [0, 3, 12_345_678])
def test_nobody_is_owed_a_translation_of_signs(number: int) -> None:
    """Digits were once believed to be no words. Since numbers may be slang each such post brought a job, and when ten
    thousand of them waited, a second entry that said why there was no translation: a bench measured those."""
    plan = schedule(Scenario("s", "words", text="signs", text_chars=100), 1)
    text = plan.text(number)
    assert len(text) >= 100
    assert number_of(clean_text(text)) == number
    assert not has_words(text)
    assert number_of("I have 12345678 apples") is None
    assert number_of("really …?!") is None


@given(st.integers(0, 10**9), st.integers(0, 12))
def test_a_number_in_signs_comes_back_and_is_no_word(number: int, width: int) -> None:
    assert number_in(signs_of(number, width)) == number
    assert len(signs_of(number, width)) == max(width, len(str(number)))
    assert not has_words(signs_of(number, width))
    assert number_in("") is number_in("12") is number_in("!a") is None


def test_the_posts_of_the_fan_out_benches_owe_nobody_a_translation() -> None:
    """They were digits for longer than those of the other benches: each post brought a job that nobody took, and after
    ten thousand of them a second entry to every reader."""
    assert not has_words(TEXT.replace(HOLE.decode(), signs_of(12_345_678)))
    assert len(TEXT) == POST_CHARS


@given(st.integers(0, 10**9))
def test_a_bucket_is_at_most_a_sixty_fourth_too_wide(us: int) -> None:
    upper = upper_us(bucket(us))
    assert us < upper <= us + us / 64 + 1
    assert bucket(upper) == bucket(us) + 1


@given(st.lists(st.floats(0, 100), min_size=1), st.lists(st.floats(0, 100)))
def test_histograms_add_up(mine: list[float], theirs: list[float]) -> None:
    whole, one, other = Histogram(), Histogram(), Histogram()
    for seconds in mine:
        whole.add(seconds)
        one.add(seconds)
    for seconds in theirs:
        whole.add(seconds)
        other.add(seconds)
    one.merge(Histogram.from_json(other.to_json()))
    assert one.summary() == whole.summary()
    assert (whole.percentile_ms(100) or 0) >= max(mine + theirs) * 1000 - 0.001


def test_metrics_are_read_and_compared() -> None:
    text = """# HELP diqiucun_connections connections
diqiucun_connections{process="a-1"} 3.0
diqiucun_commands_total{process="a-1"} 7.0
diqiucun_commands_created{process="a-1"} 1.7e+09
diqiucun_closed_total{process="a-1",reason="slow_reader"} 2.0
diqiucun_append_seconds_bucket{le="0.1",process="a-1"} 5.0
diqiucun_append_seconds_count{process="a-1"} 6.0
process_cpu_seconds_total 1.0
"""
    counted = {"connections": 3.0, "commands_total": 7.0, "closed_total slow_reader": 2.0, "append_seconds_count": 6.0}
    assert parse(text) == ("a-1", counted)
    assert deltas({"commands_total": 5.0}, parse(text)[1]) == {"commands_total": 2.0, "closed_total slow_reader": 2.0}


@pytest.mark.parametrize(("value", "expected"), [(0.0, 1e-6), (1.0, 1.0), (3.0, 5.0), (1001.0, 2000.0)])
def test_axes_end_at_round_numbers(value: float, expected: float) -> None:
    assert ceiling(value) == pytest.approx(expected)


def test_a_chart_fetches_nothing_and_escapes_what_it_is_told() -> None:
    drawn = chart("<a & b>", "x", "y", {"one": [(0, 1), (2, 3)], "empty": [], "dot": [(1, 1)]})
    assert drawn.startswith("<svg")
    assert drawn.rstrip().endswith("</svg>")
    assert "<a &" not in drawn
    assert "empty" not in drawn
    assert "href" not in drawn
    assert "url(" not in drawn
