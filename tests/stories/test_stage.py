"""Stories of a stage, in virtual time. What must hold after every one of them: a result is what the votes in the log
say; a poll has one end, and no vote comes after it; the answer of a quiz is in nothing that leaves before that."""

import asyncio
import random
from collections.abc import Awaitable
from contextlib import suppress
from typing import Literal, TypeVar

import msgspec
import pytest

from chat.commands import CreateRoom
from chat.conduct import Conduct, Standing, row_of
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import NOBODY, Joined
from chat.limits import POLLS_MAX, QUESTIONS_PER_MEMBER_MAX
from chat.live_commands import (
    Ask,
    ClosePoll,
    OpenPoll,
    SetProgramme,
    SettleQuestion,
    Stage,
    VotePoll,
    VoteQuestion,
)
from chat.live_events import (
    ConductChanged,
    PollClosed,
    PollOpened,
    PollVoted,
    Programme,
    ProgrammeChanged,
    QuestionAsked,
    QuestionSettled,
    QuestionVoted,
    ScheduleItem,
)
from chat.live_frames import PollTallyFrame, StageFrame
from chat.ports import Appended, Member, SetMember, SetRow
from chat.service import Service
from chat.service.stage import SEALED_AFTER
from tests.stories.test_ceremony import HOST, Doubled, Log, Seeded, member
from tests.support.virtual_time import now_ms, run
from tests.support.world import ROOM, Phone, World

OPTIONS = ("北京 Beijing", "上海 Shanghai", "成都 Chengdu")


def check(log: Log) -> None:
    """Everything that must hold of any log."""
    polls: dict[int, PollOpened] = {}
    ballots: dict[int, dict[str, tuple[int, ...]]] = {}
    asked: dict[int, dict[str, bool]] = {}
    over: set[int] = set()
    staged: set[int] = set()
    for seq, audience, event in log:
        match event:
            case PollOpened():
                polls[seq], ballots[seq] = event, {}
            case PollVoted():
                assert audience == NOBODY
                assert event.of not in over, "no vote after the end"
                if event.by:
                    assert len(event.choices) <= polls[event.of].choices_max
                    assert all(choice < len(polls[event.of].options) for choice in event.choices)
                    ballots[event.of][event.by] = event.choices
            case PollClosed():
                assert event.of not in over, "a poll ends once"
                over.add(event.of)
                cast = [choices for choices in ballots[event.of].values() if choices]
                if event.outcome == "ended":
                    counts = [sum(option in choices for choices in cast) for option in range(3)]
                    assert (list(event.counts), event.voters) == (counts, len(cast))
                else:
                    assert (event.counts, event.voters, event.answer) == ((), 0, None)
            case QuestionAsked():
                asked[seq] = {}
            case QuestionVoted():
                assert audience == NOBODY
                assert event.of not in over | staged
                if event.by:
                    asked[event.of][event.by] = event.on
            case QuestionSettled():
                assert event.of not in over
                assert event.votes == sum(asked[event.of].values())
                (staged if event.outcome == "on_stage" else over).add(event.of)
            case _:
                pass


async def opened_room(world: Seeded, users: list[str]) -> None:
    await world.services[0].create_room(HOST, CreateRoom(id=0, room=ROOM, title="Plaza", once="made"))
    for user in users:
        await world.engine.log.append(
            ROOM,
            Joined(user=user, name=user.title(), role="member"),
            once=f"join:{user}",
            change=SetMember(Member(user, user.title(), "member")),
        )


async def any_evening(seed: int) -> set[str]:
    """Polls and questions in any order, with everything that can go wrong; which ends there were."""
    world = Seeded(seed)
    chance, asking = world.chance, Doubled(world)
    users = [f"u{number}" for number in range(6)]
    await opened_room(world, users)
    once = iter(range(10_000))

    def do(who: str, kind: type, **fields: object) -> Awaitable[Appended | None]:
        command = kind(id=0, room=ROOM, once=f"k{next(once)}", **fields)
        caller = HOST if who == "host" else member(who)
        return asking.ask(caller, lambda: world.service.on_stage(caller, command))

    polls: list[int] = []
    questions: list[int] = []

    async def act(user: str) -> None:
        await asyncio.sleep(chance.uniform(0, 12))
        poll = chance.choice(polls) if polls else 1
        question = chance.choice(questions) if questions else 1
        match chance.choices(
            ["open", "vote", "close", "due", "ask", "like", "settle", "cheat"], [5, 50, 4, 6, 8, 25, 5, 3]
        )[0]:
            case "open":
                answer = chance.choice([None, 1])
                made = await do(
                    "host",
                    OpenPoll,
                    question="去哪里？ Where to?",
                    options=OPTIONS,
                    choices_max=1 if answer else 2,
                    answer=answer,
                    window_s=chance.choice([0, 3]),
                )
                if made is not None:
                    polls.append(made.position.seq)
            case "vote":
                choices = tuple(chance.sample(range(3), chance.choice([0, 1, 1, 2])))
                await do(user, VotePoll, of=poll, choices=choices)
            case "close":
                await do("host", ClosePoll, of=poll, withdraw=chance.random() < 0.2)
            case "due":
                with suppress(Unavailable):
                    await world.service.stage_due(ROOM, now_ms())
            case "ask":
                made = await do(user, Ask, text="几点开始？")
                if made is not None:
                    questions.append(made.position.seq)
            case "like":
                await do(user, VoteQuestion, of=question, on=chance.random() < 0.8)
            case "settle":
                outcome = chance.choice(["answered", "dismissed", "on_stage"])
                await do("host", SettleQuestion, of=question, outcome=outcome)
            case "cheat":
                for kind, fields in (
                    (ClosePoll, {"of": poll}),
                    (SettleQuestion, {"of": question, "outcome": "answered"}),
                ):
                    assert await do(user, kind, **fields) is None

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(act("u0"))
        for _ in range(60):
            tasks.create_task(act(chance.choice(users)))
    log = await world.log()
    check(log)
    service = Service(
        world.engine.log, world.engine.presence, world.engine.jobs, world.engine.invites, now_ms=now_ms, new_id=str
    )
    frame = await service.stage(member("u1"), Stage(id=1, room=ROOM))
    assert b"answer" not in msgspec.msgpack.encode(frame)
    standing = {view.of: view for view in frame.polls}
    ends = {event.of: event for _, _, event in log if isinstance(event, PollClosed)}
    assert standing.keys() == set(polls) - ends.keys()
    for view in frame.polls:  # what newcomers are shown is what the log says
        cast = {event.by: event.choices for _, _, event in log if isinstance(event, PollVoted) and event.of == view.of}
        assert view.voters == sum(1 for choices in cast.values() if choices)
        assert set(view.mine) == set(cast.get("u1", ()))
        tally = await service.poll_tally(ROOM, view.of)
        assert tally is not None
        assert tally.counts == view.counts == (() if view.opened.quiz else view.counts)
    votes = (await service.question_votes(ROOM)).votes
    for question in frame.questions:
        likes = {
            event.by: event.on for _, _, event in log if isinstance(event, QuestionVoted) and event.of == question.of
        }
        assert votes[str(question.of)] == question.votes == sum(likes.values())
        assert question.mine == likes.get("u1", False)
    settled = {event.outcome for _, _, event in log if isinstance(event, QuestionSettled)}
    return {event.outcome for event in ends.values()} | settled


@pytest.mark.parametrize("block", range(2))
def test_a_hundred_evenings_keep_their_promises(block: int) -> None:
    """Of each block of 50 seeds: doubled commands, lost answers, races of votes with the end, in any order."""
    ends: set[str] = set()
    for seed in range(50 * block, 50 * (block + 1)):
        try:
            ends |= run(any_evening(seed), until_s=10_000)
        except BaseException as failed:
            failed.add_note(f"seed {seed}")
            raise
    assert ends == {"ended", "withdrawn", "answered", "dismissed", "on_stage"}


def test_a_poll_that_does_not_stand_still_is_sealed_and_counted() -> None:
    """Votes that come faster than one can count must not keep a poll open for ever."""

    async def story() -> None:
        world = Seeded(1)
        await opened_room(world, [f"u{number}" for number in range(40)])
        engine = world.engine
        service = Service(engine.log, engine.presence, engine.jobs, engine.invites, now_ms=now_ms, new_id=str)
        opened = await service.on_stage(HOST, OpenPoll(id=0, room=ROOM, question="去？", options=OPTIONS, once="o"))
        assert opened is not None
        of, chance, refused = opened.position.seq, random.Random(2), 0

        async def votes(user: str) -> None:
            nonlocal refused
            for _ in range(chance.randrange(20)):  # or all forty would vote in the same step
                await asyncio.sleep(0)
            for number in range(1_000):
                command = VotePoll(id=0, room=ROOM, of=of, choices=(chance.randrange(3),), once=f"v{number}")
                try:
                    await service.on_stage(member(user), command)
                except Rejected as over:
                    assert over.code is ErrorCode.OVER
                    refused += 1
                    return

        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(votes(f"u{number}"))
            for _ in range(60):
                await asyncio.sleep(0)
            closed = await service.on_stage(HOST, ClosePoll(id=0, room=ROOM, of=of, once="c"))
        assert closed is not None
        assert refused == 40
        log = await world.log()
        check(log)
        assert any(isinstance(event, PollVoted) and not event.by for _, _, event in log), f"after {SEALED_AFTER} looks"
        [end] = [event for _, _, event in log if isinstance(event, PollClosed)]
        assert (end.by, end.voters) == (HOST.user, 40)

    run(story(), until_s=600)


Kind = TypeVar("Kind")


class Evening:
    """A room with its host and one service without faults."""

    def __init__(self) -> None:
        self.world = Seeded(3)
        engine = self.world.engine
        self.service = Service(engine.log, engine.presence, engine.jobs, engine.invites, now_ms=now_ms, new_id=str)
        self._once = 0

    async def begin(self, *users: str) -> "Evening":
        await opened_room(self.world, list(users))
        return self

    async def host(self, kind: type, **fields: object) -> int:
        return await self.by(HOST.user, kind, **fields)

    async def by(self, user: str, kind: type, **fields: object) -> int:
        self._once += 1
        caller = HOST if user == HOST.user else member(user)
        done = await self.service.on_stage(caller, kind(id=0, room=ROOM, once=f"e{self._once}", **fields))
        return done.position.seq if done else 0

    async def refused(self, user: str, kind: type, **fields: object) -> ErrorCode:
        with pytest.raises(Rejected) as refused:
            await self.by(user, kind, **fields)
        return refused.value.code

    async def shown(self, user: str) -> StageFrame:
        return await self.service.stage(HOST if user == HOST.user else member(user), Stage(id=1, room=ROOM))

    async def events(self, kind: type[Kind]) -> list[Kind]:
        return [event for _, _, event in await self.world.log() if isinstance(event, kind)]


def test_the_hours_of_a_programme_make_lobby_open_and_archive_and_a_host_is_not_overruled() -> None:
    async def story() -> None:
        evening = await Evening().begin("u0")
        service, start = evening.service, now_ms() + 60_000
        items = (ScheduleItem(at_ms=start, title="  开场  Opening "),)
        programme = Programme(starts_ms=start, ends_ms=start + 60_000, about="欢迎\n大家", items=items)
        set_at = await evening.host(SetProgramme, programme=programme)
        shown = await evening.shown("u0")
        assert (shown.programme_seq, shown.conduct.phase) == (set_at, "lobby")
        assert shown.programme.items[0].title == "开场 Opening"
        assert await service.stage_dues(ROOM) == (start, start + 60_000)
        await asyncio.sleep(61)
        await asyncio.gather(*(service.stage_due(ROOM, now_ms()) for _ in range(5)))
        assert (await evening.shown("u0")).conduct.phase == "open"
        again = msgspec.structs.replace(programme, about="改了")
        await evening.host(SetProgramme, programme=again)
        await asyncio.sleep(61)
        await asyncio.gather(*(service.stage_due(ROOM, now_ms()) for _ in range(5)))
        phases = [event.conduct.phase for event in await evening.events(ConductChanged)]
        assert phases == ["lobby", "open", "archive"], "once each, whoever looks"
        assert await service.stage_dues(ROOM) == ()
        assert await evening.refused("u0", Ask, text="还在吗？") is ErrorCode.OVER
        assert len(await evening.events(ProgrammeChanged)) == 2

    run(story(), until_s=600)


def test_what_cannot_be_shown_is_refused_by_name() -> None:
    async def story() -> None:
        evening = await Evening().begin("u0")
        poll = {"question": "去哪里？", "options": ("A", "B")}
        for wrong in ({"options": ("A", " a ")}, {"choices_max": 3}, {"answer": 2}, {"answer": 1, "choices_max": 2}):
            assert await evening.refused(HOST.user, OpenPoll, **(poll | wrong)) is ErrorCode.MALFORMED
        assert await evening.refused("u0", OpenPoll, **poll) is ErrorCode.FORBIDDEN
        for bad in (
            {"poster": "http://x.org/a.png"},
            {"poster": "https://"},
            {"poster": 'https://x.org/"onload='},
            {"starts_ms": 5, "ends_ms": 4},
            {"starts_ms": -1},
            {"about": "长" * 4_000, "items": (ScheduleItem(at_ms=0, title="x"),)},
        ):
            assert await evening.refused(HOST.user, SetProgramme, programme=Programme(**bad)) is ErrorCode.MALFORMED
        for _ in range(POLLS_MAX):
            of = await evening.host(OpenPoll, **poll)
        assert await evening.refused(HOST.user, OpenPoll, **poll) is ErrorCode.FORBIDDEN
        assert await evening.refused("u0", VotePoll, of=of, choices=(2,)) is ErrorCode.MALFORMED
        assert await evening.refused("u0", VotePoll, of=of, choices=(0, 1)) is ErrorCode.FORBIDDEN
        for _ in range(QUESTIONS_PER_MEMBER_MAX):
            await evening.by("u0", Ask, text="为什么？")
        assert await evening.refused("u0", Ask, text="为什么？") is ErrorCode.FORBIDDEN

    run(story(), until_s=60)


def test_the_answer_of_a_quiz_is_told_when_it_closes_and_counts_are_hidden_until_then() -> None:
    async def story() -> None:
        evening = await Evening().begin("u0", "u1")
        of = await evening.host(OpenPoll, question="首都？", options=OPTIONS, answer=0, window_s=10)
        await evening.by("u0", VotePoll, of=of, choices=(0,))
        await evening.by("u1", VotePoll, of=of, choices=(1,))
        [view] = (await evening.shown("u0")).polls
        assert (view.counts, view.voters, view.mine) == ((), 2, (0,))
        for seq, _, event in await evening.world.log():
            assert not (seq >= of and b'"answer":0' in msgspec.json.encode(event))
        await asyncio.sleep(11)
        assert await evening.refused("u1", VotePoll, of=of, choices=(0,)) is ErrorCode.OVER
        assert await evening.service.close_due(ROOM, now_ms()) == 1
        [closed] = await evening.events(PollClosed)
        assert isinstance(closed, PollClosed)
        assert (closed.answer, closed.counts, closed.by) == (0, (1, 1, 0), "")
        assert await evening.service.poll_tally(ROOM, of) is None

    run(story(), until_s=60)


STANDINGS = {
    "free": (Standing(), Conduct(), True, True),
    "muted": (Standing(muted=True), Conduct(), False, False),
    "banned": (Standing(banned=True), Conduct(), False, False),
    "a mute that is over": (Standing(muted=True, until_ms=1), Conduct(), True, True),
    "frozen": (Standing(), Conduct(frozen=True), False, True),
    "lobby": (Standing(), Conduct(phase="lobby"), True, True),
    "archive": (Standing(), Conduct(phase="archive"), False, False),
    "speakers invited": (Standing(), Conduct(speakers="invited"), True, True),
}


@pytest.mark.parametrize("case", STANDINGS)
def test_who_may_not_be_heard_neither_asks_nor_votes(case: str) -> None:
    standing, conduct, asks, votes = STANDINGS[case]

    async def story() -> None:
        evening = await Evening().begin("u0", "u1")
        poll = await evening.host(OpenPoll, question="去？", options=OPTIONS)
        question = await evening.by("u1", Ask, text="几点？")
        rows = (
            SetRow("standing", "u0", row_of(standing), rules=True),
            SetRow("conduct", "", row_of(conduct), rules=True),
        )
        changed = ConductChanged(by="host", conduct=conduct)
        await evening.world.engine.log.append(ROOM, changed, once="x", change=rows)
        await asyncio.sleep(1)
        for allowed, kind, fields in (
            (asks, Ask, {"text": "为什么？"}),
            (votes, VotePoll, {"of": poll, "choices": (0,)}),
            (votes, VoteQuestion, {"of": question}),
        ):
            if allowed:
                assert await evening.by("u0", kind, **fields)
            else:
                assert await evening.refused("u0", kind, **fields)

    run(story(), until_s=60)


def test_a_shadowed_member_sees_their_question_and_so_do_moderators_alone() -> None:
    async def story() -> None:
        evening = await Evening().begin("u0", "u1")
        row = SetRow("standing", "u0", row_of(Standing(shadowed=True)), rules=True)
        changed = ConductChanged(by="host", conduct=Conduct())
        await evening.world.engine.log.append(ROOM, changed, once="x", change=row)
        of = await evening.by("u0", Ask, text="有人吗？")
        seen = {user: len((await evening.shown(user)).questions) for user in ("u0", "u1", HOST.user)}
        assert seen == {"u0": 1, "u1": 0, HOST.user: 1}
        assert await evening.refused("u1", VoteQuestion, of=of) is ErrorCode.MESSAGE_NOT_FOUND
        assert (await evening.service.question_votes(ROOM)).votes == {}
        [audience] = [audience for seq, audience, _ in await evening.world.log() if seq == of]
        assert audience == "@u0"

    run(story(), until_s=60)


def test_gateways_tell_votes_close_polls_and_bring_the_room_through_its_hours() -> None:
    async def story() -> None:
        async with World(41) as world, asyncio.TaskGroup() as tasks:
            phones = [Phone(world, f"p{number}", "zh") for number in range(4)]
            for phone in phones:
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            service, start = world.service(), now_ms() + 20_000
            programme = Programme(starts_ms=start, ends_ms=start + 40_000)
            await service.on_stage(HOST, SetProgramme(id=0, room=ROOM, programme=programme, once="p"))
            await asyncio.sleep(22)
            opened = await service.on_stage(
                HOST, OpenPoll(id=0, room=ROOM, question="去？", options=OPTIONS, window_s=10, once="o")
            )
            assert opened is not None
            of = opened.position.seq
            for phone in phones:
                vote = VotePoll(id=0, room=ROOM, of=of, choices=(1,), once="v")
                await service.on_stage(member(phone.user), vote)
            await asyncio.sleep(2)
            for phone in phones:
                assert phone.socket is not None
                told = [frame for frame in phone.socket.frames if isinstance(frame, PollTallyFrame)]
                assert (told[-1].counts, told[-1].voters) == ((0, 4, 0), 4)
            await asyncio.sleep(12)
            await asyncio.sleep(30)
            for phone in phones:
                seen = [event for _, event in phone.view]
                phases = [event.conduct.phase for event in seen if isinstance(event, ConductChanged)]
                assert phases == ["lobby", "open", "archive"]
                assert [event.counts for event in seen if isinstance(event, PollClosed)] == [(0, 4, 0)]
                assert not any(isinstance(event, PollVoted) for event in seen)
                phone.leave()
            check(await world.log())

    run(story(), until_s=300)


def test_a_room_that_changes_its_kind_while_its_hosts_are_asked_for_ends_nothing_and_knows_them() -> None:
    """The crowd that the answer was for had gone by then: the fault in the watch of that room ended the process."""

    async def story() -> None:
        async with World(45, gateways=1) as world, asyncio.TaskGroup() as tasks:
            station = world.stations[0]
            phone = Phone(world, "p", "zh")
            tasks.create_task(phone.run())
            await phone.wait_until(lambda: phone.position)
            service, hosts = station.gateway.service, station.gateway.service.hosts

            async def become(kind: Literal["group", "live"]) -> None:
                changed = ConductChanged(by="host", conduct=Conduct(kind=kind))
                row = SetRow("conduct", "", row_of(changed.conduct), rules=True)
                await world.engine.log.append(ROOM, changed, once=f"{kind} {now_ms()}", change=row)
                await asyncio.sleep(0)

            steps: tuple[tuple[Literal["group", "live"], ...], ...] = (("group",), ("group", "live"))
            for kinds in steps:
                asked, answers = asyncio.Event(), asyncio.Event()

                async def slow(
                    room: str, asked: asyncio.Event = asked, answers: asyncio.Event = answers
                ) -> frozenset[str]:
                    asked.set()
                    await answers.wait()
                    return await hosts(room)

                service.hosts = slow  # type: ignore[method-assign]  # an engine that takes its time
                await become("live")
                await asked.wait()
                for kind in kinds:
                    await become(kind)
                service.hosts = hosts  # type: ignore[method-assign]  # as it was
                answers.set()
                await asyncio.sleep(3)
                assert not station.task.done()
            crowd = station.gateway.hub.rooms[ROOM].crowd
            assert crowd is not None
            assert crowd.sample.hosts == {"host"}
            phone.leave()

    run(story(), until_s=60)
