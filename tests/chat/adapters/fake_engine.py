"""An engine that says just what a test lets it say, on a socket of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import hiredis

from chat.adapters.embedded import socket_url


def shy(command: list[bytes]) -> bytes:
    """The answer of an engine that introduces itself, and says nothing more."""
    return {b"HELLO": b"%1\r\n+proto\r\n:3\r\n", b"CLIENT": b"+OK\r\n"}.get(command[0], b"")


@asynccontextmanager
async def fake_engine(
    tmp_path: Path, answer: Callable[[list[bytes]], bytes | None]
) -> AsyncIterator[tuple[str, list[int]]]:
    """Gives its URL and the connections it saw. It hangs up where there is no answer at all."""
    seen: list[int] = []
    open_writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(len(seen))
        open_writers.append(writer)
        commands = hiredis.Reader(notEnoughData=None)
        while data := await reader.read(1000):
            commands.feed(data)
            while (command := commands.gets()) is not None:
                if (said := answer(command)) is None:
                    writer.close()
                    return
                writer.write(said)

    path = str(tmp_path / "s")
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield socket_url(path), seen
    finally:
        server.close()
        for writer in open_writers:
            writer.close()
        await asyncio.sleep(0)
