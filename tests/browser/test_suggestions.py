"""Better translations: members suggest, vote, and are read in place of the machine."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import ROOM, Script, suggested, translated, voted, walk_in

pytestmark = pytest.mark.browser


def test_two_votes_put_the_members_text_in_place_of_the_machines(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("破防了"))
    script.send(script.entry(translated(1, "The defence was broken")))
    script.send(script.entry(suggested(1, "I am in tears")))
    for voter in ("li", "ana"):  # the author's own vote does not count
        script.send(script.entry(voted(1, 3, voter)))
    phone.wait_for("The defence was broken")
    phone.open_message()
    vote = phone.page.locator(".vote")
    expect(vote.locator(".count")).to_have_text("1")
    vote.click()
    expect(vote).to_have_attribute("aria-pressed", "true")
    expect(vote.locator(".count")).to_have_text("2")
    assert script.asked("vote")[0] | {"once": "", "id": 0} == {
        "type": "vote", "room": ROOM, "of": 1, "suggestion": 3, "on": True, "once": "", "id": 0,
    }  # fmt: skip
    phone.page.keyboard.press("Escape")
    expect(phone.page.locator(".stack .text")).to_have_text("I am in tears")
    corrected = phone.page.locator(".corrected")
    expect(corrected).to_contain_text("Corrected by members (小李)")
    corrected.click()
    expect(phone.page.locator(".stack .text")).to_have_text("The defence was broken")
    corrected.click()
    expect(phone.page.locator(".stack .text")).to_have_text("I am in tears")
    script.send(script.entry(voted(1, 3, "ana", on=False)))
    expect(phone.page.locator(".stack .text")).to_have_text("The defence was broken")


def test_a_better_translation_is_suggested_from_the_messages_sheet(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("破防了"))
    script.send(script.entry(translated(1, "The defence was broken")))
    phone.wait_for("The defence was broken")
    phone.open_message()
    phone.page.get_by_role("button", name="Suggest a better translation").click()
    box = phone.page.get_by_label("Better English")
    expect(box).to_have_value("The defence was broken")
    box.fill("I am in tears")
    phone.page.get_by_role("button", name="Suggest it").click()
    expect(phone.page.get_by_role("dialog")).to_have_count(0)
    asked = script.asked("suggest")[0]
    assert (asked["of"], asked["language"], asked["text"]) == (1, "en", "I am in tears")
    phone.open_message()
    expect(phone.page.locator(".suggestion")).to_contain_text("by you")
    expect(phone.page.locator(".vote")).to_be_disabled()
