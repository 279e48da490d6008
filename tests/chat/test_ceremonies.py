"""The use cases of naming on ports in memory: one sentence a test."""

import asyncio

from chat.commands import AcceptName, Consent, History, OpenCeremony, ProposeName, VoteName
from chat.events import CeremonyClosed
from tests.chat.test_service import GUEST, HOST, ROOM, World
from tests.support.virtual_time import run


def test_a_name_is_asked_for_proposed_voted_for_taken_and_kept_in_translations() -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        opened = await service.ceremony(HOST, OpenCeremony(id=1, room=ROOM, user="guest", window_s=60, once="o"))
        assert opened is not None
        of = opened.position.seq
        await service.ceremony(GUEST, Consent(id=1, room=ROOM, of=of, once="c"))
        made = await service.ceremony(HOST, ProposeName(id=1, room=ROOM, of=of, text="白睿康", reason="好听", once="p"))
        assert made is not None
        await service.ceremony(HOST, VoteName(id=1, room=ROOM, of=of, proposal=made.position.seq, once="v"))
        frame = await service.tally(ROOM, of)
        assert frame is not None
        assert [(each.proposal, each.votes) for each in frame.tally] == [(made.position.seq, 1)]
        await asyncio.sleep(61)
        await service.ceremony(GUEST, AcceptName(id=1, room=ROOM, of=of, proposal=made.position.seq, once="a"))
        closed = (await world.log())[-1]
        assert isinstance(closed, CeremonyClosed)
        assert (closed.outcome, closed.voters, closed.names[0].text) == ("accepted", 1, "白睿康")
        glossary = await service.glossary(HOST, ROOM)
        assert {(term.source, term.target, term.language) for term in glossary.terms} == {
            ("白睿康", "Brecken", ""),
            ("白睿康", None, "zh"),
            ("Brecken", "白睿康", "zh"),
        }
        assert await service.open_ceremonies(ROOM) == []

    run(story())


def test_history_leaves_votes_out_and_still_fills_its_pages() -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        before = [await world.say(f"before {number}", once=f"b{number}") for number in range(5)]
        opened = await service.ceremony(GUEST, OpenCeremony(id=1, room=ROOM, window_s=60, once="o"))
        assert opened is not None
        of = opened.position.seq
        made = await service.ceremony(HOST, ProposeName(id=1, room=ROOM, of=of, text="白睿康", once="p"))
        assert made is not None
        for number in range(2_500):
            choice = made.position.seq if number % 2 else None
            await service.ceremony(HOST, VoteName(id=1, room=ROOM, of=of, proposal=choice, once=f"v{number}"))
        after = await world.say("after", once="after")
        page = await service.history(HOST, ("zh",), History(id=1, room=ROOM, limit=4))
        assert [entry.seq for entry in page.entries] == [before[-1], of, made.position.seq, after]
        assert (page.first, page.last, page.more) == (before[-1], after, True)
        older = await service.history(HOST, ("zh",), History(id=1, room=ROOM, before=page.first, limit=100))
        assert [entry.seq for entry in older.entries][-4:] == before[:4]
        assert not older.more
        newer = await service.history(HOST, ("zh",), History(id=1, room=ROOM, after=made.position.seq, limit=1))
        assert [entry.seq for entry in newer.entries] == [after]
        assert not newer.more
        assert await service.log.unheard_after(ROOM, of) == 2_500

    run(story())
