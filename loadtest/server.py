"""What the server says of itself, and what the kernel says of its processes: for reports, never for judgements.

`/metrics` answers for one gateway process; several share a port, and each new connection may meet another one. So it
is asked until all known processes have answered (each line carries its `process`), and counters are added up.
"""

import asyncio
import contextlib
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

GET_WITHIN_S: Final = 10.0
ASKED_MAX: Final = 60
NOTHING_NEW_MAX: Final = 16
"""Answers in a row from processes that we know: then there are no others. 2 processes are missed once in 65,000."""
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is: parts of the URL."""

    host: str
    port: int
    tls: bool

    def context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context() if self.tls else None

    async def get(self, path: str) -> bytes:
        """The body of a 200. Raises OSError, TimeoutError."""
        async with asyncio.timeout(GET_WITHIN_S):
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.context())
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
        status = head.split(b"\r\n", 1)[0]
        if b" 200 " not in status:
            raise ConnectionError(f"{path}: {status.decode('latin-1')}")
        return body


async def metrics(address: Address, gateways: int | None = None) -> dict[str, float]:
    """Our figures of all gateway processes, added up. Raises OSError, TimeoutError."""
    found: dict[str, dict[str, float]] = {}
    nothing_new = 0
    for _ in range(ASKED_MAX):
        process, values = parse((await address.get("/metrics")).decode())
        nothing_new = nothing_new + 1 if process in found else 0
        found[process] = values
        if len(found) == gateways or nothing_new >= NOTHING_NEW_MAX:
            break
    added: dict[str, float] = {"gateways_asked": len(found)}
    for values in found.values():
        for name, value in values.items():
            added[name] = added.get(name, 0) + value
    return added


def parse(text: str) -> tuple[str, dict[str, float]]:
    """(process, name -> value) of one answer, our own families only; "closed_total slow_reader" where one figure comes
    for each of several reasons."""
    process, values = "", {}
    for line in text.splitlines():
        if not line.startswith("diqiucun_"):
            continue
        name, _, rest = line.partition("{")
        labels, _, value = rest.rpartition("}")
        told = dict(LABEL.findall(labels))
        process = told.pop("process", "")
        if not name.endswith(("_created", "_bucket")):
            values[" ".join((name.removeprefix("diqiucun_"), *told.values()))] = float(value)
    return process, values


@dataclass(slots=True)
class Processes:
    """The server's processes on this machine, by role; empty when they are elsewhere."""

    pids: dict[str, list[int]] = field(default_factory=dict)
    _before: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, data_dir: Path) -> "Processes":
        """From `run.json` of `diqiucun up`."""
        try:
            found: dict[str, Any] = json.loads((data_dir / "run.json").read_text("utf-8"))
        except (OSError, ValueError):
            return cls()
        engine = found.get("engine")
        pids = {
            "gateway": list(found.get("gateways") or ()),
            "translator": list(found.get("translators") or ()),
            "engine": [engine] if engine else [],
        }
        return cls({role: found for role, found in pids.items() if found})

    def look(self, elapsed_s: float) -> dict[str, Any]:
        """Processor share since the last look (1.0: one processor) and resident bytes, by role."""
        told: dict[str, Any] = {}
        for role, pids in self.pids.items():
            cpu_s = resident = 0.0
            for pid in pids:
                with contextlib.suppress(OSError, ValueError, IndexError):
                    used_s, bytes_ = usage(pid)
                    cpu_s += used_s - self._before.get(pid, used_s)
                    resident += bytes_
                    self._before[pid] = used_s
            told[role] = {"cpu": round(cpu_s / elapsed_s, 3) if elapsed_s else 0.0, "resident_bytes": int(resident)}
        return told


def usage(pid: int) -> tuple[float, int]:
    """(processor seconds so far, resident bytes). Raises OSError when there is no such process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S, int(fields[21]) * PAGE_BYTES


def kernel_bytes() -> dict[str, int]:
    """What the kernel of this machine holds for everybody: buffers of TCP sockets, and records (slabs) of any kind,
    among them those of sockets. Empty elsewhere than on Linux."""
    found = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/net/sockstat").read_text("ascii").splitlines():
            words = line.split()
            if words[0] == "TCP:":
                found["socket_buffers"] = int(words[words.index("mem") + 1]) * PAGE_BYTES
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("Slab:"):
                found["slabs"] = int(line.split()[1]) * 1024
    return found


def gateways_known(processes: Processes) -> int | None:
    return len(processes.pids["gateway"]) if "gateway" in processes.pids else None


def deltas(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """How much each counter grew, those of single reasons too."""
    return {
        name: value - before.get(name, 0) for name, value in after.items() if name.partition(" ")[0].endswith("_total")
    }
