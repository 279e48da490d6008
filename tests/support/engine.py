"""The real embedded engine for tests: one in a test session, a random key prefix for each test.

A conftest that wants it says `from tests.support.engine import embedded_engine`.
"""

import secrets
from collections.abc import Iterator

import pytest

from chat.adapters.embedded import EmbeddedEngine, start_or_attach


def random_prefix() -> str:
    return f"t{secrets.token_hex(4)}:"


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = start_or_attach(tmp_path_factory.mktemp("engine"))
    try:
        yield engine
    finally:
        engine.stop()
