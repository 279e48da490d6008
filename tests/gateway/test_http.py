"""Page, API, health and metrics: what a browser, a bot and an operator are answered."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chat.commands import Configure, Edit, Post, React, Recall
from chat.errors import ERRORS
from chat.events import Joined, TermChanged, Translated, Untranslated
from chat.frames import Person
from chat.ports import Member as MemberRow
from chat.ports import Roster, SetMember
from chat.room import Caller
from chat.wire import decode_event
from gateway.http import BODY_BYTES_MAX, PROBLEMS
from tests.gateway.rest import HOST, ROOM, Village

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ADMIN = {"admin": True, "name": "Backend"}


@pytest.fixture
async def village() -> Village:
    return await Village().opened()


@pytest.fixture
async def host(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client("host") as client:
        yield client


@pytest.fixture
async def admin(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client("root", **ADMIN) as client:
        yield client


@pytest.fixture
async def anybody(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client() as client:
        yield client


def problem(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"code", "words", "retryable", "retry_after_ms"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-security-policy"] == CSP
    return response.status_code, body["code"]


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html>" + "村" * 1000)
    (tmp_path / "sw.js").write_text("self")
    (tmp_path / "view").mkdir()
    (tmp_path / "view" / "room.js").write_text("export {}")
    (tmp_path / ".secret.js").write_text("no")
    (tmp_path / "notes.py").write_text("no")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/web/view/room.js", "text/javascript; charset=utf-8"),
        ("/web/index.html", "text/html; charset=utf-8"),
    ],
)
async def test_a_file_of_the_page(pages: Path, path: str, kind: str) -> None:
    async with Village(web=pages).client() as client:
        response = await client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["content-security-policy"] == CSP
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "camera=()" in response.headers["permissions-policy"]
        again = await client.get(path, headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/none.js",
        "/web/notes.py",
        "/web/.secret.js",
        "/web/../http.py",
        "/web/%2e%2e/http.py",
        "/web/..%2f..%2fetc/passwd.txt",
        "/web//etc/hosts.txt",
        "/web/view",
        "/web/a%00.js",
        "/web/%5c..%5ca.js",
        "/favicon.ico",
        "/api/v1/nothing",
        "/api/v2/rooms",
    ],
)
async def test_what_is_not_there(pages: Path, path: str) -> None:
    async with Village(web=pages).client() as client:
        assert problem(await client.get(path)) == (404, "not_found")


async def test_a_changed_file_is_another_file(pages: Path) -> None:
    async with Village(web=pages).client() as client:
        before = (await client.get("/web/view/room.js")).headers["etag"]
        (pages / "view" / "room.js").write_text("export const a = 1;")
        after = await client.get("/web/view/room.js", headers={"if-none-match": before})
        assert (after.status_code, after.text) == (200, "export const a = 1;")


async def test_large_text_travels_compressed_to_whoever_takes_it(pages: Path) -> None:
    async with Village(web=pages).client() as client:
        request = client.build_request("GET", "/", headers={"accept-encoding": "br, gzip;q=0.5"})
        response = await client.send(request, stream=True)
        raw = b"".join([piece async for piece in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw).decode().endswith("村")
        for refusing in ("identity", "gzip;q=0", "br"):
            plain = await client.get("/", headers={"accept-encoding": refusing})
            assert "content-encoding" not in plain.headers
            assert plain.headers["vary"] == "accept-encoding"


# -- operators ---------------------------------------------------------------------------------------------------------


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


# -- errors have one shape ---------------------------------------------------------------------------------------------


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


# -- guests ------------------------------------------------------------------------------------------------------------


async def entered(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    body = {"invite": "WELCOME23456", "name": "小明", "languages": ["zh-CN"], **changes}
    return await client.post("/api/v1/enter", json=body)


async def test_an_invitation_shows_what_it_opens(village: Village, anybody: httpx.AsyncClient) -> None:
    await village.invited()
    await village.engine.presence.report(
        ROOM,
        "gateway-a",
        Roster(3, {("zh",): 2, ("en", "zh"): 1}, (Person(user="a", name="A", languages=("zh",)),)),
        10_000,
    )
    response = await anybody.get("/api/v1/invites/WELCOME23456")
    assert response.json() == {
        "room": ROOM,
        "title": "Plaza 广场",
        "translated": None,
        "role": "guest",
        "here": {"total": 3, "by_language": {"zh": 2, "en": 1}},
        "expires_at_ms": village.now_ms + 3_600_000,
    }
    village.now_ms += 3_600_001
    assert problem(await anybody.get("/api/v1/invites/WELCOME23456")) == (403, "invite_invalid")
    assert problem(await anybody.get("/api/v1/invites/UNKNOWN23456")) == (403, "invite_invalid")


async def test_an_invitation_shows_the_title_in_a_language_of_the_visitor(
    village: Village, anybody: httpx.AsyncClient
) -> None:
    async def shown(languages: str) -> tuple[str, str] | None:
        seen = (await anybody.get("/api/v1/invites/WELCOME23456", params={"languages": languages})).json()
        assert seen["title"] == title
        told = seen["translated"]
        return None if told is None else (told["title"], told["language"])

    async def titled(words: str, **translations: str) -> None:
        configured = await village.service.configure(HOST, Configure(id=0, room=ROOM, title=words, once=words))
        of = configured.position.seq
        for language, text in translations.items():
            told = Translated(of=of, revision=0, language=language, source="zh", text=text, engine="e", package="p")
            await village.engine.log.append(ROOM, told, once=f"t{of}:{language}", audience=language)

    await village.invited()
    title = "茶馆"
    await titled(title, en="Tea house", es="Casa de té")
    assert await shown("en") == ("Tea house", "en")
    assert await shown("es-MX,en") == ("Casa de té", "es")
    assert await shown("fr,en") == ("Tea house", "en")
    assert [await shown(languages) for languages in ("", "fr", "zh", "en,zh-CN")] == [None] * 4
    title = "地球村"
    await titled(title)
    assert await shown("en") is None  # the translation of the title before
    title = "地球村 · Global Village"
    await titled(title, en="Earth village · Global Village")
    assert await shown("en") is None  # serves both as it is
    assert problem(await anybody.get("/api/v1/invites/WELCOME23456?languages=en;zh")) == (400, "malformed")


async def test_a_guest_walks_in_and_is_a_member(village: Village, anybody: httpx.AsyncClient) -> None:
    await village.invited()
    answer = (await entered(anybody, name="  小明  ")).json()
    assert (answer["room"], answer["name"]) == (ROOM, "小明")
    assert answer["user"].startswith("guest-")
    assert len(answer["user"]) == len("guest-") + 12
    caller = village.keys.verify(answer["token"])
    assert (caller.user, caller.name, caller.grants, caller.administrator) == (answer["user"], "小明", {}, False)
    assert caller.expires_at_ms == answer["expires_at_ms"]
    member = await village.engine.log.member(ROOM, answer["user"])
    assert member is not None
    assert (member.name, member.role) == ("小明", "guest")


async def test_a_guest_who_comes_back_is_the_same_guest_and_costs_no_use(
    village: Village, anybody: httpx.AsyncClient
) -> None:
    await village.invited(uses=2)
    first = (await entered(anybody)).json()
    for _ in range(3):
        again = (await entered(anybody, token=first["token"])).json()
        assert again["user"] == first["user"]
    assert (await entered(anybody)).status_code == 200
    assert problem(await entered(anybody)) == (403, "invite_invalid")


async def test_a_token_that_does_not_hold_is_a_new_guest(village: Village, anybody: httpx.AsyncClient) -> None:
    await village.invited()
    first = (await entered(anybody)).json()
    for token in ("nonsense", village.token("guest-000000000000"), village.token("host")):
        other = (await entered(anybody, token=token)).json()
        assert other["user"] not in (first["user"], "host", "guest-000000000000")


async def test_a_guest_who_was_sent_away_does_not_come_back_under_that_name(
    village: Village, anybody: httpx.AsyncClient, host: httpx.AsyncClient
) -> None:
    await village.invited()
    first = (await entered(anybody)).json()
    assert (await host.delete(f"/api/v1/rooms/{ROOM}/members/{first['user']}")).status_code == 204
    again = (await entered(anybody, token=first["token"])).json()
    assert again["user"] != first["user"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "\u200b"}, (422, "name_invalid")),
        ({"name": "x" * 41}, (422, "name_invalid")),
        ({"name": ""}, (400, "malformed")),
        ({"invite": "NOTACODE"}, (403, "invite_invalid")),
        ({"invite": "a b"}, (400, "malformed")),
        ({"languages": ["klingon!"]}, (400, "malformed")),
        ({"languages": ["zh"] * 9}, (400, "malformed")),
    ],
)
async def test_a_guest_is_told_what_is_wrong(
    village: Village, anybody: httpx.AsyncClient, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    await village.invited()
    assert problem(await entered(anybody, **changes)) == expected


async def test_a_wrong_name_costs_no_use(village: Village, anybody: httpx.AsyncClient) -> None:
    await village.invited(uses=1)
    await entered(anybody, name="\u200b")
    assert (await entered(anybody)).status_code == 200


async def test_guests_of_one_address_are_let_in_at_a_rate_and_others_are_not_held_up() -> None:
    village = await Village(enter_burst=3).opened()
    await village.invited()
    async with village.client(address="198.51.100.1") as crowd, village.client(address="2001:db8::1") as other:
        statuses = [(await entered(crowd)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = await entered(crowd)
        assert problem(refused) == (429, "too_fast")
        assert refused.json()["retry_after_ms"] == 1000
        assert refused.headers["retry-after"] == "1"
        assert (await entered(other)).status_code == 200
        village.now_ms += 1_000
        assert (await entered(crowd)).status_code == 200
    async with village.client(address="2001:db8::ffff") as neighbour:
        statuses = [(await entered(neighbour)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


# -- rooms, members, invitations ---------------------------------------------------------------------------------------


async def test_a_backend_makes_a_room_once(village: Village) -> None:
    async with village.client("maker", create=True) as maker, village.client("plain") as plain:
        body = {"room": "tea-house", "title": "茶馆"}
        made = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "k1"})
        assert made.status_code == 201
        assert made.json()["title"] == "茶馆"
        assert (made.json()["members"], made.json()["head"][1]) == (1, 1)
        again = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "k1"})
        assert (again.status_code, again.json()) == (201, made.json())
        assert problem(await maker.post("/api/v1/rooms", json=body)) == (409, "room_exists")
        assert problem(await plain.post("/api/v1/rooms", json={**body, "room": "x"})) == (403, "forbidden")
        bad_key = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "a b"})
        assert problem(bad_key) == (400, "malformed")
        assert (await maker.get("/api/v1/rooms/tea-house")).json() == made.json()
        assert problem(await plain.get("/api/v1/rooms/tea-house")) == (404, "room_not_found")
        assert problem(await plain.get("/api/v1/rooms/none")) == (404, "room_not_found")


async def test_only_an_administrator_lists_rooms_in_pages(
    village: Village, host: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    for number in range(5):
        await admin.post("/api/v1/rooms", json={"room": f"r{number}", "title": "R"})
    assert problem(await host.get("/api/v1/rooms")) == (403, "forbidden")
    seen: list[str] = []
    more = True
    while more:
        page = (await admin.get("/api/v1/rooms", params={"limit": 4, "after": seen[-1] if seen else ""})).json()
        seen += [room["room"] for room in page["rooms"]]
        more = page["more"]
    assert seen == [ROOM, "r0", "r1", "r2", "r3", "r4"]


async def test_members_come_change_and_go(village: Village, host: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM}/members"
    ann = {"user": "ann", "name": "Ann", "role": "member"}
    assert (await admin.put(f"{path}/ann", json={"name": "Ann"})).json() == ann
    assert (await admin.put(f"{path}/ann", json={"name": "Ann"})).json() == ann
    assert (await host.put(f"{path}/ann", json={"name": "Ann", "role": "moderator"})).json()["role"] == "moderator"
    assert problem(await host.put(f"{path}/bob", json={"name": "Bob"})) == (403, "not_a_member")
    assert problem(await admin.put(f"{path}/host", json={"name": "Host"})) == (409, "owner_must_stay")
    assert problem(await admin.put(f"{path}/x", json={"name": "X", "role": "owner"})) == (400, "malformed")
    async with village.client("ann") as client:
        listed = (await client.get(path)).json()
        assert [member["user"] for member in listed["members"]] == ["ann", "host"]
        assert listed["more"] is False
        paged = (await client.get(path, params={"limit": 1})).json()
        assert (len(paged["members"]), paged["more"]) == (1, True)
        assert problem(await client.delete(f"{path}/host")) == (403, "forbidden")
        assert (await client.delete(f"{path}/ann")).status_code == 204
        assert problem(await client.get(path)) == (404, "room_not_found")
    assert problem(await host.delete(f"{path}/host")) == (409, "owner_must_stay")
    assert problem(await host.delete(f"{path}/nobody")) == (403, "not_a_member")


async def test_an_invitation_is_made_used_up_and_revoked(
    village: Village, host: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    made = await host.post(f"/api/v1/rooms/{ROOM}/invites", json={"uses": 1, "lives_s": 60})
    assert made.status_code == 201
    invite = made.json()
    assert invite["link"] == f"http://village.test/#/i/{invite['code']}"
    assert (invite["role"], invite["uses_left"]) == ("guest", 1)
    assert (await entered(anybody, invite=invite["code"])).status_code == 200
    assert problem(await entered(anybody, invite=invite["code"])) == (403, "invite_invalid")
    other = (await host.post(f"/api/v1/rooms/{ROOM}/invites", json={})).json()
    assert other["uses_left"] is None
    await village.with_member("ann", "member")
    async with village.client("ann") as ann, village.client("stranger") as stranger:
        assert problem(await ann.delete(f"/api/v1/invites/{other['code']}")) == (403, "forbidden")
        assert problem(await stranger.delete(f"/api/v1/invites/{other['code']}")) == (404, "room_not_found")
        assert problem(await ann.post(f"/api/v1/rooms/{ROOM}/invites", json={})) == (403, "forbidden")
    assert (await host.delete(f"/api/v1/invites/{other['code']}")).status_code == 204
    assert problem(await anybody.get(f"/api/v1/invites/{other['code']}")) == (403, "invite_invalid")
    assert problem(await host.delete(f"/api/v1/invites/{other['code']}")) == (403, "invite_invalid")


async def test_nobody_invites_into_a_rank_of_their_own(village: Village) -> None:
    await village.with_member("mod", "moderator")
    async with village.client("mod") as client:
        path = f"/api/v1/rooms/{ROOM}/invites"
        assert problem(await client.post(path, json={"role": "moderator"})) == (403, "forbidden")
        assert (await client.post(path, json={"role": "member"})).status_code == 201


async def test_links_lead_to_the_public_address() -> None:
    village = await Village(public_url="https://chat.example.org").opened()
    async with village.client("host") as host:
        made = (await host.post(f"/api/v1/rooms/{ROOM}/invites", json={})).json()
    assert made["link"].startswith("https://chat.example.org/#/i/")


# -- messages ----------------------------------------------------------------------------------------------------------


async def test_a_bot_speaks_once_for_each_key(village: Village, host: httpx.AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM}/messages"
    first = await host.post(path, json={"text": "你好"}, headers={"idempotency-key": "a"})
    again = await host.post(path, json={"text": "你好"}, headers={"idempotency-key": "a"})
    other = await host.post(path, json={"text": "你好"})
    assert [response.status_code for response in (first, again, other)] == [201, 201, 201]
    assert (first.json()["duplicate"], again.json()["duplicate"]) == (False, True)
    assert again.json()["position"] == first.json()["position"]
    assert other.json()["position"][1] == first.json()["position"][1] + 1


async def test_who_may_not_speak_does_not(village: Village, host: httpx.AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM}/messages"
    async with village.client("stranger") as stranger, village.client("granted", rooms={ROOM: "member"}) as granted:
        assert problem(await stranger.post(path, json={"text": "a"})) == (404, "room_not_found")
        assert problem(await granted.post(path, json={"text": "a"})) == (403, "not_a_member")
    assert problem(await host.post(path, json={"text": "\u202e"})) == (422, "nothing_to_say")
    assert problem(await host.post(path, json={"text": "a", "reply_to": 99})) == (404, "message_not_found")


async def test_a_bot_without_the_power_of_a_backend_has_a_rate(village: Village, host: httpx.AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM}/messages"
    statuses = [(await host.post(path, json={"text": "a"})).status_code for _ in range(12)]
    assert statuses == [201] * 10 + [429] * 2


async def test_messages_are_read_in_pages_both_ways(village: Village, host: httpx.AsyncClient) -> None:
    for number in range(9):
        await village.service.post(HOST, Post(id=0, room=ROOM, text=f"{number}", once=f"p{number}"))
    path = f"/api/v1/rooms/{ROOM}/messages"
    latest = (await host.get(path, params={"limit": 4})).json()
    assert [entry["seq"] for entry in latest["entries"]] == [7, 8, 9, 10]
    assert (latest["first"], latest["last"], latest["more"]) == (7, 10, True)
    earlier = (await host.get(path, params={"limit": 6, "before": 7})).json()
    assert [entry["seq"] for entry in earlier["entries"]] == [1, 2, 3, 4, 5, 6]
    assert earlier["more"] is False
    later = (await host.get(path, params={"after": 8, "epoch": latest["epoch"]})).json()
    assert [entry["event"]["text"] for entry in later["entries"]] == ["7", "8"]
    assert problem(await host.get(path, params={"epoch": "abc"})) == (409, "epoch_changed")
    assert problem(await host.get(path, params={"before": 3, "after": 1})) == (400, "malformed")


async def test_translations_come_in_the_languages_asked_for(village: Village, host: httpx.AsyncClient) -> None:
    posted = await village.service.post(HOST, Post(id=0, room=ROOM, text="hello", once="p"))
    for language in ("zh", "ja"):
        translated = Translated(
            of=posted.position.seq, revision=0, language=language, source="en", text="…", engine="e", package="p"
        )
        await village.engine.log.append(ROOM, translated, once=f"t{language}", audience=language)
    path = f"/api/v1/rooms/{ROOM}/messages"

    async def languages(asked: str) -> list[str]:
        page = (await host.get(path, params={"languages": asked})).json()
        return [each["event"]["language"] for each in page["entries"] + page["about"] if "language" in each["event"]]

    assert await languages("") == []
    assert await languages("zh-CN") == ["zh"]
    assert await languages("zh,ja") == ["zh", "ja"]


# -- glossary ----------------------------------------------------------------------------------------------------------

TERM = f"/api/v1/rooms/{ROOM}/glossary/term"


async def test_terms_are_put_replaced_read_and_removed(village: Village, host: httpx.AsyncClient) -> None:
    hotpot, everywhere = {"source": "火锅/hot pot?", "language": "en-US"}, {"source": "emo"}
    assert (await host.put(TERM, params=hotpot, json={"target": "hotpot"})).status_code == 204
    assert (await host.put(TERM, params=everywhere, json={})).status_code == 204
    assert (await host.put(TERM, params=hotpot, json={"target": "hot pot", "note": "a dish"})).status_code == 204
    found = (await host.get(f"/api/v1/rooms/{ROOM}/glossary")).json()
    kept = {"source": "emo", "target": None, "language": "", "note": "", "added_by": "host"}
    dish = {"source": "火锅/hot pot?", "target": "hot pot", "language": "en", "note": "a dish", "added_by": "host"}
    assert sorted(found["terms"], key=lambda term: str(term["source"])) == [kept, dish]
    assert (found["room"], found["version"]) == (ROOM, (await village.engine.log.glossary(ROOM)).version)
    assert (await host.delete(TERM, params=hotpot)).status_code == 204
    assert problem(await host.delete(TERM, params=hotpot)) == (404, "message_not_found")
    assert (await host.get(f"/api/v1/rooms/{ROOM}/glossary")).json()["terms"] == [kept]


async def test_a_term_is_put_once_for_each_key(village: Village, host: httpx.AsyncClient) -> None:
    for _ in "ab":
        answer = await host.put(TERM, params={"source": "emo"}, json={}, headers={"idempotency-key": "emo-1"})
        assert answer.status_code == 204
    entries = await village.engine.log.read_after(ROOM, 0, 100)
    assert sum(isinstance(decode_event(entry.body), TermChanged) for entry in entries) == 1


async def test_terms_are_changed_by_moderators_and_read_by_members(village: Village, admin: httpx.AsyncClient) -> None:
    await village.with_member("ann")
    async with village.client("ann", name="Ann") as ann, village.client("eve", name="Eve") as eve:
        assert problem(await ann.put(TERM, params={"source": "a"}, json={})) == (403, "forbidden")
        assert problem(await ann.delete(TERM, params={"source": "a"})) == (403, "forbidden")
        assert (await ann.get(f"/api/v1/rooms/{ROOM}/glossary")).status_code == 200
        assert problem(await eve.get(f"/api/v1/rooms/{ROOM}/glossary")) == (404, "room_not_found")
    assert (await admin.put(TERM, params={"source": "a"}, json={})).status_code == 204
    assert problem(await admin.put(TERM, json={})) == (400, "malformed")
    assert problem(await admin.put(TERM, params={"source": "   "}, json={})) == (422, "nothing_to_say")


# -- export ------------------------------------------------------------------------------------------------------------


async def test_an_export_tells_everything_one_line_for_each_message(village: Village, host: httpx.AsyncClient) -> None:
    service = village.service
    ann = Caller("ann", "Ann")
    await village.with_member("ann")
    first = (await service.post(HOST, Post(id=0, room=ROOM, text="helo", once="1"))).position.seq
    await service.edit(HOST, Edit(id=0, room=ROOM, of=first, text="hello", once="2"))
    for revision, text in ((0, "你号"), (1, "你好")):
        translated = Translated(
            of=first, revision=revision, language="zh", source="en", text=text, engine="e", package="p", starter=True
        )
        await village.engine.log.append(ROOM, translated, once=f"t{revision}", audience="zh")
    refused = Untranslated(of=first, revision=1, language="ja", source="en", reason="no_package")
    await village.engine.log.append(ROOM, refused, once="u", audience="ja")
    for user, on in ((HOST, True), (ann, True), (HOST, False)):
        await service.react(user, React(id=0, room=ROOM, of=first, emoji="❤️", on=on, once=f"r{user.user}{on}"))
    gone = (await service.post(ann, Post(id=0, room=ROOM, text="secret", once="3"))).position.seq
    await service.recall(ann, Recall(id=0, room=ROOM, of=gone, once="4"))
    await service.post(ann, Post(id=0, room=ROOM, text="reply", once="5", reply_to=first))

    response = await host.get(f"/api/v1/rooms/{ROOM}/export")
    assert response.headers["content-type"] == "application/jsonl"
    assert "secret" not in response.text
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["type"] for line in lines] == ["room", "other", "other", "message", "recalled", "message", "end"]
    assert lines[0]["title"] == "Plaza 广场"
    message = lines[3]
    assert (message["text"], [edit["text"] for edit in message["edits"]]) == ("helo", ["hello"])
    assert [(each["language"], each["revision"], each["text"]) for each in message["translations"]] == [
        ("zh", 0, "你号"),
        ("zh", 1, "你好"),
        ("ja", 1, None),
    ]
    assert message["reactions"] == [{"emoji": "❤️", "by": ["ann"]}]
    assert (lines[4]["of"], lines[4]["author"]) == (gone, "ann")
    assert lines[5]["reply_to"] == first
    assert lines[-1] == {"type": "end", "messages": 2}


async def test_an_export_in_small_pages_is_the_same_export(
    village: Village, host: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        seq = (
            await village.service.post(HOST, Post(id=0, room=ROOM, text=f"{number}", once=f"p{number}"))
        ).position.seq
        for emoji in "🐱🐶🎉👍🌏"[: number % 6]:
            await village.service.react(HOST, React(id=0, room=ROOM, of=seq, emoji=emoji, once=f"r{seq}.{ord(emoji)}"))
    whole = (await host.get(f"/api/v1/rooms/{ROOM}/export")).text
    monkeypatch.setattr("gateway.export.PAGE_ENTRIES", 7)
    monkeypatch.setattr("gateway.export.ABOUT_MAX", 6)
    assert (await host.get(f"/api/v1/rooms/{ROOM}/export")).text == whole


async def test_an_export_is_for_moderators_and_is_cut_off_visibly(
    village: Village, host: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await village.with_member("ann")
    async with village.client("ann") as ann, village.client("stranger") as stranger:
        assert problem(await ann.get(f"/api/v1/rooms/{ROOM}/export")) == (403, "forbidden")
        assert problem(await stranger.get(f"/api/v1/rooms/{ROOM}/export")) == (404, "room_not_found")
    real = village.engine.log.read_after

    async def away(room: str, seq: int, limit: int) -> Any:
        village.engine.go_away()
        return await real(room, seq, limit)

    monkeypatch.setattr(village.engine.log, "read_after", away)
    cut = await host.get(f"/api/v1/rooms/{ROOM}/export")
    assert cut.status_code == 200
    assert '"type":"end"' not in cut.text


async def test_a_member_without_a_name_in_the_token_speaks_as_themself(village: Village) -> None:
    await village.engine.log.append(
        ROOM,
        Joined(user="bot", name="Botty", role="member"),
        once="b",
        change=SetMember(MemberRow("bot", "Botty", "member")),
    )
    async with village.client("bot") as bot:
        await bot.post(f"/api/v1/rooms/{ROOM}/messages", json={"text": "hi"})
        page = (await bot.get(f"/api/v1/rooms/{ROOM}/messages", params={"limit": 1})).json()
    assert page["entries"][0]["event"]["name"] == "Botty"
