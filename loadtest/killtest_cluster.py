"""The kill test on several machines: `python -m loadtest.killtest_cluster --duration 60 --seed 1`.

Five machines are network namespaces of this one: three with the engine, a cluster of three primaries and a replica of
each on another machine, and two with a gateway, one of them also with a translator. A seeded script kills a gateway,
kills a primary (the cluster elects its replica; the dead one comes back later), or cuts the link of a machine for
five seconds. Members, questions and verdict are those of `trial`.

Where namespaces are not permitted it says so and runs everything on the loopback, without cutting links.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.cluster import Cluster, ClusterNode, local_cluster
from loadtest.machines import Machine, machines, why_not
from loadtest.plan import PlannedKill
from loadtest.tokens import mint
from loadtest.trial import arguments_of, end_as_interrupted, tell, trial

KILL_EVERY_S: Final = (7.0, 10.0)
"""An election, and the return of the dead as a replica, take some five seconds here."""
CUT_S: Final = 5.0
DEAD_FOR_S: Final = 3.0
"""A primary stays away for longer than the others wait before they elect another one."""
RESTART_S: Final = 0.5
WHOLE_WITHIN_S: Final = 30.0
READY_WITHIN_S: Final = 60.0
LOOK_S: Final = 0.05
GATEWAY_PORT: Final = 18_080
ENGINES: Final = ("engine0", "engine1", "engine2")
GATEWAYS: Final = ("gateway0", "gateway1")
RESULT: Final = Path("build/kill-test-cluster.json")


class DidNotStart(Exception):
    """The words say which, and where to look."""


@dataclass(slots=True)
class Kept:
    """A process of the product, started again whenever it ends, as an operator's supervisor would."""

    role: str
    command: list[str]
    environ: dict[str, str]
    output: Path
    process: asyncio.subprocess.Process | None = None

    async def keep(self) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            while True:
                with self.output.open("ab") as output:
                    self.process = await asyncio.create_subprocess_exec(
                        *self.command, env=self.environ, stdin=quiet, stdout=output, stderr=output
                    )
                await self.process.wait()
                await asyncio.sleep(RESTART_S)
        finally:
            self.kill()
            if self.process is not None:
                await self.process.wait()

    def kill(self) -> int | None:
        """Its pid, if it lived."""
        if self.process is None or self.process.returncode is not None:
            return None
        self.process.kill()
        return self.process.pid


@dataclass(slots=True)
class Scene:
    """A `trial.Stage`: everything that can be killed or cut."""

    data_dir: Path
    cluster: Cluster
    gateways: list[Kept]
    urls: list[str]
    machines: list[Machine]
    elections: int = 0
    members: int = 0

    @property
    def roles(self) -> tuple[str, ...]:
        return ("gateway", "primary", "link") if self.machines else ("gateway", "primary")

    def url(self) -> str:
        """Members are shared out among the gateways."""
        self.members += 1
        return self.urls[self.members % len(self.urls)]

    def token(self, user: str, **claims: Any) -> str:
        return mint(self.data_dir / "token-keys.json", user, **claims)

    async def wait_ready(self, planned: PlannedKill) -> None:
        """A second stroke before the replica is back would be another question: the cluster could elect nobody."""
        if planned.role != "gateway":
            await self.wait_whole()

    async def strike(self, planned: PlannedKill) -> int | str | None:
        """What was struck: a pid, the name of a machine, or None when there was nothing."""
        match planned.role:
            case "gateway":
                return self.gateways[int(planned.pick * len(self.gateways))].kill()
            case "primary":
                leading = await asyncio.to_thread(lambda: [node for node in self.cluster.nodes if node.is_primary])
                return await self._kill_primary(leading[int(planned.pick * len(leading))])
            case _:
                machine = self.machines[int(planned.pick * len(self.machines))]
                machine.cut()
                try:
                    await asyncio.sleep(CUT_S)
                finally:
                    machine.mend()
                return machine.name.partition("-")[2]

    async def wait_whole(self) -> None:
        await asyncio.to_thread(self.cluster.wait_whole, WHOLE_WITHIN_S)

    async def watch(self) -> None:
        """Whatever ends is started again: there is nothing to watch."""
        await asyncio.Event().wait()

    async def _kill_primary(self, node: ClusterNode) -> int | None:
        pid = node.pid
        number = self.cluster.nodes.index(node)
        other = self.cluster.nodes[(number + self.cluster.primaries) % len(self.cluster.nodes)]
        node.signal(signal.SIGKILL)
        try:
            await asyncio.sleep(DEAD_FOR_S)
            self.elections += await asyncio.to_thread(lambda: other.is_primary)
        finally:
            node.start()
        return pid


@asynccontextmanager
async def scene(data_dir: Path, names: Sequence[Machine], binary: str) -> AsyncIterator[Scene]:
    """`names`: three machines for engines, two for gateways; none to have all on this one. Raises DidNotStart."""
    engines, holders = names[:3], names[3:]
    if names:
        order = [engines[at] for at in (0, 1, 2, 1, 2, 0)]  # a replica never shares a machine with its primary
        placed: dict[str, Any] = {
            "hosts": [machine.host for machine in order],
            "within": [machine.within for machine in order],
            "ports": [7000, 7000, 7000, 7001, 7001, 7001],
        }
    else:
        placed = {}
    with local_cluster(binary, data_dir / "cluster", **placed) as cluster:
        gateways, urls = [], []
        for number, name in enumerate(GATEWAYS):
            host = holders[number].host if names else "127.0.0.1"
            port = GATEWAY_PORT + number
            command = [sys.executable, "-m", "gateway", "gateway"]
            environ = _environ(data_dir, cluster.url, host, port)
            within = list(holders[number].within) if names else []
            gateways.append(Kept(name, [*within, *command], environ, data_dir / f"{name}.log"))
            urls.append(f"ws://{host}:{port}/ws")
        within = list(holders[1].within) if names else []
        translator = Kept(
            "translator",
            [*within, sys.executable, "-m", "gateway", "translator"],
            _environ(data_dir, cluster.url, "127.0.0.1", 0),
            data_dir / "translator.log",
        )
        async with asyncio.TaskGroup() as tasks:
            keeping = [tasks.create_task(gateways[0].keep())]
            try:
                await _wait_ready(urls[0], data_dir)  # the first one makes the keys
                keeping += [tasks.create_task(each.keep()) for each in (gateways[1], translator)]
                await _wait_ready(urls[1], data_dir)
                yield Scene(data_dir, cluster, gateways, urls, list(names))
            finally:
                for task in keeping:
                    task.cancel()


def _environ(data_dir: Path, redis_url: str, host: str, port: int) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")}
    return {
        **clean,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DIQIUCUN_DATA_DIR": str(data_dir),
        "DIQIUCUN_REDIS_URL": redis_url,
        "DIQIUCUN_HOST": host,
        "DIQIUCUN_PORT": str(port),
        "DIQIUCUN_LOG_FORMAT": "json",
    }


async def _wait_ready(url: str, data_dir: Path) -> None:
    host, _, port = url.removeprefix("ws://").removesuffix("/ws").partition(":")
    until_s = asyncio.get_running_loop().time() + READY_WITHIN_S
    while asyncio.get_running_loop().time() < until_s:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2.0):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                line = await reader.readline()
                writer.close()
                if b" 200 " in line:
                    return
        await asyncio.sleep(LOOK_S)
    raise DidNotStart(f"the gateway at {host}:{port} is not ready after {READY_WITHIN_S:g} s; look into {data_dir}")


async def kill_test(
    data_dir: Path,
    names: Sequence[Machine],
    binary: str,
    *,
    duration_s: float,
    seed: int,
    kill_every_s: tuple[float, float] = KILL_EVERY_S,
    quiet: bool = False,
) -> dict[str, Any]:
    """See `trial`."""
    async with scene(data_dir, names, binary) as here:
        report = await trial(here, duration_s=duration_s, seed=seed, every_s=kill_every_s, quiet=quiet)
        return report | {"elections": here.elections, "namespaces": bool(names)}


def engine_binary() -> str:
    """The product is asked: a stranger does not know where it keeps its engine."""
    asked = subprocess.run(
        [sys.executable, "-m", "gateway", "engine", "--binary"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = arguments_of("loadtest.killtest_cluster", (__doc__ or "").split("\n")[0], RESULT)
    asked = parser.parse_args(arguments)
    end_as_interrupted()
    data_dir = Path(tempfile.mkdtemp(prefix="kill-"))
    refused = why_not()
    if refused is not None:
        print(f"Network namespaces cannot be had here: {refused}\nAll runs on the loopback, and no link is cut.")
    with contextlib.ExitStack() as stack:
        names = [] if refused is not None else stack.enter_context(machines((*ENGINES, *GATEWAYS)))
        report = asyncio.run(kill_test(data_dir, names, engine_binary(), duration_s=asked.duration, seed=asked.seed))
    report["namespaces_refused"] = refused
    return tell(report, asked.out, data_dir, f"  elections            {report['elections']}\n")


if __name__ == "__main__":
    sys.exit(main())
