"""Logs: JSON lines where nobody looks at a terminal, the id of the connection in them, and nothing that is secret."""

import json
import subprocess
import sys
from typing import Any

import pytest

from chat.logs import blank_line, blank_secrets

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
INVITE = "WELCOME23456"
PASSWORD = "hunter2hunter2"
SECRETS = (TOKEN, INVITE, PASSWORD)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"token": "abc", "event": "hello"}, {"token": "***", "event": "hello"}),
        ({"a": {"b": [{"invite": "x"}, 3]}}, {"a": {"b": [{"invite": "***"}, 3]}}),
        ({"a": (f"see /i/{INVITE}",)}, {"a": ["see /i/***"]}),
        ({"event": "plain", "count": 3}, {"event": "plain", "count": 3}),
        ({"text": "what somebody wrote"}, {"text": "***"}),
    ],
)
def test_secrets_are_blanked_however_deep_they_lie(event: dict[str, Any], expected: dict[str, Any]) -> None:
    assert blank_secrets(None, "info", event) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"bad: {TOKEN}!", "bad: ***!"),
        (f"GET /api/v1/invites/{INVITE} failed", "GET /api/v1/invites/*** failed"),
        (f"redis://:{PASSWORD}@host:6379/0", "redis://:***@host:6379/0"),
        (f"postgresql://me:{PASSWORD}@host/name", "postgresql://me:***@host/name"),
        (f"authorization: Bearer {PASSWORD}", "authorization: Bearer ***"),
        ("redis://host:6379/0 and a@b", "redis://host:6379/0 and a@b"),
    ],
)
def test_secrets_are_blanked_wherever_a_line_has_them(line: str, expected: str) -> None:
    assert blank_line(None, "info", line) == expected


def logged(script: str, form: str = "json") -> str:
    """What a process of its own writes to its log."""
    begin = (
        f"import logging\nimport structlog\nfrom chat.logs import configure_logs\nconfigure_logs('debug', {form!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_lines_are_json_from_us_and_from_libraries() -> None:
    script = f"""
log = structlog.get_logger("tea")
log.info("hello", count=3, what="村")
log.info("nested", given={{"token": "{TOKEN}", "deep": ["/i/{INVITE}"]}}, error=ValueError("{TOKEN}"))
logging.getLogger("library").warning("cannot reach redis://:%s@host:6379/0", "{PASSWORD}")
try:
    raise ValueError("refused {TOKEN} of /invites/{INVITE}")
except ValueError:
    log.exception("failed", authorization="Bearer {TOKEN}")
"""
    told = logged(script)
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line["event"] for line in lines] == ["hello", "nested", "cannot reach redis://:***@host:6379/0", "failed"]
    assert lines[0] | {"at": ""} == {
        "event": "hello",
        "count": 3,
        "what": "村",
        "level": "info",
        "logger": "tea",
        "at": "",
    }
    assert "Traceback" in lines[3]["exception"]
    assert not [secret for secret in SECRETS if secret in told]
    for_people = logged(script, "console")
    assert "hello" in for_people
    assert not [secret for secret in SECRETS if secret in for_people]


def test_a_line_says_on_behalf_of_whose_connection() -> None:
    """A real gateway and a client that does much wrong: every line of what follows names its connection, and none
    holds its token or what it wrote."""
    told = logged(
        """
import asyncio, json
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from tests.support.serving import ROOM, serving

async def main():
    async with serving() as served:
        async def failing(self, room, event, **options):
            logging.getLogger("engine").warning("an append begins")
            raise ZeroDivisionError("nobody foresaw this")
        async with connect(served.url, subprotocols=["diqiucun.v1.json"]) as socket:
            token = "user-eyJhbGciOiJIUzI1NiJ9.e30.c2ln"
            await socket.send(json.dumps(dict(type="hello", id=1, token=token, languages=["en"])))
            await socket.recv()
            await socket.send(json.dumps(dict(type="join", id=2, room=ROOM)))
            await socket.recv()
            served.engine.log.append = failing.__get__(served.engine.log)
            await socket.send(json.dumps(dict(type="post", id=3, room=ROOM, text="my private words", once="p1")))
            try:
                while True: await asyncio.wait_for(socket.recv(), 10)
            except ConnectionClosed:
                pass
asyncio.run(main())
"""
    )
    lines = [json.loads(line) for line in told.splitlines()]
    ours = [line for line in lines if line["logger"] in ("connection", "engine")]
    assert [line["event"] for line in ours] == ["an append begins", "a fault ended this connection", "closed"]
    assert len({line["connection"] for line in ours}) == 1
    assert ours[2]["reason"] == "internal"
    assert "my private words" not in told
    assert "eyJ" not in told
