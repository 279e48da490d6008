"""Who keeps processes alive: restarts, backoff, giving up with words, and an end that leaves nobody behind."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import supervisor as module
from gateway.supervisor import (
    BACKOFF_MAX_S,
    FAST_DEATH_S,
    FAST_DEATHS_MAX,
    Restarts,
    Role,
    SupervisionFailed,
    Supervisor,
)

PATIENCE_S = 20.0


def role(kind: str, source: str, number: int = 1) -> Role:
    return Role(kind, number, (sys.executable, "-u", "-c", source), dict(os.environ))


SLEEPER = "import time; print('here'); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here'); time.sleep(600)"


class Watched:
    def __init__(self, roles: list[Role], look: Callable[[], Awaitable[int]] | None = None) -> None:
        self.lines: list[tuple[str, str]] = []
        self.changes = 0
        self.supervisor = Supervisor(
            roles,
            say=lambda name, line: self.lines.append((name, line)),
            changed=self._changed,
            look_at_engine=look,
        )

    def _changed(self) -> None:
        self.changes += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)

    def said(self, words: str) -> int:
        return sum(words in line for _, line in self.lines)


@asynccontextmanager
async def running(watched: Watched, stop_within_s: float = 5.0) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watched.supervisor.run(stop_within_s))
        yield
        watched.supervisor.stop()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_children_share_our_session_and_ctrl_c_in_our_terminal_is_not_theirs() -> None:
    told = "import os, time; print('here', os.getsid(0), os.getpgid(0) == os.getpid()); time.sleep(600)"
    watched = Watched([role("gateway", told)])
    async with running(watched):
        await watched.until(lambda: watched.said("here") == 1)
        assert watched.said(f"here {os.getsid(0)} True") == 1, watched.lines


async def test_who_is_not_vital_ends_alone() -> None:
    lame = Role(
        "greeter", 1, (sys.executable, "-c", "import sys; print('wrong'); sys.exit(2)"), dict(os.environ), False
    )
    watched = Watched([role("gateway", SLEEPER), lame])
    async with running(watched):
        await watched.until(lambda: bool(watched.said("go on without it")) and bool(watched.said("here")))
        assert watched.supervisor.pids("greeter") == []
        assert len(watched.supervisor.pids("gateway")) == 1


def test_the_wait_doubles_up_to_a_bound_and_starts_anew_after_a_good_life() -> None:
    restarts = Restarts()
    waits = [restarts.after_death(0.1, -signal.SIGKILL) for _ in range(8)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, BACKOFF_MAX_S, BACKOFF_MAX_S, BACKOFF_MAX_S]
    assert restarts.after_death(FAST_DEATH_S, 1) == 0.2
    assert restarts.after_death(0.1, 1) == 0.2


def test_who_ends_by_itself_again_and_again_is_given_up_and_who_is_killed_is_not() -> None:
    restarts = Restarts()
    ends = [restarts.after_death(0.1, 1) for _ in range(FAST_DEATHS_MAX)]
    assert ends[-1] is None
    assert None not in ends[:-1]
    killed = Restarts()
    assert None not in [killed.after_death(0.1, -signal.SIGKILL) for _ in range(100)]


def test_wrong_settings_are_given_up_at_once() -> None:
    assert Restarts().after_death(0.1, 2) is None


@pytest.mark.slow
async def test_a_killed_child_is_there_again_under_another_pid() -> None:
    watched = Watched([role("gateway", SLEEPER), role("gateway", SLEEPER, 2)])
    async with running(watched):
        await watched.until(lambda: watched.said("here") == 2)
        before = watched.supervisor.pids("gateway")
        os.kill(before[0], signal.SIGKILL)
        await watched.until(lambda: watched.said("here") == 3)
        after = watched.supervisor.pids("gateway")
        assert len(after) == 2
        assert before[0] not in after
        assert before[1] in after
        assert watched.said("was killed by SIGKILL") == 1
    assert all(is_gone(pid) for pid in after)


@pytest.mark.slow
async def test_who_cannot_start_ends_everything_and_its_last_words_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKOFF_FIRST_S", 0.01)
    broken = role("translator", "print('no model here'); raise SystemExit(3)")
    watched = Watched([role("gateway", SLEEPER), broken])
    with pytest.raises(
        SupervisionFailed, match=r"translator-1 ended with status 3 6 times in a row(.|\n)*no model here"
    ):
        async with asyncio.timeout(PATIENCE_S):
            await watched.supervisor.run(5.0)
    assert watched.supervisor.pids("gateway") == []


async def test_who_is_told_to_stop_while_a_child_is_being_started_leaves_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child was nobody's yet when all children were told to end: it ran on, and its keeper waited for its end."""
    spawn = asyncio.create_subprocess_exec
    watched = Watched([role("gateway", "import time; time.sleep(600)")])

    async def slow(*command: str, **options: Any) -> asyncio.subprocess.Process:
        watched.supervisor.stop()
        await asyncio.sleep(0.05)
        return await spawn(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    async with asyncio.timeout(PATIENCE_S):
        await watched.supervisor.run(PATIENCE_S)
    assert watched.supervisor.pids("gateway") == []


async def test_a_program_that_is_not_there_ends_everything_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKOFF_FIRST_S", 0.001)
    watched = Watched([Role("gateway", 1, ("/nowhere/python",), {})])
    with pytest.raises(SupervisionFailed, match=r"gateway-1 cannot be started .*No such file"):
        async with asyncio.timeout(PATIENCE_S):
            await watched.supervisor.run(5.0)


async def test_a_machine_without_memory_for_a_child_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be forked ended everything, with a traceback."""
    monkeypatch.setattr(module, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(module, "BACKOFF_MAX_S", 0.001)
    spawn, failing = asyncio.create_subprocess_exec, iter(range(FAST_DEATHS_MAX + 1))

    async def poor(*command: str, **options: Any) -> asyncio.subprocess.Process:
        if next(failing, None) is not None:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        return await spawn(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", poor)
    watched = Watched([role("gateway", SLEEPER)])
    async with running(watched):
        await watched.until(lambda: bool(watched.said("here")))
    assert watched.said("Cannot allocate memory") == FAST_DEATHS_MAX + 1


@pytest.mark.slow
async def test_who_does_not_stop_is_killed_when_time_is_up() -> None:
    watched = Watched([role("gateway", STUBBORN)])
    async with running(watched, stop_within_s=0.3):
        await watched.until(lambda: watched.said("here") == 1)
        (pid,) = watched.supervisor.pids("gateway")
    assert is_gone(pid)


@pytest.mark.slow
async def test_a_line_without_end_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_BYTES_MAX", 1024)
    chatty = role("gateway", "print('x' * 1_000_000, flush=True); print('after'); import time; time.sleep(600)")
    watched = Watched([chatty])
    async with running(watched):
        await watched.until(lambda: watched.said("after") > 0)


@pytest.mark.slow
async def test_an_engine_that_comes_back_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away, the same words are not told again and again."""
    monkeypatch.setattr(module, "ENGINE_AWAY_LOOK_S", 0.01)
    pids = iter([7, 7, None, None, None, 8])

    async def look() -> int:
        pid = next(pids, 8)
        if pid is None:
            raise OSError("the engine is away")
        return pid

    watched = Watched([], look)
    async with running(watched):
        await watched.until(lambda: watched.supervisor.engine_pid == 8)
    assert watched.said("the engine is away") == 1


@pytest.mark.slow
async def test_children_stop_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    child = (
        "import time; from gateway.supervisor import stop_with_parent; stop_with_parent(); "
        "print('here'); time.sleep(600)"
    )
    parent = f"""
import asyncio, os, sys
from gateway.supervisor import Role, Supervisor
role = Role("gateway", 1, (sys.executable, "-u", "-c", {child!r}), dict(os.environ))
supervisor = Supervisor([role], say=lambda name, line: print(line, supervisor.pids("gateway")[0], flush=True),
    changed=lambda: None)
asyncio.run(supervisor.run(5.0))
"""
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", parent, cwd=root, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        words = (await process.stdout.readline()).split()
        assert words[0] == b"here"
        process.kill()
        await process.wait()
        while not is_gone(int(words[1])) and _state(int(words[1])) != "Z":
            await asyncio.sleep(0.02)


def _state(pid: int) -> str:
    """Z: dead, and nobody has asked for its status yet (containers without an init)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
