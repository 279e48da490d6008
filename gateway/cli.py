"""The `diqiucun` command: composition root of everything that is started by hand.

Invariant: whatever goes wrong, a person reads what was wrong, what was expected and what to do, and scripts read an
exit status: 0 done, 1 not done, 2 wrong usage or wrong settings. A traceback on the terminal is a bug of ours. Modules
of the roles are imported inside the commands, so that `--help` answers at once and a gateway needs nothing of the
translator.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from gateway.invites import invite_link
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
    for line in unknown_variables(os.environ):
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

    settings = load_settings()
    if settings.may_make_keys and not settings.keys_path.exists():
        _nothing_here(settings)
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
        fail(f"That token would not be accepted: {error}. Ids of users are letters, digits and _ . : - up to 128.")
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
    from gateway.invites import new_code
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
def welcome() -> None:
    """Make the first room, `welcome`, where it is missing, and print the invitation into it. `up` does this itself."""
    from gateway.up import connected_service, public_base, qr_code
    from gateway.up import welcome as find_or_make

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def run() -> str:
        async with connected_service(settings) as (_, service):
            return await find_or_make(service, settings.data_dir)

    link = invite_link(public_base(settings, settings.port), asyncio.run(run()))
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


# -- translation packages ----------------------------------------------------------------------------------------------


@models.command("list")
def list_models(
    available: Annotated[bool, typer.Option("--available", help="Ask the index what else there is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Packages on this machine; with --available also those of the index."""
    from rich.table import Table

    store, settings = _package_store()
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


@models.command("install")
def install_models(
    what: Annotated[list[str], typer.Argument(help="Pairs like zh-en, or .argosmodel files.")],
) -> None:
    """Download and install packages from the index, or install downloaded files."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    store, settings = _package_store()
    wanted = [each if each.endswith(".argosmodel") or os.sep in each else _pair(each) for each in what]
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


@models.command("remove")
def remove_model(name: Annotated[str, typer.Argument(help="Name of the package, as `models list` shows it.")]) -> None:
    """Remove a package from this machine."""
    store, _ = _package_store()
    store.remove(name)
    out.print(f"removed {name}")


@models.command("check")
def check_models(
    names: Annotated[list[str] | None, typer.Argument(help="Packages to check; left out, all of them.")] = None,
) -> None:
    """Translate a known sentence with each package: does it work, and how fast."""
    from translator.ctranslate import CTranslateEngine
    from translator.engine import EngineFailed
    from translator.packages import check

    store, _ = _package_store()
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


def _package_store() -> tuple[Any, Settings]:
    from translator.packages import PackageStore
    from translator.settings import TranslatorSettings

    settings = load_settings()
    try:
        starter = TranslatorSettings().starter
    except ValueError as error:
        raise SettingsInvalid(f"The settings of translators cannot be used: {error}") from None
    return PackageStore(settings.data_dir, starter=starter), settings


def _pair(text: str) -> tuple[str, str]:
    from chat.language import canonical

    parts = re.split(r"[:_>]", text.removeprefix("translate-"))
    if len(parts) == 1:
        parts = re.split(r"-(?=[a-z]{2,3}(?:-|$))", text, maxsplit=1)
    try:
        source, target = (canonical(part) for part in parts)
    except ValueError:
        fail(f"{text!r} is no pair of languages; expected one like zh-en, or en:zh-Hant.")
    return source, target


# -- the state of this machine -----------------------------------------------------------------------------------------


@cli.command()
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
    store, _ = _package_store()
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


@cli.command(hidden=True)
def openapi(file: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Write the OpenAPI document."""
    from gateway.openapi import openapi_document

    _write(file, json.dumps(openapi_document(), ensure_ascii=False, indent=1) + "\n")


@cli.command(hidden=True)
def docs(directory: Annotated[Path, typer.Argument()] = Path("docs")) -> None:
    """Write what is generated: settings.md, openapi.json."""
    from gateway.settings import settings_document
    from translator.settings import TranslatorSettings

    directory.mkdir(exist_ok=True)
    _write(directory / "settings.md", settings_document(TranslatorSettings.model_fields))
    openapi(directory / "openapi.json")


def _write(file: Path | None, text: str) -> None:
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, "utf-8")
        print(f"wrote {file}")


def _existing(settings: Settings) -> Settings:
    """Commands that work on what is there make nothing new: an empty log beside the real one helps nobody."""
    if settings.redis_url is None and not (settings.data_dir / "engine.lock").exists():
        _nothing_here(settings)
    return settings


def _nothing_here(settings: Settings) -> NoReturn:
    fail(
        f"There is no Diqiucun in {settings.data_dir}. Run `diqiucun up` there once, or set {PREFIX}DATA_DIR to the "
        "directory of your server."
    )


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `diqiucun` and `python -m gateway`."""
    _guarded(lambda: cli(arguments))


def _guarded(run: Callable[[], None]) -> None:
    from chat.adapters.embedded import EngineFailed
    from chat.errors import CommandFailed
    from gateway.supervisor import SupervisionFailed
    from gateway.tokens import KeysInvalid
    from gateway.up import CannotStart

    expected: tuple[type[Exception], ...] = (
        EngineFailed,
        CommandFailed,
        SupervisionFailed,
        KeysInvalid,
        CannotStart,
    )
    with contextlib.suppress(ImportError):
        from translator.downloads import PackageUnavailable
        from translator.packages import PackageInvalid

        expected += (PackageUnavailable, PackageInvalid)
    try:
        run()
    except SettingsInvalid as error:
        err.print(str(error), markup=False, style="red")
        sys.exit(2)
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
