"""Reactions of a live room: sums without names, beside what the log tells by name. Each counts once."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Phone
from tests.browser.scripted import EPOCH, ROOM, Script, walk_in

pytestmark = pytest.mark.browser

LIVE = {"kind": "live"}


def reacted(by: str, *, on: bool = True) -> dict[str, Any]:
    return {"type": "reacted", "of": 1, "by": by, "emoji": "❤️", "on": on}


def live_room(phone: Phone) -> Script:
    script = Script(phone.page)
    script.room["conduct"] = LIVE
    stage = {"type": "stage", "room": ROOM, "conduct": LIVE, "standing": {}, "programme": {}, "programme_seq": 0}
    script.answers["stage"] = lambda command: {**stage, "polls": [], "questions": [], "now_ms": 0, "hand": False}
    return script


def test_a_reaction_that_the_log_and_a_sum_tell_counts_once(phone: Phone) -> None:
    """Who enters within the quarter of a second in which a reaction is counted has it from the log already, and who
    comes back is sent again by name what sums had told."""
    script = live_room(phone)
    count = phone.page.locator(".reaction .count")

    def told(after: int, upto: int, n: int, shows: str) -> None:
        script.send({"type": "reactions", "room": ROOM, "after": after, "upto": upto, "counts": {"1": {"❤️": n}}})
        expect(count).to_have_text(shows)

    script.posted("Hello everybody")
    script.entry(reacted("ana"))
    walk_in(phone)
    expect(count).to_have_text("1")
    told(1, 3, 2, "2")  # ana and bob
    script.send(script.entry(reacted("bob")))
    told(3, 4, -1, "1")  # ana no longer
    script.send(script.entry(reacted("ana", on=False)))
    told(4, 5, 1, "2")
    script.entry(reacted("dan"))  # who was told already
    script.entry(reacted("eve"))
    script.sockets[-1].close(code=1011)
    expect(count).to_have_text("3")
    told(7, 8, 1, "4")


def test_ones_own_reaction_counts_once_whether_a_sum_or_its_answer_is_first(phone: Phone) -> None:
    script = live_room(phone)
    reaction: Locator = phone.page.locator(".reaction")
    script.posted("Hello everybody")
    script.entry(reacted("ana"))
    walk_in(phone)
    tell = {"type": "reactions", "room": ROOM, "after": 2, "upto": 4, "counts": {"1": {"❤️": 2}}}

    def answer(command: dict[str, Any]) -> dict[str, Any]:
        if command["on"]:
            script.send(tell)
        return {"type": "ack", "position": [EPOCH, 3 if command["on"] else 5]}

    script.answers["react"] = answer
    reaction.click()
    expect(reaction).to_have_attribute("aria-pressed", "true")
    expect(reaction.locator(".count")).to_have_text("3")
    reaction.click()
    expect(reaction).to_have_attribute("aria-pressed", "false")
    expect(reaction.locator(".count")).to_have_text("2")
    script.send({**tell, "after": 4, "upto": 5, "counts": {"1": {"❤️": -1}}})
    script.send(script.posted("And good night"))
    phone.wait_for("And good night")
    expect(reaction.locator(".count")).to_have_text("2")
