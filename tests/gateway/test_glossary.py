"""A room's terms over REST."""

import httpx

from chat.events import TermChanged
from chat.wire import decode_event
from tests.gateway.rest import ROOM, Village, problem

TERM = f"/api/v1/rooms/{ROOM}/glossary/term"


async def test_terms_are_put_replaced_read_and_removed(village: Village, host: httpx.AsyncClient) -> None:
    hotpot, everywhere = {"source": "火锅/hot pot?", "language": "en-US"}, {"source": "emo"}
    assert (await host.put(TERM, params=hotpot, json={"target": "hotpot"})).status_code == 204
    assert (await host.put(TERM, params=everywhere, json={})).status_code == 204
    assert (await host.put(TERM, params=hotpot, json={"target": "hot pot", "note": "a dish"})).status_code == 204
    found = (await host.get(f"/api/v1/rooms/{ROOM}/glossary")).json()
    kept = {"source": "emo", "target": None, "language": "", "note": "", "added_by": "host"}
    dish = {"source": "火锅/hot pot?", "target": "hot pot", "language": "en", "note": "a dish", "added_by": "host"}
    assert sorted(found["terms"], key=lambda term: str(term["source"])) == [kept, dish]
    assert (found["room"], found["version"]) == (ROOM, (await village.engine.log.glossary(ROOM)).version)
    assert (await host.delete(TERM, params=hotpot)).status_code == 204
    assert problem(await host.delete(TERM, params=hotpot)) == (404, "message_not_found")
    assert (await host.get(f"/api/v1/rooms/{ROOM}/glossary")).json()["terms"] == [kept]


async def test_a_term_is_put_once_for_each_key(village: Village, host: httpx.AsyncClient) -> None:
    for _ in "ab":
        answer = await host.put(TERM, params={"source": "emo"}, json={}, headers={"idempotency-key": "emo-1"})
        assert answer.status_code == 204
    entries = await village.engine.log.read_after(ROOM, 0, 100)
    assert sum(isinstance(decode_event(entry.body), TermChanged) for entry in entries) == 1


async def test_terms_are_changed_by_moderators_and_read_by_members(village: Village, admin: httpx.AsyncClient) -> None:
    await village.with_member("ann")
    async with village.client("ann", name="Ann") as ann, village.client("eve", name="Eve") as eve:
        assert problem(await ann.put(TERM, params={"source": "a"}, json={})) == (403, "forbidden")
        assert problem(await ann.delete(TERM, params={"source": "a"})) == (403, "forbidden")
        assert (await ann.get(f"/api/v1/rooms/{ROOM}/glossary")).status_code == 200
        assert problem(await eve.get(f"/api/v1/rooms/{ROOM}/glossary")) == (404, "room_not_found")
    assert (await admin.put(TERM, params={"source": "a"}, json={})).status_code == 204
    assert problem(await admin.put(TERM, json={})) == (400, "malformed")
    assert problem(await admin.put(TERM, params={"source": "   "}, json={})) == (422, "nothing_to_say")
