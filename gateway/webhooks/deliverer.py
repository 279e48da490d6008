"""Tells endpoints what happened: from a cursor on each room's log, at least once, in order in each room.

Invariants: a cursor passes an entry only when its delivery was answered 2xx or given up as a dead letter, so whoever is
killed delivers again and nothing is missing; a repeat has the same id. What waits for its next try is a stored row, not
a task: a restart forgets neither how often it was tried nor when it is due. Each endpoint has places of its own, so a
slow one delays nobody else. Of several deliverers one holds the lease; a lease that was lost costs a repeat at most.

Heads of logs are looked at every `LOOK_S`, not followed as gateways follow them: this needs every room, and no room
needs it within milliseconds. While there is no endpoint, one command every `IDLE_S` is all.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from chat.errors import Unavailable
from chat.events import Entry
from chat.hooks import Cursor, DeadLetter, Endpoint, Kind, Told, body_of, delivery_id, signed_headers, told
from chat.ids import Position
from chat.ports import WEBHOOKS, Answer, Hooks, Poster, Presence, RoomLog, Roster, Unanswered

RETRIES_S: Final = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0)
"""Pauses before each next try: nine tries within eight hours. The specification's example goes on for three days; here
the entries behind it in its room wait as long."""
JITTER: Final = 0.2
"""Each pause is longer or shorter by up to this share, so that what failed together does not come back together."""
RETRY_AFTER_S_MAX: Final = 3_600.0
WITHIN_S: Final = 15.0
"""For one try, everything included."""
LOOK_S: Final = 0.5
IDLE_S: Final = 2.0
AWAY_S: Final = 5.0
LEASE_MS: Final = 5_000
"""So long nothing is delivered when who delivers was killed. It is prolonged with every look."""
ROOMS_AT_ONCE: Final = 8
"""Rooms of which one endpoint is told at the same time, one request each."""
PAGE_ENTRIES: Final = 200
REPORT_S: Final = 5.0
REPORT_LASTS_MS: Final = 20_000
GONE: Final = 410

log = structlog.get_logger("webhooks")


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended. `answer` None: there was none."""

    delivered: bool
    why: str
    answer: Answer | None


async def attempt(
    poster: Poster, endpoint: Endpoint, delivery: str, body: bytes, *, now_ms: int, within_s: float = WITHIN_S
) -> Attempt:
    """One signed request."""
    try:
        headers = signed_headers(endpoint.secret, delivery, now_ms, body)
        answer = await poster.post(endpoint.url, headers, body, within_s=within_s)
    except Unanswered as nobody:
        return Attempt(False, str(nobody), None)
    return Attempt(200 <= answer.status < 300, f"answered {answer.status}", answer)


@dataclass(slots=True)
class _Told:
    """One endpoint, as this process knows it."""

    endpoint: Endpoint
    cursors: dict[str, Cursor]
    walks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    """One for each room of which it is being told."""

    def ahead(self, heads: Mapping[str, Position], now_ms: int) -> list[tuple[str, Cursor, int]]:
        """Rooms of which it was not told everything, and whose next try is due: from where, and up to which seq."""
        found = []
        for room, head in heads.items():
            if room in self.walks or not self.endpoint.hears(room):
                continue
            cursor = self.cursors.get(room) or Cursor(head.epoch, 0)
            if cursor.epoch != head.epoch:  # another life of the room, from a backup: positions stay
                cursor = Cursor(head.epoch, min(cursor.seq, head.seq), cursor.phase)
            if cursor.seq < head.seq and cursor.due_ms <= now_ms:
                found.append((room, cursor, head.seq))
        return found


class Deliverer:
    """One for a process; `run` it."""

    def __init__(
        self,
        hooks: Hooks,
        rooms: RoomLog,
        presence: Presence,
        poster: Poster,
        *,
        name: str,
        now_ms: Callable[[], int],
        chance: Callable[[], float] = random.random,
        retries_s: tuple[float, ...] = RETRIES_S,
        within_s: float = WITHIN_S,
        look_s: float = LOOK_S,
        idle_s: float = IDLE_S,
    ) -> None:
        """`name`: of this process, no other has it. `chance`: from 0 to 1."""
        self._hooks = hooks
        self._rooms = rooms
        self._presence = presence
        self._poster = poster
        self._name = name
        self._now_ms = now_ms
        self._chance = chance
        self._retries_s = retries_s
        self._within_s = within_s
        self._look_s = look_s
        self._idle_s = idle_s
        self._told: dict[str, _Told] = {}
        self._counts = {"delivered_total": 0, "failed_total": 0, "dead_total": 0}

    async def run(self, stopping: asyncio.Event) -> None:
        """Returns soon after `stopping` is set; what is under way then is told again by whoever comes next."""
        loop = asyncio.get_running_loop()
        report_at_s, said = loop.time(), False
        log.info("ready")
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                try:
                    pause_s = await self._look(tasks)
                    if loop.time() >= report_at_s:
                        await self._report()
                        report_at_s = loop.time() + REPORT_S
                    said = False
                except Unavailable as away:
                    self._let_go()
                    pause_s = AWAY_S
                    if not said:
                        log.warning("waiting", why=away.words)
                        said = True
                try:
                    async with asyncio.timeout(pause_s):
                        await stopping.wait()
                except TimeoutError:
                    pass
            self._let_go()
        try:
            await self._hooks.release(self._name)
        except Unavailable as away:
            log.warning("the lease ends by itself", why=away.words)

    def statistics(self) -> dict[str, int]:
        waiting = sum(1 for each in self._told.values() for cursor in each.cursors.values() if cursor.tries)
        return {**self._counts, "endpoints": len(self._told), "rooms_waiting": waiting}

    async def _look(self, tasks: asyncio.TaskGroup) -> float:
        """Start what there is to tell; the pause until the next look. Raises Unavailable."""
        found = {endpoint.id: endpoint for endpoint in await self._hooks.endpoints() if not endpoint.off}
        if not found:
            self._let_go()
            return self._idle_s
        if not await self._hooks.lease(self._name, LEASE_MS):
            self._let_go()
            return self._idle_s
        for hook in self._told.keys() - found.keys():
            self._forget(hook)
        heads = await self._hooks.heads()
        now_ms = self._now_ms()
        for hook, endpoint in found.items():
            if hook not in self._told:
                self._told[hook] = _Told(endpoint, dict(await self._hooks.cursors(hook)))
            each = self._told[hook]
            free = ROOMS_AT_ONCE - len(each.walks)
            ahead = each.ahead(heads, now_ms)
            for room, cursor, upto in random.sample(ahead, min(free, len(ahead))):
                each.walks[room] = tasks.create_task(self._walk(each, room, cursor, upto), name=f"{hook} {room}")
        return self._look_s

    async def _walk(self, each: _Told, room: str, cursor: Cursor, upto: int) -> None:
        """Tell one endpoint of one room, until its log ends here, a delivery has to wait, or the endpoint is off."""
        try:
            while cursor.seq < upto:
                page = await self._rooms.read_after(room, cursor.seq, PAGE_ENTRIES)
                if not page:  # what was there was removed because of its age
                    cursor = Cursor(cursor.epoch, upto, cursor.phase)
                saved = cursor
                for entry in page:
                    if entry.epoch != cursor.epoch:
                        return
                    tale = told(entry, cursor.phase)
                    if tale.kind is None or tale.kind not in each.endpoint.events:
                        cursor = Cursor(cursor.epoch, entry.seq, tale.phase, cursor.tries, cursor.due_ms)
                        continue
                    passed = await self._deliver(each, room, cursor, entry, tale, tale.kind)
                    if passed is None:
                        return
                    cursor = saved = passed
                if cursor != saved or not page:
                    await self._advance(each, room, cursor)
        except Unavailable as away:  # the next look begins where the cursor is
            log.info("a room waits", room=room, hook=each.endpoint.id, why=away.words)
        finally:
            each.walks.pop(room, None)

    async def _deliver(
        self, each: _Told, room: str, before: Cursor, entry: Entry, tale: Told, kind: Kind
    ) -> Cursor | None:
        """The cursor behind the entry; None where it is to be tried again later, or never because nobody wants it."""
        endpoint, delivery = each.endpoint, delivery_id(each.endpoint.id, entry)
        body = body_of(kind, entry, tale.event)
        tried = await attempt(self._poster, endpoint, delivery, body, now_ms=self._now_ms(), within_s=self._within_s)
        behind = Cursor(entry.epoch, entry.seq, tale.phase)
        if tried.delivered:
            self._counts["delivered_total"] += 1
            await self._advance(each, room, behind)
            return behind
        self._counts["failed_total"] += 1
        if tried.answer is not None and tried.answer.status == GONE:
            log.warning("an endpoint is gone", hook=endpoint.id)
            await self._hooks.switch(endpoint.id, tried.why)
            return None
        tries = before.tries + 1
        if tries <= len(self._retries_s):
            due_ms = self._now_ms() + round(self._pause_s(tries, tried.answer) * 1_000)
            await self._advance(each, room, Cursor(entry.epoch, entry.seq - 1, before.phase, tries, due_ms))
            return None
        self._counts["dead_total"] += 1
        log.warning("a delivery was given up", hook=endpoint.id, delivery=delivery, tries=tries, why=tried.why)
        letter = DeadLetter(
            id=delivery,
            type=kind,
            room=room,
            epoch=entry.epoch,
            seq=entry.seq,
            phase=before.phase,
            at_ms=entry.at_ms,
            died_ms=self._now_ms(),
            tries=tries,
            why=tried.why,
        )
        await self._advance(each, room, behind, letter)
        return behind

    def _pause_s(self, tries: int, answer: Answer | None) -> float:
        """Before the next try: by the schedule, or as long as the receiver asks for."""
        pause_s = self._retries_s[tries - 1] * (1 + JITTER * (2 * self._chance() - 1))
        asked_s = answer.retry_after_s if answer is not None and answer.retry_after_s is not None else 0.0
        return max(pause_s, min(asked_s, RETRY_AFTER_S_MAX))

    async def _advance(self, each: _Told, room: str, cursor: Cursor, letter: DeadLetter | None = None) -> None:
        await self._hooks.advance(each.endpoint.id, room, cursor, letter)
        each.cursors[room] = cursor

    async def _report(self) -> None:
        figures: dict[tuple[str, ...], int] = {(name,): count for name, count in self.statistics().items()}
        await self._presence.report(WEBHOOKS, self._name, Roster(total=1, readers=figures), REPORT_LASTS_MS)

    def _let_go(self) -> None:
        for hook in list(self._told):
            self._forget(hook)

    def _forget(self, hook: str) -> None:
        """What is known of an endpoint is read again when it comes back."""
        for walk in self._told.pop(hook).walks.values():
            walk.cancel()
