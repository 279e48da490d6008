"""The greeter at work: one client, one room, a desk.

Invariant: it lives on the public protocol alone, as any bot does. Reconnects are the client's; what was missed
meanwhile is read from the log before anybody is greeted. A message that was refused or not answered is left out: a
greeter that insists is worse than one that once says nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from typing import Final

from chat.client import Arrived, Client, Missed, Refused, RoomLost, Unanswered
from chat.events import Left
from chat.frames import People
from chat.greeter.desk import Desk, Say
from chat.limits import HISTORY_LIMIT_MAX

LOOK_S: Final = 2.0
"""How often we ask who is here while somebody is waited for; the server tells us sooner where it can."""
PAGE_S: Final = 0.1
"""Between two pages of the past: reading a long log must not be felt in the room."""


class Removed(Exception):
    """We are no longer let into the room."""


async def attend(client: Client, room: str) -> None:
    """Greet and answer in `room` until cancelled. Raises Removed, chat.client.Closed, Refused."""
    frame = await client.join(room)
    name = client.welcome.name if client.welcome is not None else ""
    desk = Desk(client.user, name)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_learn(client, room, desk, until=frame.head.seq))
        tasks.create_task(_listen(client, room, desk))
        tasks.create_task(_look(client, room, desk))


async def _learn(client: Client, room: str, desk: Desk, *, until: int) -> None:
    await _read(client, room, desk, after=0, until=until)
    desk.knows = True
    await _see(client, room, desk)


async def _read(client: Client, room: str, desk: Desk, *, after: int, until: int) -> None:
    """The log from `after` to `until`, whom we greeted in it and who came."""
    more = True
    while more and after < until:
        try:
            page = await client.history(room, after=after, limit=HISTORY_LIMIT_MAX)
        except Unanswered:
            continue
        for entry in page.entries:
            desk.remember(entry.event, entry.at_ms / 1000, time.time())
        after, more = max(page.last, after), page.more
        await asyncio.sleep(PAGE_S if more else 0)


async def _listen(client: Client, room: str, desk: Desk) -> None:
    async for item in client.events():
        match item:
            case Arrived(event=Left(user=desk.me)):
                raise Removed("we were removed from the room")
            case Arrived(position=position, at_ms=at_ms, event=event):
                await _say(client, room, desk.hear(event, position.seq, at_ms / 1000, time.time()))
            case People():
                await _say(client, room, desk.see(item, time.time()))
            case Missed(after=left, before=before):
                start = left.seq if left is not None and left.epoch == before.epoch else 0
                await _read(client, room, desk, until=before.seq, after=start)
            case RoomLost(words=words):
                raise Removed(words)
            case _:
                pass


async def _look(client: Client, room: str, desk: Desk) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        if desk.waits and desk.knows:
            await _see(client, room, desk)


async def _see(client: Client, room: str, desk: Desk) -> None:
    with contextlib.suppress(Refused, Unanswered):
        await _say(client, room, desk.see(await client.presence(room), time.time()))


async def _say(client: Client, room: str, said: Iterable[Say]) -> None:
    for each in said:
        with contextlib.suppress(Refused, Unanswered):
            await client.post(room, each.text, reply_to=each.reply_to, mentions=each.mentions, once=each.once)
