"""Commands to a Redis or Valkey Cluster: each goes to the primary that has its key, on that node's own `RedisEngine`.

Invariant: nothing is told to anybody, neither an answer nor an entry nor a job, before so many replicas have it as the
operator asked for (`Topology.replicas`). Replication of Redis is asynchronous: a primary that dies takes with it what
its replica has not heard, and the replica gives the same seq to another message. Had anybody seen the first one, no
later word could mend it. So every batch of commands ends with a write and WAIT, and its answers, also those of reads,
are held until the replicas have confirmed: 0.3 to 0.7 ms on one machine, once for a batch (measured). What is not
confirmed in time is `Unavailable`; its author repeats it under its once-key, and the answer "known" is held in the
same way. The feed does likewise (`redis_cluster_feed`).

Why not a new epoch for each promotion instead: a vanished entry is rare, a promotion is not, and an epoch would send
every member of a third of all rooms to start anew, most of them for nothing. Why not publish after confirmation, in a
second step: storing and publishing would not be one any more, and readers of the log would see the entry between them.

The price: rooms of a primary that has lost its only replica wait until it has one again. `replicas=0` in the URL gives
up the promise and the wait.

Why not redis-py's RedisCluster: it repeats by itself what was lost with a connection, once-only commands included, its
pipelines keep no order between nodes, and WAIT must travel on the connection that wrote.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final, Self

from chat.adapters.keepers import Keepers
from chat.adapters.redis_address import ClusterAddress, Node
from chat.adapters.redis_engine import Command, RedisEngine, Refused, Script
from chat.adapters.redis_keys import Keys
from chat.adapters.redis_slots import node_in, slot_of_command
from chat.adapters.redis_topology import CONFIRM_WITHIN_MS, Topology
from chat.errors import Unavailable

REDIRECTS_MAX: Final = 5
TRY_AGAIN_S: Final = 0.05
"""Between tries of a command whose keys are just being moved."""
ANSWER_WITHIN_S: Final = 2.0 + CONFIRM_WITHIN_MS / 1000
POLL_S: Final = 0.02
"""Between looks for new entries of streams. XREADGROUP can wait on streams of one slot only; a connection waiting for
each of the sixteen partitions, in each worker, would cost more than asking again."""
_REDIRECTIONS: Final = ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN")


class ClusterEngine:
    """An async context manager, as `RedisEngine` is; both are `Commands`."""

    def __init__(
        self,
        address: ClusterAddress,
        topology: Topology,
        *,
        prefix: str = "dqc:",
        on_trouble: Callable[[], None] | None = None,
    ) -> None:
        self.keys = Keys(prefix)
        self._address = address
        self._topology = topology
        self._on_trouble = on_trouble
        self._prefix = prefix
        self._nodes: dict[Node, asyncio.Future[RedisEngine]] = {}
        self._keepers = Keepers()
        self._counts = {"redirected": 0}

    async def __aenter__(self) -> Self:
        await self._keepers.open()
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        await self._keepers.close(error)

    async def ping(self) -> None:
        """A gateway is of use while any node answers. Raises Unavailable."""
        await self._topology.wait_known()
        _any_reached(await _all([self._to(node, [("PING",)]) for node in self._topology.primaries]))

    async def call(self, *command: str | bytes | int, repeatable: bool = True) -> Any:
        """The answer. Raises Unavailable, or Refused for an error answer with a code that the caller may handle."""
        return (await self.call_all([command], repeatable=repeatable))[0]

    async def call_all(self, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]:
        """Their answers. Those on keys of one slot are carried out together, in their order."""
        parts = _by_slot(commands)
        if len(parts) == 1:
            [(slot, _)] = parts.items()
            return await self._in_slot(slot, commands, repeatable=repeatable)
        answers = await _all([self._in_slot(slot, [commands[at] for at in places]) for slot, places in parts.items()])
        for answer in answers:
            if isinstance(answer, Unavailable):
                raise answer
        return _in_order(len(commands), parts.values(), answers)

    async def call_reachable(self, commands: Sequence[Command]) -> list[Any]:
        """Answers; None for a command whose node is away. Raises Unavailable when no node could be reached."""
        parts = _by_slot(commands)
        answers = await _all([self._in_slot(slot, [commands[at] for at in places]) for slot, places in parts.items()])
        _any_reached(answers)
        return _in_order(len(commands), parts.values(), answers)

    async def used_bytes(self) -> int:
        """Of the fullest primary that can be reached. Raises Unavailable."""
        await self._topology.wait_known()
        found = await _all([self._used_bytes(node) for node in self._topology.primaries])
        _any_reached(found)
        return max(int(answer[0]) for answer in found if not isinstance(answer, Unavailable))

    async def _used_bytes(self, node: Node) -> list[Any]:
        return [await (await self._engine(node)).used_bytes()]

    async def read_streams(self, group: str, reader: str, count: int, streams: Sequence[str], block_ms: int) -> Any:
        """What XREADGROUP answers, of the streams that can be reached."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + block_ms / 1000
        commands = [("XREADGROUP", "GROUP", group, reader, "COUNT", count, "STREAMS", each, ">") for each in streams]
        while True:
            found = [rows for answer in await self.call_reachable(commands) for rows in answer or ()]
            if found or loop.time() >= until_s:
                return found
            await asyncio.sleep(POLL_S)

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int], *, repeatable: bool = True
    ) -> Any:
        return await script.run(self.call, keys, args, repeatable=repeatable)

    def statistics(self) -> dict[str, int]:
        total = {**self._counts, **self._topology.statistics()}
        for ready in self._nodes.values():
            if ready.done() and not ready.cancelled():
                for name, count in ready.result().statistics().items():
                    total[name] = total.get(name, 0) + count
        return total

    async def _in_slot(self, slot: int, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]:
        """Follows the cluster's redirections. Raises Unavailable, Refused."""
        await self._topology.wait_known()
        asked: Node | None = None
        for _ in range(REDIRECTS_MAX):
            node = asked or self._topology.owner(slot)
            if node is None:
                break
            try:
                if asked is None:
                    return await self._to(node, commands, repeatable=repeatable)
                whole = [each for command in commands for each in (("ASKING",), command)]
                return (await self._to(node, whole, repeatable=repeatable))[1::2]
            except Refused as refused:
                asked = None
                match str(refused).split():
                    case ["MOVED", _, place]:
                        self._counts["redirected"] += 1
                        self._topology.moved(slot, node_in(place, node))
                    case ["ASK", _, place]:
                        self._counts["redirected"] += 1
                        asked = node_in(place, node)
                    case ["TRYAGAIN", *_]:
                        await asyncio.sleep(TRY_AGAIN_S)
                    case ["CLUSTERDOWN", *_]:
                        break
                    case _:
                        raise
        self._doubt()
        raise Unavailable("the cluster has nobody for this room just now")

    async def _to(self, node: Node, commands: Sequence[Command], *, repeatable: bool = True) -> list[Any]:
        engine = await self._engine(node)
        engine.confirmation = self._topology.confirmation(node)
        return await engine.call_all(commands, repeatable=repeatable)

    async def _engine(self, node: Node) -> RedisEngine:
        ready = self._nodes.get(node)
        if ready is None:
            if not self._keepers.is_open:
                raise Unavailable("this process is shutting down")
            ready = self._nodes[node] = asyncio.get_running_loop().create_future()
            self._keepers.start(self._keep(node, ready), f"redis commands to {node}")
        return await asyncio.shield(ready)

    async def _keep(self, node: Node, ready: asyncio.Future[RedisEngine]) -> None:
        """A node that has left costs nothing but its object: connections are made for commands."""
        try:
            async with RedisEngine(
                self._address.url(node),
                prefix=self._prefix,
                on_trouble=self._doubt,
                answer_within_s=ANSWER_WITHIN_S,
                handled=_REDIRECTIONS,
            ) as engine:
                ready.set_result(engine)
                await asyncio.get_running_loop().create_future()
        finally:
            ready.cancel()

    def _doubt(self) -> None:
        self._topology.doubt()
        if self._on_trouble is not None:
            self._on_trouble()


def _by_slot(commands: Sequence[Command]) -> dict[int, list[int]]:
    """Slot -> places of its commands. Those without a key (MULTI, EXEC) belong to the first that has one."""
    slots = [slot_of_command(command) for command in commands]
    own = next((slot for slot in slots if slot is not None), 0)
    parts: dict[int, list[int]] = {}
    for place, slot in enumerate(slots):
        parts.setdefault(own if slot is None else slot, []).append(place)
    return parts


def _in_order(count: int, parts: Iterable[Sequence[int]], answers: Sequence[Sequence[Any] | Unavailable]) -> list[Any]:
    """None where the part's node was away."""
    replies: list[Any] = [None] * count
    for places, answer in zip(parts, answers, strict=True):
        if not isinstance(answer, Unavailable):
            for place, reply in zip(places, answer, strict=True):
                replies[place] = reply
    return replies


async def _all(calls: Sequence[Coroutine[Any, Any, list[Any]]]) -> list[list[Any] | Unavailable]:
    """What each came to, when all have. Raises Refused of any of them."""
    answers: list[list[Any] | Unavailable] = []
    for answer in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, Unavailable):
            raise answer
        answers.append(answer)
    return answers


def _any_reached(answers: Sequence[list[Any] | Unavailable]) -> None:
    """Raises Unavailable when there is no answer among them."""
    away = [answer for answer in answers if isinstance(answer, Unavailable)]
    if away and len(away) == len(answers):
        raise away[0]
