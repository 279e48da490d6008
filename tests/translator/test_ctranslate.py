"""How many batches run at a time, on machines and in containers."""

import os
from pathlib import Path

import pytest

from translator.ctranslate import CTranslateEngine, processors


@pytest.fixture(autouse=True)
def of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def test_one_processor_is_left_to_event_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CTranslateEngine().threads == 7
    assert CTranslateEngine(threads=3).threads == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert CTranslateEngine().threads == 1


@pytest.mark.parametrize(
    ("cpu_max", "processors_used"),
    [("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("max 100000", 8), ("1600000 100000", 8)],
)
def test_a_container_uses_its_share_in_whole_processors(tmp_path: Path, cpu_max: str, processors_used: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{cpu_max}\n")
    assert processors(tmp_path) == processors_used


@pytest.mark.parametrize(("quota_us", "processors_used"), [(300_000, 3), (-1, 8)])
def test_so_does_one_of_the_older_kind(tmp_path: Path, quota_us: int, processors_used: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota_us}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert processors(tmp_path) == processors_used


def test_where_nothing_is_said_about_shares_all_processors_count(tmp_path: Path) -> None:
    assert processors(tmp_path) == 8
