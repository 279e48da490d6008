"""The socket as strangers meet it: whatever they send, they get a typed answer or a documented close code."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from chat.limits import FRAME_BYTES_MAX, POSTS_BURST
from chat.wire import Codec
from gateway.closing import CloseReason
from gateway.endpoint import origin_allowed
from gateway.protocol import ChatProtocol
from tests.support.serving import ROOM, Served, serving

JSON, MSGPACK = Subprotocol(Codec.JSON.value), Subprotocol(Codec.MSGPACK.value)
DOCUMENTED = {reason.code for reason in CloseReason} | {1002, 1007, 1009, 1011}


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(served: Served, *, hello: str | None = "user1", **options: Any) -> AsyncIterator[ClientConnection]:
    options.setdefault("subprotocols", [JSON])
    async with connect(served.url, compression=None, max_size=None, **options) as socket:
        if hello is not None:
            await tell(socket, type="hello", id=1, token=hello, languages=["en"])
            assert (await answer(socket))["type"] in ("welcome", "error")
        yield socket


async def tell(socket: ClientConnection, **command: Any) -> None:
    await socket.send(json.dumps(command))


async def answer(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        frame: dict[str, Any] = json.loads(await socket.recv())
        return frame


async def closing(socket: ClientConnection) -> tuple[int, list[dict[str, Any]]]:
    """(close code, frames that came before it)."""
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        try:
            while True:
                frames.append(json.loads(await socket.recv()))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, frames


# -- who may open a socket -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "here.example", True),
        ("https://here.example", "here.example", True),
        ("http://here.example:8080", "here.example:8080", True),
        ("https://HERE.example", "here.example", True),
        ("https://friend.example", "here.example", True),
        ("https://evil.example", "here.example", False),
        ("https://here.example.evil", "here.example", False),
        ("https://here.example", "", False),
        ("null", "here.example", False),
        ("https://[broken", "[broken", False),
    ],
)
def test_origin_is_the_host_or_a_friend(origin: str | None, host: str, allowed: bool) -> None:
    assert origin_allowed(origin, host, frozenset({"https://friend.example"})) is allowed


async def test_a_page_of_another_origin_is_refused_before_there_is_a_socket(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(served.url, subprotocols=[JSON], origin="https://evil.example"):  # type: ignore[arg-type]  # websockets wants a NewType of str
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["code"] == "origin_refused"


async def test_a_full_process_says_so_in_the_handshake() -> None:
    async with serving(connections_max=1) as served, opened(served):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(served.url, subprotocols=[JSON]):
                pass
        assert refused.value.response.status_code == 503


@pytest.mark.parametrize("offer", [None, [Subprotocol("soap")], [Subprotocol("diqiucun.v9.json")]])
async def test_an_unknown_subprotocol_has_its_code(served: Served, offer: list[Subprotocol] | None) -> None:
    async with connect(served.url, subprotocols=offer) as socket:
        code, frames = await closing(socket)
    assert code == CloseReason.UNKNOWN_SUBPROTOCOL.code
    assert frames[-1]["type"] == "closing"
    assert frames[-1]["retry_after_ms"] is None


async def test_both_subprotocols_speak_the_same_messages(served: Served) -> None:
    async with opened(served) as one, opened(served, hello=None, subprotocols=[MSGPACK]) as other:
        hello = {"type": "hello", "id": 7, "token": "user2", "languages": ["zh-CN"], "rooms": []}
        await other.send(msgpack.packb(hello))
        welcome = msgpack.unpackb(await other.recv())
        assert (welcome["type"], welcome["re"], welcome["languages"]) == ("welcome", 7, ["zh"])
        for socket, pack in ((one, json.dumps), (other, msgpack.packb)):
            await socket.send(pack({"type": "join", "id": 2, "room": ROOM}))
        await other.send(msgpack.packb({"type": "post", "id": 3, "room": ROOM, "text": "你好 🐱", "once": "1"}))
        while (frame := await answer(one)).get("event", {}).get("type") != "posted":
            pass
        assert frame["event"]["text"] == "你好 🐱"


# -- tokens --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "code", "reason"),
    [
        ("forged", "unauthenticated", CloseReason.UNAUTHENTICATED),
        ("", "unauthenticated", CloseReason.UNAUTHENTICATED),
        ("expired", "token_expired", CloseReason.TOKEN_EXPIRED),
    ],
)
async def test_a_bad_token_is_answered_then_closed(served: Served, token: str, code: str, reason: CloseReason) -> None:
    async with opened(served, hello=None) as socket:
        await tell(socket, type="hello", id=4, token=token, languages=["en"])
        closed_with, frames = await closing(socket)
    assert (frames[0]["type"], frames[0]["code"], frames[0]["re"]) == ("error", code, 4)
    assert closed_with == reason.code


async def test_a_token_that_expires_while_connected_ends_the_connection(served: Served) -> None:
    async with opened(served, hello="soon") as socket:
        code, _ = await closing(socket)
    assert code == CloseReason.TOKEN_EXPIRED.code


# -- sizes, rates, garbage -----------------------------------------------------------------------------------------


async def test_an_oversized_message_is_refused_unread(served: Served) -> None:
    async with opened(served) as socket:
        await socket.send("x" * (FRAME_BYTES_MAX + 1))
        code, _ = await closing(socket)
    assert code == 1009


async def test_the_largest_message_is_read(served: Served) -> None:
    async with opened(served) as socket:
        await socket.send("x" * FRAME_BYTES_MAX)
        assert (await answer(socket))["code"] == "malformed"


async def test_a_flood_is_told_to_wait_then_closed(served: Served) -> None:
    async with opened(served) as socket:

        async def flood() -> None:
            with contextlib.suppress(ConnectionClosed):
                for number in range(2, 400):
                    await tell(socket, type="ping", id=number)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flood())
            code, frames = await closing(socket)
    assert code == CloseReason.FLOOD.code
    told = [frame for frame in frames if frame.get("code") == "too_fast"]
    assert told
    assert all(frame["retryable"] and frame["retry_after_ms"] > 0 for frame in told)
    assert frames[-1]["retry_after_ms"] >= 10_000


async def test_a_burst_of_posts_beyond_the_quota_is_told_how_long_to_wait(served: Served) -> None:
    async with opened(served) as socket:
        await tell(socket, type="join", id=2, room=ROOM)
        for number in range(POSTS_BURST + 1):
            await tell(socket, type="post", id=10 + number, room=ROOM, text="x", once=str(number))
        while (frame := await answer(socket)).get("code") != "too_fast":
            assert frame["type"] != "error"
        assert frame["re"] == 10 + POSTS_BURST


async def test_broken_text_is_closed_without_a_traceback(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(served) as socket:
        await socket.send(b"\xff\xfe", text=True)
        code, _ = await closing(socket)
    assert code == 1007
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_socket_that_says_nothing_costs_nothing_for_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.limits.HELLO_WITHIN_S", 0.0)
    async with opened(served, hello=None) as socket:
        code, _ = await closing(socket)
    assert code == CloseReason.HELLO_TIMEOUT.code


async def test_going_away_takes_the_seat_with_it(served: Served) -> None:
    async with opened(served) as socket:
        await tell(socket, type="join", id=2, room=ROOM)
        while (await answer(socket))["type"] != "room":
            pass
        assert len(served.gateway.hub.rooms[ROOM].seats) == 1
    async with asyncio.timeout(5):
        while served.gateway.connections:
            await asyncio.sleep(0.01)
    assert served.gateway.hub.rooms == {}


COMMANDS = [
    "hello", "create_room", "join", "leave", "post", "edit", "recall", "react", "mark_read", "typing", "history",
    "presence", "set_languages", "translate", "ping", "nonsense",
]  # fmt: skip
LIKELY = {
    "id": st.one_of(st.integers(-2, 2**40), st.text(max_size=3)),
    "room": st.sampled_from([ROOM, "nowhere", "", "UPPER", "a\n", "x" * 65]),
    "text": st.text(max_size=30),
    "once": st.text(alphabet="abc.", max_size=5),
    "of": st.integers(-1, 2**60),
    "emoji": st.text(max_size=3),
    "languages": st.lists(st.sampled_from(["zh", "en", "zh_Hant", "", "x" * 20]), max_size=10),
    "language": st.sampled_from(["zh", "en", "?"]),
    "token": st.sampled_from(["user1", "forged"]),
    "before": st.integers(-1, 10),
    "after": st.integers(-1, 10),
    "limit": st.integers(-1, 200),
    "position": st.one_of(st.none(), st.tuples(st.text(max_size=3), st.integers(-1, 5))),
    "rooms": st.lists(st.fixed_dictionaries({"room": st.just(ROOM)}), max_size=2),
    "mentions": st.lists(st.fixed_dictionaries({"user": st.just("user1"), "text": st.text(max_size=3)}), max_size=3),
    "title": st.text(max_size=5),
}
NEARLY_COMMANDS = st.fixed_dictionaries({"type": st.sampled_from(COMMANDS)}, optional=LIKELY)
JUNK = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda s: st.lists(s, max_size=3), max_leaves=8
    ),
)
MESSAGES_A_CASE = 20
CASES = 1_000


@pytest.mark.slow
@settings(max_examples=CASES)
@given(st.data())
def test_any_bytes_get_a_typed_reply_or_a_documented_close(data: st.DataObject) -> None:
    """20,000 messages (1,000 sockets' worth of 20): after each session a fresh member still talks, nothing hangs."""
    fuzz.feed(data)


class Fuzz:
    """One server for all cases, in one loop that lives as long as the module."""

    def __init__(self) -> None:
        self.runner: asyncio.Runner | None = None
        self.stack = contextlib.AsyncExitStack()
        self.served: Served | None = None
        self.faults = 0

    def feed(self, data: st.DataObject) -> None:
        binary = data.draw(st.booleans())
        messages = data.draw(
            st.lists(st.one_of(NEARLY_COMMANDS, JUNK), min_size=MESSAGES_A_CASE, max_size=MESSAGES_A_CASE)
        )
        known = data.draw(st.booleans())
        if self.runner is None:
            self.runner = asyncio.Runner()
            self.served = self.runner.run(self.stack.enter_async_context(serving()))
        self.runner.run(self._session(messages, binary, known))

    def close(self) -> None:
        if self.runner is not None:
            self.runner.run(self.stack.aclose())
            self.runner.close()

    async def _session(self, messages: list[Any], binary: bool, known: bool) -> None:
        assert self.served is not None
        pack = msgpack.packb if binary else (lambda message: json.dumps(message).encode())
        unpack = msgpack.unpackb if binary else json.loads
        async with connect(self.served.url, subprotocols=[MSGPACK if binary else JSON], compression=None) as socket:
            if known:
                await socket.send(pack({"type": "hello", "id": 0, "token": "user1", "languages": ["en"]}))
            reader = asyncio.create_task(self._read(socket, unpack))
            with contextlib.suppress(ConnectionClosed):
                for message in messages:
                    try:
                        raw = message if isinstance(message, bytes) else pack(message)
                    except (OverflowError, UnicodeEncodeError):
                        continue
                    await socket.send(raw)
                await socket.send(pack({"type": "ping", "id": 2**31 - 1}))
            async with asyncio.timeout(10):
                ended = await reader
            assert ended in DOCUMENTED or ended == "answered", ended

    async def _read(self, socket: ClientConnection, unpack: Any) -> int | str:
        try:
            while True:
                frame = unpack(await socket.recv())
                assert frame["type"] in FRAMES, frame
                if frame["type"] == "closing":
                    assert frame["code"] in DOCUMENTED
                    assert frame["code"] != CloseReason.INTERNAL.code, "a fault of ours"
                elif frame.get("re") == 2**31 - 1:
                    return "answered"
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


FRAMES = {"ack", "error", "welcome", "room", "entry", "page", "people", "typing", "gap", "pong", "closing"}
fuzz = Fuzz()


@pytest.fixture(scope="module", autouse=True)
def _fuzz_ends() -> Any:
    yield
    fuzz.close()


async def test_broken_framing_is_closed_by_the_protocol(served: Served) -> None:
    """Below the messages: after a good handshake, bytes that are no WebSocket frames."""
    for garbage in (
        b"\xff" * 20,
        b"\x81\x05hello",
        b"\xc1\x80\x00\x00\x00\x00",
        b"\x83\x80\x00\x00\x00\x00",
        b"\x00" * 3,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: diqiucun.v1.json\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(garbage)
        async with asyncio.timeout(10):
            rest = await reader.read()
        assert rest[0] == 0x88, "a close frame"
        assert int.from_bytes(rest[2:4], "big") in DOCUMENTED
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_messages_that_arrive_in_crumbs_stay_their_senders(served: Served) -> None:
    """Parsers are lent: no byte of one client may end up in the message of another, however they come."""
    handshake = (
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: diqiucun.v1.json\r\n\r\n"
    )
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for number in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            stack.callback(writer.close)
            writer.write(handshake)
            await reader.readuntil(b"\r\n\r\n")
            hello = json.dumps({"type": "hello", "id": number, "token": f"user{number}", "languages": ["en"]}).encode()
            half = len(hello) // 2
            pieces = Frame(Opcode.TEXT, hello[:half], fin=False), Frame(Opcode.CONT, hello[half:])
            clients.append((reader, writer, b"".join(piece.serialize(mask=True) for piece in pieces)))
        for at in range(max(len(said) for _, _, said in clients)):
            for _, writer, said in clients:
                writer.write(said[at : at + 1])
            await asyncio.sleep(0)  # as many reads as the loop makes of it
        for number, (reader, _, _) in enumerate(clients):
            async with asyncio.timeout(5):
                head = await reader.readexactly(2)
                size = head[1] if head[1] < 126 else int.from_bytes(await reader.readexactly(2), "big")
                welcome = json.loads(await reader.readexactly(size))
            assert (welcome["type"], welcome["re"], welcome["user"]) == ("welcome", number, f"user{number}")


async def test_a_silent_member_keeps_neither_parser_nor_task_nor_request(served: Served) -> None:
    async with opened(served) as socket:
        await (await socket.ping())
        [connection] = served.gateway.connections.values()
        protocol = connection.outbox._sink
        assert isinstance(protocol, ChatProtocol)
        assert protocol._conn is None
        assert not protocol.tasks
        assert not hasattr(protocol, "scope")
        assert not hasattr(protocol, "request")
        assert not protocol.__dict__, "what uvicorn keeps too has no slot yet"
