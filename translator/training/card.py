"""The words that travel with a model: README.md (the model card) and NOTICE. Pure.

Invariant: every source of which a pair was trained on is named with its licence; a source of which none was used is
not. What the model cannot do stands beside what it can: a reader who takes a guess for a translation is worse off than
one who sees the original.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from translator.training.corpus import Kind, Pair, Source


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the evaluation table: one set in one direction, through the real pipeline."""

    name: str
    direction: str
    lines: int
    bleu: float
    chrf2: float
    refused: int
    sentences_per_s: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card says about a training."""

    version: str
    parameters: int
    encoders: int
    decoders: int
    width: int
    pieces: int
    updates: int
    spent_s: float
    device: str
    seed: int
    templates: int
    begun_with: str
    """Weights the training went on from, "" for none."""


def card(facts: Facts, mix: Iterable[Pair], rows: Sequence[Row]) -> str:
    kinds = Counter(pair.kind for pair in mix)
    total = max(1, kinds.total())
    shares = ", ".join(f"{kind.value} {100 * kinds[kind] / total:.0f} %" for kind in Kind if kinds[kind])
    begun = f" It went on from the weights {facts.begun_with}." if facts.begun_with else ""
    return f"""# Chinese <-> English, everyday chat, version {facts.version}

One model for both directions, told apart by the first target token (`<2en>`, `<2zh>`); the packages of both hold the
same files. Made with `python -m translator.training` of Diqiucun.

## The model

{facts.parameters / 1e6:.1f} million parameters: Transformer, {facts.encoders} encoder and {facts.decoders} decoder \
layers, {facts.width} wide, pre-norm, tied embeddings.
SentencePiece with {facts.pieces:,} pieces, bytes for the rest. CTranslate2 int8.

## The training

{facts.updates:,} updates in {_duration(facts.spent_s)} on {facts.device}, seed {facts.seed}.{begun}
{total:,} pairs, repetitions counted: {shares}. {facts.templates:,} of our own templates.
Pairs of which a side occurs in the evaluation sets below were left out. Sources and licences: `NOTICE`.

## What to expect

{table(rows)}

Made for lines of 3 to 15 words. Long or literary sentences, sums, rare names and single words without a context are
guessed. It writes Simplified Chinese. It has learned what its sources say, with their slants; it was not made for
medical, legal or any other advice. Show the original beside the translation, and say that a machine made it.
"""


def table(rows: Sequence[Row]) -> str:
    """BLEU and chrF2 over all lines, a refused one as its reader sees it: untranslated."""
    if not rows:
        return "Not evaluated: there were no evaluation sets when it was trained."
    head = "| set | direction | lines | BLEU | chrF2 | refused | lines/s |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {row.name} | {row.direction} | {row.lines:,} | {row.bleu:.1f} | {row.chrf2:.1f} "
        f"| {100 * row.refused / max(1, row.lines):.1f} % | {row.sentences_per_s:,.0f} |"
        for row in rows
    )


def notice(sources: Iterable[Source], mix: Iterable[Pair], begun_with: str = "") -> str:
    used = Counter(pair.source for pair in mix if pair.kind is not Kind.TEMPLATE)
    named = [
        f"{source.name}: {source.origin}. Licence: {source.licence}. {used[source.name]:,} pairs of the mix."
        for source in sources
        if used[source.name]
    ]
    opened = (
        f" It went on from the weights {begun_with}; what their NOTICE says holds for it, too." if begun_with else ""
    )
    return f"""This translation model was trained on sentence templates of the authors of Diqiucun (Apache-2.0) and on
the open English-Chinese sentence pairs below.{opened}
No sentence collection is contained in this package. Attribution as the licences ask:

{chr(10).join(named) or "(none: templates alone)"}

Changes made: sentences were filtered, deduplicated, normalised, mixed and used as training pairs; the model holds
learned numbers, not the texts. Where a licence asks that adaptations be shared alike (CC BY-SA), this model may be
used under that licence; no further restriction is added.
"""


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
