"""What only the Redis adapters can get wrong: lost connections, forgotten scripts and groups, order, shapes of answers,
slots, deadlines."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import hiredis
import pytest
import uvloop

from chat.adapters import embedded, redis_engine
from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import EmbeddedEngine, socket_url
from chat.adapters.redis_address import Address
from chat.adapters.redis_engine import RedisEngine
from chat.adapters.redis_feed import RedisFeed
from chat.adapters.redis_keys import PARTITIONS, Keys, partition
from chat.adapters.redis_log import RedisLog
from chat.errors import Unavailable
from chat.events import Entry, Posted, RoomCreated
from chat.limits import ONCE_KEY_LIFE_S
from chat.ports import Gap, Invite, Job, JobText, Member
from tests.support.engine import random_prefix

CREATED = RoomCreated(by="ann", name="Ann", title="T")
ANN = Member("ann", "Ann", "owner")


def posted(text: str) -> Posted:
    return Posted(author="ann", name="Ann", text=text)


@pytest.fixture
async def engine(embedded_engine: EmbeddedEngine) -> AsyncIterator[ConnectedEngine]:
    async with connect_engine(embedded_engine.url, embedded_engine.data_dir, prefix=random_prefix()) as connected:
        await connected.log.create("r", "T", CREATED, ANN, once="create")
        yield connected


@pytest.mark.engine
async def test_a_lost_connection_between_commands_is_not_noticed(engine: ConnectedEngine) -> None:
    own_id = await engine.redis.call("CLIENT", "ID")
    async with RedisEngine(engine.url) as other:
        await other.call("CLIENT", "KILL", "ID", own_id)
    appended = await asyncio.gather(*(engine.log.append("r", posted(f"{n}"), once=f"{n}") for n in range(20)))
    assert sorted(each.position.seq for each in appended) == list(range(2, 22))


@pytest.mark.engine
async def test_a_connection_lost_with_commands_under_way_makes_no_entry_twice(engine: ConnectedEngine) -> None:
    own_id = await engine.redis.call("CLIENT", "ID")
    async with RedisEngine(engine.url) as other:
        appending = asyncio.gather(*(engine.log.append("r", posted(f"{n}"), once=f"{n}") for n in range(200)))
        await asyncio.sleep(0)
        await other.call("CLIENT", "KILL", "ID", own_id)
        appended = await appending
    assert sorted(each.position.seq for each in appended) == list(range(2, 202))


@pytest.mark.engine
async def test_spending_an_invitation_is_not_repeated_behind_the_callers_back(engine: ConnectedEngine) -> None:
    await engine.invites.put(Invite("code", "r", "guest", "ann", 2**45, 1))
    assert await engine.invites.spend("another code", 0) is None, "the script is known from now on"
    own_id = await engine.redis.call("CLIENT", "ID")
    async with RedisEngine(engine.url) as other, asyncio.timeout(5):
        await other.call("CLIENT", "PAUSE", 5_000, "WRITE")
        try:
            spending = asyncio.ensure_future(engine.invites.spend("code", 0))
            while b"flags=b" not in await other.call("CLIENT", "LIST", "ID", own_id):
                await asyncio.sleep(0.001)
            await other.call("CLIENT", "KILL", "ID", own_id)
            with pytest.raises(Unavailable):
                await spending
        finally:
            await other.call("CLIENT", "UNPAUSE")
    assert engine.redis.statistics()["repeated"] == 0


@pytest.mark.engine
async def test_a_connection_that_broke_while_idle_costs_no_invitation(engine: ConnectedEngine) -> None:
    """What is not repeated must not be sent to a connection that is known to be dead: engines restart."""
    await engine.invites.put(Invite("code", "r", "guest", "ann", 2**45, 1))
    own_id = await engine.redis.call("CLIENT", "ID")
    async with RedisEngine(engine.url) as other:
        await other.call("CLIENT", "KILL", "ID", own_id)
    assert await engine.invites.spend("code", 0) is not None


@pytest.mark.engine
async def test_commands_take_effect_in_the_order_in_which_they_were_asked_for(engine: ConnectedEngine) -> None:
    """Those of one tick, of later ticks, and across a connection that is lost with some of them under way."""
    key = engine.redis.keys.rooms + "-order"
    own_id = await engine.redis.call("CLIENT", "ID")
    asked: list[asyncio.Future[int]] = []
    async with RedisEngine(engine.url) as other:
        for n in range(3_000):
            # Not RPUSH: it is not idempotent, and what the lost connection had done would be done twice.
            asked.append(asyncio.ensure_future(engine.redis.call("ZADD", key, "NX", n, n)))
            asked.append(asyncio.ensure_future(engine.redis.call("ZCARD", key)))
            if n % 100 == 0:
                await asyncio.sleep(0)
            if n == 1_500:
                await other.call("CLIENT", "KILL", "ID", own_id)
    sizes = (await asyncio.gather(*asked))[1::2]
    assert sizes == sorted(sizes)
    assert all(size >= n + 1 for n, size in enumerate(sizes))
    assert await engine.redis.call("ZCARD", key) == 3_000
    assert engine.redis.statistics()["connects"] == 2


@pytest.mark.engine
async def test_what_one_caller_sends_together_stays_together(engine: ConnectedEngine) -> None:
    key = engine.redis.keys.rooms + "-together"
    together = [("MULTI",), ("GET", key), ("INCR", key), ("EXEC",)]
    answers = await asyncio.gather(*(engine.redis.call_all(together) for _ in range(300)))
    assert [answer[3] for answer in answers] == [[str(n).encode() if n else None, n + 1] for n in range(300)]


@pytest.mark.engine
async def test_answers_keep_the_shapes_of_the_protocol(engine: ConnectedEngine) -> None:
    """redis-py's client would give True, datetimes, dicts, floats and tuples for some of them, by version of both."""
    redis, key = engine.redis, engine.redis.keys.rooms + "-shapes"
    assert await redis.call("SET", key + "s", "x") == b"OK"
    assert await redis.call("GET", key) is None
    assert await redis.call("EXPIRE", key + "s", 60) == 1
    assert await redis.call("HSET", key + "h", "a", "1", "b", "2") == 2
    assert await redis.call("HGETALL", key + "h") == [b"a", b"1", b"b", b"2"]
    assert await redis.call("ZADD", key + "z", "1.5", "m") == 1
    assert await redis.call("ZRANGE", key + "z", 0, -1, "WITHSCORES") == [b"m", b"1.5"]
    assert await redis.call("SADD", key + "m", "m") == 1
    assert await redis.call("SMEMBERS", key + "m") == [b"m"]
    assert await redis.call("XADD", key + "x", "1-0", "f", "v", "g", "w") == b"1-0"
    row = [b"1-0", [b"f", b"v", b"g", b"w"]]
    assert await redis.call("XRANGE", key + "x", "-", "+") == [row]
    assert await redis.call("XGROUP", "CREATE", key + "x", "g", "0") == b"OK"
    command = ("XREADGROUP", "GROUP", "g", "w", "STREAMS", key + "x", ">")
    assert await redis.call(*command) == [[f"{key}x".encode(), [row]]]
    assert await redis.call(*command) is None
    assert await redis.call_blocking("XREADGROUP", "GROUP", "g", "w", "BLOCK", 1, "STREAMS", key + "x", ">") is None
    assert await redis.call("XAUTOCLAIM", key + "x", "g", "v", 0, "0") == [b"0-0", [row], []]
    [[pending_id, worker, idle_ms, times]] = await redis.call("XPENDING", key + "x", "g", "-", "+", 9)
    assert (pending_id, worker, type(idle_ms), times) == (b"1-0", b"v", int, 2)
    assert await redis.call("EVAL", "return {1, false, 'x', {}}", 0) == [1, None, b"x", []]
    assert isinstance(await redis.call("INFO", "server"), bytes)


@pytest.mark.engine
async def test_an_operators_url_does_not_change_the_shapes_of_answers(embedded_engine: EmbeddedEngine) -> None:
    async with RedisEngine(f"{embedded_engine.url}?decode_responses=true&protocol=3&max_connections=1") as redis:
        assert await redis.call("PING") == b"PONG"
        assert isinstance(await redis.call("CONFIG", "GET", "port"), list)


@pytest.mark.engine
async def test_reads_that_block_hold_up_no_command_and_take_turns(engine: ConnectedEngine) -> None:
    async def blocked() -> object:
        return await engine.redis.call_blocking("BLPOP", engine.redis.keys.rooms + "-none", "0.3")

    crowd = redis_engine.BLOCKED_CONNECTIONS_MAX + 1
    blocking = [asyncio.ensure_future(blocked()) for _ in range(crowd)]
    await asyncio.sleep(0.02)
    await engine.ping()
    assert not any(each.done() for each in blocking)
    assert await asyncio.gather(*blocking) == [None] * crowd


@pytest.mark.engine
async def test_who_stops_waiting_hangs_up(engine: ConnectedEngine) -> None:
    """Otherwise the engine gives the next job to nobody."""
    key = engine.redis.keys.rooms + "-none"
    blocking = asyncio.ensure_future(engine.redis.call_blocking("BLPOP", key, 0))
    async with asyncio.timeout(5):
        while b"cmd=blpop" not in await engine.redis.call("CLIENT", "LIST"):
            await asyncio.sleep(0.001)
        blocking.cancel()
        while b"cmd=blpop" in await engine.redis.call("CLIENT", "LIST"):
            await asyncio.sleep(0.001)
    with pytest.raises(asyncio.CancelledError):
        await blocking


@pytest.mark.engine
async def test_a_command_whose_caller_left_before_it_was_sent_is_not_sent(engine: ConnectedEngine) -> None:
    key = engine.redis.keys.rooms + "-left"
    leaving, staying = (asyncio.ensure_future(engine.redis.call("INCRBY", key, n)) for n in (1, 10))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 10
    assert leaving.cancelled()


@pytest.mark.engine
async def test_an_engine_that_forgot_the_script_is_taught_again(engine: ConnectedEngine) -> None:
    await engine.redis.call("SCRIPT", "FLUSH")
    assert (await engine.log.append("r", posted("x"), once="k")).position.seq == 2
    assert (await engine.log.append("r", posted("y"), once="l")).position.seq == 3


@pytest.mark.engine
async def test_an_engine_that_lost_the_job_streams_gets_them_again(engine: ConnectedEngine) -> None:
    job = Job("r", 2, 0, JobText("x", "ann", ()))
    await engine.jobs.put(job)
    [taken] = await engine.jobs.take("w", 1, 0)
    await engine.redis.call("DEL", *engine.redis.keys.jobs)
    waiting = asyncio.ensure_future(engine.jobs.take("w", 1, 5_000))
    await asyncio.sleep(0.02)
    await engine.jobs.put(job)
    async with asyncio.timeout(5):
        assert [each.job for each in await waiting] == [job]
    await engine.jobs.done([taken.ref])


@pytest.mark.engine
async def test_a_job_nobody_can_read_is_dropped_and_counted(engine: ConnectedEngine) -> None:
    stream = engine.redis.keys.jobs[3]
    await engine.redis.call("XADD", stream, "*", "room", "r", "text", b"\xc1")
    assert await engine.jobs.take("w", 5, 0) == []
    assert await engine.jobs.backlog() == 0
    assert engine.statistics()["unreadable"] == 1


@pytest.mark.engine
async def test_a_once_key_expires_after_its_life(engine: ConnectedEngine) -> None:
    await engine.log.append("r", posted("x"), once="k")
    key = engine.redis.keys.room("r").once + "k"
    assert ONCE_KEY_LIFE_S - 60 < await engine.redis.call("TTL", key) <= ONCE_KEY_LIFE_S
    await engine.redis.call("DEL", key)
    assert not (await engine.log.append("r", posted("x"), once="k")).duplicate


@pytest.mark.engine
async def test_a_once_key_of_an_earlier_life_of_the_room_means_nothing(engine: ConnectedEngine) -> None:
    first = await engine.log.append("r", posted("x"), once="k")
    await engine.redis.call("DEL", engine.redis.keys.room("r").meta)
    created = await engine.log.create("r", "T", CREATED, ANN, once="create")
    assert created.position.epoch != first.position.epoch
    assert await engine.log.recognise("r", "k") is None
    again = await engine.log.append("r", posted("x"), once="k")
    assert (again.position.epoch, again.position.seq, again.duplicate) == (created.position.epoch, 2, False)


@pytest.mark.engine
async def test_creating_again_lists_a_room_whose_creator_died_before_listing_it(engine: ConnectedEngine) -> None:
    await engine.redis.call("DEL", engine.redis.keys.rooms)
    assert await engine.log.rooms() == []
    assert (await engine.log.create("r", "T", CREATED, ANN, once="create")).duplicate
    assert await engine.log.rooms() == ["r"]


@pytest.mark.engine
async def test_what_others_publish_on_our_channels_is_counted_and_left_out(engine: ConnectedEngine) -> None:
    async with engine.new_feed() as feed, aclosing(feed.items()) as items:  # type: ignore[type-var]  # items() is declared an iterator and is a generator
        await feed.follow("r")
        channel = engine.redis.keys.channel("r")
        for nonsense in (b"", b"hello", b"a:b:c:d\n", b"\xff:1:2:\nx", b"abc:1:2\n"):
            await engine.redis.call("PUBLISH", channel, nonsense)
        await engine.log.append("r", posted("x"), once="k")
        item = await anext(items)
        assert isinstance(item, Entry)
        assert item.seq == 2
        assert feed.statistics()["unreadable"] == 5


@pytest.mark.engine
async def test_an_error_of_the_engine_is_unavailable_and_nothing_else(engine: ConnectedEngine) -> None:
    await engine.redis.call("SET", engine.redis.keys.room("wrong").meta, "a string")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await engine.log.state("wrong")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await engine.log.append("wrong", posted("x"), once="k")


async def test_without_an_engine_every_port_is_unavailable_and_says_when_to_retry(tmp_path: Path) -> None:
    async with connect_engine(socket_url(str(tmp_path / "none.sock")), tmp_path) as engine:
        feed = RedisFeed(engine.url, follow_within_s=0.05, retry_max_s=0.02)
        async with feed:
            for call in (
                lambda: engine.log.append("r", posted("x"), once="k"),
                lambda: engine.presence.rosters("r"),
                lambda: engine.jobs.take("w", 1, 50),
                lambda: engine.invites.spend("c", 0),
                lambda: feed.follow("r"),
                lambda: feed.whisper("r", b""),
                engine.ping,
            ):
                with pytest.raises(Unavailable) as caught:
                    await call()
                assert caught.value.retry_after_ms


def shy(command: list[bytes]) -> bytes:
    """The answer of an engine that introduces itself, and says nothing more."""
    return {b"HELLO": b"%1\r\n+proto\r\n:3\r\n", b"CLIENT": b"+OK\r\n"}.get(command[0], b"")


@asynccontextmanager
async def fake_engine(
    tmp_path: Path, answer: Callable[[list[bytes]], bytes | None]
) -> AsyncIterator[tuple[str, list[int]]]:
    """Gives its URL and the connections it saw. It hangs up where there is no answer at all."""
    seen: list[int] = []
    open_writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(len(seen))
        open_writers.append(writer)
        commands = hiredis.Reader(notEnoughData=None)
        while data := await reader.read(1000):
            commands.feed(data)
            while (command := commands.gets()) is not None:
                if (said := answer(command)) is None:
                    writer.close()
                    return
                writer.write(said)

    path = str(tmp_path / "s")
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield socket_url(path), seen
    finally:
        server.close()
        for writer in open_writers:
            writer.close()
        await asyncio.sleep(0)


async def test_an_engine_that_stops_answering_is_left_for_a_new_connection(tmp_path: Path) -> None:
    introduced = False

    def answer(command: list[bytes]) -> bytes:
        nonlocal introduced
        if command[0] != b"PING":
            introduced = False
            return shy(command)
        silent, introduced = introduced, True
        return b"" if silent else b"+PONG\r\n"

    async with (
        fake_engine(tmp_path, answer) as (url, seen),
        RedisFeed(url, ping_interval_s=0.02, answer_within_s=0.03, retry_max_s=0.05) as feed,
        aclosing(feed.items()) as items,  # type: ignore[type-var]  # items() is declared an iterator and is a generator
        asyncio.timeout(5),
    ):
        assert isinstance(gap := await anext(items), Gap)
        assert "did not answer within" in gap.why
        assert len(seen) >= 2


async def test_a_command_without_answer_ends_at_its_deadline(tmp_path: Path) -> None:
    async with (
        fake_engine(tmp_path, shy) as (url, seen),
        RedisEngine(url, answer_within_s=0.05) as engine,
        asyncio.timeout(5),
    ):
        with pytest.raises(Unavailable, match="did not answer within"):
            await RedisLog(engine).state("r")
        assert len(seen) == 2, "repeated once, on a new connection"
        with pytest.raises(Unavailable, match="did not answer within"):
            await engine.call_blocking("BLPOP", "k", 0)


async def test_who_was_answered_before_the_connection_broke_has_an_answer(tmp_path: Path) -> None:
    answers = iter([b"+one\r\n", b"+two\r\n"])

    def answer(command: list[bytes]) -> bytes:
        return shy(command) or next(answers, b"")

    async with (
        fake_engine(tmp_path, answer) as (url, _),
        RedisEngine(url, answer_within_s=0.05) as engine,
        asyncio.timeout(5),
    ):
        outcomes = await asyncio.gather(
            *(engine.call("GET", n, repeatable=False) for n in range(3)), return_exceptions=True
        )
        assert outcomes[:2] == [b"one", b"two"]
        assert isinstance(outcomes[2], Unavailable)


async def test_what_a_lost_connection_left_unanswered_is_repeated_before_what_came_later(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def answer(command: list[bytes]) -> bytes | None:
        if (greeting := shy(command)) != b"":
            return greeting
        heard.append(command[1])
        return None if len(heard) == 3 else b"+" + command[1] + b"\r\n"

    async with fake_engine(tmp_path, answer) as (url, seen), RedisEngine(url) as engine, asyncio.timeout(5):
        repeatable = (True, True, True, False, True, True)
        asked = [asyncio.ensure_future(engine.call("GET", n, repeatable=may)) for n, may in enumerate(repeatable)]
        while not heard:
            await asyncio.sleep(0)
        asked.append(asyncio.ensure_future(engine.call("GET", 6, repeatable=False)))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert heard == [b"0", b"1", b"2", b"2", b"4", b"5", b"6"]
    assert isinstance(outcomes.pop(3), Unavailable)
    assert outcomes == [b"0", b"1", b"2", b"4", b"5", b"6"]
    assert len(seen) == 2
    assert engine.statistics()["repeated"] == 3


async def test_who_waits_behind_a_failing_connection_shares_its_outcome(tmp_path: Path) -> None:
    """A thousand callers in turn, each waiting for its own timeout, would be minutes."""
    trouble: list[int] = []
    async with (
        fake_engine(tmp_path, lambda _: b"") as (url, seen),
        RedisEngine(url, connect_within_s=0.1, on_trouble=lambda: trouble.append(1)) as engine,
        asyncio.timeout(2),
    ):
        outcomes = await asyncio.gather(*(engine.ping() for _ in range(1000)), return_exceptions=True)
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
        assert len(seen) == 1
        assert len(trouble) == 1


async def test_who_waits_behind_an_engine_that_stopped_answering_waits_no_longer(tmp_path: Path) -> None:
    async with (
        fake_engine(tmp_path, shy) as (url, _),
        RedisEngine(url, answer_within_s=0.05) as engine,
        asyncio.timeout(2),
    ):
        waiting = []
        for _ in range(10):
            waiting += [asyncio.ensure_future(engine.ping()) for _ in range(300)]
            await asyncio.sleep(0.005)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, Unavailable) for outcome in outcomes)


async def test_more_callers_than_an_engine_can_owe_are_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_engine, "UNANSWERED_CALLS_MAX", 10)
    async with fake_engine(tmp_path, shy) as (url, _), RedisEngine(url, answer_within_s=0.05) as engine:
        waiting = [asyncio.ensure_future(engine.ping()) for _ in range(11)]
        with pytest.raises(Unavailable, match="already wait"):
            await waiting[10]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [outcome for outcome in outcomes if "already wait" in str(outcome)] == [outcomes[10]]


async def test_who_waits_when_the_process_ends_is_told(tmp_path: Path) -> None:
    async with fake_engine(tmp_path, shy) as (url, _):
        async with RedisEngine(url) as engine:
            waiting = [asyncio.ensure_future(engine.ping())]
            await asyncio.sleep(0.05)
            waiting.append(asyncio.ensure_future(engine.ping()))
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            for each in (*waiting, engine.ping(), engine.call_blocking("BLPOP", "k", 0)):
                with pytest.raises(Unavailable, match="shutting down"):
                    await each


async def test_an_engine_that_is_back_is_found_by_the_next_command(tmp_path: Path) -> None:
    """A feed that reconnects shows a Gap, and whoever fills it must not hear of the failure before."""
    async with RedisEngine(socket_url(str(tmp_path / "s"))) as engine:
        with pytest.raises(Unavailable):
            await engine.ping()
        async with fake_engine(tmp_path, lambda command: shy(command) or b"+PONG\r\n"):
            await engine.ping()


@pytest.mark.parametrize(
    "greeting",
    [
        b"-NOAUTH Authentication required.\r\n",
        b"-ERR max number of clients reached\r\n",
        b"HTTP/1.1 400 Bad\r\n\r\n",
        b"",
    ],
)
async def test_who_is_no_willing_engine_is_unavailable(tmp_path: Path, greeting: bytes) -> None:
    async with (
        fake_engine(tmp_path, lambda _: greeting) as (url, _),
        RedisEngine(url, connect_within_s=0.1) as engine,
        asyncio.timeout(5),
    ):
        with pytest.raises(Unavailable):
            await engine.ping()


async def test_an_engine_that_still_loads_is_unavailable(tmp_path: Path) -> None:
    loading = b"-LOADING loading the dataset in memory\r\n"
    async with (
        fake_engine(tmp_path, lambda command: shy(command) or loading) as (url, _),
        RedisEngine(url) as engine,
    ):
        with pytest.raises(Unavailable, match="LOADING"):
            await engine.ping()


@pytest.mark.engine
async def test_a_bug_in_the_feed_ends_who_holds_it(
    embedded_engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead feed must end the process, not leave a deaf one."""

    async def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(RedisFeed, "_serve", broken)
    with pytest.raises(ExceptionGroup) as caught:
        async with RedisFeed(embedded_engine.url), asyncio.timeout(5):
            await asyncio.Event().wait()
    assert caught.group_contains(ZeroDivisionError)


@pytest.mark.engine
async def test_an_error_beside_a_feed_stays_what_it_was(embedded_engine: EmbeddedEngine) -> None:
    with pytest.raises(KeyError):
        async with connect_engine(None, embedded_engine.data_dir) as engine, engine.new_feed():
            raise KeyError


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_node(config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [embedded.engine_binary(), str(config)],
        cwd=config.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.engine
async def test_an_append_is_legal_in_a_cluster_over_tcp_with_a_password(tmp_path: Path) -> None:
    """Log, presence and feed on a cluster node: one slot for all an append touches, sharded publication."""
    port = free_port()
    # The password goes by file: an argument list is readable by everybody on the machine.
    config = tmp_path / "node.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ncluster-enabled yes\ncluster-port {free_port()}\n"
        "requirepass p@ss/word\nsave ''\n"
    )
    with start_node(config) as node:
        try:
            url = f"redis://:p%40ss%2Fword@127.0.0.1:{port}"
            async with RedisEngine(url) as engine, asyncio.timeout(15):
                while True:
                    try:
                        await engine.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
                        break
                    except Unavailable:
                        await asyncio.sleep(0.02)
                while b"cluster_state:ok" not in await engine.call("CLUSTER", "INFO"):
                    await asyncio.sleep(0.02)
                log = RedisLog(engine, sharded=True)
                async with RedisFeed(url, sharded=True) as feed, aclosing(feed.items()) as items:  # type: ignore[type-var]  # items() is declared an iterator and is a generator
                    await feed.follow("r")
                    await log.create("r", "T", CREATED, ANN, once="c")
                    await log.append("r", posted("x"), once="k", job=JobText("x", "ann", ()))
                    heard = [await anext(items), await anext(items)]
                    assert heard == await log.read_after("r", 0, 10)
            async with RedisEngine(f"redis://:wrong@127.0.0.1:{port}") as stranger:
                with pytest.raises(Unavailable, match="WRONGPASS") as caught:
                    await stranger.ping()
                assert "wrong@" not in str(caught.value)
        finally:
            node.terminate()


def test_all_keys_of_a_room_carry_its_partition() -> None:
    keys = Keys("p:")
    for room in ("a", "b", "lobby", "x-1"):
        tag = f"{{p{partition(room):02}}}"
        assert all(tag in key and key.startswith("p:") for key in keys.room(room))
        assert keys.room(room).jobs in keys.jobs
    assert len(set(keys.jobs)) == PARTITIONS
    assert partition("lobby") == 7, "the partition of a room is part of the stored format"


def test_a_prefix_that_would_break_the_hash_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="hash tag"):
        Keys("{x}:")


def test_addresses_are_read_as_operators_write_them() -> None:
    assert Address.parse("redis://h") == Address(host="h")
    assert Address.parse("redis://u:p%40@h:7/2") == Address("h", 7, None, "u", "p@", 2)
    assert Address.parse("redis://:p@h").password == "p"
    assert Address.parse("unix:///a%20b/s?db=3") == Address(socket_path="/a b/s", database=3)
    tls = Address.parse("rediss://h").tls
    assert tls is not None
    assert tls.check_hostname
    unverified = Address.parse("rediss://h?ssl_cert_reqs=none").tls
    assert unverified is not None
    assert not unverified.check_hostname


@pytest.mark.parametrize(
    "url", ["", "http://h", "redis://h:port:secret", "secret", "redis://:secret@h?db=x", "redis://:secret@h?colour=red"]
)
def test_a_wrong_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL") as caught:
        Address.parse(url)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisEngine(url)
    assert "secret" not in str(caught.value)


@pytest.mark.engine
def test_the_wire_runs_on_the_loop_of_the_gateways(embedded_engine: EmbeddedEngine) -> None:
    """uvloop's transports are not instances of asyncio's classes."""

    async def story() -> None:
        async with (
            connect_engine(embedded_engine.url, embedded_engine.data_dir, prefix=random_prefix()) as engine,
            engine.new_feed() as feed,
            aclosing(feed.items()) as items,  # type: ignore[type-var]  # items() is declared an iterator and is a generator
        ):
            await feed.follow("r")
            await engine.log.create("r", "T", CREATED, ANN, once="create")
            assert [await anext(items)] == await engine.log.read_after("r", 0, 10)
            await engine.redis.call("CLIENT", "KILL", "TYPE", "pubsub")
            assert isinstance(await anext(items), Gap)
            assert await engine.jobs.take("w", 1, 10) == []

    uvloop.run(story())
