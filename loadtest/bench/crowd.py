"""The load generator of the fan-out benches, seen from Python: what each member says first, and rounds of posts.

The crowd itself is a C program (`peers/crowd.c`): at a million deliveries a second a Python reader would measure
itself. Here its plan is written, it is started on a processor of its own, and its answers become `Round`s. It speaks
to all servers alike, so their figures can be compared.
"""

import asyncio
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from loadtest.bench.machine import GENERATOR_CORE, descendants, pinned
from loadtest.signs import FILLING

HOLE: Final = b"@@@@@@@@"
"""Where the number of a post stands in its template: behind the mark in signs, elsewhere in digits."""
MARK: Final = "#!#"
POST_CHARS: Final = 200
TEXT: Final = f"{MARK}{HOLE.decode()} {FILLING * (POST_CHARS // len(FILLING) + 1)}"[:POST_CHARS]
BINARY: Final = 2
TEXT_FRAME: Final = 1
_RAW: Final = 0
OPEN_WITHIN_S: Final = 300.0
ROUND_WITHIN_S: Final = 60.0


class CrowdFailed(Exception):
    """The crowd could not come in, or a post was lost, doubled or reordered."""


@dataclass(frozen=True, slots=True)
class Step:
    """Say this, then wait for a frame with these bytes in it (nothing: go on at once)."""

    said: bytes
    awaited: bytes = b""
    opcode: int = BINARY


@dataclass(frozen=True, slots=True)
class Plan:
    readers: Sequence[Sequence[Step]]
    writers: Sequence[Sequence[Step]]
    post: bytes
    """With HOLEs for the number."""
    opcode: int = BINARY

    def encode(self) -> bytes:
        holes = [at for at in range(len(self.post)) if self.post.startswith(HOLE, at)]
        parts = [
            struct.pack("<IIBI", len(self.readers), len(self.writers), self.opcode, len(self.post)),
            self.post,
            struct.pack(f"<I{len(holes)}I", len(holes), *holes),
        ]
        for member in (*self.readers, *self.writers):
            parts.append(struct.pack("<I", len(member)))
            for step in member:
                parts.append(struct.pack("<BI", step.opcode, len(step.said)) + step.said)
                parts.append(struct.pack("<I", len(step.awaited)) + step.awaited)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed. Times in seconds of processor, latencies in microseconds from the intended time."""

    posts: int
    deliveries: int
    seconds: float
    server_cpu_s: float
    other_cpu_s: float
    p50_us: int
    p99_us: int
    max_us: int
    other_frames: int
    reads: int

    @property
    def per_cpu_s(self) -> float:
        """Deliveries per second of the server's processor."""
        return self.deliveries / self.server_cpu_s


def handshake(path: str, subprotocol: str = "") -> Step:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
    ]
    return Step("\r\n".join([*lines, "", ""]).encode(), b"\r\n\r\n", _RAW)


@dataclass(slots=True)
class Crowd:
    """A running crowd whose members are all in."""

    process: asyncio.subprocess.Process
    joined_s: float
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    @classmethod
    async def enter(
        cls, program: Path, plan: Plan, port: int, folder: Path, *, server: Iterable[int], other: Iterable[int]
    ) -> "Crowd":
        """Raises CrowdFailed."""
        path = folder / "plan"
        await asyncio.to_thread(path.write_bytes, plan.encode())
        process = await asyncio.create_subprocess_exec(
            *pinned(GENERATOR_CORE),
            *(str(program), str(port), str(path), _listed(server), _listed(other)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        crowd = cls(process, 0.0)
        crowd.joined_s = float((await crowd._told(OPEN_WITHIN_S))["seconds"])
        return crowd

    async def keep(self, in_flight: int, seconds: float) -> Round:
        """A closed loop: so many posts are always on their way. Raises CrowdFailed."""
        return await self._play(f"keep {in_flight} {seconds}")

    async def rate(self, posts_per_s: float, seconds: float) -> Round:
        """An open loop: posts at their times, whatever the server does. Raises CrowdFailed."""
        return await self._play(f"rate {posts_per_s} {seconds}")

    async def leave(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.returncode is None:
            try:
                await asyncio.wait_for(self.process.wait(), 10.0)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def _play(self, line: str) -> Round:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        told = await self._told(ROUND_WITHIN_S)
        if not told["whole"]:
            raise CrowdFailed(f"not every post was heard exactly once and in order: {told}")
        return Round(**{name: told[name] for name in Round.__dataclass_fields__})

    async def _told(self, within_s: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), within_s)
        if not line:
            raise CrowdFailed((await self.process.stderr.read()).decode(errors="replace").strip())
        told: dict[str, Any] = json.loads(line)
        return told


def _listed(pids: Iterable[int]) -> str:
    return ",".join(str(pid) for pid in descendants(pids)) or "-"
