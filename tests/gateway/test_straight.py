"""Bytes that go straight to the kernel never overtake bytes that wait, and end where the connection ends."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
import uvloop

from gateway.outbox import Send
from gateway.straight import StraightTransport

pytestmark = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
Loop = Callable[[], asyncio.AbstractEventLoop]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[StraightTransport, socket.socket, list[Send | None]]]:
    """(our side, the peer's socket, what was told of `send`)."""
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
    ours.setblocking(False)
    peer.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    told: list[Send | None] = []
    straight = StraightTransport(transport, told.append)
    try:
        yield straight, peer, told
    finally:
        straight.abort()
        peer.close()


async def read(peer: socket.socket, size: int) -> bytes:
    got = b""
    async with asyncio.timeout(5):
        while len(got) < size:
            got += await asyncio.get_running_loop().sock_recv(peer, 65_536)
    return got


def test_while_nothing_waits_bytes_are_with_the_kernel_at_once(new_loop: Loop) -> None:
    async def story() -> None:
        async with connected() as (straight, peer, told):
            straight.write(b"one")
            assert straight.send is not None
            straight.send(b"two")
            assert peer.recv(100) == b"onetwo"
            assert told == []

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


def test_what_the_kernel_does_not_take_waits_and_nothing_overtakes_it(new_loop: Loop) -> None:
    async def story() -> None:
        async with connected() as (straight, peer, told):
            flood = b"".join(number.to_bytes(4, "big") for number in range(100_000))
            straight.write(flood)
            assert straight.send is None
            assert told == [None]
            straight.write(b"behind it")
            assert await read(peer, len(flood) + 9) == flood + b"behind it"
            straight.write(b"again")  # drained: straight from here on
            assert straight.send is not None
            assert told[-1] is not None
            assert peer.recv(100) == b"again"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


@pytest.mark.parametrize("how", ["close", "abort", "end_straight"])
def test_the_peer_learns_of_the_end_and_nothing_is_sent_after_it(new_loop: Loop, how: str) -> None:
    async def story() -> None:
        async with connected() as (straight, peer, told):
            send = straight.send
            assert send is not None
            getattr(straight, how)()
            assert straight.send is None
            assert told == [None]
            with pytest.raises(OSError, match="Bad file descriptor"):
                send(b"too late")
            if how != "end_straight":
                assert await read_end(peer) == b""

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


@pytest.mark.parametrize("how", ["close", "abort", "peer"])
def test_a_connection_is_one_descriptor_and_it_is_open_until_connection_lost(new_loop: Loop, how: str) -> None:
    """`StraightTransport` borrows it. Were it closed earlier, its number could be another client's while we still send
    to it. A duplicate instead took two descriptors a client: 10,000 clients did not fit a limit of 20,000."""

    class Witness(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            os.fstat(number)
            straight.end_straight()
            lost.set_result(None)

    async def story() -> None:
        nonlocal number, straight, lost
        lost = asyncio.get_running_loop().create_future()
        ours, peer = socket.socketpair()
        ours.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(Witness, sock=ours)
        number, before = ours.fileno(), len(os.listdir("/proc/self/fd"))
        straight = StraightTransport(transport, lambda _: None)
        assert len(os.listdir("/proc/self/fd")) == before
        if how == "peer":
            peer.close()
        else:
            getattr(transport, how)()  # past us, as the loop itself does when a connection breaks
        async with asyncio.timeout(5):
            await lost
            while is_open(number):
                await asyncio.sleep(0)
        del straight  # and closes nothing that is not its own
        peer.close()

    number, straight, lost = -1, cast(StraightTransport, None), cast("asyncio.Future[None]", None)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


async def read_end(peer: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(peer, 100)
