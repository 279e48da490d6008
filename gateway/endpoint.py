"""`/ws` as a bare ASGI application: who may open a socket, in which subprotocol.

Bare ASGI, without Starlette's WebSocket object: 19.4 kB a connection against 24.8 (measured). The call ends with the
handshake, and the protocol goes on with the connection alone: what a waiting call holds is for nothing. Refusals: a
foreign Origin gets HTTP 403 and a full process, or one to which too many come at once, HTTP 503 before there is a
socket; an unknown subprotocol gets a socket that is closed with its own code, because a browser shows its page nothing
of a refused handshake.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

from chat.wire import Codec
from gateway.closing import CloseReason
from gateway.gateway import Gateway
from gateway.protocol import EXTENSION, ChatProtocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
SUBPROTOCOLS: Final = {codec.value: codec for codec in Codec}


def origin_allowed(origin: str | None, host: str, allowed: frozenset[str]) -> bool:
    """Whether a page of `origin` may open a socket here. Programs send no Origin and need a token all the same."""
    if origin is None:
        return True
    if origin in allowed:
        return True
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def websocket_endpoint(
    gateway: Gateway, allowed_origins: frozenset[str] = frozenset()
) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """The ASGI application for `/ws`. Serve it with `ws=ChatProtocol`."""
    release = gateway.release  # one bound method for all

    async def endpoint(scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not origin_allowed(headers.get(b"origin"), headers.get(b"host", ""), allowed_origins):
            await _refuse(send, 403, "origin_refused", "pages of this origin may not open a socket here")
            return
        if gateway.full or not gateway.ready:
            await _refuse(send, 503, "unavailable", "this process takes no new connections now; try again shortly")
            return
        wait_ms = gateway.arrive()
        if wait_ms:
            await _refuse(send, 503, "unavailable", "too many are coming at once; try again shortly", wait_ms)
            return
        chosen = next((offer for offer in scope["subprotocols"] if offer in SUBPROTOCOLS), None)
        socket = cast(ChatProtocol, scope["extensions"][EXTENSION])
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        connection = gateway.open(socket, SUBPROTOCOLS[chosen or Codec.JSON], secrets.token_hex(8))
        socket.opened(connection, release)
        if chosen is None:
            connection.close(CloseReason.UNKNOWN_SUBPROTOCOL)

    return endpoint


async def _refuse(send: Send, status: int, code: str, words: str, wait_ms: int | None = None) -> None:
    problem = {"code": code, "words": words, "retryable": status == 503, "retry_after_ms": wait_ms}
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if wait_ms:
        headers.append((b"retry-after", str(-(-wait_ms // 1000)).encode()))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
