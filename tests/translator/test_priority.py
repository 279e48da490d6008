"""The translator steps back, and takes nobody with it."""

import resource
import subprocess
import sys
import time

import pytest

from translator.priority import AUTOGROUP, Breath

ASKED = 7
STEP_BACK = f"""
import os
from translator.priority import AUTOGROUP, yield_to_others
yield_to_others({ASKED})
print(os.getpriority(os.PRIO_PROCESS, 0), AUTOGROUP.read_text(), end="")
"""

autogroups = pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")


def told(*, own_session: bool) -> tuple[int, int | None]:
    """Niceness of the process, and of its session."""
    done = subprocess.run(
        [sys.executable, "-c", STEP_BACK], capture_output=True, text=True, check=True, start_new_session=own_session
    )
    process, *session = done.stdout.split(maxsplit=1)
    return int(process), niceness_of("".join(session))


def niceness_of(autogroup: str) -> int | None:
    """None where the session has no group of its own, as whatever runs outside of any session of a user."""
    return int(autogroup.split()[-1]) if autogroup.strip() else None


@autogroups
def test_a_translator_with_a_session_of_its_own_makes_the_whole_session_nice() -> None:
    assert told(own_session=True) == (ASKED, ASKED)


@autogroups
def test_a_translator_in_a_shared_session_does_not_slow_those_it_shares_it_with() -> None:
    before = niceness_of(AUTOGROUP.read_text("ascii"))
    assert told(own_session=False) == (ASKED, before)


def slept_after(work_s: float, breath: Breath) -> int:
    """How often this thread let go of the processor of its own will while `breath` was drawn once."""
    until_s = time.thread_time() + work_s
    while time.thread_time() < until_s:
        pass
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    breath()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before


def test_who_has_had_the_processor_for_long_lets_go_of_it_and_then_works_on() -> None:
    breath = Breath(every_s=0.005)
    assert slept_after(0.006, breath) > 0
    assert slept_after(0.0, breath) == 0
    assert slept_after(0.006, breath) > 0
