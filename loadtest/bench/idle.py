"""What an idle member costs, and what one stalled reader costs the others: `python -m loadtest.bench.idle`.

Memory: resident size of the one gateway process after 1,000 members joined a room, less the size before, a warm-up
crowd having joined first (allocator arenas, lazy imports and the room itself are not a member's cost). Sizes are read
when three looks in a row agree. The kernel's socket buffers are not in it; they are counted apart, machine-wide.

Stall: 200 readers of a room with steady posts of 1 kB; in every other round one more member joins and never reads.
It must be closed as SLOW_READER, and the p99 of the others must not notice. Rounds alternate, and medians of rounds
are compared: a shared machine drifts by more than the effect that is looked for. Latency counts from the intended
time of each post (see `loadtest.plan`). Server and generator are different processes.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from chat.commands import CreateRoom, Hello, Join, Leave, Post
from loadtest.bench.rounds import IMAGES
from loadtest.measure import Latencies, median
from loadtest.pictures import chart
from loadtest.product import Product, resident_bytes, running
from loadtest.raw import RawMember
from loadtest.signs import FILLING, number_in, signs_of

IDLE_BYTES_TARGET: Final = 14_000
STALL_RATIO_TARGET: Final = 1.2
SLOW_READER: Final = 4001
WARM_UP: Final = 100
READERS: Final = 200
POST_CHARS: Final = 1_000
POSTS_PER_S: Final = 60.0
POSTS_PER_WRITER_S: Final = 1.0
"""Half of what a session may post."""
ROUND_S: Final = 20.0
"""1 MB of outbox and some 100 kB of kernel are full after 17 s at 60 kB/s, and the server then waits 5 s for the
closing handshake: the round ends in between."""
ROUNDS: Final = 5
LOOKS: Final = 5
"""At the memory, while they come."""
LOOK_S: Final = 0.5
RECEIVE_BUFFER_BYTES: Final = 4_096
STEADY_WITHIN_S: Final = 30.0
STEADY_BYTES: Final = 64 * 1024
PAGE_BYTES: Final = 4_096
HEARD_WITHIN_S: Final = 10.0
CLOSED_WITHIN_S: Final = 10.0
JOINING_AT_ONCE: Final = 50
MARK: Final = b"#!#"
NUMBER_SIGNS: Final = 8


async def enter(product: Product, user: str, room: str | None, **settings: Any) -> RawMember:
    """A welcomed member, in `room` if one is named."""
    member = await RawMember.connect(product.port, **settings)
    token = product.token(user, rooms={"*": "member"}, create=True)
    await member.ask(partial(Hello, token=token, languages=("en",)))
    if room is not None:
        await member.ask(partial(Join, room=room))
    return member


async def make_room(product: Product, room: str) -> None:
    owner = await enter(product, "owner", None)
    await owner.ask(partial(CreateRoom, room=room, title=room, once=f"make-{room}"))
    owner.close()
    await owner.gone.wait()


# -- memory -----------------------------------------------------------------------------------------------------------


async def idle_cost(product: Product, members: int) -> dict[str, Any]:
    room = "idle"
    [gateway] = product.pids("gateway")
    await make_room(product, room)
    crowd = await _enter_all(product, room, "warm", WARM_UP)
    before, sockets_before = await steady_bytes(gateway), socket_bytes()
    sizes = [(0, before)]
    for step in range(1, LOOKS + 1):
        there, wanted = sizes[-1][0], members * step // LOOKS
        crowd += await _enter_all(product, room, f"idle-{step}", wanted - there)
        sizes.append((wanted, await steady_bytes(gateway)))
    after, sockets_after = sizes[-1][1], socket_bytes()
    alive = sum(1 for member in crowd if not member.gone.is_set())
    for member in crowd:
        member.close()
    await asyncio.gather(*(member.gone.wait() for member in crowd))
    return {
        "members": members,
        "alive_at_the_end": alive - WARM_UP,
        "resident_before_bytes": before,
        "resident_after_bytes": after,
        "resident_bytes_by_members": sizes,
        "bytes_per_member": round((after - before) / members),
        "kernel_socket_bytes_per_member_both_ends": round((sockets_after - sockets_before) / members),
        "target_bytes_per_member": IDLE_BYTES_TARGET,
        "met": (after - before) / members <= IDLE_BYTES_TARGET and alive == members + WARM_UP,
    }


async def _enter_all(product: Product, room: str, name: str, count: int) -> list[RawMember]:
    crowd: list[RawMember] = []
    for first in range(0, count, JOINING_AT_ONCE):
        numbers = range(first, min(count, first + JOINING_AT_ONCE))
        crowd += await asyncio.gather(*(enter(product, f"{name}-{number}", room) for number in numbers))
    return crowd


async def steady_bytes(pid: int) -> int:
    """Resident size once it stopped moving."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + STEADY_WITHIN_S
    seen = [resident_bytes(pid)]
    while loop.time() < until_s:
        await asyncio.sleep(1.0)
        seen = [*seen[-2:], resident_bytes(pid)]
        if len(seen) == 3 and max(seen) - min(seen) <= STEADY_BYTES:
            break
    return seen[-1]


def socket_bytes() -> int:
    """Memory of all TCP sockets of this machine (`mem` of /proc/net/sockstat, in pages)."""
    for line in Path("/proc/net/sockstat").read_text("ascii").splitlines():
        words = line.split()
        if words[0] == "TCP:":
            return int(words[words.index("mem") + 1]) * PAGE_BYTES
    return 0


# -- the stalled reader -----------------------------------------------------------------------------------------------


class Round:
    """One round of steady posts: when each was meant to be said, and how late each reader heard it."""

    def __init__(self) -> None:
        self.delivery = Latencies()
        self.intended_s: list[float] = []
        self.heard = 0
        self.expected = 0
        self.complete = asyncio.Event()

    def on_entry(self, frame: bytes) -> None:
        at = frame.find(MARK)
        if at >= 0:
            begin = at + len(MARK)
            number = number_in(frame[begin : begin + NUMBER_SIGNS].decode())
            assert number is not None, frame
            self.heard += 1
            if self.heard == self.expected:
                self.complete.set()
            self.delivery.add(time.monotonic() - self.intended_s[number])


async def stall_cost(product: Product, rounds: int, round_s: float) -> dict[str, Any]:
    room = "stall"
    await make_room(product, room)
    now = [Round()]
    readers = await asyncio.gather(
        *(enter(product, f"reader-{n}", room, on_entry=lambda frame: now[0].on_entry(frame)) for n in range(READERS))
    )
    writers = await asyncio.gather(
        *(enter(product, f"writer-{n}", room) for n in range(round(POSTS_PER_S / POSTS_PER_WRITER_S)))
    )
    for writer in writers:
        await writer.ask(partial(Leave, room=room, stay_member=True))
    told: list[dict[str, Any]] = []
    await _one_round(product, room, now, writers, min(5.0, round_s), stalled=False)  # warm-up
    for number in range(rounds):
        order = (False, True) if number % 2 == 0 else (True, False)
        for stalled in order:
            told.append(await _one_round(product, room, now, writers, round_s, stalled=stalled))
            print(f"  round {number + 1}: {told[-1]}", file=sys.stderr, flush=True)
    for member in (*readers, *writers):
        member.close()
    p99 = {stalled: median([one["p99_ms"] for one in told if one["stalled"] is stalled]) for stalled in (False, True)}
    closed = [one for one in told if one["stalled"]]
    ratio = p99[True] / p99[False]
    return {
        "readers": READERS,
        "posts_per_s": POSTS_PER_S,
        "round_s": round_s,
        "rounds": told,
        "p99_ms_without": p99[False],
        "p99_ms_with_stalled": p99[True],
        "ratio": round(ratio, 3),
        "target_ratio": STALL_RATIO_TARGET,
        "closed_as_slow_reader": sum(1 for one in closed if one["close_code"] == SLOW_READER),
        "met": ratio <= STALL_RATIO_TARGET
        and all(one["close_code"] == SLOW_READER for one in closed)
        and not any(one["undelivered"] for one in told),
    }


async def _one_round(
    product: Product, room: str, now: list[Round], writers: Sequence[RawMember], round_s: float, *, stalled: bool
) -> dict[str, Any]:
    current = now[0] = Round()
    victim = None
    if stalled:
        victim = await enter(product, "stalled", room, receive_buffer_bytes=RECEIVE_BUFFER_BYTES)
        victim.stall()
    began_s = time.monotonic() + 0.1
    count = round(round_s * POSTS_PER_S)
    current.expected = count * READERS
    current.intended_s = [began_s + number / POSTS_PER_S for number in range(count)]
    closed_at_s: float | None = None

    async def watch() -> None:
        """In every round alike: looking costs the server a little too."""
        nonlocal closed_at_s
        before = await slow_readers(product)
        while await slow_readers(product) == before:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(LOOK_S)
        closed_at_s = time.monotonic() - began_s

    watching = asyncio.create_task(watch())
    gc.collect()
    gc.freeze()  # a collection of the generator's own heap would be measured as lateness of the server
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            await asyncio.sleep(current.intended_s[number] - time.monotonic())
            tasks.create_task(_post(writers[number % len(writers)], room, number, began_s))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(current.complete.wait(), HEARD_WITHIN_S)
    code = None
    if victim is not None:
        # Its close code stands behind the backlog. Reading that is not part of the round: a stalled phone does not.
        await asyncio.wait((watching,), timeout=CLOSED_WITHIN_S)
        victim.read_on()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(victim.gone.wait(), CLOSED_WITHIN_S)
        code = victim.close_code
        victim.close()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return {
        "stalled": stalled,
        **current.delivery.summary(),
        "undelivered": count * READERS - current.heard,
        "close_code": code,
        "closed_after_s": round(closed_at_s, 1) if closed_at_s is not None else None,
    }


async def _post(writer: RawMember, room: str, number: int, began_s: float) -> None:
    text = f"{MARK.decode()}{signs_of(number, NUMBER_SIGNS)} {FILLING * (POST_CHARS // len(FILLING) + 1)}"[:POST_CHARS]
    once = f"{began_s:.3f}-{number}"
    await writer.ask(partial(Post, room=room, text=text, once=once))


async def slow_readers(product: Product) -> float:
    """How many were closed as slow, from /metrics of the one gateway."""
    for line in (await product.get("/metrics")).decode().splitlines():
        if "slow_reader" in line and not line.startswith("#"):
            return float(line.rpartition(" ")[2])
    return 0.0


def picture(idle: Mapping[str, Any]) -> str:
    before = idle["resident_before_bytes"]
    return chart(
        "Resident memory of a gateway that idle members take",
        "members",
        "MB",
        {
            "measured": [(count, (size - before) / 1e6) for count, size in idle["resident_bytes_by_members"]],
            "14 kB each, the target": [(0, 0.0), (idle["members"], idle["members"] * IDLE_BYTES_TARGET / 1e6)],
        },
    )


async def bench(data_dir: Path, *, members: int, rounds: int, round_s: float) -> dict[str, Any]:
    async with running(data_dir, workers=1, translators=0) as product:
        idle = await idle_cost(product, members)
        print(f"  idle: {idle}", file=sys.stderr, flush=True)
    async with running(data_dir, workers=1, translators=0) as product:  # another process: no memory of the crowd
        stall = await stall_cost(product, rounds, round_s) if rounds else None
    return {"idle": idle, "stall": stall}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.idle", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="pairs of rounds of the stall part; 0 leaves it out")
    parser.add_argument("--round-s", type=float, default=ROUND_S)
    parser.add_argument("--out", type=Path, default=Path("build/bench/idle.json"))
    asked = parser.parse_args(arguments)
    data_dir = Path(tempfile.mkdtemp(prefix="idle-"))
    try:
        found = asyncio.run(bench(data_dir, members=asked.members, rounds=asked.rounds, round_s=asked.round_s))
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (IMAGES / "idle.svg").write_text(picture(found["idle"]), "utf-8")
    print(json.dumps(found, indent=1))
    return 0 if all(part is None or part["met"] for part in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
