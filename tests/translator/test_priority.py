"""The translator steps back, and takes nobody with it."""

import subprocess
import sys

import pytest

from translator.priority import AUTOGROUP

ASKED = 7
STEP_BACK = f"""
import os
from translator.priority import AUTOGROUP, yield_to_others
yield_to_others({ASKED})
print(os.getpriority(os.PRIO_PROCESS, 0), AUTOGROUP.read_text().split()[-1])
"""

pytestmark = pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")


def told(*, own_session: bool) -> list[int]:
    """Niceness of the process, and of its session."""
    done = subprocess.run(
        [sys.executable, "-c", STEP_BACK], capture_output=True, text=True, check=True, start_new_session=own_session
    )
    return [int(word) for word in done.stdout.split()]


def test_a_translator_with_a_session_of_its_own_makes_the_whole_session_nice() -> None:
    assert told(own_session=True) == [ASKED, ASKED]


def test_a_translator_in_a_shared_session_does_not_slow_those_it_shares_it_with() -> None:
    before = int(AUTOGROUP.read_text("ascii").split()[-1])
    assert told(own_session=False) == [ASKED, before]
