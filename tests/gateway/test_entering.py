"""Guests over REST: what an invitation shows, and walking in."""

from typing import Any

import httpx
import pytest

from chat.commands import Configure
from chat.events import Translated
from chat.frames import Person
from chat.ports import Roster
from tests.gateway.rest import HOST, ROOM, Village, entered, problem


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
