"""The evening from the first guest to the last count: what is planned happens at its time, whatever is late."""

import asyncio
import contextlib
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from chat.commands import AcceptName, OpenCeremony, Post, ProposeName, VoteName
from chat.live_commands import VotePoll
from loadtest.event.host import Host, invitation, log_of, moderate, moderator_of
from loadtest.event.people import ROOM, Guest, at_times, come_back, tell, walk_in
from loadtest.event.plan import PROPOSALS, Line, Plan
from loadtest.event.seat import MARK, Evening
from loadtest.event.verdict import Outcome, judged
from loadtest.product import Product, running
from loadtest.raw import Making

WINDOW_S_MIN: Final = 15
"""The shortest naming there is."""
QUEUE_DONE_WITHIN_S: Final = 120.0
BACK_WITHIN_S: Final = 120.0
CALM_S: Final = 2.0
"""What was sent has then been answered and delivered, or is lost."""
LAST_S: Final = 3.0
CLOCK_TICKS_PER_S: Final = 100.0

Show = Callable[[str], None]


async def evening_of(plan: Plan, data_dir: Path, show: Show) -> dict[str, Any]:
    """Verdict and figures of an evening with a server of its own."""
    async with running(data_dir, workers=1, translators=1) as product, asyncio.TaskGroup() as tasks:
        outcome, figures = await _Course(plan, product, show, tasks).run()
        return judged(outcome) | figures  # before the server stops, and closes whom it must not have closed until now


class _Course:
    def __init__(self, plan: Plan, product: Product, show: Show, tasks: asyncio.TaskGroup) -> None:
        self._plan = plan
        self._product = product
        self._show = show
        self._tasks = tasks
        self._evening = Evening()
        self._guests: dict[int, Guest] = {}
        self._tokens: list[str] = []

    async def run(self) -> tuple[Outcome, dict[str, Any]]:
        """(what is judged, what is told besides)."""
        plan, evening, show = self._plan, self._evening, self._show
        host = await Host.open(self._product)
        code = await invitation(self._product, host.token)
        moderator = await moderator_of(self._product)
        self._tokens = [self._product.token(f"u{number}", name=f"Guest {number}") for number in range(plan.people)]

        show(f"{plan.people:,} people walk in within {plan.walk_in_s:g} s")
        await self._walk_in(code)
        walked_in_s = time.monotonic() - evening.began
        show(f"{len(self._guests):,} are in after {walked_in_s:.1f} s; they talk")

        stop, held = asyncio.Event(), Counter[str]()
        moderating = self._tasks.create_task(moderate(moderator, evening, stop, held))
        acts: list[tuple[float, Callable[[float], None]]] = [*self._lines(plan.talk())]
        acts.append((plan.announced_at_s, partial(host.announce, evening)))
        talking = self._tasks.create_task(at_times(acts, time.monotonic()))
        poll_of = await host.open_poll()
        chosen, accepted = await self._vote(poll_of)
        await talking
        await asyncio.sleep(CALM_S)
        stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(moderating, QUEUE_DONE_WITHIN_S)

        leaving = [guest for guest in self._guests.values() if plan.leaves(guest.seat.number)]
        show(f"{len(leaving):,} lose their connection and come back within {plan.back_within_s:g} s")
        said_before = dict(evening.told)
        returned = await self._storm(leaving)
        await host.close_poll(poll_of)
        await asyncio.sleep(LAST_S)
        show("the evening is over; counting")

        outcome = Outcome(
            plan=plan,
            evening=evening,
            seats=[guest.seat for guest in self._guests.values()],
            returned=[guest.seat for guest in returned],
            log=await log_of(self._product, host.token),
            chosen=chosen,
            accepted=accepted,
            decided=held["approved"] + held["refused"],
            approved=held["approved"],
        )
        return outcome, {
            "walked_in_s": round(walked_in_s, 1),
            "back_s": round(evening.back_at - evening.storm_at, 1),
            "held": dict(held),
            "answers": dict(evening.told),
            "answers_before_the_storm": said_before,
            "refused": dict(evening.refused),
            "processes": processes_of(self._product),
        }

    async def _walk_in(self, code: str) -> None:
        plan, evening = self._plan, self._evening
        evening.began = began = time.monotonic()
        came = await asyncio.gather(
            *(
                walk_in(self._product.port, evening, number, token, code, began + plan.walks_in_at(number))
                for number, token in enumerate(self._tokens)
            ),
            return_exceptions=True,
        )
        for number, guest in enumerate(came):
            if isinstance(guest, Guest):
                self._guests[number] = guest
            elif isinstance(guest, OSError | TimeoutError):
                evening.refused[f"walking in: {type(guest).__name__}"] += 1
            else:
                raise guest

    def _lines(self, lines: Sequence[Line]) -> list[tuple[float, Callable[[float], None]]]:
        return [(line.at_s, partial(self._say, line)) for line in lines if line.guest in self._guests]

    def _say(self, line: Line, due: float) -> None:
        text = line.text if line.held else f"{line.text}{MARK}{due:.4f}"
        what = "held line" if line.held else "line"
        tell(self._guests[line.guest], self._evening, what, partial(Post, room=ROOM, text=text, once=line.once))

    async def _vote(self, poll_of: int) -> tuple[Counter[int], int]:
        """Everybody's vote in the poll, and the seq of the name that was accepted."""
        plan, star = self._plan, self._guests[0]
        opened = await star.ask(
            partial(OpenCeremony, room=ROOM, window_s=max(WINDOW_S_MIN, int(plan.talk_s)), once="naming")
        )
        of = opened["position"][1]
        proposals: list[int] = []
        for proposer, name in enumerate(PROPOSALS, 1):
            made = await self._guests[proposer].ask(partial(ProposeName, room=ROOM, of=of, text=name, once="name"))
            proposals.append(made["position"][1])
        acts: list[tuple[float, Callable[[float], None]]] = []
        chosen = Counter[int]()
        for vote in plan.poll():
            if (guest := self._guests.get(vote.guest)) is not None:
                chosen[vote.choice] += 1
                make: Making = partial(VotePoll, room=ROOM, of=poll_of, choices=(vote.choice,), once="poll")
                acts.append((vote.at_s, partial(self._cast, guest, make)))
        for vote in plan.naming():
            if (guest := self._guests.get(vote.guest)) is not None:
                make = partial(VoteName, room=ROOM, of=of, proposal=proposals[vote.choice], once="vote")
                acts.append((vote.at_s, partial(self._cast, guest, make)))
        await at_times(acts, time.monotonic())
        await star.ask(partial(AcceptName, room=ROOM, of=of, proposal=proposals[0], once="accept"))
        return chosen, proposals[0]

    def _cast(self, guest: Guest, make: Making, _: float) -> None:
        tell(guest, self._evening, "vote", make)

    async def _storm(self, leaving: Sequence[Guest]) -> list[Guest]:
        """Those who are back, of `leaving`, while the others go on talking."""
        plan, evening = self._plan, self._evening
        evening.storm_at = evening.back_at = storm = time.monotonic()
        for guest in leaving:
            guest.lose_connection()
        back = plan.back()
        returning = [
            self._tasks.create_task(
                come_back(self._product.port, evening, guest.seat, self._tokens[number], storm + back[number])
            )
            for guest in leaving
            if (number := guest.seat.number) in back
        ]
        await at_times(self._lines(plan.after()), storm)
        done, late = await asyncio.wait(returning, timeout=BACK_WITHIN_S) if returning else (set(), set())
        for task in late:
            task.cancel()
        return [task.result() for task in done]


def processes_of(product: Product) -> dict[str, dict[str, float]]:
    """Processor seconds and memory of the server's processes."""
    found: dict[str, dict[str, float]] = {}
    for role in ("gateway", "engine", "translator"):
        cpu_s = memory = 0.0
        for pid in product.pids(role):
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
            cpu_s += (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S
            memory += int(fields[21]) * resource.getpagesize()
        found[role] = {"cpu_s": round(cpu_s, 1), "resident_mib": round(memory / 2**20, 1)}
    return found
