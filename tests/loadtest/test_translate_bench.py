"""Whether the bench of translation would notice: each bar met and missed, and lines that no cache can answer."""

from copy import deepcopy
from typing import Any

import pytest

from loadtest.bench.translate import lines_of, lone_lines, told


def rates(ours: float) -> dict[str, Any]:
    return {
        "lines_per_s": {"ours": ours, "argos": 9.0, "argos_threads": 10.0, "libretranslate": 10.0},
        "ratio_to_argos": ours / 10.0,
        "ratio_to_libretranslate": ours / 10.0,
        "asked": 1_000,
        "refused": 50,
    }


def good() -> dict[str, dict[str, Any]]:
    lone: dict[str, Any] = {"ratio": 1.15, "ratio_to_bare": 1.2, "ours_ms": 3.0, "direct_ms": 2.8, "more_ms": 0.2}
    lone |= {"rounds": [{"ratio": 1.15, "messages": 300, "refused": 15}]}
    compared = {"identical": 40, "identical_same_beam": 48, "compared": 48}
    return {"starter": {"rates": rates(30.0) | compared, "lone": lone}, "base": {"rates": rates(80.0)}}


def test_all_bars_are_met() -> None:
    table, met = told(good())
    assert met
    assert "refused by the guard: 50 of 1000" in table


@pytest.mark.parametrize(
    ("package", "part", "fault"),
    [
        ("starter", "rates", {"ratio_to_argos": 2.9}),
        ("starter", "rates", {"ratio_to_libretranslate": 2.9}),
        ("base", "rates", {"ratio_to_argos": 7.9}),
        ("base", "rates", {"ratio_to_libretranslate": 5.9}),
        ("base", "rates", {"refused": 51}),
        ("starter", "rates", {"identical_same_beam": 47}),
        ("starter", "lone", {"ratio": 1.16}),
        ("starter", "lone", {"rounds": [{"ratio": 1.1, "messages": 300, "refused": 16}]}),
    ],
)
def test_each_bar_can_be_missed(package: str, part: str, fault: dict[str, Any]) -> None:
    """What the guard refuses costs less than what is told: a pipeline that refused everything would have won."""
    results = deepcopy(good())
    results[package][part] |= fault
    assert not told(results)[1]


def test_without_libretranslate_the_table_says_so() -> None:
    results = good()
    for found in results.values():
        found["rates"]["ratio_to_libretranslate"] = None
        del found["rates"]["lines_per_s"]["libretranslate"]
    table, met = told(results)
    assert met
    assert table.count("not run") == 2


@pytest.mark.parametrize("first", [0, 17, 68])
def test_no_line_comes_twice(first: int) -> None:
    assert len(set(lines_of(3_840, first))) == 3_840
    assert len(set(lone_lines(300, first))) == 300
    with pytest.raises(ValueError, match="3,841 lines"):
        lines_of(3_841, first)
