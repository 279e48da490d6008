"""The table of commands. A command is a plain function in the file of its subject; here it gets its place on the line.

One table and not a decorator at each function: the order of `--help` is then written down, and importing a command
registers nothing.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Final

import typer

from gateway.cli.archive import archiver, backup, erase, restore, retain
from gateway.cli.doctor import doctor
from gateway.cli.documents import docs, openapi
from gateway.cli.entrance import invite, token, welcome
from gateway.cli.export import export
from gateway.cli.failures import guarded
from gateway.cli.hooks import hooks
from gateway.cli.importing import import_room
from gateway.cli.models import check_models, install_models, list_models, remove_model
from gateway.cli.processes import engine, gateway, translator, up
from gateway.cli.translate import translate

cli = typer.Typer(
    name="diqiucun",
    help="地球村: live group chat in which people read each other in their own language.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models = typer.Typer(help="Translation packages of this machine.", no_args_is_help=True, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            print(f"diqiucun {version('diqiucun')}")
        except PackageNotFoundError:
            print("diqiucun (not installed; run from its sources)")
        raise typer.Exit


@cli.callback()
def _main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


COMMANDS: Final[Sequence[Callable[..., None]]] = (
    up,
    gateway,
    translator,
    archiver,
    hooks,
    engine,
    token,
    invite,
    welcome,
    export,
    retain,
    erase,
    backup,
    restore,
    translate,
    doctor,
)
"""In the order of `--help`. A command is named as its function."""
HIDDEN: Final[Sequence[Callable[..., None]]] = (openapi, docs)

for each in COMMANDS:
    cli.command()(each)
cli.command("import")(import_room)  # a word that no function can have
for each in HIDDEN:
    cli.command(hidden=True)(each)
cli.add_typer(models, name="models")
models.command("list")(list_models)
models.command("install")(install_models)
models.command("remove")(remove_model)
models.command("check")(check_models)


def main(arguments: list[str] | None = None) -> None:
    """Run one command; every expected failure is told in a sentence."""
    guarded(lambda: cli(arguments))
