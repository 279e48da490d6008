"""Previews and suggestions of names over REST: for who may propose, a few a second, and nothing is written."""

import pytest

from chat.commands import Remark, SetName
from chat.limits import FOUND_MAX
from chat.room import Caller
from gateway.naming import LOOKS_BURST, SUGGESTED
from tests.gateway.rest import HOST, ROOM, Village

PREVIEW = f"/api/v1/rooms/{ROOM}/naming/preview"
SUGGESTIONS = f"/api/v1/rooms/{ROOM}/naming/suggestions"
NAMES = f"/api/v1/rooms/{ROOM}/names"
SEARCH = f"{NAMES}/search"


@pytest.fixture
async def village() -> Village:
    village = await Village().opened()
    await village.with_member("brecken", "guest")
    return village


async def test_a_preview_tells_what_the_proposal_would(village: Village) -> None:
    before = await village.engine.log.state(ROOM)
    async with village.client("host") as host:
        answer = await host.get(PREVIEW, params={"text": "白睿康", "user": "brecken"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["script"], found["romanisation"]) == ("han", "Bái Ruìkāng")
    assert [one["reading"] for one in found["glosses"]] == ["bái", "ruì", "kāng"]
    assert found["sound"] > 0
    assert await village.engine.log.state(ROOM) == before


async def test_what_speaks_against_a_name_is_in_its_preview(village: Village) -> None:
    async with village.client("host") as host:
        answer = await host.get(PREVIEW, params={"text": "白死", "user": "brecken"})
    assert "blocked" in [one["kind"] for one in answer.json()["findings"]]


@pytest.mark.parametrize("text", ["白 Rui", "123", "<b>", "好" * 9])
async def test_what_is_no_name_has_no_preview(village: Village, text: str) -> None:
    async with village.client("host") as host:
        answer = await host.get(PREVIEW, params={"text": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "name_invalid")


async def test_the_same_seed_gives_the_same_five_and_another_gives_others(village: Village) -> None:
    async with village.client("brecken") as brecken:
        answers = [(await brecken.get(SUGGESTIONS, params={"seed": seed})).json()["names"] for seed in (0, 0, 1)]
    first, again, others = ([one["text"] for one in answer] for answer in answers)
    assert len(first) == SUGGESTED
    assert first == again
    assert first != others
    assert all(one["why_zh"] and one["why_en"] and one["romanisation"] for one in answers[0])


async def test_a_name_that_is_in_letters_already_gets_no_english_ones(village: Village) -> None:
    async with village.client("brecken") as brecken:
        answer = await brecken.get(SUGGESTIONS, params={"script": "latin"})
    assert answer.json() == {"names": []}


@pytest.mark.parametrize("path", [PREVIEW + "?text=白睿康", SUGGESTIONS])
async def test_strangers_learn_nothing(village: Village, path: str) -> None:
    async with village.client("stranger") as stranger:
        assert (await stranger.get(path)).json()["code"] == "room_not_found"
    async with village.client("host") as host:
        separator = "&" if "?" in path else "?"
        assert (await host.get(f"{path}{separator}user=nobody")).json()["code"] == "not_a_member"


async def test_previews_are_bounded_for_each_member(village: Village) -> None:
    async with village.client("brecken") as brecken, village.client("host") as host:
        codes = [(await brecken.get(PREVIEW, params={"text": "白"})).status_code for _ in range(LOOKS_BURST + 1)]
        refused = await brecken.get(PREVIEW, params={"text": "白"})
        other = await host.get(PREVIEW, params={"text": "白"})
    assert codes == [200] * LOOKS_BURST + [429]
    assert refused.json()["retry_after_ms"] > 0
    assert other.status_code == 200


async def test_the_whole_name_as_newspapers_write_it_where_asked(village: Village) -> None:
    async with village.client("brecken") as brecken:
        plain, full = [
            (await brecken.get(SUGGESTIONS, params=asked)).json()["names"][0] for asked in ({}, {"full": "true"})
        ]
    assert (plain["full"], full["full"]) == ("", "布雷肯")
    assert full["full_romanisation"] == "Bùléikěn"
    assert full["text"] == plain["text"]


async def test_all_names_of_all_people_in_pages_with_the_callers_own_remarks(village: Village) -> None:
    brecken = Caller("brecken", "Brecken")
    for text, once in (("白睿康", "n1"), ("Breck", "n2")):
        await village.service.ceremony(brecken, SetName(id=0, room=ROOM, text=text, once=once))
    await village.service.remark(HOST, Remark(id=0, room=ROOM, user="brecken", text="吉他手"))
    async with village.client("host") as host, village.client("brecken") as guest:
        whole = (await host.get(NAMES)).json()
        pages = [(await host.get(NAMES, params={"limit": 1, "after": after})).json() for after in ("", "brecken")]
        theirs = (await guest.get(NAMES)).json()["people"]
    assert [one["user"] for one in whole["people"]] == ["brecken", "host"]
    assert [name["text"] for name in whole["people"][0]["names"]] == ["Breck", "白睿康"]
    assert whole["people"][0]["remark"] == "吉他手"
    assert theirs[0]["remark"] == ""
    assert [one for page in pages for one in page["people"]] == whole["people"]
    assert [page["more"] for page in pages] == [True, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("白睿", ["brecken"]), ("bairui", ["brecken"]), ("bái ruì", ["brecken"]), ("ba\u0301i", ["brecken"]),
        ("brk", ["brecken"]), ("Breck", ["brecken"]), ("jose", ["jose"]), ("José", ["jose"]), ("zengyue", ["zeng"]),
        ("zy", ["zeng"]), ("nobody", []),
    ],
)  # fmt: skip
async def test_people_are_searched_by_any_name_pinyin_or_initials(
    village: Village, query: str, found: list[str]
) -> None:
    """曾乐 is read Zēng Yuè by the one who is called so: what they said counts, not what is usual."""
    for user, name, given, pinyin in (
        ("brecken", "Brecken", "白睿康", None), ("jose", "José", "何赛", None), ("zeng", "Lee", "曾乐", "zēng yuè"),
    ):  # fmt: skip
        if user != "brecken":
            await village.with_member(user, "guest", name)
        command = SetName(id=0, room=ROOM, text=given, pinyin=pinyin, once="n")
        await village.service.ceremony(Caller(user, name), command)
    async with village.client("host") as host:
        answer = (await host.get(SEARCH, params={"query": query})).json()
    assert [one["user"] for one in answer["people"]] == found


async def test_what_a_search_finds_comes_in_bounded_pages(village: Village) -> None:
    for number in range(FOUND_MAX + 5):
        await village.with_member(f"ann{number:02}", "guest", f"Ann {number:02}")
    async with village.client("host") as host:
        first = (await host.get(SEARCH, params={"query": "ann"})).json()
        rest = (await host.get(SEARCH, params={"query": "ann", "skip": FOUND_MAX})).json()
        refused = await host.get(SEARCH, params={"query": "ann", "limit": FOUND_MAX + 1})
    users = [one["user"] for page in (first, rest) for one in page["people"]]
    assert users == [f"ann{number:02}" for number in range(FOUND_MAX + 5)]
    assert (first["more"], rest["more"]) == (True, False)
    assert refused.status_code == 400


@pytest.mark.parametrize("path", [NAMES, SEARCH + "?query=a"])
async def test_a_stranger_finds_nobody(village: Village, path: str) -> None:
    async with village.client("stranger") as stranger:
        assert (await stranger.get(path)).json()["code"] == "room_not_found"
