"""What happens when somebody asks, on ports in memory: rooms, and the people who come and go."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from chat.commands import (
    CreateRoom,
    Join,
    Leave,
    MarkRead,
)
from chat.errors import ErrorCode, Rejected
from chat.events import Joined
from chat.frames import Person
from chat.ports import Roster
from chat.room import Caller
from tests.chat.service.world import GUEST, HOST, ROOM, STRANGER, World, refused, story


@story
async def test_creating_again_is_a_retry_with_the_same_key_and_a_refusal_with_another(world: World):
    command = CreateRoom(id=1, room=ROOM, title="地球村", once="c")
    assert (await world.service.create_room(HOST, command)).duplicate
    taken = CreateRoom(id=1, room=ROOM, title="地球村", once="d")
    assert await refused(world.service.create_room(HOST, taken)) is ErrorCode.ROOM_EXISTS


@story
async def test_two_devices_of_one_person_that_come_in_at_the_same_instant_join_once(world: World):
    """Both saw "not a member yet" and both wrote it down: the room read "Brecken joined" twice."""
    friend = Caller("friend", "Friend", {ROOM: "member"})
    first, second = await asyncio.gather(*(world.service.join(friend, Join(id=1, room=ROOM)) for _ in range(2)))
    assert first.member == second.member
    assert sum(isinstance(event, Joined) and event.user == "friend" for event in await world.log()) == 1


@story
async def test_who_left_may_come_back(world: World):
    for _ in range(3):
        await world.service.leave(GUEST, Leave(id=1, room=ROOM))
        assert await world.engine.log.member(ROOM, "guest") is None
        assert (await world.service.join(GUEST, Join(id=1, room=ROOM))).member.role == "guest"
    assert sum(isinstance(event, Joined) for event in await world.log()) == 4


@story
async def test_a_guest_walks_in_by_invitation_and_may_come_back_after_a_removal_with_another(world: World):
    for code in ("one", "two"):
        await world.service.invite(HOST, ROOM, role="guest", lives_s=60, uses=1, code=code)
        invite, name = await world.service.enter(code, "g1", " Zoë\n")
        assert (invite.room, name) == (ROOM, "Zoë")
        assert await world.engine.log.member(ROOM, "g1")
        await world.service.remove(HOST, ROOM, "g1")
    assert await refused(world.service.enter("two", "g2", "Max")) is ErrorCode.INVITE_INVALID


@story
async def test_an_invitation_ends(world: World):
    await world.service.invite(HOST, ROOM, role="guest", lives_s=60, uses=-1, code="c")
    await asyncio.sleep(59.9)
    await world.service.enter("c", "g1", "Max")
    await asyncio.sleep(0.2)
    assert await refused(world.service.enter("c", "g2", "Mia")) is ErrorCode.INVITE_INVALID


@story
async def test_nobody_invites_into_their_own_rank(world: World):
    def invite(caller: Caller, role: Any) -> Awaitable[object]:
        return world.service.invite(caller, ROOM, role=role, lives_s=60, uses=1, code="c")

    assert await refused(invite(HOST, "owner")) is ErrorCode.FORBIDDEN
    assert await refused(invite(GUEST, "guest")) is ErrorCode.FORBIDDEN
    assert await refused(invite(STRANGER, "guest")) is ErrorCode.ROOM_NOT_FOUND
    await invite(HOST, "moderator")


@story
async def test_an_invitation_that_raises_a_grant_is_spent(world: World):
    """With any grant in the token, an invitation gave its role and was not spent: one code made everybody a
    moderator."""
    await world.service.invite(HOST, ROOM, role="moderator", lives_s=60, uses=1, code="c")
    for user, role in (("a", "moderator"), ("b", "guest")):
        standing = await world.service.join(Caller(user, user, {ROOM: "guest"}), Join(id=1, room=ROOM, invite="c"))
        assert standing.member.role == role


@story
async def test_an_invitation_that_gives_no_more_than_the_token_is_kept(world: World):
    await world.service.invite(HOST, ROOM, role="guest", lives_s=60, uses=1, code="c")
    await world.service.join(Caller("a", "A", {ROOM: "member"}), Join(id=1, room=ROOM, invite="c"))
    await world.service.enter("c", "b", "B")


@story
async def test_a_read_marker_moves_forward_and_not_beyond_the_head(world: World):
    for seq, stands in ((1, 1), (99, 2), (1, 2)):
        assert await world.service.mark_read(GUEST, MarkRead(id=1, room=ROOM, seq=seq)) == stands
    assert (await world.service.standing(GUEST, ROOM)).read == 2
    assert (await world.service.standing(HOST, ROOM)).read == 0


@story
async def test_the_roll_is_called_over_all_gateways(world: World):
    def people(*names: str) -> tuple[Person, ...]:
        return tuple(Person(user=name, name=name.title(), languages=("en",)) for name in names)

    await world.engine.presence.report(ROOM, "g1", Roster(3, {("en",): 1, ("zh", "en"): 2}, people("c", "a")), 1000)
    await world.engine.presence.report(ROOM, "g2", Roster(1, {("en",): 1}, people("b")), 1000)
    roll = await world.service.people(GUEST, ROOM)
    assert (roll.total, roll.by_language, [one.user for one in roll.people]) == (4, {"en": 2, "zh": 2}, list("abc"))
    assert await refused(world.service.people(STRANGER, ROOM)) is ErrorCode.ROOM_NOT_FOUND


@story
async def test_a_room_keeps_the_one_owner_who_made_it(world: World):
    pretender = Caller("eve", "Eve", grants={ROOM: "owner"})
    standing = await world.service.join(pretender, Join(id=1, room=ROOM))
    assert standing.member.role == "moderator"
    administrator = Caller("backend", "Backend", administrator=True)
    with pytest.raises(Rejected) as refused:
        await world.service.admit(administrator, ROOM, "mallory", "Mallory", "owner")
    assert refused.value.code is ErrorCode.OWNER_MUST_STAY
