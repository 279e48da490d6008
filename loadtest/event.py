"""An evening with thousands, simulated: `python -m loadtest.event` writes build/event.json and build/event.html.

One server of its own (gateway, engine, translator), one live room. People walk in by one invitation within a minute;
they talk, faster than anybody can read; the host announces in three languages, opens a poll and sees somebody get a
name; some write what the room's word list holds back, and a moderator works the queue; then half the audience loses
its connection at once and comes back. Everything follows a plan from a seed, at intended times.

What is checked of each reader who stayed: every announcement, host's message, poll and naming arrived, in order and
once; and what they received plus what they were told was left out of their sample is all that was said. Of the others:
they resume, or are told of a gap.
"""

import argparse
import asyncio
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Final

import msgpack
import uvloop

from chat.commands import (
    AcceptName,
    CreateRoom,
    Hello,
    Join,
    OpenCeremony,
    Post,
    ProposeName,
    Resume,
    VoteName,
)
from chat.conduct import Conduct
from chat.ids import Position
from chat.live_commands import ClosePoll, DecideHeld, Desk, OpenPoll, SetConduct, SetWords, VotePoll
from chat.live_events import Word
from loadtest.histogram import Histogram
from loadtest.product import Product, running
from loadtest.raw import Making, RawMember
from loadtest.report import chart
from loadtest.tokens import mint

ROOM: Final = "concert"
JSON_PATH: Final = Path("build/event.json")
HTML_PATH: Final = Path("build/event.html")
LANGUAGES: Final = (("zh",), ("en",), ("es", "en"))
SHARES: Final = (0.30, 0.60, 0.10)
LINES: Final = {
    "zh": ("这首歌太好听了", "你们从哪里来？", "晚上好，大家！", "我在上海看直播", "再来一首", "谢谢你们"),
    "en": ("This song is so good", "Where are you all from?", "Good evening everyone!", "One more!", "Hello from Ohio"),
    "es": ("¡Qué bonita canción!", "Saludos desde México", "¡Otra, otra!"),
}
HELD_WORD: Final = "加微信"
MARK: Final = " ·t"
PROPOSALS: Final = ("白睿康", "李安然", "陈知行", "林清扬", "周以宁")
ACTORS: Final = 1 + len(PROPOSALS)
"""The first guests: who gets a name, and who propose one."""
P99_MS_MAX: Final = 500.0
ANNOUNCED_S_MAX: Final = 2.0
CHUNKS_KEPT: Final = 8_192
MUST_ARRIVE: Final = frozenset(
    {"poll_opened", "poll_closed", "ceremony_opened", "ceremony_closed", "name_proposed", "conduct_changed"}
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How large, how long. `people` and everything that counts them shrink together for a rehearsal."""

    people: int = 5_000
    walk_in_s: float = 60.0
    talk_s: float = 90.0
    posts_per_s: float = 50.0
    poll_votes: int = 3_000
    name_votes: int = 1_000
    held: int = 100
    back_within_s: float = 15.0
    after_s: float = 30.0
    seed: int = 1

    def scaled(self, people: int, speed: float) -> "Plan":
        share = people / self.people
        return Plan(
            people=people,
            walk_in_s=self.walk_in_s / speed,
            talk_s=self.talk_s / speed,
            posts_per_s=self.posts_per_s,
            poll_votes=int(self.poll_votes * share),
            name_votes=int(self.name_votes * share),
            held=max(4, int(self.held * share)),
            back_within_s=self.back_within_s / speed,
            after_s=self.after_s / speed,
            seed=self.seed,
        )


@dataclass(slots=True)
class Heard:
    """One chunk of frames, decoded once for all who receive the same bytes."""

    posts: tuple[tuple[int, float, str], ...] = ()
    """(seq, intended time, author) of messages."""
    others: tuple[tuple[int, str], ...] = ()
    left_out: int = 0
    last: int = 0
    announcements: tuple[str, ...] = ()
    frames: tuple[dict[str, Any], ...] = ()
    """What is no entry: answers and notices."""


@dataclass(slots=True)
class Evening:
    """What all readers share, and what is counted."""

    chunks: dict[bytes, Heard] = field(default_factory=dict)
    delivery: Histogram = field(default_factory=Histogram)
    announced: Histogram = field(default_factory=Histogram)
    announced_at: float = 0.0
    seconds: dict[int, Histogram] = field(default_factory=dict)
    began: float = 0.0
    storm_at: float = float("inf")
    readers: Counter[int] = field(default_factory=Counter)
    """By how many each message was received."""
    told: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def decode(self, data: bytes) -> Heard:
        found = self.chunks.get(data)
        if found is None:
            if len(self.chunks) >= CHUNKS_KEPT:
                self.chunks.clear()
            found = self.chunks[data] = self._decode(data)
        return found

    def _decode(self, payload: bytes) -> Heard:
        frame = msgpack.unpackb(payload)
        if frame["type"] == "skipped":
            return Heard(left_out=frame["count"])
        if frame["type"] != "entry":
            return Heard(frames=(frame,))
        event, seq = frame["event"], frame["seq"]
        if event["type"] != "posted":
            return Heard(others=((seq, event["type"]),), last=seq)
        if event.get("purpose") == "announcement":
            versions = tuple(language for language, _ in event.get("versions") or ())
            return Heard(
                others=((seq, "announcement"),), last=seq, announcements=(event["written_in"] or "zh", *versions)
            )
        _, mark, at = event["text"].rpartition(MARK)
        return Heard(posts=((seq, float(at) if mark else 0.0, event["author"]),), last=seq)


class Guest(RawMember):
    """One of the audience."""

    evening: Evening
    number: int
    languages: tuple[str, ...]
    stayed: bool
    user: str
    shown: int
    own: list[int]
    left_out: int
    must: list[int]
    last: int
    disorder: int
    head: Position | None
    since: float

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode != 0x2:
            super()._frame(opcode, payload)
            return
        heard = self.evening.decode(payload)
        for frame in heard.frames:
            self._told(frame)
        if heard.left_out:
            self.left_out += heard.left_out
            return
        if not heard.last:
            return
        if heard.last <= self.last:
            self.disorder += 1
        self.last = heard.last
        now = time.monotonic()
        for seq, intended, author in heard.posts:
            self.shown += 1
            if author == self.user:
                self.own.append(seq)
            if self.stayed:  # who comes back is told everything in between, sampled or not
                self.evening.readers[seq] += 1
            if intended > self.since:  # what was said before they came (back) is no delivery, it is history
                late = now - intended
                self.evening.delivery.add(late)
                second = int(now - self.evening.began)
                found = self.evening.seconds.get(second)
                if found is None:
                    found = self.evening.seconds[second] = Histogram()
                found.add(late)
        for seq, kind in heard.others:
            if kind == "announcement":
                self.must.append(seq)
                if self.languages[0] in heard.announcements:
                    self.evening.announced.add(now - self.evening.announced_at)
            elif kind in MUST_ARRIVE:
                self.must.append(seq)


def ready(guest: Guest, evening: Evening, number: int) -> None:
    chance = random.Random(number)
    guest.evening, guest.number = evening, number
    guest.languages = chance.choices(LANGUAGES, SHARES)[0]
    guest.user, guest.own = f"u{number}", []
    guest.stayed, guest.shown, guest.left_out = True, 0, 0
    guest.must, guest.last, guest.disorder, guest.head = [], 0, 0, None
    guest.since = float("inf")


async def walk_in(port: int, evening: Evening, number: int, token: str, invite: str, due: float) -> Guest:
    """Raises OSError, ConnectionError."""
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    guest = await Guest.connect(port, source=f"127.0.1.{1 + number % 200}")
    assert isinstance(guest, Guest)
    ready(guest, evening, number)
    await guest.ask(partial(Hello, token=token, languages=guest.languages))
    room = await guest.ask(partial(Join, room=ROOM, invite=invite))
    guest.head = Position(*room["head"])
    guest.last, guest.since = guest.head.seq, time.monotonic()
    evening.told["walked in"] += 1
    return guest


async def come_back(port: int, evening: Evening, before: Guest, token: str, due: float) -> Guest:
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    while True:
        try:
            guest = await Guest.connect(port, source=f"127.0.1.{1 + before.number % 200}")
            assert isinstance(guest, Guest)
            ready(guest, evening, before.number)
            guest.stayed, guest.last = False, before.last
            epoch = before.head.epoch if before.head else ""
            rooms = (Resume(room=ROOM, position=Position(epoch, before.last)),)
            await guest.ask(partial(Hello, token=token, languages=guest.languages, rooms=rooms))
        except (OSError, ConnectionError, TimeoutError):
            evening.told["tried again"] += 1
            await asyncio.sleep(random.uniform(0.2, 1.5))
            continue
        guest.since = time.monotonic()
        evening.told["came back"] += 1
        return guest


def tell(member: RawMember, evening: Evening, make: Making) -> None:
    def answered(frame: dict[str, Any]) -> None:
        if frame["type"] == "error":
            evening.refused[frame["code"]] += 1
        else:
            evening.told[frame["type"]] += 1

    member.tell(make, answered)


async def at_times(plan: Sequence[tuple[float, Callable[[], None]]], began: float) -> None:
    for due, act in sorted(plan, key=lambda each: each[0]):
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        act()


async def moderate(host: RawMember, evening: Evening, stop: asyncio.Event) -> dict[str, int]:
    """Look at the queue every second; let every third through, refuse the rest."""
    done = Counter[str]()
    while not stop.is_set() or done["open"]:
        desk = await host.ask(partial(Desk, room=ROOM))
        done["open"] = len(desk["held"]) + desk["more_held"]
        for view in desk["held"]:
            of, approve = view["of"], view["of"] % 3 == 0
            answer = await host.answer(partial(DecideHeld, room=ROOM, of=of, approve=approve, once=f"d{of}"))
            if answer["type"] == "error":
                evening.refused[f"moderator: {answer['code']}"] += 1
                await asyncio.sleep((answer["retry_after_ms"] or 500) / 1000)
                continue
            done["approved" if approve else "refused"] += 1
            done["translated"] += bool(view["translations"])
        await asyncio.sleep(1.0)
    return dict(done)


async def invitation(product: Product, owner: str) -> str:
    def ask() -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{product.port}/api/v1/rooms/{ROOM}/invites",
            data=json.dumps({"role": "guest"}).encode(),
            headers={"authorization": f"Bearer {owner}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.loads(answer.read())["code"])

    return await asyncio.to_thread(ask)


async def evening_of(plan: Plan, data_dir: Path, show: Callable[[str], None]) -> dict[str, Any]:
    async with running(data_dir, workers=1, translators=1) as product:
        return await _evening(plan, product, show)


async def _evening(plan: Plan, product: Product, show: Callable[[str], None]) -> dict[str, Any]:
    async with asyncio.TaskGroup() as tasks:
        return await _played(plan, product, show, tasks)


async def _played(
    plan: Plan, product: Product, show: Callable[[str], None], tasks: asyncio.TaskGroup
) -> dict[str, Any]:
    chance, evening, keys = random.Random(plan.seed), Evening(), product.data_dir / "token-keys.json"
    owner_token = mint(keys, "host", name="榕榕", create=True)
    host = await RawMember.connect(product.port)
    await host.ask(partial(Hello, token=owner_token, languages=("zh", "en")))
    await host.ask(partial(CreateRoom, room=ROOM, title="春天音乐会 · Spring Concert", once="room"))
    await host.ask(partial(SetConduct, room=ROOM, conduct=Conduct(kind="live"), once="live"))
    words = (Word(text=HELD_WORD, action="hold"),)
    await host.ask(partial(SetWords, room=ROOM, words=words, once="words"))
    code = await invitation(product, owner_token)
    moderator = await RawMember.connect(product.port)
    helper = mint(keys, "helper", name="Helper", rooms={ROOM: "moderator"})
    await moderator.ask(partial(Hello, token=helper, languages=("en", "zh")))
    await moderator.ask(partial(Join, room=ROOM))
    tokens = [mint(keys, f"u{number}", name=f"Guest {number}") for number in range(plan.people)]

    show(f"{plan.people:,} people walk in within {plan.walk_in_s:g} s")
    evening.began = began = time.monotonic()
    came = await asyncio.gather(
        *(
            walk_in(product.port, evening, number, tokens[number], code, began + plan.walk_in_s * number / plan.people)
            for number in range(plan.people)
        ),
        return_exceptions=True,
    )
    guests = [guest for guest in came if isinstance(guest, Guest)]
    evening.refused.update(type(failed).__name__ for failed in came if not isinstance(failed, Guest))
    walked_in_s = time.monotonic() - began
    show(f"{len(guests):,} are in after {walked_in_s:.1f} s; they talk")

    def post(guest: RawMember, text: str, once: str, *, mark: bool = True) -> None:
        written = f"{text}{MARK}{time.monotonic():.4f}" if mark else text
        tell(guest, evening, partial(Post, room=ROOM, text=written, once=once))

    acts: list[tuple[float, Callable[[], None]]] = []
    now_s, number = 0.0, 0
    while now_s < plan.talk_s:
        ramp = 0.1 + 0.9 * min(1.0, now_s / (plan.talk_s / 3))
        now_s += chance.expovariate(plan.posts_per_s * ramp)
        guest = guests[ACTORS + int((len(guests) - ACTORS) * chance.random() ** 2)]  # some talk much, most hardly
        line = chance.choice(LINES[guest.languages[0]])
        acts.append((now_s, partial(post, guest, line, f"p{number}")))
        number += 1
    posted_in_talk = number
    for at in range(plan.held):
        guest = chance.choice(guests)
        due = plan.talk_s * (0.2 + 0.6 * at / plan.held)
        acts.append((due, partial(post, guest, f"想赚钱{HELD_WORD}", f"h{at}", mark=False)))

    def announce() -> None:
        evening.announced_at = time.monotonic()
        tell(
            host,
            evening,
            partial(
                Post,
                room=ROOM,
                text="最后一首歌，请大家一起唱！",
                announce=True,
                versions=(("en", "The last song: sing with us!"), ("es", "La última canción: ¡canten con nosotros!")),
                once="announcement",
            ),
        )

    acts.append((plan.talk_s * 0.5, announce))
    stop = asyncio.Event()
    moderating = tasks.create_task(moderate(moderator, evening, stop))
    started = time.monotonic()
    talking = tasks.create_task(at_times(acts, started))

    poll = await host.ask(
        partial(OpenPoll, room=ROOM, question="下一首唱什么？", options=("茉莉花", "Imagine"), once="poll")
    )
    poll_of = poll["position"][1]
    voting: list[tuple[float, Callable[[], None]]] = []
    chosen = Counter[int]()
    for guest in chance.sample(guests[ACTORS:], min(plan.poll_votes, len(guests) - ACTORS)):
        choice = int(chance.random() < 0.6)
        chosen[choice] += 1
        voting.append(
            (
                chance.uniform(0, plan.talk_s * 0.6),
                partial(tell, guest, evening, partial(VotePoll, room=ROOM, of=poll_of, choices=(choice,), once="poll")),
            )
        )
    star = guests[0]
    opened = await star.ask(partial(OpenCeremony, room=ROOM, window_s=max(15, int(plan.talk_s)), once="naming"))
    naming_of = opened["position"][1]
    proposals: list[int] = []
    for at, name in enumerate(PROPOSALS):
        made = await guests[1 + at].ask(partial(ProposeName, room=ROOM, of=naming_of, text=name, once="name"))
        proposals.append(made["position"][1])
    for guest in chance.sample(guests[ACTORS:], min(plan.name_votes, len(guests) - ACTORS)):
        proposal = chance.choice(proposals)
        voting.append(
            (
                chance.uniform(0, plan.talk_s * 0.6),
                partial(
                    tell,
                    guest,
                    evening,
                    partial(VoteName, room=ROOM, of=naming_of, proposal=proposal, once="vote"),
                ),
            )
        )
    await at_times(voting, time.monotonic())
    await star.ask(partial(AcceptName, room=ROOM, of=naming_of, proposal=proposals[0], once="accept"))
    await talking
    stop.set()
    held = await moderating
    await asyncio.sleep(2.0)

    leaving = [guest for guest in guests if guest.number % 2]
    show(f"{len(leaving):,} lose their connection and come back within {plan.back_within_s:g} s")
    evening.storm_at = storm = time.monotonic()
    said_before = Counter(evening.told)
    for guest in leaving:
        guest.stayed = False
        guest.close()
    returning = [
        tasks.create_task(
            come_back(
                product.port, evening, guest, tokens[guest.number], storm + chance.uniform(0.5, plan.back_within_s)
            )
        )
        for guest in leaving
    ]
    staying = [guest for guest in guests if not guest.number % 2]
    after: list[tuple[float, Callable[[], None]]] = []
    now_s = 0.0
    posted_after = 0
    while now_s < plan.after_s:
        now_s += chance.expovariate(plan.posts_per_s * 0.4)
        guest = chance.choice(staying)
        line = chance.choice(LINES[guest.languages[0]])
        after.append((now_s, partial(post, guest, line, f"q{posted_after}")))
        posted_after += 1
    await at_times(after, storm)
    async with asyncio.timeout(120):
        returned = await asyncio.gather(*returning)
    back_s = time.monotonic() - storm
    closed = await host.ask(partial(ClosePoll, room=ROOM, of=poll_of, once="close"))
    await asyncio.sleep(3.0)
    show("the evening is over; counting")

    state = await asyncio.to_thread(_log_of, product, owner_token)
    return _judged(plan, evening, guests, returned, state, chosen, proposals[0]) | {
        "plan": {name: getattr(plan, name) for name in Plan.__dataclass_fields__},
        "walked_in": len(guests),
        "walked_in_s": round(walked_in_s, 1),
        "back_s": round(back_s, 1),
        "posts_in_talk": posted_in_talk,
        "posts_after": posted_after,
        "held": held,
        "answers": dict(evening.told),
        "answers_before_the_storm": dict(said_before),
        "refused": dict(evening.refused),
        "poll_closed_at": closed["position"][1],
        "processes": processes_of(product),
    }


def _log_of(product: Product, token: str) -> list[dict[str, Any]]:
    """Every entry of the room that the host may see, from its export."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.port}/api/v1/rooms/{ROOM}/export", headers={"authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [json.loads(line) for line in answer.read().splitlines() if line]


def processes_of(product: Product) -> dict[str, dict[str, float]]:
    """Processor seconds and memory of the server's processes."""
    tick = 100.0
    found: dict[str, dict[str, float]] = {}
    for role in ("gateway", "engine", "translator"):
        cpu = memory = 0.0
        for pid in product.pids(role):
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / tick
            memory += int(fields[21]) * resource.getpagesize()
        found[role] = {"cpu_s": round(cpu, 1), "resident_mib": round(memory / 2**20, 1)}
    return found


def _judged(
    plan: Plan,
    evening: Evening,
    guests: Sequence[Guest],
    returned: Sequence[Guest],
    log: Sequence[Mapping[str, Any]],
    chosen: Counter[int],
    accepted: int,
) -> dict[str, Any]:
    said = {row["seq"]: row["author"] for row in log if row["type"] == "message" and row["purpose"] == "message"}
    events = {row["seq"]: row["event"] for row in log if row["type"] == "other"}
    must = {row["seq"] for row in log if row["type"] == "message" and row["purpose"] == "announcement"}
    must |= {seq for seq, event in events.items() if event["type"] in MUST_ARRIVE}
    stayed = [guest for guest in guests if guest.stayed and not guest.gone.is_set()]
    closed_by_server = [guest for guest in guests if guest.stayed and guest.gone.is_set()]
    shown = {seq for seq in said if evening.readers[seq] > len(stayed) / 2}
    lost_must = doubled = unexplained = 0
    puzzles: list[dict[str, int]] = []
    for guest in stayed:
        first = guest.head.seq if guest.head else 0
        due = {seq for seq in must if seq > first}
        lost_must += len(due - set(guest.must))
        doubled += len(guest.must) - len(set(guest.must))
        expected = sum(seq > first for seq in said)
        counted_twice = sum(seq not in shown for seq in guest.own)  # one's own, shown to oneself and told as left out
        missing = expected - guest.shown - guest.left_out + counted_twice
        unexplained += abs(missing)
        if missing and len(puzzles) < 20:
            found = {"guest": guest.number, "said": expected, "shown": guest.shown, "left_out": guest.left_out}
            puzzles.append(found | {"own_left_out": counted_twice, "missing": missing})
    times, wrote = Counter(said[seq] for seq in shown), Counter(said.values())
    shares = [times[author] / count for author, count in wrote.items()]
    jain = sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares)) if any(shares) else 0.0
    quiet = [author for author, count in wrote.items() if count == 1]
    loud = [author for author, count in wrote.items() if count >= 5]
    results = [event for event in events.values() if event["type"] == "poll_closed"]
    counts = results[0]["counts"] if results else []
    names = [event for event in events.values() if event["type"] == "ceremony_closed"]
    p99 = evening.delivery.percentile_ms(99) or 0.0
    announced_p99 = evening.announced.percentile_ms(99) or float("inf")
    announced_share = evening.announced.total / max(1, len(guests))
    violations = [
        words
        for words, wrong in (
            (f"{lost_must} things that must arrive did not", lost_must),
            (f"{doubled} things came twice", doubled),
            (f"{unexplained} messages are neither shown nor told as left out", unexplained),
            (f"{sum(guest.disorder for guest in guests)} came out of order", sum(guest.disorder for guest in guests)),
            (f"{len(closed_by_server)} were closed by the server", len(closed_by_server)),
            (f"the poll says {counts}, the voters {dict(chosen)}", counts != [chosen[0], chosen[1]]),
            ("nobody got a name", not names or names[0].get("accepted") != accepted),
            (f"p99 of delivery is {p99:.0f} ms", p99 > P99_MS_MAX),
            (f"the announcement took {announced_p99:.0f} ms", announced_p99 > ANNOUNCED_S_MAX * 1000),
            (f"the announcement reached {announced_share:.1%}", announced_share < 0.99),
            (f"{len(guests) - len(returned)} of those who left", len(returned) != sum(g.number % 2 for g in guests)),
        )
        if wrong
    ]
    left_out = [guest.left_out / max(1, guest.left_out + guest.shown) for guest in stayed]
    return {
        "met": not violations,
        "violations": violations,
        "messages": len(said),
        "shown_to_a_reader": round(1 - sum(left_out) / max(1, len(left_out)), 3),
        "fairness": {
            "authors": len(wrote),
            "jain_index": round(jain, 3),
            "shown_of_those_who_spoke_once": round(sum(times[a] for a in quiet) / max(1, len(quiet)), 3),
            "shown_of_those_who_spoke_five_times_or_more": round(
                sum(times[a] / wrote[a] for a in loud) / max(1, len(loud)), 3
            ),
        },
        "delivery": evening.delivery.summary(),
        "announcement": {
            **evening.announced.summary(),
            "reached_share_in_their_language": round(announced_share, 4),
        },
        "poll": {"counts": counts, "expected": [chosen[0], chosen[1]]},
        "puzzles": puzzles,
        "stayed": len(stayed),
        "returned": len(returned),
        "seconds": [
            {"s": second, "p50_ms": found.percentile_ms(50), "p99_ms": found.percentile_ms(99), "count": found.total}
            for second, found in sorted(evening.seconds.items())
        ],
        "storm_at_s": round(evening.storm_at - evening.began, 1),
    }


def page(found: Mapping[str, Any]) -> str:
    """The result as HTML that opens anywhere."""
    seconds = found["seconds"]
    pictures = [
        chart(
            "Delivery latency, from the intended time of the message",
            "seconds",
            "ms",
            {name: [(one["s"], one[f"{name}_ms"] or 0.0) for one in seconds] for name in ("p99", "p50")},
        ),
        chart(
            "Deliveries", "seconds", "per second", {"deliveries": [(one["s"], float(one["count"])) for one in seconds]}
        ),
    ]
    verdict = "Everything that must arrive arrived." if found["met"] else "; ".join(found["violations"])
    rows = {name: found[name] for name in found if name not in ("seconds", "violations", "met", "plan")}
    figures = "".join(
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(json.dumps(value, ensure_ascii=False))}</td></tr>"
        for name, value in rows.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>An evening with thousands</title><style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:60rem;"
        "padding:0 1rem}svg{width:100%}th{text-align:left;font-weight:normal;padding-right:1rem;vertical-align:top}"
        f".v{{padding:.6rem 1rem;border-left:6px solid {'#588b3a' if found['met'] else '#c8553d'};background:#f6f6f4}}"
        f"</style><h1>{found['plan']['people']:,} people in one room</h1><p class=v>{escape(verdict)}</p>"
        f"{''.join(pictures)}<table>{figures}</table></html>\n"
    )


def _show(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.event", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast as a real evening")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 65_536), hard))
    plan = Plan(seed=asked.seed).scaled(asked.people, asked.speed)
    data_dir = Path(tempfile.mkdtemp(prefix="event-"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(
                evening_of(plan, data_dir, lambda words: print(f"  {words}", file=sys.stderr, flush=True))
            )
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
