"""Sentences this process has translated lately: least recently used goes first. Pure.

Invariant: at most `entries_max` entries, none longer than `TEXT_CHARS_MAX`, so the memory has a bound; and after
`forget(text)` no entry shows what `text` said, nor comes to: what was in the engine just then is not remembered when
it comes back. Chat repeats itself (greetings, the line everybody quotes), and a
sentence costs the engine 4 to 50 ms. The key names package and version, so an upgraded package never answers with the
words of its predecessor. The room's terms need no place in the key: they stand in the sentence already, in the words
the reader shall see, when it comes here (see `terms`).

In the process and not in Redis: the round trip would cost as much as a batched sentence. What workers share are whole
messages (see `shared`).
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

TEXT_CHARS_MAX: Final = 400
"""Longer sentences hardly ever come twice."""
FORBIDDEN_S: Final = 60.0
"""How long what was taken back is kept out: longer than a sentence waits for the engine."""
FORBIDDEN_MAX: Final = 200
"""Texts to compare each new sentence with. While more were taken back, nothing is remembered."""


class CacheKey(NamedTuple):
    package: str
    version: str
    search: str
    text: str


class Cache:
    """Translations by key. `entries_max` 0 keeps nothing. `now_s` is on any clock, as long as it is always the same."""

    def __init__(self, entries_max: int = 20_000) -> None:
        self._entries_max = entries_max
        self._forbidden: OrderedDict[str, float] = OrderedDict()
        """Until when, oldest first."""
        self._closed_until_s = 0.0
        self._entries: OrderedDict[CacheKey, str] = OrderedDict()
        self._hits = 0
        self._misses = 0
        self._forgotten = 0

    def get(self, key: CacheKey) -> str | None:
        """What was put under `key`, now the most recently used."""
        found = self._entries.get(key)
        if found is None:
            self._misses += 1
            return None
        self._hits += 1
        self._entries.move_to_end(key)
        return found

    def put(self, key: CacheKey, translated: str, now_s: float) -> None:
        """Remember; beyond the bound the least recently used is forgotten."""
        if self._entries_max == 0 or len(key.text) > TEXT_CHARS_MAX or len(translated) > 4 * TEXT_CHARS_MAX:
            return
        if now_s < self._closed_until_s:
            return
        if self._is_forbidden(key.text, now_s):
            self._forbid(translated.casefold(), now_s)  # it may be on its way to a third language
            return
        self._entries[key] = translated
        self._entries.move_to_end(key)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def forget(self, texts: Iterable[str], now_s: float) -> None:
        """Drop every sentence that is a part of one of `texts`, and what was made of it on the way to a third
        language. Too much goes ("hello" is in many texts), never too little; a look at every entry, some ms."""
        sought = [text.casefold() for text in texts if text.strip()]
        while sought:
            for text in sought:
                self._forbid(text, now_s)
            gone = [key for key in self._entries if any(key.text.casefold() in text for text in sought)]
            sought = [self._entries.pop(key).casefold() for key in gone]
            self._forgotten += len(gone)

    def clear(self, now_s: float) -> None:
        """Forget all, and remember nothing of what may be in the engine now."""
        self._forgotten += len(self._entries)
        self._entries.clear()
        self._closed_until_s = now_s + FORBIDDEN_S

    def statistics(self) -> dict[str, int]:
        return {
            "cache_entries": len(self._entries),
            "cache_hits": self._hits,
            "cache_misses": self._misses,
            "cache_forgotten": self._forgotten,
        }

    def _forbid(self, text: str, now_s: float) -> None:
        self._forbidden[text] = now_s + FORBIDDEN_S
        self._forbidden.move_to_end(text)
        if len(self._forbidden) > FORBIDDEN_MAX:
            self._closed_until_s = max(self._closed_until_s, self._forbidden.popitem(last=False)[1])

    def _is_forbidden(self, text: str, now_s: float) -> bool:
        while self._forbidden and next(iter(self._forbidden.values())) <= now_s:
            self._forbidden.popitem(last=False)
        said = text.casefold()
        return any(said in taken_back for taken_back in self._forbidden)
