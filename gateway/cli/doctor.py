"""`diqiucun doctor`: asks the examinations of `gateway.doctor` in order and shows what they found.

Invariant: it changes nothing. The bundled engine is tried out in a directory of its own, and a port is only looked at.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from gateway.cli.models import package_store
from gateway.cli.terminal import out
from gateway.settings import PREFIX, Settings, load_settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """What this machine has and lacks, and how to get it. Exit status 1 if Diqiucun cannot run."""
    from gateway import doctor as examinations
    from gateway.settings import unknown_variables
    from gateway.up import answers, loopback_for, why_port_is_taken

    settings = load_settings()
    url = f"http://{loopback_for(settings.host)}:{settings.port}/healthz"
    findings = [
        examinations.examine_python(),
        examinations.examine_libraries(),
        examinations.examine_settings(unknown_variables(os.environ)),
        examinations.examine_data_dir(settings.data_dir),
        examinations.examine_keys(settings),
        _examine_engine(settings),
        examinations.examine_port(
            settings.host, settings.port, why_port_is_taken(settings.host, settings.port), by_us=answers(url)
        ),
        examinations.examine_open_files(),
    ]
    store, _ = package_store()
    packages = store.installed()
    for source, target in (("zh", "en"), ("en", "zh")):
        serving = [(each.name, each.starter) for each in packages if (each.source, each.target) == (source, target)]
        findings.append(examinations.examine_pair(source, target, serving))
    if as_json:
        rows = [
            {"what": each.what, "state": each.state, "words": each.words, "remedy": each.remedy} for each in findings
        ]
        print(json.dumps(rows, ensure_ascii=False))
    else:
        marks = {"good": "[green]good   [/]", "poor": "[yellow]poor   [/]", "lacking": "[red]lacking[/]"}
        for each in findings:
            out.print(f"{marks[each.state]}  [bold]{each.what:<11}[/] {escape(each.words)}")
            if each.remedy:
                out.print(f"{'':21} {escape(each.remedy)}")
    if any(each.state == "lacking" for each in findings):
        raise typer.Exit(1)


def _examine_engine(settings: Settings) -> Any:
    from tempfile import TemporaryDirectory

    from chat.adapters.connect import connect_engine
    from chat.adapters.embedded import EngineFailed, is_running, start_or_attach
    from chat.errors import CommandFailed
    from gateway.doctor import Finding

    async def ask() -> None:
        async with connect_engine(settings.redis_url, settings.data_dir) as connected, asyncio.timeout(5.0):
            await connected.ping()

    try:
        if settings.redis_url is not None:
            asyncio.run(ask())
            return Finding("Engine", "good", "the Redis or Valkey of the settings answers")
        if settings.data_dir.is_dir() and is_running(settings.data_dir):
            return Finding("Engine", "good", "the bundled one runs")
        with TemporaryDirectory(prefix="dqc-") as elsewhere:
            start_or_attach(Path(elsewhere)).stop()
        return Finding("Engine", "good", "the bundled one starts on this machine")
    except (EngineFailed, CommandFailed, TimeoutError, ValueError) as error:
        remedy = f"Set {PREFIX}REDIS_URL to a running Redis or Valkey."
        return Finding("Engine", "lacking", str(error) or "no answer within 5 s", remedy)
