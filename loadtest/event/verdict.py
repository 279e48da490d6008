"""What was wrong with an evening. Pure: from what was planned, what each guest saw, and the room's log afterwards.

Of each guest who stayed: every announcement, poll and naming arrived, in order and once; and what they received plus
what they were told was left out of their sample is all that was said. Of those who came back: the same from what they
had seen last, or from where they were told that their gap ends. And that the evening took place: nobody kept out,
next to nothing refused, all that was acknowledged in the log, all that was held decided.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtest.event.plan import Plan
from loadtest.event.seat import MUST_ARRIVE, Evening, Seat

P99_MS_MAX: Final = 500.0
ANNOUNCED_MS_MAX: Final = 2_000.0
ANNOUNCED_SHARE_MIN: Final = 0.99
REFUSED_SHARE_MAX: Final = 0.05
"""Of lines and votes: at a rehearsal with few people some of them talk faster than one member may."""
PUZZLES_MAX: Final = 20
SPOKE_OFTEN: Final = 5


@dataclass(slots=True)
class Outcome:
    """All that is judged."""

    plan: Plan
    evening: Evening
    seats: Sequence[Seat]
    """Of all who walked in, until the end or until they lost the connection."""
    returned: Sequence[Seat]
    """Of those who came back, from then on."""
    log: Sequence[Mapping[str, Any]]
    """Rows of the export."""
    chosen: Counter[int]
    """Votes cast in the poll, by option."""
    accepted: int
    """Seq of the name that was accepted."""
    decided: int
    """Held lines that the moderator decided, and of these approved."""
    approved: int

    @property
    def stayed(self) -> list[Seat]:
        return [seat for seat in self.seats if not seat.left and not seat.closed]

    @property
    def said(self) -> dict[int, str]:
        """Author of each message, by seq."""
        return {row["seq"]: row["author"] for row in self._messages("message")}

    @property
    def events(self) -> dict[int, Mapping[str, Any]]:
        return {row["seq"]: row["event"] for row in self.log if row["type"] == "other"}

    @property
    def must(self) -> set[int]:
        """Seqs of what may be left out of nobody's sample."""
        announced = {row["seq"] for row in self._messages("announcement")}
        return announced | {seq for seq, event in self.events.items() if event["type"] in MUST_ARRIVE}

    @property
    def poll_counts(self) -> list[int]:
        return next((list(event["counts"]) for event in self.events.values() if event["type"] == "poll_closed"), [])

    @property
    def name_accepted(self) -> int | None:
        closed = (event for event in self.events.values() if event["type"] == "ceremony_closed")
        return next((event.get("accepted") for event in closed), None)

    def _messages(self, purpose: str) -> list[Mapping[str, Any]]:
        return [row for row in self.log if row["type"] == "message" and row["purpose"] == purpose]


def judged(found: Outcome) -> dict[str, Any]:
    """Figures, and `violations` in words; empty when all is well."""
    plan, evening, said, must, stayed = found.plan, found.evening, found.said, found.must, found.stayed
    present = [*stayed, *found.returned]
    shown = {seq for seq in said if evening.readers[seq] > len(stayed) / 2}
    lost_must = sum(len({seq for seq in must if seq > seat.first} - set(seat.must)) for seat in present)
    doubled = sum(len(seat.must) - len(set(seat.must)) for seat in present)
    missing = {id(seat): _missing(seat, said, shown) for seat in present}
    unexplained = sum(map(abs, missing.values()))
    disorder = sum(seat.disorder for seat in (*found.seats, *found.returned))
    closed = sum(seat.closed and not seat.left for seat in (*found.seats, *found.returned))
    left = sum(seat.left for seat in found.seats)
    lines, asked = evening.told["line"], evening.told["line"] + evening.told["held line"] + evening.told["vote"]
    refused = sum(
        count for what, count in evening.refused.items() if what.partition(":")[0] in ("line", "held line", "vote")
    )
    due = lines + found.approved
    chosen = [found.chosen[0], found.chosen[1]]
    p99 = evening.delivery.percentile_ms(99)
    announced_p99 = evening.announced.percentile_ms(99)
    announced_share = evening.announced.total / max(1, len(found.seats))
    violations = [
        words
        for words, wrong in (
            (f"{len(found.seats)} of {plan.people} walked in", len(found.seats) < plan.people),
            (f"{lost_must} things that must arrive did not", lost_must),
            (f"{doubled} things came twice", doubled),
            (f"{unexplained} messages are neither shown nor told as left out", unexplained),
            (f"{disorder} came out of order", disorder),
            (f"{closed} were closed by the server", closed),
            (f"{len(found.returned)} of {left} who left came back", len(found.returned) != left),
            (f"{refused} lines and votes were refused, {asked} taken", refused > REFUSED_SHARE_MAX * (refused + asked)),
            (f"{len(said)} messages are in the log, {due} were taken or approved", len(said) != due),
            (
                f"{found.decided} of {evening.told['held line']} held lines were decided",
                found.decided != evening.told["held line"],
            ),
            (f"the poll says {found.poll_counts}, the voters {chosen}", found.poll_counts != chosen),
            ("nobody got the name that was accepted", found.name_accepted != found.accepted),
            ("no message was heard", p99 is None),
            (f"p99 of delivery is {p99} ms", p99 is not None and p99 > P99_MS_MAX),
            (f"p99 of the announcement is {announced_p99} ms", (announced_p99 or 0.0) > ANNOUNCED_MS_MAX),
            (f"the announcement reached {announced_share:.1%}", announced_share < ANNOUNCED_SHARE_MIN),
        )
        if wrong
    ]
    return {
        "met": not violations,
        "violations": violations,
        "messages": len(said),
        "shown_to_a_reader": _shown_share(stayed),
        "fairness": _fairness(said, shown),
        "delivery": evening.delivery.summary(),
        "announcement": {
            **evening.announced.summary(),
            "reached_share_in_their_language": round(announced_share, 4),
        },
        "poll": {"counts": found.poll_counts, "expected": chosen},
        "puzzles": [
            {
                "guest": seat.number,
                "returned": seat.returned,
                "shown": seat.shown,
                "left_out": seat.left_out,
                "missing": missing[id(seat)],
            }
            for seat in present
            if missing[id(seat)]
        ][:PUZZLES_MAX],
        "walked_in": len(found.seats),
        "stayed": len(stayed),
        "returned": len(found.returned),
        "told_of_a_gap": sum(seat.gap for seat in found.returned),
        "seconds": [
            {"s": second, "p50_ms": each.percentile_ms(50), "p99_ms": each.percentile_ms(99), "count": each.total}
            for second, each in sorted(evening.seconds.items())
        ],
        "storm_at_s": round(evening.storm_at - evening.began, 1),
        "plan": {name: getattr(plan, name) for name in Plan.__dataclass_fields__},
    }


def _missing(seat: Seat, said: Mapping[int, str], shown: set[int]) -> int:
    """Messages that a guest should have seen or been told about, and was not; below 0: more than there were."""
    expected = sum(seq > seat.first for seq in said)
    counted_twice = sum(seq not in shown for seq in seat.own)  # one's own, shown to oneself and told as left out
    return expected - seat.shown - seat.left_out + counted_twice


def _shown_share(seats: Sequence[Seat]) -> float:
    """Of what was said, the mean over readers."""
    left_out = [seat.left_out / max(1, seat.left_out + seat.shown) for seat in seats]
    return round(1 - sum(left_out) / max(1, len(left_out)), 3)


def _fairness(said: Mapping[int, str], shown: set[int]) -> dict[str, float]:
    """Whether those who talk little are shown as much of as those who talk a lot."""
    times, wrote = Counter(said[seq] for seq in shown), Counter(said.values())
    shares = [times[author] / count for author, count in wrote.items()]
    jain = sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares)) if any(shares) else 0.0
    once = [author for author, count in wrote.items() if count == 1]
    often = [author for author, count in wrote.items() if count >= SPOKE_OFTEN]
    return {
        "authors": len(wrote),
        "jain_index": round(jain, 3),
        "shown_of_those_who_spoke_once": round(sum(times[author] for author in once) / max(1, len(once)), 3),
        "shown_of_those_who_spoke_five_times_or_more": round(
            sum(times[author] / wrote[author] for author in often) / max(1, len(often)), 3
        ),
    }
