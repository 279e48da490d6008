"""The worker's counters for Prometheus, on a port of its own, when an operator names one.

Invariant: it prints what `statistics()` says and invents nothing, answers one request a connection within `WITHIN_S`,
and reads no more than `REQUEST_BYTES_MAX` of it. Twenty lines instead of a web framework, which a worker has no other
use for. It listens on this machine only, unless told otherwise: numbers, no texts, but nobody else's business either.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

PREFIX: Final = "diqiucun_translator_"
REQUEST_BYTES_MAX: Final = 8_192
WITHIN_S: Final = 5.0
GAUGES: Final = frozenset(
    ["jobs_running", "texts_parked", "batches_running", "sentences_waiting", "sentences_waiting_late", "cache_entries"]
)


def exposition(statistics: Mapping[str, int]) -> str:
    """The Prometheus text format, version 0.0.4."""
    lines = []
    for name, value in sorted(statistics.items()):
        is_gauge = name in GAUGES
        full = f"{PREFIX}{name}" if is_gauge else f"{PREFIX}{name}_total"
        lines += [f"# TYPE {full} {'gauge' if is_gauge else 'counter'}", f"{full} {value}"]
    return "\n".join(lines) + "\n"


async def serve_metrics(statistics: Callable[[], Mapping[str, int]], host: str, port: int) -> asyncio.Server:
    """Listen. Raises OSError when the port is taken."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
                known = head.startswith((b"GET /metrics ", b"GET /metrics?"))
                body = (exposition(statistics()) if known else "only /metrics is here\n").encode()
                status = "200 OK" if known else "404 Not Found"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)
