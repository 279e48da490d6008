"""What belongs to the room itself: its settings, its title in my language, pins, announcements."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone
from tests.browser.scripted import Script, translated, walk_in

pytestmark = pytest.mark.browser


def test_moderators_set_the_room(phone: Phone) -> None:
    script = Script(phone.page)
    script.room["role"] = "moderator"
    walk_in(phone)
    phone.page.get_by_role("button", name="Reading settings").click()
    phone.page.get_by_role("button", name="Room settings").click()
    sheet = phone.page.get_by_role("dialog")
    expect(sheet).to_contain_text("the original at once")
    phone.page.get_by_label("Title").fill("Spring concert")
    phone.page.get_by_label("Together").check()
    expect(sheet).to_contain_text("get both at once")
    phone.page.get_by_label("Time for a translation").fill("2000")
    expect(sheet.locator("output")).to_have_text("2 seconds")
    phone.page.get_by_role("button", name="Save").click()
    expect(phone.page.locator("h1")).to_have_text("Spring concert")
    asked = script.asked("configure")[0]
    assert (asked["title"], asked["translation"], asked["translation_budget_ms"]) == ("Spring concert", "hold", 2000)
    expect(phone.page.locator(".line.note")).to_contain_text("changed the room settings")


def test_the_title_is_read_in_my_language_with_the_original_beneath(phone: Phone) -> None:
    script = Script(phone.page)
    script.room |= {"title": "春天音乐会", "title_seq": 1}
    script.entry({"type": "room_created", "by": "host", "name": "榕榕", "title": "春天音乐会"})
    walk_in(phone)
    expect(phone.page.locator("h1")).to_have_text("春天音乐会")
    phone.page.wait_for_timeout(300)
    assert [(one["of"], one["language"]) for one in script.asked("translate")] == [(1, "en")]
    script.send(script.entry(translated(1, "Spring concert")))
    expect(phone.page.locator("h1")).to_have_text("Spring concert")
    expect(phone.page.locator(".title-original")).to_contain_text("春天音乐会")


def test_pins_are_read_in_my_language_even_outside_the_loaded_page(phone: Phone) -> None:
    script = Script(phone.page)
    script.posted("今晚八点开始", minutes_ago=300)
    for number in range(80):
        script.posted(f"Message number {number}", minutes_ago=200 - number)
    script.room |= {"pins": [1], "role": "moderator"}
    walk_in(phone)
    bar = phone.page.locator(".pin-bar")
    expect(bar).to_contain_text("今晚八点开始")
    script.send(script.entry(translated(1, "We begin at eight tonight")))
    expect(bar).to_contain_text("We begin at eight tonight")
    phone.open_message()
    phone.page.get_by_role("button", name="Pin", exact=True).click()
    expect(bar).to_contain_text("Message number 79")
    expect(bar.locator(".count")).to_contain_text("2")
    bar.click()
    rows = phone.page.locator(".pin-row")
    expect(rows).to_have_count(2)
    rows.last.get_by_role("button", name="Show original").click()
    expect(rows.last.locator(".text")).to_have_text("今晚八点开始")
    rows.last.get_by_role("button", name="Unpin").click()
    expect(rows).to_have_count(1)
    assert [(one["of"], one["on"]) for one in script.asked("pin")] == [(81, True), (1, False)]


def test_a_moderator_announces_and_it_stands_apart(phone: Phone) -> None:
    script = Script(phone.page)
    script.room["role"] = "moderator"
    walk_in(phone)
    horn = phone.page.get_by_role("button", name="Announce to everybody")
    horn.click()
    expect(horn).to_have_attribute("aria-pressed", "true")
    expect(phone.page.locator(".composer-bar")).to_contain_text("Announcement")
    phone.page.keyboard.press("Escape")
    expect(horn).to_have_attribute("aria-pressed", "false")
    horn.click()
    phone.say("We begin at eight")
    phone.wait_for("We begin at eight")
    assert [one["announce"] for one in script.asked("post")] == [True]
    expect(horn).to_have_attribute("aria-pressed", "false")
    phone.say("And this is only a message")
    phone.wait_for("only a message")
    assert [one["announce"] for one in script.asked("post")] == [True, False]
    script.send(script.posted("八点开始", purpose="announcement"))
    expect(phone.page.locator(".announcement .announced")).to_have_text("Announcement")
