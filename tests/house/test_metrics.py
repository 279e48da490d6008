"""The table of metrics, docs/metrics.md, the dashboard and `/metrics` of a running gateway say the same."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chat.adapters.connect import connect_engine
from chat.adapters.embedded import start_or_attach
from chat.ports import TRANSLATORS, Roster
from gateway.app import create_app
from gateway.metrics import ROWS, TABLE, metrics_document
from gateway.settings import load_settings
from tests.house.sources import ROOT
from tests.translator.test_worker import Worker, World, story
from translator.metrics import GAUGES, WORDS, table

DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs" / "grafana" / "diqiucun.json").read_text("utf-8"))
NAME = re.compile(r"\b(diqiucun_[a-z0-9_.+]+|process_[a-z_]+)(?=[\[{),\s\"]|$)")
ENDINGS = ("_bucket", "_sum", "_count")


@pytest.fixture
async def printed(tmp_path: Path, unset: None) -> AsyncIterator[str]:
    """/metrics of a gateway on the bundled engine, with one translator that has counted everything."""
    embedded = start_or_attach(tmp_path)
    try:
        app = create_app(load_settings(data_dir=tmp_path, metrics_rooms=5), lambda death: None)
        async with app.opened():
            counted = {(name if name in GAUGES else f"{name}_total",): 1 for name in WORDS}
            async with connect_engine(None, tmp_path) as engine:
                await engine.presence.report(TRANSLATORS, "w1", Roster(total=1, readers=counted), 60_000)
            transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # scopes are typed more loosely there
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                answer = await client.get("/metrics")
        yield answer.text
    finally:
        embedded.stop()


def families(text: str) -> dict[str, str]:
    """Exposed name -> kind; counters with their ending."""
    found = text_string_to_metric_families(text)
    return {family.name + ("_total" if family.type == "counter" else ""): family.type for family in found}


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of everything that the dashboard asks."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]


@pytest.mark.engine
async def test_a_running_gateway_prints_what_the_table_says_and_nothing_else(printed: str) -> None:
    theirs = {name: kind for name, (kind, _) in table().items()}
    ours = {row.exposed: row.kind for row in ROWS if "cluster" not in row.only}
    found = {name: kind for name, kind in families(printed).items() if name.startswith("diqiucun_")}
    assert found == ours | theirs


@pytest.mark.engine
async def test_every_metric_that_the_dashboard_asks_for_is_printed(printed: str) -> None:
    known = families(printed)
    for where, expression in expressions():
        names = NAME.findall(expression)
        assert names, f"{where}: no metric in {expression}"
        for name in names:
            kind = next(
                (known[stem] for end in ENDINGS if (stem := name.removesuffix(end)) != name and stem in known), ""
            )
            fits = kind == "histogram" or any(re.fullmatch(name, each) for each in known)
            assert fits, f"{where}: {name} is not in /metrics"


@pytest.mark.engine
async def test_every_label_that_the_dashboard_asks_for_is_printed(printed: str) -> None:
    labels = {"instance", "job", "__name__"} | {row.label for row in ROWS if row.label}
    for family in text_string_to_metric_families(printed):
        for sample in family.samples:
            labels |= set(sample.labels)
    for where, expression in expressions():
        asked = [name for inside in re.findall(r"\bby \(([^)]*)\)", expression) for name in re.split(r",\s*", inside)]
        asked += re.findall(r"[{,]\s*(\w+)\s*=", expression)
        assert set(asked) <= labels, f"{where}: {set(asked) - labels}"


def test_the_document_is_fresh() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == metrics_document(table()), "stale: run `make docs`"


def test_names_are_exposed_once_and_as_prometheus_wants_them() -> None:
    exposed = [row.exposed for row in ROWS]
    assert len(set(exposed)) == len(exposed) == len(TABLE)
    for row in ROWS:
        assert (row.kind == "counter") == row.exposed.endswith("_total"), row.name
        assert row.words.endswith("."), row.name
        if row.kind == "histogram":
            assert row.name.endswith("_seconds")


def test_every_figure_of_a_worker_at_work_has_words_and_no_other() -> None:
    seen: dict[str, int] = {}

    async def tell(world: World, worker: Worker) -> None:
        await world.post("你好", ("en",), ("zh",))
        await world.idle()
        seen.update(worker.statistics())

    story(tell)
    assert set(seen) == set(WORDS)
    assert set(WORDS) >= GAUGES


def test_the_dashboard_can_be_imported() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert DASHBOARD["uid"]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${source}", "the reader's own Prometheus, not somebody else's"
            assert target["expr"].count("(") == target["expr"].count(")"), target["expr"]
