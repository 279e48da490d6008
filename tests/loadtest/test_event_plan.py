"""What is planned for the simulated evening: the same for the same seed, for everybody at their times."""

from dataclasses import replace

import pytest

from loadtest.event.plan import ACTORS, HELD_WORD, LANGUAGES, LINES, Plan, languages_of

PLAN = Plan(people=1_000, poll_votes=600, name_votes=200, held=20)


def whole(plan: Plan) -> tuple[object, ...]:
    return (plan.talk(), plan.poll(), plan.naming(), plan.back(), plan.after())


def test_the_same_seed_plans_the_same_evening() -> None:
    assert whole(PLAN) == whole(replace(PLAN))
    for one, other in zip(whole(PLAN), whole(replace(PLAN, seed=2)), strict=True):
        assert one != other


def test_another_part_changes_nothing_for_the_rest() -> None:
    assert replace(PLAN, poll_votes=1, after_s=1.0).talk() == PLAN.talk()


def test_lines_come_in_time_order_each_under_a_key_of_its_own_by_people_who_are_there() -> None:
    lines = PLAN.talk()
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)
    assert len({line.once for line in (*lines, *PLAN.after())}) == len(lines) + len(PLAN.after())
    assert all(0 <= line.guest < PLAN.people for line in lines)
    assert sum(line.held for line in lines) == PLAN.held
    assert all(line.held == (HELD_WORD in line.text) for line in lines)
    assert all(line.text in LINES[languages_of(line.guest)[0]] for line in lines if not line.held)


def test_as_much_is_said_as_was_asked_for_after_a_slow_beginning() -> None:
    """A third of the time begins at a tenth of the rate and ends at all of it: 0.55 of that third on the average."""
    per_s = [0] * int(PLAN.talk_s)
    for line in PLAN.talk():
        if line.at_s < PLAN.talk_s and not line.held:
            per_s[int(line.at_s)] += 1
    third = int(PLAN.talk_s / 3)
    assert sum(per_s[third:]) / (2 * third) == pytest.approx(PLAN.posts_per_s, rel=0.1)
    assert sum(per_s[:third]) / third == pytest.approx(0.55 * PLAN.posts_per_s, rel=0.2)


def test_some_talk_much_and_the_first_guests_have_other_things_to_do() -> None:
    lines = [line for line in PLAN.talk() if not line.held]
    assert min(line.guest for line in lines) >= ACTORS
    assert sum(line.guest < PLAN.people / 4 for line in lines) / len(lines) == pytest.approx(0.5, abs=0.05)


def test_everybody_votes_once_and_in_time() -> None:
    for votes, count in ((PLAN.poll(), PLAN.poll_votes), (PLAN.naming(), PLAN.name_votes)):
        assert len({vote.guest for vote in votes}) == len(votes) == count
        assert all(vote.guest >= ACTORS and 0 <= vote.at_s <= PLAN.talk_s for vote in votes)


def test_half_leave_come_back_in_time_and_are_not_who_talks_meanwhile() -> None:
    back = PLAN.back()
    assert set(back) == {guest for guest in range(PLAN.people) if PLAN.leaves(guest)}
    assert len(back) == PLAN.people / 2
    assert all(0 < at_s <= PLAN.back_within_s for at_s in back.values())
    assert not {line.guest for line in PLAN.after()} & set(back)


def test_a_rehearsal_shrinks_people_and_times_but_not_how_fast_they_talk() -> None:
    small = Plan().scaled(500, 4.0)
    assert (small.people, small.poll_votes, small.name_votes, small.held) == (500, 300, 100, 10)
    assert (small.walk_in_s, small.talk_s, small.after_s, small.posts_per_s) == (15.0, 22.5, 7.5, 50.0)
    assert [small.walks_in_at(guest) for guest in (0, 250)] == [0.0, 7.5]


def test_people_read_what_they_read_in_the_shares_of_an_evening() -> None:
    read = [languages_of(guest) for guest in range(5_000)]
    assert set(read) == set(LANGUAGES)
    assert read.count(("en",)) / len(read) == pytest.approx(0.6, abs=0.03)
