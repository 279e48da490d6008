"""`python -m translator.training --data DIR --out DIR`: the recipe from pairs to packages, in the order of the page
docs/training.md. Nothing is decided here but defaults."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from translator.packages import STARTER, PackageStore
from translator.training import corpus, templates
from translator.training.card import Facts, Row, card, notice, table
from translator.training.corpus import CorpusInvalid, Kind, Pair, Source

DATA: Final = Path("../shared/mt-data")
EVALUATION_SETS: Final = Path("../shared/eval")
OUT: Final = Path("data/training")
KEPT_BACK: Final = 300


@dataclass(frozen=True, slots=True)
class Scale:
    """What differs between the real thing and `--tiny`, which shows in two minutes that the recipe works."""

    updates: int
    tokens: int
    pieces: int
    width: int
    inner: int
    heads: int
    encoders: int
    decoders: int
    warmup: int
    per_template: int
    file_lines_max: int | None
    evaluated_max: int


FULL: Final = Scale(20_000, 2_500, 8_000, 256, 1_024, 4, 6, 2, 1_500, templates.EXPANSIONS_MAX, None, 1_000)
TINY: Final = Scale(300, 800, 3_000, 64, 128, 2, 2, 1, 20, 2, 150, 20)
CUDA_TOKENS: Final = 25_000
RATE: Final = 2e-3
GENTLE_RATE: Final = 5e-4
"""For weights that know something already: at the full rate they would first forget it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status: 0 done, 1 cannot train."""
    given = _parser().parse_args(arguments)
    try:
        import torch
    except ImportError:
        print("PyTorch is missing: pip install 'diqiucun[train]'", file=sys.stderr)
        return 1
    torch.set_num_threads(given.threads or torch.get_num_threads())
    try:
        _train(given, TINY if given.tiny else FULL)
    except (CorpusInvalid, ValueError, OSError) as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


def _train(given: argparse.Namespace, scale: Scale) -> None:
    import torch

    from translator.training import export, grow, score, vocabulary
    from translator.training.exported import read_exported
    from translator.training.model import Shape, read_weights, save_weights
    from translator.training.train import Plan, Trainer

    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not (given.resume or given.tiny):
        raise ValueError(f"{checkpoint} is there: add --resume to go on with it, or choose another --out")
    device = "cuda" if torch.cuda.is_available() else "cpu"

    kept, mix, sources, written = prepared(given, scale)
    begun: dict[str, Any] = {}
    tokenizer = out / "sentencepiece.model"
    if given.init:
        begun, shape, model = read_exported(given.init) if given.init.is_dir() else read_weights(given.init)
        words = vocabulary.Vocabulary(model or given.vocabulary.read_bytes())
        if given.grow:
            resumed = given.resume and tokenizer.exists()
            own = vocabulary.Vocabulary(tokenizer.read_bytes()) if resumed else vocabulary.train(mix, scale.pieces)
            begun, shape = grow.deepened(grow.revocabularied(begun, words, own), shape, scale.encoders)
            shape, words = replace(shape, pieces=len(own)), own
    else:
        resumed = given.resume and tokenizer.exists()
        words = vocabulary.Vocabulary(tokenizer.read_bytes()) if resumed else vocabulary.train(mix, scale.pieces)
        shape = Shape(len(words), scale.width, scale.inner, scale.heads, scale.encoders, scale.decoders)
    if shape.pieces != len(words):
        raise ValueError(f"the weights have {shape.pieces:,} pieces, the vocabulary {len(words):,}: name theirs")
    tokenizer.write_bytes(words.model)
    _tell(f"vocabulary: {len(words):,} pieces")

    plan = Plan(
        updates=given.updates or scale.updates,
        tokens=given.tokens or (CUDA_TOKENS if device == "cuda" and not given.tiny else scale.tokens),
        rate=given.rate or (GENTLE_RATE if begun else RATE),
        warmup=scale.warmup,
        dropout=given.dropout,
        seed=given.seed,
        look_every_s=given.look_s,
    )
    trainer = Trainer(shape, plan, words, device, _tell)
    if begun:
        trainer.begin_with(begun)
    if given.resume and checkpoint.exists():
        trainer.resume(checkpoint)
        _tell(f"goes on after update {trainer.update:,}")
    _tell(f"model: {trainer.parameters / 1e6:.1f} million parameters, on {device}")

    def look(weights: dict[str, Any]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            export.write_model(Path(folder) / "model", _arrays(weights), words, heads=shape.heads)
            return score.quick_score(Path(folder) / "model", tokenizer, kept, given.threads)

    trainer.run(mix, checkpoint, look)
    weights = trainer.weights()
    _tell(f"kept back: {look(weights)}")
    save_weights(out / "weights.pt", weights, shape, words.model, trainer.update)
    model_folder = out / "model"
    export.write_model(model_folder, _arrays(weights), words, heads=shape.heads)

    facts = Facts(
        version=given.version,
        parameters=trainer.parameters,
        encoders=shape.encoders,
        decoders=shape.decoders,
        width=shape.width,
        pieces=len(words),
        updates=trainer.update,
        spent_s=trainer.spent_s,
        device=_device_words(device),
        seed=given.seed,
        templates=written,
        begun_with=given.init.name if given.init else "",
    )
    rows: list[Row] = []
    if given.held_out is not None:
        packages = [
            score.model_package(model_folder, tokenizer, source, target) for source, target in export.DIRECTIONS
        ]
        rows = score.evaluation_rows(packages, given.held_out, scale.evaluated_max, given.threads)
        print(table(rows))
    texts = {"README.md": card(facts, mix, rows), "NOTICE": notice(sources, mix, facts.begun_with)}
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")
    for source, target in export.DIRECTIONS:
        archive = export.write_package(
            out, model_folder, words.model, texts, source=source, target=target, version=given.version
        )
        with tempfile.TemporaryDirectory() as folder:
            PackageStore(Path(folder), starter=False).install(archive)  # raises when it would not install in a room
        _tell(f"{archive}   {archive.stat().st_size / 1e6:.1f} MB")


def prepared(given: argparse.Namespace, scale: Scale) -> tuple[list[Pair], list[Pair], tuple[Source, ...], int]:
    """(pairs kept back, the mix, its sources, how many templates). The same for the same seed and files."""
    rng = random.Random(given.seed)
    own = templates.read_templates()
    pairs = list(templates.expansions(own, templates.read_slots(), rng, scale.per_template))
    repeated = Counter((pair.english, pair.chinese) for pair in pairs)
    sources = corpus.read_sources(given.data) if given.data is not None else ()
    for source in sources:
        pairs += corpus.read_pairs(source, scale.file_lines_max)
    forbidden = corpus.read_forbidden(given.held_out) if given.held_out is not None else frozenset[str]()
    if not sources:
        _tell(f"no sentence pairs: {DATA} is not there and --data names no folder. Templates alone")
    if not forbidden:
        _tell("no evaluation sets: nothing is filtered, and there will be no table. --held-out names their folder")
    read = len(pairs)
    pairs = list(corpus.filtered(pairs, forbidden))
    kept, pairs = corpus.held_out(pairs, KEPT_BACK, rng)
    pairs = [pair for pair in pairs for _ in range(repeated.get((pair.english, pair.chinese), 1))]
    mix = corpus.mixed(pairs, rng)
    kinds = Counter(pair.kind for pair in mix)
    shares = ", ".join(f"{kind.value} {100 * kinds[kind] / len(mix):.0f} %" for kind in Kind if kinds[kind])
    _tell(f"read {read:,} pairs, {len(pairs):,} after filtering, {len(mix):,} in the mix: {shares}")
    return kept, mix, sources, len(own)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m translator.training", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=_if_there(DATA), help="folder of sentence pairs with their README.md"
    )
    parser.add_argument("--held-out", type=Path, default=_if_there(EVALUATION_SETS), help="folder of evaluation sets")
    parser.add_argument("--out", type=Path, default=OUT, help="where everything is written")
    parser.add_argument("--updates", type=int, help=f"steps of the optimizer (default {FULL.updates:,})")
    parser.add_argument(
        "--tokens", type=int, help=f"pieces of one update (default {FULL.tokens:,}; GPU {CUDA_TOKENS:,})"
    )
    parser.add_argument("--dropout", type=float, default=0.1, help="more, when the pairs are seen more than ten times")
    parser.add_argument("--tiny", action="store_true", help="a small corpus and model: does the recipe run?")
    parser.add_argument("--resume", action="store_true", help="go on with the checkpoint in --out")
    parser.add_argument("--init", type=Path, help="begin with weights.pt of an earlier training, or a package's folder")
    parser.add_argument(
        "--grow", action="store_true", help="give --init's weights this corpus's vocabulary and the full depth"
    )
    parser.add_argument("--rate", type=float, help=f"of learning (default {RATE}; with --init {GENTLE_RATE})")
    parser.add_argument("--vocabulary", type=Path, default=STARTER / "sentencepiece.model", help="of --init's weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="processor threads (default: all)")
    parser.add_argument("--look-s", type=float, default=180.0, help="seconds between two held-out scores")
    parser.add_argument("--version", default="1.0", help="version of the packages")
    return parser


def _if_there(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None


def _arrays(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in weights.items()}


def _device_words(device: str) -> str:
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} processor thread(s)"


_STARTED: Final = time.monotonic()


def _tell(line: str) -> None:
    print(f"{time.monotonic() - _STARTED:7.0f} s  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
