"""History and quotes in my language, and translations that could not be made."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import Script, translated, untranslated, walk_in

pytestmark = pytest.mark.browser


def test_a_refused_translation_says_why_and_can_be_tried_again(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("阳性阴性阳性阴性"))
    script.send(script.entry(untranslated(1, "doubtful")))
    expect(phone.page.locator(".thin.refused")).to_have_text("Not translated: the result is doubtful")
    phone.take("refused-en-light")
    phone.page.get_by_role("button", name="Try again").click()
    expect(phone.page.locator(".shimmer")).to_have_count(1)
    assert [(one["of"], one["language"]) for one in script.asked("translate")] == [(1, "en")]
    script.send(script.entry(untranslated(1, "overload")))
    expect(phone.page.locator(".thin.refused")).to_contain_text("too busy")
    script.send(script.entry(translated(1, "Positive, negative")))
    expect(phone.page.locator(".stack .text")).to_have_text("Positive, negative")


def test_history_is_asked_for_newest_first_and_again_after_a_cut(phone: Phone) -> None:
    script = Script(phone.page)
    for number in range(30):
        script.posted(f"第{number}句话")
    phone.page.set_viewport_size({"width": 390, "height": 4000})
    walk_in(phone)
    script.wait_asked("translate", 20)
    phone.page.wait_for_timeout(100)
    first = [one["of"] for one in script.asked("translate")]
    assert first == list(range(30, 10, -1))
    script.send(script.entry(translated(30, "The last sentence")))
    phone.wait_for("The last sentence")
    script.heard.clear()
    script.sockets[-1].close(code=1011)
    phone.page.wait_for_function("() => document.querySelector('.room').dataset.connection !== 'ready'")
    phone.wait_connected()
    script.wait_asked("translate", 20)
    phone.page.wait_for_timeout(100)
    again = [one["of"] for one in script.asked("translate")]
    assert sorted(again) == sorted({*first[1:], 10}), "what was asked before the cut is asked again, and nothing else"


def test_a_quote_is_read_in_my_language_even_outside_the_loaded_page(phone: Phone) -> None:
    script = Script(phone.page)
    script.posted("你叫什么名字？", minutes_ago=300)
    for number in range(60):
        script.posted(f"Message number {number}", minutes_ago=200 - number)
    script.posted("Brecken", author="ana", name="Ana", reply_to=1)
    walk_in(phone)
    quote = phone.page.locator(".quote")
    expect(quote).to_contain_text("你叫什么名字")
    assert 1 in [one["of"] for one in script.wait_asked("translate")]
    script.send(script.entry(translated(1, "What is your name?")))
    expect(quote).to_contain_text("What is your name?")
