"""Commands to an engine that is away, silent, unwilling or hangs up: each has an answer or Unavailable, in time."""

import asyncio
from pathlib import Path

import pytest

from chat.adapters import redis_engine
from chat.adapters.connect import connect_engine
from chat.adapters.embedded import socket_url
from chat.adapters.redis_engine import RedisEngine
from chat.adapters.redis_feed import RedisFeed
from chat.adapters.redis_log import RedisLog
from chat.errors import Unavailable
from tests.chat.adapters.fake_engine import fake_engine, shy
from tests.chat.adapters.room import posted


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
