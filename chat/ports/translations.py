"""Translations that were made already."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class TranslationCache(Protocol):
    """Translations shared by all workers, under digests; a loss costs time, never truth. Rows end by themselves."""

    async def get(self, keys: Sequence[str]) -> Sequence[str | None]:
        """The stored texts, None where there is none. Raises Unavailable."""
        ...

    async def put(self, rows: Mapping[str, str]) -> None: ...

    async def forget(self, keys: Sequence[str]) -> None: ...
