"""The public client at the door: a guest enters by the link the host shared."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chat.client import (
    Refused,
    enter,
    new_once_key,
)
from chat.errors import ErrorCode
from tests.chat.client.scripted import ROOM


@contextmanager
def door(status: int, answer: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.path, body))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", heard
        finally:
            http.shutdown()
            thread.join()


@pytest.mark.parametrize("tail", ["/i/K7Q", "/#/i/K7Q", "/i/K7Q/", "/#invite=K7Q", "/?invite=K7Q"])
async def test_a_guest_enters_by_the_link_the_host_shared(tail: str) -> None:
    with door(200, {"token": "t", "user": "guest-1", "room": ROOM, "more": 1}) as (origin, heard):
        entered = await enter(origin + tail, "Ana", ("pt", "en"))
    assert heard == [("/api/v1/enter", {"invite": "K7Q", "name": "Ana", "languages": ["pt", "en"]})]
    assert (entered.token, entered.user, entered.room) == ("t", "guest-1", ROOM)
    assert entered.url == origin.replace("http", "ws") + "/ws"


async def test_a_used_up_invitation_is_refused_by_name() -> None:
    answer = {"code": "invite_invalid", "words": "used up", "retryable": False, "retry_after_ms": None}
    with door(403, answer) as (origin, _), pytest.raises(Refused) as refused:
        await enter(f"{origin}/i/old", "Ana")
    assert refused.value.code is ErrorCode.INVITE_INVALID


def test_once_keys_are_new_for_each_intent() -> None:
    assert len({new_once_key() for _ in range(1_000)}) == 1_000
