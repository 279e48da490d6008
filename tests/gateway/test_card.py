"""The picture of a name card, over REST."""

import struct

import pytest

from chat.commands import SetName
from chat.errors import Unavailable
from gateway import picture
from gateway.picture import SCALE
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


async def test_a_card_is_a_png_too_where_the_server_has_chinese_fonts_and_says_so_where_not() -> None:
    village = await Village().opened()
    path = f"/api/v1/rooms/{ROOM}/members/host/card"
    for text in ("白睿康", "李安然"):
        await village.service.ceremony(HOST, SetName(id=0, room=ROOM, text=text, once=text.encode().hex()))
    async with village.client("host") as client, village.client("stranger") as stranger:
        older = await client.get(path + ".svg", params={"name": "白睿康"})
        assert "睿" in older.text
        assert (await client.get(path + ".svg", params={"name": "王小明"})).status_code == 404
        assert (await stranger.get(path + ".png")).status_code == 404
        drawn = await client.get(path + ".png")
    if drawn.status_code == 503:
        assert drawn.json()["words"] == "this server has no font with Chinese characters; ask for the SVG"
        return
    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/png")
    assert drawn.content.startswith(b"\x89PNG")
    assert struct.unpack(">II", drawn.content[16:24]) == (640 * SCALE, 640 * SCALE)


async def test_without_a_font_for_it_there_is_no_empty_card(monkeypatch: pytest.MonkeyPatch) -> None:
    async def blank(svg: str) -> bytes:
        return b"the same for every character"

    monkeypatch.setattr(picture, "_drawn", blank)
    with pytest.raises(Unavailable, match="no font"):
        await picture.Painter().png("<svg/>")


async def test_a_machine_that_was_too_busy_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first card of a busy hour took too long, and until the next start every card was said to lack a font."""
    outcomes = iter((None, b"one", b"one", b"other", b"card", None, b"card"))

    async def busy(*_: object) -> bytes | None:
        return next(outcomes)

    monkeypatch.setattr(picture, "_drawn", busy)
    painter = picture.Painter()
    with pytest.raises(Unavailable, match="ask again"):
        await painter.png("<svg/>")
    assert await painter.png("<svg/>") == b"card"
    with pytest.raises(Unavailable, match="ask again"):
        await painter.png("<svg/>")
    assert await painter.png("<svg/>") == b"card"
