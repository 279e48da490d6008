"""Who is primary for which slot, and how many replicas must have what is acknowledged: one answer for a process.

Invariant: there is always a last known map; whoever finds it wrong says so (`doubt`, `moved`), and nodes are asked
until one answers. All known nodes are asked at once, and the one whose cluster is whole and has seen the latest
election is believed: a primary on the wrong side of a partition still believes in itself. While nobody doubts, nobody
asks.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Self

import hiredis

from chat.adapters.keepers import Keepers
from chat.adapters.redis_address import Address, ClusterAddress, Node
from chat.adapters.redis_engine import Confirmation
from chat.adapters.redis_feed_wire import WireLost, connect
from chat.adapters.redis_slots import SlotMap, tag_in
from chat.errors import Unavailable

ASK_WITHIN_S: Final = 1.0
ASK_EVERY_S: Final = 0.2
"""While in doubt: an election takes a second or so, and every member of a lost node's rooms waits for its end."""
KNOWN_WITHIN_S: Final = 3.0
CONFIRM_WITHIN_MS: Final = 1_000
"""A replica confirms in about a millisecond. While commands wait for it, all others to that node wait behind them."""
_MARK: Final = "redis.set_repl(redis.REPL_REPLICA) redis.call('SET', KEYS[1], '')"
"""To replicas only, so that a batch which only reads costs the primary no fsync."""


class Topology:
    """An async context manager."""

    def __init__(self, address: ClusterAddress, *, prefix: str = "dqc:") -> None:
        self._address = address
        self._prefix = prefix
        self._map = SlotMap()
        self._has_replicas = False
        self._known = asyncio.Event()
        self._doubted = asyncio.Event()
        self._doubted.set()
        self._told: list[Callable[[], None]] = []
        self._keepers = Keepers()
        self._counts = {"topology_asked": 0, "topology_changes": 0}

    async def __aenter__(self) -> Self:
        await self._keepers.open()
        self._keepers.start(self._keep(), "redis topology")
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._keepers.close(error)

    async def wait_known(self) -> None:
        """Until nodes have been asked once. Raises Unavailable."""
        if self._known.is_set():
            return
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S):
                await self._known.wait()
        except TimeoutError:
            raise Unavailable("no node of the cluster has answered yet") from None

    def owner(self, slot: int) -> Node | None:
        """None while the cluster has nobody for it."""
        return self._map.owner(slot)

    @property
    def primaries(self) -> tuple[Node, ...]:
        return self._map.primaries

    @property
    def replicas(self) -> int:
        """To be waited for."""
        return int(self._has_replicas) if self._address.replicas is None else self._address.replicas

    def confirmation(self, node: Node) -> Confirmation | None:
        """What commands to this primary are to end with; None where nobody is to be waited for. Raises Unavailable
        for a node that owns nothing (yet): nothing can be marked there."""
        if self.replicas == 0:
            return None
        slot = self._map.any_slot_of(node)
        if slot is None:
            raise Unavailable(f"{node} is about to take its first slot")
        mark = ("EVAL", _MARK, 1, f"{self._prefix}{{{tag_in(slot)}}}:mark")
        return Confirmation(mark, self.replicas, CONFIRM_WITHIN_MS)

    def doubt(self) -> None:
        """Somebody did not answer as the map says."""
        self._doubted.set()

    def moved(self, slot: int, node: Node) -> None:
        """The cluster itself has said where this slot is."""
        self._map.move(slot, node)
        self.doubt()

    def tell(self, changed: Callable[[], None]) -> None:
        """Call this whenever nodes have been asked."""
        self._told.append(changed)

    def statistics(self) -> dict[str, int]:
        return dict(self._counts)

    async def _keep(self) -> None:
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            self._counts["topology_asked"] += 1
            nodes = {*self._address.nodes, *self._map.nodes}
            answers = [each for each in await asyncio.gather(*map(self._ask, nodes)) if each is not None]
            if answers:
                self._take(max(answers, key=lambda each: each[0])[1], any(replicas for _, _, replicas in answers))
            else:
                self.doubt()
            await asyncio.sleep(ASK_EVERY_S)

    def _take(self, found: SlotMap, has_replicas: bool) -> None:
        if not found.primaries:
            self.doubt()
            return
        if found.primaries != self._map.primaries:
            self._counts["topology_changes"] += 1
        self._map = found
        # For good: that the last replica of a cluster has gone must not make it promise less.
        self._has_replicas = self._has_replicas or has_replicas
        self._known.set()
        for changed in self._told:
            changed()

    async def _ask(self, node: Node) -> tuple[tuple[bool, int], SlotMap, bool] | None:
        """(how far to believe it, its map, whether the cluster has replicas, lost ones included)."""
        address = Address.parse(self._address.url(node))
        try:
            wire = await connect(
                address, connect_within_s=ASK_WITHIN_S, answer_within_s=ASK_WITHIN_S, on_push=lambda push: None
            )
            try:
                slots, info, nodes = await asyncio.gather(
                    wire.send("CLUSTER", "SLOTS"), wire.send("CLUSTER", "INFO"), wire.send("CLUSTER", "NODES")
                )
            finally:
                wire.abort("it has been asked")
        except WireLost:
            return None
        if any(isinstance(answer, hiredis.ReplyError) for answer in (slots, info, nodes)):
            return None
        values = dict(line.split(":", 1) for line in _text(info).split("\r\n") if ":" in line)
        trust = (values.get("cluster_state") == "ok", int(values.get("cluster_current_epoch", "0")))
        has_replicas = any("slave" in line.split()[2] for line in _text(nodes).splitlines() if line)
        return trust, SlotMap.of(slots, node), has_replicas


def _text(answer: Any) -> str:
    """Verbatim strings come as str or bytes, with or without their format."""
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    return text.removeprefix("txt:")
