"""The archive in SQLite: what is asked is a short range of an index, however long a room is, and a new file may be
opened by several at once."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from chat.adapters import archive_sql


def test_what_was_said_about_a_page_is_found_by_its_index(tmp_path: Path) -> None:
    """The planner once took the primary key, because the answer is wanted in its order: 200 ms in a room of a
    million, for a page about which nothing had been said."""
    engine = create_engine(f"sqlite:///{tmp_path / 'archive.sqlite'}")
    archive_sql._metadata.create_all(engine)
    query: Any = archive_sql._about("r", "e", 100, 150, 10**6, 2_000, "")
    words = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
    engine.dispose()
    assert any("entries_about (life=? AND of>? AND of<?)" in step for step in plan), plan


def test_several_who_open_a_new_archive_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """One in ten times somebody was told that the database is locked, at once: SQLite waits for no change of its
    journal."""
    together = threading.Barrier(8)

    def opened(path: Path) -> str:
        connection = sqlite3.connect(path, timeout=archive_sql.WAIT_S)
        together.wait()
        try:
            archive_sql._prepare_sqlite(connection, None)
            [mode] = connection.execute("PRAGMA journal_mode").fetchone()
        finally:
            connection.close()
        return str(mode)

    with ThreadPoolExecutor(together.parties) as threads:
        for number in range(40):
            files = [tmp_path / f"{number}.sqlite"] * together.parties
            assert set(threads.map(opened, files)) == {"wal"}
