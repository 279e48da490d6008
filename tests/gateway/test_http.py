"""Health, metrics and requests that cannot be served: what an operator is told, and that all errors have one shape."""

from collections.abc import AsyncIterator

import httpx
import pytest

from chat.errors import ERRORS
from gateway.http import BODY_BYTES_MAX, PROBLEMS
from tests.gateway.rest import ROOM, Village, problem


async def test_alive_ready_and_measured(village: Village, anybody: httpx.AsyncClient) -> None:
    assert (await anybody.get("/healthz")).json() == {"status": "alive"}
    assert (await anybody.get("/readyz")).json() == {"status": "ready"}
    village.why_not_ready = "the relay is away"
    response = await anybody.get("/readyz")
    assert problem(response) == (503, "unavailable")
    assert response.json()["words"] == "the relay is away"
    assert response.headers["retry-after"] == "1"
    metrics = (await anybody.get("/metrics")).text
    assert 'diqiucun_connections{process="test"} 3.0' in metrics
    assert 'diqiucun_commands_total{process="test"} 7.0' in metrics


async def test_an_http_request_for_the_socket(anybody: httpx.AsyncClient) -> None:
    assert problem(await anybody.get("/ws")) == (426, "upgrade_required")


async def test_the_methods_of_a_path_are_listed(anybody: httpx.AsyncClient) -> None:
    response = await anybody.patch("/api/v1/rooms/plaza/messages")
    assert problem(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, POST"
    assert problem(await anybody.post("/healthz")) == (405, "method_not_allowed")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_only_json_is_read(host: httpx.AsyncClient, kind: str) -> None:
    response = await host.post("/api/v1/rooms", content=b"{}", headers={"content-type": kind})
    assert problem(response) == (415, "unsupported_media_type")


async def test_json_with_a_charset_is_json(host: httpx.AsyncClient) -> None:
    response = await host.post(
        f"/api/v1/rooms/{ROOM}/messages",
        content='{"text":"好"}'.encode(),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )
    assert response.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"text":5}',
        b'{"text":""}',
        b'{"texd":"a"}',
        b"\xff\xfe",
        b'{"text":"\xff"}',
        b"[" * 20_000,
        b'{"text":"a","extra":1}',
        b'{"text":"' + b"a" * 4001 + b'"}',
    ],
)
async def test_a_body_that_cannot_be_read(host: httpx.AsyncClient, body: bytes) -> None:
    response = await host.post(
        f"/api/v1/rooms/{ROOM}/messages", content=body, headers={"content-type": "application/json"}
    )
    assert problem(response) == (400, "malformed")


@pytest.mark.parametrize("size", [BODY_BYTES_MAX - 1, BODY_BYTES_MAX, BODY_BYTES_MAX + 1])
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_is_bounded_before_it_is_read(host: httpx.AsyncClient, size: int, declared: bool) -> None:
    body = b'{"text":"a"' + b" " * (size - 12) + b"}"
    assert len(body) == size

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield body[start : start + 1000]

    response = await host.post(
        f"/api/v1/rooms/{ROOM}/messages",
        content=body if declared else pieces(),
        headers={"content-type": "application/json"},
    )
    if size <= BODY_BYTES_MAX:
        assert response.status_code == 201
    else:
        assert problem(response) == (413, "too_large")


@pytest.mark.parametrize("path", ["rooms/UPPER", "rooms/a%0a", "rooms/" + "a" * 65, "rooms/a%20b", "rooms/%ff"])
async def test_an_address_that_cannot_be(host: httpx.AsyncClient, path: str) -> None:
    assert problem(await host.get(f"/api/v1/{path}")) == (400, "malformed")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "before=-1", "epoch=XYZ", "languages=english,", "after=1.5", "limt=5"]
)
async def test_a_query_that_cannot_be(host: httpx.AsyncClient, query: str) -> None:
    assert problem(await host.get(f"/api/v1/rooms/{ROOM}/messages?{query}")) == (400, "malformed")


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer ", "Bearer nonsense", "bearer a.b.c"])
async def test_without_a_token_there_is_nothing_to_see(anybody: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    response = await anybody.get("/api/v1/rooms", headers=headers)
    assert problem(response) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_told_apart(village: Village, host: httpx.AsyncClient) -> None:
    village.now_ms += 3600_000 + 11_000
    assert problem(await host.get("/api/v1/rooms")) == (401, "token_expired")


async def test_when_the_engine_is_away_every_operation_says_so(village: Village, admin: httpx.AsyncClient) -> None:
    village.engine.go_away()
    for path in ("rooms", f"rooms/{ROOM}", f"rooms/{ROOM}/messages", f"rooms/{ROOM}/export", "invites/ABCDEFGH"):
        response = await admin.get(f"/api/v1/{path}")
        assert problem(response) == (503, "unavailable")
        assert response.json()["retryable"] is True
        assert int(response.headers["retry-after"]) >= 1


async def test_a_fault_of_ours_is_500_in_the_same_shape(
    village: Village, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(village.engine.log, "rooms", broken)
    assert problem(await admin.get("/api/v1/rooms")) == (500, "internal")


def test_no_code_of_http_is_a_code_of_the_protocol() -> None:
    assert not set(PROBLEMS) & set(ERRORS)
