"""Whole messages that workers share: one row for each text, under its digest, with every translation made of it.

Invariant: a row answers only for the variant that was asked for (route, package versions, the terms that apply: see
`Pipeline.variant`), so a changed glossary or a new package makes it stale by itself; and a text that was taken back is
gone with one key, whatever was made of it, since all of it stands in one row. A worker that hears "forget" also keeps
the text out for `FORBIDDEN_S`, because somebody may be about to write the row again.

Rows are written together, `FLUSH_S` after the first of them: each write waits for the disk of the engine, and so does
every original that is posted in that moment.

A cache costs time when it is away, never truth: nothing here raises or waits longer than `WAIT_S`. Two workers that
write one row at once lose one of two entries, which costs a translation.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Iterable
from typing import Final, TypeVar

import msgspec

from chat.errors import Unavailable
from chat.ports import TranslationCache
from translator.pipeline import Translation

TEXT_CHARS_MAX: Final = 1_000
"""Longer texts are said once."""
WAIT_S: Final = 0.05
FORBIDDEN_S: Final = 60.0
FLUSH_S: Final = 0.5
UNWRITTEN_MAX: Final = 2_000
VARIANTS_MAX: Final = 32

Answer = TypeVar("Answer")
_decoder: Final = msgspec.json.Decoder(dict[str, Translation])
_encode: Final = msgspec.json.Encoder().encode


class Row:
    """The translations of one text."""

    def __init__(self, key: str, known: dict[str, Translation]) -> None:
        self.key = key
        self.known = known
        self.changed = False

    def get(self, variant: str) -> Translation | None:
        return self.known.get(variant)

    def put(self, variant: str, made: Translation) -> None:
        self.known[variant] = made
        self.changed = True


class SharedRows:
    """Rows in a `TranslationCache`."""

    def __init__(self, cache: TranslationCache) -> None:
        self._cache = cache
        self._forbidden: dict[str, float] = {}
        self._unwritten: dict[str, str] = {}
        self._counts = {"shared_hits": 0, "shared_misses": 0, "shared_away": 0}

    async def row(self, text: str) -> Row | None:
        """What is known of `text`; None when it is too long to be shared."""
        if len(text) > TEXT_CHARS_MAX:
            return None
        key = _key(text)
        waiting = self._unwritten.get(key)
        found = [waiting] if waiting else await self._waited(self._cache.get([key]))
        known: dict[str, Translation] = {}
        if found and found[0] is not None:
            try:
                known = _decoder.decode(found[0])
            except msgspec.DecodeError:
                known = {}
        self._counts["shared_hits" if known else "shared_misses"] += 1
        return Row(key, known)

    def keep(self, row: Row) -> None:
        """Write the row with the next flush; until then only this process knows it."""
        if row.changed and not self._is_forbidden(row.key) and len(self._unwritten) < UNWRITTEN_MAX:
            newest = dict(list(row.known.items())[-VARIANTS_MAX:])
            self._unwritten[row.key] = _encode(newest).decode()

    async def flush(self) -> None:
        rows = {key: text for key, text in self._unwritten.items() if not self._is_forbidden(key)}
        self._unwritten.clear()
        if rows:
            await self._waited(self._cache.put(rows))
            if late := [key for key in rows if self._is_forbidden(key)]:
                await self._waited(self._cache.forget(late))

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def forget(self, texts: Iterable[str]) -> None:
        """Raises Unavailable: what was taken back must go."""
        await self._cache.forget([_key(text) for text in texts])

    def forbid(self, texts: Iterable[str]) -> None:
        """Write none of these for a while."""
        now = asyncio.get_running_loop().time()
        self._forbidden = {key: until for key, until in self._forbidden.items() if until > now}
        self._forbidden |= {_key(text): now + FORBIDDEN_S for text in texts}

    def statistics(self) -> dict[str, int]:
        return dict(self._counts)

    def _is_forbidden(self, key: str) -> bool:
        return self._forbidden.get(key, 0.0) > asyncio.get_running_loop().time()

    async def _waited(self, call: Awaitable[Answer]) -> Answer | None:
        try:
            async with asyncio.timeout(WAIT_S):
                return await call
        except (TimeoutError, Unavailable):
            self._counts["shared_away"] += 1
            return None


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
