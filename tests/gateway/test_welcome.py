"""What the house says in the first room: once, in both languages, and readable by who has only the starter."""

import asyncio
import contextlib
from itertools import count

import pytest

from chat.adapters.memory import MemoryEngine, wall_clock_ms
from chat.commands import Post, Recall
from chat.errors import Unavailable
from chat.events import Posted
from chat.greeter.words import ANSWERS, CROWD, GREETING
from chat.language import guess
from chat.service import Service
from chat.wire import readable_event
from gateway.welcome import HOST, HOUSE, LINES, WELCOME_ROOM, open_welcome_room
from tests.support.faults import each_failure
from translator import masking
from translator.phrases import Phrases
from translator.sentences import split


def service_on(engine: MemoryEngine) -> Service:
    numbers = count()
    return Service(
        engine.log,
        engine.presence,
        engine.jobs,
        engine.invites,
        now_ms=wall_clock_ms,
        new_id=lambda: str(next(numbers)),
    )


async def posts(service: Service) -> list[Posted]:
    entries = await service.log.read_after(WELCOME_ROOM, 0, 100)
    return [event for entry in entries if isinstance(event := readable_event(entry.body), Posted)]


@pytest.fixture
def service() -> Service:
    return service_on(MemoryEngine())


async def test_the_lines_are_said_once_by_the_house_however_often_it_starts(service: Service) -> None:
    for _ in range(3):
        await open_welcome_room(service)
    said = await posts(service)
    assert [post.text for post in said] == [text for text, _ in LINES]
    assert {(post.author, post.name) for post in said} == {(HOUSE.user, HOUSE.name)}
    assert await service.log.member(WELCOME_ROOM, HOUSE.user) is None, "nobody is counted who is not here"


async def test_two_that_start_together_say_it_once(service: Service) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(open_welcome_room(service))
    assert [post.text for post in await posts(service)] == [text for text, _ in LINES]


async def test_a_start_that_was_cut_off_anywhere_is_finished_by_the_next() -> None:
    for faults in each_failure():
        engine = MemoryEngine()
        faulty = service_on(engine)
        faulty.log = faults.wrap(engine.log)
        with contextlib.suppress(Unavailable):
            await open_welcome_room(faulty)
        service = service_on(engine)
        await open_welcome_room(service)
        assert [post.text for post in await posts(service)] == [text for text, _ in LINES], str(faults)


async def test_a_line_answers_another(service: Service) -> None:
    await open_welcome_room(service)
    said = await posts(service)
    [answer] = [post for post in said if post.reply_to is not None]
    found = await service.log.read_at(WELCOME_ROOM, answer.reply_to or 0)
    assert found is not None
    assert readable_event(found.body) == said[0]


async def test_a_room_where_somebody_spoke_hears_nothing_late(service: Service) -> None:
    await open_welcome_room(service)
    for post in [post for post in await service.log.read_after(WELCOME_ROOM, 0, 100) if post.seq > 1]:
        await service.recall(HOST, Recall(id=0, room=WELCOME_ROOM, of=post.seq, once=f"r{post.seq}"))
    await open_welcome_room(service)
    assert await posts(service) == [], "what was taken back stays so"
    await service.post(HOST, Post(id=0, room=WELCOME_ROOM, text="hello", once="1"))
    await open_welcome_room(service)
    assert [post.text for post in await posts(service)] == ["hello"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_third_of_the_lines_at_least_is_in_each_language(language: str) -> None:
    assert sum(guess(text, ("zh", "en")) == language for text, _ in LINES) >= 2


@pytest.mark.parametrize(
    "text",
    [
        *(text for text, _ in LINES),
        *GREETING.values(),
        *CROWD.values(),
        *(text for answer in ANSWERS.values() for text in answer.values()),
    ],
)
def test_the_starter_knows_what_the_house_says_by_heart(text: str) -> None:
    """The first words a newcomer reads here are a translation: they must not be the worst."""
    source = guess(text.replace("{called}", ""), ("zh", "en"))
    target = "en" if source == "zh" else "zh"
    for segment in masking.mask(text.replace("{called}", "@Ana"), ["@Ana"]):
        if isinstance(segment, masking.Passage):
            for sentence in split(segment.text):
                made = Phrases.of_starter().get(sentence, source, target)
                assert made, sentence
                assert guess(made, ("zh", "en")) == target, made
