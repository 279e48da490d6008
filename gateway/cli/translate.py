"""`diqiucun translate`: texts through the same pipeline as a room's messages, without a room.

Invariant: what it prints is what a reader would be shown: masks, guard and installed packages are those of a
translator process, and a text that the guard doubts is refused here too. Standard output holds one translation for
each text, in order, and an empty line where there is none, so that columns can be pasted side by side; what each one
is, or why it is missing, stands on standard error.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.models import package_store
from gateway.cli.terminal import err, fail

if TYPE_CHECKING:
    from translator.pipeline import Pipeline, Refusal

AT_ONCE: Final = 32
WITHIN_S: Final = 120.0
"""Deadline of one text. Whoever waits at a terminal can see that it takes long, and end it."""

WHY: Final = {
    "doubtful": "doubtful, so it is not shown ({detail})",
    "names_lost": "a name, number or link would be lost ({detail})",
    "too_late": f"not ready within {WITHIN_S:g} s",
    "overload": "too much at once",
    "engine_failed": "the engine failed: {detail}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One text and what became of it. `text` is None where nothing may be shown."""

    source: str
    from_language: str
    to_language: str
    text: str | None
    note: str
    reason: str = ""
    engine: str = ""
    package: str = ""
    starter: bool = False


def translate(
    to: Annotated[str, typer.Option("--to", help="Language to translate into, like en or zh-Hant.")],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts to translate; left out, the lines of standard input.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Language of the texts; left out, detected.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each text.")] = False,
) -> None:
    """Translate texts as a room would. Exit status 1 if one of them has no translation."""
    target, source = _tag(to), None if from_ is None else _tag(from_)
    if not asyncio.run(_run(_portions(texts), source, target, numbered=not texts or len(texts) > 1, as_json=as_json)):
        raise typer.Exit(1)


def _portions(texts: Sequence[str] | None) -> Iterator[list[str]]:
    """A batch of the engine at a time, so that a long file neither waits for its end nor fills the memory; line by
    line where somebody is typing."""
    if texts:
        lines: Iterator[str] = iter(texts)
    else:
        lines = (line.decode("utf-8", "replace").rstrip("\r\n") for line in sys.stdin.buffer)
    at_once = 1 if not texts and sys.stdin.isatty() else AT_ONCE
    while portion := list(islice(lines, at_once)):
        yield portion


async def _run(
    portions: Iterator[list[str]], source: str | None, target: str, *, numbered: bool, as_json: bool
) -> bool:
    """Translate and print; False when one of the texts has no translation."""
    well, number = True, 0
    async with _pipeline() as pipeline:
        for portion in portions:
            async with asyncio.TaskGroup() as tasks:
                made = [tasks.create_task(_line(pipeline, text, source, target)) for text in portion]
            for each in made:
                line = each.result()
                number += 1
                well = well and line.text is not None
                if as_json:
                    print(json.dumps(_row(line), ensure_ascii=False), flush=True)
                    continue
                print(line.text or "", flush=True)
                if line.note:
                    err.print(f"{number}: {line.note}" if numbered else line.note, markup=False)
    return well


@asynccontextmanager
async def _pipeline() -> "AsyncIterator[Pipeline]":
    """The pipeline of a translator process on this machine."""
    from translator.cache import Cache
    from translator.ctranslate import CTranslateEngine
    from translator.engine import Engine, EngineFailed
    from translator.lanes import Lanes
    from translator.libretranslate import Engines, LibreTranslateEngine
    from translator.pipeline import Pipeline
    from translator.settings import TranslatorSettings

    store, _ = package_store()
    settings = TranslatorSettings()
    packages = store.installed()
    local = CTranslateEngine(threads=settings.translation_threads, device=settings.translation_device)
    engine: Engine = local
    if settings.libretranslate_url:
        server = LibreTranslateEngine(settings.libretranslate_url, settings.libretranslate_key)
        engine = Engines(local, server)
        try:
            packages += await server.packages()
        except EngineFailed as failed:
            err.print(f"The translation server is away: {failed}", markup=False)
    prefer = tuple(name.strip() for name in settings.translation_prefer.split(",") if name.strip())
    try:
        async with Lanes(engine, Cache(settings.translation_cache_max), running_max=local.threads) as lanes:
            yield Pipeline(engine, lanes, packages, prefer=prefer)
    finally:
        await engine.close()


async def _line(pipeline: "Pipeline", text: str, given: str | None, target: str) -> Line:
    from translator.detect import Reason
    from translator.pipeline import Translation

    found = pipeline.detect(text, _candidates(pipeline, target))
    source = given or found.language or ""
    if found.reason is Reason.PINYIN and given is None:
        return Line(text, source, target, None, "not translated: pinyin; no package reads it", "no_package")
    if not text.strip() or (not found.needs_translation and given is None):
        return Line(text, source, target, text, "as it is: nothing in it to translate", "nothing_to_translate")
    also = found.also if given is None else ""
    if source == target and not also:
        return Line(text, source, target, text, f"as it is: it is in {target} already", "nothing_to_translate")
    if not source:
        words = "not translated: its language cannot be told; name it with --from"
        return Line(text, source, target, None, words, "no_package")
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    match await pipeline.translate(text, source, target, deadline=deadline, also=also):
        case Translation() as made:
            note = "starter translation" if made.starter else ""
            package = f"{made.package} {made.version}".strip()
            return Line(text, made.source, target, made.text, note, "", made.engine, package, made.starter)
        case refusal:
            return _refused(text, refusal, also if source == target else source, target)


def _candidates(pipeline: "Pipeline", target: str) -> tuple[str, ...]:
    """The languages of a room in which `target` is read. Simplified before Traditional, except where that is read:
    of characters that both share nobody can tell."""
    others = [route.source for route in pipeline.routes() if route.target == target]
    first = (target,) if target.startswith("zh") else ("zh",) if "zh" in others else ()
    return tuple(dict.fromkeys((*first, *others, target)))


def _refused(text: str, refusal: "Refusal", source: str, target: str) -> Line:
    reason = refusal.why.value
    if reason == "nothing_to_translate":
        return Line(text, source, target, text, "as it is: nothing in it to translate", reason)
    if reason == "no_package":
        words = f"no package here goes from {source} to {target}; add one: diqiucun models install {source} {target}"
    else:
        words = WHY[reason].format(detail=refusal.detail or "no details")
    return Line(text, source, target, None, f"not translated: {words}", reason)


def _row(line: Line) -> dict[str, object]:
    return {
        "source": line.source,
        "text": line.text,
        "from": line.from_language,
        "to": line.to_language,
        "starter": line.starter,
        "reason": line.reason,
        "note": line.note,
        "engine": line.engine,
        "package": line.package,
    }


def _tag(text: str) -> str:
    from chat.language import canonical

    try:
        return canonical(text)
    except ValueError as wrong:
        fail(f"{wrong}.")
