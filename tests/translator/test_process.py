"""The worker as a process: the built-in engine, a real job, the starter's answer in the log, SIGTERM."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat.adapters.connect import connect_engine
from chat.adapters.embedded import stop as stop_engine
from chat.events import Posted, RoomCreated, Translated
from chat.ports import JobText, Member
from chat.wire import decode_event
from translator.__main__ import main
from translator.settings import TranslatorSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def data_dir(tmp_path: Path) -> AsyncIterator[Path]:
    yield tmp_path
    await asyncio.to_thread(stop_engine, tmp_path)


@pytest.mark.engine
@pytest.mark.system
async def test_a_worker_process_translates_and_stops_when_told(data_dir: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")}
    environment |= {"DIQIUCUN_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), "DIQIUCUN_LOG_FORMAT": "json"}
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "translator", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60), connect_engine(None, data_dir) as engine:
            made = RoomCreated(by="ann", name="Ann", title="Tea")
            await engine.log.create("tea", "Tea", made, Member("ann", "Ann", "owner"), once="c")
            job = JobText("你叫什么名字？", "ann", (("en",),), deadline_ms=0)
            posted = await engine.log.append("tea", Posted(author="ann", name="Ann", text=job.text), once="p", job=job)
            while not (answers := await engine.log.read_after("tea", posted.position.seq, 10)):
                await asyncio.sleep(0.02)
            event = decode_event(answers[0].body)
            assert isinstance(event, Translated)
            assert "name" in event.text
            assert (event.language, event.starter, event.package) == ("en", True, "starter-zh_en 0.3")
            while await engine.jobs.backlog():
                await asyncio.sleep(0.02)
            worker.send_signal(signal.SIGTERM)
            _, told = await worker.communicate()
        assert worker.returncode == 0, told.decode()
        assert b'"event": "ready"' in told
        assert "你叫" not in told.decode(), "texts of messages are nobody's business in a log"
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


def test_wrong_settings_end_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DIQIUCUN_TRANSLATION_JOBS_MAX", "many")
    assert main() == 2
    assert "DIQIUCUN_TRANSLATION_JOBS_MAX=many" in capsys.readouterr().err


def test_settings_come_from_environment_over_file_over_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "diqiucun.toml").write_text("port = 8081\nstarter = false\ntranslation_threads = 3\n")
    monkeypatch.setenv("DIQIUCUN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DIQIUCUN_TRANSLATION_THREADS", "2")
    monkeypatch.setenv("DIQIUCUN_REDIS_URL", "")
    settings = TranslatorSettings()
    assert (settings.starter, settings.translation_threads, settings.redis_url) == (False, 2, None)
