"""What a translator counts: the table with words for each figure, and a `/metrics` of its own when an operator names a
port.

Invariant: it prints what `statistics()` says and invents nothing, answers one request a connection within `WITHIN_S`,
and reads no more than `REQUEST_BYTES_MAX` of it. Twenty lines instead of a web framework, which a worker has no other
use for. It listens on this machine only, unless told otherwise: numbers, no texts, but nobody else's business either.
docs/metrics.md is written from this table, and a test compares it with a worker at work.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from translator.guard import Doubt
from translator.pipeline import Why

PREFIX: Final = "diqiucun_translator_"
REQUEST_BYTES_MAX: Final = 8_192
WITHIN_S: Final = 5.0
GAUGES: Final = frozenset(
    ["jobs_running", "texts_parked", "batches_running", "sentences_waiting", "sentences_waiting_late", "cache_entries"]
)
WORDS: Final[Mapping[str, str]] = {
    "jobs_running": "Jobs in hand.",
    "jobs_taken": "Jobs taken from the queue.",
    "jobs_done": "Jobs worked and acknowledged.",
    "jobs_left": "Jobs that failed and come again.",
    "jobs_redelivered": "Jobs taken that somebody had taken before.",
    "jobs_previewed": "Drafts translated for who writes them.",
    "jobs_forgotten": "Recalled messages removed from the caches.",
    "texts_parked": "Texts skipped under overload that wait for a lull; of all translators together.",
    "events_translated": "Translations written into a room.",
    "events_untranslated": "Times a room was told that there is no translation.",
    "events_stale": "Translations thrown away: the message was edited or recalled meanwhile.",
    "events_nothing_to_translate": "Messages that owed nobody a translation.",
    "events_skipped": "Translations skipped for now, under overload.",
    "events_caught_up": "Of these, translated later.",
    "events_spoken_before": "Translations that another translator had written already.",
    "translations_in_budget": "Translations in time for the room's budget.",
    "translations_over_budget": "Translations that came later than that.",
    "translations_ms": "Milliseconds from post to translation, added up.",
    "shared_hits": "Texts whose translation another translator had made.",
    "shared_misses": "Texts that nobody had translated yet.",
    "shared_away": "Questions for such translations that the engine did not answer in time.",
    "texts_translated": "Texts translated, previews included.",
    "texts_rerouted": "Texts translated over a second route because the first failed.",
    "sentences_retried": "Sentences translated again because the guard doubted the first output.",
    "sentences_repaired": "Sentences whose lost figures or names were put back.",
    "sentences_cut_around_terms": "Sentences cut around a name or term that the model would not keep.",
    "batches_running": "Batches in the model now.",
    "batches_failed": "Batches that the model failed on.",
    "batches": "Batches given to the model.",
    "sentences_batched": "Sentences given to the model.",
    "sentences_waiting": "Sentences waiting for a batch.",
    "sentences_waiting_late": "Of these, late already.",
    "sentences_late": "Sentences that grew late while they waited.",
    "sentences_refused": "Sentences refused because too many waited.",
    "sentences_expired": "Sentences whose deadline passed while they waited.",
    "sentences_shed": "Late sentences given up for others that can be in time.",
    "cache_entries": "Sentences remembered.",
    "cache_hits": "Sentences found there.",
    "cache_misses": "Sentences not found there.",
    "cache_forgotten": "Sentences removed because their message was recalled.",
    **{f"texts_refused_{why.value}": f"Texts without a translation: {why.value.replace('_', ' ')}." for why in Why},
    **{
        f"sentences_doubted_{found.value}": f"Outputs not believed: {found.value.replace('_', ' ')}." for found in Doubt
    },
}


def exposed(name: str) -> str:
    """As in `/metrics`."""
    return PREFIX + name if name in GAUGES else f"{PREFIX}{name}_total"


def table() -> dict[str, tuple[str, str]]:
    """(kind, words) of every figure by its exposed name."""
    return {exposed(name): ("gauge" if name in GAUGES else "counter", words) for name, words in WORDS.items()}


def exposition(statistics: Mapping[str, int]) -> str:
    """The Prometheus text format, version 0.0.4."""
    lines = []
    for name, value in sorted(statistics.items()):
        full = exposed(name)
        if name in WORDS:
            lines.append(f"# HELP {full} {WORDS[name]}")
        lines += [f"# TYPE {full} {'gauge' if name in GAUGES else 'counter'}", f"{full} {value}"]
    return "\n".join(lines) + "\n"


async def serve_metrics(statistics: Callable[[], Mapping[str, int]], host: str, port: int) -> asyncio.Server:
    """Listen. Raises OSError when the port is taken."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
                known = head.startswith((b"GET /metrics ", b"GET /metrics?"))
                body = (exposition(statistics()) if known else "only /metrics is here\n").encode()
                status = "200 OK" if known else "404 Not Found"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)
