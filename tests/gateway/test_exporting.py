"""A room as JSON lines: everything, for moderators, cut off visibly."""

import json
from typing import Any

import httpx
import pytest

from chat.commands import Edit, Post, React, Recall
from chat.events import Translated, Untranslated
from chat.room import Caller
from tests.gateway.rest import HOST, ROOM, Village, problem


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
