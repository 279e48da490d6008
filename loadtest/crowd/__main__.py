"""The process: the driver writes lines of JSON to our stdin (a plan; `go` with the time zero on the machine's monotonic
clock, which all processes share; `settle` with what was acknowledged; `end`) and reads lines from our stdout."""

import asyncio
import contextlib
import gc
import json
import resource
import sys
from typing import Any

import uvloop

from loadtest.crowd.crowd import SETTLE_WITHIN_S, Crowd
from loadtest.crowd.spec import Spec


def raise_open_files() -> int:
    """As many sockets as we may have; how many that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def say(what: str, **more: Any) -> None:
    print(json.dumps({"said": what, **more}), flush=True)


async def lines_in() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main() -> None:
    raise_open_files()
    reader = await lines_in()
    spec = Spec.from_json(json.loads(await reader.readline()))

    async def told(what: str) -> dict[str, Any]:
        line = await reader.readline()
        if not line:
            raise SystemExit(1)  # the driver is gone, and so are we
        found: dict[str, Any] = json.loads(line)
        assert found["told"] == what, found
        return found

    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(spec, tasks)

        async def progress() -> None:
            while True:
                say("progress", counts=crowd.counts.to_json(), generator=crowd.generator())
                await asyncio.sleep(1.0)

        telling = tasks.create_task(progress())
        await crowd.everybody_in()
        gc.collect()
        gc.freeze()  # a collection of our own heap would be measured as lateness of the server
        say("ready", generator=crowd.generator())
        crowd.hearing.began_s = (await told("go"))["began_s"]
        await crowd.run()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(crowd.all_answered(), SETTLE_WITHIN_S)
        say("sent", acknowledged=bytes(crowd.acknowledged).hex())
        lost, doubled = await crowd.settle(bytes.fromhex((await told("settle"))["acknowledged"]))
        say("settled", lost=lost, doubled=doubled, **crowd.report(), generator=crowd.generator())
        await told("end")
        telling.cancel()
        await crowd.leave()


if __name__ == "__main__":
    uvloop.run(main())
