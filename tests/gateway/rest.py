"""The HTTP side of a gateway on memory adapters, and a client that reaches it without a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from chat.adapters.memory import MemoryEngine
from chat.commands import CreateRoom
from chat.ports import Answer, Member, Poster, Unanswered
from chat.room import Caller
from chat.service import Service
from gateway.api import Api
from gateway.http import Http, Receive, Send
from gateway.tokens import TokenKeys, new_secret, read_keys
from gateway.web import WebFiles
from gateway.webhooks.operations import Webhooks

WEB = Path(__file__).parents[2] / "gateway" / "web"
ROOM = "plaza"
HOST = Caller("host", "Host", may_create=True)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class Village:
    """One room, `plaza`, owned by `host`; time stands still unless moved."""

    web: Path = WEB
    now_ms: int = 1_800_000_000_000
    why_not_ready: str | None = None
    enter_burst: int = 10_000
    public_url: str | None = None
    allow_private: bool = False
    poster: Poster = field(default_factory=lambda: _NobodyThere())
    engine: MemoryEngine = field(init=False)
    service: Service = field(init=False)
    keys: TokenKeys = field(init=False)
    http: Http = field(init=False)

    def __post_init__(self) -> None:
        self.engine = MemoryEngine(now_ms=lambda: self.now_ms)
        counter = iter(range(10**9))
        self.service = Service(
            self.engine.log,
            self.engine.presence,
            self.engine.jobs,
            self.engine.invites,
            now_ms=lambda: self.now_ms,
            new_id=lambda: f"id{next(counter)}",
        )
        text = json.dumps({"keys": [new_secret()]})
        self.keys = TokenKeys(read_keys(text, "test"), "diqiucun", now_s=lambda: self.now_ms / 1000)
        self.api = Api(
            self.service,
            self.keys,
            Webhooks(self.engine.hooks, self.poster, allow_private=self.allow_private),
            public_url=self.public_url,
            guest_token_days=30,
            enter_per_minute=60,
            enter_burst=self.enter_burst,
            now_ms=lambda: self.now_ms,
            now_s=lambda: self.now_ms / 1000,
            new_id=lambda: f"api{next(counter)}",
        )
        self.http = Http(
            self.api,
            _no_socket,
            WebFiles(self.web),
            name="test",
            why_not_ready=self._why_not_ready,
            statistics=lambda: {"connections": 3.0, "commands_total": 7.0},
        )

    async def _why_not_ready(self) -> str | None:
        return self.why_not_ready

    async def opened(self) -> "Village":
        await self.service.create_room(HOST, CreateRoom(id=0, room=ROOM, title="Plaza 广场", once="made"))
        return self

    async def with_member(self, user: str, role: Any = "member", name: str | None = None) -> Member:
        admin = Caller("root", "Root", administrator=True)
        await self.service.admit(admin, ROOM, user, name or user.title(), role)
        found = await self.engine.log.member(ROOM, user)
        assert found is not None
        return found

    async def invited(self, **changes: Any) -> str:
        options = {"role": "guest", "lives_s": 3600, "uses": -1, "code": "WELCOME23456", **changes}
        invite = await self.service.invite(HOST, ROOM, **options)
        return invite.code

    def token(self, user: str = "host", **claims: Any) -> str:
        return self.keys.mint(user, lives_s=3600, **claims)[0]

    def client(self, user: str | None = None, *, address: str = "203.0.113.7", **claims: Any) -> httpx.AsyncClient:
        headers: Mapping[str, str] = {} if user is None else {"authorization": f"Bearer {self.token(user, **claims)}"}
        transport = httpx.ASGITransport(self.http, raise_app_exceptions=False, client=(address, 1234))  # type: ignore[arg-type]  # httpx types ASGI more loosely than starlette
        return httpx.AsyncClient(transport=transport, base_url="http://village.test", headers=headers)


def problem(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "words", "retryable", "retry_after_ms"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-security-policy"] == CSP
    return response.status_code, body["code"]


async def entered(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    body = {"invite": "WELCOME23456", "name": "小明", "languages": ["zh-CN"], **changes}
    return await client.post("/api/v1/enter", json=body)


class _NobodyThere:
    """No request of a test leaves it."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float, body_bytes_max: int = 0
    ) -> Answer:
        raise Unanswered("not reached: nobody is there")


async def _no_socket(scope: Any, receive: Receive, send: Send) -> None:
    raise AssertionError("no test here opens a socket")
