"""What a line owes its readers where it holds terms and names of the room."""

import pytest

from chat.events import Mention, Translated
from chat.ports import Job, JobText, TakenJob, Term
from tests.translator.test_worker import World, define, story
from translator.debts import debts_of, detected
from translator.detect import detect
from translator.terms import Terms
from translator.worker import Worker

ROOM_TERMS = (
    Term("地球村", "Diqiucun", "en", "", "ann"),
    Term("Diqiucun", "地球村", "zh", "", "ann"),
    Term("火锅", "hot pot", "en", "", "ann"),
    Term("hot pot", "火锅", "zh", "", "ann"),
    Term("月亮代表我的心", "The Moon Represents My Heart", "en", "", "ann"),
    Term("art", "艺术", "zh", "", "ann"),
    Term("小红书", None, "", "", "ann"),
    Term("白睿康", "Brecken", "", "", "bob", name=True),
    Term("白睿康", None, "zh", "", "bob", name=True),
    Term("Brecken", "白睿康", "zh", "", "bob", name=True),
)
READERS = (("zh",), ("en",))


def owed(
    line: str,
    *terms: Term,
    readers: tuple[tuple[str, ...], ...] = READERS,
    names: tuple[str, ...] = (),
    mentions: tuple[str, ...] = (),
    asked: bool = False,
) -> list[tuple[str, str]]:
    """(source, target) of every debt."""
    known = Terms(terms)
    named = tuple(Mention("bob", mention) for mention in mentions)
    text = JobText(line, "ann", readers, named, names=names, asked=asked)
    found = detected(detect, text, known)
    debts = debts_of(TakenJob("1", Job("tea", 1, 0, text), 1), text, found, known)
    return [(debt.source, debt.target) for debt in debts if found.needs_translation]


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("地球村", "en"),
        ("地球村地球村地球村", "en"),
        ("火锅！", "en"),
        ("火锅 @小明", "en"),
        ("月亮代表我的心", "en"),
        ("hot pot!", "zh"),
        ("Diqiucun", "zh"),
        ("DIQIUCUN 😂", "zh"),
        ("白睿康！", "en"),
        ("Brecken", "zh"),
        ("火鍋", "en"),
        ("白睿康 火锅", "en"),
    ],
)
def test_a_line_of_terms_alone_is_owed_to_who_shall_see_them_otherwise(line: str, target: str) -> None:
    assert [to for _, to in owed(line, *ROOM_TERMS, mentions=("@小明",))] == [target]


@pytest.mark.parametrize("line", ["小红书", "小红书！ 哈哈", "Zoë", "@小明", "666"])
def test_a_line_of_what_stays_as_it_is_is_owed_to_nobody(line: str) -> None:
    assert owed(line, *ROOM_TERMS, names=("Zoë",), mentions=("@小明",)) == []


def test_a_name_is_owed_only_to_who_shall_see_another_and_a_word_to_everybody_who_does_not_read_it() -> None:
    spanish = (("es",), ("zh",), ("en",))
    named = Term("Brecken", "白睿康", "zh", "", "bob", name=True)
    assert owed("Brecken", named, readers=spanish) == [("es", "zh")]
    assert owed("Brecken", named, readers=spanish[:1]) == []
    assert owed("Brecken", named, readers=spanish[:1], asked=True) == []
    assert owed("火锅", Term("火锅", "hot pot", "en", "", "ann"), readers=spanish) == [("zh", "es"), ("zh", "en")]


def test_a_term_says_nothing_about_the_language_of_the_words_beside_it() -> None:
    assert owed("hi 白睿康", *ROOM_TERMS) == [("en", "zh")]
    assert owed("we start now", *ROOM_TERMS) == [("en", "zh")], "no term within a word"
    assert owed("哈哈哈", *ROOM_TERMS) == []


@pytest.mark.parametrize(
    ("line", "name", "debt"),
    [
        ("你好", "你好", ("zh", "en")),
        ("谢谢你！", "谢谢你", ("zh", "en")),
        ("Hello", "Hello", ("en", "zh")),
        ("Yes", "Yes", ("en", "zh")),
    ],
)
def test_who_is_called_like_a_greeting_silences_nobodys(line: str, name: str, debt: tuple[str, str]) -> None:
    assert owed(line, names=(name,)) == [debt]


def test_readers_get_the_form_of_a_term_that_is_the_whole_line() -> None:
    async def tell(world: World, _: Worker) -> None:
        await define(world, "火锅", "hot pot", "en")
        await define(world, "Diqiucun", "地球村", "zh")
        await world.post("火锅！", *READERS)
        await world.post("Diqiucun", *READERS)
        await world.idle()
        said = [(audience, event.text) for audience, event in await world.said() if isinstance(event, Translated)]
        assert sorted(said) == [("en", "hot pot!"), ("zh", "地球村")]
        assert world.translating.batches == []

    story(tell)
