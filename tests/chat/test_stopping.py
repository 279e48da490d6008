"""A process that is told to stop: what it opens is given up, what it works on is asked to end."""

import asyncio
import os
import signal

import pytest

from chat.stopping import stop_signals

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
async def test_what_still_opens_is_given_up_and_put_away(number: signal.Signals) -> None:
    put_away = False
    async with asyncio.timeout(5):
        with stop_signals() as stopping:
            try:
                os.kill(os.getpid(), number)
                await asyncio.Event().wait()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)  # again: what is put away is not interrupted
                await asyncio.sleep(0.02)
                put_away = True
        assert put_away
        assert stopping.asked
        await asyncio.sleep(0)  # the task is not cancelled any more


@pytest.mark.parametrize("number", SIGNALS)
async def test_what_is_open_is_asked_to_end_once(number: signal.Signals) -> None:
    asked = asyncio.Event()
    calls: list[None] = []

    def stop() -> None:
        calls.append(None)
        asked.set()

    async with asyncio.timeout(5):
        with stop_signals() as stopping:
            stopping.opened(stop)
            for _ in range(2):
                os.kill(os.getpid(), number)
                await asked.wait()
                await asyncio.sleep(0.01)
    assert len(calls) == 1


async def test_who_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    async def work() -> None:
        with stop_signals():
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
