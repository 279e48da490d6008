"""Several machines on one: network namespaces of Linux, joined by a bridge, whose links can be cut.

Invariant: what is made here is taken away when the block ends, whatever happened in between. Names carry the pid, so
two tests side by side do not meet. Needs root and iproute2; `why_not` says in words what is missing.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

NETWORK: Final = "10.213.{third}"
"""Of a private range (RFC 1918) that few networks use; the third number is chosen by pid."""


class MachinesFailed(Exception):
    """The words of `ip`."""


@dataclass(frozen=True, slots=True)
class Machine:
    name: str
    host: str
    link: str
    """The end of its cable that is plugged into the bridge; empty when all machines are this one."""

    @property
    def within(self) -> tuple[str, ...]:
        """Words before a command that is to run there. The command keeps its pid: `ip` becomes it."""
        return ("ip", "netns", "exec", self.name) if self.link else ()

    def cut(self) -> None:
        """Packets to and from this machine are lost, and nobody is told."""
        _ip("link", "set", self.link, "down")

    def mend(self) -> None:
        _ip("link", "set", self.link, "up")


def why_not() -> str | None:
    """Why there can be no namespaces here; None when there can."""
    if shutil.which("ip") is None:
        return "the command `ip` is missing (package iproute2)"
    try:
        with machines(["try"]):
            return None
    except MachinesFailed as failed:
        return str(failed)


@contextmanager
def machines(names: Sequence[str]) -> Iterator[list[Machine]]:
    """Each with an address of its own; this process reaches all of them, and they reach each other."""
    own = f"{os.getpid() % 100_000:x}"
    network = NETWORK.format(third=os.getpid() % 250)
    bridge = f"dq{own}b"
    made: list[Machine] = []
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("address", "add", f"{network}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, name in enumerate(names):
            machine = Machine(f"dq{own}-{name}", f"{network}.{number + 10}", f"dq{own}v{number}")
            made.append(machine)
            inside = f"dq{own}i{number}"
            _ip("netns", "add", machine.name)
            _ip("link", "add", machine.link, "type", "veth", "peer", "name", inside)
            _ip("link", "set", inside, "netns", machine.name)
            _ip("link", "set", machine.link, "master", bridge, "up")
            _ip("-n", machine.name, "address", "add", f"{machine.host}/24", "dev", inside)
            _ip("-n", machine.name, "link", "set", inside, "up")
            _ip("-n", machine.name, "link", "set", "lo", "up")
        yield made
    finally:
        for machine in made:
            _ip("link", "delete", machine.link, patient=True)
            _ip("netns", "delete", machine.name, patient=True)
        _ip("link", "delete", bridge, patient=True)


def _ip(*words: str, patient: bool = False) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0 and not patient:
        raise MachinesFailed(f"`ip {' '.join(words)}`: {done.stderr.strip() or done.returncode}")
