"""What happens when somebody asks, on ports in memory: pages of what was said."""

from chat.commands import (
    Edit,
    React,
)
from chat.errors import ErrorCode
from chat.events import Edited, Posted, Reacted, Translated
from chat.limits import PAGE_BYTES_MAX, TEXT_CHARS_MAX
from tests.chat.service.world import GUEST, HOST, ROOM, STRANGER, World, refused, story


@story
async def test_paging_back_and_forth_meets_every_entry_once(world: World):
    for number in range(10):
        await world.say(str(number), once=str(number))
    back: list[int] = []
    page = await world.page(limit=4)
    back[:0] = [entry.seq for entry in page.entries]
    while page.more:
        page = await world.page(limit=4, before=page.first)
        back[:0] = [entry.seq for entry in page.entries]
    forth: list[int] = []
    page = await world.page(limit=5, after=0)
    forth += [entry.seq for entry in page.entries]
    while page.more:
        page = await world.page(limit=5, after=page.last)
        forth += [entry.seq for entry in page.entries]
    assert back == forth == list(range(1, 13))


@story
async def test_a_page_carries_what_was_said_about_its_messages_later_in_the_readers_languages(world: World):
    first = await world.say("一", once="1")
    await world.say("二", once="2")
    for language in ("en", "fr"):
        await world.translated(first, language)
    await world.service.react(GUEST, React(id=1, room=ROOM, of=first, emoji="❤️", once="x"))
    page = await world.page(before=first + 1, limit=1)
    assert [entry.seq for entry in page.entries] == [first]
    about = [entry.event for entry in page.about]
    assert [type(event) for event in about] == [Translated, Reacted]
    assert isinstance(about[0], Translated)
    assert about[0].language == "en"
    everything = await world.page()
    assert everything.about == ()  # nothing twice: it all stands on the page itself


@story
async def test_a_page_leaves_out_what_a_later_edit_made_void(world: World):
    of = await world.say("一", once="1")
    await world.translated(of, "en", revision=0)
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="二", once="2"))
    await world.service.edit(HOST, Edit(id=1, room=ROOM, of=of, text="三", once="3"))
    await world.translated(of, "en", revision=2)
    page = await world.page(before=of + 1, limit=1)
    assert [(type(entry.event), entry.event.revision) for entry in page.about] == [(Edited, 2), (Translated, 2)]  # type: ignore[union-attr]  # both kinds have one


@story
async def test_a_page_of_the_longest_posts_is_bounded_in_bytes_and_paging_goes_on(world: World):
    """A page of 100 long Chinese posts was 1.2 MB: more than a gateway will owe one client, who was closed as a slow
    reader, came back, and asked for the same page again."""
    long = "字" * TEXT_CHARS_MAX
    for number in range(60):
        await world.say(long, once=str(number))
    seen: list[int] = []
    page = await world.page(limit=100)
    while True:
        assert sum(len(entry.event.text) * 3 for entry in page.entries if isinstance(entry.event, Posted)) <= (
            PAGE_BYTES_MAX
        )
        assert (page.first, page.last) == (page.entries[0].seq, page.entries[-1].seq)
        seen[:0] = [entry.seq for entry in page.entries]
        if not page.more:
            break
        page = await world.page(limit=100, before=page.first)
    assert seen == list(range(1, 63))
    forward = await world.page(limit=100, after=0)
    assert forward.first == 1
    assert forward.more


@story
async def test_a_position_of_another_life_and_two_bounds_at_once_are_refused(world: World):
    assert await refused(world.page(epoch="ab")) is ErrorCode.EPOCH_CHANGED
    assert await refused(world.page(before=5, after=1)) is ErrorCode.MALFORMED
    assert (await world.page(epoch="0f", before=0)).entries == ()
    assert await refused(world.page(STRANGER)) is ErrorCode.ROOM_NOT_FOUND
