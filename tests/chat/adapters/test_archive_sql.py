"""What the archive asks of SQLite is a short range of an index, however long a room is."""

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
