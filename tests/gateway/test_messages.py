"""Messages over REST: said once, read in pages."""

import httpx

from chat.commands import Post
from chat.events import Joined, Translated
from chat.ports import Member as MemberRow
from chat.ports import SetMember
from tests.gateway.rest import HOST, ROOM, Village, problem


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
