"""A load test's plan: the same for the same seed, spread over all writers and roles."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.plan import AMBUSH_S_MAX, Writer, plan_kills, plan_posts
from loadtest.sentences import SENTENCES

WRITERS = (Writer("a", "zh"), Writer("b", "en"))
ROLES = ("engine", "gateway", "translator")


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan_posts(7, WRITERS, 60, 1.5) == plan_posts(7, WRITERS, 60, 1.5)
    assert plan_kills(7, ROLES, 60, (3, 6)) == plan_kills(7, ROLES, 60, (3, 6))
    assert plan_posts(7, WRITERS, 60, 1.5) != plan_posts(8, WRITERS, 60, 1.5)


def test_another_writer_changes_nothing_for_those_already_there() -> None:
    alone = plan_posts(7, WRITERS[:1], 60, 1.5)
    assert [post for post in plan_posts(7, WRITERS, 60, 1.5) if post.writer == "a"] == list(alone)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(1, 60))
def test_posts_are_in_time_order_numbered_per_writer_and_unique(seed: int, duration_s: float) -> None:
    posts = plan_posts(seed, WRITERS, duration_s, 2.0)
    assert all(earlier.at_s <= later.at_s < duration_s for earlier, later in pairwise(posts))
    assert len({post.text for post in posts}) == len(posts)
    for place, writer in enumerate(WRITERS, 1):
        own = [post for post in posts if post.writer == writer.name]
        assert [post.number for post in own] == list(range(1, len(own) + 1))
        assert all(post.text.endswith(f" #{place}{post.number:05d}") for post in own)


def test_the_rate_is_what_was_asked() -> None:
    assert 5_500 < len(plan_posts(1, WRITERS, 3_000, 1.0)) < 6_500


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_kills_keep_their_pauses_and_meet_every_role(seed: int) -> None:
    kills = plan_kills(seed, ROLES, 120, (3, 6))
    assert all(3 <= later.at_s - earlier.at_s <= 6 for earlier, later in pairwise(kills))
    assert {kill.role for kill in kills[:3]} == set(ROLES)
    assert all(0 <= kill.pick < 1 for kill in kills)
    assert all(kill.ambush_s is None or 0 <= kill.ambush_s <= AMBUSH_S_MAX for kill in kills)


def test_sentences_are_different_and_of_their_script() -> None:
    for language, sentences in SENTENCES.items():
        assert len(set(sentences)) == len(sentences)
        for sentence in sentences:
            assert any("一" <= letter <= "鿿" for letter in sentence) == (language == "zh")
