"""The public client against a scripted server: a cut connection is replaced, and what was under way goes on."""

import asyncio

import pytest
from msgspec import structs
from websockets.asyncio.server import ServerConnection, serve
from websockets.protocol import State

from chat.client import (
    Arrived,
    Client,
    Closed,
    Connected,
    Disconnected,
    Recovered,
    Refused,
    RoomLost,
    Standing,
    Unanswered,
)
from chat.commands import Hello, Join, Leave, Post, SetLanguages
from chat.errors import ErrorCode
from chat.events import CeremonyOpened
from chat.frames import (
    Ack,
    CeremonyView,
    Closing,
    RoomRefused,
)
from chat.ids import Position
from tests.chat.client.scripted import (
    EPOCH,
    ROOM,
    ScriptedServer,
    client,
    connected,
    entry,
    error,
    in_room,
    room_frame,
    until,
    until_seq,
    welcome,
)


async def test_a_cut_connection_resumes_behind_the_last_entry(server: ScriptedServer) -> None:
    async with in_room(server, head=10) as (made, talk):
        items = made.events()
        await talk.say(entry(11), entry(12))
        assert await until_seq(items, 12) == [11, 12]
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        assert hello.rooms[0].position == Position(EPOCH, 12)
        await again.say(room_frame(hello.id, 14), entry(13), welcome(hello.id), entry(14))
        found = await until(items, lambda item: isinstance(item, Arrived) and item.position.seq == 14)
        assert [type(item).__name__ for item in found] == [
            "Disconnected",
            "Recovered",
            "Standing",
            "Arrived",
            "Connected",
            "Arrived",
        ]
        assert Recovered(ROOM, Position(EPOCH, 12), Position(EPOCH, 14)) in found


async def test_ceremonies_that_go_on_are_told_with_the_room_and_again_after_a_reconnect(server: ScriptedServer) -> None:
    """Votes are entries that nobody receives: what was missed of a ceremony is in no entry, only in the room frame."""
    opened = CeremonyOpened(
        nominee="b", nominee_name="B", by="b", name="B", script="han", window_s=60, consented=True, consent_s=0
    )
    view = CeremonyView(
        of=9, opened=opened, consented=True, closes_at_ms=1, chooses_until_ms=2, proposals=(), voters=3, mine=None
    )
    async with connected(server) as (made, talk):
        joining = asyncio.ensure_future(made.join(ROOM))
        join = await talk.hear(Join)
        await talk.say(structs.replace(room_frame(join.id, 10), ceremonies=(view,)))
        await joining
        await talk.cut()
        again = await server.next()
        await again.resume(14, entry(15))
        told = await until(made.events(), lambda item: isinstance(item, Arrived))
    assert [item for item in told if isinstance(item, Standing)] == [Standing(ROOM, (view,)), Standing(ROOM, ())]


async def test_entries_repeated_by_a_resume_are_heard_once(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        items = made.events()
        await talk.say(entry(1), entry(2), entry(2), entry(1), entry(3))
        assert await until_seq(items, 3) == [1, 2, 3]
        await talk.cut()
        again = await server.next()
        hello = await again.hear(Hello)
        await again.say(room_frame(hello.id, 4), entry(2), entry(3), welcome(hello.id), entry(4))
        assert await until_seq(items, 4) == [4]
        assert made.statistics()["doubled"] == 4


async def test_the_same_once_key_is_repeated_until_the_ack(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        keys = [(await talk.hear(Post)).once]
        for _ in range(2):
            await talk.cut()
            talk = await server.next()
            await talk.welcome()
            command = await talk.hear(Post)
            keys.append(command.once)
        await talk.say(Ack(re=command.id, position=Position(EPOCH, 1)))
        assert await posting == Position(EPOCH, 1)
        assert len(set(keys)) == 1
        assert made.statistics()["repeated"] == 2


async def test_a_command_between_the_cut_and_its_discovery_waits_for_the_next_connection(
    server: ScriptedServer,
) -> None:
    """A post fell into the moment when the socket was closed and the client's own task had not been told. It asked
    again without ever waiting, the loop span for ever, and the task was never told."""
    async with connected(server) as (made, talk):
        socket = made._link.socket
        assert socket is not None
        posting = None
        await talk.cut()
        while posting is None:
            await asyncio.sleep(0)
            if socket.state is not State.OPEN:
                posting = asyncio.ensure_future(made.post(ROOM, "hi"))
                assert made._link.socket is socket  # not discovered yet, or this test tests nothing
        again = await server.next()
        await again.welcome()
        command = await again.hear(Post)
        await again.say(Ack(re=command.id, position=Position(EPOCH, 1)))
        await posting


async def test_a_server_that_asks_for_time_is_given_it_and_asked_again(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        loop = asyncio.get_running_loop()
        posting = asyncio.ensure_future(made.post(ROOM, "hi"))
        first = await talk.hear(Post)
        await talk.say(error(first.id, ErrorCode.UNAVAILABLE, retry_after_ms=40))
        began = loop.time()
        second = await talk.hear(Post)
        assert loop.time() - began >= 0.035
        assert second.once == first.once
        assert second.id != first.id
        await talk.say(Ack(re=second.id, position=Position(EPOCH, 1)))
        await posting


async def test_a_post_without_answer_ends_at_its_deadline_and_tells_its_key(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        with pytest.raises(Unanswered) as unanswered:
            await made.post(ROOM, "hi", once="k1", within_s=0.05)
        assert unanswered.value.once == "k1"
        late = await talk.hear(Post)
        repeating = asyncio.ensure_future(made.post(ROOM, "hi", once="k1"))
        repeated = await talk.hear(Post)
        await talk.say(Ack(re=late.id, position=Position(EPOCH, 1)), Ack(re=repeated.id, position=Position(EPOCH, 1)))
        assert await repeating == Position(EPOCH, 1)
        assert made.statistics()["late_answers"] == 1


async def test_a_closing_frame_sets_the_wait(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        items = made.events()
        await talk.say(Closing(code=4000, words="the server is restarting", retry_after_ms=30))
        await talk.close(4000)
        [*_, ended] = await until(items, lambda item: isinstance(item, Disconnected))
        assert isinstance(ended, Disconnected)
        assert (ended.code, ended.words) == (4000, "the server is restarting")
        assert 0.03 <= ended.back_in_s < 0.05
        again = await server.next()
        await again.welcome()
        await until(items, lambda item: isinstance(item, Connected))


@pytest.mark.parametrize("code", [4500, 4502, 4999])
async def test_a_server_that_says_never_is_obeyed(server: ScriptedServer, code: int) -> None:
    async with connected(server) as (made, talk):
        items = made.events()
        await until(items, lambda item: isinstance(item, Connected))
        await talk.close(code, "go away")
        with pytest.raises(Closed) as closed:
            await anext(items)
        assert closed.value.code == code
        with pytest.raises(Closed):
            await made.post(ROOM, "hi")


async def test_a_refused_hello_is_raised_where_the_program_enters(server: ScriptedServer) -> None:
    made = client(server)
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.hear(Hello)
    await talk.say(error(hello.id, ErrorCode.UNAUTHENTICATED))
    with pytest.raises(Closed, match="unauthenticated"):
        await entering


async def test_an_expired_token_is_fetched_anew(server: ScriptedServer) -> None:
    tokens = iter(["old", "new"])

    async def fresh() -> str:
        return next(tokens)

    async with connected(server, token=fresh) as (made, talk):
        await talk.say(Closing(code=4501, words="expired", retry_after_ms=None))
        await talk.close(4501, "expired")
        again = await server.next()
        assert (await again.welcome()).token == "new"
        assert made.statistics()["disconnected"] == 1


async def test_a_hello_answered_unavailable_is_said_again(server: ScriptedServer) -> None:
    made = client(server)
    entering = asyncio.ensure_future(made.__aenter__())
    talk = await server.next()
    hello = await talk.hear(Hello)
    await talk.say(error(hello.id, ErrorCode.UNAVAILABLE, 1))
    again = await server.next()
    await again.welcome()
    await entering
    assert made.statistics()["connect_failed"] == 1
    await made.close()


async def test_nobody_there_ends_at_the_deadline_with_the_reason() -> None:
    made = Client("ws://127.0.0.1:1/ws", token="t", connect_within_s=0.1, backoff_first_s=0.001, proxy=None)
    with pytest.raises(TimeoutError, match="no welcome from"):
        await made.__aenter__()


async def test_a_server_of_another_protocol_is_left_at_once() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as other:
        port = next(iter(other.sockets)).getsockname()[1]
        with pytest.raises(Closed, match="does not speak"):
            await Client(f"ws://127.0.0.1:{port}/ws", token="t", proxy=None).__aenter__()


async def test_languages_changed_under_way_are_in_the_next_hello(server: ScriptedServer) -> None:
    async with connected(server, languages=("en",)) as (made, talk):
        setting = asyncio.ensure_future(made.set_languages(("zh", "en")))
        command = await talk.hear(SetLanguages)
        await talk.say(Ack(re=command.id))
        await setting
        await talk.cut()
        again = await server.next()
        assert (await again.hear(Hello)).languages == ("zh", "en")


async def test_a_lost_answer_to_leave_counts_as_left(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        leaving = asyncio.ensure_future(made.leave(ROOM))
        await talk.hear(Leave)
        await talk.cut()
        again = await server.next()
        await again.welcome(refused=(RoomRefused(room=ROOM, code=ErrorCode.ROOM_NOT_FOUND, words="gone"),))
        command = await again.hear(Leave)
        await again.say(error(command.id, ErrorCode.NOT_A_MEMBER))
        await leaving
        assert made.positions() == {}


async def test_a_failed_join_leaves_no_room_behind(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        joining = asyncio.ensure_future(made.join("nowhere"))
        command = await talk.hear(Join)
        await talk.say(error(command.id, ErrorCode.ROOM_NOT_FOUND))
        with pytest.raises(Refused):
            await joining
        assert made.positions() == {}


async def test_a_room_that_cannot_be_reached_at_hello_is_joined_later(server: ScriptedServer) -> None:
    async with in_room(server, head=5) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        refused = RoomRefused(room=ROOM, code=ErrorCode.UNAVAILABLE, words="away")
        await again.welcome(refused=(refused,))
        join = await again.hear(Join)
        assert join.position == Position(EPOCH, 5)
        await again.say(room_frame(join.id, 6), entry(6))
        assert await until_seq(items, 6) == [6]


async def test_a_room_taken_away_is_said_and_not_asked_for_again(server: ScriptedServer) -> None:
    async with in_room(server) as (made, talk):
        items = made.events()
        await talk.cut()
        again = await server.next()
        await again.welcome(refused=(RoomRefused(room=ROOM, code=ErrorCode.ROOM_NOT_FOUND, words="gone"),))
        await until(items, lambda item: item == RoomLost(ROOM, "room_not_found", "gone"))
        await again.cut()
        third = await server.next()
        assert (await third.hear(Hello)).rooms == ()
