"""Members for Locust: `locust -f loadtest/locustfile.py --host http://localhost:8080`.

An honest stranger: connects, joins, posts at intended times that do not wait for answers to earlier posts, and hears
its own words come back. Latency counts from the intended time. What Locust cannot know by itself is fired as its own
request names, so that failures show in its table (locust issue 2617): `connect`, `post` (until acknowledged),
`deliver` (until our own entry came back) and `order` (an entry twice or out of order).

Tokens are signed here with the server's key file, as an integrator's backend does. Settings, as environment:
LOAD_KEYS_FILE (default data/token-keys.json), LOAD_ROOM (must exist; default welcome), LOAD_LANGUAGES (shares, default
zh,en), LOAD_POSTS_PER_MIN (of each member, default 6).

Locust patches the standard library for gevent, so this uses the threaded client of `websockets`, whose threads become
greenlets; an asyncio client would need a loop of its own beside gevent's (locust issue 2383).
"""

import itertools
import os
import random
import secrets
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgpack
import msgspec
from locust import User, events, task
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from chat.commands import Command, Hello, Join, Post
from chat.wire import Codec
from loadtest.sentences import SENTENCES
from loadtest.tokens import mint

KEYS_FILE: Final = Path(os.environ.get("LOAD_KEYS_FILE", "data/token-keys.json"))
ROOM: Final = os.environ.get("LOAD_ROOM", "welcome")
LANGUAGES: Final = tuple(os.environ.get("LOAD_LANGUAGES", "zh,en").split(","))
POSTS_PER_S: Final = float(os.environ.get("LOAD_POSTS_PER_MIN", "6")) / 60
DELIVERED_WITHIN_S: Final = 10.0
ANSWERED_WITHIN_S: Final = 30.0
RUN: Final = secrets.token_hex(3)
"""Tells the users of this run from those of another."""
_numbers = itertools.count(1)


class Villager(User):
    """One member with one connection."""

    def on_start(self) -> None:
        number = next(_numbers)
        self.name = f"load-{RUN}-{number}"
        self.language = LANGUAGES[number % len(LANGUAGES)]
        self.chance = random.Random(self.name)
        self.socket: ClientConnection | None = None
        self.opened = ExitStack()
        self.last_id = 0
        self.last_seq = 0
        self.intended_s: dict[int, float] = {}
        """By command id: posts not yet acknowledged."""
        self.own_s: dict[str, float] = {}
        """By text: own posts not yet heard."""
        self.next_s = time.monotonic() + self.chance.expovariate(POSTS_PER_S)

    def on_stop(self) -> None:
        self.socket = None
        self.opened.close()

    @task
    def post(self) -> None:
        if self.socket is None:
            self.connect()
            return
        time.sleep(max(0.0, self.next_s - time.monotonic()))
        text = f"{self.chance.choice(SENTENCES[self.language])} #{self.chance.randrange(10**9)}"
        intended_s, self.next_s = self.next_s, self.next_s + self.chance.expovariate(POSTS_PER_S)
        self.own_s[text] = intended_s
        id = self.send(lambda id: Post(id=id, room=ROOM, text=text, once=secrets.token_hex(8)))
        self.intended_s[id] = intended_s
        self.give_up_late()

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open, introduce ourselves, walk in. Failures wait a second: a server that is down must not be hammered."""
        began_s = time.monotonic()
        parts = urlsplit(self.host or "http://localhost:8080")
        scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
        try:
            self.opened.close()
            self.socket = self.opened.enter_context(
                connect(
                    f"{scheme}://{parts.netloc}/ws",
                    subprotocols=[Subprotocol(Codec.MSGPACK.value)],
                    compression=None,
                    proxy=None,
                    max_size=2**24,
                )
            )
            token = mint(KEYS_FILE, self.name, rooms={"*": "member"})
            self.send(lambda id: Hello(id=id, token=token, languages=(self.language,)))
            self.wait_for("welcome")
            self.send(lambda id: Join(id=id, room=ROOM))
            self.last_seq = self.wait_for("room")["head"][1]
        except (OSError, ConnectionClosed, TimeoutError) as failed:
            self.socket = None
            fire("connect", began_s, failed)
            time.sleep(1.0)
            return
        fire("connect", began_s)
        threading.Thread(target=self.listen, args=(self.socket,), daemon=True).start()  # patched: a greenlet

    def wait_for(self, kind: str) -> dict[str, Any]:
        if self.socket is None:
            raise ConnectionError("not connected")
        while True:
            frame: dict[str, Any] = msgpack.unpackb(self.socket.recv(timeout=ANSWERED_WITHIN_S))
            if frame["type"] == "error":
                raise ConnectionError(f"{frame['code']}: {frame['words']}")
            if frame["type"] == kind:
                return frame

    def listen(self, socket: ClientConnection) -> None:
        """Everything that comes, until the connection ends; the next task opens another."""
        try:
            for data in socket:
                self.hear(msgpack.unpackb(data))
            ended: Exception = ConnectionError("closed by the server")
        except (ConnectionClosed, OSError) as failed:
            ended = failed
        if self.socket is socket:
            self.socket = None
            fire("connection lost", time.monotonic(), ended)

    def hear(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "ack":
                fire("post", self.intended_s.pop(frame["re"], time.monotonic()))
            case "error":
                fire("post", self.intended_s.pop(frame["re"], time.monotonic()), RuntimeError(frame["code"]))
            case "entry":
                seq, event = frame["seq"], frame["event"]
                if seq <= self.last_seq:
                    fire("order", time.monotonic(), RuntimeError("an entry twice or out of order"))
                self.last_seq = max(seq, self.last_seq)
                if event["type"] == "posted" and event["author"] == self.name and event["text"] in self.own_s:
                    fire("deliver", self.own_s.pop(event["text"]))

    def give_up_late(self) -> None:
        late_s = time.monotonic() - DELIVERED_WITHIN_S
        for text in [text for text, intended_s in self.own_s.items() if intended_s < late_s]:
            fire("deliver", self.own_s.pop(text), TimeoutError(f"not heard within {DELIVERED_WITHIN_S:g} s"))

    def send(self, command: Any) -> int:
        """Returns the command's id."""
        if self.socket is None:
            raise ConnectionError("not connected")
        self.last_id += 1
        made: Command = command(self.last_id)
        try:
            self.socket.send(msgpack.packb(msgspec.to_builtins(made)))
        except ConnectionClosed as ended:
            fire("post", time.monotonic(), ended)
        return self.last_id


def fire(name: str, began_s: float, failure: Exception | None = None) -> None:
    """A line in Locust's table."""
    events.request.fire(  # type: ignore[no-untyped-call]  # locust leaves it untyped
        request_type="WS",
        name=name,
        response_time=(time.monotonic() - began_s) * 1000,
        response_length=0,
        exception=failure,
        context={},
    )
