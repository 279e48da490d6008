"""Webhooks against a real receiver: uvicorn, sockets, and the verification that docs/webhooks.md recommends."""

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from chat.adapters.http_classifier import HttpClassifier
from chat.adapters.http_poster import HttpPoster, is_public
from chat.adapters.memory import MemoryEngine, wall_clock_ms
from chat.commands import Post, Recall
from chat.events import RoomCreated
from chat.hooks import KINDS, TOLD, Endpoint, new_secret, signed_headers
from chat.ports import UNAVAILABLE, Answer, Member, Poster, Unanswered, Verdict
from gateway.http import Message, Receive, Send
from gateway.webhooks.deliverer import JITTER, RETRIES_S, WITHIN_S, Deliverer
from tests.gateway.rest import HOST, ROOM, Village
from tests.support.virtual_time import now_ms, run

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
ADMIN = {"admin": True, "name": "Backend"}
SOON = (0.01, 0.01)
WAIT_S = 10.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def example(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return next(block for block in found if "verify" in block)


documented: dict[str, Any] = {}
exec(example("python"), documented)


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    @property
    def seq(self) -> int:
        return int(self.said["data"]["seq"])


Reply = int | tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """A program outside. `answer` says what each request is answered with."""

    answer: Callable[[Received], Awaitable[Reply]]
    url: str = ""
    all: list[Received] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        got = Received(scope["path"], {name.decode(): value.decode() for name, value in scope["headers"]}, body)
        async with self.came:
            self.all.append(got)
            self.came.notify_all()
        reply = await self.answer(got)
        status, headers, content = reply if isinstance(reply, tuple) else (reply, {}, b"")
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self.came:
            await self.came.wait_for(condition)


@asynccontextmanager
async def receiving(answer: Callable[[Received], Awaitable[Reply]]) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    # With its protocol said, asyncio turns Nagle's algorithm off for what is accepted: 40 ms for each answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    receiver.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(receiver, lifespan="off", log_level="critical")  # type: ignore[arg-type]  # scopes are typed more loosely there
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])  # not `serve`: its loop looks ten times a second whether it is to stop
    try:
        yield receiver
    finally:
        server.force_exit = True
        await server.shutdown(sockets=[listening])


async def fine(got: Received) -> Reply:
    return 204


@asynccontextmanager
async def delivering(village: Village, poster: Poster, **more: Any) -> AsyncIterator[Deliverer]:
    options = {"retries_s": SOON, "within_s": 5.0, "look_s": 0.005, "idle_s": 0.005, **more}
    engine = village.engine
    deliverer = Deliverer(
        engine.hooks, engine.log, engine.presence, poster, name=f"d{id(options)}", now_ms=wall_clock_ms, **options
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(deliverer.run(asyncio.Event()))
        try:
            yield deliverer
        finally:
            running.cancel()


@dataclass
class Outside:
    village: Village
    poster: HttpPoster
    receiver: Receiver

    async def register(self, path: str = "/in", **more: Any) -> tuple[str, str]:
        """(id, secret) of a new endpoint."""
        body = {"url": self.receiver.url + path, "events": list(KINDS), **more}
        made = await self.ask("POST", "/hooks", body)
        return made["hook"]["id"], made["secret"]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self.village.client("root", **ADMIN) as client:
            answer = await client.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def say(self, text: str, room: str = ROOM) -> int:
        said = await self.village.service.post(HOST, Post(id=0, room=room, text=text, once=f"{room}-{text}"))
        return said.position.seq


@asynccontextmanager
async def outside(answer: Callable[[Received], Awaitable[Reply]] = fine) -> AsyncIterator[Outside]:
    async with receiving(answer) as receiver, HttpPoster(allow_private=True, certificates=NO_TLS) as poster:
        village = await Village(now_ms=wall_clock_ms(), allow_private=True, poster=poster).opened()
        yield Outside(village, poster, receiver)


# -- delivery ----------------------------------------------------------------------------------------------------------


async def test_what_happens_is_told_in_order_and_verifies_as_the_page_shows_it() -> None:
    async with outside() as world:
        await world.say("before the endpoint was there")
        _, secret = await world.register()
        async with delivering(world.village, world.poster) as deliverer:
            seqs = [await world.say(f"{number}") for number in range(20)]
            await world.village.with_member("ann")
            await world.village.service.recall(HOST, Recall(id=0, room=ROOM, of=seqs[3], once="r"))
            await world.receiver.wait(lambda: any(got.said["type"] == "message.recalled" for got in world.receiver.all))
            await until(lambda: deliverer.statistics()["delivered_total"] == len(world.receiver.all))
        came = world.receiver.all
        told = [got.seq for got in came]
        assert told == sorted(set(told)), "in order, and nobody failed, so nothing twice"
        posted = {got.seq for got in came if got.said["type"] == "message.posted"}
        assert posted | {seqs[3]} == set(seqs)
        assert {got.said["type"] for got in came} == {"message.posted", "member.joined", "message.recalled"}
        for got in came:
            assert documented["verify"](secret, got.headers, got.body) == got.said
            with pytest.raises(ValueError, match="signature"):
                documented["verify"](secret, got.headers, got.body + b" ")
            with pytest.raises(ValueError, match="old"):
                documented["verify"](secret, got.headers, got.body, now_s=wall_clock_ms() / 1000 + 600)


async def test_after_500_and_after_silence_it_is_tried_again_under_the_same_id() -> None:
    tries: dict[str, int] = {}

    async def moody(got: Received) -> Reply:
        tries[got.id] = tries.get(got.id, 0) + 1
        if tries[got.id] == 1:
            return 500
        if tries[got.id] == 2:
            await asyncio.sleep(60)
        return 200

    async with outside(moody) as world:
        await world.register()
        async with delivering(world.village, world.poster, within_s=0.1):
            first, second = await world.say("one"), await world.say("two")
            await world.receiver.wait(lambda: len(world.receiver.all) == 6)
        assert [got.seq for got in world.receiver.all] == [first] * 3 + [second] * 3, "the second waits for the first"
        assert list(tries.values()) == [3, 3]
        assert len({got.body for got in world.receiver.all}) == 2


async def test_what_is_given_up_is_a_dead_letter_and_is_delivered_again_when_asked() -> None:
    refuses = True

    async def answer(got: Received) -> Reply:
        return 500 if refuses and got.said["data"].get("event", {}).get("text") == "poison" else 200

    async with outside(answer) as world:
        hook, _ = await world.register()
        async with delivering(world.village, world.poster) as deliverer:
            poison, after = await world.say("poison"), await world.say("after")
            await world.receiver.wait(lambda: world.receiver.all[-1:] != [] and world.receiver.all[-1].seq == after)
            assert deliverer.statistics()["dead_total"] == 1
        assert [got.seq for got in world.receiver.all] == [poison] * (1 + len(SOON)) + [after]
        [letter] = (await world.ask("GET", f"/hooks/{hook}/letters"))["letters"]
        assert (letter["seq"], letter["why"], letter["tries"]) == (poison, "answered 500", 1 + len(SOON))
        assert "poison" not in json.dumps(letter)
        path = f"/hooks/{hook}/letters/{letter['id']}"
        assert (await world.ask("POST", path))["words"] == "answered 500"
        refuses = False
        again = await world.ask("POST", path)
        assert (again["delivered"], again["status"]) == (True, 200)
        assert world.receiver.all[-1].id == letter["id"]
        assert await world.ask("GET", f"/hooks/{hook}/letters") == {"letters": []}


async def test_a_dead_letter_of_a_message_that_was_recalled_is_not_delivered() -> None:
    async def never(got: Received) -> Reply:
        return 500

    async with outside(never) as world:
        hook, _ = await world.register(events=["message.posted"])
        async with delivering(world.village, world.poster, retries_s=()) as deliverer:
            seq = await world.say("regretted")
            await until(lambda: deliverer.statistics()["dead_total"] == 1)
        await world.village.service.recall(HOST, Recall(id=0, room=ROOM, of=seq, once="r"))
        [letter] = (await world.ask("GET", f"/hooks/{hook}/letters"))["letters"]
        tried = await world.ask("POST", f"/hooks/{hook}/letters/{letter['id']}")
        assert not tried["delivered"]
        assert len(world.receiver.all) == 1
        assert await world.ask("GET", f"/hooks/{hook}/letters") == {"letters": []}


async def test_410_switches_an_endpoint_off_and_a_ping_that_is_answered_on_again_with_nothing_missing() -> None:
    gone = True

    async def answer(got: Received) -> Reply:
        return 410 if gone else 200

    async with outside(answer) as world:
        hook, secret = await world.register()
        async with delivering(world.village, world.poster):
            first = await world.say("one")

            async def is_off() -> bool:
                [shown] = (await world.ask("GET", "/hooks"))["hooks"]
                return not shown["active"] and shown["off"] == "answered 410"

            async with asyncio.timeout(WAIT_S):
                while not await is_off():
                    await asyncio.sleep(0.005)
            second = await world.say("two")
            assert not (await world.ask("POST", f"/hooks/{hook}/ping"))["delivered"]
            assert await is_off()
            gone = False
            assert (await world.ask("POST", f"/hooks/{hook}/ping"))["delivered"]
            ping = world.receiver.all[-1]
            assert documented["verify"](secret, ping.headers, ping.body)["type"] == "ping"
            await world.receiver.wait(lambda: len(world.receiver.all) == 5)
        told = [got.said["data"].get("seq") for got in world.receiver.all]
        assert told == [first, None, None, first, second]


@pytest.mark.parametrize("moment", range(1, 11, 3))
async def test_a_deliverer_that_is_killed_loses_nothing_and_repeats_are_known_by_their_id(moment: int) -> None:
    """Killed while the receiver has one request in hand that it has not answered yet."""
    in_hand, killed = asyncio.Event(), asyncio.Event()
    requests = count(1)

    async def answer(got: Received) -> Reply:
        if next(requests) == moment:
            in_hand.set()
            await killed.wait()
        return 200

    async with outside(answer) as world, asyncio.timeout(WAIT_S):
        await world.register()
        seqs = [await world.say(f"{number}") for number in range(10)]
        async with delivering(world.village, world.poster):
            await in_hand.wait()
        killed.set()
        world.village.now_ms += 60_000  # the lease of the dead one ends by itself
        async with delivering(world.village, world.poster):
            await world.receiver.wait(lambda: len(world.receiver.all) == len(seqs) + 1)
        told = [got.seq for got in world.receiver.all]
        assert told == seqs[:moment] + seqs[moment - 1 :], "what was in hand comes again, and nothing else"
        assert len({(got.id, got.seq) for got in world.receiver.all}) == len(seqs)


async def test_a_slow_endpoint_delays_no_other() -> None:
    held = asyncio.Event()

    async def answer(got: Received) -> Reply:
        if got.path == "/slow":
            await held.wait()
        return 200

    async with outside(answer) as world:
        await world.register("/slow")
        await world.register("/quick")
        async with delivering(world.village, world.poster):
            seqs = [await world.say(f"{number}") for number in range(12)]
            await world.receiver.wait(lambda: sum(got.path == "/quick" for got in world.receiver.all) == 12)
            assert sum(got.path == "/slow" for got in world.receiver.all) == 1
            held.set()
            await world.receiver.wait(lambda: len(world.receiver.all) == 24)
        assert [got.seq for got in world.receiver.all if got.path == "/slow"] == seqs


async def test_of_two_deliverers_one_works() -> None:
    async with outside() as world:
        await world.register()
        async with delivering(world.village, world.poster) as one, delivering(world.village, world.poster) as other:
            for number in range(10):
                await world.say(f"{number}")
            await world.receiver.wait(lambda: len(world.receiver.all) == 10)
            await until(lambda: one.statistics()["delivered_total"] + other.statistics()["delivered_total"] == 10)
            assert 0 in (one.statistics()["delivered_total"], other.statistics()["delivered_total"])
        assert len({got.id for got in world.receiver.all}) == 10


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.002)


class _Down:
    """A receiver that answers 503 to one room, in virtual time."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.others = 0

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float, body_bytes_max: int = 0
    ) -> Answer:
        assert within_s == WITHIN_S
        if json.loads(body)["data"]["room"] != ROOM:
            self.others += 1
            return Answer(200, None, b"")
        self.at_s.append(asyncio.get_running_loop().time())
        return Answer(503, 200.0 if len(self.at_s) == 2 else None, b"")


def test_the_schedule_is_kept_over_restarts_and_other_rooms_go_on_meanwhile() -> None:
    async def story() -> None:
        engine, down = MemoryEngine(now_ms=now_ms), _Down()
        endpoint = Endpoint(
            id="a", url="https://x.example/", secret=new_secret(bytes(32)), events=("room.opened",), rooms=None,
            made_ms=0, by="root",
        )  # fmt: skip
        await engine.hooks.put(endpoint, {})
        for room in (ROOM, "other"):
            event = RoomCreated(by="h", name="H", title="t")
            await engine.log.create(room, "t", event, Member("h", "H", "owner"), once=room)
        dead = 0
        for part in range(100):
            stopping = asyncio.Event()
            deliverer = Deliverer(
                engine.hooks,
                engine.log,
                engine.presence,
                down,
                name=f"d{part}",
                now_ms=now_ms,
                chance=lambda: 1.0,
                look_s=2.0,
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(deliverer.run(stopping))
                await asyncio.sleep(600)
                stopping.set()
            dead += deliverer.statistics()["dead_total"]
            if dead:
                break
        assert dead == down.others == 1
        pauses = [later - earlier for earlier, later in zip(down.at_s, down.at_s[1:], strict=False)]
        expected = [pause * (1 + JITTER) for pause in RETRIES_S]
        expected[1] = 200.0  # as the receiver asked
        assert len(pauses) == len(RETRIES_S)
        for pause, wanted in zip(pauses, expected, strict=True):
            assert wanted <= pause <= wanted + 3, (pause, wanted)
        [letter] = await engine.hooks.letters("a", 10)
        assert (letter.why, letter.tries) == ("answered 503", 1 + len(RETRIES_S))

    run(story(), until_s=80_000)


# -- over REST ---------------------------------------------------------------------------------------------------------


async def test_webhooks_are_for_administrators_and_a_secret_is_shown_once() -> None:
    village = await Village().opened()
    asked = {"url": "https://hooks.example/in", "events": ["message.posted"], "rooms": [ROOM]}
    async with village.client("host") as host, village.client("root", **ADMIN) as admin:
        for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/a"), ("POST", "/a/ping"), ("GET", "/a/letters")):
            answer = await host.request(method, f"/api/v1/hooks{path}", json=asked)
            assert answer.status_code == 403, (method, path)
        made = await admin.post("/api/v1/hooks", json=asked)
        assert made.status_code == 201
        secret, hook = made.json()["secret"], made.json()["hook"]
        assert secret.startswith("whsec_")
        assert (hook["url"], hook["rooms"], hook["active"]) == (asked["url"], [ROOM], True)
        listed = await admin.get("/api/v1/hooks")
        assert listed.json() == {"hooks": [hook]}
        assert secret not in listed.text
        assert (await admin.post(f"/api/v1/hooks/{hook['id']}/ping")).json()["words"] == "not reached: nobody is there"
        assert (await admin.delete(f"/api/v1/hooks/{hook['id']}")).status_code == 204
        assert (await admin.delete(f"/api/v1/hooks/{hook['id']}")).json()["code"] == "hook_not_found"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/", "https://localhost/", "https://127.0.0.1/", "https://10.1.2.3:8443/", "https://[::1]/",
        "https://169.254.169.254/latest", "https://user:word@hooks.example/", "https://hooks.example/#x", "https:///x",
        "ftp://hooks.example/", "https://hooks.example:99999/", "https://中文.example/",
    ],
)  # fmt: skip
async def test_an_address_that_no_webhook_may_go_to_is_refused(url: str) -> None:
    village = await Village().opened()
    async with village.client("root", **ADMIN) as admin:
        answer = await admin.post("/api/v1/hooks", json={"url": url, "events": ["message.posted"]})
    assert answer.status_code == 400, answer.text


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.0.0.1", False),
        ("192.168.1.1", False), ("172.16.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("::", False),
    ],
)  # fmt: skip
def test_addresses_of_our_own_network_are_known_in_every_spelling(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_a_name_that_leads_to_our_own_network_is_not_followed() -> None:
    async with receiving(fine) as receiver, HttpPoster(allow_private=False, certificates=NO_TLS) as poster:
        port = receiver.url.rpartition(":")[2]
        for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(Unanswered, match="own network"):
                await poster.post(f"http://{host}:{port}/", {}, b"{}", within_s=5)
        assert receiver.all == []


async def test_a_redirect_is_an_answer_and_a_long_answer_is_cut() -> None:
    async def answer(got: Received) -> Reply:
        return (307, {"location": "/else"}, b"") if got.path == "/" else (200, {"retry-after": "7"}, b"x" * 300_000)

    async with receiving(answer) as receiver, HttpPoster(allow_private=True, certificates=NO_TLS) as poster:
        assert (await poster.post(receiver.url + "/", {}, b"{}", within_s=5)).status == 307
        assert [got.path for got in receiver.all] == ["/"]
        long = await poster.post(receiver.url + "/long", {}, b"{}", within_s=5, body_bytes_max=1_000)
        assert (len(long.body), long.retry_after_s) == (1_000, 7.0)


# -- the classifier ----------------------------------------------------------------------------------------------------


def classifier(poster: Poster, url: str, **more: Any) -> HttpClassifier:
    options: dict[str, Any] = {"within_ms": 200, "fails": "open", "now_s": lambda: 0.0, **more}
    return HttpClassifier(
        poster,
        url,
        new_secret(bytes(32)),
        now_ms=wall_clock_ms,
        new_id=lambda: "0a",
        **options,
    )


async def test_a_classifier_outside_is_asked_with_a_signature_and_its_verdict_counts() -> None:
    async def answer(got: Received) -> Reply:
        asked = documented["verify"](new_secret(bytes(32)), got.headers, got.body)
        assert asked == {
            "type": "message.judge",
            "text": asked["text"],
            "author": "ann",
            "room": ROOM,
            "language": "en",
        }
        return 200, {}, json.dumps({"verdict": asked["text"], "why": "w" * 900}).encode()

    async with receiving(answer) as receiver, HttpPoster(allow_private=True, certificates=NO_TLS) as poster:
        judge = classifier(poster, receiver.url).judge
        for verdict in ("allow", "hold", "refuse"):
            found = await judge(verdict, "ann", ROOM, "en")
            assert (found.what, len(found.why)) == (verdict, 200)
        assert await judge("nonsense", "ann", ROOM, "en") == Verdict("allow", UNAVAILABLE)


async def test_a_classifier_that_is_late_costs_its_deadline_and_then_is_left_alone_for_a_while() -> None:
    late, now_s = True, 100.0

    async def answer(got: Received) -> Reply:
        if late:
            await asyncio.sleep(60)
        return 200, {}, b'{"verdict": "allow"}'

    async with receiving(answer) as receiver, HttpPoster(allow_private=True, certificates=NO_TLS) as poster:
        asked = classifier(
            poster, receiver.url, within_ms=50, fails="closed", failures_max=2, rest_s=30.0, now_s=lambda: now_s
        )
        for _ in range(4):
            assert await asked.judge("x", "ann", ROOM, "") == Verdict("hold", UNAVAILABLE)
        assert len(receiver.all) == 2
        assert asked.statistics() | {"failed_total": 2, "unasked_total": 2, "resting": 1.0} == asked.statistics()
        now_s += 31
        late = False
        assert await asked.judge("x", "ann", ROOM, "") == Verdict("allow")
        assert asked.statistics()["resting"] == 0
        assert len(receiver.all) == 3


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_has_the_table_of_what_is_told() -> None:
    rows = re.findall(r"^\| `([a-z]+\.[a-z]+)` \| `([a-z_]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(row.kind, row.tag, row.words) for row in TOLD]


def test_the_page_has_the_schedule() -> None:
    shown = re.findall(r"^\| \d+ \| ([\d,]+) s \|", PAGE, re.MULTILINE)
    assert [float(pause.replace(",", "")) for pause in shown] == list(RETRIES_S)


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's example in JavaScript needs node")
def test_the_example_in_javascript_verifies_too() -> None:
    secret, body = new_secret(bytes(range(32))), '{"type":"ping","text":"你好"}'
    headers = signed_headers(secret, "msg_1a", wall_clock_ms(), body.encode())
    script = example("js") + (
        f"\nconst [secret, headers, body] = {json.dumps([secret, headers, body])};"
        "\nconsole.log(verify(secret, headers, Buffer.from(body)).text);"
        "\ntry { verify(secret, headers, Buffer.from(body + ' ')); } catch (wrong) { console.log(wrong.message); }"
    )
    ran = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=20)
    assert ran.stdout.split("\n")[0] == "你好", ran.stderr
    assert "signature" in ran.stdout
