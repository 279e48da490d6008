"""A real uvicorn on a loopback port, with the chat protocol and a memory engine behind it, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import uvicorn

from chat.adapters.memory import MemoryEngine, wall_clock_ms
from chat.commands import CreateRoom
from chat.errors import ErrorCode, Rejected
from chat.room import Caller
from chat.service import Service
from gateway.endpoint import websocket_endpoint
from gateway.gateway import Gateway
from gateway.protocol import ChatProtocol

ROOM = "plaza"


@dataclass(frozen=True)
class Served:
    url: str
    port: int
    gateway: Gateway
    engine: MemoryEngine
    server: uvicorn.Server


def verify(token: str) -> Caller:
    """Tokens of the form "user" are good for ever; "expired" and "soon" are what they say, all others are forged."""
    if token == "expired":
        raise Rejected(ErrorCode.TOKEN_EXPIRED)
    if token == "soon":
        return Caller("soon", "Soon", {ROOM: "member"}, expires_at_ms=wall_clock_ms() + 1_500)
    if not token.startswith("user"):
        raise Rejected(ErrorCode.UNAUTHENTICATED)
    return Caller(token, token.title(), {ROOM: "member"})


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Served]:
    engine, numbers = MemoryEngine(), count()
    service = Service(
        engine.log,
        engine.presence,
        engine.jobs,
        engine.invites,
        now_ms=wall_clock_ms,
        new_id=lambda: str(next(numbers)),
    )
    async with engine.new_feed() as feed:
        gateway = Gateway(service, feed, verify=verify, name="test", **options)
        config = uvicorn.Config(
            websocket_endpoint(gateway, frozenset({"https://friend.example"})),
            ws=ChatProtocol,
            ws_max_size=64 * 1024,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="critical",
            loop="none",
        )
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(gateway.run())
            serve = tasks.create_task(server.serve(sockets=[listening]))
            while not (server.started and gateway.ready):
                await asyncio.sleep(0)
            await service.create_room(
                Caller("host", "Host", may_create=True), CreateRoom(id=0, room=ROOM, title="Plaza", once="made")
            )
            port = listening.getsockname()[1]
            try:
                yield Served(f"ws://127.0.0.1:{port}/ws", port, gateway, engine, server)
            finally:
                await gateway.drain(within_s=2)
                server.should_exit = True
                await serve
                running.cancel()
                listening.close()
