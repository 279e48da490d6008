"""Commands to a real engine: connections that are lost and callers that leave, order, the shapes of answers, the loop
that they run on."""

import asyncio
from contextlib import aclosing

import pytest
import uvloop

from chat.adapters import redis_engine
from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import EmbeddedEngine
from chat.adapters.redis_engine import RedisEngine
from chat.errors import Unavailable
from chat.ports import Gap, Invite
from tests.chat.adapters.room import ANN, CREATED, posted
from tests.support.engine import random_prefix


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
def test_the_wire_runs_on_the_loop_of_the_gateways(embedded_engine: EmbeddedEngine) -> None:
    """uvloop's transports are not instances of asyncio's classes."""

    async def story() -> None:
        async with (
            connect_engine(embedded_engine.url, embedded_engine.data_dir, prefix=random_prefix()) as engine,
            engine.new_feed() as feed,
            aclosing(feed.items()) as items,
        ):
            await feed.follow("r")
            await engine.log.create("r", "T", CREATED, ANN, once="create")
            assert [await anext(items)] == await engine.log.read_after("r", 0, 10)
            await engine.redis.call("CLIENT", "KILL", "TYPE", "pubsub")
            assert isinstance(await anext(items), Gap)
            assert await engine.jobs.take("w", 1, 10) == []

    uvloop.run(story())
