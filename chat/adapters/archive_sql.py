"""Archive in SQL: a SQLite file beside the engine, or PostgreSQL by URL. One code for both, in SQLAlchemy Core.

Invariant: writers of one room's life take turns (SQLite has one writer at all, in PostgreSQL the row of the life is
locked), so a copy of a message that is on its way while the message is forgotten finds its mark in `forgotten` and is
left out. Without that row two transactions, each blind to the other, would leave a recalled text behind.

Entries of a life lie together in the order of seq (in SQLite the primary key is the table), so a page is one short
range. SQLite keeps a write-ahead log and syncs it with each commit: what `keep` confirmed may leave the engine, and
must not depend on the system's mood to write it. `secure_delete` overwrites what was forgotten.

The libraries block, so calls run in a few threads of their own; a synchronous driver in a thread costs less than a
second driver for each database. Library exceptions end here as `Unavailable`.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    and_,
    create_engine,
    delete,
    event,
    make_url,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from chat.errors import Unavailable
from chat.events import Entry
from chat.ports import TEXTS_ABOUT, ArchivedEntry

THREADS: Final = 4
"""Calls at the same time; a page takes a millisecond or two."""
WAIT_S: Final = 5.0
"""For a connection, or for another writer's turn."""
TRY_AGAIN_S: Final = 0.005
"""Where SQLite does not wait by itself."""
STATEMENT_WITHIN_MS: Final = 10_000
_SCHEMA_LOCK: Final = 0x6469716975
"""PostgreSQL's advisory lock for "one process at a time makes the tables"."""

_metadata = MetaData()
_lives = Table(
    "lives",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("room", String, nullable=False),
    Column("epoch", String, nullable=False),
    UniqueConstraint("room", "epoch"),
)
_entries = Table(
    "entries",
    _metadata,
    Column("life", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("of", BigInteger),
    Column("audience", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "entries_about",
    _entries.c.life,
    _entries.c.of,
    _entries.c.seq,
    sqlite_where=_entries.c.of.is_not(None),
    postgresql_where=_entries.c.of.is_not(None),
)
_forgotten = Table(
    "forgotten",
    _metadata,
    Column("life", Integer, primary_key=True, autoincrement=False),
    Column("of", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
_columns = (
    _entries.c.seq,
    _entries.c.at_ms,
    _entries.c.kind,
    _entries.c.of,
    _entries.c.audience,
    _entries.c.body,
)

T = TypeVar("T")


class SqlArchive:
    """An async context manager; it connects with the first call, so a process may start while PostgreSQL is away."""

    def __init__(self, url: str) -> None:
        """`url`: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. Raises ValueError."""
        self._engine = _new_engine(url)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._insert = sqlite.insert if self._is_sqlite else postgresql.insert
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="archive")
        self._made = False
        self._counts = {"kept": 0, "forgotten": 0, "dropped": 0, "read": 0, "unavailable": 0}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *why: object) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    async def keep(self, room: str, epoch: str, entries: Sequence[ArchivedEntry]) -> None:
        if not entries:
            return

        def work(connection: Connection) -> None:
            life = self._turn(connection, room, epoch)
            about = [each.entry.seq if each.of is None else each.of for each in entries]
            marked = select(_forgotten.c.of).where(
                _forgotten.c.life == life, _forgotten.c.of.between(min(about), max(about))
            )
            gone = set(connection.scalars(marked))
            rows = [_row(life, each) for each in entries if not _is_forgotten(each, gone)]
            if rows:
                connection.execute(self._insert(_entries).on_conflict_do_nothing(), rows)

        await self._write(work)
        self._counts["kept"] += len(entries)

    async def forget(self, room: str, epoch: str, of: int) -> None:
        def work(connection: Connection) -> None:
            life = self._turn(connection, room, epoch)
            connection.execute(self._insert(_forgotten).values(life=life, of=of).on_conflict_do_nothing())
            words = and_(_entries.c.of == of, _entries.c.kind.in_(sorted(TEXTS_ABOUT)))
            connection.execute(delete(_entries).where(_entries.c.life == life, or_(_entries.c.seq == of, words)))

        await self._write(work)
        self._counts["forgotten"] += 1

    async def drop_before(self, room: str, epoch: str, at_ms: int, upto: int, limit: int) -> int:
        def work(connection: Connection) -> int:
            life = self._turn(connection, room, epoch)
            oldest = connection.execute(
                select(_entries.c.seq, _entries.c.at_ms)
                .where(_entries.c.life == life, _entries.c.seq <= upto)
                .order_by(_entries.c.seq)
                .limit(limit)
            ).all()
            young = next((at for at, row in enumerate(oldest) if row.at_ms >= at_ms), len(oldest))
            if young:
                last = oldest[young - 1].seq
                connection.execute(delete(_entries).where(_entries.c.life == life, _entries.c.seq <= last))
            return young

        dropped = await self._write(work)
        self._counts["dropped"] += dropped
        return dropped

    async def read_after(self, room: str, epoch: str, seq: int, upto: int, limit: int) -> Sequence[ArchivedEntry]:
        page = (
            select(*_columns)
            .where(_entries.c.life == _life(room, epoch), _entries.c.seq > seq, _entries.c.seq <= upto)
            .order_by(_entries.c.seq)
            .limit(max(0, limit))
        )
        return await self._read(room, epoch, page)

    async def read_before(self, room: str, epoch: str, seq: int, limit: int) -> Sequence[ArchivedEntry]:
        page = (
            select(*_columns)
            .where(_entries.c.life == _life(room, epoch), _entries.c.seq < seq)
            .order_by(_entries.c.seq.desc())
            .limit(max(0, limit))
        )
        return (await self._read(room, epoch, page))[::-1]

    async def about(
        self, room: str, epoch: str, first: int, last: int, upto: int, limit: int, kind: str = ""
    ) -> Sequence[ArchivedEntry]:
        return (await self._read(room, epoch, _about(room, epoch, first, last, upto, limit, kind)))[::-1]

    def statistics(self) -> dict[str, int]:
        return dict(self._counts)

    def _turn(self, connection: Connection, room: str, epoch: str) -> int:
        """The life's id; its row is ours until the transaction ends."""
        mine = select(_lives.c.id).where(_lives.c.room == room, _lives.c.epoch == epoch).with_for_update()
        known = connection.scalar(mine)
        if known is None:
            connection.execute(self._insert(_lives).values(room=room, epoch=epoch).on_conflict_do_nothing())
            known = connection.scalar(mine)
        assert isinstance(known, int)
        return known

    async def _read(self, room: str, epoch: str, page: Any) -> list[ArchivedEntry]:
        def work(connection: Connection) -> list[ArchivedEntry]:
            return [
                ArchivedEntry(Entry(room, epoch, seq, at_ms, audience, bytes(body)), kind, of)
                for seq, at_ms, kind, of, audience, body in connection.execute(page)
            ]

        read = await self._call(lambda: self._connected(work))
        self._counts["read"] += len(read)
        return read

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._call(lambda: self._connected(work, writes=True))

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (SQLAlchemyError, OSError) as error:
            self._counts["unavailable"] += 1
            words = str(getattr(error, "orig", None) or error).splitlines()
            raise Unavailable(f"the archive cannot be used: {words[0] if words else type(error).__name__}") from error

    def _connected(self, work: Callable[[Connection], T], *, writes: bool = False) -> T:
        if not self._made:
            self._make_tables()
        with self._engine.connect().execution_options(writes=writes) as connection, connection.begin():
            return work(connection)

    def _make_tables(self) -> None:
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            if not self._is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
            _metadata.create_all(connection)
        self._made = True


def _life(room: str, epoch: str) -> Any:
    return select(_lives.c.id).where(_lives.c.room == room, _lives.c.epoch == epoch).scalar_subquery()


def _about(room: str, epoch: str, first: int, last: int, upto: int, limit: int, kind: str) -> Any:
    """The latest first. An expression of seq instead of seq: planners would else walk the whole room backwards in the
    order that is asked for, and look at a million entries for the few about a page (200 ms instead of one)."""
    seq = _entries.c.seq + 0
    page = (
        select(*_columns)
        .where(_entries.c.life == _life(room, epoch), _entries.c.of.between(first, last), seq <= upto)
        .order_by(seq.desc())
        .limit(max(0, limit))
    )
    return page.where(_entries.c.kind == kind) if kind else page


def _row(life: int, archived: ArchivedEntry) -> dict[str, Any]:
    entry = archived.entry
    return {
        "life": life,
        "seq": entry.seq,
        "at_ms": entry.at_ms,
        "kind": archived.kind,
        "of": archived.of,
        "audience": entry.audience,
        "body": entry.body,
    }


def _is_forgotten(archived: ArchivedEntry, gone: set[int]) -> bool:
    return archived.entry.seq in gone or (archived.of in gone and archived.kind in TEXTS_ABOUT)


def _new_engine(url: str) -> Engine:
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError("an archive is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        if address.get_backend_name() == "postgresql":
            return create_engine(
                address,
                pool_size=THREADS,
                max_overflow=0,
                pool_timeout=WAIT_S,
                pool_pre_ping=True,
                connect_args={
                    "connect_timeout": round(WAIT_S),
                    "options": f"-c statement_timeout={STATEMENT_WITHIN_MS}",
                },
            )
        made = create_engine(
            address,
            poolclass=QueuePool,
            pool_size=THREADS,
            max_overflow=0,
            connect_args={"timeout": WAIT_S, "check_same_thread": False},
        )
    except ModuleNotFoundError as missing:
        raise ValueError(f"{missing}; for PostgreSQL install diqiucun[postgresql]") from None
    except (ArgumentError, NoSuchModuleError) as wrong:
        raise ValueError(str(wrong)) from None
    event.listen(made, "connect", _prepare_sqlite)
    event.listen(made, "begin", _begin_sqlite)
    return made


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver would begin by itself, and too late to be a turn
    _keep_write_ahead_log(connection)
    for pragma in ("synchronous=FULL", "secure_delete=ON", "cache_size=-8000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _keep_write_ahead_log(connection: Any) -> None:
    """Of several that open a new file at once, one changes it, and SQLite lets the others wait for nothing: it answers
    "locked" at once, whatever timeout was set (https://sqlite.org/c3ref/busy_handler.html, on deadlocks)."""
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until_s:
                raise
            time.sleep(TRY_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
