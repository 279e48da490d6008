"""What every test shares: how hypothesis searches, and when garbage is looked for. Fixtures live beside the tests that
use them.

A property that fails prints the blob that reproduces it. Deadlines are off (the machine may be busy: a slow example
is not a wrong one), and examples are drawn from the same seed on every machine, so that red means red for everybody;
`--hypothesis-profile=search` looks elsewhere each time, with 25 times the examples.
"""

import gc
import os
from collections.abc import Generator
from typing import Any

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


LONGEST_FIRST = (
    "tests/system/test_translator_kills.py",
    "tests/loadtest/test_against_the_product.py",
    "tests/system/test_archive.py",
    "tests/stories/test_room.py",
    "tests/loadtest/test_agreement.py",
    "tests/system/test_kill.py",
    "tests/system/test_up.py",
    "tests/system/test_out_of_the_box.py",
    "tests/chat/adapters/test_cluster.py",
    "tests/system/test_socket.py",
    "tests/system/test_drain.py",
    "tests/stories/test_ceremony.py",
    "tests/chat/test_wire.py",
    "tests/translator/test_worker.py",
)
"""Modules that take more than five seconds."""
ONE_AFTER_THE_OTHER = {
    "tests/loadtest/test_against_the_product.py",
    "tests/loadtest/test_agreement.py",
    "tests/system/test_translator_kills.py",
}
"""Long modules whose tests share a running product, or would each take what the other needs to be overloaded."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that two workers end together."""
    rank = {name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What one worker takes as a whole: a module, whose tables are then loaded once; all tests on the cluster; of a
    long module one test, unless it says otherwise. Tests with processes have directories, ports and names of their
    own, and may run side by side. The groups of pytest-xdist 3.8 would say this with marks, but with pytest 9.2 they
    hold nothing together."""
    from xdist.scheduler import LoadScopeScheduling

    class Pieces(LoadScopeScheduling):  # type: ignore[misc]  # xdist is for tests only
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            if "[cluster" in nodeid or module == "tests/chat/adapters/test_cluster.py":
                return "cluster"
            return nodeid if module in LONGEST_FIRST and module not in ONE_AFTER_THE_OTHER else module

    config.option.loadscopereorder = False
    return Pieces(config, log)


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have settings of their own: they do not count here."""
    for name in list(os.environ):
        if name.startswith("DIQIUCUN_"):
            monkeypatch.delenv(name)
