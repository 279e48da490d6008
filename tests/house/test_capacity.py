"""The bounds and settings that docs/capacity.md tells people are those of the code."""

import re

from chat.limits import CONNECTS_BURST, CONNECTS_PER_S, RESUMES_UNDER_WAY_MAX, RESUMES_WAITING_MAX
from gateway.app import BACKLOG, OPEN_FILES
from gateway.gate import RETRY_MS, RETRY_SPREAD_MS
from gateway.gateway import CONNECTIONS_MAX
from gateway.metrics import ROWS
from gateway.outbox import BYTES_MAX
from gateway.protocol import SEND_BUFFER_BYTES
from tests.house.sources import ROOT

TEXT = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")


def test_the_bounds_are_those_of_the_code() -> None:
    for words in (
        f"| connections | {CONNECTIONS_MAX:,} |",
        f"| open files | {OPEN_FILES:,}, or the hard limit",
        f"| handshakes a second | {CONNECTS_PER_S:,.0f}, and {CONNECTS_BURST:,} at once |",
        f"| resumes that ask the engine at once | {RESUMES_UNDER_WAY_MAX}, and {RESUMES_WAITING_MAX:,} wait |",
        f"told to come back in {RETRY_MS // 1000} to {(RETRY_MS + RETRY_SPREAD_MS) // 1000} seconds",
        f"a backlog of {BACKLOG:,}",
        f"at most {BYTES_MAX // 2**20} MiB in\nthe process and {2 * SEND_BUFFER_BYTES // 1024} kB in the kernel",
    ):
        assert words in TEXT, words


def test_the_settings_and_figures_that_it_names_exist() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"DIQIUCUN_\w+", TEXT))
    assert len(named) > 5
    assert [name for name in named if f"`{name}`" not in settings] == []
    exposed = {row.exposed for row in ROWS}
    assert set(re.findall(r"\bdiqiucun_\w+", TEXT)) <= exposed
