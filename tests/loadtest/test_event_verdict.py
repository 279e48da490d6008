"""Whether the simulated evening would notice: each row of the verdict, met and missed."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chat.events import Posted
from chat.frames import EntryFrame
from chat.ids import Position
from chat.live_frames import SkippedFrame
from chat.wire import Codec, encode_frame
from loadtest.event.plan import Plan
from loadtest.event.report import page
from loadtest.event.seat import MARK, Evening, Heard, Seat
from loadtest.event.verdict import ANNOUNCED_MS_MAX, P99_MS_MAX, Outcome, judged

PEOPLE = 20
HEAD = Position("e", 10)
MESSAGES = range(20, 40)
AWAY = 30
"""What comes after this seq, those who lost the connection read when they are back."""
OPENED, ANNOUNCED, ACCEPTED, CLOSED = 12, 15, 13, 41
APPROVED = 2
LATE_S = 0.1


def rows() -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = [
        {"seq": OPENED, "type": "other", "event": {"type": "poll_opened"}},
        {"seq": ACCEPTED, "type": "other", "event": {"type": "name_proposed"}},
        {"seq": ANNOUNCED, "type": "message", "purpose": "announcement", "author": "host"},
        *({"seq": seq, "type": "message", "purpose": "message", "author": f"u{seq % 4}"} for seq in MESSAGES),
        {"seq": 40, "type": "other", "event": {"type": "ceremony_closed", "accepted": ACCEPTED}},
        {"seq": CLOSED, "type": "other", "event": {"type": "poll_closed", "counts": [3, 4]}},
        {"seq": 42, "type": "other", "event": {"type": "joined"}},
    ]
    return log


def heard_of(row: dict[str, Any]) -> Heard:
    seq = row["seq"]
    if row["type"] == "other":
        return Heard(seq=seq, kind=row["event"]["type"])
    if row["purpose"] == "announcement":
        return Heard(seq=seq, kind="announcement", announced_in=("zh", "en", "es"))
    return Heard(seq=seq, kind="posted", author=row["author"], intended=float(seq))


def seat_of(number: int, evening: Evening, head: Position, *, returned: bool = False, until: int = 1_000) -> Seat:
    """Of somebody who is shown the messages of even seq, and told at the end how many others there were."""
    seat = Seat(number, returned=returned)
    seat.sit_down(head, float(head.seq))
    left_out = 0
    for row in rows():
        if not head.seq < row["seq"] <= until:
            continue
        if row["seq"] in MESSAGES and row["seq"] % 2:
            left_out += 1
            continue
        seat.hear(heard_of(row), evening, row["seq"] + LATE_S)
    seat.hear(Heard(left_out=left_out), evening, 50.0)
    return seat


def good() -> Outcome:
    """Everybody came, half of them left and came back, everything is counted."""
    evening = Evening(announced_at=ANNOUNCED, storm_at=30.0)
    seats, returned = [], []
    for number in range(PEOPLE):
        leaves = number % 2 == 1
        seats.append(seat_of(number, evening, HEAD, until=AWAY if leaves else 1_000))
        if leaves:
            seats[-1].left = seats[-1].closed = True
            returned.append(seat_of(number, evening, Position("e", AWAY), returned=True))
    evening.told.update({"line": len(MESSAGES) - APPROVED, "held line": 6, "vote": 7})
    return Outcome(
        plan=Plan(people=PEOPLE),
        evening=evening,
        seats=seats,
        returned=returned,
        log=rows(),
        chosen=Counter({0: 3, 1: 4}),
        accepted=ACCEPTED,
        decided=6,
        approved=APPROVED,
    )


def test_an_evening_without_fault_is_met_and_its_page_says_so() -> None:
    found = judged(good())
    assert (found["violations"], found["met"]) == ([], True)
    assert (found["messages"], found["stayed"], found["returned"]) == (20, 10, 10)
    assert found["shown_to_a_reader"] == 0.5
    assert found["delivery"]["p99_ms"] == pytest.approx(1000 * LATE_S, rel=1 / 32)
    assert "Everything that must arrive arrived." in page(found)


def loses(seat: Seat, of: int) -> None:
    seat.must.remove(of)


def nobody_hears(outcome: Outcome) -> None:
    outcome.evening.delivery.counts.clear()


def late(outcome: Outcome) -> None:
    for _ in range(outcome.evening.delivery.total // 50):
        outcome.evening.delivery.add(1.1 * P99_MS_MAX / 1000)


def announced_late(outcome: Outcome) -> None:
    outcome.evening.announced.add(1.1 * ANNOUNCED_MS_MAX / 1000)


def announced_to_some(outcome: Outcome) -> None:
    outcome.evening.announced.counts = {1: PEOPLE - 1}


def one_lost_one_doubled(outcome: Outcome) -> None:
    """They do not make up for each other."""
    outcome.seats[2].left_out += 1
    outcome.seats[4].left_out -= 1


def out_of_order(seat: Seat, outcome: Outcome) -> None:
    seat.hear(Heard(seq=seat.last, kind="joined"), outcome.evening, 60.0)


FAULTS: dict[str, tuple[Callable[[Outcome], object], str]] = {
    "somebody is kept out": (lambda it: setattr(it, "seats", it.seats[1:]), "19 of 20 walked in"),
    "an announcement is lost": (lambda it: loses(it.seats[0], ANNOUNCED), "1 things that must arrive"),
    "a result is lost on the way back": (lambda it: loses(it.returned[0], CLOSED), "1 things that must arrive"),
    "a result comes twice": (lambda it: it.seats[2].must.append(CLOSED), "1 things came twice"),
    "a message is lost": (lambda it: setattr(it.seats[2], "shown", it.seats[2].shown - 1), "1 messages are neither"),
    "a message is counted twice": (lambda it: setattr(it.seats[2], "left_out", 11), "1 messages are neither"),
    "one lost, one doubled": (one_lost_one_doubled, "2 messages are neither"),
    "a message is lost on the way back": (lambda it: setattr(it.returned[0], "left_out", 0), "messages are neither"),
    "out of order": (lambda it: out_of_order(it.seats[0], it), "1 came out of order"),
    "out of order on the way back": (lambda it: out_of_order(it.returned[0], it), "1 came out of order"),
    "a guest is closed": (lambda it: setattr(it.seats[0], "closed", True), "1 were closed by the server"),
    "a guest is closed again": (lambda it: setattr(it.returned[0], "closed", True), "1 were closed by the server"),
    "somebody does not come back": (lambda it: setattr(it, "returned", it.returned[1:]), "9 of 10 who left"),
    "lines are refused": (
        lambda it: it.evening.refused.update({"line: too_fast": 3}),
        "3 lines and votes were refused",
    ),
    "votes are lost": (lambda it: it.evening.refused.update({"vote: lost": 3}), "3 lines and votes were refused"),
    "a line is not in the log": (lambda it: it.evening.told.update({"line": 1}), "20 messages are in the log, 21"),
    "a held line is not decided": (lambda it: setattr(it, "decided", 5), "5 of 6 held lines"),
    "a vote is miscounted": (lambda it: setattr(it, "chosen", Counter({0: 4, 1: 3})), "the poll says [3, 4]"),
    "the poll is not closed": (lambda it: setattr(it, "log", it.log[:-2]), "the poll says []"),
    "another name": (lambda it: setattr(it, "accepted", 14), "nobody got the name"),
    "silence": (nobody_hears, "no message was heard"),
    "slow delivery": (late, "p99 of delivery is"),
    "a slow announcement": (announced_late, "p99 of the announcement is"),
    "an announcement for some": (announced_to_some, "the announcement reached 95.0%"),
}


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_told(spoil: Callable[[Outcome], object], words: str) -> None:
    outcome = good()
    spoil(outcome)
    found = judged(outcome)
    assert not found["met"]
    assert any(words in violation for violation in found["violations"]), found["violations"]
    assert found["violations"][0] in page(found).replace("&#x27;", "'")


def test_what_is_within_its_bar_is_no_fault() -> None:
    outcome = good()
    outcome.evening.refused["line: too_fast"] = 1
    outcome.evening.refused["moderator: too_fast"] = 50  # asked again until it was taken
    outcome.evening.delivery.add(P99_MS_MAX / 100)  # one of two hundred
    assert judged(outcome)["violations"] == []


def test_of_a_gap_nothing_is_owed_that_lies_in_it() -> None:
    outcome = good()
    seat = Seat(1, returned=True, gap=True)
    outcome.returned = [seat, *outcome.returned[1:]]
    seat.sit_down(Position("e", 39), 39.0)
    for row in rows():
        if row["seq"] > 39:
            seat.hear(heard_of(row), outcome.evening, 50.0)
    found = judged(outcome)
    assert (found["violations"], found["told_of_a_gap"]) == ([], 1)


def test_ones_own_message_that_the_sample_left_out_is_counted_once() -> None:
    """It is shown to its author all the same, and told among those left out."""
    outcome = good()
    seat = outcome.seats[0]
    seat.last = 20
    seat.hear(Heard(seq=24 + 1, kind="posted", author=seat.user), outcome.evening, 26.0)
    assert judged(outcome)["violations"] == []


def test_a_seat_counts_what_the_wire_brings() -> None:
    evening, seat = Evening(began=100.0), Seat(3)
    seat.sit_down(Position("e", 4), 101.0)
    for text, seq in ((f"hi{MARK}100.5000", 5), (f"hi{MARK}102.5000", 6)):
        event = Posted(author="u3", name="A", text=text)
        frame = EntryFrame(room="r", epoch="e", seq=seq, at_ms=1, event=event)
        seat.hear(evening.decode(encode_frame(frame, Codec.MSGPACK)), evening, 103.0)
    skipped = encode_frame(SkippedFrame(room="r", first=7, last=13, count=7), Codec.MSGPACK)
    seat.hear(evening.decode(skipped), evening, 103.0)
    assert (seat.shown, seat.own, seat.left_out, seat.last, seat.disorder) == (2, [5, 6], 7, 6, 0)
    assert evening.delivery.total == 1  # the other one was meant for those who were there before
    assert evening.delivery.percentile_ms(99) == pytest.approx(500, rel=1 / 32)
    assert set(evening.seconds) == {3}
