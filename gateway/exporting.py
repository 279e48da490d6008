"""A room to take along, as JSON lines, a page or a table; rows of the one table of operations in `gateway.api`."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from gateway.bodies import ExportLine, InRoom, NoQuery
from gateway.export import encode_line, export_lines
from gateway.operation import IN_ROOM, Call, Operation
from gateway.transcript import csv_lines, html_lines

if TYPE_CHECKING:
    from gateway.api import Api


async def export_room(api: "Api", call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """Everything that was said, one JSON object per line, the last one of type `end`. For owners and moderators."""
    state = await api.allowed(call.caller, call.where.room, "export")

    async def lines() -> AsyncIterator[bytes]:
        async for line in export_lines(api.service.log, state, api.now_ms()):
            yield encode_line(line)

    return lines()


async def export_page(api: "Api", call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """Everything that everybody could read, as one HTML file for people: Chinese and English side by side. For owners
    and moderators."""
    state = await api.allowed(call.caller, call.where.room, "export")
    return html_lines(export_lines(api.service.log, state, api.now_ms()))


async def export_table(api: "Api", call: Call[InRoom, NoQuery, None]) -> AsyncIterator[bytes]:
    """The same as a table for spreadsheets (RFC 4180, UTF-8): no cell begins like a formula."""
    state = await api.allowed(call.caller, call.where.room, "export")
    return csv_lines(export_lines(api.service.log, state, api.now_ms()))


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("GET", "/rooms/{room}/export", export_room, where=InRoom, answer=ExportLine, lines=True, errors=IN_ROOM),
    Operation(
        "GET",
        "/rooms/{room}/export.html",
        export_page,
        where=InRoom,
        answer=str,
        document="text/html; charset=utf-8",
        errors=IN_ROOM,
    ),
    Operation(
        "GET",
        "/rooms/{room}/export.csv",
        export_table,
        where=InRoom,
        answer=str,
        document="text/csv; charset=utf-8",
        errors=IN_ROOM,
    ),
)
