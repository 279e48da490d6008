"""Argos packages driven straight through CTranslate2 and SentencePiece, off the event loop.

Invariant: a sentence gives the words that argostranslate's own `apply_packaged_translation` gives with the same beam:
the same pieces, same target prefix, same length penalty, unknown pieces replaced from the source. What differs is
only what made it unfit for a live room: batches instead of single sentences, one load per model instead of one per
concurrent first call, a cap on the output, no sentence model to download.

Over 99 % of the time is spent inside CTranslate2, which releases the GIL; `intra_threads` stays 1 because a second
thread on one sentence was slower, and batches of different directions run side by side instead. Those threads are
the least patient guests of the machine: they run at a lower priority than the event loops, so that a gateway on the
same processors goes first whenever it has something to do. Outside the training recipe only this file imports
ctranslate2 and sentencepiece.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from translator.engine import FIRST, EngineFailed, Search
from translator.packages import bpe_tokenizer
from translator.routes import Package

DECODING_LENGTH_MAX: Final = 256
BATCH_TOKENS_MAX: Final = 1_024
"""Padding is the waste of a batch: CTranslate2 sorts by length and cuts at this many tokens."""
LENGTH_CLASSES: Final = (24, 64)
"""Sentences of a batch are translated in up to three groups by length in pieces, because the bound on the output is
one for a whole call: a short line that has lost its way must not write as much as the longest one may."""
NICENESS: Final = 5
"""A third of the share of an ordinary thread, when both want the processor; all of it when nobody else does. At 10, a
tenth, one busy neighbour made translations wait for seconds."""


CONTROL_GROUP: Final = Path("/sys/fs/cgroup")
"""As a container sees its own."""


def processors(control_group: Path = CONTROL_GROUP) -> int:
    """Processors this process may use: those that it may run on, or the container's share of them in whole ones
    (cpu.max of control groups v2, cpu.cfs_quota_us of v1). A share is taken away by stopping everybody in the container
    for the rest of a period, gateways too: so one thread for each processor of the machine would be far too many."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = _share(control_group)
        if quota > 0 and period > 0:
            return max(1, min(allowed, quota // period))
    return allowed


def _share(control_group: Path) -> tuple[int, int]:
    """Microseconds of processor in each so many microseconds. Raises OSError, or ValueError where there is no bound."""
    bound = control_group / "cpu.max"
    if bound.exists():
        quota, _, period = bound.read_text("ascii").partition(" ")
        return int(quota), int(period)
    older = control_group / "cpu"
    return int((older / "cpu.cfs_quota_us").read_text("ascii")), int((older / "cpu.cfs_period_us").read_text("ascii"))


@dataclass(frozen=True, slots=True)
class _Tokenizer:
    encode: Callable[[str], list[str]]
    decode: Callable[[list[str]], str]


class _Once:
    """A value made by the first thread that asks; the others wait for it. A failure is not remembered."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Any = None

    def get(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class CTranslateEngine:
    """The `Engine` for Argos packages on a processor or a CUDA device.

    threads: batches at a time, 0 for one on each processor but one, which is left to event loops. device: "cpu",
    "cuda" or "auto". compute_type as CTranslate2 names it; "auto", as in Argos, means int8 where the processor has it.
    """

    def __init__(self, *, threads: int = 0, device: str = "cpu", compute_type: str = "auto") -> None:
        self._threads = threads or max(1, processors() - 1)
        self._device = device
        self._compute_type = compute_type
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="translate", initializer=_yield_to_others)
        self._reserving = threading.Lock()
        self._models: dict[Path, _Once] = {}
        self._tokenizers: dict[tuple[Path, str, str], _Once] = {}
        self._name = ""

    @property
    def name(self) -> str:
        if not self._name:
            import ctranslate2

            self._name = f"ctranslate2 {ctranslate2.__version__}"
        return self._name

    @property
    def threads(self) -> int:
        """Batches that can run at the same time."""
        return self._threads

    async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
        """See `Engine.translate`."""
        if not sentences:
            return []
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._pool, self._translate, package, list(sentences), search)
        except RuntimeError as closed:
            raise EngineFailed("the engine is closed") from closed
        return await running

    async def close(self) -> None:
        """See `Engine.close`."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        with self._reserving:
            self._models.clear()
            self._tokenizers.clear()

    def forget(self, package: Package) -> None:
        """Let go of a package that was removed or replaced. Work that is running finishes."""
        with self._reserving:
            self._models.pop(package.model, None)
            for key in [key for key in self._tokenizers if key[0] == package.tokenizer]:
                del self._tokenizers[key]

    def _translate(self, package: Package, sentences: list[str], search: Search) -> list[str]:
        try:
            tokenizer = self._tokenizer(package)
            model = self._model(package)
            pieces = [tokenizer.encode(sentence) for sentence in sentences]
            prefix = package.target_prefix
            made = [""] * len(pieces)
            for group in _by_length(pieces):
                results = model.translate_batch(
                    [pieces[place] for place in group],
                    target_prefix=[[prefix]] * len(group) if prefix else None,
                    replace_unknowns=True,
                    beam_size=search.beam_size,
                    no_repeat_ngram_size=search.no_repeat_ngram_size,
                    length_penalty=0.2,
                    max_batch_size=BATCH_TOKENS_MAX,
                    batch_type="tokens",
                    max_decoding_length=min(DECODING_LENGTH_MAX, 2 * max(len(pieces[place]) for place in group) + 16),
                )
                for place, result in zip(group, results, strict=True):
                    made[place] = _finished(tokenizer.decode(result.hypotheses[0]), prefix)
            return made
        except (RuntimeError, ValueError, OSError, LookupError, TypeError, ImportError) as error:
            raise EngineFailed(f"package {package.name} cannot translate: {error}") from error

    def _model(self, package: Package) -> Any:
        def load() -> Any:
            import ctranslate2

            return ctranslate2.Translator(
                str(package.model),
                device=self._device,
                compute_type=self._compute_type,
                inter_threads=self._threads,
                intra_threads=1,
            )

        with self._reserving:
            once = self._models.setdefault(package.model, _Once(load))
        return once.get()

    def _tokenizer(self, package: Package) -> _Tokenizer:
        def load() -> _Tokenizer:
            if package.tokenizer.name == "bpe.model":
                return _locked(*bpe_tokenizer(package))
            return _sentencepiece(package.tokenizer)

        key = (package.tokenizer, package.source_code, package.target_code)
        with self._reserving:
            once = self._tokenizers.setdefault(key, _Once(load))
        tokenizer: _Tokenizer = once.get()
        return tokenizer


def _sentencepiece(path: Path) -> _Tokenizer:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def encode(sentence: str) -> list[str]:
        pieces: list[str] = processor.encode(sentence, out_type=str)
        return pieces

    def decode(pieces: list[str]) -> str:
        text: str = processor.decode_pieces(pieces)
        return text.replace("▁", " ").replace("_", " ")

    return _Tokenizer(encode, decode)


def _by_length(pieces: Sequence[Sequence[str]]) -> list[list[int]]:
    """Places of `pieces`, grouped by length class; no empty group."""
    groups: dict[int, list[int]] = {}
    for place, sentence in enumerate(pieces):
        groups.setdefault(sum(len(sentence) > bound for bound in LENGTH_CLASSES), []).append(place)
    return list(groups.values())


def _yield_to_others() -> None:
    """Lower the priority of this thread. The library's own threads, made when a model is loaded here, inherit it."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            here = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, here, max(NICENESS, os.getpriority(os.PRIO_PROCESS, here)))


def _locked(encode: Callable[[str], list[str]], decode: Callable[[list[str]], str]) -> _Tokenizer:
    """The Moses tokenizers behind bpe.model packages keep state while they work: one thread at a time."""
    lock = threading.Lock()

    def encode_alone(sentence: str) -> list[str]:
        with lock:
            return encode(sentence)

    def decode_alone(pieces: list[str]) -> str:
        with lock:
            return decode(pieces)

    return _Tokenizer(encode_alone, decode_alone)


def _finished(text: str, prefix: str) -> str:
    """As Argos finishes a value: without the target prefix and without one space the tokenizer put in front."""
    return text.removeprefix(prefix).removeprefix(" ") if prefix else text.removeprefix(" ")
