"""The real embedded engine for tests, and a real cluster of the same binary: one of each in a test session, a random
key prefix for each test.

A conftest that wants one says `from tests.support.engine import embedded_engine`, or `cluster`.
"""

import secrets
from collections.abc import Iterator

import pytest

from chat.adapters.embedded import EmbeddedEngine, engine_binary, start_or_attach
from loadtest.cluster import Cluster, local_cluster


def random_prefix() -> str:
    return f"t{secrets.token_hex(4)}:"


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = start_or_attach(tmp_path_factory.mktemp("engine"))
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries, a replica for each; up in about two seconds. On a busy machine nobody is taken for dead who only
    had no turn."""
    directory = tmp_path_factory.mktemp("cluster")
    with local_cluster(engine_binary(), directory, fsync="no", node_timeout_ms=2_000) as running:
        yield running
