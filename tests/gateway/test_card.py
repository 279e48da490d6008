"""The picture of a name card, over REST."""

from chat.commands import SetName
from tests.gateway.rest import HOST, ROOM, Village


async def test_a_card_is_a_picture_for_who_may_read_the_room() -> None:
    village = await Village().opened()
    path = f"/api/v1/rooms/{ROOM}/members/host/card.svg"
    async with village.client("host") as client, village.client("stranger") as stranger:
        assert (await client.get(path)).status_code == 404, "no name yet"
        await village.service.ceremony(HOST, SetName(id=0, room=ROOM, text="白睿康", once="n"))
        shown = await client.get(path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/svg+xml")
        assert "ruì" in shown.text
        assert "script" not in shown.text
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert (await stranger.get(path)).status_code == 404
        assert (await client.get(path.replace("/host/", "/nobody/"))).status_code == 403
