"""The heart of one gateway process: hub, relay, attendance and the connections, without any socket or HTTP.

`run` is the parent of everything that goes on beside the connections. If it ends, the process must end: a gateway
that looks alive and hears nothing is worse than a dead one.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from chat.errors import ErrorCode
from chat.events import Entry, Left
from chat.frames import Frame, GapFrame, Route
from chat.limits import CONNECTS_BURST, CONNECTS_PER_S
from chat.measuring import Histogram, Statistic
from chat.ports import RoomFeed
from chat.quota import Quota
from chat.room import Caller
from chat.service import Service
from chat.wire import Codec, encode_frame
from gateway.attendance import Attendance
from gateway.ceremonies import Ceremonies
from gateway.clock import Clock
from gateway.closing import CloseReason
from gateway.connection import Connection
from gateway.fanout import Timers
from gateway.gate import Gate
from gateway.hub import Hub
from gateway.line import Line
from gateway.live import Live
from gateway.outbox import BYTES_MAX, Outbox, Sink
from gateway.pages import Pages
from gateway.previews import Previews
from gateway.relay import Relay
from gateway.watch import Watch

SWEEP_EVERY_S: Final = 1.0
CONNECTIONS_MAX: Final = 20_000
"""Of one process; some 6 kB each when idle, kernel apart. Over it, the handshake is answered with HTTP 503."""
REFUSED_SPREAD_MS: Final = 2_000
"""Those whose handshakes are refused together shall not come back together."""

log = structlog.get_logger("gateway")


class Gateway:
    def __init__(
        self,
        service: Service,
        feed: RoomFeed,
        *,
        verify: Callable[[str], Caller],
        name: str,
        routes: Callable[[], tuple[Route, ...]] = tuple,
        clock: Clock | None = None,
        outbox_bytes_max: int = BYTES_MAX,
        connections_max: int = CONNECTIONS_MAX,
        watch: Watch | None = None,
        gate: Gate | None = None,
        arrivals: Quota | None = None,
    ) -> None:
        """`watch`: whoever looks at the service's log, so that it looks at deliveries too."""
        self.service = service
        self.feed = feed
        self.verify = verify
        self.name = name
        self.routes = routes
        self.clock = clock or Clock()
        self.outbox_bytes_max = outbox_bytes_max
        self.connections_max = connections_max
        self.gate = gate or Gate(self.clock.random)
        self.pages = Pages(service.log, self.clock.now_s)
        self._arrivals = arrivals or Quota.full(CONNECTS_PER_S, CONNECTS_BURST, self.clock.now_s())
        self._arrivals_refused = 0
        timers = Timers(
            schedule=lambda flush: asyncio.get_running_loop().call_soon(flush),
            call_later=lambda delay_s, then: asyncio.get_running_loop().call_later(delay_s, then),
            now_s=self.clock.now_s,
        )
        self.hub = Hub(timers)
        self.watch = watch or Watch(self.clock)
        self.relay = Relay(
            service.log,
            feed,
            self.hub,
            on_people=lambda room: self.attendance.others_changed(room),
            on_left=self._member_left,
            on_new_life=self._new_life,
            on_reply=lambda payload: self.previews.answered(payload),
            on_ceremony=lambda entry, event: self.ceremonies.happened(entry, event),
            on_live=lambda entry, event: self.live.happened(entry, event),
            own_name=f"~{name}",
            deliver=self.watch.over_hub(self.hub, timers.schedule),
        )
        self.previews = Previews(service, f"~{name}")  # no room id begins with "~": nobody can listen there
        self.ceremonies = Ceremonies(self.hub, service, self.clock)
        self.live = Live(self.hub, service, self.clock, tell=self._tell, expel=self._expel)
        self.line = Line(service)
        self.attendance = Attendance(self.hub, service.presence, feed, service, name)
        self.connections: dict[Outbox, Connection] = {}
        self.commands = 0
        self.posts_acknowledged = 0
        """Over the WebSocket; a repeated post counts each time it is answered."""
        self.opened = 0
        self.refusals: dict[str, int] = {}
        self.closes: dict[str, int] = {}
        self.lateness = Histogram()
        """Of the event loop, looked at by the sweep."""
        self.draining = False
        self._running = False
        self._emptied = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome."""
        return self._running and not self.draining

    @property
    def full(self) -> bool:
        return len(self.connections) >= self.connections_max

    async def run(self) -> None:
        """Relay, attendance and the sweeps, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.relay.run())
                tasks.create_task(self.attendance.run())
                tasks.create_task(self.ceremonies.run())
                tasks.create_task(self.live.run())
                tasks.create_task(self.line.run())
                tasks.create_task(self._sweep())
                self._running = True
        finally:
            self._running = False

    def arrive(self) -> int:
        """Somebody wants to open a socket: 0 to let them, otherwise milliseconds until they may."""
        wait_ms = self._arrivals.take(self.clock.now_s())
        if not wait_ms:
            return 0
        self._arrivals_refused += 1
        return wait_ms + round(REFUSED_SPREAD_MS * self.clock.random())

    def open(self, sink: Sink, codec: Codec, connection_id: str) -> Connection:
        """A client's socket is open."""
        connection = Connection(self, sink, codec, connection_id)
        self.connections[connection.outbox] = connection
        self.opened += 1
        self._emptied.clear()
        if self.draining:
            connection.close(CloseReason.RESTARTING)
        return connection

    async def release(self, connection: Connection) -> None:
        """A client's socket is closed."""
        self.connections.pop(connection.outbox, None)
        if not self.connections:
            self._emptied.set()
        await connection.gone()

    async def drain(self, within_s: float) -> None:
        """Not ready any more; ask everybody to come back (jittered), and wait until they have gone or time is up."""
        self.draining = True
        for connection in tuple(self.connections.values()):
            connection.close(CloseReason.RESTARTING)
        try:
            async with asyncio.timeout(within_s):
                if self.connections:
                    await self._emptied.wait()
                await self.attendance.withdraw_all()
        except TimeoutError:
            log.warning("some connections did not close in time", left=len(self.connections))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the connection that asked for it; it ends with this process at the latest."""
        if self._tasks is None:
            work.close()
            return
        self._tasks.create_task(work)

    def count_close(self, reason: CloseReason) -> None:
        self.closes[reason.name] = self.closes.get(reason.name, 0) + 1

    def statistics(self) -> dict[str, Statistic]:
        """Counters and gauges of this process; /metrics prints these and invents nothing."""
        groups = [group for here in self.hub.rooms.values() for group in here.groups.values()]
        # Who is written to straight is owed nothing.
        owed = [outbox.owed_bytes() for outbox in self.connections if outbox.send is None]
        return {
            "connections": len(self.connections),
            "connections_opened_total": self.opened,
            "connections_refused_total": self._arrivals_refused,
            "rooms": len(self.hub.rooms),
            "groups": len(groups),
            "commands_total": self.commands,
            "posts_acknowledged_total": self.posts_acknowledged,
            "deliveries_total": self.hub.deliveries,
            "outbox_paused": sum(1 for outbox in self.connections if not outbox.flowing),
            "outbox_bytes": sum(owed),
            "outbox_bytes_fullest": max(owed, default=0),
            "refused_total": {code.value: self.refusals.get(code, 0) for code in ErrorCode},
            "closed_total": {reason.name.lower(): self.closes.get(reason.name, 0) for reason in CloseReason},
            "loop_late_seconds": self.lateness.distribution(),
            **self.watch.statistics(),
            **self.service.admission.statistics(),
            **self.gate.statistics(),
            **self.previews.statistics(),
            **self.relay.statistics(),
            **self.ceremonies.statistics(),
            **self.live.statistics(),
            **self.line.statistics(),
        }

    async def _sweep(self) -> None:
        while True:
            due_s = self.clock.now_s() + SWEEP_EVERY_S
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s, now_ms = self.clock.now_s(), self.clock.now_ms()
            self.lateness.observe(now_s - due_s)
            for connection in tuple(self.connections.values()):
                if connection.session.late(now_s):
                    connection.close(CloseReason.HELLO_TIMEOUT)
                elif connection.session.expired(now_ms):
                    connection.close(CloseReason.TOKEN_EXPIRED)

    def _tell(self, room: str, user: str, frame: Frame) -> None:
        """Say something to all connections of one member here."""
        here = self.hub.rooms.get(room)
        for outbox in here.of_user(user) if here is not None else ():
            connection = self.connections.get(outbox)
            if connection is not None:
                connection.send(frame)

    def _member_left(self, entry: Entry, left: Left) -> None:
        self.live.left(entry)
        self.ceremonies.left(entry.room, left.user)
        self._expel(entry.room, left.user)

    def _expel(self, room: str, user: str) -> None:
        here = self.hub.rooms.get(room)
        if here is None or self._tasks is None:
            return
        for outbox in here.of_user(user):
            connection = self.connections.get(outbox)
            if connection is not None:
                self._tasks.create_task(connection.leave_room(room))

    def _new_life(self, room: str) -> None:
        here, head = self.hub.rooms.get(room), self.relay.position(room)
        if here is None or head is None:
            return
        for outbox in tuple(here.catching):
            connection = self.connections.get(outbox)
            if connection is not None:
                connection.close(CloseReason.RESYNC)
        here.release_all()
        gap = GapFrame(room=room, head=head, missed=-1)
        here.announce(lambda codec: _frame(gap, codec))


def _frame(frame: GapFrame, codec: Codec) -> bytes:
    return encode_frame(frame, codec)
