"""Stories of a room that is full, in virtual time, over three gateways: never more guests inside than there are seats,
first come first in, and who is lost for a moment keeps what they had."""

import asyncio
from collections.abc import Mapping, Sequence

from chat.commands import CreateRoom, Join, Leave
from chat.conduct import Conduct, row_of
from chat.errors import ErrorCode, Rejected
from chat.ids import Position
from chat.live_commands import Desk
from chat.live_events import ConductChanged
from chat.live_frames import WaitFrame
from chat.ports import SetRow
from chat.room import Caller
from chat.service import Standing
from chat.service.seating import Place
from chat.wire import Codec
from gateway.closing import CloseReason
from gateway.line import Line
from gateway.outbox import Outbox
from tests.support.fake_socket import FakeSocket
from tests.support.virtual_time import run
from tests.support.world import ROOM, Phone, World


class Village(World):
    """Everybody whose name begins with "g" is a guest."""

    def _verify(self, token: str) -> Caller:
        user, _, granted = token.partition("/")
        if granted != "member":
            raise Rejected(ErrorCode.UNAUTHENTICATED)
        return Caller(user, user.title(), {ROOM: "guest" if user.startswith("g") else "member"})

    async def seats(self, capacity: int, room: str = ROOM) -> None:
        conduct = Conduct(capacity=capacity)
        changed = ConductChanged(by="host", conduct=conduct)
        row = SetRow("conduct", "", row_of(conduct), rules=True)
        await self.engine.log.append(room, changed, once=f"seats-{capacity}", change=row)

    async def waiting(self) -> int:
        """As a moderator's desk tells it."""
        house = Caller("house", "House", administrator=True)
        return (await self.stations[0].gateway.service.desk(house, (), Desk(id=0, room=ROOM))).waiting

    def inside(self) -> set[str]:
        here = [station.gateway.hub.rooms.get(ROOM) for station in self.stations]
        return {seat.person.user for room in here if room is not None for seat in room.seats.values()}


def place(phone: Phone) -> int | None:
    assert phone.socket is not None
    told = [frame for frame in phone.socket.frames if isinstance(frame, WaitFrame)]
    return told[-1].place if told else None


def test_guests_come_in_as_they_came_and_keep_seat_and_place_for_a_while() -> None:
    async def story() -> None:
        async with Village(31) as world, asyncio.TaskGroup() as tasks:
            await world.seats(2)
            phones = [Phone(world, f"g{number}", "en") for number in range(5)]
            for phone in phones:
                tasks.create_task(phone.run())
                await asyncio.sleep(1)
            assert world.inside() == {"g0", "g1"}
            assert [place(phone) for phone in phones[2:]] == [1, 2, 3]
            member = Phone(world, "m", "en")
            tasks.create_task(member.run())
            await member.wait_until(lambda: member.position)
            assert world.inside() == {"g0", "g1", "m"}, "members need no seat"

            phones[0].lose_socket()  # a tunnel: back within seconds
            phones[2].lose_socket()
            await asyncio.sleep(50)
            assert world.inside() == {"g0", "g1", "m"}
            assert [place(phone) for phone in phones[2:]] == [1, 2, 3]

            phones[2].leave()  # gives up waiting: thirty seconds later the line moves
            await asyncio.sleep(35)
            assert [place(phone) for phone in phones[3:]] == [1, 2]

            phones[1].leave()
            await asyncio.sleep(50)
            assert world.inside() == {"g0", "m"}, "the seat is kept for a minute"
            await asyncio.sleep(40)
            assert world.inside() == {"g0", "g3", "m"}
            assert place(phones[4]) == 1

            await world.service().leave(Caller("g0", "G0", {ROOM: "guest"}), Leave(id=0, room=ROOM))
            await world.service().leave_seat(ROOM, "g0")
            phones[0].leave()
            await asyncio.sleep(5)
            assert world.inside() == {"g3", "g4", "m"}, "who leaves for good makes place at once"
            for phone in (*phones, member):
                phone.leave()

    run(story(), until_s=600)


def test_a_hundred_guests_before_ten_seats_all_come_in_and_never_more_than_ten_at_once() -> None:
    async def story() -> None:
        async with Village(32) as world, asyncio.TaskGroup() as tasks:
            await world.seats(10)
            phones = [Phone(world, f"g{number:03}", "en") for number in range(100)]
            came: list[str] = []

            async def visit(phone: Phone) -> None:
                task = asyncio.create_task(phone.run())
                await phone.wait_until(lambda: phone.position)
                came.append(phone.user)
                assert len(world.inside()) <= 10
                await asyncio.sleep(3)
                await world.service().leave_seat(ROOM, phone.user)
                phone.leave()
                await task

            for phone in phones:
                tasks.create_task(visit(phone))
                await asyncio.sleep(0.05)
        assert sorted(came) == [phone.user for phone in phones]
        late = [abs(position - int(user[1:])) for position, user in enumerate(came)]
        assert max(late) <= 10, "nobody waits for longer than those who came ten later"

    run(story(), until_s=3_600)


def test_a_higher_capacity_lets_them_in_and_none_lets_in_everybody() -> None:
    async def story() -> None:
        async with Village(33, gateways=1) as world, asyncio.TaskGroup() as tasks:
            await world.seats(1)
            phones = [Phone(world, f"g{number}", "en") for number in range(6)]
            for phone in phones:
                tasks.create_task(phone.run())
            await asyncio.sleep(3)
            assert len(world.inside()) == 1
            assert await world.waiting() == 5
            await world.seats(3)
            await asyncio.sleep(3)
            assert len(world.inside()) == 3
            assert await world.waiting() == 3
            await world.seats(0)
            await asyncio.sleep(3)
            assert len(world.inside()) == 6
            for phone in phones:
                phone.leave()

    run(story(), until_s=60)


def test_who_is_lost_while_walking_in_leaves_nobody_behind() -> None:
    """Their seat came while their connection was open, and was taken when it was gone: somebody whom no socket had any
    more stood in the room for ever, and kept the seat from everybody else."""

    async def story() -> None:
        async with Village(34, gateways=1) as world, asyncio.TaskGroup() as tasks:
            await world.seats(1)
            gateway = world.stations[0].gateway
            first, second, third = (Phone(world, user, "en") for user in ("g1", "g2", "g3"))
            tasks.create_task(first.run())
            await first.wait_until(lambda: first.position)
            tasks.create_task(second.run())
            await second.wait_until(lambda: second.socket and place(second))
            stands, walks = asyncio.Event(), asyncio.Event()
            standing = gateway.service.standing

            async def slow(caller: Caller, room: str) -> Standing:
                found = await standing(caller, room)
                stands.set()
                await walks.wait()
                return found

            gateway.service.standing = slow  # type: ignore[method-assign]  # an engine that takes its time
            await world.service().leave_seat(ROOM, "g1")
            first.leave()
            await stands.wait()
            second.leave()
            await asyncio.sleep(1)
            gateway.service.standing = standing  # type: ignore[method-assign]  # as it was
            walks.set()
            await asyncio.sleep(1)
            assert world.inside() == set()
            assert gateway.relay.position(ROOM) is None
            tasks.create_task(third.run())
            await third.wait_until(lambda: third.position)
            third.leave()

    run(story(), until_s=600)


def test_a_fault_in_walking_in_ends_one_connection_and_not_the_process() -> None:
    """The line of the whole process ended with it, and the process with the line."""

    async def story() -> None:
        async with Village(36, gateways=1) as world, asyncio.TaskGroup() as tasks:
            await world.seats(1)
            gateway = world.stations[0].gateway
            first, second, third = phones = [Phone(world, user, "en") for user in ("g1", "g2", "g3")]
            for phone in phones:
                tasks.create_task(phone.run())
                await asyncio.sleep(1)
            standing = gateway.service.standing

            async def broken(caller: Caller, room: str) -> Standing:
                gateway.service.standing = standing  # type: ignore[method-assign]  # as it was
                raise RuntimeError("nobody foresaw this")

            gateway.service.standing = broken  # type: ignore[method-assign]  # for one walk
            for phone, following in ((first, second), (second, third)):
                phone.leave()
                await world.service().leave_seat(ROOM, phone.user)
                await following.wait_until(lambda phone=following: phone.position)
            assert gateway.closes[CloseReason.INTERNAL.name] == 1
            assert second.connects == 2
            assert third.connects == 1
            third.leave()

    run(story(), until_s=600)


class Door:
    """Somebody before one room."""

    def __init__(self) -> None:
        self.outbox = Outbox(FakeSocket(Codec.MSGPACK), lambda reason: None)

    def send(self, frame: WaitFrame, /) -> None:
        """Told their place."""

    async def walk_in(self, room: str, position: Position | None, re: int) -> None:
        raise AssertionError("no seat becomes free in this story")


def test_the_last_who_waits_for_one_room_may_go_while_another_room_is_looked_at() -> None:
    """The line of the room they left was gone when its turn came, and the fault ended the process."""

    async def story() -> None:
        async with Village(35, gateways=1) as world:
            service = world.service()
            line = Line(service)
            rooms = (ROOM, "annex")
            owner = Caller("host", "Host", may_create=True)
            await service.create_room(owner, CreateRoom(id=0, room="annex", title="Annex", once="annex"))
            for room in rooms:
                await world.seats(1, room)
            doors = {room: Door() for room in rooms}
            for user in ("g1", "g2"):
                for room in rooms:
                    standing = await service.join(Caller(user, user, {room: "guest"}), Join(id=0, room=room))
                    door = doors[room] if user == "g2" else Door()
                    assert await line.admits(door, standing, None, 1) == (user == "g1")
            asked, answers, take_seats = asyncio.Event(), asyncio.Event(), service.take_seats

            async def slow(room: str, users: Sequence[str], capacity: int) -> Mapping[str, Place | None]:
                asked.set()
                await answers.wait()
                return await take_seats(room, users, capacity)

            service.take_seats = slow  # type: ignore[method-assign]  # an engine that takes its time
            running = asyncio.create_task(line.run())
            await asked.wait()
            line.left(doors["annex"], "annex")
            answers.set()
            await asyncio.sleep(5)
            assert not running.done()
            running.cancel()
            await asyncio.wait((running,))

    run(story(), until_s=60)
