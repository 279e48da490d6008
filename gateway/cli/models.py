"""`diqiucun models`: translation packages of this machine, found, installed, removed, tried out.

Invariant: what `list` shows is what translators would load. The index is asked only when the person asks for it.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli.terminal import err, fail, out
from gateway.settings import Settings, SettingsInvalid, load_settings

_ALONE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_](?:[A-Z][a-z]{3}|[A-Z]{2}))?")
"""One language and no pair: zh, zh-Hant, zh_TW, but not zh-en."""


def list_models(
    available: Annotated[bool, typer.Option("--available", help="Ask the index what else there is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Packages on this machine; with --available also those of the index."""
    from rich.table import Table

    store, settings = package_store()
    rows = [
        {"from": each.source, "to": each.target, "name": each.name, "version": each.version, "installed": True}
        for each in store.installed()
    ]
    if available:
        with err.status("asking the index ..."):
            offers = store.fetch_index(settings.package_index_url)
        here = {(row["from"], row["to"], row["version"]) for row in rows}
        rows += [
            {"from": each.source, "to": each.target, "name": each.name, "version": each.version, "installed": False}
            for each in offers
            if (each.source, each.target, each.version) not in here
        ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("from", "to", "package", "version", "here", box=None)
    for row in rows:
        table.add_row(row["from"], row["to"], row["name"], row["version"], "yes" if row["installed"] else "")
    out.print(table)
    for stray in store.strays():
        err.print(f"{stray.path} is no usable package: {stray.why}", markup=False)


def install_models(
    what: Annotated[list[str], typer.Argument(help="Pairs like zh-en or zh en, or .argosmodel files.")],
) -> None:
    """Download and install packages from the index, or install downloaded files."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    store, settings = package_store()
    wanted = read_wishes(what)
    offers = None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=not sys.stderr.isatty()) as progress:
        for each in wanted:
            task = progress.add_task(each if isinstance(each, str) else "-".join(each), total=None)
            if isinstance(each, str):
                if not Path(each).is_file():
                    fail(f"There is no file {each}.")
                package = store.install(Path(each))
            else:
                offers = store.fetch_index(settings.package_index_url) if offers is None else offers
                fitting = [offer for offer in offers if (offer.source, offer.target) == each]
                if not fitting:
                    fail(f"The index has no package from {each[0]} to {each[1]}; `diqiucun models list --available`.")
                newest = max(fitting, key=lambda offer: [int(part) for part in re.findall(r"\d+", offer.version)])
                package = store.obtain(newest, partial(_tell, progress, task))
            out.print(f"installed {package.name}: {package.source} to {package.target}, version {package.version}")


def _tell(progress: Any, task: Any, done: int, total: int | None) -> None:
    progress.update(task, completed=done, total=total)


def remove_model(name: Annotated[str, typer.Argument(help="Name of the package, as `models list` shows it.")]) -> None:
    """Remove a package from this machine."""
    store, _ = package_store()
    store.remove(name)
    out.print(f"removed {name}")


def check_models(
    names: Annotated[list[str] | None, typer.Argument(help="Packages to check; left out, all of them.")] = None,
) -> None:
    """Translate a known sentence with each package: does it work, and how fast."""
    from translator.ctranslate import CTranslateEngine
    from translator.engine import EngineFailed
    from translator.packages import check

    store, _ = package_store()
    packages = [package for package in store.installed() if not names or package.name in names]
    if not packages:
        fail("There is no such package here; `diqiucun models list` shows what there is.")

    async def run() -> bool:
        engine = CTranslateEngine()
        well = True
        try:
            for package in packages:
                with err.status(f"{package.name} ..."):
                    try:
                        found = await check(package, engine)
                    except EngineFailed as failed:
                        out.print(f"{package.name}: does not work: {failed}", markup=False)
                        well = False
                        continue
                well = well and found.doubt is None
                doubt = "" if found.doubt is None else f" (doubtful: {found.doubt})"
                out.print(f"{package.name}: {found.sentence} -> {found.output}{doubt}", markup=False)
                out.print(f"  first after {found.first_s:.2f} s, then {found.sentences_per_s:.0f} sentences a second")
        finally:
            await engine.close()
        return well

    if not asyncio.run(run()):
        raise typer.Exit(1)


def package_store() -> tuple[Any, Settings]:
    from translator.packages import PackageStore
    from translator.settings import TranslatorSettings

    settings = load_settings()
    try:
        starter = TranslatorSettings().starter
    except ValueError as error:
        raise SettingsInvalid(f"The settings of translators cannot be used: {error}") from None
    return PackageStore(settings.data_dir, starter=starter), settings


def read_wishes(words: Sequence[str]) -> list[str | tuple[str, str]]:
    """Files and pairs of languages. A language alone takes the next word as the one to translate into: `zh en`."""
    wishes: list[str | tuple[str, str]] = []
    waiting = iter(words)
    for word in waiting:
        if word.endswith(".argosmodel") or os.sep in word:
            wishes.append(word)
        elif _ALONE.fullmatch(word):
            wishes.append(read_pair(f"{word.replace('_', '-')}:{next(waiting, '')}"))
        else:
            wishes.append(read_pair(word))
    return wishes


def read_pair(text: str) -> tuple[str, str]:
    from chat.language import canonical

    parts = re.split(r"[:_>]", text.removeprefix("translate-"))
    if len(parts) == 1:
        parts = re.split(r"-(?=[a-z]{2,3}(?:-|$))", text, maxsplit=1)
    try:
        source, target = (canonical(part) for part in parts)
    except ValueError:
        fail(f"{text!r} is no pair of languages; expected one like zh-en, or en:zh-Hant.")
    return source, target
