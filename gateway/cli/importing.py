"""`diqiucun import`: the file of an export, said again in a room here. What comes along is in `gateway.importing`.

Invariant: a second run of the same file changes nothing, so an import that was cut off is begun again.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import err, fail
from gateway.cli.village import existing
from gateway.settings import load_settings


def import_room(
    room: Annotated[str, typer.Argument(help="Room to import into; made if it is not there.")],
    file: Annotated[Path, typer.Argument(help="File that `diqiucun export` wrote.")],
    owner: Annotated[str, typer.Option(help="User id of the owner, if the room is made.")] = "host",
    title: Annotated[str, typer.Option(help="Its title then; left out, the one in the file.")] = "",
) -> None:
    """Keep an export in another room: what was said, with polls and questions; what was decided as a record that
    binds nobody here. Times are new."""
    from chat.commands import CreateRoom
    from chat.errors import CommandFailed
    from chat.room import Caller
    from gateway.bodies import ExportedRoom, ExportLine
    from gateway.importing import Imported, import_lines, read_line
    from gateway.up import connected_service

    settings = existing(load_settings())

    async def lines() -> AsyncIterator[ExportLine]:
        with file.open("rb") as opened:
            for line in opened:
                yield read_line(line)

    async def run() -> Imported:
        async with connected_service(settings) as (connected, service):
            if await connected.log.state(room) is None:
                with file.open("rb") as opened:
                    first = read_line(opened.readline())
                named = title or (first.title if isinstance(first, ExportedRoom) else room)
                maker = Caller(user=owner, name=owner, may_create=True)
                await service.create_room(maker, CreateRoom(id=0, room=room, title=named, once="import"))
            return await import_lines(connected.log, room, lines())

    try:
        imported = asyncio.run(run())
    except OSError as error:
        fail(f"Cannot read {file}: {error.strerror or error}.")
    except CommandFailed as failure:
        fail(f"Nothing more was imported: {failure.words}.")
    came = (
        f"{imported.messages} messages, {imported.others} votes, polls, questions and pins, {imported.records} records"
    )
    err.print(f"{came} in {room}; nothing of it binds anybody here", markup=False)
    if not imported.complete:
        fail(f"{file} was cut off: its last line is missing.")
