"""Commands that start the processes of a village, all together (`up`) or each by itself.

Invariant: a process started by another ends with it, and what cannot start says why before anything else runs.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import err, fail, told
from gateway.settings import PREFIX, load_settings


def up(
    port: Annotated[int | None, typer.Option(help="Port of page, API and WebSocket.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    workers: Annotated[int | None, typer.Option(help="Gateway processes.")] = None,
    translators: Annotated[int | None, typer.Option(help="Translator processes.")] = None,
) -> None:
    """Run everything on this machine: engine, gateways, translators. Prints the invitation and its QR code."""
    from chat.logs import configure_logs
    from gateway.settings import unknown_variables
    from gateway.up import up as run_up

    settings = load_settings(port=port, host=host, data_dir=data_dir, workers=workers, translators=translators)
    for line in unknown_variables(os.environ):
        err.print(line, markup=False)
    configure_logs(settings.log_level, settings.log_format)
    width = len("translator-10")
    plain = settings.log_format == "json"

    def say(role: str, line: str) -> None:
        told(line if plain else f"{role:<{width}} | {line}", sys.stderr)

    raise typer.Exit(asyncio.run(run_up(settings, say, lambda text: told(text, sys.stdout))))


def gateway(
    share_port: Annotated[
        bool, typer.Option("--share-port", help="Let other gateways on this machine listen on the same port.")
    ] = False,
) -> None:
    """One gateway process: page, API and WebSocket."""
    from chat.logs import configure_logs
    from gateway.app import listen, serve
    from gateway.supervisor import stop_with_parent
    from gateway.up import why_not_bound

    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    stop_with_parent()
    try:
        listening = listen(settings.host, settings.port, shared=share_port)
    except OSError as error:
        fail(why_not_bound(settings.host, settings.port, error))
    raise typer.Exit(serve(settings, listening))


def translator() -> None:
    """One translator process: takes texts from the engine's queue and writes translations into the log."""
    from gateway.supervisor import stop_with_parent

    stop_with_parent()
    try:
        from translator.__main__ import main as run_translator
    except ImportError as error:
        fail(f"The translator cannot be loaded: {error}. Install Diqiucun again: pip install .")
    raise typer.Exit(run_translator() or 0)


def engine(
    stop: Annotated[bool, typer.Option("--stop", help="End it cleanly instead.")] = False,
    binary: Annotated[bool, typer.Option("--binary", help="Say only which program it is.")] = False,
) -> None:
    """Start the bundled engine of the data directory, or end it. `up` does this by itself."""
    from chat.adapters.embedded import engine_binary, start_or_attach
    from chat.adapters.embedded import stop as stop_engine

    if binary:
        print(engine_binary())
        return
    settings = load_settings()
    if settings.redis_url is not None:
        fail(f"{PREFIX}REDIS_URL is set, so the bundled engine is not used; unset it to use the bundled one.")
    if stop:
        stop_engine(settings.data_dir)
        print("The engine is not running.")
        return
    running = start_or_attach(settings.data_dir)
    print(f"The engine {'was started' if running.started else 'is running'}: pid {running.pid}, {running.url}")
