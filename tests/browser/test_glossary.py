"""The room's glossary: everybody reads it, moderators keep it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import Script, suggested, term, translated, walk_in

pytestmark = pytest.mark.browser


def open_glossary(phone: Phone) -> None:
    phone.page.get_by_role("button", name="Reading settings").click()
    phone.page.get_by_role("button", name="Glossary").click()
    phone.page.locator(".terms li").first.wait_for()


def test_everybody_reads_the_glossary_and_finds_in_it(phone: Phone) -> None:
    script = Script(phone.page)
    script.terms = [
        term("白睿康", "Brecken"),
        term("yyds", None, "en", "never translated"),
        term("榕榕", "Rongrong", "en"),
    ]
    walk_in(phone)
    open_glossary(phone)
    rows = phone.page.locator(".term-row")
    expect(rows).to_have_count(3)
    expect(phone.page.locator(".terms")).to_contain_text("kept as it is")
    expect(phone.page.get_by_role("button", name="Add a term")).to_have_count(0)
    phone.page.get_by_label("Find a term").fill("breck")
    expect(rows).to_have_count(1)
    phone.page.get_by_label("Find a term").fill("")
    changed = {"type": "term_changed", "by": "host", "source": "破防", "target": "in tears", "language": "en"}
    script.send(script.entry({**changed, "note": ""}))
    expect(rows).to_have_count(4)
    script.send(script.entry({"type": "term_removed", "by": "host", "source": "白睿康", "language": ""}))
    expect(rows).to_have_count(3)
    phone.page.keyboard.press("Escape")
    expect(phone.page.locator(".line.note")).to_have_count(1)
    expect(phone.page.locator(".line.note")).to_contain_text("changed the glossary")


def test_moderators_add_change_and_remove_terms(phone: Phone) -> None:
    script = Script(phone.page)
    script.room["role"] = "moderator"
    walk_in(phone)
    open_glossary(phone)
    expect(phone.page.locator(".terms")).to_contain_text("No terms yet")
    phone.page.get_by_role("button", name="Add a term").click()
    phone.page.get_by_label("Term", exact=True).fill("破防")
    phone.page.get_by_label("Translate as").fill("in tears")
    phone.page.get_by_label("For", exact=True).select_option("en")
    phone.page.get_by_role("button", name="Save").click()
    row = phone.page.locator(".term-row")
    expect(row).to_contain_text("in tears")
    put = script.asked("put_term")[0]
    assert (put["source"], put["target"], put["language"], put["note"]) == ("破防", "in tears", "en", "")
    row.get_by_role("button", name="Edit").click()
    phone.page.get_by_label("Translate as").fill("")
    phone.page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("kept as it is")
    assert script.asked("put_term")[1]["target"] is None
    row.get_by_role("button", name="Remove").click()
    row.get_by_role("button", name="Remove?").click()
    expect(row).to_have_count(0)
    assert script.asked("remove_term")[0]["language"] == "en"


def test_a_suggestion_becomes_a_term(phone: Phone) -> None:
    script = Script(phone.page)
    script.room["role"] = "owner"
    walk_in(phone)
    script.send(script.posted("破防了"))
    script.send(script.entry(translated(1, "The defence was broken")))
    script.send(script.entry(suggested(1, "I am in tears")))
    phone.wait_for("The defence was broken")
    phone.open_message()
    phone.page.locator(".suggestion").get_by_role("button", name="Add to the glossary").click()
    expect(phone.page.get_by_label("Term", exact=True)).to_have_value("破防了")
    expect(phone.page.get_by_label("Translate as")).to_have_value("I am in tears")
    expect(phone.page.get_by_label("For", exact=True)).to_have_value("en")
