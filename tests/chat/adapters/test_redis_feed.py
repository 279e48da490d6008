"""The feed: what is no entry, an engine that falls silent, and errors in it and beside it."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import EmbeddedEngine
from chat.adapters.redis_feed import RedisFeed
from chat.events import Entry
from chat.ports import Gap
from tests.chat.adapters.fake_engine import fake_engine, shy
from tests.chat.adapters.room import posted


@pytest.mark.engine
async def test_what_others_publish_on_our_channels_is_counted_and_left_out(engine: ConnectedEngine) -> None:
    async with engine.new_feed() as feed, aclosing(feed.items()) as items:
        await feed.follow("r")
        channel = engine.redis.keys.channel("r")
        for nonsense in (b"", b"hello", b"a:b:c:d\n", b"\xff:1:2:\nx", b"abc:1:2\n"):
            await engine.redis.call("PUBLISH", channel, nonsense)
        await engine.log.append("r", posted("x"), once="k")
        item = await anext(items)
        assert isinstance(item, Entry)
        assert item.seq == 2
        assert feed.statistics()["unreadable"] == 5


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
        aclosing(feed.items()) as items,
        asyncio.timeout(5),
    ):
        assert isinstance(gap := await anext(items), Gap)
        assert "did not answer within" in gap.why
        assert len(seen) >= 2


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
