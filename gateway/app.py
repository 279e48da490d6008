"""Composition root of a gateway process: settings in, an ASGI application and a serving process out.

Invariant: the process lives exactly as long as `Gateway.run`. When relay or attendance die, the process says why and
ends with status 1, and whoever supervises it starts another: a gateway that hears nothing must not look alive.
"""

import asyncio
import contextlib
import resource
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
import uvloop

from chat.adapters.connect import connect_engine
from chat.adapters.http_classifier import NOT_SET, HttpClassifier
from chat.adapters.http_poster import HttpPoster
from chat.collecting import collect_seldom
from chat.errors import CommandFailed
from chat.frames import Route
from chat.limits import FRAME_BYTES_MAX, PING_INTERVAL_S
from chat.ports import ARCHIVERS, TRANSLATORS, WEBHOOKS, Poster, Presence, TranslationJobs
from chat.processes import process_name
from chat.service import Service
from chat.tracing import tracing
from gateway.api import Api
from gateway.clock import Clock
from gateway.endpoint import websocket_endpoint
from gateway.gateway import Gateway
from gateway.http import Http, Receive, Send
from gateway.protocol import ChatProtocol
from gateway.settings import Settings
from gateway.tokens import TokenKeys
from gateway.watch import Watch
from gateway.web import WebFiles
from gateway.webhooks.operations import Webhooks

WEB: Final = Path(__file__).parent / "web"
ROUTES_LOOK_S: Final = 10.0
"""How often installed packages are looked at, as often as translators do."""
OF_WEBHOOKS: Final = (
    "webhook_delivered_total",
    "webhook_failed_total",
    "webhook_dead_total",
    "webhook_endpoints",
    "webhook_rooms_waiting",
)
OF_ARCHIVERS: Final = (
    *("archiver_moved_total", "archiver_forgotten_total", "archiver_dropped_total"),
    *("archiver_overtaken_total", "archiver_pressed_total", "archiver_behind", "archiver_failed_at_seconds"),
)
SEEN_BY_EACH: Final = frozenset({"archiver_behind", "archiver_failed_at_seconds"})
"""What each archiver says of all rooms."""
SEEN_BY_ALL: Final = frozenset({"texts_parked"})
"""What every translator reports of a queue that is common to them."""
BACKLOG: Final = 2048
"""Connections the kernel may hold for us: everybody of a full room at once after a restart."""
OPEN_FILES: Final = 65_536

log = structlog.get_logger("gateway")

WhenDead = Callable[[BaseException], None]


class App:
    """One gateway process as an ASGI application; everything is made at lifespan startup, inside its loop."""

    def __init__(self, settings: Settings, when_dead: WhenDead) -> None:
        self.settings = settings
        self.name = process_name()
        self.gateway: Gateway | None = None
        self._when_dead = when_dead
        self._http: Http | None = None
        self._routes: tuple[Route, ...] = ()
        self._ping: Callable[[], Awaitable[None]] = _nothing
        self._opening: asyncio.Task[Any] | None = None
        self.given_up = self._is_open = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._http is not None:
            await self._http(scope, receive, send)
        else:
            raise RuntimeError("this application needs an ASGI server that speaks lifespan")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            self._opening = asyncio.current_task()
            try:
                if not self.given_up:
                    await stack.enter_async_context(self.opened())
            except asyncio.CancelledError:
                if not self.given_up or self._opening is None or self._opening.uncancel():
                    raise
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                self._when_dead(error)
                return
            finally:
                self._opening = None
            if self.given_up:
                await send({"type": "lifespan.startup.failed", "message": "asked to stop before it was open"})
                return
            self._is_open = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Engine, gateway and HTTP, for as long as the block lasts. Raises Unavailable, KeysInvalid, TracesMissing."""
        settings = self.settings
        keys = TokenKeys.open(settings.keys_path, settings.audience, make=settings.may_make_keys)
        async with (
            tracing(
                settings.otlp_url, service="diqiucun-gateway", instance=self.name, share=settings.trace_share
            ) as traces,
            connect_engine(settings.redis_url, settings.data_dir, archive_url=settings.archive_url) as engine,
            engine.new_feed() as feed,
            HttpPoster(allow_private=settings.webhooks_allow_private) as poster,
        ):
            clock = Clock()
            watch = Watch(clock, rooms_named=settings.metrics_rooms, traces=traces)
            classifier = classifier_of(settings, poster, clock)
            service = Service(
                watch.over_log(engine.log),
                engine.presence,
                engine.jobs,
                engine.invites,
                now_ms=clock.now_ms,
                new_id=lambda: secrets.token_hex(12),
                classifier=classifier,
            )
            gateway = Gateway(
                service,
                feed,
                verify=keys.verify,
                name=self.name,
                routes=lambda: self._routes,
                clock=clock,
                watch=watch,
            )
            api = Api(
                service,
                keys,
                Webhooks(engine.hooks, poster, allow_private=settings.webhooks_allow_private),
                public_url=settings.public_url,
                guest_token_days=settings.guest_token_days,
                enter_per_minute=settings.enter_per_minute,
                enter_burst=settings.enter_burst,
                now_ms=clock.now_ms,
                now_s=clock.now_s,
            )
            self.gateway = gateway
            self._ping = engine.ping
            self._http = Http(
                api,
                websocket_endpoint(gateway, frozenset(settings.allowed_origins)),
                WebFiles(WEB),
                name=self.name,
                why_not_ready=self._why_not_ready,
                statistics=lambda: {
                    **gateway.statistics(),
                    **_named("engine", engine.statistics()),
                    **_named("feed", feed.statistics(), but="gaps"),  # counted by the relay, which heals them
                    **_named("classifier", classifier.statistics() if classifier else NOT_SET),
                },
                of_all=lambda: common(engine.presence, engine.jobs, clock.now_ms),
            )
            self._routes = await asyncio.to_thread(installed_routes, settings.data_dir)
            async with asyncio.TaskGroup() as tasks:
                living = [tasks.create_task(self._live(work)) for work in (gateway.run(), self._look_for_packages())]
                yield
                for task in living:
                    task.cancel()

    def give_up(self) -> None:
        """Open no further, where it still opens: an engine that loads its data, or hangs, may take a minute."""
        if not self._is_open:
            self.given_up = True
            if self._opening is not None:
                self._opening.cancel()

    async def _live(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("a task died that this process cannot do without")
            self._when_dead(error)

    async def _look_for_packages(self) -> None:
        while True:
            await asyncio.sleep(ROUTES_LOOK_S)
            self._routes = await asyncio.to_thread(installed_routes, self.settings.data_dir)

    async def _why_not_ready(self) -> str | None:
        gateway = self.gateway
        if gateway is None:
            return "this process is starting"
        if gateway.draining:
            return "this process is about to stop"
        if not gateway.ready:
            return "the relay is not running yet"
        try:
            await self._ping()
        except CommandFailed as failure:
            return f"the message log cannot be reached: {failure.words}"
        return None


def create_app(settings: Settings, when_dead: WhenDead | None = None) -> App:
    """The ASGI application; serve it with lifespan and `ws=ChatProtocol`. `when_dead` is told when it must end."""
    return App(settings, when_dead or _end_process)


def _end_process(error: BaseException) -> None:
    signal.raise_signal(signal.SIGTERM)


def classifier_of(settings: Settings, poster: Poster, clock: Clock) -> HttpClassifier | None:
    """Who judges messages outside, if the deployment has one."""
    if settings.classifier_url is None or settings.classifier_secret is None:
        return None
    return HttpClassifier(
        poster,
        settings.classifier_url,
        settings.classifier_secret,
        within_ms=settings.classifier_within_ms,
        fails=settings.classifier_fails,
        now_ms=clock.now_ms,
        now_s=clock.now_s,
        new_id=lambda: secrets.token_hex(20),
    )


async def webhooks(presence: Presence) -> dict[str, float]:
    """The figures of who delivers webhooks, added up; a deliverer without the lease reports zeros. Zeros, too, where
    nobody has delivered yet; empty while the engine is away."""
    try:
        rosters = await presence.rosters(WEBHOOKS)
    except CommandFailed:
        return {}
    counted = {"webhook_deliverers": float(len(rosters)), **dict.fromkeys(OF_WEBHOOKS, 0.0)}
    for roster in rosters:
        for (name, *_), value in roster.readers.items():
            if f"webhook_{name}" in OF_WEBHOOKS:
                counted[f"webhook_{name}"] += value
    return counted


async def archivers(presence: Presence) -> dict[str, float]:
    """The figures of who moves messages into the archive, added up; zeros where there is none, empty while the engine
    is away."""
    try:
        rosters = await presence.rosters(ARCHIVERS)
    except CommandFailed:
        return {}
    counted = {"archivers": float(len(rosters)), **dict.fromkeys(OF_ARCHIVERS, 0.0)}
    for roster in rosters:
        for (told, *_), value in roster.readers.items():
            name = f"archiver_{told}"
            if name in counted:
                counted[name] = max(counted[name], value) if name in SEEN_BY_EACH else counted[name] + value
    return counted


async def translators(presence: Presence) -> dict[str, float]:
    """The counters of all living translators, as they report them under a lease, added up. Empty while the engine is
    away: no figure is better than an old one."""
    try:
        rosters = await presence.rosters(TRANSLATORS)
    except CommandFailed:
        return {}
    counted: dict[str, float] = {"translators": len(rosters)}
    for roster in rosters:
        for (name, *_), value in roster.readers.items():
            known = counted.get(f"translator_{name}", 0)
            counted[f"translator_{name}"] = max(known, value) if name in SEEN_BY_ALL else known + value
    return counted


async def common(presence: Presence, jobs: TranslationJobs, now_ms: Callable[[], int]) -> dict[str, float]:
    """What the engine knows and every gateway says alike; what cannot be asked now is left out."""
    counted = {**await translators(presence), **await webhooks(presence), **await archivers(presence)}
    try:
        waiting, oldest_ms = await jobs.backlog(), await jobs.oldest_ms()
    except CommandFailed:
        return counted
    counted["jobs_waiting"] = waiting
    counted["jobs_oldest_seconds"] = 0.0 if oldest_ms is None else max(0, now_ms() - oldest_ms) / 1000
    return counted


async def _nothing() -> None:
    pass


def _named(what: str, statistics: Mapping[str, float], *, but: str = "") -> dict[str, float]:
    return {f"{what}_{name}": value for name, value in statistics.items() if name != but}


def installed_routes(data_dir: Path) -> tuple[Route, ...]:
    """What the translation packages in the data directory can do. None where no translator could run."""
    try:
        from translator.packages import PackageStore
        from translator.routes import reachable
        from translator.settings import TranslatorSettings

        starter = TranslatorSettings().starter
    except (ImportError, ValueError):  # not installed, or set wrongly: translators say so themselves
        return ()
    routes = reachable(PackageStore(data_dir, starter=starter).installed())
    return tuple(Route(source=route.source, target=route.target, starter=route.starter) for route in routes)


class _Server(uvicorn.Server):
    """uvicorn's server, but the signals are ours: we say goodbye before it closes sockets."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.open.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def serve(settings: Settings, listening: socket.socket) -> int:
    """Run one gateway process on a bound socket until a signal or a death; the exit status."""
    raise_open_files()
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> int:
    stopping = asyncio.Event()
    deaths: list[BaseException] = []

    def when_dead(error: BaseException) -> None:
        deaths.append(error)
        stopping.set()

    app = create_app(settings, when_dead)
    config = uvicorn.Config(
        app,
        ws=ChatProtocol,
        ws_per_message_deflate=False,
        ws_max_size=FRAME_BYTES_MAX,
        ws_ping_interval=PING_INTERVAL_S,
        ws_ping_timeout=20.0,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        date_header=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, int(settings.stop_within_s)),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(_served(server, listening))
        asked = tasks.create_task(stopping.wait())
        await asyncio.wait((serving, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        app.give_up()
        # What is open already opens to the end: uvicorn puts away only what it has put up.
        opening = tasks.create_task(server.open.wait())
        await asyncio.wait((serving, opening), return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if app.gateway is not None and server.started and not deaths:
            log.info("stopping", within_s=settings.stop_within_s)
            if listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
                # Who comes back is dealt to the other processes on this port. Alone on it we go on listening: whoever
                # comes is told when to come again, which is more than a refused connection says.
                for one in server.servers:
                    one.close()
            await app.gateway.drain(settings.stop_within_s / 2)
        server.should_exit = True
    for death in deaths:
        log.error("the process ends", why=f"{type(death).__name__}: {death}")
    return 1 if deaths or (serving.result() and not app.given_up) else 0


async def _served(server: uvicorn.Server, listening: socket.socket) -> int:
    try:
        with listening:
            await server.serve(sockets=[listening])
    except SystemExit as ending:  # how uvicorn says that the lifespan did not start
        return int(ending.code or 0) or 1
    return 0


def raise_open_files() -> None:
    """As many open files as this process may have: each connection is one, and the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket. With `shared` several processes of ours may bind the same port, and the kernel deals out
    connections among them; without, somebody else's listener is an OSError, as it should be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    bound.set_inheritable(False)
    return bound
