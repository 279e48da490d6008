"""Hosted rooms that this gateway holds: who hears what, tallies for its readers, and what happens when its time comes.

As with ceremonies, votes are entries that nobody receives: the relay says here that a poll has moved, and at most four
times a second its counts are read from the engine and whispered. No timer is the truth: a poll is over, a held message
goes through, a programme begins when the log's clock says so; to write it down falls to whichever gateways have the
room open, and once-keys make it one entry.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from chat.conduct import Conduct, Standing, conduct_of
from chat.errors import CommandFailed
from chat.events import Entry, RoleChanged
from chat.frames import Frame
from chat.live_events import (
    MODERATORS,
    ConductChanged,
    HeldBack,
    HeldDecided,
    PollClosed,
    PollOpened,
    PollVoted,
    ProgrammeChanged,
    QuestionSettled,
    QuestionVoted,
    Sanctioned,
    own_audience,
)
from chat.live_frames import DecidedFrame, PollTallyFrame, QuestionTallyFrame
from chat.room import MODERATORS as MODERATING
from chat.wire import encode_frame
from gateway.clock import Clock
from gateway.hub import Hub

TELL_EVERY_S: Final = 0.25
LOOK_EVERY_S: Final = 1.0
CALM_AFTER_S: Final = 10.0
"""A surge is over when for so long less than half of its rate was said."""
LATE_MS: Final = 200
"""Clocks of gateways and of the log differ: whoever is a little early asks again."""
ENDING: Final = ("kick", "ban")
SECRET: Final = ("shadow", "unshadow")
"""Who is told that nobody hears them comes back under another name."""

OfLive = (
    ConductChanged
    | Sanctioned
    | HeldBack
    | HeldDecided
    | PollOpened
    | PollVoted
    | PollClosed
    | ProgrammeChanged
    | QuestionVoted
    | QuestionSettled
    | RoleChanged
)


class Hosting(Protocol):
    """What is asked of the service here."""

    async def dues(self, room: str) -> Iterable[int]:
        """When something may have to be written down (log's clock, ms): held messages, polls, the programme."""
        ...

    async def due(self, room: str, now_ms: int) -> None:
        """Write down whatever is due. May be called by anybody, any number of times."""
        ...

    async def hosts(self, room: str) -> frozenset[str]:
        """User ids of moderators and owners."""
        ...

    async def surge(self, room: str, *, on: bool) -> object:
        """The room becomes slow by itself, or no longer is; by anybody, any number of times."""
        ...

    async def poll_tally(self, room: str, of: int) -> PollTallyFrame | None: ...

    async def question_votes(self, room: str) -> QuestionTallyFrame | None: ...


@dataclass(slots=True)
class _Watched:
    """A hosted room, as far as this gateway knows."""

    conduct: Conduct
    dues_ms: set[int] = field(default_factory=set)
    """When something may have to be written down, on the log's clock."""
    looked_up: bool = False
    """Whether the engine was asked for what is due, and who the hosts are."""
    moved: set[int] = field(default_factory=set)
    """Polls whose votes changed; 0 stands for all questions."""
    told_s: float = float("-inf")
    posts: int = 0
    """Seen up to the last look."""
    calm_s: float = 0.0
    """How long the rate has been low."""
    decided_seq: int = 0
    """The newest entry that says who hears what, as far as delivered here; what came before this room was watched may
    have said so."""


class Live:
    """One per gateway."""

    def __init__(
        self,
        hub: Hub,
        service: Hosting,
        clock: Clock,
        *,
        tell: Callable[[str, str, Frame], None],
        expel: Callable[[str, str], None],
    ) -> None:
        """`tell(room, user, frame)` says something to all connections of one member here; `expel` ends their stay."""
        self._hub = hub
        self._service = service
        self._clock = clock
        self._tell_one = tell
        self._expel = expel
        self._watched: dict[str, _Watched] = {}
        self._stirred = asyncio.Event()
        self.told = 0

    def watch(self, room: str, row: bytes | None, seq: int) -> None:
        """Somebody is here shown a room with this conduct row: see to it that it is held to it. `seq`: up to where the
        room was delivered here."""
        conduct = conduct_of(row)
        if room in self._watched:
            self._watched[room].conduct = conduct
        else:
            self._watched[room] = _Watched(conduct, decided_seq=seq)
        self._configure(room, conduct)

    def happened(self, entry: Entry, event: OfLive) -> None:
        """An entry of a followed room, in order; sync, as all of delivery."""
        room = entry.room
        watched = self._watched.get(room)
        if watched is None:
            watched = self._watched[room] = _Watched(conduct_of(None), decided_seq=entry.seq)
        match event:
            case ConductChanged():
                watched.conduct, watched.looked_up = event.conduct, False
                self._configure(room, event.conduct)
            case Sanctioned():
                watched.decided_seq = entry.seq
                self._decided(room, event)
            case RoleChanged():
                watched.decided_seq = entry.seq
                self._set_apart(room, event.user, moderator=event.role in MODERATING)
            case HeldBack():
                if event.due_ms:
                    watched.dues_ms.add(event.due_ms)
                held = DecidedFrame(room=room, what="held", of=entry.seq, until_ms=event.due_ms, why=event.why)
                self._tell_one(room, event.author, held)
            case HeldDecided():
                what = "approved" if event.approved else "refused"
                self._tell_one(room, event.author, DecidedFrame(room=room, what=what, of=event.of, why=event.why))
            case PollOpened():
                if event.closes_ms:
                    watched.dues_ms.add(event.closes_ms)
            case PollVoted():
                self._moved(watched, event.of)
            case PollClosed():
                watched.moved.discard(event.of)
            case QuestionVoted() | QuestionSettled():
                self._moved(watched, 0)
            case ProgrammeChanged():
                watched.dues_ms.update(at for at in (event.programme.starts_ms, event.programme.ends_ms) if at)

    def left(self, entry: Entry) -> None:
        """Somebody is no member any more, who may just be coming in."""
        watched = self._watched.get(entry.room)
        if watched is not None:
            watched.decided_seq = entry.seq

    def decided_seq(self, room: str) -> int:
        """The newest decision about somebody here that was delivered; 0: none that we know of."""
        watched = self._watched.get(room)
        return watched.decided_seq if watched is not None else 0

    async def run(self) -> None:
        """Tell tallies and write down what is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._look())

    def _configure(self, room: str, conduct: Conduct) -> None:
        here = self._hub.rooms.get(room)
        if here is not None:
            here.conduct(room, conduct)

    def _decided(self, room: str, event: Sanctioned) -> None:
        if event.action not in SECRET:
            until_ms = event.standing.until_ms
            decided = DecidedFrame(room=room, what=event.action, of=event.of, until_ms=until_ms, why=event.why)
            self._tell_one(room, event.user, decided)
        if event.action in ENDING:
            self._expel(room, event.user)
        else:
            self._set_apart(room, event.user, standing=event.standing)

    def _set_apart(
        self, room: str, user: str, *, moderator: bool | None = None, standing: Standing | None = None
    ) -> None:
        """What is not given stays."""
        here = self._hub.rooms.get(room)
        if here is None:
            return
        for outbox in here.of_user(user):
            apart = here.seats[outbox].apart
            hosts = MODERATORS in apart if moderator is None else moderator
            alone = own_audience(user) in apart if standing is None else standing.shadowed
            here.set_apart(outbox, (MODERATORS,) * hosts + (own_audience(user),) * alone)
        if here.crowd is not None and moderator is not None:
            hosts_now = here.crowd.sample.hosts
            here.crowd.sample.hosts = hosts_now | {user} if moderator else hosts_now - {user}

    def _moved(self, watched: _Watched, of: int) -> None:
        watched.moved.add(of)
        self._stirred.set()

    async def _tell(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            now_s = self._clock.now_s()
            waits_s: list[float] = []
            for room, watched in tuple(self._watched.items()):
                if not watched.moved:
                    continue
                due_s = watched.told_s + TELL_EVERY_S
                if due_s > now_s:
                    waits_s.append(due_s - now_s)
                    continue
                watched.told_s = now_s
                moved, watched.moved = watched.moved, set()
                for of in moved:
                    if not await self._told(room, of):
                        watched.moved.add(of)
                        waits_s.append(TELL_EVERY_S)
            if waits_s:
                await asyncio.sleep(min(waits_s))
                self._stirred.set()

    async def _told(self, room: str, of: int) -> bool:
        """False where the engine is away."""
        here = self._hub.rooms.get(room)
        if here is None:
            return True
        try:
            frame = await (self._service.poll_tally(room, of) if of else self._service.question_votes(room))
        except CommandFailed:
            return False
        if frame is not None:
            here.whisper(lambda codec: encode_frame(frame, codec))
            self.told += 1
        return True

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_ms = self._clock.now_ms()
            for room, watched in tuple(self._watched.items()):
                if room not in self._hub.rooms:
                    self._watched.pop(room, None)
                    continue
                if not watched.looked_up:
                    watched.looked_up = True  # before asking: a change that comes meanwhile asks again
                    if not await self._look_up(room, watched):
                        watched.looked_up = False
                await self._surge(room, watched)
                due = {at for at in watched.dues_ms if at + LATE_MS <= now_ms}
                if due and await self._written(room, now_ms):
                    watched.dues_ms -= due

    async def _surge(self, room: str, watched: _Watched) -> None:
        """Switch slowness on by the measured rate, and off after a while of calm."""
        here, limit = self._hub.rooms.get(room), watched.conduct.surge_per_s
        if here is None or here.crowd is None or not limit:
            return
        crowd = here.crowd
        rate, watched.posts = (crowd.posts - watched.posts) / LOOK_EVERY_S, crowd.posts
        watched.calm_s = watched.calm_s + LOOK_EVERY_S if rate < limit / 2 else 0.0
        surging = watched.conduct.surging
        if (not surging and rate > limit) or (surging and watched.calm_s >= CALM_AFTER_S):
            with contextlib.suppress(CommandFailed):
                await self._service.surge(room, on=not surging)

    async def _look_up(self, room: str, watched: _Watched) -> bool:
        try:
            watched.dues_ms.update(await self._service.dues(room))
            here = self._hub.rooms.get(room)
            if here is None or here.crowd is None:
                return True
            sample = here.crowd.sample
            known, hosts = sample.hosts, await self._service.hosts(room)
        except CommandFailed:
            return False
        if sample.hosts is not known:  # somebody was given a role meanwhile, and the answer may be from before
            return False
        sample.hosts = hosts
        return True

    async def _written(self, room: str, now_ms: int) -> bool:
        try:
            await self._service.due(room, now_ms)
        except CommandFailed:
            return False
        return True

    def statistics(self) -> dict[str, float]:
        crowds = [here.crowd for here in self._hub.rooms.values() if here.crowd is not None]
        return {
            "live_rooms": len(crowds),
            "polls_told_total": self.told,
            "messages_left_out": sum(crowd.sample.left for crowd in crowds),
        }
