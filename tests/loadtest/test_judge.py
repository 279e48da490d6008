"""The kill test's verdict on runs that we know: silence about a good one, a sentence for each thing that went wrong."""

from typing import Any, cast

from chat.client import Client
from chat.events import Event, Posted, Translated
from chat.ids import Position
from loadtest.measure import Acknowledged, Seen
from loadtest.plan import PlannedPost
from loadtest.trial import judge, table, wire_violations
from loadtest.witnesses import Course, Reader, Times

ROLES = ("engine", "gateway")

POSTS = [PlannedPost(0.1, "wa", 1, "zh", "一 #1"), PlannedPost(0.2, "wb", 1, "en", "one #2")]
LOG = [
    Seen(5, Posted(author="wa", name="wa", text="一 #1")),
    Seen(6, Translated(of=5, revision=0, language="en", source="zh", text="1", engine="e", package="p")),
    Seen(7, Posted(author="wb", name="wb", text="one #2")),
    Seen(8, Translated(of=7, revision=0, language="zh", source="en", text="1", engine="e", package="p")),
]


def reader(language: str, *seqs: int) -> Reader:
    made = Reader(f"r-{language}", language, cast(Client, None), Position("e", 4))
    made.view = [entry for seq in seqs for entry in LOG if entry.seq == seq]
    return made


def course(*seqs: int) -> Course:
    made = Course(posted=2)
    for seq in seqs:
        event: Event = next(entry.event for entry in LOG if entry.seq == seq)
        assert isinstance(event, Posted)
        made.acknowledged.append(Acknowledged(event.author, 1, event.text, seq))
    return made


def verdict(log: list[Seen], readers: list[Reader], happened: Course, *, settled: bool = True) -> dict[str, Any]:
    report = judge(log, readers, POSTS, Times(), happened, roles=ROLES, settled=settled)
    figures = {"seed": 1, "duration_s": 1, "took_s": 1, "reconnects": 0, "repeated_commands": 0}
    assert all(violation in table(report | figures) for violation in report["violations"])
    return report


def test_a_good_run_has_no_violation() -> None:
    report = verdict(LOG, [reader("en", 5, 6, 7), reader("zh", 5, 7, 8)], course(5, 7))
    assert report["violations"] == []
    assert (report["posted"], report["acknowledged"], report["translated"]) == (2, 2, 2)


def test_an_acknowledged_post_that_is_gone_is_lost() -> None:
    report = verdict(LOG[:2], [reader("en", 5, 6)], course(5, 7))
    assert report["lost"] == 1
    assert report["violations"] == ["lost: one #2"]


def test_a_reader_who_missed_heard_twice_or_heard_strange_things_is_named() -> None:
    assert verdict(LOG, [reader("en", 5, 7)], course(5, 7))["violations"] == ["view of r-en: lost (6,)"]
    assert verdict(LOG, [reader("en", 5, 6, 6, 7)], course(5, 7))["violations"] == ["view of r-en: doubled (6,)"]
    assert verdict(LOG, [reader("en", 6, 5, 7)], course(5, 7))["violations"] == ["view of r-en: reordered (5,)"]
    assert verdict(LOG, [reader("en", 5, 6, 7, 8)], course(5, 7))["violations"] == ["view of r-en: foreign (8,)"]


def test_silence_instead_of_a_translation_is_a_violation() -> None:
    report = verdict(LOG[:3], [reader("en", 5, 6, 7)], course(5, 7), settled=False)
    assert report["violations"][0] == "no translation and no word why: 7>zh"
    assert "not quiet" in report["violations"][1]


def test_a_gap_that_nobody_could_fill_is_a_violation_and_a_filled_one_is_not() -> None:
    filled, unfilled = reader("en", 5, 6, 7), reader("en", 5, 6, 7)
    filled.gaps.append("1 entries before 6")
    unfilled.unfilled.append("a gap that nobody can fill")
    assert verdict(LOG, [filled], course(5, 7))["violations"] == []
    assert verdict(LOG, [unfilled], course(5, 7))["violations"] == ["view of r-en: a gap that nobody can fill"]


def test_a_post_never_acknowledged_is_a_violation() -> None:
    happened = course(5)
    happened.unacknowledged.append("one #2: no answer")
    assert verdict(LOG, [reader("en", 5, 6, 7)], happened)["violations"] == ["not acknowledged: one #2: no answer"]


def test_a_role_of_the_script_that_was_never_there_to_be_struck_proves_nothing() -> None:
    happened = course(5, 7)
    struck = {"at_s": 1.0, "role": "engine", "posts_under_way": 1, "pid": 17}
    happened.kills = [struck, struck | {"pid": None}, struck | {"role": "gateway", "pid": None}]
    report = verdict(LOG, [reader("en", 5, 6, 7)], happened)
    assert report["violations"] == ["no gateway was there to be struck"]
    assert (report["kills"], report["kills_total"]) == ({"engine": 1, "gateway": 0}, 1)


def test_what_a_client_had_to_bear_is_a_violation() -> None:
    clients = {"r0": {"doubled": 2, "repeated": 3}, "r1": {"doubled": 0}}
    assert wire_violations(clients) == ["r0: 2 entries delivered again, filtered by the client"]
