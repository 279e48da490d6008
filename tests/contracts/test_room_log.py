"""RoomLog: one ordered log per room, and everything that an append does in the same step."""

import asyncio

import pytest

from chat.events import (
    Edited,
    Joined,
    Pinned,
    Reacted,
    Recalled,
    RoomChanged,
    Suggested,
    TermChanged,
    TermRemoved,
    Translated,
    Untranslated,
    Voted,
)
from chat.ids import Position
from chat.limits import ONCE_KEY_LIFE_S
from chat.ports import (
    Changed,
    DropMember,
    DropTerm,
    Glossary,
    Guard,
    JobText,
    Look,
    Member,
    RoomExists,
    RoomMissing,
    RoomSettings,
    RoomState,
    Roster,
    SetMember,
    SetPin,
    SetRoom,
    SetTerm,
    Stale,
    Term,
)
from chat.wire import decode_event
from tests.contracts.conftest import Ports, posted


def translated(of: int, revision: int = 0, language: str = "zh") -> Translated:
    return Translated(of=of, revision=revision, language=language, source="en", text="你好", engine="e", package="p")


def untranslated(of: int) -> Untranslated:
    return Untranslated(of=of, revision=0, language="fr", source="en", reason="no_package")


async def seqs_of(ports: Ports, room: str = "r") -> list[int]:
    return [entry.seq for entry in await ports.log.read_after(room, 0, 1000)]


async def test_a_created_room_has_its_first_entry_its_owner_and_a_state(ports: Ports) -> None:
    created = await ports.create()
    assert created.position.seq == 1
    assert not created.duplicate
    state = await ports.log.state("r")
    assert state is not None
    assert (state.room, state.title, state.head, state.members) == ("r", "大厅", created.position, 1)
    assert state.created_at_ms == created.at_ms
    assert await ports.log.members("r") == [Member("ann", "Ann", "owner")]
    [entry] = await ports.log.read_after("r", 0, 10)
    assert (entry.room, entry.position, entry.at_ms, entry.audience) == ("r", created.position, created.at_ms, "")


async def test_what_was_seen_is_asked_for_in_the_step_of_the_append(ports: Ports) -> None:
    """Who remembers a look need not look again: the log says when it shows something else, and what."""
    await ports.create()
    ann, bob = Member("ann", "Ann", "owner"), Member("bob", "Bob", "member")
    await ports.log.append("r", Joined(user="bob", name="Bob", role="member"), once="j", change=SetMember(bob))
    seen = await ports.log.look("r", "bob")
    first = await ports.log.append("r", posted("one"), once="1", seen=seen)
    assert (await ports.log.look("r", "bob")).mark == seen.mark, "the log goes on, and that alone forbids nothing"
    carol = Member("carol", "Carol", "member")
    await ports.log.append("r", Joined(user="carol", name="Carol", role="member"), once="c", change=SetMember(carol))
    second = await ports.log.append("r", posted("two"), once="2", seen=seen)
    assert second.position.seq == first.position.seq + 2

    async def refused(once: str) -> Look:
        with pytest.raises(Changed) as changed:
            await ports.log.append("r", posted("no"), once=once, seen=seen)
        assert changed.value.look == await ports.log.look("r", "bob")
        assert changed.value.look.mark == (await ports.log.look("r", "bob")).mark != seen.mark
        return changed.value.look

    await ports.presence.report("r", "gate", Roster(1, {("fr",): 1}), 60_000)
    seen = await refused("3")
    assert seen.rosters, "somebody reads another language now"
    await ports.log.append("r", posted("so"), once="4", change=SetMember(Member("bob", "Bob", "guest")))
    seen = await refused("5")
    assert seen.member == Member("bob", "Bob", "guest")
    await ports.log.append("r", posted("so"), once="6", change=SetMember(ann))
    await ports.log.append("r", posted("so"), once="7", seen=seen)
    await ports.log.append("r", posted("so"), once="8", change=DropMember("bob"))
    seen = await refused("9")
    assert seen.member is None
    again = await ports.log.append("r", posted("two"), once="2", seen=seen)
    assert again.duplicate, "a once-key is recognised before anything else"
    assert again.position == second.position


async def test_creating_again_is_a_duplicate_with_the_same_key_and_refused_with_another(ports: Ports) -> None:
    first = await ports.create(once="a")
    again = await ports.create(once="a")
    assert again.duplicate
    assert (again.position, again.at_ms) == (first.position, first.at_ms)
    with pytest.raises(RoomExists):
        await ports.create(once="b")
    assert await seqs_of(ports) == [1]


async def test_of_many_concurrent_creations_one_makes_the_room(ports: Ports) -> None:
    outcomes = await asyncio.gather(*(ports.create(once=f"k{n}") for n in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, RoomExists) for outcome in outcomes) == 9


async def test_rooms_are_listed_sorted_and_each_has_its_own_epoch(ports: Ports) -> None:
    assert await ports.log.rooms() == []
    epochs = {(await ports.create(room)).position.epoch for room in ("m", "a", "z")}
    assert len(epochs) == 3
    assert await ports.log.rooms() == ["a", "m", "z"]


async def test_seqs_are_dense_over_concurrent_writers(ports: Ports) -> None:
    created = await ports.create()
    appended = await asyncio.gather(*(ports.post(f"m{n}") for n in range(60)))
    assert sorted(each.position.seq for each in appended) == list(range(2, 62))
    assert {each.position.epoch for each in appended} == {created.position.epoch}
    assert await seqs_of(ports) == list(range(1, 62))
    state = await ports.log.state("r")
    assert state is not None
    assert state.head.seq == 61


async def test_an_entry_comes_back_as_it_was_appended(ports: Ports) -> None:
    await ports.create()
    appended = await ports.log.append("r", translated(1), once="x", audience="zh-Hant")
    entry = await ports.log.read_at("r", 2)
    assert entry is not None
    assert (entry.position, entry.at_ms, entry.audience) == (appended.position, appended.at_ms, "zh-Hant")
    assert decode_event(entry.body) == translated(1)


async def test_a_once_key_makes_one_entry_also_when_raced(ports: Ports) -> None:
    await ports.create()
    appended = await asyncio.gather(*(ports.post("same", once="k") for _ in range(20)))
    assert {each.position.seq for each in appended} == {2}
    assert len({each.at_ms for each in appended}) == 1
    assert sum(not each.duplicate for each in appended) == 1
    assert await seqs_of(ports) == [1, 2]


async def test_a_once_key_belongs_to_one_room(ports: Ports) -> None:
    await ports.create("a")
    await ports.create("b")
    first, second = await ports.post("x", room="a", once="k"), await ports.post("x", room="b", once="k")
    assert not first.duplicate
    assert not second.duplicate


async def test_a_duplicate_changes_nothing_else(ports: Ports) -> None:
    await ports.create()
    job = JobText("x", "ann", (("zh",),))
    for _ in range(3):
        await ports.post("x", once="k", job=job, change=SetMember(Member("bob", "Bob", "member")))
    assert await ports.jobs.backlog() == 1
    await ports.log.append("r", posted("y"), once="drop", change=DropMember("bob"))
    await ports.post("x", once="k", change=SetMember(Member("bob", "Bob", "member")))
    assert await ports.log.member("r", "bob") is None


async def test_a_known_once_key_wins_over_a_guard_that_no_longer_holds(ports: Ports) -> None:
    """The phone that lost the ack of its edit asks again: done, not stale."""
    await ports.create()
    await ports.post("m")
    edit = Edited(of=2, by="ann", revision=1, text="n")
    first = await ports.log.append("r", edit, once="e", guard=Guard(2, 0))
    again = await ports.log.append("r", edit, once="e", guard=Guard(2, 0))
    assert again.duplicate
    assert again.position == first.position


async def test_a_once_key_is_recognised(ports: Ports) -> None:
    assert await ports.log.recognise("r", "create") is None
    created = await ports.create()
    appended = await ports.post("x", once="k")
    for once, first in (("create", created), ("k", appended)):
        known = await ports.log.recognise("r", once)
        assert known is not None
        assert known.duplicate
        assert (known.position, known.at_ms) == (first.position, first.at_ms)
    assert await ports.log.recognise("r", "other") is None


async def test_appending_to_no_room_is_refused_and_leaves_nothing(ports: Ports) -> None:
    with pytest.raises(RoomMissing):
        await ports.post("x", once="k", job=JobText("x", "ann", ()))
    assert await ports.jobs.backlog() == 0
    assert await ports.log.rooms() == []
    assert await ports.log.state("r") is None
    assert await ports.log.members("r") == []
    assert await ports.log.member("r", "ann") is None
    assert await ports.log.read_after("r", 0, 10) == []
    assert await ports.log.read_before("r", 10, 10) == []
    assert await ports.log.read_at("r", 1) is None
    assert await ports.log.about("r", 0, 10, 10) == []
    await ports.create(once="k")
    assert not (await ports.post("x", once="k2")).duplicate


async def test_revisions_move_with_edits(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    assert await ports.log.revision("r", 2) == 0
    for revision in (1, 2):
        await ports.log.append(
            "r", Edited(of=2, by="ann", revision=revision, text="n"), once=f"e{revision}", guard=Guard(2, revision - 1)
        )
        assert await ports.log.revision("r", 2) == revision
    assert await ports.log.revision("r", 1) == 0, "a title is translated like a message"
    assert await ports.log.revision("r", 3) is None, "an edit is not a message"
    assert await ports.log.revision("r", 99) is None
    assert await ports.log.revision("other", 2) is None


async def test_a_guard_that_does_not_hold_appends_nothing(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    for guard in (Guard(2, 1), Guard(1, 1), Guard(99, 0)):
        with pytest.raises(Stale):
            await ports.log.append(
                "r", translated(2), once="t", guard=guard, change=DropMember("ann"), job=JobText("x", "ann", ())
            )
    assert await seqs_of(ports) == [1, 2]
    assert await ports.log.member("r", "ann") is not None
    assert await ports.jobs.backlog() == 0
    held = await ports.log.append("r", translated(2), once="t", guard=Guard(2, 0))
    assert not held.duplicate, "a refused append must not use up its once-key"


async def test_of_concurrent_edits_of_one_revision_one_is_taken(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    outcomes = await asyncio.gather(
        *(
            ports.log.append("r", Edited(of=2, by="ann", revision=1, text=f"{n}"), once=f"e{n}", guard=Guard(2, 0))
            for n in range(10)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 9
    assert await seqs_of(ports) == [1, 2, 3]


async def test_a_recall_removes_the_texts_and_leaves_the_rest(ports: Ports) -> None:
    await ports.create()
    await ports.post("keep")
    await ports.post("secret")
    await ports.log.append("r", translated(2), once="4", audience="zh")
    await ports.log.append("r", translated(3), once="5", audience="zh")
    await ports.log.append("r", Edited(of=3, by="ann", revision=1, text="secret2"), once="6")
    await ports.log.append("r", Reacted(of=3, by="ann", emoji="👍", on=True), once="7")
    await ports.log.append("r", untranslated(3), once="8", audience="fr")
    await ports.log.append("r", Recalled(of=3, by="ann", author="ann"), once="9", guard=Guard(3, 1))
    assert await seqs_of(ports) == [1, 2, 4, 7, 9]
    assert await ports.log.revision("r", 3) is None
    assert await ports.log.revision("r", 2) == 0
    assert await ports.log.read_at("r", 3) is None
    assert [entry.seq for entry in await ports.log.about("r", 3, 3, 100)] == [7, 9]
    with pytest.raises(Stale):
        await ports.log.append("r", translated(3, revision=1), once="late", guard=Guard(3, 1))
    assert (await ports.post("next")).position.seq == 10, "recalled seqs stay unused"


async def test_a_recall_of_what_is_no_message_removes_nothing(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    await ports.log.append("r", Recalled(of=1, by="ann", author="ann"), once="a")
    await ports.log.append("r", Recalled(of=99, by="ann", author="ann"), once="b")
    assert await seqs_of(ports) == [1, 2, 3, 4]


async def test_the_last_entry_can_be_recalled_and_the_log_goes_on(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    await ports.log.append("r", Recalled(of=2, by="ann", author="ann"), once="a")
    await ports.log.append("r", Recalled(of=2, by="ann", author="ann"), once="b")
    assert await seqs_of(ports) == [1, 3, 4]


async def test_paging_forward_and_back_skips_holes_and_is_exact_at_the_ends(ports: Ports) -> None:
    await ports.create()
    for n in range(2, 11):
        await ports.post(f"m{n}")
    await ports.log.append("r", Recalled(of=5, by="ann", author="ann"), once="rec")  # 11

    async def after(seq: int, limit: int) -> list[int]:
        return [entry.seq for entry in await ports.log.read_after("r", seq, limit)]

    async def before(seq: int, limit: int) -> list[int]:
        return [entry.seq for entry in await ports.log.read_before("r", seq, limit)]

    assert await after(0, 3) == [1, 2, 3]
    assert await after(3, 3) == [4, 6, 7]
    assert await after(9, 10) == [10, 11]
    assert await after(11, 10) == []
    assert await after(0, 0) == []
    assert await before(12, 2) == [10, 11]
    assert await before(7, 3) == [3, 4, 6]
    assert await before(2, 10) == [1]
    assert await before(1, 10) == []
    assert await before(0, 10) == []
    assert await before(2**53 - 1, 1) == [11]
    assert await before(9, 0) == []


async def test_about_finds_what_refers_to_a_range_of_messages_latest_first_kept(ports: Ports) -> None:
    await ports.create()
    for n in (2, 3, 4):
        await ports.post(f"m{n}")
    for once, of in enumerate((3, 2, 4, 3, 2), start=5):
        await ports.log.append("r", Reacted(of=of, by="ann", emoji="👍", on=True), once=f"{once}")

    async def about(first: int, last: int, limit: int) -> list[int]:
        return [entry.seq for entry in await ports.log.about("r", first, last, limit)]

    assert await about(2, 4, 100) == [5, 6, 7, 8, 9]
    assert await about(2, 3, 100) == [5, 6, 8, 9]
    assert await about(3, 3, 100) == [5, 8]
    assert await about(2, 4, 2) == [8, 9]
    assert await about(5, 9, 100) == []
    assert await about(2, 4, 0) == []


async def test_membership_changes_in_the_same_step_as_the_entry(ports: Ports) -> None:
    await ports.create()
    bob = Member("bob", "Bob", "guest")
    joined = Joined(user="bob", name="Bob", role="guest")
    await ports.log.append("r", joined, once="j", change=SetMember(bob))
    assert await ports.log.member("r", "bob") == bob
    assert await ports.log.members("r") == [Member("ann", "Ann", "owner"), bob]
    raised = Member("bob", "Robert 罗伯特", "moderator", since_ms=1_800_000_000_000)
    await ports.log.append("r", joined, once="m", change=SetMember(raised))
    assert await ports.log.member("r", "bob") == raised
    await ports.log.append("r", joined, once="l", change=DropMember("bob"))
    assert await ports.log.member("r", "bob") is None
    state = await ports.log.state("r")
    assert state is not None
    assert state.members == 1


async def test_a_job_is_enqueued_with_its_entry_and_names_the_message(ports: Ports) -> None:
    await ports.create()
    text = JobText("hello", "ann", (("zh", "en"), ("fr",)), deadline_ms=123, asked=True)
    await ports.post("hello", job=text)
    edit = Edited(of=2, by="ann", revision=1, text="hello!")
    await ports.log.append("r", edit, once="e", job=text, job_revision=1)
    jobs = [taken.job for taken in await ports.jobs.take("w", 10, 1000)]
    assert [(job.room, job.of, job.revision, job.text) for job in jobs] == [("r", 2, 0, text), ("r", 2, 1, text)]


async def test_read_markers_only_move_forward(ports: Ports) -> None:
    await ports.create()
    assert await ports.log.read_marker("r", "ann") == 0
    assert await ports.log.mark_read("r", "ann", 7) == 7
    assert await ports.log.mark_read("r", "ann", 3) == 7
    assert await ports.log.mark_read("r", "ann", 10) == 10
    assert await ports.log.read_marker("r", "ann") == 10
    assert await ports.log.read_marker("r", "bob") == 0


async def test_a_once_key_is_remembered_for_a_weekend() -> None:
    assert ONCE_KEY_LIFE_S >= 48 * 3600


async def test_positions_name_the_epoch(ports: Ports) -> None:
    created = await ports.create()
    assert created.position == Position(created.position.epoch, 1)
    assert 1 <= len(created.position.epoch) <= 32
    assert set(created.position.epoch) <= set("0123456789abcdef")


# -- what a room knows besides its log: terms, pins, settings ----------------------------------------------------------


async def state_of(ports: Ports) -> RoomState:
    state = await ports.log.state("r")
    assert state is not None
    return state


async def put_term(ports: Ports, source: str, target: str | None, language: str = "", once: str = "") -> int:
    event = TermChanged(by="ann", source=source, target=target, language=language)
    term = Term(source, target, language, "", "ann")
    appended = await ports.log.append("r", event, once=once or f"t:{source}:{target}:{language}", change=SetTerm(term))
    return appended.position.seq


async def test_the_glossary_has_the_version_of_its_last_change(ports: Ports) -> None:
    assert await ports.log.glossary("r") == Glossary()
    await ports.create()
    assert await ports.log.glossary("r") == Glossary()
    await put_term(ports, "榕树", "banyan", "en")
    await put_term(ports, "榕树", None)
    replaced = await put_term(ports, "榕树", "fig tree", "en")
    await ports.post("m")
    everybody, english = Term("榕树", None, "", "", "ann"), Term("榕树", "fig tree", "en", "", "ann")
    assert await ports.log.glossary("r") == Glossary(replaced, (everybody, english))
    assert (await state_of(ports)).glossary_version == replaced
    removed = TermRemoved(by="ann", source="榕树", language="")
    gone = await ports.log.append("r", removed, once="gone", change=DropTerm("榕树", ""))
    assert await ports.log.glossary("r") == Glossary(gone.position.seq, (english,))


async def test_title_and_settings_change_together_and_tell_where(ports: Ports) -> None:
    await ports.create()
    assert (await state_of(ports)).settings == RoomSettings()
    assert (await state_of(ports)).title_seq == 1
    event = RoomChanged(by="ann", title="春天", translation="hold", translation_budget_ms=300)
    changed = await ports.log.append("r", event, once="c", change=SetRoom("春天", RoomSettings("hold", 300)))
    state = await state_of(ports)
    assert (state.title, state.settings) == ("春天", RoomSettings("hold", 300))
    assert state.title_seq == changed.position.seq
    assert await ports.log.revision("r", changed.position.seq) == 0


async def test_pins_keep_their_order_and_leave_with_their_message(ports: Ports) -> None:
    await ports.create()
    for name in ("a", "b", "c"):
        await ports.post(name)
    for number, (of, on) in enumerate([(2, True), (3, True), (4, True), (2, True), (3, False)]):
        await ports.log.append("r", Pinned(of=of, by="ann", on=on), once=f"p{number}", change=SetPin(of, on))
    assert (await state_of(ports)).pins == (4, 2)
    await ports.log.append("r", Recalled(of=4, by="ann", author="ann"), once="r4")
    assert (await state_of(ports)).pins == (2,)


async def test_a_recall_takes_the_suggestions_along(ports: Ports) -> None:
    await ports.create()
    await ports.post("m")
    suggested = Suggested(of=2, revision=0, language="en", text="secret, better said", by="bob", name="Bob")
    await ports.log.append("r", suggested, once="s")
    await ports.log.append("r", Voted(of=2, suggestion=3, by="ann", on=True), once="v")
    await ports.log.append("r", Recalled(of=2, by="ann", author="ann"), once="r2")
    assert await seqs_of(ports) == [1, 4, 5]
