"""The port to whatever turns sentences of one language into another. One adapter today: `ctranslate.py`.

Invariant an adapter keeps: as many outputs as inputs, in the same order, or an exception and no output. It never
blocks the event loop, loads a package once however many ask for it first at the same time, and bounds the length of
what it writes, since a model that has lost its way writes until it is stopped (one such line took 14.8 s).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from translator.routes import Package


@dataclass(frozen=True, slots=True)
class Search:
    """How hard to look for the best output."""

    beam_size: int = 4
    no_repeat_ngram_size: int = 0
    """No sequence of this many pieces may come twice; 0 allows it."""

    def __str__(self) -> str:
        return f"beam{self.beam_size}-norepeat{self.no_repeat_ngram_size}"


FIRST: Final = Search()
"""Argos's own beam: whoever knows a package from there meets the same sentences here. A beam of 2 is a third faster
and words one sentence in four otherwise (measured on the starter)."""
SECOND: Final = Search(beam_size=6, no_repeat_ngram_size=3)
"""For a sentence whose first output was doubtful: look wider, and forbid the loops small models fall into."""


class EngineFailed(Exception):
    """The engine could not translate: the package is damaged, or it does not fit this engine. Words for a person."""


class Engine(Protocol):
    """Sentences in, sentences out."""

    @property
    def name(self) -> str:
        """Name and version for the record ("ctranslate2 4.8.5")."""
        ...

    async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
        """`sentences` (each one sentence, stripped, not empty) through `package`. Raises EngineFailed."""
        ...

    async def close(self) -> None:
        """Wait for running work and let the models go. Idempotent."""
        ...
