"""Which tests a machine without Chromium runs: all but those marked `browser`, and it says so in one line.

A pytest plugin (`-p tests.support.chromium`). `DIQIUCUN_REQUIRE_BROWSER=1`, as in continuous integration, turns the
missing browser into a failure: left out in silence there, the page would be untested for ever.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def chromium() -> str | None:
    """The browser that tests drive: `CHROMIUM`, or the first one found."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).is_file() else shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class _LeftOut:
    count = 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    browser = [item for item in items if item.get_closest_marker("browser")]
    if not browser or chromium() is not None:
        return
    if os.environ.get("DIQIUCUN_REQUIRE_BROWSER") == "1":
        raise pytest.UsageError(
            "no Chromium was found, and DIQIUCUN_REQUIRE_BROWSER=1 asks for it; set CHROMIUM to its path"
        )
    left_out = set(browser)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=browser)
    _LeftOut.count = len(browser)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _LeftOut.count:
        terminalreporter.write_line(
            f"{_LeftOut.count} browser tests were left out: no Chromium on this machine "
            "(apt-get install chromium, or set CHROMIUM to its path).",
            yellow=True,
        )
