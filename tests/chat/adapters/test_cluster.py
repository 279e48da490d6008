"""The cluster beyond the contracts: redirections, failover, and that nobody sees what a promoted replica lacks.

Those that break something run on a cluster that is mended after each of them.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import engine_binary
from chat.adapters.redis_address import ClusterAddress, Node
from chat.adapters.redis_cluster_feed import ClusterFeed
from chat.adapters.redis_engine import Refused
from chat.adapters.redis_slots import SlotMap, node_in, slot_of, slot_of_command, tag_in
from chat.errors import Unavailable
from chat.events import Entry, Posted, RoomCreated
from chat.ports import Appended, FeedItem, Gap, JobText, Member, Whisper
from loadtest.cluster import Cluster, local_cluster
from tests.support.engine import random_prefix

pytestmark = [pytest.mark.engine]

WAIT_S = 20.0
ROOMS = tuple("abcdefgh")
"""Enough that each of three primaries has some."""


# -- words ----------------------------------------------------------------------------------------------------------


def test_a_cluster_is_written_with_all_its_nodes() -> None:
    address = ClusterAddress.parse(
        "rediss+cluster://me:p%40ss@one:7000,[::1]:7001,three/?replicas=2&ssl_cert_reqs=none"
    )
    assert address.nodes == (Node("one", 7000), Node("::1", 7001), Node("three", 6379))
    assert address.replicas == 2
    assert address.url(Node("::1", 7001)) == "rediss://me:p%40ss@[::1]:7001/0?ssl_cert_reqs=none"
    assert ClusterAddress.parse("redis+cluster://one").replicas is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://one:1",
        "redis+cluster://",
        "redis+cluster://one:1,,two:2",
        "redis+cluster://one:70000/",
        "redis+cluster://one:1/3",
        "redis+cluster://one:1/?replicas=-1",
        "redis+cluster://one:1/?nonsense=1",
        "redis+cluster://u:secret@one two:1/",
    ],
)
def test_what_is_no_address_of_a_cluster_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"cluster|replicas|Redis URL") as refused:
        ClusterAddress.parse(url)
    assert "secret" not in str(refused.value)


def test_a_command_goes_where_its_key_is() -> None:
    assert slot_of("{p03}:x") == slot_of(b"t:{p03}:y") == slot_of("p03")
    assert slot_of_command(("EVALSHA", "0" * 40, 1, "k", "v")) == slot_of("k")
    assert slot_of_command(("XREADGROUP", "GROUP", "g", "w", "COUNT", 1, "STREAMS", "s", ">")) == slot_of("s")
    assert slot_of_command(("XGROUP", "CREATE", "s", "g", "0")) == slot_of("s")
    assert slot_of_command(("MULTI",)) is None
    assert all(slot_of(f"x{{{tag_in(slot)}}}") == slot for slot in (0, 1, 5460, 16383))


def test_a_map_names_owners_and_learns_of_moves() -> None:
    asked = Node("asked", 1)
    found = SlotMap.of([[0, 99, [b"", 1, b"id"], [b"b", 2, b"id"]], [200, 300, [b"c", 3, b"id"]]], asked)
    assert found.owner(99) == asked
    assert found.owner(100) is None
    assert found.primaries == (asked, Node("c", 3))
    assert found.nodes == {asked, Node("b", 2), Node("c", 3)}
    found.move(100, node_in("[::2]:4", asked))
    assert found.owner(100) == Node("::2", 4)
    assert node_in(":9", asked) == Node("asked", 9)


# -- one cluster, nothing broken -------------------------------------------------------------------------------------


@dataclass
class Village:
    engine: ConnectedEngine
    feed: ClusterFeed
    cluster: Cluster
    prefix: str

    async def create_rooms(self) -> None:
        for room in ROOMS:
            event = RoomCreated(by="ann", name="Ann", title=room)
            await self.engine.log.create(room, room, event, Member("ann", "Ann", "owner"), once="create")

    async def post(self, room: str, text: str, once: str | None = None) -> Appended:
        event = Posted(author="ann", name="Ann", text=text)
        return await self.engine.log.append(room, event, once=once or text, job=JobText(text, "ann", (("zh",),)))

    async def post_until_taken(self, room: str, text: str) -> Appended:
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    return await self.post(room, text)
                except Unavailable as away:
                    await asyncio.sleep((away.retry_after_ms or 0) / 10_000)

    async def take(self, wanted: Callable[[FeedItem], bool]) -> list[FeedItem]:
        """All items up to the first wanted one."""
        taken: list[FeedItem] = []
        async with asyncio.timeout(WAIT_S):
            async for item in self.feed.items():
                taken.append(item)
                if wanted(item):
                    break
        return taken

    def shard(self, room: str) -> int:
        """The number of the primary that had this room when the cluster started."""
        return slot_of(f"{{{self.engine.log._keys.channel(room).partition('{')[2].partition('}')[0]}}}") * 3 // 16_384

    def rooms_of(self, shard: int) -> list[str]:
        return [room for room in ROOMS if self.shard(room) == shard]


@asynccontextmanager
async def village(cluster: Cluster, options: str = "") -> AsyncIterator[Village]:
    prefix = random_prefix()
    async with connect_engine(cluster.url + options, cluster.nodes[0].directory, prefix=prefix) as engine:
        feed = engine.new_feed()
        assert isinstance(feed, ClusterFeed)
        async with feed:
            here = Village(engine, feed, cluster, prefix)
            await here.create_rooms()
            for room in ROOMS:
                await feed.follow(room)
            yield here


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # conditions of other processes wake nobody
            await asyncio.sleep(0.02)


@pytest.mark.xdist_group("cluster")
async def test_rooms_are_spread_over_the_nodes_and_asked_for_together(cluster: Cluster) -> None:
    async with village(cluster) as here:
        assert {here.shard(room) for room in ROOMS} == {0, 1, 2}
        assert here.feed.statistics()["nodes"] == 3
        assert await here.engine.log.rooms() == list(ROOMS)
        assert await here.engine.redis.used_bytes() > 1_000_000
        keys = [f"{here.prefix}k{n}" for n in range(30)]
        await here.engine.redis.call_all([("SET", key, key) for key in keys])
        assert await here.engine.redis.call_all([("GET", key) for key in keys]) == [key.encode() for key in keys]
        for room in ROOMS:
            await here.post(room, "m")
        jobs = await here.engine.jobs.take("w", 100, 1000)
        assert {taken.job.room for taken in jobs} <= set(ROOMS)
        await here.engine.jobs.done([taken.ref for taken in jobs])
        assert await here.engine.jobs.backlog() == len(ROOMS) - len(jobs)


@pytest.mark.xdist_group("cluster")
async def test_an_error_that_the_caller_handles_comes_through(cluster: Cluster) -> None:
    async with village(cluster) as here:
        await here.engine.redis.call("XGROUP", "CREATE", f"{here.prefix}s", "g", "0", "MKSTREAM")
        with pytest.raises(Refused, match="BUSYGROUP"):
            await here.engine.redis.call("XGROUP", "CREATE", f"{here.prefix}s", "g", "0")


# -- moved, promoted, cut off ----------------------------------------------------------------------------------------


@pytest.fixture
def breakable(cluster: Cluster) -> Iterator[Cluster]:
    try:
        yield cluster
    finally:
        cluster.repair()


@pytest.fixture
def resharded(tmp_path: Path) -> Iterator[Cluster]:
    """One of its own: the epochs that moved slots leave behind are no business of the other tests."""
    with local_cluster(engine_binary(), tmp_path, fsync="no", node_timeout_ms=2_000) as running:
        yield running


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
async def test_a_moved_slot_is_followed_by_commands_and_feed(resharded: Cluster) -> None:
    """The slot goes to another primary, with its keys, as `reshard` moves it. Its rooms hear of a gap, others not."""
    async with village(resharded) as here:
        room = here.rooms_of(0)[0]
        channel = here.engine.log._keys.channel(room)
        slot = slot_of(channel)
        together = [each for each in ROOMS if slot_of(here.engine.log._keys.channel(each)) == slot]
        await here.post(room, "before")
        await here.take(lambda item: isinstance(item, Entry) and item.seq == 2)
        await asyncio.to_thread(move_slot, resharded, slot, 0, 1)
        taken = await here.take(lambda item: isinstance(item, Gap) and item.concerns(room))
        assert [item.rooms for item in taken if isinstance(item, Gap)] == [frozenset(together)]
        after = await here.post(room, "after")
        assert after.position.seq == 3
        [arrived] = await here.take(lambda item: isinstance(item, Entry))
        assert isinstance(arrived, Entry)
        assert (arrived.room, arrived.seq) == (room, 3)
        assert [entry.seq for entry in await here.engine.log.read_after(room, 0, 10)] == [1, 2, 3]
        await here.feed.whisper(room, b"hm")
        assert await here.take(lambda item: True) == [Whisper(room, b"hm")]
        await asyncio.to_thread(move_slot, resharded, slot, 1, 0)
        back = await here.post(room, "back")
        await here.take(lambda item: isinstance(item, Gap) and item.concerns(room))
        assert back.position.seq == 4


def move_slot(cluster: Cluster, slot: int, source: int, target: int) -> None:
    old, new = cluster.pair(source)[0], cluster.pair(target)[0]
    old_id, new_id = old.ask("CLUSTER", "MYID").split()[1], new.ask("CLUSTER", "MYID").split()[1]
    assert "OK" in new.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", old_id)
    assert "OK" in old.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", new_id)
    while len(found := old.ask("CLUSTER", "GETKEYSINSLOT", str(slot), "100").split("\r\n")) > 2:
        keys = [word for word in found[1:] if word and not word.startswith("$")]
        moved = old.ask("MIGRATE", new.host, str(new.port), '""', "0", "5000", "KEYS", *keys)
        assert "OK" in moved, moved
    for node in (new, old, cluster.pair(2)[0]):
        assert "OK" in node.ask("CLUSTER", "SETSLOT", str(slot), "NODE", new_id)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
async def test_a_killed_primary_is_a_gap_for_its_rooms_and_everything_acknowledged_is_there(
    breakable: Cluster,
) -> None:
    """Writers go on while the primary dies, its replica is elected and the dead one comes back as replica. A reader
    who fills each Gap from the log has every entry, in order; nothing acknowledged is missing, and no seq was seen
    with two messages."""
    async with village(breakable) as here:
        lost, kept = here.rooms_of(1), [room for room in ROOMS if here.shard(room) != 1]
        acknowledged: dict[str, list[tuple[int, str]]] = {room: [] for room in ROOMS}
        stop = asyncio.Event()

        async def write(room: str) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                text = f"{room}{number}"
                appended = await here.post_until_taken(room, text)
                acknowledged[room].append((appended.position.seq, text))
                await asyncio.sleep(0.005)

        seen: dict[str, dict[int, bytes]] = {room: {} for room in ROOMS}
        gaps: list[Gap] = []

        async def fill(room: str) -> None:
            while True:
                try:
                    for entry in await here.engine.log.read_after(room, max(seen[room], default=0), 10_000):
                        see(entry)
                    return
                except Unavailable:
                    await asyncio.sleep(0.05)

        def see(entry: Entry) -> None:
            assert seen[entry.room].setdefault(entry.seq, entry.body) == entry.body, "one seq, two messages"

        async def listen() -> None:
            async for item in here.feed.items():
                if isinstance(item, Entry):
                    see(item)
                elif isinstance(item, Gap):
                    gaps.append(item)
                    assert item.rooms is not None
                    for room in item.rooms:
                        await fill(room)

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen())
            writing = [tasks.create_task(write(room)) for room in ROOMS]
            await until(lambda: all(len(rows) > 20 for rows in acknowledged.values()))
            primary, replica = breakable.pair(1)
            primary.signal(signal.SIGKILL)
            before = {room: len(rows) for room, rows in acknowledged.items()}
            await until(lambda: all(len(acknowledged[room]) > before[room] + 5 for room in kept))
            await until(lambda: replica.is_primary)
            primary.start()
            await until(lambda: all(len(acknowledged[room]) > before[room] + 20 for room in lost))
            stop.set()
            await asyncio.gather(*writing)
            await until(lambda: all(rows[-1][0] in seen[room] for room, rows in acknowledged.items()))
            listening.cancel()

        assert gaps
        assert {room for gap in gaps for room in gap.rooms or ()} == set(lost)
        for room in ROOMS:
            log = await here.engine.log.read_after(room, 0, 100_000)
            assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
            stored = {entry.seq: entry.body for entry in log}
            assert seen[room].items() <= stored.items()
            texts = [text for _, text in acknowledged[room]]
            assert len(log) - 1 == len(set(texts)) == len(texts)
            assert all(text.encode() in stored[seq] for seq, text in acknowledged[room])


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
async def test_what_the_replica_has_not_confirmed_is_shown_to_nobody(breakable: Cluster) -> None:
    """The story behind holding answers: the replica is cut off, the primary stores and publishes a post, and dies. The
    promoted replica gives its seq to another message; nobody may have seen the first one there."""
    async with village(breakable) as here:
        room = here.rooms_of(2)[0]
        primary, replica = breakable.pair(2)
        await here.post(room, "both have this")
        await here.take(lambda item: isinstance(item, Entry) and item.seq == 2)
        replica.signal(signal.SIGSTOP)
        primary.ask("CLIENT", "KILL", "TYPE", "replica")  # what lies in a socket would reach it when it wakes
        with pytest.raises(Unavailable, match="0 of 1 replicas"):
            await here.post(room, "only one has this")
        stored = primary.ask("XLEN", here.engine.log._keys.room(room).log)
        assert stored.strip() == ":3", "it is stored, so the rest of this test means something"
        told = await asyncio.gather(
            here.post(room, "only one has this"),  # known by its once-key
            here.engine.log.recognise(room, "only one has this"),
            here.engine.log.read_after(room, 0, 10),
            here.engine.log.state(room),
            return_exceptions=True,
        )
        assert [type(each) for each in told] == [Unavailable] * 4
        elsewhere = here.rooms_of(0)[0]
        await here.post(elsewhere, "other rooms go on")
        [item] = await here.take(lambda item: isinstance(item, Entry))
        assert isinstance(item, Entry)
        assert item.room == elsewhere, "the unconfirmed entry has waited in the feed"
        primary.signal(signal.SIGKILL)
        replica.signal(signal.SIGCONT)
        await until(lambda: replica.is_primary)
        primary.start()
        again = await here.post_until_taken(room, "somebody else was faster")
        assert again.position.seq == 3
        first = await here.post_until_taken(room, "only one has this")
        assert (first.position.seq, first.duplicate) == (4, False)
        log = await here.engine.log.read_after(room, 1, 10)
        assert [b"both" in log[0].body, b"faster" in log[1].body, b"only one" in log[2].body] == [True] * 3
        taken = await here.take(lambda item: isinstance(item, Entry) and item.seq == 4)
        assert any(isinstance(item, Gap) and item.concerns(room) for item in taken)
        assert all(b"only one" not in item.body for item in taken if isinstance(item, Entry) and item.seq == 3)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
async def test_who_asks_for_no_replicas_is_answered_without_them(breakable: Cluster) -> None:
    async with village(breakable, "?replicas=0") as here:
        for shard in range(3):
            breakable.pair(shard)[1].signal(signal.SIGSTOP)
        for room in ROOMS:
            await here.post(room, "quick")
        entries = await here.take(lambda item: isinstance(item, Entry) and item.room == "h" and item.seq == 2)
        assert len([item for item in entries if isinstance(item, Entry)]) >= 2


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
async def test_a_process_may_start_while_the_cluster_is_away(
    breakable: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.adapters.redis_topology.KNOWN_WITHIN_S", 0.05)
    for node in breakable.nodes:
        node.signal(signal.SIGSTOP)
    prefix = random_prefix()
    async with (
        connect_engine(breakable.url, breakable.nodes[0].directory, prefix=prefix) as engine,
        engine.new_feed() as feed,
    ):
        with pytest.raises(Unavailable, match="no node"):
            await engine.ping()
        for node in breakable.nodes:
            node.signal(signal.SIGCONT)
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await engine.ping()
                    await feed.follow("r")
                    break
                except Unavailable:
                    await asyncio.sleep(0.05)
