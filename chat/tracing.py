"""Traces for as long as a process runs, if its operator wants them. Both processes open them here.

Invariant: OpenTelemetry (the extra `diqiucun[otel]`) is imported only where an address to send to is set.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat.traces import Traces


class TracesMissing(Exception):
    """Traces are wanted and OpenTelemetry is not installed. The text is for the operator."""


@contextlib.asynccontextmanager
async def tracing(otlp_url: str | None, *, service: str, instance: str, share: float) -> AsyncIterator["Traces | None"]:
    """Traces to `otlp_url`, of `share` (0 to 1) of all posts, until the block ends; None: no traces. `service` and
    `instance` name the process in them. Raises TracesMissing."""
    if otlp_url is None:
        yield None
        return
    try:
        from chat.traces import traces_to
    except ImportError as missing:
        raise TracesMissing(f"DIQIUCUN_OTLP_URL is set, but {missing}: pip install 'diqiucun[otel]'") from None
    traces = traces_to(otlp_url, service=service, instance=instance, share=share)
    try:
        yield traces
    finally:
        await asyncio.to_thread(traces.close)
