"""What every test shares: how hypothesis searches, and when garbage is looked for. Fixtures live beside the tests that
use them.

A property that fails prints the blob that reproduces it. Deadlines are off (the machine may be busy: a slow example
is not a wrong one), and examples are drawn from the same seed on every machine, so that red means red for everybody;
`--hypothesis-profile=search` looks elsewhere each time, with 25 times the examples.
"""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    max_examples=40,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("house"), derandomize=False, max_examples=1_000)
settings.load_profile("house")


GARBAGE_THRESHOLDS = (10_000, 20, 20)
"""Objects made before cycles are looked for; a story in virtual time makes Python's own 700 in a few milliseconds."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Seven thousand collected tests stay to the end. While they are made there is no garbage to look for, and once
    they are made nobody looks through them again: that took a third of the time of all tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with processes or a browser share one of the two workers (`-n 2 --dist loadgroup`): side by side they would
    fight for the machine and be slow together. Everything else runs beside them."""
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("system"):
            item.add_marker(pytest.mark.xdist_group("processes"))
