"""The real engines, and one connected to the embedded engine that has a room."""

from collections.abc import AsyncIterator

import pytest

from chat.adapters.connect import ConnectedEngine, connect_engine
from chat.adapters.embedded import EmbeddedEngine
from tests.chat.adapters.room import ANN, CREATED
from tests.support.engine import cluster, embedded_engine, random_prefix

__all__ = ["cluster", "embedded_engine"]


@pytest.fixture
async def engine(embedded_engine: EmbeddedEngine) -> AsyncIterator[ConnectedEngine]:
    async with connect_engine(embedded_engine.url, embedded_engine.data_dir, prefix=random_prefix()) as connected:
        await connected.log.create("r", "T", CREATED, ANN, once="create")
        yield connected
