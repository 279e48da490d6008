"""python-socketio behind uvicorn, with its Redis manager, as its documentation scales it out."""

import sys

import socketio
import uvicorn

port, redis_url = int(sys.argv[1]), sys.argv[2]
server = socketio.AsyncServer(
    async_mode="asgi", client_manager=socketio.AsyncRedisManager(redis_url), ping_interval=3600, ping_timeout=3600
)


@server.event
async def pub(sid: str, data: str) -> None:
    await server.emit("post", data)


uvicorn.run(socketio.ASGIApp(server), host="127.0.0.1", port=port, loop="uvloop", log_level="error",
            ws_per_message_deflate=False, ws_ping_interval=None, backlog=4096)  # fmt: skip
