"""What happens when somebody asks, on ports in memory: saying, editing, recalling, reacting, and retries of each."""

import asyncio

from chat import service as service_module
from chat.commands import (
    Configure,
    CreateRoom,
    Edit,
    Join,
    Leave,
    Pin,
    Post,
    PutTerm,
    React,
    Recall,
    RemoveTerm,
    Suggest,
    Vote,
)
from chat.errors import ErrorCode, Rejected
from chat.events import Edited, Joined, Posted, Reacted, Recalled
from chat.limits import REACTIONS_PER_MESSAGE_MAX
from chat.room import Caller
from tests.chat.service.world import GUEST, HOST, ROOM, STRANGER, World, refused, story
from tests.support.virtual_time import run


@story
async def test_a_post_is_one_entry_and_the_same_key_never_makes_a_second(world: World):
    command = Post(id=1, room=ROOM, text="大家好", once="p")
    first = await world.service.post(HOST, command)
    again = await world.service.post(HOST, command)
    assert (again.position, again.at_ms, again.duplicate) == (first.position, first.at_ms, True)
    [posted] = [event for event in await world.log() if isinstance(event, Posted)]
    assert (posted.author, posted.name, posted.text) == ("host", "榕榕", "大家好")


@story
async def test_two_people_may_choose_the_same_key(world: World):
    assert await world.say("一", once="1") != await world.say("two", once="1", caller=GUEST)


def test_no_key_of_one_person_is_anothers_or_the_houses():
    """Ids and keys may hold ":". Joined with it, user `a` with key `b:c` met user `a:b` with key `c`: the second post
    was taken for a retry of the first and lost. And a user named `join` with the key `guest` kept `guest` out."""

    async def begin() -> None:
        world = World()
        world.service._new_id = lambda: "1"  # type: ignore[method-assign]  # a fixed id
        await world.service.create_room(HOST, CreateRoom(id=1, room=ROOM, title="地球村", once="c"))
        for user in ("a", "a:b", "join", "u", "enter"):
            caller = Caller(user, user, {ROOM: "guest"})
            await world.service.join(caller, Join(id=1, room=ROOM))
            for once in ("b:c", "c", "guest", "a", "1:0:en"):
                await world.say(f"{user} {once}", once=once, caller=caller)
        await world.service.join(GUEST, Join(id=1, room=ROOM))
        assert await world.engine.log.member(ROOM, "guest")
        assert sum(isinstance(event, Posted) for event in await world.log()) == 25

    run(begin())


@story
async def test_an_edit_makes_a_revision_and_one_job_for_it(world: World):
    await world.be_here(("zh",), ("en",))
    of = await world.say()
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="晚上好", once="e"))
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="晚上好", once="e"))
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="晚安", once="f"))
    edits = [event for event in await world.log() if isinstance(event, Edited)]
    assert [(edit.revision, edit.text) for edit in edits] == [(1, "晚上好"), (2, "晚安")]
    assert [(at, revision, text.text) for at, revision, text in await world.jobs()] == [
        (of, 0, "大家好"),
        (of, 1, "晚上好"),
        (of, 2, "晚安"),
    ]


@story
async def test_of_two_edits_at_the_same_time_one_is_told_that_it_is_stale(world: World):
    of = await world.say()
    answers = await asyncio.gather(
        *(world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text=text, once=text)) for text in ("a", "b")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(Rejected) == 1
    assert [answer.code for answer in answers if isinstance(answer, Rejected)] == [ErrorCode.STALE]


@story
async def test_a_recalled_text_is_nowhere_and_the_retry_hears_the_first_answer(world: World):
    """A phone that lost the ack of its recall asks again: the message is gone because it succeeded, so "no such
    message" would be a lie."""
    of = await world.say("a secret")
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="a secret!", once="e"))
    await world.translated(of, "en", revision=1)
    recall = Recall(id=1, room=ROOM, of=of, once="r")
    first = await world.service.recall(HOST, recall)
    again = await world.service.recall(HOST, recall)
    assert (again.position, again.duplicate) == (first.position, True)
    assert [event for event in await world.log() if not isinstance(event, Joined)][1:] == [
        Recalled(of=of, by="host", author="host")
    ]
    assert b"secret" not in b"".join(entry.body for entry in await world.entries())
    assert await refused(world.service.recall(HOST, Recall(id=1, room=ROOM, of=of, once="other"))) is (
        ErrorCode.MESSAGE_NOT_FOUND
    )


@story
async def test_nobody_is_told_of_a_first_time_that_was_somebody_elses(world: World):
    of = await world.say()
    await world.service.recall(HOST, Recall(id=1, room=ROOM, of=of, once="r"))
    assert await refused(world.service.recall(GUEST, Recall(id=1, room=ROOM, of=of, once="r"))) is (
        ErrorCode.MESSAGE_NOT_FOUND
    )


@story
async def test_who_left_still_hears_that_the_last_post_arrived(world: World):
    await world.say(once="bye", caller=GUEST)
    await world.service.leave(GUEST, Leave(id=1, room=ROOM))
    assert (await world.service.post(GUEST, Post(id=1, room=ROOM, text="大家好", once="bye"))).duplicate
    assert await refused(world.say(once="new", caller=GUEST)) is ErrorCode.NOT_A_MEMBER


@story
async def test_a_message_carries_a_bounded_number_of_reactions_and_each_can_be_taken_back(world: World):
    of = await world.say()
    for number in range(REACTIONS_PER_MESSAGE_MAX):
        await world.service.react(GUEST, React(id=1, room=ROOM, of=of, emoji="❤️", once=f"x{number}"))
    one_more = React(id=1, room=ROOM, of=of, emoji="❤️", once="more")
    assert await refused(world.service.react(GUEST, one_more)) is ErrorCode.FORBIDDEN
    retried = React(id=1, room=ROOM, of=of, emoji="❤️", once="x7")
    assert (await world.service.react(GUEST, retried)).duplicate
    back = React(id=1, room=ROOM, of=of, emoji="❤️", on=False, once="back")
    assert not (await world.service.react(GUEST, back)).duplicate


@story
async def test_a_stranger_learns_nothing_from_reacting_to_a_full_message(world: World):
    """The bound was looked at before the permission: "too many" told that the message exists."""
    of = await world.say()
    for number in range(REACTIONS_PER_MESSAGE_MAX + 1):
        event = Reacted(of=of, by="host", emoji="❤️", on=True)
        await world.engine.log.append(ROOM, event, once=f"x{number}")
    command = React(id=1, room=ROOM, of=of, emoji="❤️", once="x")
    assert await refused(world.service.react(STRANGER, command)) is ErrorCode.ROOM_NOT_FOUND


@story
async def test_only_messages_can_be_edited_recalled_or_reacted_to(world: World):
    created = 1
    for asked in (
        world.service.edit(HOST, Edit(id=1, room=ROOM, of=created, text="x", once="1")),
        world.service.recall(HOST, Recall(id=1, room=ROOM, of=created, once="2")),
        world.service.react(HOST, React(id=1, room=ROOM, of=created, emoji="❤", once="3")),
    ):
        assert await refused(asked) is ErrorCode.MESSAGE_NOT_FOUND


@story
async def test_the_last_suggestion_that_fits_may_be_retried_too(world: World):
    """At the bound, the retry of what had been done was refused: the author saw an error for a suggestion that
    everybody else could read."""
    of = await world.say()
    for number in range(service_module.SUGGESTIONS_MAX):
        command = Suggest(id=1, room=ROOM, of=of, language="en", text=f"hello {number}", once=f"s{number}")
        await world.service.suggest(GUEST, command)
    assert (await world.service.suggest(GUEST, command)).duplicate
    more = Suggest(id=1, room=ROOM, of=of, language="en", text="more", once="more")
    assert await refused(world.service.suggest(GUEST, more)) is ErrorCode.FORBIDDEN


@story
async def test_a_recall_takes_suggestions_along_and_a_vote_needs_one(world: World):
    of = await world.say()
    suggested = await world.service.suggest(
        GUEST, Suggest(id=1, room=ROOM, of=of, language="en", text="secretly", once="s")
    )
    for suggestion, once in ((suggested.position.seq, "v1"), (of, "v2")):
        vote = Vote(id=1, room=ROOM, of=of, suggestion=suggestion, once=once)
        if suggestion == of:
            assert await refused(world.service.vote(HOST, vote)) is ErrorCode.MESSAGE_NOT_FOUND
        else:
            await world.service.vote(HOST, vote)
    await world.service.recall(HOST, Recall(id=1, room=ROOM, of=of, once="r"))
    assert b"secretly" not in b"".join(entry.body for entry in await world.entries())


@story
async def test_terms_settings_and_pins_are_the_moderators_and_retries_hear_the_first_answer(world: World):
    of = await world.say()
    service = world.service
    put = PutTerm(id=1, room=ROOM, source="榕树", target="banyan", language="en-US", once="g1")
    remove = RemoveTerm(id=1, room=ROOM, source="榕树", language="en", once="g2")
    configure = Configure(id=1, room=ROOM, title="春天", translation="hold", once="o")
    pin = Pin(id=1, room=ROOM, of=of, once="n")
    asks = (
        lambda caller: service.change_glossary(caller, put),
        lambda caller: service.change_glossary(caller, remove),
        lambda caller: service.configure(caller, configure),
        lambda caller: service.pin(caller, pin),
    )
    for ask in asks:
        assert await refused(ask(GUEST)) is ErrorCode.FORBIDDEN
        assert await refused(ask(STRANGER)) is ErrorCode.ROOM_NOT_FOUND
        first, again = await ask(HOST), await ask(HOST)
        assert (again.position, again.duplicate) == (first.position, True)
    state = (await service.standing(GUEST, ROOM)).state
    assert (state.title, state.settings.translation, state.pins) == ("春天", "hold", (of,))
    assert (await service.glossary(GUEST, ROOM)).terms == ()
