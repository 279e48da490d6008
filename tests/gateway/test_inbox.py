"""What a client sent is worked on in order, one after the other, and its leaving comes last and once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.inbox import Inbox


class Desk:
    """An owner that writes down what it is asked, and works on a message until it may go on."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.may_go_on = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    def read_on(self) -> None:
        self.told.append("read on")

    async def work(self, message: bytes) -> None:
        self.told.append(f"begin {message.decode()}")
        await self.may_go_on.wait()
        self.told.append(f"done {message.decode()}")

    async def leave(self) -> None:
        self.told.append("leave")

    def abandoned(self) -> None:
        self.told.append("abandoned")


async def test_messages_are_worked_on_one_after_the_other_by_one_task() -> None:
    desk = Desk()
    inbox = Inbox(desk)
    assert not inbox.put(b"a"), "it waits for nothing: who says one thing at a time is never held up"
    assert inbox.put(b"b")
    await asyncio.sleep(0)
    assert desk.told == ["begin a"]
    assert inbox.put(b"c")
    desk.may_go_on.set()
    [task] = desk.tasks
    await task
    assert desk.told == ["begin a", "done a", "begin b", "done b", "read on", "begin c", "done c"]


async def test_who_is_silent_has_no_task_and_who_speaks_again_a_new_one() -> None:
    desk = Desk()
    desk.may_go_on.set()
    inbox = Inbox(desk)
    for said in (b"a", b"b"):
        inbox.put(said)
        await asyncio.gather(*desk.tasks)
    assert len(desk.tasks) == 2
    assert desk.told == ["read on", "begin a", "done a", "read on", "begin b", "done b"]


async def test_leaving_comes_after_the_last_message_and_once_and_nothing_after_it() -> None:
    desk = Desk()
    inbox = Inbox(desk)
    inbox.put_nowait({"type": "websocket.receive", "text": "a"})
    inbox.put_nowait({"type": "websocket.receive", "bytes": b"b"})
    inbox.put_nowait({"type": "websocket.disconnect", "code": 1005})
    inbox.put(b"c")
    inbox.end()
    desk.may_go_on.set()
    [task] = desk.tasks
    await task
    inbox.end()
    inbox.put(b"d")
    assert desk.told == ["begin a", "done a", "begin b", "done b", "leave"]
    assert len(desk.tasks) == 1


async def test_who_only_listened_leaves_too() -> None:
    desk = Desk()
    Inbox(desk).end()
    await asyncio.gather(*desk.tasks)
    assert desk.told == ["leave"]


async def test_work_that_is_cancelled_gives_the_client_up() -> None:
    desk = Desk()
    inbox = Inbox(desk)
    inbox.put(b"a")
    inbox.put(b"b")
    await asyncio.sleep(0)
    [task] = desk.tasks
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    inbox.put(b"c")
    inbox.end()
    assert desk.told == ["begin a", "abandoned", "leave"]
    assert len(desk.tasks) == 1
