"""Previews and suggestions of names over REST: for who may propose, a few a second, and nothing is written."""

import pytest

from gateway.naming import LOOKS_BURST, SUGGESTED
from tests.gateway.rest import ROOM, Village

PREVIEW = f"/api/v1/rooms/{ROOM}/naming/preview"
SUGGESTIONS = f"/api/v1/rooms/{ROOM}/naming/suggestions"


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
