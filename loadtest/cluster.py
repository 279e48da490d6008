"""A Redis or Valkey Cluster of processes on this machine, for tests that kill some of them.

Invariant: whatever happens to the test, no node stays behind: each is killed when the block ends. A node that was
killed is started again on its own files, as an operator's supervisor would.

The nodes are given their `nodes.conf` before they start, so nobody has to introduce them to each other; what remains
are the two seconds for which a Redis that starts as primary refuses writes. Number `n` is the primary of slots
`n * 16384 / primaries` and following, number `primaries + n` its replica.
"""

import contextlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SLOTS: Final = 16_384
FIRST_PORT: Final = 11_000
LAST_PORT: Final = 21_000
READY_WITHIN_S: Final = 30.0
LOOK_S: Final = 0.02
NODE_TIMEOUT_MS: Final = 1_000
"""After so long without a word a primary is taken for dead. Operators have 15 s; a test has no time for that."""


class ClusterFailed(Exception):
    """It does not start. The words say where to look."""


@dataclass(slots=True)
class ClusterNode:
    directory: Path
    host: str
    port: int
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self) -> None:
        with (self.directory / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def signal(self, number: int) -> None:
        """Nothing happens to a node that is dead."""
        if self.process is not None:
            self.process.send_signal(number)
            if number == signal.SIGKILL:
                self.process.wait()

    def ask(self, *words: str) -> str:
        """The answer to an inline command, as text; empty when nobody answers."""
        try:
            with socket.create_connection((self.host, self.port), 1.0) as asked:
                asked.sendall(" ".join(words).encode() + b"\r\n")
                answer = asked.recv(65536)
                while answer.startswith(b"$") and len(answer) < int(answer[1 : answer.index(b"\r\n")]):
                    answer += asked.recv(65536)
        except (OSError, ValueError):
            return ""
        return answer.decode("utf-8", "replace")

    @property
    def is_primary(self) -> bool:
        return "role:master" in self.ask("INFO", "replication")

    @property
    def has_replica(self) -> bool:
        return "state=online" in self.ask("INFO", "replication")


@dataclass(slots=True)
class Cluster:
    nodes: list[ClusterNode]
    primaries: int

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(node.address for node in self.nodes[: self.primaries])}/"

    def is_whole(self) -> bool:
        """Every slot has a primary, and every primary a replica (if there are any)."""
        alive = [node for node in self.nodes if node.pid is not None]
        if not all("cluster_state:ok" in node.ask("CLUSTER", "INFO") for node in alive):
            return False
        leading = [node for node in alive if node.is_primary]
        return len(leading) == self.primaries and (
            len(self.nodes) == self.primaries or all(node.has_replica for node in leading)
        )

    def wait_whole(self, within_s: float = READY_WITHIN_S) -> None:
        """Blocks. Raises ClusterFailed."""
        until_s = time.monotonic() + within_s
        while not self.is_whole():
            if time.monotonic() > until_s:
                told = "\n".join(
                    f"{node.address}: {node.ask('CLUSTER', 'INFO')[:60]!r} {node.ask('INFO', 'replication')[:200]!r}"
                    for node in self.nodes
                )
                raise ClusterFailed(f"the cluster is not whole after {within_s:g} s\n{told}")
            time.sleep(LOOK_S)

    def pair(self, shard: int) -> tuple[ClusterNode, ClusterNode]:
        """(primary, replica) of a shard with one replica, whichever of the two is which by now."""
        one, other = self.nodes[shard], self.nodes[shard + self.primaries]
        return (one, other) if one.is_primary and not (other.is_primary and other.has_replica) else (other, one)

    def repair(self) -> None:
        """Start what is dead, wake what stands still, wait until all is well. Raises ClusterFailed."""
        for node in self.nodes:
            node.signal(signal.SIGCONT)
            if node.pid is None:
                node.start()
        self.wait_whole()

    def stop(self) -> None:
        for node in self.nodes:
            node.signal(signal.SIGKILL)


@contextmanager
def local_cluster(
    binary: str,
    directory: Path,
    *,
    primaries: int = 3,
    replicas: int = 1,
    hosts: Sequence[str] = ("127.0.0.1",),
    ports: Sequence[int] = (),
    within: Sequence[Sequence[str]] = ((),),
    node_timeout_ms: int = NODE_TIMEOUT_MS,
    fsync: str = "always",
) -> Iterator[Cluster]:
    """A running cluster of `primaries * (1 + replicas)` nodes.

    `hosts` and `within` are taken in turn: where a node listens, and words that go before its command (`ip netns exec
    NAME`). `ports` are free ones by default. Raises ClusterFailed.
    """
    count = primaries * (1 + replicas)
    village = secrets.token_hex(16)
    with contextlib.ExitStack() as claims:
        chosen = list(ports) or claims.enter_context(_own_ports(count))
        nodes = []
        for number in range(count):
            own = directory / f"node-{number}"
            own.mkdir(parents=True, exist_ok=True)
            nodes.append(ClusterNode(own, hosts[number % len(hosts)], chosen[number], []))
        for number, node in enumerate(nodes):
            (node.directory / "nodes.conf").write_text(_nodes_conf(nodes, number, primaries, village), "ascii")
            node.command = [
                *within[number % len(within)],
                binary,
                *("--bind", node.host, "--port", str(node.port), "--dir", str(node.directory)),
                *("--protected-mode", "no", "--save", "", "--appendonly", "yes", "--appendfsync", fsync),
                *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"),
                *("--cluster-node-timeout", str(node_timeout_ms), "--cluster-replica-validity-factor", "0"),
                *("--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"),
                *("--repl-timeout", "5", "--maxmemory-policy", "noeviction"),
            ]
        cluster = Cluster(nodes, primaries)
        try:
            for node in nodes:
                node.start()
            cluster.wait_whole()
            yield cluster
        finally:
            cluster.stop()


def _nodes_conf(nodes: Sequence[ClusterNode], mine: int, primaries: int, village: str) -> str:
    """`village`: 32 hexadecimal digits that no other cluster has; nodes of two with the same names would join up."""
    lines = []
    names = [f"{village}{number + 1:08x}" for number in range(len(nodes))]
    for number, node in enumerate(nodes):
        shard = number % primaries
        flags = "master" if number < primaries else "slave"
        first, last = SLOTS * shard // primaries, SLOTS * (shard + 1) // primaries - 1
        lines.append(
            f"{names[number]} {node.host}:{node.port}@{node.port + 10_000} "
            f"{'myself,' if number == mine else ''}{flags} {'-' if number < primaries else names[shard]} 0 0 "
            f"{shard + 1} connected{f' {first}-{last}' if number < primaries else ''}"
        )
    return "\n".join([*lines, f"vars currentEpoch {primaries} lastVoteEpoch 0", ""])


@contextmanager
def _own_ports(count: int) -> Iterator[list[int]]:
    """Each with a free one 10,000 above it, where the nodes talk to each other; all below those that systems give to
    outgoing connections. Nobody else who asks here gets them, even while no node listens: a UDP socket holds each."""
    found: list[int] = []
    with contextlib.ExitStack() as claims:
        port = FIRST_PORT
        while len(found) < count:
            port += 1
            if port >= LAST_PORT:
                raise ClusterFailed(f"fewer than {count} free ports from {FIRST_PORT} to {LAST_PORT}")
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind(("127.0.0.1", port))
                for tried in (port, port + 10_000):
                    with socket.socket() as probe:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        probe.bind(("127.0.0.1", tried))
            except OSError:
                claim.close()
                continue
            claims.enter_context(claim)
            found.append(port)
        yield found
