"""What the host's desk keeps in view: the audit log, with what an import brought."""

import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import ROOM, Script, walk_in

pytestmark = pytest.mark.browser

DESK = {
    "type": "desk", "room": ROOM, "conduct": {}, "held": [], "more_held": 0, "reports": [], "hands": [],
    "sanctions": [], "words": [], "lists": [], "waiting": 0,
}  # fmt: skip
STAGE = {
    "type": "stage", "room": ROOM, "conduct": {}, "standing": {}, "programme": {}, "programme_seq": 0, "polls": [],
    "questions": [], "now_ms": 0,
}  # fmt: skip


def record(seq: int, event: dict[str, Any]) -> dict[str, Any]:
    return {"type": "recorded", "epoch": "e0", "seq": seq, "at_ms": int(time.time() * 1000) - 400 * 86_400_000,
            "event": event, "of": None}  # fmt: skip


def muted(name: str, why: str) -> dict[str, Any]:
    return {"type": "sanctioned", "user": name.lower(), "name": name, "by": "li", "action": "mute", "why": why,
            "standing": {"muted": True}, "before": {}}  # fmt: skip


def test_what_an_import_brought_stands_in_the_audit_log_and_says_that_it_holds_nothing(phone: Phone) -> None:
    """The log's end comes by the socket, what was decided before it by REST; nothing is listed twice."""
    script = Script(phone.page)
    script.room["role"] = "moderator"
    script.answers |= {"desk": lambda command: DESK, "stage": lambda command: STAGE}
    early = script.entry(record(7, muted("Mallory", "advertising")))
    script.entry(record(8, {"type": "poll_voted", "of": 3, "by": "ana", "choices": [0]}))
    script.entry(muted("Troll", "shouting"))
    script.posted("Good evening")
    older = {**early, "seq": 0, "event": record(2, {"type": "words_changed", "by": "li", "words": [], "lists": []})}
    entries = [{name: one[name] for name in ("seq", "at_ms", "event")} for one in (script.log[2], early, older)]
    phone.page.route("**/audit?*", lambda route: route.fulfill(json={"entries": entries, "before": 0}))
    walk_in(phone)
    phone.page.locator("[data-part=desk]").click()
    phone.page.locator(".desk-tabs [data-tab=records]").click()
    lines = phone.page.locator(".audit li")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("小李 · Troll was muted · shouting")
    expect(lines.nth(0)).not_to_contain_text("import")
    expect(lines.nth(1)).to_contain_text("小李 · Mallory was muted · advertising")
    expect(lines.nth(2)).to_contain_text("小李 · changed the word list")
    for at in (1, 2):
        expect(lines.nth(at)).to_contain_text("On record from an import, without effect here")
        year = str(time.localtime(time.time() - 400 * 86_400).tm_year)
        expect(lines.nth(at).locator("time")).to_contain_text(year)
    lines.nth(2).scroll_into_view_if_needed()
    phone.take("desk-audit-en")
