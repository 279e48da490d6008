"""What members counted is what the server counted: posts acknowledged, connections, entries delivered."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.__main__ import main
from loadtest.driver import Course, Target, load_test
from loadtest.product import Product, running
from loadtest.report import page
from loadtest.scenarios import Scenario
from loadtest.server import Address, Processes, deltas, metrics

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """Counters are compared by how far they grew, so both tests may count on the same product."""
    async with running(tmp_path_factory.mktemp("product"), workers=2, translators=0) as started:
        yield started


def address(product: Product) -> Address:
    return Address("127.0.0.1", product.port, tls=False)


async def test_the_driver_and_the_server_count_the_same(product: Product) -> None:
    """Two gateways, two processes of members, two rooms; the counts of four processes meet."""
    target = Target(address(product), product.data_dir / "token-keys.json", None, Processes.of(product.data_dir))
    scenario = Scenario("small", "a few", readers=12, posts_per_s=15.0, duration_s=2.0, rooms=2, text="signs")
    report = await load_test(target, scenario, Course(processes=2, joins_per_s=100.0))
    assert report["violations"] == []
    assert report["acknowledged"] == report["sent"] > 10
    assert report["delivered"] == report["delivery"]["count"] == report["acknowledged"] * 6
    assert set(report["agreement"]) == {"posts acknowledged", "connections opened", "entries delivered"}
    for words, pair in report["agreement"].items():
        assert pair["members"] == pair["server"], words
    assert "<script" not in page(report)
    assert "http" not in page(report).replace("http://www.w3.org/2000/svg", "")


async def test_thirty_locust_members_and_the_server_count_the_same(product: Product) -> None:
    code = (product.data_dir / "welcome-invite").read_text("ascii").strip()
    before = await metrics(address(product), 2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py"), "--headless"),
        *("--host", f"http://127.0.0.1:{product.port}", "-u", "30", "-r", "30", "-t", "5s", "--stop-timeout", "2"),
        *("--json", "--only-summary"),
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LOAD_INVITE": f"http://127.0.0.1:{product.port}/#/i/{code}",
            "LOAD_POSTS_PER_MIN": "60",
            "LOAD_WEIGHTS": "1,4,0,0",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, words = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, words.decode()
    grew = deltas(before, await metrics(address(product), 2))
    rows = {row["name"]: row for row in json.loads(told)}
    counted = {name: row["num_requests"] for name, row in rows.items()}
    assert {name: row["num_failures"] for name, row in rows.items() if row["num_failures"]} == {}
    assert counted["connect"] == grew["connections_opened_total"] == 30
    assert counted["post"] == grew["posts_acknowledged_total"] > 10
    assert 0 < counted["deliver"] <= grew["deliveries_total"]  # the server counts entries of joining too


def test_a_report_is_written_and_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["steady", "--keys", str(tmp_path / "none")]) == 2
    assert "token-keys.json" in capsys.readouterr().err
    (tmp_path / "token-keys.json").write_text(json.dumps({"keys": []}))
    assert main(["steady", "--keys", str(tmp_path / "token-keys.json"), "--readers", "0"]) == 2
    assert "--readers 0" in capsys.readouterr().err
    assert main(["steady", "--keys", str(tmp_path / "token-keys.json"), "--url", "http://127.0.0.1:9"]) == 2
    assert "make run" in capsys.readouterr().err
