"""A whole deployment in one process, in virtual time, from a seed: gateways, a worker, one memory engine, and phones.

What is simulated is what surrounds the product (sockets, time, chance, a model); gateway, service, relay, sessions,
outboxes and worker are the real ones. Faults: a gateway dies with everything it held, a feed is cut, the engine goes
away, a worker dies in the middle of a job, a phone loses its socket or stops reading.
"""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from chat.adapters.memory import MemoryEngine, MemoryFeed
from chat.commands import Command, CreateRoom, Hello, History, Join, Post, Resume
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, Event, Posted
from chat.frames import Ack, EntryFrame, ErrorFrame, Frame, GapFrame, Page, RoomFrame, Welcome
from chat.ids import Position
from chat.room import Caller
from chat.service import Service
from chat.wire import Codec, decode_event
from gateway.clock import Clock
from gateway.gateway import Gateway
from gateway.watch import Watch
from tests.support.fake_socket import FakeSocket
from tests.support.virtual_time import now_ms
from translator.detect import Detection, Reason
from translator.pipeline import Translation
from translator.worker import Worker

if TYPE_CHECKING:
    from chat.traces import Traces

ROOM = "plaza"


class Dictionary:
    """In the place of the pipeline: knows two languages, takes its time, and is never at a loss."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._translating = 0

    @property
    def is_busy(self) -> bool:
        return self._translating > 0

    def detect(self, text: str, candidates: Iterable[str] = (), mentions: Iterable[str] = ()) -> Detection:
        language = "zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en"
        return Detection(language=language, needs_translation=True, reason=Reason.SCRIPT)

    async def translate(self, text: str, source: str, target: str, **_: object) -> Translation:
        self._translating += 1
        try:
            await asyncio.sleep(self._chance.uniform(0.005, 0.4))
        finally:
            self._translating -= 1
        return Translation(f"[{target}] {text}", source, "dictionary", "test", "1", starter=False)

    def statistics(self) -> dict[str, int]:
        return {}


@dataclass
class Station:
    """One gateway process."""

    gateway: Gateway
    feed: MemoryFeed
    task: asyncio.Task[None]
    phones: set["Phone"] = field(default_factory=set)


class World:
    def __init__(self, seed: int, gateways: int = 3, *, traces: "Traces | None" = None) -> None:
        self.traces = traces
        self.chance = random.Random(seed)
        self.engine = MemoryEngine(now_ms=now_ms, new_epoch=lambda: f"{self.chance.getrandbits(64):x}")
        self.gateway_count = gateways
        self.stations: list[Station] = []
        self.workers: list[asyncio.Task[None]] = []
        self.tasks = asyncio.TaskGroup()
        self._ids = 0

    async def __aenter__(self) -> "World":
        await self.tasks.__aenter__()
        for _ in range(self.gateway_count):
            self.start_gateway()
        self.start_worker()
        owner = Caller("host", "Host", may_create=True)
        await self.service().create_room(owner, CreateRoom(id=0, room=ROOM, title="Plaza", once="made"))
        return self

    async def __aexit__(self, *error: object) -> None:
        for station in self.stations:
            station.task.cancel()
        for worker in self.workers:
            worker.cancel()
        await self.tasks.__aexit__(None, None, None)

    def service(self, watch: Watch | None = None) -> Service:
        engine = self.engine
        log = engine.log if watch is None else watch.over_log(engine.log)
        return Service(log, engine.presence, engine.jobs, engine.invites, now_ms=now_ms, new_id=self._new_id)

    def start_gateway(self) -> Station:
        feed = self.engine.new_feed()
        clock = Clock(asyncio.get_running_loop().time, now_ms, self.chance.random)
        watch = Watch(clock, traces=self.traces)
        gateway = Gateway(
            self.service(watch),
            feed,
            verify=self._verify,
            name=f"gateway-{self._new_id()}",
            clock=clock,
            watch=watch,
        )
        station = Station(gateway, feed, self.tasks.create_task(self._ending(gateway.run())))
        self.stations.append(station)
        return station

    async def kill_gateway(self, station: Station) -> None:
        """kill -9: no goodbye, no withdrawal; what its sockets had not delivered is lost."""
        self.stations.remove(station)
        station.task.cancel()
        for phone in tuple(station.phones):
            phone.lose_socket()
        await station.feed.__aexit__(None, None, None)

    def start_worker(self) -> None:
        worker = Worker(
            f"worker-{self._new_id()}",
            self.engine.jobs,
            self.engine.log,
            Dictionary(self.chance),  # type: ignore[arg-type]  # a stand-in for the pipeline
            parked=self.engine.parked,
            clock_ms=now_ms,
            traces=self.traces,
        )
        self.workers.append(self.tasks.create_task(self._ending(worker.run())))

    def kill_worker(self) -> None:
        self.workers.pop().cancel()

    async def log(self) -> list[tuple[int, str, Event]]:
        """The whole log: (seq, audience, event)."""
        entries = await self.engine.log.read_after(ROOM, 0, 1_000_000)
        return [(entry.seq, entry.audience, decode_event(entry.body)) for entry in entries]

    def _verify(self, token: str) -> Caller:
        user, _, granted = token.partition("/")
        if granted != "member":
            raise Rejected(ErrorCode.UNAUTHENTICATED)
        return Caller(user, user.title(), {ROOM: "member"})

    def _new_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    @staticmethod
    async def _ending(work: object) -> None:
        try:
            await work  # type: ignore[misc]  # any of the actors
        except asyncio.CancelledError:
            return  # a killed process, not a failed test


class Phone:
    """A client as the protocol asks it to be: resumes from its position, repeats what was not acknowledged under the
    same once-key, and pages back when it is told of a gap."""

    def __init__(self, world: World, user: str, *languages: str, codec: Codec = Codec.MSGPACK) -> None:
        self.world = world
        self.user = user
        self.languages = languages
        self.codec = codec
        self.view: list[tuple[int, Event]] = []
        """Entries in the order in which they were seen."""
        self.position: Position | None = None
        self.acknowledged: dict[str, int] = {}
        self.unsent: dict[str, Post] = {}
        self.refusals: list[ErrorFrame] = []
        self.recoveries: list[RoomFrame] = []
        self.gaps: list[GapFrame] = []
        self.connects = 0
        self.socket: FakeSocket | None = None
        self.station: Station | None = None
        self._commands: asyncio.Queue[bytes] = asyncio.Queue()
        self._ids = 0
        self._once_of: dict[int, str] = {}
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()
        self._stop = False
        self._changed = asyncio.Event()

    # -- what a person does

    def say(self, text: str) -> str:
        once = f"{self.user}-{len(self.acknowledged) + len(self.unsent)}"
        self.unsent[once] = Post(id=0, room=ROOM, text=text, once=once)
        if self._ready.is_set():
            self._send_post(once)
        return once

    def lose_socket(self) -> None:
        """A tunnel: nothing more arrives in either direction."""
        if self.socket is not None:
            self.socket.cut()
        self._lost.set()

    def leave(self) -> None:
        self._stop = True
        self.lose_socket()

    async def wait_until(self, holds: object) -> None:
        """Until `holds()` is true of what this phone has seen."""
        while not holds():  # type: ignore[operator]  # asked for as a callable
            self._changed.clear()
            await self._changed.wait()

    # -- the client

    async def run(self) -> None:
        while not self._stop:
            if not self.world.stations:
                await asyncio.sleep(0.2)
                continue
            await self._connect(self.world.chance.choice(self.world.stations))
            if not self._stop:
                await asyncio.sleep(self.world.chance.uniform(0.05, 1.0))

    async def _connect(self, station: Station) -> None:
        self.connects += 1
        self.station, self.socket = station, FakeSocket(self.codec, self._frame)
        self._lost, self._ready = asyncio.Event(), asyncio.Event()
        self._commands = asyncio.Queue()
        self.socket.on_close = lambda code: self._lost.set()
        connection = station.gateway.open(self.socket, self.codec, f"{self.user}-{self.connects}")
        self.socket.connection = connection
        station.phones.add(self)
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(self._serve(connection.receive))
                if self.position is None:
                    self._send(Hello(id=self._next(), token=f"{self.user}/member", languages=self.languages))
                    self._send(Join(id=self._next(), room=ROOM))
                else:
                    rooms = (Resume(room=ROOM, position=self.position),)
                    token = f"{self.user}/member"
                    self._send(Hello(id=self._next(), token=token, languages=self.languages, rooms=rooms))
                await self._lost.wait()
                serving.cancel()
        finally:
            station.phones.discard(self)
            self.socket.cut()
            if station in self.world.stations:
                await station.gateway.release(connection)

    async def _serve(self, receive: object) -> None:
        while True:
            await receive(await self._commands.get())  # type: ignore[operator]  # asked for as a callable

    def _send(self, command: Command) -> None:
        encode = msgspec.json.encode if self.codec is Codec.JSON else msgspec.msgpack.encode
        self._commands.put_nowait(encode(command))

    def _send_post(self, once: str) -> None:
        command = msgspec.structs.replace(self.unsent[once], id=self._next())
        self._once_of[command.id] = once
        self._send(command)

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _frame(self, frame: Frame) -> None:
        match frame:
            case Welcome():
                if self.position is not None:
                    self._on_ready()
            case RoomFrame():
                self.recoveries.append(frame)
                if not frame.recovered or self.position is None:
                    self.position = frame.head
                if not self._ready.is_set() and len(self.recoveries) == 1:
                    self._on_ready()
                if not frame.recovered:
                    self._send(History(id=self._next(), room=ROOM, limit=100))
            case EntryFrame():
                assert self.position is not None, "an entry came before its room"
                assert frame.epoch == self.position.epoch, "an entry of another epoch came without a word"
                self.view.append((frame.seq, frame.event))
                self.position = Position(frame.epoch, frame.seq)
            case GapFrame():
                self.gaps.append(frame)
                self.position = frame.head
            case Ack():
                once = self._once_of.pop(frame.re, None)
                if once is not None and once in self.unsent:
                    del self.unsent[once]
                    assert frame.position is not None
                    self.acknowledged[once] = frame.position.seq
            case ErrorFrame():
                self.refusals.append(frame)
                once = self._once_of.pop(frame.re, None) if frame.re is not None else None
                if once is not None and frame.retryable:
                    asyncio.get_running_loop().call_later((frame.retry_after_ms or 100) / 1000, self._again, once)
                elif frame.code is ErrorCode.UNAVAILABLE:
                    self._lost.set()  # hello or join met an engine that is away: come back
            case Page() | _:
                pass
        self._changed.set()

    def _again(self, once: str) -> None:
        if once in self.unsent and self._ready.is_set():
            self._send_post(once)

    def _on_ready(self) -> None:
        self._ready.set()
        for once in tuple(self.unsent):
            self._send_post(once)


def reads(phone: Phone, audience: str) -> bool:
    return audience == EVERYONE or audience in phone.languages


def posts(log: list[tuple[int, str, Event]]) -> list[Posted]:
    return [event for _, _, event in log if isinstance(event, Posted)]
