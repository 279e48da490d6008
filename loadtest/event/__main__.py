"""`python -m loadtest.event`: play the evening, write what was found, end with 1 when something was wrong."""

import argparse
import asyncio
import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

import loadtest.event
from loadtest.event.course import evening_of
from loadtest.event.plan import ACTORS, PEOPLE, Plan
from loadtest.event.report import page

JSON_PATH: Final = Path("build/event.json")
HTML_PATH: Final = Path("build/event.html")
OPEN_FILES: Final = 65_536


def _show(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    words = (loadtest.event.__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m loadtest.event", description=words)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as a real evening")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if asked.people < 2 * ACTORS:
        parser.error(f"an evening needs {2 * ACTORS} people")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, OPEN_FILES), hard)
    )
    plan = Plan(seed=asked.seed).scaled(asked.people, asked.speed)
    data_dir = Path(tempfile.mkdtemp(prefix="event-"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(evening_of(plan, data_dir, _show))
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    JSON_PATH.parent.mkdir(parents=True, exist_ok=True)
    JSON_PATH.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    HTML_PATH.write_text(page(found), "utf-8")
    print(json.dumps({name: found[name] for name in found if name != "seconds"}, indent=1, ensure_ascii=False))
    print(f"written to {JSON_PATH} and {HTML_PATH}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
