"""The machine as the benches arrange it: which program runs where, and what belongs to it.

Server and engine share one processor, the load generator has the other. Linux only, like the figures.
"""

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

SERVER_CORE: Final = 0
GENERATOR_CORE: Final = 1
BUILD: Final = Path(__file__).parents[2] / "build"
SOURCES: Final = Path(__file__).parent / "peers"


def pinned(core: int) -> Sequence[str]:
    """The words before a command that shall run on one processor."""
    return ("taskset", "-c", str(core))


def pin(pids: Iterable[int], core: int) -> None:
    """All threads of running processes."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def part(server: Iterable[int]) -> None:
    """These processes on one processor; ourselves, and whatever we start from now on, on the other. Nothing happens on
    a machine with one processor."""
    if (os.cpu_count() or 1) > 1:
        pin(server, SERVER_CORE)
        os.sched_setaffinity(0, {GENERATOR_CORE})


def descendants(pids: Iterable[int]) -> list[int]:
    """These processes and their children."""
    found = list(pids)
    for pid in found:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text("ascii").split()]
    return found


def compiled(name: str) -> Path:
    """`peers/<name>.c` as a program, made again when its source is newer. Raises CalledProcessError."""
    source, program = SOURCES / f"{name}.c", BUILD / "peers" / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)], check=True)
    return program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def wait_listening(port: int, process: asyncio.subprocess.Process, within_s: float = 30.0) -> None:
    """Raises TimeoutError, or ConnectionError when the process ends first."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if process.returncode is not None:
                    raise ConnectionError(f"the server ended with {process.returncode}") from None
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
