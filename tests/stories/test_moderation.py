"""Who is heard in a hosted room: every mode, every role, every standing, every way of speaking, out of one table; and
that what is for moderators, or for one member alone, reaches nobody else by any way of reading."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from msgspec import structs

from chat.adapters.memory import MemoryEngine
from chat.commands import (
    CreateRoom,
    Edit,
    History,
    Join,
    OpenCeremony,
    Pin,
    Post,
    React,
    Recall,
    SetName,
    Suggest,
    Translate,
    Vote,
)
from chat.conduct import ORDINARY, Conduct, conduct_of
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, Entry, Event, Left, Posted, Recalled, Translated, Untranslated
from chat.live_commands import (
    Ask,
    DecideHeld,
    Desk,
    ModerationCommand,
    RaiseHand,
    Report,
    Sanction,
    SetConduct,
    SettleReport,
    SetWords,
    Stage,
)
from chat.live_events import MODERATORS, HeldBack, HeldDecided, SanctionAction, Sanctioned, Word
from chat.moderation import audit
from chat.moderation.rows import HAND, HELD, REPORT, STANDING, WORDS, held_of, plain, standing_row_of, words_of_row
from chat.ports import JobText, Roster, Verdict
from chat.room import Caller
from chat.service import JOBS_MAX, Service
from chat.wire import decode_event
from tests.support.conduct_table import MODES, STANDINGS, code_of, expected
from tests.support.virtual_time import now_ms, run
from tests.support.world import Dictionary
from translator.worker import Worker

ROOM = "hall"
OWNER = Caller("owner", "Olive", may_create=True)
HOST = Caller("host", "Hanna", {ROOM: "moderator"})
BOB = Caller("bob", "Bob", {ROOM: "member"})
GUEST = Caller("guest", "Gil", {ROOM: "guest"})
EVE = Caller("eve", "Eve", {ROOM: "member"})
"""She listens."""
ROLES = {"owner": OWNER, "moderator": HOST, "member": BOB, "guest": GUEST}


class Hall:
    """A service over an engine in memory, with somebody of every role."""

    def __init__(self) -> None:
        self.engine = MemoryEngine(now_ms=now_ms, new_epoch=lambda: "0f")
        self._ids = 0
        engine = self.engine
        self.service = Service(
            engine.log, engine.presence, engine.jobs, engine.invites, now_ms=now_ms, new_id=self._next
        )

    def _next(self) -> str:
        self._ids += 1
        return str(self._ids)

    async def open(self) -> "Hall":
        await self.service.create_room(OWNER, CreateRoom(id=0, room=ROOM, title="Hall", once="c"))
        for caller in (HOST, BOB, GUEST, EVE):
            await self.service.join(caller, Join(id=0, room=ROOM))
        await asyncio.sleep(700)  # nobody is new any more, but for who asks for a day
        return self

    async def do(self, caller: Caller, command: ModerationCommand) -> int:
        done = await self.service.moderate(caller, command)
        return done.position.seq if done else 0

    async def conduct(self, conduct: Conduct) -> None:
        await self.do(OWNER, SetConduct(id=0, room=ROOM, conduct=conduct, once=self._next()))

    async def sanction(self, user: str, action: SanctionAction, *, by: Caller = OWNER, **more: object) -> int:
        seconds = 60 if action == "timeout" else 0
        command = Sanction(id=0, room=ROOM, user=user, action=action, for_s=seconds, once=self._next())
        command = structs.replace(command, **more)
        return await self.do(by, command)

    async def words(self, *words: Word) -> None:
        await self.do(HOST, SetWords(id=0, room=ROOM, words=words, once=self._next()))

    async def say(self, caller: Caller, text: str = "hello all") -> int:
        return (await self.service.post(caller, Post(id=0, room=ROOM, text=text, once=self._next()))).position.seq

    async def entries(self) -> list[Entry]:
        return list(await self.engine.log.read_after(ROOM, 0, 100_000))

    async def events(self) -> list[tuple[int, Event]]:
        return [(entry.seq, decode_event(entry.body)) for entry in await self.entries()]

    async def head(self) -> int:
        state = await self.engine.log.state(ROOM)
        assert state is not None
        return state.head.seq

    async def told(self, caller: Caller, after: int = 0) -> list[Event]:
        """Everything that this member can read."""
        page = await self.service.history(caller, ("en", "zh"), History(id=0, room=ROOM, after=after, limit=100))
        return [entry.event for entry in (*page.entries, *page.about)]

    async def raised(self, caller: Caller) -> bool:
        """Whether this member is told that their own hand is up."""
        return (await self.service.stage(caller, Stage(id=0, room=ROOM))).hand

    async def desk(self) -> object:
        return await self.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))

    async def refusal(self, asked: Awaitable[object]) -> ErrorCode:
        with pytest.raises(Rejected) as refused:
            await asked
        return refused.value.code

    async def check(self) -> None:
        """The board is what the log says."""
        state, log = audit.fold(await self.events()), self.engine.log
        found = await log.state(ROOM)
        assert found is not None
        assert conduct_of(found.conduct) == state.conduct
        standings = {user: plain(standing_row_of(row)) for user, row in (await log.rows(ROOM, STANDING)).items()}
        assert standings == state.standings
        held = {int(key): held_of(row) for key, row in (await log.rows(ROOM, HELD)).items()}
        assert {of: each.held for of, each in held.items()} == state.held
        assert {of for of, each in held.items() if each.approved} == state.approved
        assert {int(key) for key in await log.rows(ROOM, REPORT)} == set(state.reports)
        listed = words_of_row(await log.row(ROOM, WORDS, ""))
        assert (listed.words, listed.lists) == (state.words, state.lists)
        assert set(await log.rows(ROOM, HAND)) == state.hands


Asked = Callable[[], Awaitable[object]]


def ways_of(hall: Hall, caller: Caller, anchor: int, own: int, suggested: int) -> dict[str, list[Asked]]:
    """Every way of speaking, and how it is done."""
    service = hall.service
    edit = Edit(id=0, room=ROOM, of=own, text="other words", once="e")
    suggest = Suggest(id=0, room=ROOM, of=anchor, language="zh", text="船锚", once="g")
    react = React(id=0, room=ROOM, of=anchor, emoji="👍", on=True, once="r")
    vote = Vote(id=0, room=ROOM, of=anchor, suggestion=suggested, once="v")
    return {
        "message": [lambda: hall.say(caller, "something new")],
        "edit": [lambda: service.edit(caller, edit)],
        "line": [lambda: service.suggest(caller, suggest)],
        "ask": [lambda: service.on_stage(caller, Ask(id=0, room=ROOM, text="when?", once="q"))],
        "act": [lambda: service.react(caller, react), lambda: service.vote(caller, vote)],
        "typing": [lambda: service.typist(caller, ROOM)],
    }


@pytest.mark.parametrize("mode", MODES)
def test_who_is_heard(mode: str) -> None:
    """Every role, standing and way of speaking in this mode."""

    async def story() -> None:
        for role, caller in ROLES.items():
            for standing, (action, outcome) in STANDINGS.items():
                if role == "owner" and outcome != "as the mode says":
                    continue  # nobody decides about the owner
                hall = await Hall().open()
                anchor = await hall.say(EVE, "anchor")
                own = await hall.say(caller, "an old one")
                suggested = await hall.service.suggest(
                    EVE, Suggest(id=0, room=ROOM, of=anchor, language="zh", text="锚", once="s")
                )
                await hall.conduct(MODES[mode][0])
                if outcome != "as the mode says":
                    await hall.sanction(caller.user, action)
                ways = ways_of(hall, caller, anchor, own, suggested.position.seq)
                for way, asks in ways.items():
                    for ask in asks:
                        before = await hall.head()
                        try:
                            answer = await ask()
                        except Rejected as refused:
                            found = "refused"
                            code = code_of(mode, standing, way, granted=True)
                            assert refused.code is code, (mode, role, standing, way)
                            assert await hall.head() == before, "who is refused leaves nothing behind"
                        else:
                            found = "heard" if answer is not None else "alone"
                            for entry in await hall.engine.log.read_after(ROOM, before, 10):
                                held = isinstance(decode_event(entry.body), HeldBack)
                                found = "held" if held else "heard" if entry.audience == EVERYONE else "alone"
                        assert found == expected(mode, role, standing, way), (mode, role, standing, way)
                if outcome == "out":
                    assert await hall.refusal(hall.service.standing(caller, ROOM)) is not None
                    joined = hall.service.join(caller, Join(id=0, room=ROOM))
                    if standing == "banned":
                        assert await hall.refusal(joined) is ErrorCode.BANNED
                    else:
                        with suppress(Rejected):
                            await joined
                await hall.check()

    run(story(), until_s=1e6)


def test_slow_unique_and_expired() -> None:
    async def story() -> None:
        hall = await Hall().open()
        await hall.conduct(Conduct(slow_s=30, unique=True))
        await hall.say(BOB, "one")
        assert await hall.refusal(hall.say(BOB, "two")) is ErrorCode.SLOW_MODE
        assert await hall.refusal(hall.say(EVE, "O N E")) is ErrorCode.SAID_ALREADY
        await hall.say(HOST, "one")
        await hall.say(HOST, "one")  # moderators are exempt
        await asyncio.sleep(30)
        assert await hall.refusal(hall.say(BOB, "one")) is ErrorCode.SAID_ALREADY
        await hall.say(BOB, "two")
        await hall.conduct(ORDINARY)
        await hall.sanction("bob", "timeout")
        with pytest.raises(Rejected) as muted:
            await hall.say(BOB)
        assert (muted.value.code, muted.value.retry_after_ms) == (ErrorCode.MUTED, 60_000)
        await asyncio.sleep(59.9)
        assert await hall.refusal(hall.say(BOB)) is ErrorCode.MUTED
        await asyncio.sleep(0.1)
        await hall.say(BOB, "again")
        await hall.check()

    run(story())


@pytest.mark.parametrize("seed", range(20))
def test_a_mute_that_lands_between_look_and_append_wins(seed: int) -> None:
    """However a command and the decision about its author interleave: nothing stands behind the decision in the log."""

    async def story() -> None:
        chance = random.Random(seed)
        hall = await Hall().open()
        anchor = await hall.say(EVE, "anchor")
        service = hall.service

        async def speak(number: int) -> None:
            for at in range(6):
                once = f"{number}-{at}"
                asks: list[Coroutine[Any, Any, object]] = [
                    service.post(BOB, Post(id=0, room=ROOM, text=f"post {once}", once=once)),
                    service.react(BOB, React(id=0, room=ROOM, of=anchor, emoji="👍", on=at % 2 == 0, once=once)),
                    service.ceremony(BOB, SetName(id=0, room=ROOM, text="白睿康", once=once)),
                    service.ceremony(BOB, OpenCeremony(id=0, room=ROOM, once=once)),
                    service.suggest(BOB, Suggest(id=0, room=ROOM, of=anchor, language="zh", text=once, once=once)),
                    service.on_stage(BOB, Ask(id=0, room=ROOM, text=f"why {once}?", once=once)),
                ]
                chosen = chance.randrange(len(asks))
                for index, each in enumerate(asks):
                    if index != chosen:
                        each.close()
                with suppress(Rejected):
                    await asks[chosen]
                await asyncio.sleep(chance.choice((0, 0, 0.001)))

        decided: list[int] = []

        async def decide() -> None:
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            action: SanctionAction = chance.choice(("ban", "mute", "shadow", "kick"))
            decided.append(await hall.sanction("bob", action))

        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(speak(number))
            tasks.create_task(decide())
        for entry in await hall.entries():
            event = decode_event(entry.body)
            author = getattr(event, "author", "") or getattr(event, "by", "") or getattr(event, "user", "")
            if entry.seq > decided[0] and author == "bob" and not isinstance(event, Left):
                assert entry.audience != EVERYONE, f"{event} was said after the decision at {decided[0]}"
        await hall.check()

    run(story())


def test_what_is_for_some_reaches_nobody_else() -> None:
    """Held messages, reports, sanctions, what a shadowed member says, and everything about it: by no way of reading."""

    async def story() -> None:
        hall = await Hall().open()
        service, secret = hall.service, "SECRET"
        await hall.words(Word(text="SECRET hold"))
        held = await hall.say(GUEST, f"{secret} hold")
        await hall.sanction("bob", "shadow", why=secret)
        shadowed = await hall.say(BOB, f"{secret} shadowed")
        await service.react(HOST, React(id=0, room=ROOM, of=shadowed, emoji="👍", on=True, once="r"))
        await service.suggest(HOST, Suggest(id=0, room=ROOM, of=shadowed, language="zh", text=secret, once="s"))
        await service.edit(BOB, Edit(id=0, room=ROOM, of=shadowed, text=f"{secret} again", once="e"))
        await hall.do(EVE, Report(id=0, room=ROOM, of=await hall.say(HOST, "fine"), why=secret, once="p"))
        for of in (held, shadowed):
            event = Translated(of=of, revision=0, language="zh", source="en", text=secret, engine="e", package="p")
            audience = MODERATORS if of == held else "@bob"
            await hall.engine.log.append(ROOM, event, once=f"t{of}", audience=audience)
        for reader in (EVE, GUEST):
            pages = [await hall.told(reader), await hall.told(reader, shadowed - 1)]
            assert secret not in repr(pages), "history"
            for of in (held, shadowed):
                asks: list[Awaitable[object]] = [
                    service.translate(reader, ("zh",), Translate(id=0, room=ROOM, of=of, language="zh")),
                    service.react(reader, React(id=0, room=ROOM, of=of, emoji="👍", on=True, once=f"r{of}")),
                    service.suggest(reader, Suggest(id=0, room=ROOM, of=of, language="zh", text="x", once=f"s{of}")),
                    service.edit(reader, Edit(id=0, room=ROOM, of=of, text="x", once=f"e{of}")),
                    service.recall(reader, Recall(id=0, room=ROOM, of=of, once=f"c{of}")),
                    service.moderate(reader, Report(id=0, room=ROOM, of=of, once=f"o{of}")),
                ]
                for ask in asks:
                    assert await hall.refusal(ask) is ErrorCode.MESSAGE_NOT_FOUND
            assert await hall.refusal(service.desk(reader, (), Desk(id=0, room=ROOM))) is ErrorCode.FORBIDDEN
            assert await hall.refusal(service.audit(reader, ROOM, before=0, limit=9)) is ErrorCode.FORBIDDEN
        pin = Pin(id=0, room=ROOM, of=shadowed, once="pin")
        assert await hall.refusal(service.pin(HOST, pin)) is ErrorCode.MESSAGE_NOT_FOUND
        assert f"{secret} again" in repr(await hall.told(BOB)), "they read themselves"
        assert "held_back" not in repr(await hall.told(BOB))
        seen = repr(await hall.told(HOST))
        assert f"{secret} hold" in seen
        assert f"{secret} again" in seen
        recalled = await service.recall(HOST, Recall(id=0, room=ROOM, of=shadowed, once="x"))
        entry = await hall.engine.log.read_at(ROOM, recalled.position.seq)
        assert entry is not None
        assert entry.audience == "@bob"
        await hall.check()

    run(story())


def test_edits_of_a_shadowed_member_are_translated_for_nobody_else() -> None:
    async def story() -> None:
        hall = await Hall().open()
        of = await hall.say(BOB, "plain words")
        await hall.sanction("bob", "shadow")
        await hall.service.edit(BOB, Edit(id=0, room=ROOM, of=of, text="SECRET", once="e"))
        ask = Translate(id=0, room=ROOM, of=of, language="zh")
        assert await hall.refusal(hall.service.translate(EVE, ("zh",), ask)) is ErrorCode.NOT_TRANSLATABLE
        assert "SECRET" not in repr(await hall.told(EVE))
        await hall.service.translate(HOST, ("zh",), ask)
        [taken] = await hall.engine.jobs.take("w", 10, 0)
        assert isinstance(taken.job.text, JobText)
        assert (taken.job.text.text, taken.job.text.audience) == ("SECRET", "@bob")

    run(story())


def test_a_held_message_is_decided_once_and_posted_once() -> None:
    async def story() -> None:
        hall = await Hall().open()
        await hall.engine.presence.report(ROOM, "g", Roster(2, {("en",): 1, ("zh",): 1}), 60_000)
        await hall.words(Word(text="spam"), Word(text="heck", action="replace"), Word(text="slur", action="refuse"))
        of = await hall.say(BOB, "buy my spam")
        [taken] = await hall.engine.jobs.take("w", 10, 0)
        assert isinstance(taken.job.text, JobText)
        assert (taken.job.of, taken.job.text.audience) == (of, MODERATORS)
        assert await hall.refusal(hall.say(BOB, "a slur")) is ErrorCode.WORDS_REFUSED
        entry = await hall.engine.log.read_at(ROOM, await hall.say(BOB, "oh heck"))
        assert entry is not None
        shown = decode_event(entry.body)
        assert isinstance(shown, Posted)
        assert shown.text == "oh ****"
        frame = await hall.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))
        assert [(each.of, each.held.hits[0].word, each.recent) for each in frame.held] == [(of, "spam", ("oh ****",))]
        decide = DecideHeld(id=0, room=ROOM, of=of, approve=True, once="d")
        assert await hall.do(HOST, decide) == await hall.do(HOST, decide)
        other = DecideHeld(id=0, room=ROOM, of=of, approve=False, once="d2")
        assert await hall.refusal(hall.service.moderate(OWNER, other)) is ErrorCode.OVER
        await hall.service.release_due(ROOM, 0)
        posted = [event for _, event in await hall.events() if isinstance(event, Posted) and event.held == of]
        assert [event.text for event in posted] == ["buy my spam"]
        await hall.check()

    run(story())


def test_what_is_let_through_while_too_much_waits_is_not_silently_untranslated() -> None:
    """It was posted without a translation and without a word about that. And of what one member alone receives, no
    other is told that there is none."""

    async def story() -> None:
        hall = await Hall().open()
        await hall.engine.presence.report(ROOM, "g", Roster(2, {("en",): 1, ("zh",): 1}), 60_000)
        await hall.words(Word(text="spam"))
        await hall.sanction("bob", "shadow")
        of = await hall.say(GUEST, "buy my spam")
        hall.service._backlog, hall.service._backlog_at_ms = JOBS_MAX, now_ms()
        await hall.service.on_stage(BOB, Ask(id=0, room=ROOM, text="When does it begin?", once="q"))
        await hall.do(HOST, DecideHeld(id=0, room=ROOM, of=of, approve=True, once="d"))
        told = [(entry.audience, entry.seq, decode_event(entry.body)) for entry in await hall.entries()]
        [posted] = [seq for _, seq, event in told if isinstance(event, Posted)]
        notices = [(audience, event) for audience, _, event in told if isinstance(event, Untranslated)]
        assert notices == [("zh", Untranslated(of=posted, revision=0, language="zh", source="en", reason="overload"))]

    run(story())


def test_a_listed_word_in_the_translation_alone_hides_the_translation_alone() -> None:
    """And what is held is translated for moderators, whatever it says."""

    async def story() -> None:
        hall = await Hall().open()
        await hall.engine.presence.report(ROOM, "g", Roster(2, {("en",): 1, ("zh",): 1}), 60_000)
        await hall.words(Word(text="zh"), Word(text="spam"))
        said, held = await hall.say(BOB, "hello there"), await hall.say(BOB, "some spam")
        worker = Worker(
            "w",
            hall.engine.jobs,
            hall.engine.log,
            Dictionary(random.Random(1)),  # type: ignore[arg-type]  # a stand-in for the pipeline
            parked=hall.engine.parked,
            clock_ms=now_ms,
        )
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(2)
        worker.stop()
        await working
        told: dict[int, tuple[str, object]] = {}
        for entry in await hall.entries():
            event = decode_event(entry.body)
            if isinstance(event, Translated | Untranslated):
                told[event.of] = (entry.audience, event.text if isinstance(event, Translated) else event.reason)
        assert told == {said: ("zh", "moderated"), held: (MODERATORS, "[zh] some spam")}

    run(story(), until_s=1e6)


def test_a_classifier_outside_is_asked_last() -> None:
    class Strict:
        def __init__(self) -> None:
            self.asked: list[str] = []

        async def judge(self, text: str, author: str, room: str, language: str) -> Verdict:
            self.asked.append(text)
            return Verdict("hold" if "odd" in text else "refuse" if "bad" in text else "allow", "because")

    async def story() -> None:
        hall = await Hall().open()
        strict = hall.service.classifier = Strict()
        await hall.words(Word(text="spam"))
        await hall.say(BOB, "fine")
        await hall.say(HOST, "bad, says the host")
        await hall.say(BOB, "spam")
        assert await hall.refusal(hall.say(BOB, "bad")) is ErrorCode.WORDS_REFUSED
        odd = await hall.say(BOB, "odd")
        assert set(strict.asked) == {"fine", "bad", "odd"}, "neither of moderators nor of what is held already"
        frame = await hall.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))
        held = next(each.held for each in frame.held if each.of == odd)
        assert (held.why, held.hits[0].word, held.hits[0].how) == ("classifier", "because", "classifier")

    run(story())


def test_prescreened_messages_go_through_in_time_but_not_of_who_was_muted_since() -> None:
    async def story() -> None:
        hall = await Hall().open()
        await hall.conduct(Conduct(prescreen_s=5))
        one, two = await hall.say(BOB, "one"), await hall.say(EVE, "two")
        assert await hall.service.dues(ROOM) == (now_ms() + 5_000,)
        await asyncio.sleep(4)
        await hall.service.due(ROOM, now_ms())
        assert not [event for _, event in await hall.events() if isinstance(event, Posted)]
        await hall.sanction("bob", "mute")
        await asyncio.sleep(1)
        for _ in range(2):
            await hall.service.due(ROOM, now_ms())
        log = [event for _, event in await hall.events()]
        assert [event.text for event in log if isinstance(event, Posted)] == ["two"]
        decided = {event.of: event.approved for event in log if isinstance(event, HeldDecided)}
        assert decided == {one: False, two: True}
        await hall.check()

    run(story())


def test_ranks_undo_and_delete_last() -> None:
    async def story() -> None:
        hall = await Hall().open()
        for user, by in (("owner", HOST), ("host", HOST), ("eve", BOB), ("bob", BOB)):
            assert await hall.refusal(hall.sanction(user, "mute", by=by)) is ErrorCode.FORBIDDEN
        for text in ("a", "b", "c"):
            await hall.say(BOB, text)
        first = await hall.sanction("bob", "shadow")
        command = Sanction(id=0, room=ROOM, user="bob", action="mute", delete_last=2, once="m")
        assert await hall.do(HOST, command) == await hall.do(HOST, command)
        assert [event.text for _, event in await hall.events() if isinstance(event, Posted)] == ["a"]
        assert sum(isinstance(event, Recalled) for _, event in await hall.events()) == 2
        await hall.sanction("bob", "unshadow", undoes=first)
        row = standing_row_of(await hall.engine.log.row(ROOM, STANDING, "bob"))
        assert (row.muted, row.shadowed) == (True, False), "what others decided since stands"
        banned = await hall.sanction("bob", "ban")
        await hall.sanction("bob", "unban", undoes=banned)
        row = standing_row_of(await hall.engine.log.row(ROOM, STANDING, "bob"))
        assert (row.muted, row.banned) == (True, False)
        page = await hall.service.audit(HOST, ROOM, before=0, limit=3)
        assert [type(line.event) for line in page.entries] == [Sanctioned] * 3
        rest = await hall.service.audit(HOST, ROOM, before=page.before, limit=50)
        assert len(rest.entries) == 4
        assert rest.before == 0
        await hall.check()

    run(story())


def test_reports_hands_and_the_door() -> None:
    async def story() -> None:
        hall = await Hall().open()
        of = await hall.say(BOB, "rude")
        for caller in (EVE, GUEST):
            await hall.do(caller, Report(id=0, room=ROOM, of=of, once="r"))
        await hall.do(EVE, RaiseHand(id=0, room=ROOM, once="h"))
        frame = await hall.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))
        assert [(each.of, len(each.reports), each.original) for each in frame.reports] == [(of, 2, "rude")]
        assert [each.user for each in frame.hands] == ["eve"]
        assert [await hall.raised(caller) for caller in (EVE, BOB)] == [True, False]
        await hall.sanction("eve", "dismiss_speaker")  # who has no floor is told "not now"
        assert (await hall.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))).hands == ()
        assert not await hall.raised(EVE)
        await hall.do(EVE, RaiseHand(id=0, room=ROOM, once="h2"))
        await hall.do(HOST, SettleReport(id=0, room=ROOM, of=of, remove=True, once="s"))
        assert "rude" not in repr(await hall.told(EVE))
        await hall.sanction("eve", "invite_speaker")
        assert (await hall.service.desk(HOST, ("en",), Desk(id=0, room=ROOM))).hands == ()
        await hall.check()
        invite = await hall.service.invite(HOST, ROOM, role="guest", lives_s=600, uses=5, code="code")
        await hall.words(Word(text="slur", action="refuse"))
        assert await hall.refusal(hall.service.enter(invite.code, "g1", "A slur")) is ErrorCode.WORDS_REFUSED
        await hall.conduct(Conduct(locked_down=True))
        assert await hall.refusal(hall.service.enter(invite.code, "g2", "Ann")) is ErrorCode.NOT_NOW
        left = await hall.engine.invites.peek("code", now_ms())
        assert left is not None
        assert left.uses_left == 5, "no use was spent"
        await hall.conduct(ORDINARY)
        await hall.service.enter(invite.code, "g2", "Ann")
        with suppress(Rejected):
            await hall.say(Caller("g2", "Ann"), "hi")
        await hall.check()

    run(story())
