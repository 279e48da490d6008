"""A room's word list over REST: what it leaves alone, what the audit log says of it, and how it is taken back."""

from tests.gateway.rest import ROOM, Village

AT = f"/api/v1/rooms/{ROOM}"


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
