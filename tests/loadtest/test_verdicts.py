"""Benches judge the median round, and forgive no round a loss."""

from typing import Any
from xml.etree import ElementTree

import pytest

from loadtest.bench import members, stall, storm
from loadtest.bench.rounds import middle
from loadtest.pictures import bars, short

Told = dict[str, Any]


def crowd(p99_ms: float, bytes_each: int = 6_000, violations: tuple[str, ...] = ()) -> Told:
    return {
        "delivery": {"p50_ms": p99_ms / 3, "p99_ms": p99_ms},
        "resident_bytes_per_member": bytes_each,
        "violations": violations,
    }


def back(within_ms: float, *, all_resumed: bool = True, violations: tuple[str, ...] = ()) -> Told:
    return {
        "resume": {"max_ms": within_ms},
        "all_resumed": all_resumed,
        "violations": violations,
        "resumed": [(1.0, 100), (within_ms / 1000, 5_000)],
    }


def heard(
    p99_ms: float, stalled: int = 0, closed: float = 0.0, grew: int = 0, violations: tuple[str, ...] = ()
) -> Told:
    return {
        "delivery": {"p99_ms": p99_ms},
        "stalled": stalled,
        "closed_as_slow": closed,
        "gateway_grew_bytes": grew,
        "violations": violations,
        "server": [{"stage": "running", "at_s": 1.0, "processes": {"gateway": {"resident_bytes": 10**8}}}],
    }


def test_the_median_round_counts() -> None:
    rounds = [{"ack": {"p99_ms": p99_ms}} for p99_ms in (900, 20, 10)]
    assert middle(rounds, "ack", "p99_ms") == 20


@pytest.mark.parametrize(
    ("rounds", "met"),
    [
        ([crowd(900), crowd(250), crowd(260)], True),
        ([crowd(900), crowd(310), crowd(260)], False),
        ([crowd(250, 15_000), crowd(250, 14_100), crowd(250)], False),
        ([crowd(250), crowd(250), crowd(250, violations=("1 lost",))], False),
    ],
)
def test_a_crowd_in_one_room(rounds: list[Told], met: bool) -> None:
    assert members.judged(rounds)["met"] is met


@pytest.mark.parametrize(
    ("rounds", "met"),
    [
        ([back(12_800), back(14_900), back(15_300)], True),
        ([back(12_800), back(15_100), back(15_300)], False),
        ([back(12_800), back(12_800), back(12_800, all_resumed=False)], False),
        ([back(12_800), back(12_800), back(12_800, violations=("1 doubled",))], False),
    ],
)
def test_a_storm(rounds: list[Told], met: bool) -> None:
    assert storm.judged(rounds)["met"] is met
    assert "round 3" in storm.picture(rounds)


@pytest.mark.parametrize(
    ("with_stalled", "met"),
    [
        (heard(17.5, 4, 4), True),
        (heard(17.7, 4, 4), False),
        (heard(17.5, 4, 3), False),
        (heard(17.5, 0, 0), False),
        (heard(17.5, 4, 4, grew=9 * 2**20), False),
        (heard(17.5, 4, 4, violations=("1 lost",)), False),
    ],
)
def test_stalled_readers(with_stalled: Told, met: bool) -> None:
    if not with_stalled["stalled"]:
        with pytest.raises(ValueError, match="median"):
            stall.judged([heard(16), with_stalled])
        return
    assert stall.judged([heard(16), with_stalled])["met"] is met
    assert "without" in stall.picture([heard(16), with_stalled])


def test_bars_are_as_long_as_their_values_and_names_are_no_markup() -> None:
    svg = ElementTree.fromstring(bars("<b>", [("ours & all", 2.0, "#c8102e"), ("<theirs>", 1.0, "#888")]))
    words = [node.text for node in svg if node.tag.endswith("text")]
    assert words == ["<b>", "ours & all", "2", "<theirs>", "1"]
    first, second = (int(node.attrib["width"]) for node in svg if node.tag.endswith("rect") and "x" in node.attrib)
    assert first == 2 * second


@pytest.mark.parametrize(
    ("value", "words"), [(0.05, "0.05"), (3.4, "3.4"), (3_750, "3,750"), (12_500, "12.5k"), (2e6, "2M")]
)
def test_numbers_on_an_axis_are_for_people(value: float, words: str) -> None:
    assert short(value) == words
