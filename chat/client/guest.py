"""A guest who walks in with an invitation: what they get is a token, and with it they are a client like any other.

The one request over HTTP of this package, by the standard library in a thread: an HTTP client for it would be a
dependency of every bot.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps, loads
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from chat.client.failures import Refused

ENTER_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Entered:
    """What an invitation gave: whom we are, and where to go."""

    url: str
    token: str
    user: str
    room: str


async def enter(invite_url: str, name: str, languages: Sequence[str] = ("en",)) -> Entered:
    """Walk in as a guest: `invite_url` is what the host shares. Raises Refused when the invitation is not valid."""
    parts = urlsplit(invite_url)
    code = (parts.fragment or parts.query or parts.path).rstrip("/").rpartition("/")[2].rpartition("=")[2]
    body = {"invite": code, "name": name, "languages": list(languages)}
    given = await asyncio.to_thread(_post_json, f"{parts.scheme}://{parts.netloc}/api/v1/enter", body)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return Entered(f"{scheme}://{parts.netloc}/ws", given["token"], given["user"], given["room"])


def _post_json(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(url, dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urlopen(request, timeout=ENTER_WITHIN_S) as response:
            given: dict[str, Any] = loads(response.read())
            return given
    except HTTPError as refused:
        with refused:
            try:
                said = loads(refused.read())
            except ValueError:
                said = {}
        problem = said if isinstance(said, dict) else {}
        code, words = problem.get("code", refused.code), problem.get("words", refused.reason)
        retry_after_ms = problem.get("retry_after_ms")
        raise Refused(str(code), str(words), bool(problem.get("retryable")), retry_after_ms) from None
