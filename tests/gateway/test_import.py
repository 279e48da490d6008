"""What an export holds an import brings back: what was said as itself, what was decided as a record that binds nobody.

The property: exporting what was imported gives the same lines, up to seqs and times, and with records in place of what
they record. It holds for any log, not only for one that the rules allow: `any_evening` appends what it likes.
"""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pytest
from msgspec import structs

from chat.commands import CreateRoom, Join, Pin, Post, React, Recall
from chat.conduct import Conduct, Standing
from chat.events import (
    NOBODY,
    Edited,
    Event,
    Explained,
    Pinned,
    Posted,
    Reacted,
    Recalled,
    Recorded,
    Suggested,
    Translated,
    Untranslated,
    Voted,
)
from chat.live_commands import (
    Ask,
    ClosePoll,
    OpenPoll,
    Report,
    Sanction,
    SetConduct,
    SetProgramme,
    SettleQuestion,
    SettleReport,
    SetWords,
    VotePoll,
    VoteQuestion,
)
from chat.live_events import (
    MODERATORS,
    ConductChanged,
    HeldBack,
    PollClosed,
    PollOpened,
    PollVoted,
    Programme,
    ProgrammeChanged,
    QuestionAsked,
    QuestionSettled,
    QuestionVoted,
    Reported,
    Sanctioned,
    ScheduleItem,
    Word,
    own_audience,
)
from chat.moderation.audit import Audited, fold
from chat.room import Caller
from chat.wire import decode_event
from gateway.bodies import ExportedMessage, ExportedOther, ExportedRecall, ExportLine
from gateway.export import encode_line, export_lines
from gateway.importing import AS_ITSELF, Imported, import_lines, read_line
from gateway.transcript import html_lines
from tests.gateway.rest import HOST, ROOM, Village

BOB, EVE = Caller("bob", "Bob"), Caller("eve", "Eve")


async def lines_of(village: Village, room: str) -> list[ExportLine]:
    state = await village.engine.log.state(room)
    assert state is not None
    return [line async for line in export_lines(village.engine.log, state, village.now_ms)]


async def events_of(village: Village, room: str) -> list[tuple[int, Event]]:
    return [(entry.seq, decode_event(entry.body)) for entry in await village.engine.log.read_after(room, 0, 10_000)]


async def brought(village: Village, lines: Iterable[ExportLine], room: str) -> Imported:
    """Twice, as after an import that was cut off."""

    async def read() -> AsyncIterator[ExportLine]:
        for line in lines:
            yield read_line(encode_line(line))

    await village.service.create_room(HOST, CreateRoom(id=0, room=room, title="Again", once=f"made-{room}"))
    await import_lines(village.engine.log, room, read())
    return await import_lines(village.engine.log, room, read())


def as_it_was(lines: Sequence[ExportLine], *, made_by_import: bool) -> list[object]:
    """The lines without what an import changes: seqs are numbers in order, times are left out, and a record is what it
    records. The first entry of the room that was imported into is its own."""
    places: dict[int | None, object] = {None: None}
    found: list[object] = []
    for line in lines[1:]:
        match line:
            case ExportedOther(event=Recorded(event=Recalled() as event) as record):
                found.append(("recall", record.seq, record.at_ms, event.of, event.author, event.by, line.audience))
            case ExportedRecall():
                found.append(("recall", line.seq, line.at_ms, line.of, line.author, line.by, line.audience))
            case ExportedOther(event=Recorded() as record):
                found.append((record.seq, record.at_ms, record.event, line.translations, line.audience))
            case ExportedOther(event=event) if not _led(event, places):
                found.append((line.seq, line.at_ms, event, line.translations, line.audience))
            case ExportedOther(event=event):
                places[line.seq] = len(places)
                led = structs.asdict(event) | {name: places[getattr(event, name)] for name in AS_ITSELF[type(event)]}
                found.append((type(event), led, line.translations, line.audience))
            case ExportedMessage():
                places[line.seq] = len(places)
                edits = [structs.replace(edit, at_ms=0) for edit in line.edits]
                answered = places.get(line.reply_to)
                found.append((structs.replace(line, seq=0, at_ms=0, reply_to=None, edits=()), edits, answered))
            case _:
                found.append(line)
    return found[1:] if made_by_import else found


def _led(event: Event, places: dict[int | None, object]) -> bool:
    return type(event) in AS_ITSELF and all(getattr(event, name) in places for name in AS_ITSELF[type(event)])


async def an_evening(village: Village) -> dict[str, int]:
    """Everything that a host can do."""
    service = village.service

    async def did(caller: Caller, kind: Any, **fields: Any) -> int:
        command = kind(id=0, room=ROOM, once=f"{caller.user}{len(village.engine.log.stored[ROOM].seqs)}", **fields)
        on_stage = (SetProgramme, OpenPoll, VotePoll, ClosePoll, Ask, VoteQuestion, SettleQuestion)
        named = {Post: service.post, React: service.react, Recall: service.recall, Pin: service.pin}
        does = named.get(kind) or (service.on_stage if kind in on_stage else service.moderate)
        appended = await does(caller, command)  # type: ignore[operator]  # each takes its own commands
        assert appended is not None
        return int(appended.position.seq)

    at = village.now_ms
    hours = Programme(starts_ms=at - 1, ends_ms=at + 9**9, items=(ScheduleItem(at_ms=at, title="开场"),))
    await did(HOST, SetProgramme, programme=hours)
    said = await did(BOB, Post, text="大家好")
    gone = await did(BOB, Post, text="加我微信")
    made = Translated(of=said, revision=0, language="en", source="zh", text="Hello all", engine="x", package="y")
    await village.engine.log.append(ROOM, made, once="t", audience="en")
    await did(EVE, React, of=said, emoji="👍")
    news = await did(HOST, Post, text="八点开门", announce=True, versions=(("en", "Doors at eight"),))
    await did(HOST, Pin, of=news, on=True)
    poll = await did(HOST, OpenPoll, question="安可？", options=("茉莉花", "Hey Jude"))
    quiz = await did(HOST, OpenPoll, question="首都？", options=("北京", "上海"), answer=0)
    for voter, choice in ((BOB, 0), (EVE, 1)):
        await did(voter, VotePoll, of=poll, choices=(choice,))
        await did(voter, VotePoll, of=quiz, choices=(0,))
    await did(HOST, ClosePoll, of=quiz)
    asked = await did(BOB, Ask, text="几点结束？")
    await did(EVE, VoteQuestion, of=asked)
    await did(HOST, SettleQuestion, of=asked, outcome="answered")
    await did(EVE, Report, of=gone, why="广告")
    await did(HOST, SettleReport, of=gone, remove=True)
    await did(HOST, SetWords, words=(Word(text="广告", action="hold"),), lists=("scams",))
    await did(EVE, Post, text="这里有广告")
    await did(HOST, SetConduct, conduct=Conduct(kind="live", slow_s=5))
    await did(HOST, Sanction, user="bob", action="ban", why="广告")
    return {"said": said, "poll": poll}


async def test_an_evening_comes_back_whole_and_nothing_of_it_is_in_force() -> None:
    village = await Village().opened()
    for user in ("bob", "eve"):
        await village.with_member(user)
    await an_evening(village)
    before, was = await lines_of(village, ROOM), fold(await events_of(village, ROOM))
    assert was.standings["bob"].banned
    imported = await brought(village, before, "again")
    assert imported.complete
    assert (imported.messages, imported.others) == (2, 11)
    events = await events_of(village, "again")

    # polls have their results, the one that was open the votes it had
    closed = {event.of: event for _, event in events if isinstance(event, PollClosed)}
    opened = [seq for seq, event in events if isinstance(event, PollOpened)]
    assert [(closed[of].counts, closed[of].voters, closed[of].answer) for of in opened] == [
        ((1, 1), 2, None),
        ((2, 0), 2, 0),
    ]
    state = await village.engine.log.state("again")
    assert state is not None
    pinned = await village.engine.log.read_at("again", state.pins[0])
    assert pinned is not None
    news = decode_event(pinned.body)
    assert isinstance(news, Posted)
    assert news.versions == (("en", "Doors at eight"),)

    # what was decided is a record: it replays to what held there, and nothing holds here
    records = [event for _, event in events if isinstance(event, Recorded)]
    kept = fold((record.seq, record.event) for record in records)
    assert (kept.conduct, kept.standings, kept.words, kept.lists, kept.reports) == (
        *(was.conduct, was.standings, was.words, was.lists, was.reports),
    )
    assert list(kept.held.values()) == list(was.held.values())
    assert fold(events) == Audited()
    assert state.conduct is None
    assert state.rules == 0
    board = village.engine.log.stored["again"].board
    assert not any(board.values())
    admin = Caller("root", "Root", administrator=True)
    await village.service.admit(admin, "again", "bob", "Bob", "member")
    await village.service.join(BOB, Join(id=0, room="again"))
    await village.service.post(BOB, Post(id=0, room="again", text="这里有广告", once="here"))

    # moderators read it, others do not, and it cannot be taken back
    async with village.client("host") as host, village.client("bob") as bob:
        audit = (await host.get("/api/v1/rooms/again/audit")).json()["entries"]
        told = [(line["event"]["type"], line["event"]["event"]["type"]) for line in audit]
        assert told[:3] == [("recorded", "sanctioned"), ("recorded", "conduct_changed"), ("recorded", "held_back")]
        page = (await bob.get("/api/v1/rooms/again/messages")).json()["entries"]
        assert "sanctioned" not in [entry["event"].get("event", {}).get("type") for entry in page]
        undo = {"action": "unban", "undoes": audit[0]["seq"]}
        assert (await host.post("/api/v1/rooms/again/members/bob/sanctions", json=undo)).status_code == 404
    document = b"".join([piece async for piece in html_lines(_each(await lines_of(village, "again")))]).decode()
    for shown in ("开场", "Doors at eight", "安可？", "1) 2 · 2) 0", "已回答"):
        assert shown in document


async def _each(lines: Sequence[ExportLine]) -> AsyncIterator[ExportLine]:
    for line in lines:
        yield line


async def any_evening(village: Village, chance: random.Random) -> None:
    """A log of anything, about anything that stands in it, also about what is no more."""
    log, users = village.engine.log, ("bob", "eve", "host")
    seqs: dict[str, list[int]] = {"m": [1], "p": [1], "q": [1], "s": [1], "h": [1]}
    for number in range(80):
        user, text = chance.choice(users), f"第{number}句"
        about = {kind: chance.choice(found) for kind, found in seqs.items()}
        audience = chance.choice(("", "", "", own_audience("bob")))
        revision = chance.randrange(1, 4)
        what: list[tuple[str, Event, str]] = [
            ("m", Posted(author=user, name=user, text=text, reply_to=chance.choice((None, about["m"]))), audience),
            ("m", Posted(author=user, name=user, text=text), ""),
            ("", Edited(of=about["m"], by=user, revision=revision, text=text), audience),
            ("", Reacted(of=about["m"], by=user, emoji=chance.choice("👍🎉"), on=chance.random() < 0.7), audience),
            ("", Recalled(of=about["m"], by="host", author=user), ""),
            ("", Pinned(of=about["m"], by="host", on=chance.random() < 0.7), ""),
            ("s", Suggested(of=about["m"], revision=0, language="en", text=text, by=user, name=user), "en"),
            ("", Voted(of=about["m"], suggestion=about["s"], by=user, on=True), ""),
            ("", Explained(of=about["m"], revision=0, language="en", terms=()), "en"),
            ("p", PollOpened(by="host", name="Host", question=text, options=("a", "b")), ""),
            ("", PollVoted(of=about["p"], by=user, choices=(chance.randrange(2),)), NOBODY),
            ("q", QuestionAsked(by=user, name=user, text=text), audience),
            ("", QuestionVoted(of=about["q"], by=user, on=True), NOBODY),
            ("", QuestionSettled(of=about["q"], by="host", outcome="answered", votes=number), ""),
            ("h", HeldBack(author=user, name=user, text=text, why="words"), MODERATORS),
            ("", ConductChanged(by="host", conduct=Conduct(slow_s=number)), ""),
            ("", Sanctioned(user=user, name=user, by="host", action="ban", standing=_BANNED), MODERATORS),
            ("", Reported(of=about["m"], by=user, author="bob", revision=0, seen=text, language=""), MODERATORS),
            ("h", ProgrammeChanged(by="host", programme=Programme(about=text)), ""),
        ]
        kind, event, heard = chance.choice(what)
        if isinstance(event, Edited) and any(_is_edit(known, event) for _, known in await events_of(village, ROOM)):
            continue
        appended = await log.append(ROOM, event, once=f"o{number}", audience=heard)
        if kind:
            seqs[kind].append(appended.position.seq)
        of = about[chance.choice("mpqh")]
        for language in chance.sample(("en", "zh", "fr"), chance.randrange(3)):
            made: Event = Untranslated(of=of, revision=0, language=language, source="zh", reason="overload")
            if chance.random() < 0.7:
                made = Translated(of=of, revision=0, language=language, source="zh", text=text, engine="x", package="y")
            await log.append(ROOM, made, once=f"t{number}{language}", audience=language)
    for of in seqs["p"][1:]:  # what is open is ended by the import: one line more
        await log.append(ROOM, PollClosed(of=of, by="", outcome="ended", counts=(1, 2), voters=3), once=f"c{of}")


def _is_edit(known: Event, event: Edited) -> bool:
    return isinstance(known, Edited) and (known.of, known.revision) == (event.of, event.revision)


_BANNED = Standing(banned=True)


@pytest.mark.parametrize("seed", range(30))
async def test_what_was_imported_exports_the_same(seed: int) -> None:
    village = await Village().opened()
    await any_evening(village, random.Random(seed))
    first = await lines_of(village, ROOM)
    assert (await brought(village, first, "again")).complete
    second = await lines_of(village, "again")
    assert as_it_was(second, made_by_import=True) == as_it_was(first, made_by_import=False)
    await brought(village, second, "once-more")
    third = await lines_of(village, "once-more")
    assert as_it_was(third, made_by_import=True) == as_it_was(second, made_by_import=False)
    assert village.engine.log.stored["again"].board == {}
