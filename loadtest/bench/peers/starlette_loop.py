"""What most tutorials do: uvicorn, Starlette, and `await send_bytes` for one reader after the other."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

readers: set[WebSocket] = set()


async def sub(socket: WebSocket) -> None:
    await socket.accept()
    readers.add(socket)
    try:
        while True:
            await socket.receive_bytes()
    except WebSocketDisconnect:
        readers.discard(socket)


async def pub(socket: WebSocket) -> None:
    await socket.accept()
    async for data in socket.iter_bytes():
        for reader in tuple(readers):
            await reader.send_bytes(data)


app = Starlette(routes=[WebSocketRoute("/sub", sub), WebSocketRoute("/pub", pub)])
port = int(sys.argv[1])
uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", log_level="error", ws_per_message_deflate=False,
            ws_ping_interval=None, backlog=4096)  # fmt: skip
