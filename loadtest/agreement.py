"""Locust against a running server, and whether both counted the same: `python -m loadtest.agreement -u 1000 -t 90s`.

What Locust's members counted must be what the server's `/metrics` grew by meanwhile: connections opened, posts
acknowledged, and no more deliveries heard than were sent. They meet in a room made for them, where no greeter answers.
Nobody else may be on the server, and it runs on this machine.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chat.commands import CreateRoom, Hello
from loadtest.raw import RawMember
from loadtest.server import Address, Processes, deltas, gateways_known, metrics
from loadtest.tokens import mint

LOCUSTFILE: Final = Path(__file__).parent / "locustfile.py"
RESULT: Final = Path("build/bench/locust.json")
STOP_WITHIN_S: Final = 60.0


async def run(host: str, data_dir: Path, given: Sequence[str]) -> dict[str, Any]:
    """`host`: an address of this machine. Raises OSError, TimeoutError when the server does not answer,
    ChildProcessError when Locust ends badly."""
    parts, processes = urlsplit(host), Processes.of(data_dir)
    address = Address(parts.hostname or "127.0.0.1", parts.port or 80, tls=False)
    keys, room = data_dir / "token-keys.json", f"load-{secrets.token_hex(3)}"
    owner = await RawMember.connect(address.port, host=address.host)
    token = mint(keys, f"{room}-owner", rooms={}, create=True)
    await owner.ask(partial(Hello, token=token, languages=("en",)))
    await owner.ask(partial(CreateRoom, room=room, title=room, once="make"))
    owner.close()
    before = await metrics(address, gateways_known(processes))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", host, *given),
        *("--stop-timeout", "10", "--json", "--only-summary"),
        env={
            **os.environ,
            "PYTHONPATH": str(LOCUSTFILE.parents[1]),
            "LOAD_KEYS_FILE": str(keys),
            "LOAD_ROOM": room,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    grew = deltas(before, await metrics(address, gateways_known(processes)))
    try:
        rows = {row["name"]: row for row in json.loads(told)}
    except ValueError:
        raise ChildProcessError(f"Locust ended with {process.returncode}: {told.decode()[-500:]}") from None
    found = compared(rows, grew)
    return {**found, "exit": process.returncode, "clean": found["clean"] and process.returncode == 0}


def compared(rows: Mapping[str, Mapping[str, Any]], grew: Mapping[str, float]) -> dict[str, Any]:
    """`rows`: Locust's, by name of request. `clean`: somebody wrote and was heard, no failure, and the counts agree."""

    def heard(*names: str) -> int:
        return sum(rows[name]["num_requests"] - rows[name]["num_failures"] for name in names if name in rows)

    pairs = {
        "connections opened": (heard("connect", "resume"), grew["connections_opened_total"]),
        "posts acknowledged": (heard("post"), grew["posts_acknowledged_total"]),
    }
    heard_entries = heard("deliver", "translate")
    failures = {name: row["num_failures"] for name, row in rows.items() if row["num_failures"]}
    return {
        "clean": heard("post") > 0
        and heard_entries > 0
        and not failures
        and all(mine == theirs for mine, theirs in pairs.values())
        and heard_entries <= grew["deliveries_total"],
        "failures": failures,
        "agreement": {words: {"locust": mine, "server": theirs} for words, (mine, theirs) in pairs.items()},
        "deliveries": {
            "heard by locust": heard_entries,
            "of the server, joins and others too": grew["deliveries_total"],
        },
        "rows": {name: {"count": row["num_requests"], "p99_ms": p99_ms(row)} for name, row in rows.items()},
    }


def p99_ms(row: Mapping[str, Any]) -> float | None:
    """Of Locust's own table of response times, nearest rank."""
    times = sorted((float(ms), count) for ms, count in row["response_times"].items())
    rank = sum(count for _, count in times) * 0.99
    for ms, count in times:
        rank -= count
        if rank <= 0:
            return ms
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.agreement", description=about)
    parser.add_argument("--host", default="http://127.0.0.1:8080")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("DIQIUCUN_DATA_DIR") or "data"))
    asked, given = parser.parse_known_args(arguments)
    found = asyncio.run(run(asked.host, asked.data_dir, given))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    return 0 if found["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
