"""Which of the 16,384 slots of a cluster a key lies in, and which node has it: pure bookkeeping.

Invariant: a command is sent by its key alone, as the cluster specification says (CRC16 of the hash tag); no table
says which of our keys lives where.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final

from redis.crc import key_slot

from chat.adapters.redis_address import Node
from chat.adapters.redis_engine import Command

SLOTS: Final = 16_384
_KEY_AT: Final = {"EVAL": 3, "EVALSHA": 3, "XGROUP": 2, "OBJECT": 2}
"""Where the key stands, if not behind the name of the command."""
_KEYLESS: Final = {"PING", "MULTI", "EXEC", "SCRIPT"}


def slot_of(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)


def slot_of_command(command: Command) -> int | None:
    """None for a command without a key, which goes where its neighbours go."""
    name = str(command[0])
    if name in _KEYLESS:
        return None
    key = command[command.index("STREAMS") + 1 if name == "XREADGROUP" else _KEY_AT.get(name, 1)]
    assert not isinstance(key, int), f"{name} has no key where one is expected"
    return slot_of(key)


@lru_cache(maxsize=1024)
def tag_in(slot: int) -> str:
    """The shortest number whose hash tag lies in this slot."""
    return next(str(number) for number in count() if slot_of(str(number)) == slot)


class SlotMap:
    """What one node said, as of some moment: the cluster may have moved on, and says so (MOVED)."""

    def __init__(self) -> None:
        self._owners: list[Node | None] = [None] * SLOTS
        self._first: dict[Node, int] = {}
        self.nodes: frozenset[Node] = frozenset()
        """Primaries and replicas."""

    @classmethod
    def of(cls, ranges: Iterable[Sequence[Any]], asked: Node) -> "SlotMap":
        """From the answer to CLUSTER SLOTS. A node that does not know its own address is the one that was asked."""
        found = cls()
        nodes: set[Node] = set()
        for first, last, *places in ranges:
            here = [_node(place, asked) for place in places]
            found._owners[first : last + 1] = [here[0]] * (last + 1 - first)
            found._first.setdefault(here[0], first)
            nodes.update(here)
        found.nodes = frozenset(nodes)
        return found

    @property
    def primaries(self) -> tuple[Node, ...]:
        return tuple(self._first)

    def owner(self, slot: int) -> Node | None:
        return self._owners[slot]

    def move(self, slot: int, node: Node) -> None:
        self._owners[slot] = node
        self._first.setdefault(node, slot)
        self.nodes |= {node}

    def any_slot_of(self, node: Node) -> int | None:
        return self._first.get(node)


def node_in(words: str, asked: Node) -> Node:
    """`host:port` of MOVED and ASK; without a host it is the host that was asked."""
    host, _, port = words.rpartition(":")
    return Node(host.strip("[]") or asked.host, int(port))


def _node(place: Sequence[Any], asked: Node) -> Node:
    host = place[0].decode() if isinstance(place[0], bytes) else place[0]
    return Node(asked.host if host in (None, "", "?") else str(host), int(place[1]))
