"""The `websockets` library's own way: one server, `broadcast()`."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

readers: set[ServerConnection] = set()


async def serve_one(socket: ServerConnection) -> None:
    assert socket.request is not None
    if socket.request.path == "/pub":
        async for data in socket:
            broadcast(readers, data)
        return
    readers.add(socket)
    try:
        await socket.wait_closed()
    finally:
        readers.discard(socket)


async def main() -> None:
    async with serve(serve_one, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None, backlog=4096):
        await asyncio.get_running_loop().create_future()


uvloop.run(main())
