"""An announcement that the host wrote in several languages: each reader has the host's own words where there are some,
and a translation only where there are none."""

import asyncio

import pytest

from chat.commands import Post
from chat.errors import ErrorCode, Rejected
from chat.events import Posted, Translated
from chat.ids import Position
from chat.ports import Job, JobText, Member, RoomState, TakenJob
from chat.room import Caller, View, decide
from gateway.holding import foreign
from tests.support.virtual_time import run
from tests.support.world import ROOM, Phone, World
from translator.debts import debts_of
from translator.detect import Detection, Reason

HOST = Caller("host", "Host", may_create=True)


def said(**fields: object) -> Post:
    given = {"announce": True, "versions": (("en", "Doors open at eight"),), **fields}
    return Post(id=0, room=ROOM, text="八点开门", once="a", **given)  # type: ignore[arg-type]  # of the command


def test_readers_have_the_hosts_own_words_and_others_a_translation() -> None:
    async def story() -> None:
        async with World(21) as world, asyncio.TaskGroup() as tasks:
            phones = [
                Phone(world, f"p{number}", *languages)
                for number, languages in enumerate((("zh",), ("en",), ("fr", "en"), ("ja",)))
            ]
            for phone in phones:
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            await world.service().post(HOST, said())
            japanese = phones[3]
            await japanese.wait_until(lambda: any(isinstance(event, Translated) for _, event in japanese.view))
            await asyncio.sleep(5)
            [posted] = [event for _, event in phones[1].view if isinstance(event, Posted)]
            assert posted.versions == (("en", "Doors open at eight"),)
            log = await world.log()
            assert [audience for _, audience, event in log if isinstance(event, Translated)] == ["ja"]
            for phone in phones:
                phone.leave()

    run(story(), until_s=60)


def decided(command: Post, role: str = "owner") -> Posted:
    state = RoomState(ROOM, "Plaza", Position("0", 3), 1, 0)
    view = View(state, Member("host", "Host", role))  # type: ignore[arg-type]  # one of the roles
    decision = decide(view, HOST, command)
    assert decision is not None
    assert isinstance(decision.event, Posted)
    return decision.event


def test_versions_are_cleaned_distinct_and_only_of_announcements() -> None:
    event = decided(said(versions=(("EN-us", " Hi\u202e "), ("zh-TW", "八點開門"))))
    assert event.versions == (("en", "Hi"), ("zh-Hant", "八點開門"))
    for wrong, code in (
        (said(announce=False), ErrorCode.MALFORMED),
        (said(versions=(("en", "a"), ("en-GB", "b"))), ErrorCode.LANGUAGE_INVALID),
        (said(versions=(("en", "\u200b"),)), ErrorCode.NOTHING_TO_SAY),
        (said(versions=tuple((each, "长" * 3_999) for each in ("en", "fr"))), ErrorCode.MALFORMED),
    ):
        with pytest.raises(Rejected) as refused:
            decided(wrong)
        assert refused.value.code is code
    with pytest.raises(Rejected):
        decided(said(), role="member")


def test_nothing_is_owed_to_who_reads_what_the_author_wrote_and_nobody_waits_for_it() -> None:
    text = JobText("八点开门", "host", (("en",), ("fr", "en"), ("ja",)), given=("zh", "en"))
    taken = TakenJob("1", Job(ROOM, 1, 0, text), 1)
    found = Detection(language="zh", needs_translation=True, reason=Reason.SCRIPT)
    assert [debt.target for debt in debts_of(taken, text, found)] == ["ja"]
    posted = Posted(author="host", name="Host", text="八点开门", written_in="zh", versions=(("en", "Doors"),))
    assert [foreign(posted, languages) for languages in text.readers] == [False, False, True]
