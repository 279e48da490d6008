"""A scripted server for each test of the client."""

from collections.abc import AsyncIterator

import pytest

from tests.chat.client.scripted import ScriptedServer, scripted


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted() as running:
        yield running
