"""`python -m loadtest`: a load test from the command line; docs/loadtest.md tells the rest."""

import argparse
import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chat.client import Refused
from loadtest.driver import Course, LoadTestFailed, Target, load_test
from loadtest.report import page, table
from loadtest.scenarios import SCENARIOS, Scenario
from loadtest.server import Address, Processes

DATA_DIR: Final = Path(os.environ.get("DIQIUCUN_DATA_DIR") or "data")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest",
        description="Members walk in, read and write; what they saw becomes an HTML report and JSON.",
        epilog="Scenarios: " + "; ".join(f"{one.name}: {one.words}" for one in SCENARIOS.values()) + ".",
    )
    parser.add_argument("scenario", nargs="?", default="steady", choices=sorted(SCENARIOS), metavar="SCENARIO")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the server (default %(default)s)")
    parser.add_argument("--invite", metavar="LINK", help="walk in as guests, into the room of this invitation")
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        help="the server's token-keys.json: members get tokens of their own and rooms of their own (default: "
        f"{DATA_DIR}/token-keys.json, unless there is an --invite)",
    )
    parser.add_argument("--readers", type=int, metavar="N")
    parser.add_argument("--posts-per-s", type=float, metavar="X", help="of all rooms together")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds, after everybody has walked in")
    parser.add_argument("--rooms", type=int, metavar="N")
    parser.add_argument("--joins-per-s", type=float, default=200.0, metavar="X", help="how fast they walk in")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="of the load test (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed says the same at the same times")
    parser.add_argument("--out", type=Path, default=Path("build/loadtest"), metavar="DIR", help="default %(default)s")
    return parser


def target(asked: argparse.Namespace) -> Target:
    """Raises LoadTestFailed."""
    parts = urlsplit(asked.invite or asked.url)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise LoadTestFailed(f"{asked.invite or asked.url!r} is no address; expected one like http://127.0.0.1:8080")
    tls = parts.scheme in ("https", "wss")
    try:
        port = parts.port or (443 if tls else 80)
        host = parts.hostname if tls else socket.gethostbyname(parts.hostname)
    except (ValueError, OSError) as wrong:
        raise LoadTestFailed(f"{parts.netloc} cannot be found: {wrong}") from None
    keys = asked.keys or (None if asked.invite else DATA_DIR / "token-keys.json")
    if keys is not None and not keys.is_file():
        raise LoadTestFailed(
            f"there is no {keys}. Give the server's token-keys.json with --keys, or an invitation with --invite"
        )
    data_dir = keys.parent if keys is not None else DATA_DIR
    return Target(Address(host, port, tls), keys, asked.invite, Processes.of(data_dir))


def scenario(asked: argparse.Namespace) -> Scenario:
    """The named one, with what was asked otherwise. Raises LoadTestFailed."""
    given = {
        "readers": asked.readers,
        "posts_per_s": asked.posts_per_s,
        "duration_s": asked.duration,
        "rooms": asked.rooms,
    }
    wrong = [f"--{name.replace('_', '-')} {value}" for name, value in given.items() if value is not None and value <= 0]
    wrong += [f"--processes {asked.processes}"] if asked.processes <= 0 else []
    if wrong:
        raise LoadTestFailed(f"more than 0 is expected of {', '.join(wrong)}")
    return replace(SCENARIOS[asked.scenario], **{name: value for name, value in given.items() if value is not None})


def show(sample: Mapping[str, Any]) -> None:
    """The progress line; on a terminal it stays in its place."""
    cpu = "  ".join(f"{role} {found['cpu']:.2f}" for role, found in sample["processes"].items())
    line = (
        f"{sample['at_s']:6.0f} s  {sample['stage']:<10}  in {sample['joined']:,}  "
        f"acknowledged {sample['acknowledged']:,} ({sample['acknowledged_per_s']:,.0f}/s)  "
        f"delivered {sample['delivered']:,} ({sample['delivered_per_s']:,.0f}/s){f'  cpu: {cpu}' if cpu else ''}"
    )
    live = sys.stderr.isatty()
    print(f"\r{line:<130}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> int:
    """0: all is well; 1: violations; 2: the test could not be made."""
    asked = arguments().parse_args(given)
    try:
        where, what = target(asked), scenario(asked)
        course = Course(processes=asked.processes, seed=asked.seed, joins_per_s=asked.joins_per_s)
        report = asyncio.run(load_test(where, what, course, show))
    except (*EXPECTED, ExceptionGroup) as failed:
        found = first_expected(failed)
        if found is None:
            raise
        print(f"\nloadtest: {words(found, asked)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nloadtest: stopped; no report was written", file=sys.stderr)
        return 130
    asked.out.mkdir(parents=True, exist_ok=True)
    told = asked.out / f"{report['name']}.json"
    told.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shown = told.with_suffix(".html")
    shown.write_text(page(report), "utf-8")
    print(f"\n{table(report)}\n  written to         {shown} and {told}")
    return 1 if report["violations"] else 0


EXPECTED: Final = (LoadTestFailed, OSError, TimeoutError, Refused)


def first_expected(failed: BaseException) -> BaseException | None:
    """What went wrong outside of us, if that is all that went wrong; groups may hold it deep inside."""
    if isinstance(failed, BaseExceptionGroup):
        return next((found for one in failed.exceptions if (found := first_expected(one)) is not None), None)
    return failed if isinstance(failed, EXPECTED) else None


def words(failed: BaseException, asked: argparse.Namespace) -> str:
    if isinstance(failed, ConnectionRefusedError):
        return f"nobody answers at {asked.invite or asked.url}; is the server running (`make run`)?"
    if isinstance(failed, Refused):
        return f"the invitation was refused: {failed.words}"
    return str(failed) or type(failed).__name__


if __name__ == "__main__":
    sys.exit(main())
