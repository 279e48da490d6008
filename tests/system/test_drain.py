"""Two gateways behind one port, one of them told to end while people talk: nobody misses a word, nobody is sent away
twice, and not all come back in one instant."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chat.client import Arrived, Client
from chat.client.items import Connected, Disconnected
from chat.events import Posted
from gateway.closing import CloseReason
from loadtest.product import running

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOM = "drain"
MEMBERS = 40
WRITERS = 8
WAIT_S = 40.0


@dataclass
class Listener:
    client: Client
    servers: list[str] = field(default_factory=list)
    partings: list[Disconnected] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        async for item in self.client.events():
            match item:
                case Connected():
                    self.servers.append(item.server)
                case Disconnected():
                    self.partings.append(item)
                case Arrived(event=Posted() as posted):
                    self.texts.append(posted.text)
                case _:
                    pass


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.02)


def listeners(port: int) -> int:
    """How many processes of this machine accept connections on this port."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port)


async def test_a_drained_gateway_hands_its_members_to_the_other_one(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", workers=2, translators=0) as product,
        contextlib.AsyncExitStack() as stack,
        asyncio.TaskGroup() as tasks,
    ):

        async def arrive(name: str, **claims: Any) -> Listener:
            token = product.token(name, name=name, rooms={ROOM: "member"}, **claims)
            client = Client(product.url, token=token, languages=("en",), proxy=None, answer_within_s=WAIT_S)
            return Listener(await stack.enter_async_context(client))

        await until(lambda: listeners(product.port) == 2)
        host = await arrive("host", create=True)
        await host.client.create_room(ROOM, "Drain")
        members = [await arrive(f"m{number}") for number in range(MEMBERS)]
        listening = []
        for member in members:
            await member.client.join(ROOM)
            listening.append(tasks.create_task(member.listen()))
        await until(lambda: all(member.servers for member in members))
        servers = {member.servers[0] for member in members}
        assert len(servers) == 2, "the kernel deals out connections to both"

        stop = asyncio.Event()
        acknowledged: list[str] = []

        async def write(member: Listener, name: str) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                await member.client.post(ROOM, f"{name} {number}", once=f"{name}-{number}", within_s=WAIT_S)
                acknowledged.append(f"{name} {number}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.6)

        writing = [tasks.create_task(write(member, f"w{at}")) for at, member in enumerate(members[:WRITERS])]
        await until(lambda: len(acknowledged) >= WRITERS)

        os.kill(product.pids("gateway")[0], signal.SIGTERM)
        await until(lambda: any(member.partings for member in members))
        newcomers = await asyncio.gather(*(arrive(f"n{number}") for number in range(16)))
        for newcomer in newcomers:
            await newcomer.client.join(ROOM)
            listening.append(tasks.create_task(newcomer.listen()))
        sent_away = [member for member in members if member.partings]
        await until(lambda: all(len(member.servers) == 2 for member in sent_away))
        stop.set()
        await asyncio.gather(*writing)
        await until(lambda: all(len(member.texts) >= len(acknowledged) for member in members))

        drained = {member.servers[0] for member in sent_away}
        assert len(drained) == 1
        assert all((member.servers[0] in drained) == (member in sent_away) for member in members)
        assert {parting.code for member in members for parting in member.partings} == {CloseReason.RESTARTING.code}
        assert all(len(member.partings) <= 1 for member in members), "whoever came back could stay"
        assert all(not newcomer.partings and newcomer.servers[0] not in drained for newcomer in newcomers)
        assert not any(newcomer.client.statistics().get("connect_failed") for newcomer in newcomers)
        delays = sorted(parting.back_in_s for member in sent_away for parting in member.partings)
        assert delays[0] >= 0.5
        in_one_second = max(sum(1 for other in delays if delay <= other < delay + 1.0) for delay in delays)
        assert in_one_second <= max(4, len(delays) * 0.7), f"a stampede: {delays}"

        order = members[WRITERS].texts
        assert sorted(order) == sorted(acknowledged)
        assert all(member.texts == order for member in members)
        for task in listening:
            task.cancel()
