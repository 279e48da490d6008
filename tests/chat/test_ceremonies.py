"""The use cases of naming on ports in memory: one sentence a test."""

import asyncio

import pytest

from chat.commands import (
    AcceptName,
    Consent,
    EndCeremony,
    FindPeople,
    History,
    Join,
    OpenCeremony,
    Pin,
    Post,
    ProposeName,
    Remark,
    SetName,
    VoteName,
)
from chat.errors import ErrorCode, Rejected
from chat.events import CeremonyClosed, GivenTo, Mention, Posted
from chat.live_commands import SetWords
from chat.live_events import Word
from chat.names import name_for
from chat.room import Caller
from tests.chat.service.world import GUEST, HOST, ROOM, World
from tests.support.virtual_time import run

OTHER = Caller("other", "Otto", grants={ROOM: "guest"})


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
        assert await service.log.ceremonies(ROOM) == []

    run(story())


def test_a_ceremony_is_pinned_by_who_moderates_until_it_is_over() -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        opened = await service.ceremony(GUEST, OpenCeremony(id=1, room=ROOM, window_s=60, once="o"))
        assert opened is not None
        of = opened.position.seq
        with pytest.raises(Rejected) as refused:
            await service.pin(GUEST, Pin(id=1, room=ROOM, of=of, once="mine"))
        assert refused.value.code is ErrorCode.FORBIDDEN
        with pytest.raises(Rejected) as refused:
            await service.pin(HOST, Pin(id=1, room=ROOM, of=of + 1, once="nothing"))
        assert refused.value.code is ErrorCode.MESSAGE_NOT_FOUND
        await service.pin(HOST, Pin(id=1, room=ROOM, of=of, once="p"))
        state = await service.log.state(ROOM)
        assert state is not None
        assert state.pins == (of,)
        await service.ceremony(GUEST, EndCeremony(id=1, room=ROOM, of=of, once="e"))
        state = await service.log.state(ROOM)
        assert state is not None
        assert state.pins == ()

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


def test_a_member_is_called_by_any_of_their_names_next_to_chinese_the_longest_first() -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        await service.join(OTHER, Join(id=1, room=ROOM))
        for caller, name in ((GUEST, "白睿康"), (OTHER, "白睿")):
            await service.ceremony(caller, SetName(id=1, room=ROOM, text=name, once=f"n{name}"))
        lines = {
            "@白睿康你好": [("guest", "@白睿康")],
            "你好@白睿，在吗": [("other", "@白睿")],
            "＠白睿康 @白睿": [("guest", "＠白睿康"), ("other", "@白睿")],
            "mail@白": [],
            "白睿康": [],
        }
        for number, (text, called) in enumerate(lines.items()):
            await world.say(text, once=f"m{number}")
            said = (await world.log())[-1]
            assert isinstance(said, Posted)
            assert [(each.user, each.text) for each in said.mentions] == called, text
        own = Mention(user="other", text="@白睿康")
        await service.post(HOST, Post(id=1, room=ROOM, text="@白睿康", once="own", mentions=(own,)))
        said = (await world.log())[-1]
        assert isinstance(said, Posted)
        assert said.mentions == (own,)

    run(story())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("白睿", {"guest"}), ("bairuikang", {"guest"}), ("Bái Ruì", {"guest"}), ("brk", {"guest"}), ("ruik", {"guest"}),
        ("breck", {"guest"}), ("rongrong", {"host"}), ("rr", {"host"}), ("吉他", {"guest"}), ("nobody here", set()),
        ("", {"guest", "host"}),
    ],
)  # fmt: skip
def test_people_are_found_by_any_name_pinyin_initials_and_ones_own_remark(query: str, found: set[str]) -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        await service.ceremony(GUEST, SetName(id=1, room=ROOM, text="白睿康", once="n"))
        await service.remark(HOST, Remark(id=1, room=ROOM, user="guest", text="吉他手"))
        frame = await service.find_people(HOST, FindPeople(id=1, room=ROOM, query=query))
        assert {card.user for card in frame.cards} == found
        mine = await service.find_people(GUEST, FindPeople(id=1, room=ROOM, query="吉他"))
        assert mine.cards == (), "a remark is its reader's own"

    run(story())


def test_of_a_reading_that_is_no_pinyin_nobody_hears() -> None:
    """It was shown to everybody as it was written, past the words that the room does not take."""

    async def story() -> None:
        world = await World().open()
        for number, (pinyin, shown) in enumerate(
            {"bái ruì hāng": "Bái Ruìhāng", "buy spam x.cn": "Bái Ruìkāng", "bái ruì \u202ekāng": "Bái Ruìkāng"}.items()
        ):
            card = SetName(id=1, room=ROOM, text="白睿康", pinyin=pinyin, once=f"n{number}")
            await world.service.ceremony(GUEST, card)
            [name] = (await world.service.log.names(ROOM, "guest")).names
            assert (name.romanisation, len(name.glosses)) == (shown, 3)

    run(story())


def test_a_name_that_a_room_does_not_take_any_more_can_be_taken_off() -> None:
    async def story() -> None:
        world = await World().open()
        service = world.service
        await service.ceremony(GUEST, SetName(id=1, room=ROOM, text="白睿康", once="n"))
        await service.moderate(HOST, SetWords(id=1, room=ROOM, words=(Word(text="睿康", action="refuse"),), once="w"))
        with pytest.raises(Rejected) as refused:
            await service.ceremony(GUEST, SetName(id=1, room=ROOM, text="白睿康", preferred_for=("en",), once="m"))
        assert refused.value.code is ErrorCode.WORDS_REFUSED
        await service.ceremony(GUEST, SetName(id=1, room=ROOM, text="白睿康", remove=True, once="r"))
        assert (await service.log.names(ROOM, "guest")).names == ()

    run(story())


def test_each_reader_sees_the_name_for_their_language() -> None:
    names = (
        GivenTo(script="han", text="白睿康", preferred_for=("zh", "zh-Hant")),
        GivenTo(script="latin", text="Breck", preferred_for=("*",)),
    )
    seen = {languages: name_for(languages, "Brecken", names) for languages in (("zh",), ("en",), ("ja", "zh"), ("fr",))}
    assert seen == {("zh",): "白睿康", ("en",): "Brecken", ("ja", "zh"): "Brecken", ("fr",): "Brecken"}
    assert name_for(("en",), "布雷肯", names) == "Breck"
    assert name_for(("zh",), "榕榕", (GivenTo(script="latin", text="Rae", preferred_for=("*",)),)) == "榕榕"
    assert name_for(("en",), "榕榕", (GivenTo(script="latin", text="Rae", preferred_for=("*",)),)) == "Rae"
