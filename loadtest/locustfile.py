"""Members for Locust: `locust -f loadtest/locustfile.py --host http://localhost:8080`; docs/loadtest.md tells the rest.

An honest stranger: posts at intended times that do not wait for answers to earlier posts; latency counts from the
intended time, which travels in the text, so that readers in other processes know it too. What Locust cannot know by
itself are request names of their own, so that failures show in its table (locust issue 2617): `connect`, `resume`,
`post` (until acknowledged), `deliver`, `translate`, and as failures only `order`, `lost`, `connection lost`.

Locust patches the standard library for gevent, so a member is one greenlet that reads and one that acts, on a plain
socket (an asyncio client would need a loop of its own: locust issue 2383). Everybody in a room receives the same bytes;
they are decoded once in a process and looked up afterwards, so a process carries thousands of members.
"""

import itertools
import json
import os
import random
import secrets
import socket
import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import gevent
import msgpack
import msgspec
from locust import User, constant, events, task

from chat.commands import Hello, Join, Post, Resume
from chat.ids import Position
from chat.wire import Codec
from loadtest.raw import Making
from loadtest.sentences import SENTENCES
from loadtest.signs import number_in, signs_of
from loadtest.tokens import mint

KEYS_FILE: Final = Path(os.environ.get("LOAD_KEYS_FILE", "data/token-keys.json"))
INVITE: Final = os.environ.get("LOAD_INVITE", "")
ROOM: Final = os.environ.get("LOAD_ROOM", "welcome")
LANGUAGES: Final = tuple(os.environ.get("LOAD_LANGUAGES", "zh,en").split(","))
POSTS_PER_MIN: Final = float(os.environ.get("LOAD_POSTS_PER_MIN", "6"))
WEIGHTS: Final = tuple(int(word) for word in os.environ.get("LOAD_WEIGHTS", "1,18,0,1").split(","))
"""Chatters, lurkers, slow readers, vanishing phones."""
STORM_AT_S: Final = float(os.environ.get("LOAD_STORM_AT_S", "0"))
ANSWERED_WITHIN_S: Final = 30.0
LOST_AFTER_S: Final = 5.0
"""A post acknowledged longer ago than this has been heard, or is lost."""
STOPPED_WITHIN_S: Final = 1.5
"""How long a member who is asked to stop waits for the acks that are under way; give locust a --stop-timeout above."""
LOOK_S: Final = 0.5
"""No task takes longer: Locust asks between two tasks only whether a member shall stop, and cuts off who does not."""
RUN: Final = secrets.token_hex(3)
"""Tells the users of this process from those of another."""
MARK: Final = " …"
"""Behind it stands the intended time, in signs: figures that a translation lost would make the guard doubt it."""
CHUNKS_KEPT: Final = 2_048
_numbers = itertools.count(1)
_chunks: dict[bytes, dict[str, Any]] = {}
_acknowledged: deque[tuple[float, int]] = deque(maxlen=100_000)
"""(when, seq) of posts of this process that the server has acknowledged."""
_intended_s: dict[int, float] = {}
"""By seq: when a post was meant to be said; for its translations."""
_villagers: set["Villager"] = set()


class Villager(User):
    """One member with one connection. Reads; what else it does is in the classes below."""

    abstract = True
    wait_time = constant(0)

    def on_start(self) -> None:
        number = next(_numbers)
        self.name = f"load-{RUN}-{number}"
        self.language = LANGUAGES[number % len(LANGUAGES)]
        self.chance = random.Random(self.name)
        self.socket: socket.socket | None = None
        self.token = ""
        self.room = ROOM
        self.last_id = 0
        self.place: Position | None = None
        self.first_seq = 0
        self.heard: set[int] = set()
        self.intended: dict[int, float] = {}
        """By command id: posts not yet acknowledged."""
        self.failures = 0
        self.wanted = True
        _villagers.add(self)
        self.connect()

    def on_stop(self) -> None:
        """Say what was lost before going."""
        self.wanted = False
        _villagers.discard(self)
        patience_s = time.monotonic() + STOPPED_WITHIN_S
        while self.intended and self.socket is not None and time.monotonic() < patience_s:
            gevent.sleep(0.02)
        if self.socket is not None and self.reads_everything:
            until_s = time.monotonic() - LOST_AFTER_S
            lost = sum(
                1
                for at_s, seq in tuple(_acknowledged)
                if at_s < until_s and seq > self.first_seq and seq not in self.heard
            )
            for _ in range(lost):
                fail("lost", RuntimeError("an acknowledged post was never heard"))
        self.hang_up()

    reads_everything = True

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open, introduce ourselves, walk in or resume where we were. Failures wait: a server that is down must not be
        hammered."""
        began_s, again = time.monotonic(), self.place is not None
        opened: socket.socket | None = None
        try:
            self.token = self.token or self.new_token()
            opened = self.open()
            frames = frames_of(opened)
            rooms = (Resume(room=self.room, position=self.place),) if again else ()
            self.send(partial(Hello, token=self.token, languages=(self.language,), rooms=rooms), opened)
            shown = wait_for(frames, "room" if again else "welcome")
            if not again:
                self.send(partial(Join, room=self.room), opened)
                shown = wait_for(frames, "room")
                self.place, self.first_seq = Position(*shown["head"]), shown["head"][1]
            elif not shown["recovered"]:
                raise ConnectionError(f"{shown['missed']} entries were not replayed")
        except (OSError, ValueError) as failed:
            if opened is not None:
                opened.close()
            fail("resume" if again else "connect", failed)
            self.failures += 1
            gevent.sleep(self.chance.uniform(0, min(20.0, 0.5 * 2 ** min(self.failures, 6))))
            return
        self.failures = 0
        self.socket = opened
        self.note("resume" if again else "connect", began_s)
        gevent.spawn(self.listen, opened, frames)

    def new_token(self) -> str:
        if not INVITE:
            return mint(KEYS_FILE, self.name, rooms={"*": "member"})
        parts = urlsplit(INVITE)
        code = parts.fragment.rpartition("/")[2]
        body = json.dumps({"invite": code, "name": self.name, "languages": [self.language]}).encode()
        request = Request(
            f"{parts.scheme}://{parts.netloc}/api/v1/enter", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urlopen(request, timeout=ANSWERED_WITHIN_S) as response:
            given = json.loads(response.read())
        self.room = given["room"]
        return str(given["token"])

    def open(self) -> socket.socket:
        parts = urlsplit(self.host or "http://localhost:8080")
        secure = parts.scheme in ("https", "wss")
        host, port = parts.hostname or "localhost", parts.port or (443 if secure else 80)
        opened = socket.create_connection((host, port), timeout=ANSWERED_WITHIN_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure:
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        key = b64encode(os.urandom(16)).decode()
        opened.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {Codec.MSGPACK.value}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = opened.recv(1)
            if not piece:
                raise ConnectionError("closed during the handshake")
            head += piece
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode("latin-1"))
        return opened

    def hang_up(self) -> None:
        """Without a goodbye, as a phone in a tunnel."""
        gone, self.socket = self.socket, None
        if gone is not None:
            gone.close()

    def listen(self, opened: socket.socket, frames: Iterator[tuple[int, bytes]]) -> None:
        """Everything that comes, until the connection ends; the next task opens another."""
        ended: Exception = ConnectionError("closed by the server")
        try:
            opened.settimeout(None)
            for opcode, payload in frames:
                if opcode == 0x2:
                    self.hear(decoded(payload))
                elif opcode == 0x9:
                    opened.sendall(masked(0xA, payload))
                elif opcode == 0x8:
                    ended = ConnectionError(f"closed with {int.from_bytes(payload[:2], 'big')}")
                    break
        except OSError as failed:
            ended = failed
        if self.socket is opened:
            self.hang_up()
            if self.wanted:
                self.ended(ended)

    def ended(self, why: Exception) -> None:
        fail("connection lost", why)

    def hear(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "ack":
                intended_s = self.intended.pop(frame["re"], None)
                if intended_s is not None:
                    self.note("post", intended_s)
                    _acknowledged.append((time.monotonic(), frame["position"][1]))
            case "error":
                self.intended.pop(frame["re"], None)
                fail("post", RuntimeError(frame["code"]))
            case "entry":
                self.hear_entry(frame["epoch"], frame["seq"], frame["event"])

    def hear_entry(self, epoch: str, seq: int, event: dict[str, Any]) -> None:
        if self.place is not None and seq <= self.place.seq:
            fail("order", RuntimeError("doubled" if seq in self.heard else "reordered"))
        else:
            self.place = Position(epoch, seq)
        if event["type"] == "posted":
            self.heard.add(seq)
            _, mark, signs = event["text"].rpartition(MARK)
            at_ms = number_in(signs)
            if mark and at_ms is not None:
                # from the wall clock: the post may be another process's; processes on one machine share it
                intended_s = time.monotonic() - (time.time() - at_ms / 1000)
                _intended_s.setdefault(seq, intended_s)
                self.note("deliver", intended_s)
        elif event["type"] == "translated" and event["of"] in _intended_s:
            self.note("translate", _intended_s[event["of"]])

    def note(self, name: str, began_s: float) -> None:
        """A success. Past the event hooks: tens of thousands of deliveries a second would spend themselves there."""
        self.environment.stats.log_request("WS", name, (time.monotonic() - began_s) * 1000, 0)

    def send(self, make: Making, over: socket.socket | None = None) -> int:
        """Returns the command's id. Raises OSError."""
        carrier = over or self.socket
        if carrier is None:
            raise ConnectionError("not connected")
        self.last_id += 1
        carrier.sendall(masked(0x2, msgpack.packb(msgspec.to_builtins(make(id=self.last_id)))))
        return self.last_id


class Lurker(Villager):
    """Reads, says nothing."""

    weight = WEIGHTS[1]
    abstract = weight == 0

    @task
    def read(self) -> None:
        if self.socket is None:
            self.connect()
        else:
            gevent.sleep(1.0)


class Chatter(Villager):
    """Posts LOAD_POSTS_PER_MIN times a minute, on average, whatever the server does."""

    weight = WEIGHTS[0]
    abstract = weight == 0

    def on_start(self) -> None:
        super().on_start()
        self.next_s = time.monotonic() + self.chance.expovariate(POSTS_PER_MIN / 60)

    @task
    def post(self) -> None:
        if self.socket is None:
            self.connect()
            return
        wait_s = self.next_s - time.monotonic()
        if wait_s > LOOK_S:
            gevent.sleep(LOOK_S)
            return
        gevent.sleep(max(0.0, wait_s))
        intended_s, self.next_s = self.next_s, self.next_s + self.chance.expovariate(POSTS_PER_MIN / 60)
        at_ms = round((time.time() - (time.monotonic() - intended_s)) * 1000)
        text = f"{self.chance.choice(SENTENCES[self.language])}{MARK}{signs_of(at_ms)}"
        try:
            id = self.send(partial(Post, room=self.room, text=text, once=secrets.token_hex(8)))
        except OSError as failed:
            fail("post", failed)
            return
        self.intended[id] = intended_s


class SlowReader(Villager):
    """Takes in less than the room says, until the server closes it by name; then it comes back, as it should."""

    weight = WEIGHTS[2]
    abstract = weight == 0
    reads_everything = False

    @task
    def dawdle(self) -> None:
        if self.socket is None:
            self.connect()
        else:
            gevent.sleep(1.0)

    def hear_entry(self, epoch: str, seq: int, event: dict[str, Any]) -> None:
        super().hear_entry(epoch, seq, event)
        gevent.sleep(2.0)

    def ended(self, why: Exception) -> None:
        if "4001" not in str(why):
            super().ended(why)


class VanishingPhone(Villager):
    """Loses its connection without a goodbye now and then, and resumes where it was."""

    weight = WEIGHTS[3]
    abstract = weight == 0
    reads_everything = False

    def on_start(self) -> None:
        super().on_start()
        self.turns_s = time.monotonic() + self.chance.uniform(2.0, 15.0)

    @task
    def vanish(self) -> None:
        wait_s = self.turns_s - time.monotonic()
        if wait_s > 0:
            gevent.sleep(min(wait_s, LOOK_S))
        elif self.socket is None:
            self.connect()
            self.turns_s = time.monotonic() + self.chance.uniform(2.0, 15.0)
        else:
            self.hang_up()
            self.turns_s = time.monotonic() + self.chance.uniform(0.5, 5.0)


@events.test_start.add_listener
def plan_storm(environment: Any, **_: Any) -> None:
    """LOAD_STORM_AT_S seconds after the start everybody of this process loses the connection at once."""
    if STORM_AT_S > 0:
        gevent.spawn_later(STORM_AT_S, storm)


def storm() -> None:
    """Everybody hangs up."""
    for villager in tuple(_villagers):
        villager.hang_up()


def fail(name: str, failure: Exception) -> None:
    """A failure in Locust's table."""
    fire: Callable[..., None] = events.request.fire
    fire(request_type="WS", name=name, response_time=0, response_length=0, exception=failure, context={})


def decoded(payload: bytes) -> dict[str, Any]:
    """The frame; the same bytes are decoded once."""
    frame = _chunks.get(payload)
    if frame is None:
        if len(_chunks) >= CHUNKS_KEPT:
            _chunks.clear()
        frame = _chunks[payload] = msgpack.unpackb(payload)
    return frame


def wait_for(frames: Iterator[tuple[int, bytes]], kind: str) -> dict[str, Any]:
    """Raises ConnectionError for an error frame, TimeoutError when nothing comes."""
    for opcode, payload in frames:
        if opcode == 0x2:
            frame = decoded(payload)
            if frame["type"] == "error":
                raise ConnectionError(f"{frame['code']}: {frame['words']}")
            if frame["type"] == kind:
                return frame
    raise ConnectionError("closed before the answer")


def frames_of(opened: socket.socket) -> Iterator[tuple[int, bytes]]:
    """(opcode, payload) of each frame until the connection ends. A server's frames are unmasked, ours unfragmented."""
    buffer = b""
    while True:
        at, size = 0, len(buffer)
        while size - at >= 2:
            length, begin = buffer[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if begin + length > size:
                break
            yield buffer[at] & 0x0F, buffer[begin : begin + length]
            at = begin + length
        piece = opened.recv(65_536)
        if not piece:
            return
        buffer = buffer[at:] + piece


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame (RFC 6455 section 5.3)."""
    size, mask = len(payload), os.urandom(4)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    pattern = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
