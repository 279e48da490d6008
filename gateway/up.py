"""`diqiucun up`: a whole village on one machine, from nothing.

Order: port free -> engine -> keys -> a room to walk into and an invitation for it -> processes -> when they answer,
the address, the link and its QR code. Everything it makes is in the data directory, and a restart finds it again.
Invariant: one `up` for each data directory (a lock that the kernel releases when we die), so the engine is ours to end.
"""

import asyncio
import contextlib
import errno
import fcntl
import ipaddress
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import segno

from chat.adapters.connect import ConnectedEngine, archive_address, connect_engine
from chat.adapters.embedded import attached
from chat.adapters.embedded import stop as stop_engine
from chat.errors import ErrorCode, Rejected
from chat.service import Service
from chat.stopping import stop_signals
from gateway.app import listen
from gateway.invites import invite_link, is_code, new_code
from gateway.settings import PREFIX, Settings
from gateway.supervisor import Role, Supervisor
from gateway.tokens import KeysInvalid, TokenKeys
from gateway.welcome import HOST, WELCOME_ROOM, open_welcome_room

HOST_TOKEN_LIVES_S: Final = 30 * 86_400
WELCOME_LIVES_S: Final = 10 * 365 * 86_400
READY_WITHIN_S: Final = 60.0
READY_LOOK_S: Final = 0.1
SHARED_WITH_TRANSLATORS: Final = (
    "data_dir",
    "redis_url",
    "archive_url",
    "log_level",
    "package_index_url",
    "stop_within_s",
)


class CannotStart(Exception):
    """Why not, and what to do: for the operator."""


Say = Callable[[str, str], None]


async def up(settings: Settings, say: Say, show: Callable[[str], None]) -> int:
    """Run until SIGINT or SIGTERM; the exit status.

    Raises CannotStart, SupervisionFailed, EngineFailed, KeysInvalid.
    """
    stop_asked = asyncio.Event()
    with (
        stop_signals(*hangup()) as signals,
        only_one(settings.data_dir),
        reserve(settings.host, settings.port) as port,
    ):
        try:
            if settings.redis_url is None:
                await attached(settings.data_dir)
            keys = TokenKeys.open(settings.keys_path, settings.audience, make=settings.may_make_keys)
            async with connected_service(settings) as (_, service):
                code = await welcome(service, settings.data_dir)
            doors = Doors(code, host_token(keys) if sys.stdout.isatty() else None)
            signals.opened(stop_asked.set)
            await _supervised(settings, port, doors, stop_asked, say, show)
        finally:
            if settings.redis_url is None:
                await asyncio.to_thread(stop_engine, settings.data_dir, settings.stop_within_s + 2.0)
            _run_file(settings.data_dir).unlink(missing_ok=True)
    return 0


def hangup() -> tuple[signal.Signals, ...]:
    """SIGHUP, which says that the terminal was closed, unless whoever started us ignores it for us, as `nohup` does."""
    return () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)


async def _supervised(
    settings: Settings, port: int, doors: "Doors", stop_asked: asyncio.Event, say: Say, show: Callable[[str], None]
) -> None:
    async def look_at_engine() -> int:
        return (await attached(settings.data_dir)).pid

    def write_run_file() -> None:
        _write_run_file(settings, port, supervisor, say)

    supervisor = Supervisor(
        roles(settings, port),
        say=say,
        changed=write_run_file,
        look_at_engine=look_at_engine if settings.redis_url is None else None,
    )
    if settings.redis_url is None:
        supervisor.engine_pid = await look_at_engine()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run(settings.stop_within_s + 2.0))
        greeting = tasks.create_task(_greet(settings, port, doors, show))
        asked = tasks.create_task(stop_asked.wait())
        await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            say("up", "stopping")
        supervisor.stop()
        greeting.cancel()
        asked.cancel()


def roles(settings: Settings, port: int) -> list[Role]:
    """The processes that `up` keeps alive."""
    environ = {**os.environ, **_as_environ(settings), PREFIX + "PORT": str(port)}
    here = str(Path(__file__).parent.parent)
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    environ["PYTHONUNBUFFERED"] = "1"
    environ[PREFIX + "LOG_FORMAT"] = "json" if settings.log_format == "json" else "console"
    command = (sys.executable, "-m", "gateway")
    gateways = [
        Role("gateway", number, (*command, "gateway", "--share-port"), environ)
        for number in range(1, settings.workers + 1)
    ]
    translators = [
        Role("translator", number, (*command, "translator"), environ) for number in range(1, settings.translators + 1)
    ]
    url = f"ws://{loopback_for(settings.host)}:{port}/ws"
    greeters = [Role("greeter", 1, (sys.executable, "-m", "gateway.greeter", url), environ, vital=False)]
    archive = archive_address(settings.redis_url, settings.data_dir, settings.archive_url)
    archivers = [] if archive is None else [Role("archiver", 1, (*command, "archiver"), environ)]
    hooks = [Role("hooks", 1, (*command, "hooks"), environ, vital=False)] if settings.webhooks else []
    return gateways + translators + archivers + hooks + (greeters if settings.greeter else [])


def _as_environ(settings: Settings) -> dict[str, str]:
    """The settings as a child must find them, wherever each came from."""
    environ = {}
    for name, value in settings.model_dump().items():
        if name in settings.model_fields_set or name in SHARED_WITH_TRANSLATORS:
            words = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
            environ[PREFIX + name.upper()] = words
    return environ


async def welcome(service: Service, data_dir: Path) -> str:
    """The code that leads into the first room; room, its first lines and code are made where they are missing."""
    await open_welcome_room(service)
    path = data_dir / "welcome-invite"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        known = path.read_text("ascii").strip()
        now_ms = time.time_ns() // 1_000_000
        if is_code(known):
            invite = await service.invites.peek(known, now_ms)
            if invite is not None and invite.room == WELCOME_ROOM:
                return known
    code = new_code()
    await service.invite(HOST, WELCOME_ROOM, role="guest", lives_s=WELCOME_LIVES_S, uses=-1, code=code)
    try:
        write_private(path, code + "\n")
    except OSError as error:
        raise CannotStart(
            f"The data directory {data_dir} cannot be written: {error.strerror or error}. Free some space there, or "
            f"set {PREFIX}DATA_DIR to another one."
        ) from None
    return code


@asynccontextmanager
async def connected_service(settings: Settings) -> AsyncIterator[tuple[ConnectedEngine, Service]]:
    """The use cases on this deployment's engine, for what the command line does itself."""
    async with connect_engine(settings.redis_url, settings.data_dir, archive_url=settings.archive_url) as engine:
        yield (
            engine,
            Service(
                engine.log,
                engine.presence,
                engine.jobs,
                engine.invites,
                now_ms=lambda: time.time_ns() // 1_000_000,
                new_id=lambda: secrets.token_hex(12),
            ),
        )


@contextmanager
def reserve(host: str, port: int) -> Iterator[int]:
    """Hold the port for our children. Raises CannotStart when somebody else listens there.

    First a plain bind: with SO_REUSEPORT alone, another process of the same user would silently share its clients
    with us. Then a bound socket that never listens keeps the port ours while children come and go.
    """
    try:
        listen(host, port, shared=False).close()
        held = listen(host, port, shared=True)
    except OSError as error:
        raise CannotStart(why_not_bound(host, port, error)) from None
    with held:
        yield int(held.getsockname()[1])


def why_port_is_taken(host: str, port: int) -> str | None:
    """None when the port can be had."""
    try:
        listen(host, port, shared=False).close()
    except OSError as error:
        return why_not_bound(host, port, error)
    return None


def why_not_bound(host: str, port: int, error: OSError) -> str:
    """Words for a port that cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program. End that program, or choose another port: "
            f"set {PREFIX}PORT={port + 1 if port < 65535 else 8080}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} may be used by the administrator only. Choose one above 1023: set {PREFIX}PORT=8080."
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"{host} is no address of this machine. Set {PREFIX}HOST to one that is, or to 0.0.0.0 for all of them."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}. See {PREFIX}HOST and {PREFIX}PORT."


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Nobody else runs, or restores, on this directory. Raises CannotStart."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data directory {data_dir} cannot be used: {error.strerror}. Set {PREFIX}DATA_DIR to one that can be "
            "written."
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"`diqiucun up` runs already on {data_dir}. Stop it first, or set {PREFIX}DATA_DIR to another one."
            ) from None
        yield
    finally:
        os.close(lock)


# -- what a person sees ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doors:
    """How people get in."""

    invitation: str
    host_token: str | None = None
    """Opens the room to its owner. Only for a terminal: what goes to a file or a journal is read by others."""


async def _greet(settings: Settings, port: int, doors: Doors, show: Callable[[str], None]) -> None:
    url = f"http://{loopback_for(settings.host)}:{port}/readyz"
    looks, told = 0, False
    while not await asyncio.to_thread(answers, url):
        looks += 1
        if looks * READY_LOOK_S > READY_WITHIN_S and not told:
            told = True
            show(f"Not ready after {READY_WITHIN_S:g} s; the lines above should say why. Still trying.")
        await asyncio.sleep(READY_LOOK_S)
    show(greeting(settings, port, doors, colours=sys.stdout.isatty()))


def host_token(keys: TokenKeys) -> str | None:
    """A token for the owner of the welcome room; None where the keys here only verify."""
    try:
        return keys.mint(HOST.user, lives_s=HOST_TOKEN_LIVES_S, name=HOST.name, rooms={WELCOME_ROOM: "moderator"})[0]
    except KeysInvalid:
        return None


def greeting(settings: Settings, port: int, doors: Doors, *, colours: bool) -> str:
    """Where to go: addresses, the invitation, its QR code, and the host's own door."""
    base = public_base(settings, port)
    link = invite_link(base, doors.invitation)
    lines = ["", "地球村 Diqiucun is ready.", "", f"  On this machine   http://localhost:{port}/"]
    if base != f"http://localhost:{port}":
        lines.append(f"  For everybody     {base}/")
    lines += [f"  Invitation        {link}", "", qr_code(link, colours=colours)]
    if doors.host_token is not None:
        lines += ["  For you, the host (keep it to yourself):", f"  {base}/#/t/{doors.host_token}", ""]
    else:
        lines += [f"  As the host       diqiucun token {HOST.user} --room {WELCOME_ROOM}=moderator, then /#/t/TOKEN"]
    lines += [f"  Data              {settings.data_dir}", "  Stop with Ctrl-C.", ""]
    return "\n".join(lines)


def public_base(settings: Settings, port: int) -> str:
    """The address to hand out: the configured one, else this machine's on the local network."""
    if settings.public_url:
        return settings.public_url
    host = settings.host
    if host in ("0.0.0.0", "::"):
        host = lan_address() or "localhost"
    if host in ("127.0.0.1", "::1"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def lan_address() -> str | None:
    """The address that a phone on the same network can reach. No packet is sent: a UDP socket only asks the routing
    table which address of ours it would use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
            found = str(asked.getsockname()[0])
        except OSError:
            return None
    return None if ipaddress.ip_address(found).is_loopback or found == "0.0.0.0" else found


def loopback_for(host: str) -> str:
    """Where a process on this machine finds a server listening on `host`."""
    if host == "0.0.0.0":
        return "127.0.0.1"
    return "[::1]" if host == "::" else f"[{host}]" if ":" in host else host


def answers(url: str) -> bool:
    """Whether `url` answers 200. Never through a proxy: it is this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2.0) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def qr_code(text: str, *, colours: bool) -> str:
    """The code in half blocks, black on white whatever the terminal's own colours are."""
    drawn = StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, border=2, compact=True)
    begin, end = ("\x1b[38;5;231;48;5;16m", "\x1b[0m") if colours else ("", "")
    return "\n".join(f"  {begin}{line}{end}" for line in drawn.getvalue().rstrip("\n").split("\n")) + "\n"


# -- files -------------------------------------------------------------------------------------------------------------


def _run_file(data_dir: Path) -> Path:
    return data_dir / "run.json"


def _write_run_file(settings: Settings, port: int, supervisor: Supervisor, say: Say) -> None:
    """A full disk is no reason to end those who still work."""
    running: dict[str, Any] = {
        "supervisor": os.getpid(),
        "engine": supervisor.engine_pid,
        "gateways": supervisor.pids("gateway"),
        "translators": supervisor.pids("translator"),
        "archivers": supervisor.pids("archiver"),
        "hooks": supervisor.pids("hooks"),
        "greeters": supervisor.pids("greeter"),
        "port": port,
        "host": settings.host,
    }
    path = _run_file(settings.data_dir)
    try:
        write_private(path, json.dumps(running) + "\n")
    except OSError as error:
        say("up", f"{path} cannot be written: {error.strerror or error}; going on without it")


def write_private(path: Path, text: str) -> None:
    """The whole file or the old one; readable by the owner only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text)
    os.replace(fresh, path)


def is_missing_room(error: Exception) -> bool:
    return isinstance(error, Rejected) and error.code is ErrorCode.ROOM_NOT_FOUND
