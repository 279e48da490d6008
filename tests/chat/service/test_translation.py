"""What happens when somebody asks, on ports in memory: what is owed to whom in which language."""

import pytest

from chat import service as service_module
from chat.commands import (
    Edit,
    Join,
    Leave,
    Post,
    Translate,
)
from chat.errors import ErrorCode, Rejected
from chat.events import Mention, Translated, Untranslated
from chat.limits import TRANSLATION_BUDGET_MS
from chat.wire import decode_event
from tests.chat.service.world import GUEST, HOST, ROOM, World, refused, story
from tests.support.virtual_time import now_ms, run


@story
async def test_a_post_is_owed_to_the_languages_of_those_present(world: World):
    await world.be_here(("zh", "en"), ("en",), ("en",), ("fr", "en"))
    mention = Mention("guest", "@Brecken")
    command = Post(id=1, room=ROOM, text="大家好 @Brecken", once="p", mentions=(mention,))
    of = (await world.service.post(HOST, command)).position.seq
    [(at, revision, text)] = await world.jobs()
    assert (at, revision) == (of, 0)
    assert (text.text, text.author, text.mentions) == ("大家好 @Brecken", "host", (mention,))
    assert text.readers == (("zh", "en"), ("en",), ("fr", "en"))
    assert text.deadline_ms == now_ms() + TRANSLATION_BUDGET_MS


@story
async def test_who_goes_on_talking_looks_at_the_room_once_and_what_is_remembered_allows_nothing(world: World):
    def looks() -> int:
        return world.faults.calls.count("MemoryLog.look")

    before = looks()
    for once in ("1", "2", "3"):
        await world.say(once=once, caller=GUEST)
    assert looks() == before + 1
    await world.be_here(("en",), ("zh",))
    seq = await world.say(once="4", caller=GUEST)
    assert looks() == before + 1, "the append itself brought the new look"
    assert [of for of, _, _ in await world.jobs()] == [seq], "for whoever has come meanwhile"
    assert await world.say(once="5", caller=GUEST) == seq + 1
    await world.service.post(HOST, Post(id=1, room=ROOM, text="嗯", once="h", reply_to=seq))
    answer = Post(id=1, room=ROOM, text="?", once="a", reply_to=seq + 2)
    assert (await world.service.post(GUEST, answer)).position.seq == seq + 3, "what is newer than the look is there too"
    await world.service.leave(GUEST, Leave(id=1, room=ROOM))
    for once in ("6", "7"):
        with pytest.raises(Rejected):
            await world.say(once=once, caller=GUEST)
    assert await world.say(once="5", caller=GUEST) == seq + 1, "a retry hears the first answer"
    await world.service.join(GUEST, Join(id=1, room=ROOM))
    await world.say(once="6", caller=GUEST)


@story
async def test_without_readers_or_words_there_is_no_job(world: World):
    await world.say("大家好", once="alone")
    await world.be_here(("zh",), ("en",))
    await world.say("👍🏽 ?!", once="no words")
    assert await world.jobs() == []


@story
async def test_when_too_much_waits_the_original_flows_and_those_who_need_it_are_told(world: World):
    await world.be_here(("zh",), ("en",), ("en", "fr"), ("es",))
    world.service._backlog, world.service._backlog_at_ms = service_module.JOBS_MAX, now_ms()
    for _ in range(2):  # a retry repeats nothing
        of = await world.say()
    told = [(entry.audience, event) for entry in await world.entries() for event in [decode_event(entry.body)]]
    notices = [(audience, event) for audience, event in told if isinstance(event, Untranslated)]
    assert notices == [
        (language, Untranslated(of=of, revision=0, language=language, source="zh", reason="overload"))
        for language in ("en", "es")
    ]
    assert await world.jobs() == []


@story
async def test_a_reader_asks_for_a_translation_and_gets_it_at_once_or_as_a_job(world: World):
    of = await world.say()
    command = Translate(id=1, room=ROOM, of=of, language="en-US")
    assert await world.service.translate(GUEST, ("en",), command) is None
    [(at, _, text)] = await world.jobs()
    assert (at, text.text, text.readers, text.asked) == (of, "大家好", (("en",),), True)
    await world.translated(of, "en")
    found = await world.service.translate(GUEST, ("en",), command)
    assert found is not None
    assert isinstance(decode_event(found.body), Translated)
    assert await world.jobs() == []


@story
async def test_a_translation_of_an_earlier_text_is_none(world: World):
    of = await world.say()
    await world.translated(of, "en")
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="晚安", once="e"))
    assert await world.service.translate(GUEST, ("en",), Translate(id=1, room=ROOM, of=of, language="en")) is None
    [(_, revision, text)] = await world.jobs()
    assert (revision, text.text) == (1, "晚安")


@story
async def test_a_translation_into_a_language_that_the_asker_does_not_read_is_refused(world: World):
    of = await world.say()
    asked = world.service.translate(GUEST, ("en",), Translate(id=1, room=ROOM, of=of, language="fr"))
    assert await refused(asked) is ErrorCode.LANGUAGE_INVALID


@pytest.mark.parametrize("of", [2, 99])
def test_only_what_somebody_wrote_can_be_translated(of: int):
    async def begin() -> None:
        world = await World().open()
        asked = world.service.translate(GUEST, ("en",), Translate(id=1, room=ROOM, of=of, language="en"))
        assert await refused(asked) in (ErrorCode.MESSAGE_NOT_FOUND, ErrorCode.NOT_TRANSLATABLE)

    run(begin())
