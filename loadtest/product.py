"""The real product as a load test sees it from outside: a command that is started, an address, pids, an exit.

Invariant: whatever happens to the test, nothing that it started stays behind. `diqiucun up` ends its own children; the
engine is a daemon that belongs to no process, so its pid (from `run.json`) is ended here should `up` have died.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.tokens import mint

READY_WITHIN_S: Final = 120.0
STOP_WITHIN_S: Final = 30.0
LOOK_S: Final = 0.05
GET_WITHIN_S: Final = 5.0
KEYS_IN_RUN_FILE: Final[Mapping[str, str]] = {
    "engine": "engine",
    "gateway": "gateways",
    "translator": "translators",
}


class ProductFailed(Exception):
    """The product did not start, or ended by itself. The words hold its last lines."""


@dataclass(frozen=True, slots=True)
class Product:
    data_dir: Path
    process: asyncio.subprocess.Process
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def output(self) -> Path:
        return self.data_dir / "output.log"

    def running(self) -> dict[str, Any]:
        """What `run.json` says now; empty when there is none."""
        return _run_file(self.data_dir)

    def pids(self, role: str) -> list[int]:
        """The processes of a role that are alive as far as the supervisor knows."""
        found = self.running().get(KEYS_IN_RUN_FILE[role])
        pids = found if isinstance(found, list) else [found]
        return sorted(pid for pid in pids if isinstance(pid, int) and pid > 0 and is_alive(pid))

    def token(self, user: str, **claims: Any) -> str:
        return mint(self.data_dir / "token-keys.json", user, **claims)

    async def wait_death(self) -> None:
        """Raises ProductFailed when `up` ends, which it never does by itself."""
        status = await self.process.wait()
        raise ProductFailed(f"the product ended with {status}:\n{self.last_lines()}")

    async def get(self, path: str) -> bytes:
        return await _get(self.port, path)

    def last_lines(self, count: int = 20) -> str:
        try:
            return "\n".join(self.output.read_text("utf-8", "replace").splitlines()[-count:])
        except OSError:
            return ""


@asynccontextmanager
async def running(
    data_dir: Path, *, workers: int = 2, translators: int = 1, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """`up` on a free port of this machine, until the block ends. Raises ProductFailed."""
    os.makedirs(data_dir, exist_ok=True)
    settings = {
        "DIQIUCUN_DATA_DIR": str(data_dir),
        "DIQIUCUN_HOST": "127.0.0.1",
        "DIQIUCUN_PORT": "0",
        "DIQIUCUN_WORKERS": str(workers),
        "DIQIUCUN_TRANSLATORS": str(translators),
        "DIQIUCUN_GREETER": "false",
    }
    with (data_dir / "output.log").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "gateway", "up"),
            env={**os.environ, **settings, **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield await _ready(data_dir, process)
    finally:
        await _stop(data_dir, process)


async def _ready(data_dir: Path, process: asyncio.subprocess.Process) -> Product:
    """Every process has a pid, and the port answers."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + READY_WITHIN_S
    product = Product(data_dir, process, 0)
    while True:
        port = product.running().get("port")
        if isinstance(port, int) and port and await _ready_on(port):
            return Product(data_dir, process, port)
        if process.returncode is not None:
            raise ProductFailed(f"the product ended with {process.returncode}:\n{product.last_lines()}")
        if loop.time() >= until_s:
            raise ProductFailed(f"the product is not ready after {READY_WITHIN_S:g} s:\n{product.last_lines()}")
        await asyncio.sleep(LOOK_S)


async def _ready_on(port: int) -> bool:
    try:
        await _get(port, "/readyz")
    except (OSError, TimeoutError):
        return False
    return True


async def _get(port: int, path: str) -> bytes:
    """The body of a 200, by hand: no proxy, no client library, no thread. Raises OSError, TimeoutError."""
    async with asyncio.timeout(GET_WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
    status = head.split(b"\r\n", 1)[0]
    if b" 200 " not in status:
        raise ConnectionError(status.decode("latin-1"))
    return body


async def _stop(data_dir: Path, process: asyncio.subprocess.Process) -> None:
    before = _run_file(data_dir)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    for key in ("gateways", "translators", "engine"):
        pids = before.get(key)
        for pid in pids if isinstance(pids, list) else [pids]:
            if isinstance(pid, int) and pid > 0 and _is_ours(pid, data_dir):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether this process runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def resident_bytes(pid: int) -> int:
    """Physical memory of a process (VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"process {pid} has no resident memory")


def _is_ours(pid: int, data_dir: Path) -> bool:
    """A pid may belong to somebody else by now: ours names its data directory."""
    try:
        told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        where = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    return str(data_dir).encode() in told or where == str(data_dir)


def _run_file(data_dir: Path) -> dict[str, Any]:
    try:
        found = json.loads((data_dir / "run.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
