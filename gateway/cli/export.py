"""`diqiucun export`: a room as a file. The lines are those of `gateway.export`; here are the file and the progress.

Invariant: the file is there whole or not at all, written beside its name and moved when it is done.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import err, fail
from gateway.cli.village import existing
from gateway.settings import load_settings


def export(
    room: Annotated[str, typer.Argument(help="Room to export.")],
    file: Annotated[Path | None, typer.Option("--out", help="File to write; left out, standard output.")] = None,
) -> None:
    """Write everything that was said in a room as JSON lines: originals, edits, translations, reactions."""
    from gateway.export import encode_line, export_lines
    from gateway.up import connected_service

    settings = existing(load_settings())

    async def run() -> int:
        import time

        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        async with connected_service(settings) as (connected, _):
            state = await connected.log.state(room)
            if state is None:
                fail(f"There is no room {room!r}.")
            partly = None if file is None else file.with_name(file.name + ".part")
            target = sys.stdout.buffer if partly is None else partly.open("wb")
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            messages = 0
            with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
                task = progress.add_task(room, total=state.head.seq)
                async for line in export_lines(connected.log, state, time.time_ns() // 1_000_000):
                    target.write(encode_line(line))
                    seq = getattr(line, "seq", None)
                    if seq is not None:
                        progress.update(task, completed=seq)
                    messages = getattr(line, "messages", messages)
            target.flush()
            if partly is not None and file is not None:
                target.close()
                partly.replace(file)
            return messages

    try:
        messages = asyncio.run(run())
    except OSError as error:
        fail(f"Cannot write {file or 'standard output'}: {error.strerror or error}.")
    err.print(f"{messages} messages of {room}" + (f" in {file}" if file else ""), markup=False)
