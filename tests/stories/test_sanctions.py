"""What moderators decide about somebody holds on every way back in: open connections, resumes with a position, second
devices, REST, invitations and token grants, and whatever was under way when it was decided."""

import asyncio
import random

import pytest

from chat.commands import Hello, Join, Post, Resume
from chat.errors import ErrorCode
from chat.events import EVERYONE, Posted
from chat.frames import Ack, EntryFrame, ErrorFrame, RoomFrame, Welcome
from chat.ids import Position
from chat.live_commands import Sanction
from chat.live_events import SanctionAction
from chat.room import Caller
from chat.service import Standing
from chat.wire import decode_event
from tests.gateway.rest import HOST, ROOM
from tests.stories.test_surfaces import Client, House
from tests.support.virtual_time import run

BOB = Caller("bob", "Bob", {ROOM: "member"})
ACTIONS: tuple[SanctionAction, ...] = ("ban", "mute", "timeout", "shadow", "kick")
OUT = ("ban", "kick")
WAIT_S = 60


class Street(House):
    """Bob at two devices, Eve and Gil who listen, Mona who moderates."""

    async def open(self, seed: int) -> "Street":
        self.chance = random.Random(seed)
        self.running = asyncio.create_task(self.gateway.run())
        await self.village.opened()
        for user, role in (("bob", "member"), ("eve", "member"), ("gil", "guest"), ("mona", "moderator")):
            await self.enter(user, role)  # type: ignore[arg-type]  # roles
            await self.connect(user)
        await self.village.invited(code="INVITE23456", role="member")
        return self

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        for browser in self.browsers.values():
            await browser.aclose()

    async def hello(self, user: str, position: Position | None, *, granted: bool = False) -> tuple[Client, Welcome]:
        """Another socket, with what was seen so far."""
        client = Client(self.gateway, user)
        token = self.village.token(user, rooms={ROOM: "member"} if granted else None)
        rooms = (Resume(room=ROOM, position=position),)
        welcome = await client.do(Hello(id=0, token=token, languages=("en",), rooms=rooms))
        assert isinstance(welcome, Welcome | RoomFrame)
        found = next(frame for frame in client.socket.frames if isinstance(frame, Welcome))
        return client, found

    async def head(self) -> Position:
        state = await self.village.engine.log.state(ROOM)
        assert state is not None
        return state.head

    async def sanction(self, user: str, action: SanctionAction) -> int:
        seconds = WAIT_S if action == "timeout" else 0
        command = Sanction(id=0, room=ROOM, user=user, action=action, for_s=seconds, once=self.once())
        done = await self.village.service.moderate(HOST, command)
        assert done is not None
        return done.position.seq

    async def say(self, client: Client) -> object:
        once = self.once()
        return await client.do(Post(id=0, room=ROOM, text=f"said {once}", once=once))

    async def say_soon(self, client: Client) -> None:
        for _ in range(self.chance.randrange(10)):
            await asyncio.sleep(0)
        await self.say(client)

    async def heard_of_bob(self, after: int) -> list[tuple[int, str]]:
        """(seq, audience) of what Bob said behind this entry of the log."""
        entries = await self.village.engine.log.read_after(ROOM, after, 1000)
        events = [(entry, decode_event(entry.body)) for entry in entries]
        return [(e.seq, e.audience) for e, event in events if isinstance(event, Posted) and event.author == "bob"]

    def heard_by(self, user: str, after: int) -> list[int]:
        frames = (frame for frame in self.clients[user].socket.frames if isinstance(frame, EntryFrame))
        return [
            frame.seq
            for frame in frames
            if frame.seq > after and isinstance(frame.event, Posted) and frame.event.author == "bob"
        ]


@pytest.mark.parametrize("seed", range(20))
def test_no_way_back_in_is_heard(seed: int) -> None:
    async def story() -> None:
        action = ACTIONS[seed % len(ACTIONS)]
        street = await Street().open(seed)
        chance = street.chance
        before = await street.head()
        one = street.clients["bob"]
        two, _ = await street.hello("bob", before, granted=action != "kick")
        decided = 0

        async def decide() -> None:
            nonlocal decided
            for _ in range(chance.randrange(14)):
                await asyncio.sleep(0)
            decided = await street.sanction("bob", action)

        async def come_back() -> Client:
            for _ in range(chance.randrange(14)):
                await asyncio.sleep(0)
            return (await street.hello("bob", before))[0]

        async with asyncio.TaskGroup() as tasks:
            for client in (one, two, one, two):
                tasks.create_task(street.say_soon(client))
            tasks.create_task(street.rest("bob", "message", 0))
            tasks.create_task(decide())
            racing = tasks.create_task(come_back())
        await street.pass_time(1)
        raced = racing.result()
        for client in (one, two, raced):
            assert (ROOM in client.connection.rooms) == (action not in OUT), "connections that were open, or opening"
        await street.gateway.release(one.connection)
        again, welcome = await street.hello("bob", before)
        assert bool(welcome.refused) == (action in OUT)
        if action == "ban":
            for granted, invite in ((True, None), (True, "INVITE23456"), (False, "INVITE23456")):
                client, _ = await street.hello("bob", before, granted=granted)
                answer = await client.do(Join(id=0, room=ROOM, invite=invite))
                assert isinstance(answer, ErrorFrame)
                assert answer.code is ErrorCode.BANNED
                assert isinstance(await street.say(client), ErrorFrame)
        for client in (two, raced, again):
            answer = await street.say(client)
            assert isinstance(answer, Ack if action == "shadow" else ErrorFrame)
        assert (await street.rest("bob", "message", 0) is None) == (action == "shadow")
        eves = Post(id=0, room=ROOM, text="of others", once="eves")
        of_eve = (await street.village.service.post(Caller("eve", "Eve"), eves)).position.seq
        await street.pass_time(0.5)
        said = await street.heard_of_bob(decided)
        assert all(audience == "@bob" for _, audience in said)
        assert len(said) >= 4 if action == "shadow" else not said
        for user in ("eve", "gil"):
            assert not street.heard_by(user, decided), "nobody hears them"
        assert street.heard_by("mona", decided) == [seq for seq, _ in said], "moderators do"
        for client in (two, raced, again):
            assert client.heard({of_eve}) == (action not in OUT)
            for seq, _ in said[-4:]:  # those of after the reconnect
                assert client.heard({seq}), "they see what they write, on each of their devices"
        if action == "timeout":
            await street.pass_time(WAIT_S)
            assert isinstance(await street.say(again), Ack)
        if action == "kick":
            assert isinstance(await again.do(Join(id=0, room=ROOM, invite="INVITE23456")), RoomFrame)
            assert isinstance(await street.say(again), Ack)
        await street.pass_time(0.5)
        if action in ("timeout", "kick"):
            [(seq, audience)] = await street.heard_of_bob(decided)
            assert audience == EVERYONE
            assert street.heard_by("eve", decided) == [seq]
        await street.close()

    run(story(), until_s=1e5)


@pytest.mark.parametrize("seed", range(8))
def test_who_moderates_hears_it_from_then_on_and_no_longer(seed: int) -> None:
    """Also somebody whose connection is just coming in when it is decided."""

    async def story() -> None:
        street = await Street().open(seed)
        service, chance = street.village.service, street.chance
        await street.sanction("bob", "shadow")
        coming: list[Client] = []

        async def come() -> None:
            for _ in range(chance.randrange(14)):
                await asyncio.sleep(0)
            coming.append((await street.hello("eve", None))[0])

        for role, hears in (("moderator", True), ("member", False)):
            async with asyncio.TaskGroup() as tasks:
                for _ in range(4):
                    tasks.create_task(come())
                for _ in range(chance.randrange(14)):
                    await asyncio.sleep(0)
                await service.admit(HOST, ROOM, "eve", "Eve", role)  # type: ignore[arg-type]  # roles
            await street.pass_time(0.5)
            after = (await street.head()).seq
            await street.say(street.clients["bob"])
            await street.pass_time(0.5)
            [(seq, _)] = await street.heard_of_bob(after)
            for client in (street.clients["eve"], *coming):
                assert client.heard({seq}) == hears
        await street.close()

    run(story())


@pytest.mark.parametrize("away", [False, True])
def test_who_is_removed_while_coming_in_is_not_let_in(away: bool) -> None:
    """Removed, or gone by themselves on another device, after their standing was read and before they had a seat: their
    connection heard the room for as long as it was open. `away`: nobody else of the room is on this gateway."""

    async def story() -> None:
        street = await Street().open(1)
        if away:
            for client in street.clients.values():
                await street.gateway.release(client.connection)
        service = street.gateway.service
        stands, goes, standing = asyncio.Event(), asyncio.Event(), service.standing

        async def slow(caller: Caller, room: str) -> Standing:
            found = await standing(caller, room)
            stands.set()
            await goes.wait()
            return found

        service.standing = slow  # type: ignore[method-assign]  # an engine that takes its time
        coming = asyncio.create_task(street.hello("bob", None))
        await stands.wait()
        await service.remove(HOST, ROOM, "bob")
        await street.pass_time(2)
        goes.set()
        client, welcome = await coming
        assert [refused.code for refused in welcome.refused] == [ErrorCode.NOT_A_MEMBER]
        eves = Post(id=0, room=ROOM, text="of others", once="eves")
        of_eve = (await service.post(Caller("eve", "Eve"), eves)).position.seq
        await street.pass_time(0.5)
        assert not client.heard({of_eve})
        await street.close()

    run(story())
