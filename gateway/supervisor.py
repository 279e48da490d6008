"""Keeps the processes of one machine alive: gateways, translators, and an eye on the embedded engine.

Invariants: a child that dies is started again, later each time it dies soon; a child that ends by its own doing
`FAST_DEATHS_MAX` times in a row ends everything, with words, because a service that cannot start must not look busy.
Status 2 says that the settings are wrong, which no restart mends: that ends everything at once. Who is killed from
outside (a signal), or not started because the machine has no memory or no processes left, does not count towards
either. A role that is not vital ends nothing but itself. Children never
outlive us: each holds the read end of a pipe as its stdin and stops when that ends, whatever became of us.

Children run in process groups of their own, so that Ctrl-C in a terminal reaches only us and the order of stopping is
ours; and in one session, because niceness counts only within one (see `translator.priority`).
"""

import asyncio
import contextlib
import errno
import os
import signal
import threading
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

SUPERVISED: Final = "DIQIUCUN_SUPERVISED"
"""Set in children: stop when stdin ends."""
FAST_DEATH_S: Final = 5.0
FAST_DEATHS_MAX: Final = 6
WRONG_SETTINGS: Final = 2
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 5.0
SHORT_OF: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""Why a process could not be started: what the machine lacks now, and may have again soon."""
LINE_BYTES_MAX: Final = 256 * 1024
ENGINE_LOOK_S: Final = 0.5
ENGINE_AWAY_LOOK_S: Final = 3.0
"""Between starts of an engine that cannot start (a full disk): each try writes to its log."""
KILL_AFTER_S: Final = 2.0
"""After SIGKILL a process is gone, or it hangs in the kernel and no waiting helps."""


class SupervisionFailed(Exception):
    """A role cannot be kept alive. The words are for the operator."""


@dataclass(frozen=True, slots=True)
class Role:
    """One process to keep alive."""

    kind: str
    number: int
    command: tuple[str, ...]
    environ: Mapping[str, str]
    vital: bool = True
    """False: where it cannot be kept alive, that is said and the others go on without it."""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number}"


@dataclass(slots=True)
class Restarts:
    """How long to wait before the next start of one role; pure."""

    fast_deaths: int = 0
    own_fast_deaths: int = 0

    def after_death(self, lived_s: float, status: int) -> float | None:
        """Seconds to wait, or None to give up. A negative status is a signal, as in `Popen.returncode`."""
        if lived_s >= FAST_DEATH_S:
            self.fast_deaths = self.own_fast_deaths = 0
            return BACKOFF_FIRST_S
        self.fast_deaths += 1
        if status == WRONG_SETTINGS:
            return None
        if status >= 0:
            self.own_fast_deaths += 1
        if self.own_fast_deaths >= FAST_DEATHS_MAX:
            return None
        return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (self.fast_deaths - 1))


@dataclass(slots=True)
class _Child:
    role: Role
    process: Process | None = None
    restarts: Restarts = field(default_factory=Restarts)
    last_lines: list[str] = field(default_factory=list)
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a process is made: whoever ends us waits for it, or would not know whom to end."""


class Supervisor:
    """Runs roles until `stop`. `say` takes (role name, line); `changed` is told whenever a pid changed."""

    def __init__(
        self,
        roles: Sequence[Role],
        *,
        say: Callable[[str, str], None],
        changed: Callable[[], None],
        look_at_engine: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._children = [_Child(role) for role in roles]
        self._say = say
        self._changed = changed
        self._look_at_engine = look_at_engine
        self._stopping = asyncio.Event()
        self.engine_pid: int | None = None
        self.deaths = 0

    def pids(self, kind: str) -> list[int]:
        """Pids of the living processes of a kind."""
        return [
            child.process.pid
            for child in self._children
            if child.role.kind == kind and child.process is not None and child.process.returncode is None
        ]

    async def run(self, stop_within_s: float) -> None:
        """Until `stop` was called and all children are gone. Raises SupervisionFailed."""
        failure: SupervisionFailed | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                keepers = [tasks.create_task(self._keep(child)) for child in self._children]
                watcher = tasks.create_task(self._watch_engine())
                await self._stopping.wait()
                await self._end_children(stop_within_s)
                for keeper in keepers:
                    await keeper
                watcher.cancel()
        except* SupervisionFailed as failures:
            first = failures.exceptions[0]
            failure = first if isinstance(first, SupervisionFailed) else SupervisionFailed(str(first))
        finally:
            await asyncio.shield(self._end_children(stop_within_s if failure is None else min(stop_within_s, 5.0)))
        if failure is not None:
            raise failure

    def stop(self) -> None:
        self._stopping.set()

    async def _keep(self, child: _Child) -> None:
        while not self._stopping.is_set():
            started_s = monotonic()
            try:
                process = await self._start(child)
            except OSError as error:
                status = -errno.EAGAIN if error.errno in SHORT_OF else 1
                how = f"cannot be started ({error})"
            else:
                if process is None:
                    return
                await self._forward(child, process)
                status = await process.wait()
                child.process = None
                self._changed()
                how = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"
            if self._stopping.is_set():
                return
            self.deaths += 1
            lived_s = monotonic() - started_s
            wait_s = child.restarts.after_death(lived_s, status)
            if wait_s is None:
                last = "".join(f"\n    {line}" for line in child.last_lines[-8:])
                often = "" if status == WRONG_SETTINGS else f" {FAST_DEATHS_MAX} times in a row"
                words = f"{child.role.name} {how}{often}, within {FAST_DEATH_S:g} s of its start."
                if not child.role.vital:
                    self._say(child.role.name, f"{words} The others go on without it.")
                    return
                raise SupervisionFailed(f"{words} Its last words:{last}")
            self._say(child.role.name, f"{how} after {lived_s:.1f} s; starting it again in {wait_s:.1f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()

    async def _start(self, child: _Child) -> Process | None:
        """None: we are stopping. Raises OSError."""
        async with child.starting:
            if self._stopping.is_set():
                return None
            child.last_lines = []
            process = await asyncio.create_subprocess_exec(
                *child.role.command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=STDOUT,
                env={**child.role.environ, SUPERVISED: "1"},
                process_group=0,
                limit=LINE_BYTES_MAX,
            )
            child.process = process
        self._changed()
        return process

    async def _forward(self, child: _Child, process: Process) -> None:
        if process.stdout is None:
            raise TypeError("a child's output is a pipe")
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line over the limit: what was read of it is gone, the rest follows
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            child.last_lines = [*child.last_lines[-20:], text]
            self._say(child.role.name, text)

    async def _watch_engine(self) -> None:
        if self._look_at_engine is None:
            return
        said = ""
        while not self._stopping.is_set():
            look_s = ENGINE_LOOK_S
            try:
                pid = await self._look_at_engine()
                said = ""
            except Exception as error:
                if str(error) != said:
                    said = str(error)
                    self._say("engine", said)
                pid, look_s = None, ENGINE_AWAY_LOOK_S
            if pid != self.engine_pid:
                if self.engine_pid is not None and pid is not None:
                    self._say("engine", f"pid {self.engine_pid} is gone; runs again as pid {pid}")
                self.engine_pid = pid
                self._changed()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(look_s):
                    await self._stopping.wait()

    async def _end_children(self, within_s: float) -> None:
        self._stopping.set()
        for child in self._children:
            async with child.starting:
                pass
        living = [child.process for child in self._children if child.process is not None]
        for number, patience_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, KILL_AFTER_S)):
            living = [process for process in living if process.returncode is None]
            for process in living:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)
            if not living:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await asyncio.gather(*(process.wait() for process in living))


def stop_with_parent() -> None:
    """In a child: ask ourselves to stop when the supervisor's end of our stdin closes, even by kill -9."""
    if os.environ.get(SUPERVISED) != "1":
        return

    def wait_for_end() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="parent", daemon=True).start()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
