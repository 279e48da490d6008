"""The table of who is heard, through both doors at once: REST and the WebSocket, over one service, one engine and one
gateway in memory. Each cell has the same verdict and code, and reaches exactly those whom it is for."""

import asyncio
import random
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import structs

from chat.commands import Command, Edit, Hello, Join, MarkRead, Post, React, Resume, Suggest, Typing, Vote
from chat.conduct import Conduct
from chat.errors import ErrorCode
from chat.events import Role
from chat.frames import Ack, EntryFrame, ErrorFrame, TypingFrame
from chat.live_commands import Ask, Sanction, SetConduct
from chat.live_events import HeldBack
from chat.room import Caller
from chat.wire import Codec, decode_event
from gateway.clock import Clock
from gateway.gateway import Gateway
from tests.gateway.rest import HOST, ROOM, Village
from tests.support.conduct_table import MODES, STANDINGS, code_of, expected
from tests.support.fake_socket import FakeSocket
from tests.support.virtual_time import run

ROLES: dict[str, Role] = {"moderator": "moderator", "member": "member", "guest": "guest"}


class Client:
    """One member at a socket."""

    def __init__(self, gateway: Gateway, user: str) -> None:
        self.user = user
        self.socket = FakeSocket(Codec.MSGPACK)
        self.connection = gateway.open(self.socket, Codec.MSGPACK, user)
        self.socket.connection = self.connection
        self._ids = 0
        self._turn = asyncio.Lock()

    async def do(self, command: Command) -> Any:
        """What the server answered."""
        async with self._turn:  # as a socket: one after the other
            self._ids += 1
            await self.connection.receive(msgspec.msgpack.encode(structs.replace(command, id=self._ids)))
            return next(frame for frame in reversed(self.socket.frames) if getattr(frame, "re", None) == self._ids)

    def heard(self, seqs: set[int]) -> bool:
        return any(isinstance(frame, EntryFrame) and frame.seq in seqs for frame in self.socket.frames)


class House:
    """A room with a member of every role and standing, each at a socket and with a token for REST."""

    def __init__(self) -> None:
        self.village = village = Village()
        loop = asyncio.get_running_loop()
        clock = Clock(loop.time, lambda: village.now_ms, random.Random(1).random)
        self.feed = village.engine.new_feed()
        self.gateway = Gateway(village.service, self.feed, verify=village.keys.verify, name="g", clock=clock)
        self.clients: dict[str, Client] = {}
        self.browsers: dict[str, httpx.AsyncClient] = {}
        self.ids = 0

    def once(self) -> str:
        self.ids += 1
        return f"o{self.ids}"

    async def pass_time(self, seconds: float) -> None:
        self.village.now_ms += round(seconds * 1000)
        await asyncio.sleep(seconds)

    async def enter(self, user: str, role: Role) -> None:
        await self.village.service.join(Caller(user, user.title(), {ROOM: role}), Join(id=0, room=ROOM))

    async def connect(self, user: str) -> None:
        client = self.clients[user] = Client(self.gateway, user)
        hello = Hello(id=0, token=self.village.token(user), languages=("en",), rooms=(Resume(room=ROOM),))
        await client.do(hello)
        self.browsers[user] = self.village.client(user)

    async def rest(self, user: str, way: str, of: int) -> ErrorCode | None:
        """What is said over HTTP: the code of the refusal, None when it was done."""
        client, headers = self.browsers[user], {"idempotency-key": self.once()}
        base = f"/api/v1/rooms/{ROOM}"
        match way:
            case "message":
                answer = await client.post(f"{base}/messages", json={"text": f"new {self.ids}"}, headers=headers)
            case "ask":
                answer = await client.post(f"{base}/questions", json={"text": f"why {self.ids}?"}, headers=headers)
            case _:
                answer = await client.put(f"{base}/questions/{of}/vote", json={"on": True}, headers=headers)
        if answer.is_success:
            return None
        return ErrorCode(answer.json()["code"])


def verdict(found: list[tuple[str, object]]) -> str:
    kinds = {"held" if isinstance(event, HeldBack) else "heard" if not to else "alone" for to, event in found}
    return "held" if "held" in kinds else kinds.pop() if kinds else "refused"


@pytest.mark.parametrize("mode", MODES)
def test_the_table_through_both_doors(mode: str) -> None:
    async def story() -> None:
        house = House()
        village, service = house.village, house.village.service
        await village.opened()
        running = asyncio.create_task(house.gateway.run())
        cells = [("owner", "free", HOST.user)]
        for role in ROLES:
            cells += [(role, standing, f"{role}-{standing.replace(' ', '-')}") for standing in STANDINGS]
        for role, _, user in cells[1:]:
            await house.enter(user, ROLES[role])
        for user, as_role in (("eve", "member"), ("gil", "guest"), ("mona", "moderator")):
            await house.enter(user, as_role)  # type: ignore[arg-type]  # roles
        await house.pass_time(700)
        eve = Caller("eve", "Eve")
        said = await service.post(eve, Post(id=0, room=ROOM, text="anchor", once="anchor"))
        anchor = said.position.seq
        suggest = Suggest(id=0, room=ROOM, of=anchor, language="zh", text="锚", once="s")
        suggested = (await service.suggest(eve, suggest)).position.seq
        question = (await service.on_stage(eve, Ask(id=0, room=ROOM, text="when?", once="q"))).position.seq  # type: ignore[union-attr]  # asked
        own: dict[str, int] = {}
        for _, _, user in cells:
            post = Post(id=0, room=ROOM, text=f"old of {user}", once=house.once())
            own[user] = (await service.post(Caller(user, user.title()), post)).position.seq
            await house.connect(user)
        for user in ("eve", "gil", "mona"):
            await house.connect(user)
        await service.moderate(HOST, SetConduct(id=0, room=ROOM, conduct=MODES[mode][0], once=house.once()))
        for _, standing, user in cells:
            action, outcome = STANDINGS[standing]
            if outcome != "as the mode says":
                seconds = 86_400 if action == "timeout" else 0
                sanction = Sanction(id=0, room=ROOM, user=user, action=action, for_s=seconds, once=house.once())
                await service.moderate(HOST, sanction)
        await house.pass_time(0.1)
        for _, standing, user in cells:
            connection = house.clients[user].connection
            assert (ROOM not in connection.rooms) == (STANDINGS[standing][1] == "out"), "who is out has left here too"

        async def check(role: str, standing: str, user: str, way: str, door: str, command: Command | None) -> None:
            state = await village.engine.log.state(ROOM)
            assert state is not None
            for client in house.clients.values():
                client.socket.frames.clear()
            cell = (mode, role, standing, way, door)
            code: ErrorCode | None
            if command is None:
                code = await house.rest(user, way, question)
            else:
                answer = await house.clients[user].do(command)
                assert isinstance(answer, Ack | ErrorFrame), cell
                code = answer.code if isinstance(answer, ErrorFrame) else None
            await asyncio.sleep(0.02)
            entries = await village.engine.log.read_after(ROOM, state.head.seq, 10)
            outcome = expected(mode, role, standing, way)
            assert (code is None) == (outcome != "refused"), (cell, code)
            if code is not None:
                assert code is code_of(mode, standing, way), (cell, code)
            seqs = {entry.seq for entry in entries}
            if way == "typing":
                got = {
                    each.user
                    for each in house.clients.values()
                    if any(isinstance(frame, TypingFrame) and frame.user == user for frame in each.socket.frames)
                }
                if mode != "live" or outcome != "heard":
                    assert bool(got - {user}) == (outcome == "heard"), cell
                return
            if door == "rest" and way == "act":  # a vote: told as a count, to nobody by itself
                assert bool(entries) == (outcome != "refused"), cell
                assert not any(each.heard(seqs) for each in house.clients.values()), cell
                return
            assert verdict([(entry.audience, decode_event(entry.body)) for entry in entries]) == outcome, cell
            heard_by = {each.user for each in house.clients.values() if each.heard(seqs)}
            inside = {each.user for each in house.clients.values() if ROOM in each.connection.rooms}
            hosts = {each for each in inside if each.startswith("moderator") or each in (HOST.user, "mona")}
            for_whom = {"heard": inside, "alone": hosts | {user}, "held": hosts, "refused": set[str]()}[outcome]
            assert heard_by <= for_whom, (cell, heard_by - for_whom)
            if mode != "live" or way == "message":  # reactions to a crowd are told as counts
                assert heard_by == for_whom, (cell, for_whom - heard_by)

        for role, standing, user in cells:
            for way in ("message", "ask", "act"):
                await check(role, standing, user, way, "rest", None)
        await house.pass_time(31)
        for role, standing, user in cells:
            n = house.once()
            commands: list[tuple[str, Command]] = [
                ("message", Post(id=0, room=ROOM, text=f"new {n}", once=n)),
                ("edit", Edit(id=0, room=ROOM, of=own[user], text=f"other {n}", once=f"e{n}")),
                ("line", Suggest(id=0, room=ROOM, of=anchor, language="zh", text=f"船锚{n}", once=f"s{n}")),
                ("act", React(id=0, room=ROOM, of=anchor, emoji="👍", on=True, once=f"r{n}")),
                ("act", Vote(id=0, room=ROOM, of=anchor, suggestion=suggested, once=f"v{n}")),
                ("ask", Ask(id=0, room=ROOM, text=f"why {n}?", once=f"q{n}")),
                ("typing", Typing(id=0, room=ROOM)),
            ]
            for way, command in commands:
                await check(role, standing, user, way, "websocket", command)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for browser in house.browsers.values():
            await browser.aclose()

    run(story(), until_s=1e6)


@pytest.mark.parametrize("kind", ["group", "live"])
def test_a_live_room_knows_no_typing_and_no_read_markers(kind: str) -> None:
    async def story() -> None:
        house = House()
        service = house.village.service
        await house.village.opened()
        running = asyncio.create_task(house.gateway.run())
        for user in ("eve", "gil"):
            await house.enter(user, "member")
            await house.connect(user)
        conduct = Conduct(kind=kind)  # type: ignore[arg-type]  # one of the two
        await service.moderate(HOST, SetConduct(id=0, room=ROOM, conduct=conduct, once=house.once()))
        await house.pass_time(1)
        for command in (Typing(id=0, room=ROOM), MarkRead(id=0, room=ROOM, seq=2)):
            assert isinstance(await house.clients["eve"].do(command), Ack)
        await house.pass_time(1)
        told = any(isinstance(frame, TypingFrame) for frame in house.clients["gil"].socket.frames)
        marker = await service.log.read_marker(ROOM, "eve")
        assert (told, marker) == ((True, 2) if kind == "group" else (False, 0))
        running.cancel()

    run(story())


def test_who_types_is_called_what_the_room_let_in() -> None:
    """A hello may bring any name, where the token has none."""

    async def story() -> None:
        house = House()
        await house.village.opened()
        running = asyncio.create_task(house.gateway.run())
        for user in ("eve", "gil"):
            await house.enter(user, "member")
        await house.connect("gil")
        elsewhere = Client(house.gateway, "eve")
        await elsewhere.do(Hello(id=0, token=house.village.token("eve"), languages=("en",), name="BUY SPAM"))
        assert isinstance(await elsewhere.do(Typing(id=0, room=ROOM)), Ack)
        await house.pass_time(1)
        told = [frame.name for frame in house.clients["gil"].socket.frames if isinstance(frame, TypingFrame)]
        assert told == ["Eve"]
        running.cancel()

    run(story())
