"""Explained words: slang and terms in a message, beside the translation and in the original."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import YYDS, Script, edited, explained, slang, walk_in

pytestmark = pytest.mark.browser


def test_slang_is_explained_beside_the_translation_and_underlined_in_the_original(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    slang(script)
    chips = phone.page.locator(".gloss")
    expect(chips).to_have_count(2)
    expect(chips.first).to_have_text("yyds — the greatest of all time")
    phone.take("slang-en-light")
    phone.page.locator(".thin").click()
    terms = phone.page.locator(".stack .term")
    expect(terms).to_have_text(["yyds", "破防"])
    expect(phone.page.locator(".stack .text")).to_have_text(YYDS)
    expect(terms.first).to_have_attribute("aria-description", "the greatest of all time")
    phone.take("slang-original-en-light")
    terms.first.click()
    sheet = phone.page.get_by_role("dialog")
    expect(sheet.locator("dt")).to_have_text(["yyds", "破防"])
    expect(sheet.locator("dd")).to_have_text(["the greatest of all time", "moved to tears"])
    phone.page.keyboard.press("Escape")
    chips.last.click()
    expect(sheet).to_be_visible()


def test_places_of_words_count_code_points_and_an_edit_ends_them(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("🎉🎉 yyds https://a.example/yyds"))
    script.send(script.entry(explained(1, ("yyds", 3, 7, "the greatest"), ("far", 90, 99, "outside"))))
    expect(phone.page.locator(".stack .term")).to_have_text(["yyds"])
    expect(phone.page.locator(".stack a")).to_have_attribute("href", "https://a.example/yyds")
    script.send(script.entry(edited(1, "Well then")))
    expect(phone.page.locator(".stack .text")).to_have_text("Well then")
    expect(phone.page.locator(".gloss, .term")).to_have_count(0)


def test_a_keyboard_reaches_the_explanation(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    slang(script)
    phone.page.locator(".gloss").last.wait_for()
    phone.page.locator(".message").focus()
    for _ in range(6):
        phone.page.keyboard.press("Tab")
        if phone.page.evaluate("document.activeElement.classList.contains('gloss')"):
            break
    phone.page.keyboard.press("Enter")
    expect(phone.page.get_by_role("dialog").locator("dt").first).to_have_text("yyds")
    phone.page.keyboard.press("Escape")
    assert phone.page.evaluate("document.activeElement.classList.contains('gloss')"), "the focus did not come back"
