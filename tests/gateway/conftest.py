"""Who asks over REST: nobody in particular, the room's owner, a backend; of a village of their own in each test."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.gateway.rest import Village

ADMIN = {"admin": True, "name": "Backend"}


@pytest.fixture
async def village() -> Village:
    return await Village().opened()


@pytest.fixture
async def host(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client("host") as client:
        yield client


@pytest.fixture
async def admin(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client("root", **ADMIN) as client:
        yield client


@pytest.fixture
async def anybody(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with village.client() as client:
        yield client
