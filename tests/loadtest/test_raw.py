"""The thin member of the benchmarks: frames come out whole however TCP cuts them, and a close is told by its code."""

import asyncio
from functools import partial
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from chat.commands import Hello, Ping
from chat.events import Posted
from chat.frames import Ack, EntryFrame, Pong
from chat.wire import Codec, decode_command, encode_frame
from loadtest.raw import RawMember


def server_frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 65536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


def entry(seq: int, text: str) -> bytes:
    event = Posted(author="a", name="A", text=text)
    return encode_frame(EntryFrame(room="r", epoch="e", seq=seq, at_ms=1, event=event), Codec.MSGPACK)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8), st.lists(st.integers(1, 5000), max_size=20))
async def test_frames_come_out_whole_however_they_are_cut(sizes: list[int], cuts: list[int]) -> None:
    heard: list[bytes] = []
    member = RawMember(heard.append)
    sent = [entry(seq, "x" * size) for seq, size in enumerate(sizes, 1)]
    stream = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n" + b"".join(map(server_frame, sent))
    at = 0
    for cut in [*cuts, len(stream)]:
        member.data_received(stream[at : at + cut])
        at += cut
    assert heard == sent


async def test_a_refused_handshake_is_an_error() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        with pytest.raises(ConnectionError, match="503"):
            await RawMember.connect(server.sockets[0].getsockname()[1])


async def test_it_speaks_to_a_server_that_checks_every_rule() -> None:
    """`websockets` refuses unmasked frames, wrong keys and unanswered pings."""
    heard: list[Any] = []

    async def handle(socket: ServerConnection) -> None:
        for answer in (Ack, Pong):
            command = decode_command(bytes(await socket.recv(decode=False)), Codec.MSGPACK)
            heard.append(command)
            frame = Ack(re=command.id) if answer is Ack else Pong(re=command.id, at_ms=1)
            await socket.send(encode_frame(frame, Codec.MSGPACK))
        await socket.send(entry(1, "hi"))
        await (await socket.ping())
        await socket.close(4001, "slow")

    entries: list[bytes] = []
    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol(Codec.MSGPACK.value)]) as server:
        member = await RawMember.connect(next(iter(server.sockets)).getsockname()[1], entries.append)
        await member.ask(partial(Hello, token="t" * 200, languages=("en",)))
        assert (await member.ask(Ping))["type"] == "pong"
        async with asyncio.timeout(5):
            await member.gone.wait()
    assert [type(command) for command in heard] == [Hello, Ping]
    assert msgpack.unpackb(entries[0])["event"]["text"] == "hi"
    assert member.close_code == 4001
