"""A gateway process lives exactly as long as its relay, and leaves in order when asked."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from chat.adapters.memory import MemoryEngine
from chat.frames import Route
from chat.ports import TRANSLATORS, ForgetText, Job, Roster
from gateway import app as module
from gateway.app import common, translators
from gateway.gateway import Gateway
from gateway.settings import Settings, load_settings

PATIENCE_S = 20.0


@pytest.fixture
def settings(unset: None, tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, host="127.0.0.1", port=0, stop_within_s=2.0)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    engine = MemoryEngine()

    @asynccontextmanager
    async def connect(redis_url: str | None, data_dir: Path, *, archive_url: str | None) -> AsyncIterator[MemoryEngine]:
        yield engine

    monkeypatch.setattr(module, "connect_engine", connect)
    return engine


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[asyncio.Task[int], httpx.AsyncClient]]:
    bound = module.listen("127.0.0.1", 0, shared=False)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        serving = tasks.create_task(module._serve(settings, bound))
        while not serving.done():
            try:
                if (await client.get("/readyz")).status_code == 200:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.02)
        yield serving, client


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(settings: Settings, engine: MemoryEngine, number: int) -> None:
    async with served(settings) as (serving, client):
        assert (await client.get("/healthz")).status_code == 200
        engine.go_away()
        refused = await client.get("/readyz")
        assert refused.status_code == 503
        assert "cannot be reached" in refused.json()["words"]
        engine.come_back()
        os.kill(os.getpid(), number)
        assert await serving == 0


@pytest.mark.parametrize("shared", [False, True], ids=["alone on its port", "with others on its port"])
async def test_a_signal_while_it_still_opens_ends_it_in_order(
    settings: Settings,
    engine: MemoryEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    shared: bool,
) -> None:
    loop, heard = asyncio.get_running_loop(), threading.Event()
    listen_for = loop.add_signal_handler

    def listen_and_tell(number: int, asked: Callable[[], None]) -> None:
        listen_for(number, lambda: (asked(), heard.set()))

    def interrupted(data_dir: Path) -> tuple[Route, ...]:
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard.wait(PATIENCE_S)
        return ()

    monkeypatch.setattr(loop, "add_signal_handler", listen_and_tell)
    monkeypatch.setattr(module, "installed_routes", interrupted)
    async with asyncio.timeout(PATIENCE_S):
        assert await module._serve(settings, module.listen("127.0.0.1", 0, shared=shared)) == 0
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_signal_while_its_engine_hangs_gives_up_opening(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It waited as long as an engine may take that loads its data, a minute, and was killed meanwhile."""

    @asynccontextmanager
    async def connect(redis_url: str | None, data_dir: Path, *, archive_url: str | None) -> AsyncIterator[MemoryEngine]:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        yield MemoryEngine()

    monkeypatch.setattr(module, "connect_engine", connect)
    async with asyncio.timeout(PATIENCE_S):
        assert await module._serve(settings, module.listen("127.0.0.1", 0, shared=False)) == 0
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.slow
async def test_a_dead_relay_ends_the_process(
    settings: Settings, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, die = Gateway.run, asyncio.Event()

    async def run(self: Gateway) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(real(self))
            await die.wait()
            raise ConnectionError("the ear is gone")

    monkeypatch.setattr(Gateway, "run", run)
    async with served(settings) as (serving, _):
        die.set()
        assert await serving == 1


@pytest.mark.slow
async def test_a_process_that_cannot_start_ends_with_status_1(
    settings: Settings, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.keys_path.write_text("{}")
    bound = module.listen("127.0.0.1", 0, shared=False)
    async with asyncio.timeout(PATIENCE_S):
        assert await module._serve(settings, bound) == 1


def test_a_port_is_shared_only_by_those_who_ask_for_it() -> None:
    with module.listen("127.0.0.1", 0, shared=True) as first:
        port = first.getsockname()[1]
        with module.listen("127.0.0.1", port, shared=True):
            pass
        first.listen()
        with pytest.raises(OSError, match="in use"):
            module.listen("127.0.0.1", port, shared=False)


async def test_metrics_add_up_what_the_living_translators_report() -> None:
    engine = MemoryEngine()
    for worker, skipped in (("one", 2), ("two", 3)):
        row = Roster(total=1, readers={("events_skipped_total",): skipped})
        await engine.presence.report(TRANSLATORS, worker, row, 10_000)
    await engine.presence.report(TRANSLATORS, "dead", Roster(total=1, readers={("events_skipped_total",): 9}), -1)
    assert await translators(engine.presence) == {"translators": 2, "translator_events_skipped_total": 5}
    engine.go_away()
    assert await translators(engine.presence) == {}


async def test_the_age_of_the_queue_is_that_of_its_oldest_job() -> None:
    now_ms = 50_000
    engine = MemoryEngine(now_ms=lambda: now_ms)
    figures = await common(engine.presence, engine.jobs, lambda: now_ms)
    assert figures["translators"] == 0
    assert (figures["jobs_waiting"], figures["jobs_oldest_seconds"]) == (0, 0.0)
    await engine.jobs.put(Job("tea", 1, 0, ForgetText(("x",))))
    now_ms += 2_500
    figures = await common(engine.presence, engine.jobs, lambda: now_ms)
    assert (figures["jobs_waiting"], figures["jobs_oldest_seconds"]) == (1, 2.5)
    engine.go_away()
    assert await common(engine.presence, engine.jobs, lambda: now_ms) == {}
