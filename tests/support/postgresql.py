"""A PostgreSQL of the tests' own, in a directory of its own, where the server is installed; else None.

The server refuses to run as root; then it runs as the user `postgres` that its package makes. One server in a test
session, one database for each asker.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def server_programs() -> Path | None:
    """The directory of initdb and postgres, or None when no server is installed."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def _as_whom() -> tuple[str, ...]:
    return ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of a running server without a database name (`{}` stands for it), or None."""
    programs = server_programs()
    if programs is None:
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="dqc-pg-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(directory, owner.pw_uid, owner.pw_gid)
    data = directory / "data"

    def run(*command: str) -> None:
        subprocess.run(
            (*_as_whom(), *command), check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=directory
        )

    try:
        run(str(programs / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "--no-sync")
        options = f"-k {directory} -c listen_addresses='' -c shared_buffers=16MB"
        run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(directory / "log"), "-w", "-o", options, "start")
        try:
            yield f"postgresql://tester@/{{}}?host={directory}"
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def new_database(url: str) -> str:
    """The URL of an empty database on that server."""
    import psycopg

    name = f"t{uuid4().hex}"
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.format(name)
