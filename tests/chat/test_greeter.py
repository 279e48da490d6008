"""The greeter: one greeting for each newcomer, in what they read; a few answers; silence where many talk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from chat.client import Arrived, Client
from chat.commands import Post
from chat.events import Event, Joined, Left, Mention, Posted, Role
from chat.frames import PageEntry, People, Person
from chat.greeter import desk as rules
from chat.greeter.attend import Removed, attend
from chat.greeter.desk import Desk, Say
from chat.greeter.words import ANSWERS, CROWD, GREETING, QUESTIONS, greeting, language_for, question
from chat.language import guess
from chat.room import Caller
from tests.support.serving import ROOM, Served, serving

ME, NAME = "bot:greeter", "小村 🤖"


def people(*here: tuple[str, str], total: int | None = None) -> People:
    listed = tuple(Person(user=user, name=user.title(), languages=(language,)) for user, language in here)
    counts: dict[str, int] = {}
    for _, language in here:
        counts[language] = counts.get(language, 0) + 1
    return People(room=ROOM, total=len(here) if total is None else total, by_language=counts, people=listed)


def joined(user: str, role: Role = "guest") -> Joined:
    return Joined(user=user, name=user.title(), role=role)


def said(user: str, text: str) -> Posted:
    return Posted(author=user, name=user.title(), text=text)


class Room:
    """A desk, its log and a clock."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0
        self.log: list[tuple[Event, float]] = []
        self.open()

    def open(self) -> "Room":
        """A greeter starts: it reads the log."""
        self.desk = Desk(ME, NAME)
        for event, at_s in self.log:
            self.desk.remember(event, at_s, self.now_s)
        self.desk.knows = True
        return self

    def happens(self, event: Event, age_s: float = 0.0) -> list[Say]:
        self.log.append((event, self.now_s - age_s))
        return self._kept(self.desk.hear(event, len(self.log), self.now_s - age_s, self.now_s))

    def look(self, *here: tuple[str, str], after_s: float = 0.0, total: int | None = None) -> list[Say]:
        self.now_s += after_s
        return self._kept(self.desk.see(people(*here, total=total), self.now_s))

    def _kept(self, spoken: list[Say]) -> list[Say]:
        for each in spoken:
            posted = Posted(author=ME, name=NAME, text=each.text, reply_to=each.reply_to, mentions=each.mentions)
            self.log.append((posted, self.now_s))
            self.desk.hear(posted, len(self.log), self.now_s, self.now_s)
        return spoken


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "欢迎"), ("zh-Hant", "欢迎"), ("en", "Welcome"), ("pt", "Welcome")]
)
def test_a_newcomer_is_greeted_when_seen_in_the_language_they_read(room: Room, language: str, words: str) -> None:
    assert room.happens(joined("ana")) == []
    assert room.look(("old", "zh")) == [], "a member, and not here yet"
    [greeted] = room.look(("ana", language), after_s=3)
    assert words in greeted.text
    assert greeted.mentions == (Mention("ana", "@Ana"),)
    assert greeted.text.startswith("@Ana ")


def test_nobody_is_greeted_twice_whatever_restarts_or_comes_again(room: Room) -> None:
    room.happens(joined("ana"))
    assert len(room.look(("ana", "en"))) == 1
    assert room.look(("ana", "en"), after_s=3) == []
    room.happens(Left(user="ana", by="ana"))
    room.happens(joined("ana"))
    assert room.look(("ana", "en")) == []
    room.open()
    assert room.look(("ana", "en")) == [], "the log says so"
    room.now_s += 10 * 86_400
    room.open()
    room.happens(joined("ana"))
    assert room.look(("ana", "en")) == [], "for ever"


def test_who_came_while_we_were_away_is_greeted_if_it_was_just_now(room: Room) -> None:
    room.log += [(joined("early"), room.now_s - 3_600), (joined("late"), room.now_s - 20)]
    room.open()
    [greeted] = room.look(("early", "en"), ("late", "en"))
    assert greeted.mentions[0].user == "late"


def test_before_the_log_has_been_read_nobody_is_greeted(room: Room) -> None:
    room.desk.knows = False
    room.happens(joined("ana"))
    assert room.look(("ana", "en")) == []
    room.desk.knows = True
    assert len(room.look(("ana", "en"))) == 1


def test_a_greeting_by_another_greeter_of_our_name_counts(room: Room) -> None:
    room.happens(joined("ana"))
    room.happens(Posted(author=ME, name=NAME, text="@Ana hi", mentions=(Mention("ana", "@Ana"),)))
    assert room.look(("ana", "en")) == []


def test_two_greeters_say_it_under_the_same_once_key() -> None:
    spoken = []
    for _ in range(2):
        room = Room()
        room.happens(joined("guest-" + "x" * 100))
        spoken += room.look(("guest-" + "x" * 100, "en"))
    assert spoken[0].once == spoken[1].once
    Post(id=1, room=ROOM, text="x", once=spoken[0].once)
    assert len(spoken[0].once) <= 64


@pytest.mark.parametrize(("user", "role"), [("bot:echo", "member"), (ME, "member"), ("mod", "moderator")])
def test_programs_hosts_and_ourselves_are_not_greeted(room: Room, user: str, role: Role) -> None:
    room.happens(joined(user, role))
    assert room.look((user, "en")) == []
    assert not room.desk.waits


def test_who_never_comes_is_forgotten(room: Room) -> None:
    room.happens(joined("ana"))
    assert room.look(after_s=rules.NEWCOMER_LIVES_S + 1) == []
    assert not room.desk.waits
    assert room.look(("ana", "en")) == []


def test_who_is_not_on_a_list_cut_short_is_greeted_in_english_after_a_moment(room: Room) -> None:
    room.happens(joined("ana"))
    assert room.look(("old", "zh"), total=500) == []
    [greeted] = room.look(("old", "zh"), after_s=rules.UNLISTED_S + 1, total=500)
    assert "Welcome" in greeted.text


def test_a_crowd_is_greeted_together_and_once(room: Room) -> None:
    crowd = [f"u{number}" for number in range(rules.CROWD_PER_MINUTE + 30)]
    for user in crowd:
        room.happens(joined(user))
    here = [(user, "zh") for user in crowd]
    assert room.look(*here) == []
    assert room.look(*here, after_s=30) == []
    [spoken] = room.look(*here, after_s=31)
    assert (spoken.text, spoken.mentions) == (CROWD["zh"], ())
    assert room.look(*here, after_s=3) == []
    room.open()
    assert room.look(*here) == [], "they were greeted, all of them"
    room.happens(joined("single"))
    assert len(room.look(*here, ("single", "en"))) == 1, "the next one alone is greeted alone"


def test_a_crowd_that_goes_on_hears_nothing_more_for_a_while(room: Room) -> None:
    spoken: list[Say] = []
    for number in range(400):
        room.happens(joined(f"u{number}"))
        spoken += room.look((f"u{number}", "en"), after_s=2)
    assert len(spoken) <= 2 + 400 * 2 / rules.CROWD_AGAIN_S + rules.CROWD_PER_MINUTE
    assert sum(each.text == CROWD["en"] for each in spoken) in (1, 2)


def test_as_many_as_are_no_crowd_are_greeted_one_by_one(room: Room) -> None:
    users = [f"u{number}" for number in range(rules.CROWD_PER_MINUTE)]
    for user in users:
        room.happens(joined(user))
    assert len(room.look(*((user, "en") for user in users))) == rules.CROWD_PER_MINUTE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("help", ("help", "en")),
        ("Help!", ("help", "en")),
        ("帮助", ("help", "zh")),
        ("@小村 🤖 帮助？", ("help", "zh")),
        ("@小村 How do I reply?", ("reply", "en")),
        ("can you help me move house", None),
        ("", None),
        ("@小村 🤖", None),
    ],
)
def test_a_question_is_the_whole_message(text: str, found: tuple[str, str] | None) -> None:
    assert question(text, NAME) == found


def test_a_question_is_answered_as_a_reply_in_its_language(room: Room) -> None:
    room.happens(said("ana", "hello"))
    [answer] = room.happens(said("ana", "帮助"))
    assert (answer.text, answer.reply_to, answer.mentions) == (ANSWERS["help"]["zh"], 2, ())


def test_answers_are_bounded_for_each_member_and_for_the_room(room: Room) -> None:
    assert len(room.happens(said("ana", "help"))) == 1
    assert room.happens(said("ana", "help")) == []
    assert len(room.happens(said("ana", "怎么回复"))) == 1
    answered = [room.happens(said(f"u{number}", "help")) for number in range(20)]
    assert sum(map(len, answered)) == rules.ANSWERS_PER_MINUTE - 2
    room.now_s += rules.ANSWER_AGAIN_S + 1
    assert len(room.happens(said("ana", "help"))) == 1


@pytest.mark.parametrize("author", [ME, "bot:echo"])
def test_neither_ourselves_nor_programs_are_answered(room: Room, author: str) -> None:
    assert room.happens(said(author, "help")) == []


def test_old_questions_are_not_answered(room: Room) -> None:
    assert room.happens(said("ana", "help"), age_s=rules.FRESH_S + 1) == []


def test_what_is_remembered_of_newcomers_and_askers_is_bounded(room: Room) -> None:
    for number in range(rules.NEWCOMERS_MAX + 50):
        room.happens(joined(f"u{number}"))
    assert len(room.desk._waiting) == rules.NEWCOMERS_MAX
    for number in range(rules.ASKERS_MAX + 50):
        room.now_s += 61
        room.happens(said(f"u{number}", "help"))
    assert len(room.desk._asked_s) <= rules.ASKERS_MAX


def test_everything_is_said_in_both_languages_and_is_in_the_language_it_says() -> None:
    tables = [GREETING, CROWD, *ANSWERS.values(), *({k: " ".join(v) for k, v in q.items()} for q in QUESTIONS.values())]
    for table in tables:
        assert set(table) == {"zh", "en"}
        for language, text in table.items():
            assert guess(text.replace("{called}", ""), ("zh", "en")) == language
    assert QUESTIONS.keys() == ANSWERS.keys()


def test_no_answer_is_a_question_of_ours() -> None:
    """Two greeters of different names must not answer each other."""
    for text in [*CROWD.values(), *(text for topic in ANSWERS.values() for text in topic.values())]:
        assert question(text, NAME) is None
    assert question(greeting("Ana", ("en",))[0], NAME) is None
    assert language_for(("fr", "zh-Hant", "en")) == "zh"


# -- at work -----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def at_work(served: Served) -> AsyncIterator[Client]:
    async with (
        Client(served.url, token="usergreeter", languages=("zh", "en"), proxy=None) as client,
        asyncio.TaskGroup() as tasks,
    ):
        working = tasks.create_task(attend(client, ROOM))
        try:
            yield client
        finally:
            working.cancel()


async def heard(client: Client, known: Callable[[Posted], bool]) -> Posted:
    async with asyncio.timeout(5):
        async for item in client.events():
            match item:
                case Arrived(event=Posted() as posted) if known(posted):
                    return posted
    raise AssertionError("the client ended")


async def test_a_newcomer_and_a_question_over_a_real_server_and_a_restart() -> None:
    async with serving() as served:
        async with at_work(served), Client(served.url, token="user1", languages=("zh",), proxy=None) as ana:
            await ana.join(ROOM)
            greeted = await heard(ana, lambda posted: posted.author == "usergreeter")
            assert greeted.mentions == (Mention("user1", "@User1"),)
            assert "欢迎" in greeted.text
            await ana.post(ROOM, "help")
            answered = await heard(ana, lambda posted: posted.reply_to is not None)
            assert answered.text == ANSWERS["help"]["en"]
        async with at_work(served), Client(served.url, token="user2", languages=("en",), proxy=None) as ben:
            await ben.join(ROOM)
            assert (await heard(ben, lambda posted: bool(posted.mentions))).mentions[0].user == "user2"
        posts = [entry.event for entry in await _everything(served) if isinstance(entry.event, Posted)]
        assert [mention.user for post in posts for mention in post.mentions] == ["user1", "user2"]


async def test_a_greeter_that_is_removed_goes() -> None:
    async with serving() as served:
        with pytest.RaisesGroup(Removed, flatten_subgroups=True):
            async with at_work(served) as client:
                while not await served.engine.log.member(ROOM, client.user):
                    await asyncio.sleep(0.01)
                service = served.gateway.service
                await service.remove(Caller("host", "Host", administrator=True), ROOM, client.user)
                async with asyncio.timeout(5):
                    await asyncio.Event().wait()


async def _everything(served: Served) -> tuple[PageEntry, ...]:
    async with Client(served.url, token="user1", languages=("zh", "en"), proxy=None) as reader:
        await reader.join(ROOM)
        return (await reader.history(ROOM, after=0, limit=100)).entries
