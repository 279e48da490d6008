"""The yardstick itself: a perfect run has no faults, and each kind of fault is found under its own name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.events import Joined, Posted, Recalled, Translated, Untranslated
from loadtest.measure import (
    Acknowledged,
    Latencies,
    Seen,
    expected_view,
    median,
    post_faults,
    translation_faults,
    view_faults,
)


def posted(seq: int, author: str, text: str) -> Seen:
    return Seen(seq, Posted(author=author, name=author, text=text))


def translated(seq: int, of: int, language: str) -> Seen:
    return Seen(seq, Translated(of=of, revision=0, language=language, source="zh", text="x", engine="e", package="p"))


def untranslated(seq: int, of: int, language: str) -> Seen:
    return Seen(seq, Untranslated(of=of, revision=0, language=language, source="zh", reason="too_late"))


LOG = [
    Seen(1, Joined(user="a", name="a", role="member")),
    posted(2, "a", "一 #a-1"),
    translated(3, 2, "en"),
    posted(4, "b", "two #b-1"),
    posted(5, "a", "三 #a-2"),
    untranslated(6, 4, "zh"),
    translated(7, 5, "en"),
]
SENT = {"一 #a-1": 1, "two #b-1": 1, "三 #a-2": 2}
SOURCES = {"一 #a-1": "zh", "two #b-1": "en", "三 #a-2": "zh"}
ACKS = [
    Acknowledged("a", 1, "一 #a-1", 2),
    Acknowledged("b", 1, "two #b-1", 4),
    Acknowledged("a", 2, "三 #a-2", 5),
]


def test_a_perfect_run_has_no_faults() -> None:
    assert not any(
        getattr(post_faults(LOG, ACKS, SENT), kind) for kind in ("lost", "doubled", "misplaced", "reordered", "strange")
    )
    assert translation_faults(LOG, SOURCES, ("zh", "en")) == type(translation_faults([], {}, ()))((), ())
    for languages in (("zh",), ("en",), ("zh", "en"), ("fr",)):
        for after in range(8):
            assert not view_faults(LOG, expected_view(LOG, languages, after), languages, after)


def test_a_reader_sees_everybodys_entries_and_its_own_translations() -> None:
    assert [entry.seq for entry in expected_view(LOG, ("zh",), 1)] == [2, 4, 5, 6]
    assert [entry.seq for entry in expected_view(LOG, ("en",), 2)] == [3, 4, 5, 7]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_of_a_view_is_a_fault(data: st.DataObject) -> None:
    view = expected_view(LOG, ("en",), 0)
    at = data.draw(st.integers(0, len(view) - 1))
    match data.draw(st.sampled_from(["drop", "double", "swap", "foreign", "alter"])):
        case "drop":
            seq = view.pop(at).seq
            assert view_faults(LOG, view, ("en",), 0).lost == (seq,)
        case "double":
            view.insert(at, view[at])
            assert view_faults(LOG, view, ("en",), 0).doubled == (view[at].seq,)
        case "swap":
            other = data.draw(st.integers(0, len(view) - 1).filter(lambda index: index != at))
            view[at], view[other] = view[other], view[at]
            assert view_faults(LOG, view, ("en",), 0).reordered
        case "foreign":
            view.append(untranslated(8, 4, "en"))
            assert view_faults(LOG, view, ("en",), 0).foreign == (8,)
        case _:
            view[at] = posted(view[at].seq, "mallory", "never said")
            assert view_faults(LOG, view, ("en",), 0).altered == (view[at].seq,)


def test_entries_before_the_first_position_are_foreign() -> None:
    assert view_faults(LOG, expected_view(LOG, ("en",), 0), ("en",), 2).foreign == (1, 2)


def test_a_post_acknowledged_and_not_in_the_log_is_lost() -> None:
    assert post_faults([entry for entry in LOG if entry.seq != 4], ACKS, SENT).lost == ("two #b-1",)


def test_a_post_twice_in_the_log_is_doubled_even_when_never_acknowledged() -> None:
    assert post_faults([*LOG, posted(8, "b", "two #b-1")], [], SENT).doubled == ("two #b-1",)


def test_an_ack_with_another_position_is_misplaced() -> None:
    assert post_faults(LOG, [Acknowledged("a", 1, "一 #a-1", 3)], SENT).misplaced == ("一 #a-1",)


def test_an_author_whose_posts_changed_places_is_found() -> None:
    log = [posted(1, "a", "三 #a-2"), posted(2, "b", "two #b-1"), posted(3, "a", "一 #a-1")]
    assert post_faults(log, [], SENT).reordered == ("一 #a-1",)


def test_a_text_nobody_sent_is_strange() -> None:
    assert post_faults([posted(1, "x", "?!")], [], SENT).strange == ("?!",)


def test_a_message_owes_every_other_language_exactly_one_answer() -> None:
    without = [entry for entry in LOG if entry.seq != 3]
    assert translation_faults(without, SOURCES, ("zh", "en")).missing == ("2>en",)
    twice = [*LOG, untranslated(8, 2, "en")]
    assert translation_faults(twice, SOURCES, ("zh", "en")).doubled == ("2>en",)
    assert translation_faults(LOG, SOURCES, ("zh", "en", "fr")).missing == ("2>fr", "4>fr", "5>fr")


def test_what_is_no_message_owes_nothing() -> None:
    log = [Seen(1, Recalled(of=9, by="a", author="a"))]
    assert translation_faults(log, {}, ("zh",)).missing == ()


def test_percentiles_are_measured_values() -> None:
    latencies = Latencies([value / 1000 for value in range(1, 101)])
    assert (latencies.percentile_ms(50), latencies.percentile_ms(99), latencies.percentile_ms(100)) == (50, 99, 100)
    assert Latencies([0.25]).summary() == {
        "count": 1,
        "p50_ms": 250.0,
        "p90_ms": 250.0,
        "p99_ms": 250.0,
        "max_ms": 250.0,
    }
    assert Latencies().summary()["p50_ms"] is None


def test_the_median_is_one_of_the_values() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.0
    with pytest.raises(ValueError, match="no median"):
        median([])
