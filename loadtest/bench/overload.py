"""What readers of originals notice while the translator has three times what it can do.

The real product (`up`: engine, one gateway, one translator, with the starter package) on one machine with this
program. Twenty members read Chinese; one reads English, so that everything Chinese is owed a translation. Writers post
open loop, and the time that counts runs from the intended moment of a post to its arrival at a reader's socket.

Rounds alternate. In all kinds the same writers post at the same rate, as many bytes, to the same readers. In a calm
round the text has no words: no job is made, the translator has nothing to do at all. In a loaded round every post
owes its translation, at three times the rate that the translator was seen to reach just before, with the same kind of
text and nothing else going on. Lines never repeat, so that no cache answers. The reader of English is not timed.

A filled round tells apart what the machine costs and what the translator does: a calm round beside a program that
only decodes, the same sentences with the same package, as many threads at a time and as ready to give way, but takes no
job and tells nothing. Whoever decodes as much as the machine allows, in whatever way, cannot disturb less.

Between rounds everything owed is waited for: each post must end with its translation, or with the guard's word why
there is none; a post that was skipped ("overload") must get its translation afterwards. Other programs of a shared
machine disturb all kinds alike: the median of the rounds' p99 is compared, and every round is kept.
"""

import argparse
import asyncio
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import msgpack

from chat.commands import Configure, CreateRoom, Hello, Join, Leave, Post
from chat.limits import BUDGET_MS_MAX
from loadtest.measure import Latencies, median
from loadtest.product import Product, running
from loadtest.raw import RawMember

Kind = Literal["calm", "filled", "loaded"]
KINDS: Final[tuple[Kind, ...]] = ("calm", "filled", "loaded")
ROOM: Final = "overload"
RATIO_TARGET: Final = 1.5
LOAD: Final = 3.0
"""Times what the translator can do."""
READERS: Final = 20
POSTS_PER_WRITER_S: Final = 1.0
"""Half of what a session may post."""
CROWD: Final = 60
BURST: Final = 5
"""Writers, and posts of each of them at once, to measure what the translator can do; a session may do twice as much."""
BUDGET_MS: Final = 800
"""Of a room that nobody has configured."""
SENTENCES: Final = 6
"""In each post, so that the load costs the translator much, and whoever posts and delivers it little."""
ROUNDS: Final = 5
ROUND_S: Final = 8.0
HEARD_WITHIN_S: Final = 20.0
SETTLED_WITHIN_S: Final = 180.0
REPORTED_WITHIN_S: Final = 15.0
"""Translators tell their counters every five seconds."""
IDLE_FOR_S: Final = 12.0
"""Longer than two reports."""
LOOK_S: Final = 0.1
COUNTED: Final = {
    "in_budget": "translations_in_budget_total",
    "over_budget": "translations_over_budget_total",
    "skipped": "events_skipped_total",
    "caught_up": "events_caught_up_total",
}
"""What is told of each round, and its name in /metrics behind `diqiucun_translator_`."""
SEQ: Final = b"\xa3seq"
SEQ_BYTES_MAX: Final = 9
TRANSLATED: Final = b"\xa4type\xaatranslated"
HEAD_BYTES: Final = 200
"""In the head of a frame of msgpack (see `chat.wire.entry_frame`); texts come later."""
PEOPLE: Final = ("我", "你", "他", "她", "我们", "你们", "老师", "妈妈", "朋友", "同学")
TIMES: Final = ("今天", "明天", "昨天", "现在", "周末", "早上", "晚上", "下午")
DEEDS: Final = (
    *("去公园", "喝咖啡", "学中文", "看电影", "买水果", "做饭", "回家", "打电话", "写作业", "听音乐", "吃火锅", "跑步"),
)
ENDS: Final = ("", "了", "吗", "吧")
LINES: Final = len(PEOPLE) * len(TIMES) * len(DEEDS) * len(PEOPLE) * len(DEEDS) * len(ENDS)
STEP: Final = 7_919
"""Prime to LINES: neighbours differ in more than their last word, and no line comes twice before all have come."""
DECODES_ONLY: Final = """
import asyncio, itertools, os
from loadtest.bench.overload import line
from translator.ctranslate import CTranslateEngine
from translator.packages import starter_packages
from translator.priority import yield_to_others
from translator.settings import TranslatorSettings

def batches():
    for first in itertools.count(step=16):
        yield [line(number) + "。" for number in range(first, first + 16)]

async def main():
    settings = TranslatorSettings()
    yield_to_others(settings.translator_niceness)
    engine, endless = CTranslateEngine(threads=settings.translation_threads), batches()
    package = next(each for each in starter_packages() if (each.source, each.target) == ("zh", "en"))
    await engine.translate(package, next(endless))
    print("decoding", flush=True)

    async def decode():
        while True:
            await engine.translate(package, next(endless))

    await asyncio.gather(*(decode() for _ in range(engine.threads)))

asyncio.run(main())
"""
"""What fills a processor as the translator does, and nothing more. A process of its own: this program is timed."""


@asynccontextmanager
async def filled() -> AsyncIterator[None]:
    """Meanwhile the machine decodes as much as a translator would. In a session of its own, which is as nice to others
    as the process itself (see `translator.priority`)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DECODES_ONLY, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        if await process.stdout.readline() != b"decoding\n":
            raise RuntimeError("the program that only decodes did not start")
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def line(number: int) -> str:
    """An everyday sentence without its stop; the first `LINES` all differ."""
    left, words = number * STEP % LINES, []
    for choices in (PEOPLE, TIMES, DEEDS, PEOPLE, DEEDS, ENDS):
        left, place = divmod(left, len(choices))
        words.append(choices[place])
    return "".join((*words[:3], "，", *words[3:]))


def chinese(number: int, sentences: int = SENTENCES) -> str:
    """Post `number`: different sentences from those of every other post."""
    return "。".join(line(sentences * number + each) for each in range(sentences)) + "。"


def wordless(number: int, sentences: int = SENTENCES) -> str:
    """As many bytes as `chinese(number)`, and nothing to translate."""
    size = len(chinese(number, sentences).encode())
    return "👍" * (size // 4) + "!" * (size % 4)


class Hearing:
    """What the readers of originals hear of one round. Only noted while it runs, and looked at afterwards."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._heard: list[tuple[float, bytes]] = []
        self.complete = asyncio.Event()

    def on_entry(self, frame: bytes) -> None:
        at = frame.find(SEQ) + len(SEQ)
        self._heard.append((time.monotonic(), frame[at : at + SEQ_BYTES_MAX]))
        if len(self._heard) == self._expected:
            self.complete.set()

    def delivery(self, intended_s: Mapping[int, float]) -> Latencies:
        """How late each post came to each reader. `intended_s`: of each post, by seq."""
        found = Latencies()
        for heard_s, begin in self._heard:
            unpacker = msgpack.Unpacker()
            unpacker.feed(begin)
            seq = unpacker.unpack()
            if seq in intended_s:
                found.add(heard_s - intended_s[seq])
        return found


class Ledger:
    """What the reader of English was told about each post. Frames are kept and read later, when nothing is timed."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self.translated: Counter[int] = Counter()
        """Times that each post was translated, by seq."""
        self.refused: dict[int, list[str]] = {}
        self.came_s: list[float] = []
        """When each translation came."""

    def on_entry(self, frame: bytes) -> None:
        self._frames.append(frame)
        if TRANSLATED in frame[:HEAD_BYTES]:
            self.came_s.append(time.monotonic())

    def read(self) -> None:
        frames, self._frames = self._frames, []
        for frame in frames:
            event = msgpack.unpackb(frame)["event"]
            match event["type"]:
                case "translated":
                    self.translated[event["of"]] += 1
                case "untranslated":
                    self.refused.setdefault(event["of"], []).append(event["reason"])
                case _:
                    pass

    def owed(self, posts: Iterable[int]) -> list[int]:
        """Those without their translation, and without a word that is final."""
        final = {of for of, reasons in self.refused.items() if set(reasons) - {"overload"}}
        return [of for of in posts if of not in self.translated and of not in final]

    def doubled(self) -> list[int]:
        return [of for of, times in self.translated.items() if times > 1]

    def reasons(self) -> dict[str, int]:
        return dict(Counter(reason for reasons in self.refused.values() for reason in reasons))


class Overload:
    """One run against one product."""

    def __init__(self, product: Product, *, sentences: int, round_s: float) -> None:
        self._product = product
        self._sentences = sentences
        self._round_s = round_s
        self._hearing = Hearing(0)
        self.ledger = Ledger()
        self._members: list[RawMember] = []
        self._writers: list[RawMember] = []
        self._number = 0

    async def prepare(self) -> None:
        owner = await self._enter("owner", None)
        await owner.ask(partial(CreateRoom, room=ROOM, title=ROOM, once="make"))
        self._owner = owner
        for number in range(READERS):
            await self._enter(f"reader-{number}", ROOM, ("zh",), lambda frame: self._hearing.on_entry(frame))
        await self._enter("english", ROOM, ("en",), self.ledger.on_entry)

    async def capacity_per_s(self) -> float:
        """Posts a second that the translator does with plenty to do, and with time enough to skip none."""
        await self._budget(BUDGET_MS_MAX)
        await self._add_writers(CROWD)
        await self._settle(await self._post_at([time.monotonic()], chinese))  # the first one loads the model
        began = len(self.ledger.came_s)
        await self._settle(await self._post_at([time.monotonic()] * (BURST * CROWD), chinese))
        await self._budget(BUDGET_MS)
        came_s = self.ledger.came_s[began:]
        first, last = len(came_s) // 10, len(came_s) - 1
        return (last - first) / (came_s[last] - came_s[first])

    async def round(self, posts_per_s: float, kind: Kind) -> dict[str, Any]:
        if kind == "filled":
            async with filled():
                return await self._timed(posts_per_s, kind)
        return await self._timed(posts_per_s, kind)

    async def _timed(self, posts_per_s: float, kind: Kind) -> dict[str, Any]:
        loaded = kind == "loaded"
        await self._add_writers(int(posts_per_s / POSTS_PER_WRITER_S) + 1)
        before = await self._counters()
        count = round(posts_per_s * self._round_s)
        hearing = self._hearing = Hearing(count * READERS)
        gc.collect()
        gc.freeze()  # a collection of this program's own heap would be measured as lateness of the server
        cpu = self._cpu_s()
        began_s = time.monotonic() + 0.1
        posts = await self._post_at(
            [began_s + number / posts_per_s for number in range(count)], chinese if loaded else wordless
        )
        ended_s = time.monotonic()
        spent = {name: round((now - cpu[name]) / (ended_s - began_s), 2) for name, now in self._cpu_s().items()}
        async with asyncio.timeout(HEARD_WITHIN_S):
            await hearing.complete.wait()
        told: dict[str, Any] = {"kind": kind, **hearing.delivery(posts).summary(), "processors": spent}
        if loaded:
            translated = sum(began_s <= at <= ended_s for at in self.ledger.came_s)
            await self._settle(posts)
            made = sum(of in self.ledger.translated for of in posts)
            timed = ("translations_in_budget_total", "translations_over_budget_total")
            after = await self._counters(lambda now: sum(now[name] - before[name] for name in timed) >= made)
            told |= {
                "translated_meanwhile_per_s": round(translated / (ended_s - began_s), 1),
                "settled_after_s": round(time.monotonic() - ended_s, 1),
                "without_translation": count - made,
                "guard_doubted": int(_guard(after) - _guard(before)),
            }
            told |= {name: int(after[key] - before[key]) for name, key in COUNTED.items()}
        return told

    def close(self) -> None:
        for member in self._members:
            member.close()

    async def _enter(
        self,
        user: str,
        room: str | None,
        languages: tuple[str, ...] = ("zh",),
        on_entry: Callable[[bytes], None] = lambda _: None,
    ) -> RawMember:
        member = await RawMember.connect(self._product.port, on_entry)
        token = self._product.token(user, rooms={"*": "member"}, create=True)
        await member.ask(partial(Hello, token=token, languages=languages))
        if room is not None:
            await member.ask(partial(Join, room=room))
        self._members.append(member)
        return member

    async def _add_writers(self, count: int) -> None:
        while len(self._writers) < count:
            writer = await self._enter(f"writer-{len(self._writers)}", ROOM)
            await writer.ask(partial(Leave, room=ROOM, stay_member=True))
            self._writers.append(writer)

    async def _budget(self, budget_ms: int) -> None:
        await self._owner.ask(
            lambda id: Configure(id=id, room=ROOM, translation_budget_ms=budget_ms, once=f"budget-{id}")
        )

    async def _post_at(self, at_s: Sequence[float], text: Callable[[int, int], str]) -> dict[int, float]:
        """Post at these times, whatever the answers; the times by seq, once all are acknowledged."""
        numbers = range(self._number, self._number + len(at_s))
        self._number = numbers.stop
        texts = [text(number, self._sentences) for number in numbers]
        posted: dict[int, float] = {}

        async def post(writer: RawMember, place: int) -> None:
            said, once = texts[place], f"post-{numbers[place]}"
            answer = await writer.ask(partial(Post, room=ROOM, text=said, once=once))
            posted[answer["position"][1]] = at_s[place]

        async with asyncio.TaskGroup() as tasks:
            for place, intended_s in enumerate(at_s):
                await asyncio.sleep(intended_s - time.monotonic())
                tasks.create_task(post(self._writers[place % len(self._writers)], place))
        return posted

    async def _settle(self, posts: Iterable[int]) -> None:
        """Until nothing is owed for these. What was skipped and then doubted by the guard keeps its first word: such
        posts are let go when the translator has said for `IDLE_FOR_S` that it has nothing left."""
        busy_s = time.monotonic()
        async with asyncio.timeout(SETTLED_WITHIN_S):
            self.ledger.read()
            while owed := self.ledger.owed(posts):
                counted = await self._counters()
                if counted.get("texts_parked") != 0 or counted.get("jobs_running") != 0:
                    busy_s = time.monotonic()
                if time.monotonic() >= busy_s + IDLE_FOR_S and all(of in self.ledger.refused for of in owed):
                    break
                await asyncio.sleep(LOOK_S)
                self.ledger.read()

    async def _counters(self, until: Callable[[dict[str, float]], bool] = lambda _: True) -> dict[str, float]:
        """The translators' counters as the gateway's /metrics shows them, once they say what is waited for."""
        async with asyncio.timeout(REPORTED_WITHIN_S):
            while True:
                counted: dict[str, float] = {}
                for row in (await self._product.get("/metrics")).decode().splitlines():
                    name, _, value = row.partition(" ")
                    if name.startswith("diqiucun_translator_"):
                        counted[name.removeprefix("diqiucun_translator_").partition("{")[0]] = float(value)
                if counted and until(counted):
                    return counted
                await asyncio.sleep(LOOK_S)

    def _cpu_s(self) -> dict[str, float]:
        """Seconds of processor each process has had so far; "others" are all that do not belong to this measurement."""
        pids = {role: self._product.pids(role)[0] for role in ("engine", "gateway", "translator")}
        ours = {name: cpu_s(pid) for name, pid in (*pids.items(), ("this", os.getpid()))}
        return ours | {"others": machine_cpu_s() - sum(ours.values())}


def cpu_s(pid: int) -> float:
    """utime and stime of proc(5)."""
    words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def machine_cpu_s() -> float:
    """What all processes of this machine have had, and what its host took from it (user, nice, system, steal)."""
    words = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    return sum(int(words[place]) for place in (1, 2, 3, 8)) / os.sysconf("SC_CLK_TCK")


def _guard(counted: dict[str, float]) -> float:
    """Sentences that the guard doubted, whatever became of them."""
    return sum(value for name, value in counted.items() if name.startswith("sentences_doubted_"))


async def bench(
    data_dir: Path, *, rounds: int, round_s: float, sentences: int, workers: int, environ: dict[str, str]
) -> dict[str, Any]:
    async with running(data_dir, workers=workers, translators=1, environ=environ) as product:
        overload = Overload(product, sentences=sentences, round_s=round_s)
        try:
            await overload.prepare()
            capacity_per_s = await overload.capacity_per_s()
            posts_per_s = LOAD * capacity_per_s
            print(f"  {capacity_per_s:.1f} posts/s can be translated", file=sys.stderr, flush=True)
            await overload.round(posts_per_s, "calm")  # warm-up
            told: list[dict[str, Any]] = []
            for number in range(rounds):
                for kind in KINDS:
                    told.append(await overload.round(posts_per_s, kind))
                    print(f"  round {number + 1}: {told[-1]}", file=sys.stderr, flush=True)
        finally:
            overload.close()
    p50, p99 = (
        {kind: median([one[key] for one in told if one["kind"] == kind]) for kind in KINDS}
        for key in ("p50_ms", "p99_ms")
    )
    ratio = p99["loaded"] / p99["calm"]
    ledger = overload.ledger
    loads = [one for one in told if one["kind"] == "loaded"]
    done = sum(one["in_budget"] + one["over_budget"] for one in loads)
    return {
        "capacity_posts_per_s": round(capacity_per_s, 1),
        "posts_per_s": round(posts_per_s, 1),
        "sentences_per_post": sentences,
        "readers": READERS,
        "round_s": round_s,
        "rounds": told,
        "p50_ms": p50,
        "p99_ms": p99,
        "ratio": round(ratio, 3),
        "target_ratio": RATIO_TARGET,
        "ratio_filled": round(p99["filled"] / p99["calm"], 3),
        "loaded_over_filled": round(p99["loaded"] / p99["filled"], 3),
        "in_budget_share": round(sum(one["in_budget"] for one in loads) / done, 3),
        "skipped": sum(one["skipped"] for one in loads),
        "caught_up": sum(one["caught_up"] for one in loads),
        "guard_doubted": sum(one["guard_doubted"] for one in loads),
        "without_translation": sum(one["without_translation"] for one in loads),
        "untranslated": ledger.reasons(),
        "translated_twice": ledger.doubled(),
        "met": ratio <= RATIO_TARGET and not ledger.doubled(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.bench.overload", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each kind")
    parser.add_argument("--round-s", type=float, default=ROUND_S)
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="in each post")
    parser.add_argument("--workers", type=int, default=1, help="gateway processes")
    parser.add_argument("--out", type=Path, default=Path("build/bench/overload.json"))
    asked = parser.parse_args(arguments)
    data_dir = Path(tempfile.mkdtemp(prefix="overload-"))
    try:
        found = asyncio.run(
            bench(
                data_dir,
                rounds=asked.rounds,
                round_s=asked.round_s,
                sentences=asked.sentences,
                workers=asked.workers,
                environ={},
            )
        )
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
