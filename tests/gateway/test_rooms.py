"""Rooms and their members over REST."""

import httpx

from tests.gateway.rest import ROOM, Village, problem


async def test_a_backend_makes_a_room_once(village: Village) -> None:
    async with village.client("maker", create=True) as maker, village.client("plain") as plain:
        body = {"room": "tea-house", "title": "茶馆"}
        made = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "k1"})
        assert made.status_code == 201
        assert made.json()["title"] == "茶馆"
        assert (made.json()["members"], made.json()["head"][1]) == (1, 1)
        again = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "k1"})
        assert (again.status_code, again.json()) == (201, made.json())
        assert problem(await maker.post("/api/v1/rooms", json=body)) == (409, "room_exists")
        assert problem(await plain.post("/api/v1/rooms", json={**body, "room": "x"})) == (403, "forbidden")
        bad_key = await maker.post("/api/v1/rooms", json=body, headers={"idempotency-key": "a b"})
        assert problem(bad_key) == (400, "malformed")
        assert (await maker.get("/api/v1/rooms/tea-house")).json() == made.json()
        assert problem(await plain.get("/api/v1/rooms/tea-house")) == (404, "room_not_found")
        assert problem(await plain.get("/api/v1/rooms/none")) == (404, "room_not_found")


async def test_only_an_administrator_lists_rooms_in_pages(
    village: Village, host: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    for number in range(5):
        await admin.post("/api/v1/rooms", json={"room": f"r{number}", "title": "R"})
    assert problem(await host.get("/api/v1/rooms")) == (403, "forbidden")
    seen: list[str] = []
    more = True
    while more:
        page = (await admin.get("/api/v1/rooms", params={"limit": 4, "after": seen[-1] if seen else ""})).json()
        seen += [room["room"] for room in page["rooms"]]
        more = page["more"]
    assert seen == [ROOM, "r0", "r1", "r2", "r3", "r4"]


async def test_members_come_change_and_go(village: Village, host: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    path = f"/api/v1/rooms/{ROOM}/members"
    ann = {"user": "ann", "name": "Ann", "role": "member"}
    assert (await admin.put(f"{path}/ann", json={"name": "Ann"})).json() == ann
    assert (await admin.put(f"{path}/ann", json={"name": "Ann"})).json() == ann
    assert (await host.put(f"{path}/ann", json={"name": "Ann", "role": "moderator"})).json()["role"] == "moderator"
    assert problem(await host.put(f"{path}/bob", json={"name": "Bob"})) == (403, "not_a_member")
    assert problem(await admin.put(f"{path}/host", json={"name": "Host"})) == (409, "owner_must_stay")
    assert problem(await admin.put(f"{path}/x", json={"name": "X", "role": "owner"})) == (400, "malformed")
    async with village.client("ann") as client:
        listed = (await client.get(path)).json()
        assert [member["user"] for member in listed["members"]] == ["ann", "host"]
        assert listed["more"] is False
        paged = (await client.get(path, params={"limit": 1})).json()
        assert (len(paged["members"]), paged["more"]) == (1, True)
        assert problem(await client.delete(f"{path}/host")) == (403, "forbidden")
        assert (await client.delete(f"{path}/ann")).status_code == 204
        assert problem(await client.get(path)) == (404, "room_not_found")
    assert problem(await host.delete(f"{path}/host")) == (409, "owner_must_stay")
    assert problem(await host.delete(f"{path}/nobody")) == (403, "not_a_member")
