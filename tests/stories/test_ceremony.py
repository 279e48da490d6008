"""Stories of a naming, in virtual time. What must hold after every one of them: the tally is what the votes in the log
say; a ceremony gives one name or none; nobody is named who did not agree, and by nobody's hand but their own."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

import pytest

from chat.adapters.memory import MemoryEngine
from chat.commands import (
    AcceptName,
    Consent,
    CreateRoom,
    EndCeremony,
    Join,
    Leave,
    OpenCeremony,
    ProposeName,
    ReportProposal,
    VoteName,
)
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import (
    NOBODY,
    CeremonyClosed,
    CeremonyConsented,
    CeremonyOpened,
    Event,
    Joined,
    NameProposed,
    NameVoted,
    ProposalHidden,
)
from chat.frames import EntryFrame, RoomFrame, TallyFrame
from chat.limits import CHOOSE_WITHIN_S, CONSENT_WITHIN_S
from chat.ports import Appended, Member, SetMember
from chat.room import Caller
from chat.service import Service
from chat.wire import decode_event
from gateway.ceremonies import LOOK_EVERY_S, TELL_EVERY_S
from tests.support.faults import Faults
from tests.support.virtual_time import now_ms, run
from tests.support.world import ROOM, Phone, World

HOST = Caller("host", "Host", may_create=True)
NAMES = ("白睿康", "李安然", "王思远", "陈知行", "林清扬", "周以宁")
Log = list[tuple[int, str, Event]]


def member(user: str) -> Caller:
    return Caller(user, user.title(), {ROOM: "member"})


def counted(log: Log, of: int, until: int) -> dict[int, int]:
    """The tally of ceremony `of` as the entries before seq `until` say, told by nothing but the log."""
    ballots: dict[str, int | None] = {}
    shown: dict[int, None] = {}
    for seq, _, event in log:
        if seq >= until:
            break
        match event:
            case NameProposed() if event.of == of:
                shown[seq] = None
            case ProposalHidden() if event.of == of:
                shown.pop(event.proposal, None)
            case NameVoted() if event.of == of:
                ballots[event.by] = event.proposal
            case _:
                pass
    return {seq: sum(choice == seq for choice in ballots.values()) for seq in shown}


def check(log: Log) -> None:
    """Everything that must hold of any log."""
    opened: dict[int, CeremonyOpened] = {}
    agreed: set[int] = set()
    closed: set[int] = set()
    for seq, audience, event in log:
        match event:
            case CeremonyOpened():
                opened[seq] = event
                if event.consented:
                    assert event.by == event.nominee, "only oneself can be named without being asked"
                    agreed.add(seq)
                of = None
            case CeremonyConsented():
                assert event.nominee == opened[event.of].nominee
                agreed.add(event.of)
                of = event.of
            case NameProposed() | NameVoted() | ProposalHidden():
                assert event.of in agreed, "nothing is proposed or voted before the nominee agreed"
                assert (audience == NOBODY) == isinstance(event, NameVoted)
                of = event.of
            case CeremonyClosed():
                of = event.of
                assert {each.proposal: each.votes for each in event.tally} == counted(log, of, seq)
                assert event.voters == sum(each.votes for each in event.tally)
                if event.outcome == "accepted":
                    assert event.of in agreed
                    assert event.by == event.nominee == opened[of].nominee
                    assert event.accepted in counted(log, of, seq), "what was accepted was proposed and not hidden"
                else:
                    assert not event.given
            case _:
                of = None
        assert of not in closed, "nothing happens to a ceremony after its end, and it ends once"
        if isinstance(event, CeremonyClosed):
            closed.add(event.of)


class Doubled:
    """Callers over two services and one log; every command may be lost on the way there or back, and is repeated."""

    def __init__(self, world: "Seeded") -> None:
        self.world = world

    async def ask(self, caller: Caller, make: Callable[[], Awaitable[Appended | None]]) -> Appended | None:
        """As a client does it: again under the same key, until answered; None where a rule said no."""
        while True:
            try:
                answer = await make()
            except Rejected as refused:
                assert refused.code is not ErrorCode.STALE
                return None
            except Unavailable:
                await asyncio.sleep(self.world.chance.uniform(0.01, 0.3))
                continue
            if self.world.chance.random() < 0.25:  # the answer was lost: asked again, it must be the same
                with suppress(Unavailable):
                    again = await make()
                    assert again is None or answer is None or again.position == answer.position
            return answer


class Seeded:
    """Two processes' services over one memory engine whose every call yields, in a random order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.engine = MemoryEngine(now_ms=now_ms, new_epoch=lambda: "0f")
        self._ids = 0
        when: Literal["before", "after"] = self.chance.choice(("before", "after"))
        wrap = Faults(self.chance.randint(30, 300), when).wrap
        engine = self.engine
        self.services = [
            Service(wrap(engine.log), engine.presence, engine.jobs, engine.invites, now_ms=now_ms, new_id=self._new_id)
            for _ in range(2)
        ]

    def _new_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    @property
    def service(self) -> Service:
        return self.chance.choice(self.services)

    async def log(self) -> Log:
        entries = await self.engine.log.read_after(ROOM, 0, 1_000_000)
        return [(entry.seq, entry.audience, decode_event(entry.body)) for entry in entries]


async def any_ceremony(seed: int) -> str:
    """A random ceremony from its beginning to some end; how it ended."""
    world = Seeded(seed)
    chance, asking = world.chance, Doubled(world)
    await world.services[0].create_room(HOST, CreateRoom(id=0, room=ROOM, title="Plaza", once="made"))
    users = [f"u{number}" for number in range(5)]
    for user in users:
        await world.engine.log.append(
            ROOM,
            Joined(user=user, name=user.title(), role="member"),
            once=f"join:{user}",
            change=SetMember(Member(user, user.title(), "member")),
        )
    nominee, opener = "u0", chance.choice(["u0", "u1"])
    once = iter(range(1_000))

    def do(who: str, kind: type, **fields: object) -> Coroutine[Any, Any, Appended | None]:
        command = kind(id=0, room=ROOM, once=f"k{next(once)}", **fields)
        caller = HOST if who == "host" else member(who)
        return asking.ask(caller, lambda: world.service.ceremony(caller, command))

    opened = await do(opener, OpenCeremony, user=nominee, window_s=20)
    assert opened is not None
    of = opened.position.seq
    proposals: list[int] = []

    async def propose(user: str) -> None:
        made = await do(user, ProposeName, of=of, text=chance.choice(NAMES))
        if made is not None:
            proposals.append(made.position.seq)

    async def one_act(user: str) -> None:
        await asyncio.sleep(chance.uniform(0, 26))
        choice = chance.choice(proposals) if proposals else of + 1
        match chance.choices(
            ["propose", "vote", "unvote", "report", "consent", "decline", "steal", "accept", "end", "leave"],
            [20, 40, 4, 6, 14, 1, 5, 6, 2, 1],
        )[0]:
            case "propose":
                await propose(user)
            case "vote":
                await do(user, VoteName, of=of, proposal=choice)
            case "unvote":
                await do(user, VoteName, of=of, proposal=None)
            case "report":
                await do(chance.choice([user, "host"]), ReportProposal, of=of, proposal=choice)
            case "consent":
                await do(user, Consent, of=of)
            case "decline":
                await do(nominee, Consent, of=of, agree=False)
            case "steal":  # somebody else accepts for them
                await do(chance.choice(users[1:]), AcceptName, of=of, proposal=choice)
            case "accept":
                await do(nominee, AcceptName, of=of, proposal=choice, also=chance.choice([None, *proposals]))
            case "end":
                await do(chance.choice([user, "host", nominee]), EndCeremony, of=of)
            case "leave":
                with suppress(Unavailable, Rejected):
                    await world.service.leave(member(nominee), Leave(id=0, room=ROOM))
                    await world.service.run_out(ROOM, of, left=True)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(do(nominee, Consent, of=of))
        for _ in range(24):
            tasks.create_task(one_act(chance.choice(users)))
    for ceremony in await world.engine.log.ceremonies(ROOM):
        told = {each.seq: each.votes for each in ceremony.proposals if not each.row.hidden}
        assert told == counted(await world.log(), of, 10**9), "the standing tally is the log's"
    await asyncio.sleep(CONSENT_WITHIN_S + CHOOSE_WITHIN_S + 60)
    for _ in range(2):
        ends = (service.run_out(ROOM, of) for service in world.services)
        await asyncio.gather(*ends, return_exceptions=True)
    log = await world.log()
    check(log)
    [closed] = [event for _, _, event in log if isinstance(event, CeremonyClosed)]
    names = (await world.engine.log.names(ROOM, nominee)).names
    assert names == closed.names
    assert bool(names) == (closed.outcome == "accepted")
    return closed.outcome


@pytest.mark.parametrize("block", range(4))
def test_a_thousand_ceremonies_keep_their_promises(block: int) -> None:
    """Of each block of 250 seeds: doubled commands, lost answers, thieves, moderators, late comers, in any order."""
    ends: dict[str, int] = {}
    for seed in range(250 * block, 250 * (block + 1)):
        try:
            outcome = run(any_ceremony(seed), until_s=10_000)
        except BaseException as failed:
            failed.add_note(f"seed {seed}")
            raise
        ends[outcome] = ends.get(outcome, 0) + 1
    assert set(ends) == {"accepted", "declined", "stopped", "expired", "left"}, f"some paths were never taken: {ends}"


# -- on phones, over gateways --------------------------------------------------------------------------------------


def tallies(phone: Phone) -> list[TallyFrame]:
    assert phone.socket is not None
    return [frame for frame in phone.socket.frames if isinstance(frame, TallyFrame)]


async def opened_by(world: World, who: str, **fields: object) -> int:
    command = OpenCeremony(id=0, room=ROOM, once=f"o-{who}", **fields)  # type: ignore[arg-type]  # of the command
    appended = await world.service().ceremony(member(who), command)
    assert appended is not None
    return appended.position.seq


async def proposed_by(world: World, who: str, of: int, text: str) -> int:
    command = ProposeName(id=0, room=ROOM, of=of, text=text, reason="因为好听", once=f"p-{who}-{text}")
    appended = await world.service().ceremony(member(who), command)
    assert appended is not None
    return appended.position.seq


def test_readers_of_every_gateway_see_the_tally_four_times_a_second_at_most_and_then_the_last() -> None:
    async def story() -> None:
        async with World(11, gateways=3) as world, asyncio.TaskGroup() as tasks:
            phones = [Phone(world, f"p{number}", "zh") for number in range(9)]
            for phone in phones:
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            of = await opened_by(world, "p0", window_s=60)
            one = await proposed_by(world, "p1", of, "白睿康")
            service = world.service()
            for number in range(300):
                caller = member(f"v{number}")
                await service.join(caller, Join(id=0, room=ROOM))
            began = asyncio.get_running_loop().time()
            for number in range(300):
                await service.ceremony(member(f"v{number}"), VoteName(id=0, room=ROOM, of=of, proposal=one, once="v"))
                await asyncio.sleep(0.01)
            await asyncio.sleep(1)
            took_s = asyncio.get_running_loop().time() - began
            for phone in phones:
                told = tallies(phone)
                assert 5 <= len(told) <= took_s / TELL_EVERY_S + 1
                assert [(each.proposal, each.votes) for each in told[-1].tally] == [(one, 300)]
                assert told[-1].voters == 300
                assert not any(isinstance(event, NameVoted) for _, event in phone.view), "votes are told to nobody"
                phone.leave()
            check(await world.log())

    run(story(), until_s=120)


def test_who_comes_back_finds_the_ceremony_and_their_own_vote() -> None:
    async def story() -> None:
        async with World(12) as world, asyncio.TaskGroup() as tasks:
            phone = Phone(world, "p", "en")
            tasks.create_task(phone.run())
            await phone.wait_until(lambda: phone.position)
            of = await opened_by(world, "p", window_s=600)
            one, two = await proposed_by(world, "p", of, "白睿康"), await proposed_by(world, "p", of, "李安然")
            await world.service().ceremony(member("p"), VoteName(id=0, room=ROOM, of=of, proposal=two, once="v"))
            phone.lose_socket()
            await phone.wait_until(lambda: len(phone.recoveries) == 2)
            assert phone.socket is not None
            [frame] = [frame for frame in phone.socket.frames if isinstance(frame, RoomFrame)]
            [view] = frame.ceremonies
            assert (view.of, view.mine, view.voters) == (of, two, 1)
            assert [(each.seq, each.votes) for each in view.proposals] == [(one, 0), (two, 1)]
            phone.leave()

    run(story(), until_s=60)


def test_what_nobody_ends_is_over_when_its_time_is_and_is_written_down_once() -> None:
    async def story() -> None:
        async with World(13, gateways=3) as world, asyncio.TaskGroup() as tasks:
            phones = [Phone(world, f"p{number}", "zh") for number in range(6)]
            for phone in phones:
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            asked = await opened_by(world, "p0", user="p1")
            mine = await opened_by(world, "p2", window_s=30)
            one = await proposed_by(world, "p3", mine, "白睿康")
            await asyncio.sleep(31)
            with pytest.raises(Rejected):
                await world.service().ceremony(
                    member("p3"), VoteName(id=0, room=ROOM, of=mine, proposal=one, once="late")
                )
            await asyncio.sleep(CONSENT_WITHIN_S)
            with pytest.raises(Rejected):
                await world.service().ceremony(member("p1"), Consent(id=0, room=ROOM, of=asked, once="late"))
            await asyncio.sleep(CHOOSE_WITHIN_S + 5)
            log = await world.log()
            ends = [(event.of, event.outcome) for _, _, event in log if isinstance(event, CeremonyClosed)]
            assert ends == [(asked, "expired"), (mine, "expired")]
            check(log)
            for phone in phones:
                phone.leave()

    run(story(), until_s=CHOOSE_WITHIN_S + 2 * CONSENT_WITHIN_S)


def test_a_nominee_who_leaves_ends_the_ceremony() -> None:
    async def story() -> None:
        async with World(14, gateways=2) as world, asyncio.TaskGroup() as tasks:
            phone, other = Phone(world, "p", "zh"), Phone(world, "q", "zh")
            for each in (phone, other):
                tasks.create_task(each.run())
                await each.wait_until(lambda e=each: e.position)
            of = await opened_by(world, "p", window_s=600)
            await world.service().leave(member("p"), Leave(id=0, room=ROOM))
            await asyncio.sleep(3 * LOOK_EVERY_S)
            [end] = [event for _, _, event in await world.log() if isinstance(event, CeremonyClosed)]
            assert (end.of, end.outcome) == (of, "left")
            assert any(isinstance(event, CeremonyClosed) for _, event in other.view)
            phone.leave()
            other.leave()

    run(story(), until_s=60)


def test_a_reason_is_translated_for_who_does_not_read_it() -> None:
    async def story() -> None:
        async with World(15) as world, asyncio.TaskGroup() as tasks:
            phone, other = Phone(world, "p", "en"), Phone(world, "q", "zh")
            for each in (phone, other):
                tasks.create_task(each.run())
                await each.wait_until(lambda e=each: e.position)
            of = await opened_by(world, "p", window_s=60)
            one = await proposed_by(world, "q", of, "白睿康")

            def translated() -> bool:
                assert phone.socket is not None
                entries = [frame.event for frame in phone.socket.frames if isinstance(frame, EntryFrame)]
                return any(getattr(event, "of", 0) == one and hasattr(event, "engine") for event in entries)

            await phone.wait_until(translated)
            phone.leave()
            other.leave()

    run(story(), until_s=60)


def test_a_ceremony_that_ended_while_somebody_came_in_is_not_watched_for_ever() -> None:
    """Their standing still showed it, and the entry of its end had passed: the engine was asked about it every second
    from its last hour on, for as long as the room was open."""

    async def story() -> None:
        async with World(15, gateways=1) as world, asyncio.TaskGroup() as tasks:
            phone = Phone(world, "p", "zh")
            tasks.create_task(phone.run())
            await phone.wait_until(lambda: phone.position)
            of = await opened_by(world, "p", window_s=30)
            seen = await world.service().standing(member("p"), ROOM)
            assert [view.of for view in seen.ceremonies] == [of]
            await world.service().ceremony(member("p"), EndCeremony(id=0, room=ROOM, of=of, once="end"))
            await asyncio.sleep(1)
            gateway = world.stations[0].gateway
            gateway.ceremonies.watch(ROOM, seen.ceremonies)
            assert gateway.statistics()["ceremonies"] == 1
            await asyncio.sleep(30 + CHOOSE_WITHIN_S + 3 * LOOK_EVERY_S)
            assert gateway.statistics()["ceremonies"] == 0
            phone.leave()

    run(story(), until_s=2 * CHOOSE_WITHIN_S)
