"""A room's word list over REST: what it leaves alone, what the audit log says of it, and how it is taken back. And
how long somebody has been here."""

from tests.gateway.rest import ROOM, Village

AT = f"/api/v1/rooms/{ROOM}"
DAY_MS = 86_400_000


async def test_innocent_texts_of_a_row_are_audited_and_a_list_is_taken_back() -> None:
    village = await Village().opened()
    await village.with_member("bob")
    async with village.client("host") as host, village.client("bob") as bob:

        async def is_held(text: str) -> bool:
            await bob.post(f"{AT}/messages", json={"text": text})
            held = (await host.get(f"{AT}/desk")).json()["held"]
            return text in [each["held"]["text"] for each in held]

        bare = {"words": [{"text": "草"}], "lists": ["scams"]}
        assert (await host.put(f"{AT}/words", json=bare)).status_code == 204
        assert await is_held("草莓一斤")
        kind = {"words": [{"text": "草", "innocent": ["草莓"]}], "lists": ["scams"]}
        assert (await host.put(f"{AT}/words", json=kind)).status_code == 204
        assert not await is_held("草莓两斤")
        assert await is_held("草！")
        assert (await host.get(f"{AT}/desk")).json()["words"][0]["innocent"] == ["草莓"]

        wrong = {"words": [{"text": "草", "innocent": ["草莓"] * 21}]}
        assert (await host.put(f"{AT}/words", json=wrong)).json()["code"] == "malformed"
        audit = (await host.get(f"{AT}/audit")).json()["entries"]
        lists = [line["event"] for line in audit if line["event"]["type"] == "words_changed"]
        assert [each["words"][0]["innocent"] for each in lists] == [["草莓"], []]
        before = {name: lists[1][name] for name in ("words", "lists")}
        assert (await host.put(f"{AT}/words", json=before)).status_code == 204
        assert await is_held("草莓三斤")


async def waits_days(village: Village, user: str) -> float:
    """Until a senior of the room speaks."""
    async with village.client(user) as client:  # a token lives for an hour
        answer = await client.post(f"{AT}/messages", json={"text": "hello"})
    return 0 if answer.status_code == 201 else float(answer.json()["retry_after_ms"]) / DAY_MS


async def for_seniors(village: Village, days: int) -> None:
    async with village.client("host") as host:
        conduct = {"conduct": {"speakers": "seniors", "senior_s": days * 86_400}}
        assert (await host.put(f"{AT}/conduct", json=conduct)).status_code == 204


async def leaves(village: Village, user: str) -> None:
    async with village.client(user) as client:
        assert (await client.delete(f"{AT}/members/{user}")).status_code == 204


async def test_how_long_somebody_has_been_here_is_known_for_as_long_as_they_belong_to_it() -> None:
    """It used to be remembered for 48 hours: after three days everybody counted as having been here always."""
    village = await Village().opened()
    await village.with_member("bob", "guest")
    await for_seniors(village, 7)
    village.now_ms += 3 * DAY_MS
    assert await waits_days(village, "bob") == 4
    await village.with_member("bob", "member")  # another role, the same member
    assert await waits_days(village, "bob") == 4
    village.now_ms += 4 * DAY_MS
    assert await waits_days(village, "bob") == 0
    await leaves(village, "bob")
    await village.with_member("bob")
    assert await waits_days(village, "bob") == 7


async def test_who_leaves_and_comes_back_within_two_days_has_been_here_since_the_first_time() -> None:
    village = await Village().opened()
    await village.with_member("bob")
    await for_seniors(village, 2)
    village.now_ms += DAY_MS
    await leaves(village, "bob")
    await village.with_member("bob")
    assert await waits_days(village, "bob") == 1
    village.now_ms += DAY_MS
    assert await waits_days(village, "bob") == 0  # by now only the membership remembers it
