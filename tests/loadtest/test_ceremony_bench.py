"""Whether the bench of a vote would notice that messages are lost, tallies come in a rush or votes are miscounted."""

from typing import Any

import pytest

from loadtest.bench.ceremony import met, most_in_a_second

GOOD: dict[str, Any] = {
    "refused": 0,
    "readers_with_a_wrong_last_tally": 0,
    "alone": {"deliveries": 120, "expected": 120},
    "during": {"deliveries": 60, "expected": 60},
    "tallies_per_s_most": 4.0,
    "tallies_in_a_second_most": 5,
    "p99_ratio": 1.2,
}


def test_a_vote_that_costs_nobody_anything_is_met() -> None:
    assert met(GOOD)


@pytest.mark.parametrize(
    "fault",
    [
        {"refused": 1},
        {"readers_with_a_wrong_last_tally": 1},
        {"alone": {"deliveries": 119, "expected": 120}},
        {"during": {"deliveries": 59, "expected": 60}},
        {"during": {"deliveries": 61, "expected": 60}},
        {"during": {"deliveries": 0, "expected": 0}},
        {"tallies_per_s_most": 4.1},
        {"tallies_in_a_second_most": 6},
        {"p99_ratio": 1.21},
    ],
    ids=str,
)
def test_each_fault_is_seen(fault: dict[str, Any]) -> None:
    """What was lost was never late: half of the messages gone would have made a better p99."""
    assert not met(GOOD | fault)


def test_tallies_in_a_rush_are_counted_as_one() -> None:
    """Over the whole minute these are two a second, and nine of them come at once."""
    assert most_in_a_second([]) == 0
    assert most_in_a_second([0.0, 0.5, 1.0, 1.5]) == 2
    assert most_in_a_second([0.0, *(30 + 0.1 * number for number in range(9)), 60.0]) == 9
