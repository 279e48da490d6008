"""Previews: a draft in the other language and back, before it is sent."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakePhone, Phone
from tests.browser.scripted import Script, preview_of, refuse, walk_in

pytestmark = pytest.mark.browser


def test_a_draft_is_shown_in_the_other_language_and_back(phone: Phone) -> None:
    script = Script(phone.page)
    script.answers["preview"] = preview_of
    walk_in(phone)
    toggle = phone.page.get_by_role("button", name="Preview the translation")
    toggle.click()
    panel = phone.page.locator(".preview-panel")
    panel.wait_for()
    height = panel.evaluate("(one) => one.offsetHeight")
    phone.page.locator("#composer").press_sequentially("Good evening", delay=20)
    expect(panel.locator(".text")).to_have_text("译：Good evening")
    expect(panel.locator(".back")).to_contain_text("back: Good evening")
    assert panel.evaluate("(one) => one.offsetHeight") == height
    assert [(one["text"], one["language"]) for one in script.asked("preview")] == [("Good evening", "zh")]
    phone.page.keyboard.press("Enter")
    phone.wait_for("Good evening")
    expect(panel.locator(".text")).to_have_text("")
    toggle.click()
    expect(panel).to_have_count(0)


def test_one_preview_is_in_flight_and_the_latest_draft_wins(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    script = Script(phone.page)
    script.answers["preview"] = lambda command: None
    phone.page.clock.install()
    walk_in(phone)
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.locator(".preview-panel").wait_for()
    box = phone.page.locator("#composer")
    for draft in ("One", "One two", "One two three"):
        box.fill(draft)
        phone.page.clock.run_for(700)
    assert [one["text"] for one in script.asked("preview")] == ["One"]
    script.answers["preview"] = preview_of
    script.send({"re": script.asked("preview")[0]["id"], **preview_of({"text": "One"})})
    expect(phone.page.locator(".preview-panel .text")).to_have_text("译：One two three")
    assert [one["text"] for one in script.asked("preview")] == ["One", "One two three"]


def test_a_preview_that_cannot_be_says_why(phone: Phone) -> None:
    script = Script(phone.page)
    answers = {"text": "", "back": "", "source": "en", "back_reason": "", "starter": False}
    script.answers["preview"] = lambda command: {"type": "preview", **answers, "reason": "doubtful"}
    walk_in(phone)
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.fill("#composer", "Well")
    back = phone.page.locator(".preview-panel .back")
    expect(back).to_have_text("Not translated: the result is doubtful")
    script.answers["preview"] = lambda command: refuse("unavailable", retryable=True, retry_after_ms=200)
    phone.page.fill("#composer", "Well then")
    expect(back).to_contain_text("you can send all the same")
    script.answers["preview"] = lambda command: {**preview_of(command), "back": "", "back_reason": "no_package"}
    expect(phone.page.locator(".preview-panel .text")).to_have_text("译：Well then", timeout=4_000)
    expect(back).to_contain_text("Not read back")


def test_half_typed_pinyin_is_not_previewed(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    script = Script(phone.page)
    script.answers["preview"] = preview_of
    phone.page.clock.install()
    walk_in(phone)
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.locator(".preview-panel").wait_for()
    phone.page.evaluate(
        """() => { const box = document.querySelector('#composer'); box.focus();
             box.dispatchEvent(new CompositionEvent('compositionstart', {bubbles: true}));
             box.value = "ni'hao"; box.dispatchEvent(new InputEvent('input', {bubbles: true, isComposing: true})); }"""
    )
    phone.page.clock.run_for(800)
    phone.page.wait_for_timeout(50)
    assert script.asked("preview") == []
