"""`python -m translator.evaluate FILE FROM TO`: how good and how fast translation is here, over pairs of sentences.

Invariant: what is measured is what a room gets: the real pipeline with its masks, its guard and its installed
packages, nothing by-passed. So a refused line is scored as its reader sees it, untranslated, and the score over the
translated lines alone stands beside it: a guard that refuses everything difficult must not look like a good engine.

FILE holds `English TAB Chinese`, one pair a line, whichever way is asked for. BLEU and chrF2 are sacreBLEU's, with
their signatures, because a BLEU without its tokenizer cannot be compared. Speed is taken with lines many at a time,
as a busy room sends them; latency with one line at a time, as a quiet one does. The cache is off for both. A test
extra: sacrebleu comes with `diqiucun[test]`.
"""

import argparse
import asyncio
import itertools
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import regex
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from chat.language import canonical
from translator import masking
from translator.cache import Cache
from translator.chinese import convert
from translator.ctranslate import CTranslateEngine
from translator.lanes import Lanes
from translator.packages import PackageInvalid, PackageStore, read_package
from translator.pipeline import Pipeline, Refusal, Translation, Why
from translator.routes import CHINESE, Package, Route, find
from translator.scripts import SPACELESS, count
from translator.settings import TranslatorSettings

AT_ONCE: Final = 32
"""Lines in flight while speed is taken: one full batch of the engine."""
ALONE_MAX: Final = 100
"""Lines translated one at a time for the latency; more do not move the 95th percentile much."""
WITHIN_S: Final = 120.0
"""Deadline of a line: long, since a slow machine is a figure here and not a failure."""
RUNAWAY_RATIO: Final = 3.0
RUNAWAY_SLACK: Final = 10

_NUMBER: Final = regex.compile(r"(?<![\d.,])\d+(?:[.,:]\d+)*(?![\d.,]*\d)")
_LOOP: Final = regex.compile(r"(\S.{1,11}?)(?:[\s,，、]*\1){3,}")


class CannotEvaluate(Exception):
    """One sentence for a person: what is missing, and what to do."""


@dataclass(frozen=True, slots=True)
class Pair:
    source: str
    reference: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line."""

    source: str
    reference: str
    output: str | None
    refused: str = ""
    detail: str = ""

    @property
    def shown(self) -> str:
        """What the reader sees."""
        return self.source if self.output is None else self.output


@dataclass(frozen=True, slots=True)
class Report:
    source: str
    target: str
    lines: int
    engine: str
    packages: tuple[str, ...]
    starter: bool
    bleu: float
    """Over all lines, refused ones as their reader sees them: untranslated."""
    bleu_translated: float
    bleu_signature: str
    chrf2: float
    chrf2_translated: float
    chrf2_signature: str
    refused: int
    refusals: dict[str, int]
    """Lines by why they were refused, with the guard's doubt ("doubtful: repetition")."""
    guard_rate: float
    """Share of lines the guard let nobody see."""
    sentences_retried: int
    doubts: dict[str, int]
    """Sentences by what the guard doubted, first and second attempts."""
    terms: int
    """Spans and numbers in translated lines that must be there again."""
    terms_kept: int
    runaway_caught: int
    """Outputs the guard stopped for going on and on."""
    runaway_shown: int
    """Outputs that went on and on and were shown all the same."""
    sentences_per_s: float
    latency_ms_p50: float
    latency_ms_p95: float

    @property
    def term_survival(self) -> float:
        return self.terms_kept / self.terms if self.terms else 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status: 0 done, 1 not done, 2 wrong usage."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        source, target = canonical(given.source), canonical(given.target)
    except ValueError as error:
        parser.error(str(error))
    try:
        _sacrebleu()
        pairs = read_pairs(given.file, source, target, given.limit)
        packages = installed(given.packages)
        route = find(packages, source, target)
        if route is None or not route.packages:
            raise CannotEvaluate(
                f"No installed package translates {source} into {target}. `diqiucun models list` shows what there is."
            )
        report, outcomes = asyncio.run(evaluate(pairs, route, packages, threads=given.threads))
        if given.json is not None:
            _write(given.json, report, outcomes)
    except CannotEvaluate as reason:
        print(reason, file=sys.stderr)
        return 1
    print("\n".join(words(report)))
    return 0


def read_pairs(path: Path, source: str, target: str, limit: int | None = None) -> list[Pair]:
    """`English TAB Chinese` lines in the direction asked for. Raises CannotEvaluate."""
    directions = {(one, other) for chinese in CHINESE for one, other in (("en", chinese), (chinese, "en"))}
    if (source, target) not in directions:
        raise CannotEvaluate(
            f"The pairs are English and Chinese; {source} to {target} cannot be read from them. "
            f"One side must be en, the other zh or zh-Hant."
        )
    pairs: list[Pair] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(itertools.islice(lines, limit), 1):
                english, _, chinese = (cell.strip() for cell in line.rstrip("\n").partition("\t"))
                if not (english and chinese) or "\t" in chinese:
                    raise CannotEvaluate(f"{path}, line {number}: expected English, one tab, Chinese.")
                if source == "en":
                    pairs.append(Pair(english, _in_script(chinese, target)))
                else:
                    pairs.append(Pair(_in_script(chinese, source), english))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotEvaluate(f"{path} cannot be read: {error}") from error
    if not pairs:
        raise CannotEvaluate(f"{path} holds no pairs.")
    return pairs


def installed(directory: Path | None) -> tuple[Package, ...]:
    """Packages as a worker finds them; or those in `directory` alone, without the starter. Raises CannotEvaluate."""
    if directory is None:
        try:
            settings = TranslatorSettings()
        except ValidationError as error:
            raise CannotEvaluate(f"The settings cannot be used: {error}") from error
        return PackageStore(settings.data_dir, starter=settings.starter).installed()
    try:
        inside = sorted(each for each in directory.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        raise CannotEvaluate(f"{directory} cannot be read: {error}") from error
    packages: list[Package] = []
    invalid: list[str] = []
    for folder in [directory] if (directory / "metadata.json").is_file() else inside:
        try:
            packages.append(read_package(folder))
        except PackageInvalid as reason:
            invalid.append(str(reason))
    if not packages:
        found = f": {invalid[0]}" if invalid else ""
        raise CannotEvaluate(f"{directory} holds no translation package{found}.")
    for line in invalid[:5]:
        print(f"Left out: {line}", file=sys.stderr)
    return tuple(packages)


async def evaluate(
    pairs: Sequence[Pair], route: Route, packages: Sequence[Package], *, threads: int = 0
) -> tuple[Report, list[Outcome]]:
    """Every pair through the pipeline, and what is to be said about it."""
    engine = CTranslateEngine(threads=threads)
    alone = pairs[:ALONE_MAX]
    try:
        async with Lanes(engine, Cache(0), running_max=engine.threads) as lanes:
            with _bar() as progress:
                pipeline = Pipeline(engine, lanes, packages)
                await _translate(pipeline, pairs[0], route)  # loads the model: no line should pay for that
                pipeline = Pipeline(engine, lanes, packages)
                told = progress.add_task("together", total=len(pairs))
                started = time.perf_counter()
                outcomes = await _together(pipeline, pairs, route, progress, told)
                took_s = time.perf_counter() - started
                statistics = pipeline.statistics()
                told = progress.add_task("one by one", total=len(alone))
                latencies = []
                for pair in alone:
                    started = time.perf_counter()
                    await _translate(pipeline, pair, route)
                    latencies.append((time.perf_counter() - started) * 1000)
                    progress.advance(told)
    finally:
        await engine.close()
    return _report(route, engine.name, outcomes, statistics, took_s, latencies), outcomes


async def _together(
    pipeline: Pipeline, pairs: Sequence[Pair], route: Route, progress: Progress, told: TaskID
) -> list[Outcome]:
    waiting = iter(enumerate(pairs))
    outcomes: dict[int, Outcome] = {}

    async def take() -> None:
        for number, pair in waiting:
            outcomes[number] = await _translate(pipeline, pair, route)
            progress.advance(told)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(AT_ONCE, len(pairs))):
            tasks.create_task(take())
    return [outcomes[number] for number in range(len(pairs))]


async def _translate(pipeline: Pipeline, pair: Pair, route: Route) -> Outcome:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    match await pipeline.translate(pair.source, route.source, route.target, deadline=deadline):
        case Translation() as translation:
            return Outcome(pair.source, pair.reference, translation.text)
        case Refusal() as refusal:
            return Outcome(pair.source, pair.reference, None, refusal.why.value, refusal.detail)


def _report(
    route: Route,
    engine: str,
    outcomes: Sequence[Outcome],
    statistics: "dict[str, int]",
    took_s: float,
    latencies: Sequence[float],
) -> Report:
    translated = [outcome for outcome in outcomes if outcome.output is not None]
    bleu, chrf2 = _metrics(route.target)
    every, some = _scored(bleu, chrf2, outcomes), _scored(bleu, chrf2, translated)
    refusals = Counter(_why(outcome) for outcome in outcomes if outcome.output is None)
    unseen = sum(outcome.refused in (Why.DOUBTFUL, Why.NAMES_LOST) for outcome in outcomes)
    doubts = {
        name.removeprefix("sentences_doubted_"): number
        for name, number in statistics.items()
        if name.startswith("sentences_doubted_") and number
    }
    terms = [(outcome, term) for outcome in translated for term in _terms(outcome.source)]
    return Report(
        source=route.source,
        target=route.target,
        lines=len(outcomes),
        engine=engine,
        packages=tuple(f"{package.name} {package.version}".strip() for package in route.packages),
        starter=route.starter,
        bleu=every[0],
        bleu_translated=some[0],
        bleu_signature=str(bleu.get_signature()),
        chrf2=every[1],
        chrf2_translated=some[1],
        chrf2_signature=str(chrf2.get_signature()),
        refused=refusals.total(),
        refusals=dict(refusals.most_common()),
        guard_rate=unseen / len(outcomes),
        sentences_retried=statistics.get("sentences_retried", 0),
        doubts=doubts,
        terms=len(terms),
        terms_kept=sum(term in (outcome.output or "") for outcome, term in terms),
        runaway_caught=doubts.get("repetition", 0) + doubts.get("too_long", 0),
        runaway_shown=sum(_ran_away(outcome) for outcome in translated),
        sentences_per_s=len(outcomes) / max(took_s, 1e-9),
        latency_ms_p50=_percentile(latencies, 0.50),
        latency_ms_p95=_percentile(latencies, 0.95),
    )


def words(report: Report) -> list[str]:
    """The report for a terminal."""
    refused = ", ".join(f"{why} {number}" for why, number in report.refusals.items()) or "none"
    doubted = ", ".join(f"{doubt} {number}" for doubt, number in report.doubts.items()) or "none"
    starter = " (starter)" if report.starter else ""
    rows = {
        f"{report.source} to {report.target}": f"{report.lines} lines",
        "engine": f"{report.engine}, {' + '.join(report.packages)}{starter}",
        "BLEU": f"{report.bleu:.1f} (translated lines: {report.bleu_translated:.1f})  {report.bleu_signature}",
        "chrF2": f"{report.chrf2:.1f} (translated lines: {report.chrf2_translated:.1f})  {report.chrf2_signature}",
        "refused": f"{report.refused}: {refused}",
        "guard": f"{report.guard_rate:.1%} of lines; sentences again: {report.sentences_retried}; doubts: {doubted}",
        "terms kept": f"{report.terms_kept} of {report.terms}",
        "runaway": f"{report.runaway_caught} caught, {report.runaway_shown} shown",
        "speed": f"{report.sentences_per_s:.1f} lines/s, {AT_ONCE} at a time",
        "latency": f"p50 {report.latency_ms_p50:.0f} ms, p95 {report.latency_ms_p95:.0f} ms, one at a time",
    }
    return [f"{name:<12} {value}" for name, value in rows.items()]


def _why(outcome: Outcome) -> str:
    return f"{outcome.refused}: {outcome.detail}" if outcome.refused == Why.DOUBTFUL else outcome.refused


def _terms(source: str) -> Iterable[str]:
    """Protected spans and numbers written in digits. "1,000" may come out as 1000 or 一千: counted as lost all the
    same, so the share is a lower bound."""
    spans = [span for span in masking.protected(source) if span.strip()]
    return (*spans, *(number for number in _NUMBER.findall(source) if not any(number in span for span in spans)))


def _ran_away(outcome: Outcome) -> bool:
    output = outcome.output or ""
    long = _weight(output) > RUNAWAY_RATIO * _weight(outcome.reference) + RUNAWAY_SLACK
    return long or (_LOOP.search(output) is not None and _LOOP.search(outcome.source) is None)


def _weight(text: str) -> int:
    return count(text).total()


def _percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is at least as large as `share` of them."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _in_script(chinese: str, tag: str) -> str:
    return convert(chinese, tag) if tag == "zh-Hant" else chinese


def _sacrebleu() -> Any:
    try:
        import sacrebleu
    except ImportError as missing:
        raise CannotEvaluate("sacreBLEU is not installed; it comes with `pip install 'diqiucun[test]'`.") from missing
    return sacrebleu


def _metrics(target: str) -> tuple[Any, Any]:
    metrics = _sacrebleu().metrics
    return metrics.BLEU(tokenize="zh" if target in SPACELESS else "13a"), metrics.CHRF()


def _scored(bleu: Any, chrf2: Any, outcomes: Sequence[Outcome]) -> tuple[float, float]:
    if not outcomes:
        return 0.0, 0.0
    shown, references = [outcome.shown for outcome in outcomes], [[outcome.reference for outcome in outcomes]]
    return float(bleu.corpus_score(shown, references).score), float(chrf2.corpus_score(shown, references).score)


def _write(path: Path, report: Report, outcomes: Sequence[Outcome]) -> None:
    fields = asdict(report) | {"term_survival": report.term_survival, "outcomes": [asdict(each) for each in outcomes]}
    try:
        path.write_text(json.dumps(fields, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CannotEvaluate(f"{path} cannot be written: {error}") from error


def _bar() -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m translator.evaluate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="pairs, one a line: English TAB Chinese")
    parser.add_argument("source", metavar="FROM", help="language to translate from: en, zh or zh-Hant")
    parser.add_argument("target", metavar="TO", help="language to translate into")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N pairs")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write figures and every line to this file")
    parser.add_argument(
        "--packages", type=Path, metavar="DIR", help="a package, or a folder of packages, instead of the installed ones"
    )
    parser.add_argument(
        "--threads", type=_positive, default=0, metavar="N", help="batches at a time; one on each processor by default"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
