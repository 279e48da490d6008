"""Django Channels behind uvicorn: one group on the Redis channel layer."""

import sys

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

port, redis_url = int(sys.argv[1]), sys.argv[2]
settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # Without a socket_timeout: redis-py 8 has one of 5 s, as long as the layer blocks, and an idle reader dies.
            "CONFIG": {"hosts": [{"address": redis_url, "socket_timeout": None}], "capacity": 10_000},
        }
    },
)
django.setup()


class Reader(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("room", self.channel_name)

    async def post(self, event: dict) -> None:
        await self.send(bytes_data=event["data"])


class Writer(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send("room", {"type": "post", "data": bytes_data})


app = ProtocolTypeRouter({"websocket": URLRouter([path("sub", Reader.as_asgi()), path("pub", Writer.as_asgi())])})
uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", log_level="error", ws_per_message_deflate=False,
            ws_ping_interval=None, backlog=4096)  # fmt: skip
