"""A poll and a question on every engine: what is counted there is what was voted, however many vote at once."""

import asyncio

import pytest

from chat.errors import ErrorCode, Rejected
from chat.live_commands import Ask, ClosePoll, OpenPoll, SettleQuestion, Stage, VotePoll, VoteQuestion
from chat.live_events import PollClosed, QuestionSettled
from chat.room import Caller
from chat.service import Service
from chat.wire import decode_event
from tests.contracts.conftest import Ports

OWNER = Caller("ann", "Ann")


async def test_votes_that_race_with_the_end_are_counted_or_refused(ports: Ports) -> None:
    await ports.create()
    service = Service(ports.log, ports.presence, ports.jobs, ports.invites, now_ms=lambda: 0, new_id=str)
    admin = Caller("root", "Root", administrator=True)
    users = [f"u{number}" for number in range(12)]
    for user in users:
        await service.admit(admin, "r", user, user.title(), "guest")
    opened = await service.on_stage(OWNER, OpenPoll(id=0, room="r", question="去？", options=("A", "B"), once="o"))
    asked = await service.on_stage(OWNER, Ask(id=0, room="r", text="几点？", once="a"))
    assert opened
    assert asked
    of, question = opened.position.seq, asked.position.seq

    async def votes(user: str) -> bool:
        caller = Caller(user, user)
        await service.on_stage(caller, VoteQuestion(id=0, room="r", of=question, once="q"))
        try:
            await service.on_stage(caller, VotePoll(id=0, room="r", of=of, choices=(len(user) % 2,), once="v"))
        except Rejected as over:
            assert over.code is ErrorCode.OVER
            return False
        return True

    close = ClosePoll(id=0, room="r", of=of, once="c")
    first = await asyncio.gather(*map(votes, users[:6]))
    closing = asyncio.create_task(service.on_stage(OWNER, close))
    rest = await asyncio.gather(*map(votes, users[6:]))
    closed = await closing
    settled = await service.on_stage(OWNER, SettleQuestion(id=0, room="r", of=question, outcome="answered", once="s"))
    assert closed
    assert settled
    counted = [await ports.log.read_at("r", done.position.seq) for done in (closed, settled)]
    result, answered = [decode_event(entry.body) for entry in counted if entry is not None]
    assert isinstance(result, PollClosed)
    assert isinstance(answered, QuestionSettled)
    assert result.voters == sum(result.counts) == sum((*first, *rest))
    assert answered.votes == 12
    shown = await service.stage(OWNER, Stage(id=1, room="r"))
    assert (shown.polls, shown.questions) == ((), ())
    with pytest.raises(Rejected):
        await service.on_stage(Caller("u1", "U1"), VotePoll(id=0, room="r", of=of, choices=(), once="late"))
