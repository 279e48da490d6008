"""The `diqiucun` command: composition root of everything that is started by hand.

Invariant: whatever goes wrong, a person reads what was wrong, what was expected and what to do, and scripts read an
exit status: 0 done, 1 not done, 2 wrong usage. A traceback on the terminal is a bug of ours. Modules of the roles are
imported inside the commands, so that `--help` answers at once and a gateway needs nothing of the translator.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from gateway.settings import PREFIX, Settings, SettingsInvalid, load_settings

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)

cli = typer.Typer(
    name="diqiucun",
    help="地球村: live group chat in which people read each other in their own language.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models = typer.Typer(help="Translation packages of this machine.", no_args_is_help=True, rich_markup_mode=None)
cli.add_typer(models, name="models")

ROLES: Final = ("owner", "moderator", "member", "guest")


def fail(words: str) -> NoReturn:
    err.print(words, markup=False)
    raise typer.Exit(1)


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


@cli.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port of page, API and WebSocket.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    workers: Annotated[int | None, typer.Option(help="Gateway processes.")] = None,
    translators: Annotated[int | None, typer.Option(help="Translator processes.")] = None,
) -> None:
    """Run everything on this machine: engine, gateways, translators. Prints the invitation and its QR code."""
    from gateway.logs import configure_logs
    from gateway.settings import unknown_variables
    from gateway.up import up as run_up

    settings = load_settings(port=port, host=host, data_dir=data_dir, workers=workers, translators=translators)
    for line in unknown_variables(os.environ, _translator_settings()):
        err.print(line, markup=False)
    configure_logs(settings.log_level, settings.log_format)
    width = len("translator-10")
    plain = settings.log_format == "json"

    def say(role: str, line: str) -> None:
        print(line if plain else f"{role:<{width}} | {line}", file=sys.stderr, flush=True)

    raise typer.Exit(asyncio.run(run_up(settings, say, lambda text: print(text, flush=True))))


@cli.command()
def gateway(
    share_port: Annotated[
        bool, typer.Option("--share-port", help="Let other gateways on this machine listen on the same port.")
    ] = False,
) -> None:
    """One gateway process: page, API and WebSocket."""
    from gateway.app import listen, serve
    from gateway.logs import configure_logs
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


@cli.command()
def translator() -> None:
    """One translator process: takes texts from the engine's queue and writes translations into the log."""
    from gateway.supervisor import stop_with_parent

    stop_with_parent()
    try:
        from translator.__main__ import main as run_translator
    except ImportError as error:
        fail(f"The translator cannot be loaded: {error}. Install Diqiucun again: pip install .")
    raise typer.Exit(run_translator() or 0)


@cli.command()
def engine(
    stop: Annotated[bool, typer.Option("--stop", help="End it cleanly instead.")] = False,
) -> None:
    """Start the bundled engine of the data directory, or end it. `up` does this by itself."""
    from chat.adapters.embedded import start_or_attach
    from chat.adapters.embedded import stop as stop_engine

    settings = load_settings()
    if settings.redis_url is not None:
        fail(f"{PREFIX}REDIS_URL is set, so the bundled engine is not used; unset it to use the bundled one.")
    if stop:
        stop_engine(settings.data_dir)
        print("The engine is not running.")
        return
    running = start_or_attach(settings.data_dir)
    print(f"The engine {'was started' if running.started else 'is running'}: pid {running.pid}, {running.url}")


@cli.command()
def token(
    user: Annotated[str, typer.Argument(help="User id: letters, digits and _ . : -")],
    name: Annotated[str, typer.Option(help="Display name; left out, the client chooses it.")] = "",
    room: Annotated[
        list[str] | None, typer.Option(help="Room it opens, as ROOM or ROOM=ROLE; * for every room. Repeatable.")
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="May create rooms.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything: for your own backend.")] = False,
    days: Annotated[float, typer.Option(min=0.001, max=3650, help="How long it is valid.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mint a token for a user or a program."""
    from gateway.tokens import TokenKeys

    settings = _existing(load_settings())
    rooms: dict[str, Any] = {}
    for grant in room or ():
        where, _, role = grant.partition("=")
        rooms[where] = role or "member"
        if rooms[where] not in ROLES:
            fail(f"{role!r} is no role; expected one of {', '.join(ROLES)}.")
    keys = TokenKeys.open(settings.keys_path, settings.audience, make=settings.may_make_keys)
    try:
        minted, expires_at_ms = keys.mint(
            user, name=name, rooms=rooms, create=create, admin=admin, lives_s=days * 86_400
        )
    except ValueError as error:
        fail(f"That token would not be accepted: {error}.")
    if as_json:
        print(json.dumps({"token": minted, "user": user, "expires_at_ms": expires_at_ms}))
    else:
        print(minted)


@cli.command()
def invite(
    room: Annotated[str, typer.Argument(help="Room that the invitation opens.")] = "welcome",
    role: Annotated[str, typer.Option(help="moderator, member or guest.")] = "guest",
    days: Annotated[float, typer.Option(min=0.001, max=3650, help="How long it is valid.")] = 7.0,
    uses: Annotated[int | None, typer.Option(min=1, help="How often it can be used; left out, without limit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an invitation and print its link and QR code."""
    from gateway.invites import invite_link, new_code
    from gateway.up import HOST, connected_service, is_missing_room, public_base, qr_code

    settings = _existing(load_settings())
    if role not in ROLES[1:]:
        fail(f"{role!r} is no role to give away; expected one of {', '.join(ROLES[1:])}.")

    async def make() -> Any:
        async with connected_service(settings) as (_, service):
            return await service.invite(
                HOST,
                room,
                role=role,  # type: ignore[arg-type]
                lives_s=int(days * 86_400),
                uses=-1 if uses is None else uses,
                code=new_code(),
            )

    try:
        made = asyncio.run(make())
    except Exception as error:
        if is_missing_room(error):
            fail(f"There is no room {room!r}. `welcome` is there after the first `diqiucun up`.")
        raise
    link = invite_link(public_base(settings, settings.port), made.code)
    if as_json:
        print(json.dumps({"code": made.code, "link": link, "room": room, "expires_at_ms": made.expires_at_ms}))
    else:
        print(f"{link}\n\n{qr_code(link, colours=sys.stdout.isatty())}")


@cli.command()
def export(
    room: Annotated[str, typer.Argument(help="Room to export.")],
    file: Annotated[Path | None, typer.Option("--out", help="File to write; left out, standard output.")] = None,
) -> None:
    """Write everything that was said in a room as JSON lines: originals, edits, translations, reactions."""
    from gateway.export import encode_line, export_lines
    from gateway.up import connected_service

    settings = _existing(load_settings())

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


@cli.command(hidden=True)
def openapi(file: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Write the OpenAPI document."""
    from gateway.openapi import openapi_document

    _write(file, json.dumps(openapi_document(), ensure_ascii=False, indent=1) + "\n")


@cli.command(hidden=True)
def docs(directory: Annotated[Path, typer.Argument()] = Path("docs")) -> None:
    """Write what is generated: settings.md, openapi.json."""
    from gateway.settings import settings_document

    directory.mkdir(exist_ok=True)
    _write(directory / "settings.md", settings_document())
    openapi(directory / "openapi.json")


def _write(file: Path | None, text: str) -> None:
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, "utf-8")
        print(f"wrote {file}")


def _existing(settings: Settings) -> Settings:
    """Commands that work on what is there make no new data directory: its keys would fit no running server."""
    if settings.redis_url is None and not settings.data_dir.is_dir():
        fail(
            f"There is no data directory at {settings.data_dir}. Run `diqiucun up` there once, or set {PREFIX}DATA_DIR "
            "to the one of your server."
        )
    return settings


def _translator_settings() -> list[str]:
    try:
        from translator.settings import TranslatorSettings
    except ImportError:
        return []
    return list(TranslatorSettings.model_fields)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `diqiucun` and `python -m gateway`."""
    _guarded(lambda: cli(arguments))


def _guarded(run: Callable[[], None]) -> None:
    from chat.adapters.embedded import EngineFailed
    from chat.errors import CommandFailed
    from gateway.supervisor import SupervisionFailed
    from gateway.tokens import KeysInvalid
    from gateway.up import CannotStart

    expected = (SettingsInvalid, EngineFailed, CommandFailed, SupervisionFailed, KeysInvalid, CannotStart)
    try:
        run()
    except expected as error:
        err.print(str(error), markup=False, style="red")
    except BaseExceptionGroup as group:
        known, unknown = group.split(expected)
        if unknown is not None or known is None:
            raise
        err.print(str(_first(known)), markup=False, style="red")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    else:
        return
    sys.exit(1)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
