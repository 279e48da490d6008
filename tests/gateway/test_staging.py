"""An evening over REST: programme, poll, questions, announcement, poster; and what is kept of it afterwards."""

import csv
import io
import json
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from chat.commands import CreateRoom, Edit, Post, React
from chat.events import Translated
from gateway.bodies import ExportedEnd, ExportedMessage, ExportLine
from gateway.export import encode_line, export_lines
from gateway.importing import import_lines, read_line
from gateway.printing import page_of
from gateway.transcript import harmless
from tests.gateway.rest import HOST, ROOM, Village

AT = f"/api/v1/rooms/{ROOM}"


def _png(mode: str) -> bytes:
    written = io.BytesIO()
    Image.new(mode, (8, 8)).save(written, "PNG")
    return written.getvalue()


PNG, GREY = _png("RGBA"), _png("L")


@pytest.fixture
async def village() -> Village:
    village = await Village().opened()
    for user in ("ann", "bob"):
        await village.with_member(user, "guest")
    return village


async def test_an_evening_from_programme_to_result(village: Village) -> None:
    start = village.now_ms + 3_600_000
    async with village.client("host") as host, village.client("ann") as ann, village.client("bob") as bob:
        programme = {"starts_ms": start, "about": "欢迎", "items": [{"at_ms": start, "title": "开场"}]}
        assert (await host.put(f"{AT}/programme", json=programme)).status_code == 204
        shown = (await ann.get(f"{AT}/stage")).json()
        assert (shown["conduct"]["phase"], shown["programme"]["starts_ms"]) == ("lobby", start)
        key = {"idempotency-key": "poll-1"}
        poll = {"question": "首都？", "options": ["北京", "上海"], "answer": 0}
        opened = [await host.post(f"{AT}/polls", json=poll, headers=key) for _ in range(2)]
        assert [answer.status_code for answer in opened] == [201, 201]
        of = opened[0].json()["position"][1]
        assert opened[1].json()["position"][1] == of
        for member, choice in ((ann, 0), (bob, 1)):
            assert (await member.put(f"{AT}/polls/{of}/vote", json={"choices": [choice]})).status_code == 204
        shown = (await ann.get(f"{AT}/stage")).json()
        assert "answer" not in json.dumps(shown)
        assert (shown["polls"][0]["voters"], shown["polls"][0]["mine"]) == (2, [0])
        assert (await ann.post(f"{AT}/polls/{of}/close", json={})).json()["code"] == "forbidden"
        assert (await host.post(f"{AT}/polls/{of}/close", json={})).status_code == 204
        assert (await ann.put(f"{AT}/polls/{of}/vote", json={"choices": [1]})).json()["code"] == "over"
        asked = (await ann.post(f"{AT}/questions", json={"text": "几点结束？"})).json()["position"][1]
        assert (await bob.put(f"{AT}/questions/{asked}/vote", json={})).status_code == 204
        assert (await host.post(f"{AT}/questions/{asked}/settle", json={"outcome": "answered"})).status_code == 204
        said = {"text": "八点开门", "versions": {"en": "Doors at eight"}}
        assert (await host.post(f"{AT}/announcements", json=said)).status_code == 201
        assert (await ann.post(f"{AT}/announcements", json=said)).json()["code"] == "forbidden"
        page = (await ann.get(f"{AT}/messages")).json()
    events = [entry["event"] for entry in (*page["entries"], *page["about"])]
    [closed] = [event for event in events if event["type"] == "poll_closed"]
    assert (closed["counts"], closed["answer"]) == ([1, 1], 0)
    assert [event["versions"] for event in events if event["type"] == "posted"] == [[["en", "Doors at eight"]]]


async def test_a_poster_is_for_who_may_invite_and_its_code_stands_in_no_address(village: Village) -> None:
    async with village.client("host") as host, village.client("ann") as ann:
        code = (await host.post(f"{AT}/invites", json={"role": "guest"})).json()["code"]
        await host.put(f"{AT}/programme", json={"starts_ms": 1_800_000_000_000})
        asked = {"invite": code, "utc_offset_min": 480}
        answer = await host.post(f"{AT}/poster.svg", json=asked)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        page = ElementTree.fromstring(answer.text)
        assert (page.get("width"), page.get("height")) == ("210mm", "297mm")
        words = [text.text or "" for text in page.iter("{http://www.w3.org/2000/svg}text")]
        assert any(word.endswith(f"/#/i/{code}") for word in words)
        assert "2027年1月15日 16:00（UTC+8）" in words
        assert any(len(path.get("d", "")) > 500 for path in page.iter("{http://www.w3.org/2000/svg}path"))
        assert (await ann.post(f"{AT}/poster.svg", json=asked)).json()["code"] == "forbidden"
        wrong = await host.post(f"{AT}/poster.svg", json=asked | {"invite": "NOSUCHCODE00"})
        assert wrong.json()["code"] == "invite_invalid"


async def test_a_poster_is_printed_as_one_page_of_a4_that_a_phone_can_read(village: Village) -> None:
    async with village.client("host") as host, village.client("ann") as ann:
        code = (await host.post(f"{AT}/invites", json={"role": "guest"})).json()["code"]
        assert (await ann.post(f"{AT}/poster.pdf", json={"invite": code})).json()["code"] == "forbidden"
        answer = await host.post(f"{AT}/poster.pdf", json={"invite": code})
    if answer.status_code == 503:  # as `test_card` has it
        assert answer.json()["words"] == "this server has no font with Chinese characters; ask for the SVG"
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    document = pypdfium2.PdfDocument(answer.content)
    [page] = list(document)
    assert [round(side / 72 * 25.4, 1) for side in page.get_size()] == [210.0, 297.0]
    assert document.get_metadata_dict()["Title"] == "Plaza 广场"
    seen = page.render(scale=2).to_pil().convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(seen)] == [f"http://village.test/#/i/{code}"]
    assert {seen.getpixel(corner) for corner in ((0, 0), (seen.width - 1, seen.height - 1))} == {255}
    title = seen.crop((0, 0, seen.width, 200)).getextrema()
    assert title[0] < 40  # black letters on white paper


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (b"GIF89a", "no PNG"),
        (PNG[:60], "ends too early|damaged"),
        (PNG[:20] + b"\xff" + PNG[21:], "damaged"),
        (GREY, "four channels"),
    ],
)
def test_what_is_no_picture_of_ours_is_not_printed(broken: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        page_of(broken, 210, 297, "")


async def lines_of(village: Village, room: str) -> list[ExportLine]:
    state = await village.engine.log.state(room)
    assert state is not None
    return [line async for line in export_lines(village.engine.log, state, village.now_ms)]


async def talk(village: Village) -> None:
    """Two messages with an answer, an edit, translations, a reaction and an announcement in two languages."""
    service, log = village.service, village.engine.log
    first = (await service.post(HOST, Post(id=0, room=ROOM, text="<b>你好</b>", once="a"))).position.seq
    await service.post(HOST, Post(id=0, room=ROOM, text="=1+1", once="b", reply_to=first))
    for revision, text in enumerate(("Hello", "Hello & welcome")):
        if revision:
            await service.edit(HOST, Edit(id=0, room=ROOM, of=first, text="你好，欢迎", once="e"))
        made = Translated(
            of=first, revision=revision, language="en", source="zh", text=text, engine="x", package="y", starter=False
        )
        await log.append(ROOM, made, once=f"t{revision}", audience="en")
    await service.react(HOST, React(id=0, room=ROOM, of=first, emoji="👍", once="r"))
    versions = (("en", "Doors"),)
    await service.post(HOST, Post(id=0, room=ROOM, text="开门", once="c", announce=True, versions=versions))


async def test_an_export_for_people_shows_both_languages_and_runs_nothing(village: Village) -> None:
    await talk(village)
    async with village.client("host") as host, village.client("ann") as ann:
        page, table = await host.get(f"{AT}/export.html"), await host.get(f"{AT}/export.csv")
        assert (await ann.get(f"{AT}/export.html")).json()["code"] == "forbidden"
    assert page.headers["content-disposition"] == "attachment"
    assert "<p>你好，欢迎</p>" in page.text
    assert "<p>Hello &amp; welcome</p>" in page.text
    assert page.text.rstrip().endswith("</html>")
    for forbidden in ("<script", "<b>", " src=", 'http-equiv="refresh', "url("):
        assert forbidden not in page.text
    rows = list(csv.reader(io.StringIO(table.text.removeprefix("\ufeff"))))
    header, *said = rows
    found = [dict(zip(header, row, strict=True)) for row in said]
    assert [(row["chinese"], row["english"]) for row in found] == [
        ("你好，欢迎", "Hello & welcome"),
        ("", ""),
        ("开门", "Doors"),
    ]
    assert found[1]["original"] == "'=1+1"


@pytest.mark.parametrize("cell", ["=A1", "+1", "-1", "@x", "\t=1", " =1", "＝1"])
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    assert harmless(cell) == "'" + cell
    assert harmless("A=1") == "A=1"


async def test_what_was_exported_and_imported_is_the_same(village: Village) -> None:
    await talk(village)
    before = await lines_of(village, ROOM)
    await village.service.create_room(HOST, CreateRoom(id=0, room="again", title="Again", once="made"))

    async def read() -> AsyncIterator[ExportLine]:
        for line in before:
            yield read_line(encode_line(line))

    for _ in range(2):  # an import that was cut off is begun anew
        imported = await import_lines(village.engine.log, "again", read())
    assert imported.complete
    after = await lines_of(village, "again")

    def messages(lines: list[ExportLine]) -> list[tuple[object, ...]]:
        said = [line for line in lines if isinstance(line, ExportedMessage)]
        places = {line.seq: number for number, line in enumerate(said)}
        return [
            (
                *(line.author, line.name, line.text, line.mentions, line.purpose, line.written_in, line.versions),
                None if line.reply_to is None else places[line.reply_to],
                [(edit.revision, edit.text) for edit in line.edits],
                line.translations,
                line.reactions,
            )
            for line in said
        ]

    assert len(messages(before)) == 3
    assert messages(after) == messages(before)
    assert isinstance(after[-1], ExportedEnd)
