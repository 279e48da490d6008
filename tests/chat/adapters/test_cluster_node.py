"""Log and feed on one node of a cluster, over TCP, with a password."""

import asyncio
import subprocess
from contextlib import aclosing
from pathlib import Path

import pytest

from chat.adapters import embedded
from chat.adapters.redis_engine import RedisEngine
from chat.adapters.redis_feed import RedisFeed
from chat.adapters.redis_log import RedisLog
from chat.errors import Unavailable
from chat.ports import JobText
from loadtest.bench.machine import free_port
from tests.chat.adapters.room import ANN, CREATED, posted


def start_node(config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [embedded.engine_binary(), str(config)],
        cwd=config.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.engine
async def test_an_append_is_legal_in_a_cluster_over_tcp_with_a_password(tmp_path: Path) -> None:
    """Log, presence and feed on a cluster node: one slot for all an append touches, sharded publication."""
    port = free_port()
    # The password goes by file: an argument list is readable by everybody on the machine.
    config = tmp_path / "node.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ncluster-enabled yes\ncluster-port {free_port()}\n"
        "requirepass p@ss/word\nsave ''\n"
    )
    with start_node(config) as node:
        try:
            url = f"redis://:p%40ss%2Fword@127.0.0.1:{port}"
            async with RedisEngine(url) as engine, asyncio.timeout(15):
                while True:
                    try:
                        await engine.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
                        break
                    except Unavailable:
                        await asyncio.sleep(0.02)
                while b"cluster_state:ok" not in await engine.call("CLUSTER", "INFO"):
                    await asyncio.sleep(0.02)
                log = RedisLog(engine, sharded=True)
                async with RedisFeed(url, sharded=True) as feed, aclosing(feed.items()) as items:
                    await feed.follow("r")
                    await log.create("r", "T", CREATED, ANN, once="c")
                    await log.append("r", posted("x"), once="k", job=JobText("x", "ann", ()))
                    heard = [await anext(items), await anext(items)]
                    assert heard == await log.read_after("r", 0, 10)
            async with RedisEngine(f"redis://:wrong@127.0.0.1:{port}") as stranger:
                with pytest.raises(Unavailable, match="WRONGPASS") as caught:
                    await stranger.ping()
                assert "wrong@" not in str(caught.value)
        finally:
            node.terminate()
