"""Invitations over REST: made, used up, revoked, and where their links lead."""

import httpx

from tests.gateway.rest import ROOM, Village, entered, problem


async def test_an_invitation_is_made_used_up_and_revoked(
    village: Village, host: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    made = await host.post(f"/api/v1/rooms/{ROOM}/invites", json={"uses": 1, "lives_s": 60})
    assert made.status_code == 201
    invite = made.json()
    assert invite["link"] == f"http://village.test/#/i/{invite['code']}"
    assert (invite["role"], invite["uses_left"]) == ("guest", 1)
    assert (await entered(anybody, invite=invite["code"])).status_code == 200
    assert problem(await entered(anybody, invite=invite["code"])) == (403, "invite_invalid")
    other = (await host.post(f"/api/v1/rooms/{ROOM}/invites", json={})).json()
    assert other["uses_left"] is None
    await village.with_member("ann", "member")
    async with village.client("ann") as ann, village.client("stranger") as stranger:
        assert problem(await ann.delete(f"/api/v1/invites/{other['code']}")) == (403, "forbidden")
        assert problem(await stranger.delete(f"/api/v1/invites/{other['code']}")) == (404, "room_not_found")
        assert problem(await ann.post(f"/api/v1/rooms/{ROOM}/invites", json={})) == (403, "forbidden")
    assert (await host.delete(f"/api/v1/invites/{other['code']}")).status_code == 204
    assert problem(await anybody.get(f"/api/v1/invites/{other['code']}")) == (403, "invite_invalid")
    assert problem(await host.delete(f"/api/v1/invites/{other['code']}")) == (403, "invite_invalid")


async def test_nobody_invites_into_a_rank_of_their_own(village: Village) -> None:
    await village.with_member("mod", "moderator")
    async with village.client("mod") as client:
        path = f"/api/v1/rooms/{ROOM}/invites"
        assert problem(await client.post(path, json={"role": "moderator"})) == (403, "forbidden")
        assert (await client.post(path, json={"role": "member"})).status_code == 201


async def test_links_lead_to_the_public_address() -> None:
    village = await Village(public_url="https://chat.example.org").opened()
    async with village.client("host") as host:
        made = (await host.post(f"/api/v1/rooms/{ROOM}/invites", json={})).json()
    assert made["link"].startswith("https://chat.example.org/#/i/")
