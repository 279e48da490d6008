"""How good the weights are: a quick look while training, and the table at the end. Both ask the exported model.

A loss in PyTorch would be quicker still, and says nothing about beams, int8 or a mistake in the export. The table goes
through the real pipeline (`translator.evaluate`), so that its figures can be compared with docs/evaluation.md.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from translator.ctranslate import CTranslateEngine
from translator.engine import Search
from translator.evaluate import evaluate, read_pairs
from translator.routes import Package, find
from translator.training.card import Row
from translator.training.corpus import Pair
from translator.training.export import DIRECTIONS
from translator.training.vocabulary import TAGS

_QUICK = Search(beam_size=1)


def model_package(model: Path, tokenizer: Path, source: str, target: str) -> Package:
    """A model that is no installed package yet."""
    return Package(
        f"training-{source}_{target}", "0", source, target, model, tokenizer, source, target, target_prefix=TAGS[target]
    )


def quick_score(model: Path, tokenizer: Path, kept: Sequence[Pair], threads: int) -> str:
    """chrF2 over the pairs kept back, both ways, without a search; and one of them to look at."""
    if not kept:
        return "too few pairs to keep any back"
    said = []
    for source, target in DIRECTIONS:
        package = model_package(model, tokenizer, source, target)
        given = [pair.chinese if source == "zh" else pair.english for pair in kept]
        right = [pair.english if source == "zh" else pair.chinese for pair in kept]
        made = asyncio.run(_translated(package, given, threads))
        said.append(
            f"{source}-{target} chrF2 {_chrf().corpus_score(made, [right]).score:.1f} ({given[0]} -> {made[0][:60]})"
        )
    return "   ".join(said)


def evaluation_rows(packages: Sequence[Package], folder: Path, lines_max: int, threads: int) -> list[Row]:
    """Every evaluation set of `folder` through the pipeline with `packages`."""
    rows = []
    for path in sorted(folder.glob("*.tsv")):
        for source, target in DIRECTIONS:
            route = find(packages, source, target)
            assert route is not None
            pairs = list(islice(read_pairs(path, source, target), lines_max))
            report, _ = asyncio.run(evaluate(pairs, route, packages, threads=threads))
            rows.append(
                Row(
                    path.stem,
                    f"{source} to {target}",
                    report.lines,
                    report.bleu,
                    report.chrf2,
                    report.refused,
                    report.sentences_per_s,
                )
            )
    return rows


async def _translated(package: Package, given: Sequence[str], threads: int) -> list[str]:
    engine = CTranslateEngine(threads=threads)
    try:
        return list(await engine.translate(package, given, _QUICK))
    finally:
        await engine.close()


def _chrf() -> Any:
    import sacrebleu

    metrics: Any = sacrebleu.metrics
    return metrics.CHRF()
