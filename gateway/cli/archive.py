"""Commands about what is kept: the archiver's process, how long a room keeps its messages, backup and restore.

Invariant: a backup file is there whole or not at all, and nothing is restored over what is there.
"""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.terminal import err, fail
from gateway.cli.village import existing
from gateway.settings import PREFIX, Settings, load_settings

MEGABYTE: Final = 1_000_000
PAGE_ENTRIES: Final = 500
SMALL_FILES: Final = ("token-keys.json", "welcome-invite")


def archiver() -> None:
    """One archiver process: moves older messages from the engine into the archive. `up` runs one by itself."""
    from chat.adapters.connect import archive_address, connect_engine
    from chat.adapters.redis_archiver import Keeping, RedisArchiver
    from chat.logs import configure_logs
    from chat.processes import process_name
    from chat.stopping import stop_signals
    from gateway.archiver import Report, run
    from gateway.supervisor import stop_with_parent

    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    if archive_address(settings.redis_url, settings.data_dir, settings.archive_url) is None:
        fail(f"There is no archive to move messages into; set {PREFIX}ARCHIVE_URL.")
    stop_with_parent()
    keeping = Keeping(settings.hot_entries, settings.engine_memory_mb * MEGABYTE, settings.keep_days)

    async def work() -> None:
        stopping = asyncio.Event()
        with stop_signals() as signals:
            async with connect_engine(
                settings.redis_url, settings.data_dir, archive_url=settings.archive_url
            ) as engine:
                assert engine.archive is not None
                moving = RedisArchiver(engine.redis, engine.archive, keeping, now_ms=_now_ms)
                name = process_name()
                signals.opened(stopping.set)
                await run(moving, stopping, Report(moving, engine.presence, name=name, now_s=time.time))

    asyncio.run(work())


def retain(
    room: Annotated[str, typer.Argument(help="Room whose messages are meant.")],
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Remove what is older than this.")] = None,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="Remove nothing because of its age.")] = False,
) -> None:
    """How long a room keeps its messages. With neither option: as the settings have it for all rooms."""
    from gateway.up import connected_service

    settings = existing(load_settings())
    if days is not None and for_ever:
        fail("Give --days or --for-ever, not both.")
    keep_days = 0 if for_ever else days

    async def set_it() -> None:
        async with connected_service(settings) as (connected, _):
            if connected.archive is None:
                fail(f"Old messages are removed by the archiver; set {PREFIX}ARCHIVE_URL and run one.")
            if await connected.log.state(room) is None:
                fail(f"There is no room {room!r}.")
            await connected.log.retain(room, keep_days)

    asyncio.run(set_it())
    words = "as the settings have it" if keep_days is None else f"{keep_days} days" if keep_days else "for ever"
    print(f"{room} keeps its messages {words}.")


def erase(user: Annotated[str, typer.Argument(help="Id of the person, as in their token.")]) -> None:
    """Take back everything a person wrote, in all rooms, however long ago, and end their memberships."""
    from chat.commands import Recall
    from chat.errors import Rejected
    from chat.events import Posted
    from chat.wire import readable_event
    from gateway.up import connected_service
    from gateway.welcome import HOST

    settings = existing(load_settings())

    async def run() -> tuple[int, int]:
        recalled = rooms = 0
        async with connected_service(settings) as (connected, service):
            for room in await connected.log.rooms():
                seq = 0
                while page := await connected.log.read_after(room, seq, PAGE_ENTRIES):
                    seq = page[-1].seq
                    for entry in page:
                        event = readable_event(entry.body)
                        if isinstance(event, Posted) and event.author == user:
                            await service.recall(HOST, Recall(id=0, room=room, of=entry.seq, once=f"erase-{entry.seq}"))
                            recalled += 1
                if await connected.log.member(room, user) is not None:
                    try:
                        await service.remove(HOST, room, user)
                        rooms += 1
                    except Rejected as refused:
                        err.print(f"{user} stays a member of {room}: {refused.words}.", markup=False)
        return recalled, rooms

    recalled, rooms = asyncio.run(run())
    print(f"{recalled} messages of {user} were taken back, {rooms} memberships ended.")


def backup(file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Write everything into one file, while the server runs: rooms, members, messages, invitations, keys."""
    from chat.adapters.redis_backup import records, write_record, written
    from gateway.up import connected_service

    settings = existing(load_settings())
    _only_one_engine(settings)

    async def write() -> tuple[int, int]:
        rooms = entries = 0
        async with connected_service(settings) as (connected, _):
            with written(file) as target:
                files = _small_files(settings)
                async for record in records(connected.redis, connected.archive, now_ms=_now_ms(), files=files):
                    write_record(target, record)
                    rooms, entries = getattr(record, "rooms", rooms), getattr(record, "entries", entries)
        return rooms, entries

    try:
        rooms, entries = asyncio.run(write())
    except OSError as error:
        fail(f"Cannot write {file}: {error.strerror or error}.")
    err.print(f"{rooms} rooms, {entries} entries in {file}. It holds keys that open doors: keep it safe.", markup=False)


def restore(file: Annotated[Path, typer.Argument(help="File that `diqiucun backup` wrote.")]) -> None:
    """Put a backup back, into an empty data directory or an empty Redis. Stop the server first."""
    from chat.adapters.redis_backup import BackupInvalid, Begun, read_records
    from chat.adapters.redis_backup import restore as put_back
    from gateway.up import connected_service, only_one, write_private

    settings = load_settings()
    _only_one_engine(settings)
    try:
        for record in read_records(file):  # the whole file, before anything is written
            if isinstance(record, Begun):
                files = record.files
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

        async def put() -> tuple[int, int]:
            async with connected_service(settings) as (connected, _):
                counted = await put_back(read_records(file), connected.redis, connected.archive)
            return counted.rooms, counted.entries

        with only_one(settings.data_dir):
            rooms, entries = asyncio.run(put())
            for name in SMALL_FILES:
                if name in files and not (settings.data_dir / name).exists():
                    write_private(settings.data_dir / name, files[name].decode())
    except BackupInvalid as wrong:
        fail(f"Nothing was restored: {wrong}.")
    err.print(f"{rooms} rooms, {entries} entries from {file}.", markup=False)


def _small_files(settings: Settings) -> dict[str, bytes]:
    paths = [settings.data_dir / name for name in SMALL_FILES]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def _only_one_engine(settings: Settings) -> None:
    if settings.redis_url is not None and "+cluster" in settings.redis_url.partition(":")[0]:
        fail("This backup is of one engine; a cluster has tools of its own for each node.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
