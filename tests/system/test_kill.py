"""The kill test, short: engine, gateway and translator die by SIGKILL while people talk, and nobody notices.

The long form is `make kill-test DURATION=60 SEED=1`; what is checked is written in `loadtest/trial.py`.
"""

from pathlib import Path

import pytest

from loadtest.killtest import ROLES, kill_test
from loadtest.trial import table

pytestmark = [pytest.mark.system, pytest.mark.slow]


async def test_nothing_acknowledged_is_lost_doubled_or_out_of_order_whatever_is_killed(tmp_path: Path) -> None:
    report = await kill_test(tmp_path / "data", duration_s=12, seed=3, kill_every_s=(2.0, 3.5), quiet=True)
    assert not report["violations"], table(report)
    assert report["acknowledged"] == report["posted"] > 20
    assert all(report["kills"][role] for role in ROLES), report["kill_script"]
    assert report["lost"] == report["doubled"] == report["reordered"] == report["view_mismatches"] == 0
