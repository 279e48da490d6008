"""States worth designing, not forgetting: each said in the reader's words, and nothing lost on the way."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakePhone, Phone
from tests.browser.scripted import EPOCH, ROOM, Script, edited, refuse, translated, untranslated, walk_in

pytestmark = pytest.mark.browser


def test_a_gap_is_filled_from_the_log(phone: Phone) -> None:
    script = Script(phone.page)
    script.posted("before")
    walk_in(phone)
    phone.wait_for("before")
    for number in range(5):
        script.posted(f"missed {number}")
    script.send({"type": "gap", "room": ROOM, "head": [EPOCH, len(script.log)], "missed": 5})
    phone.wait_for("missed 4")
    expect(phone.page.locator(".line.gap")).to_have_count(0)


def test_what_cannot_be_recovered_is_told(phone: Phone) -> None:
    script = Script(phone.page)
    script.posted("before")
    walk_in(phone)
    script.answers["history"] = lambda command: refuse("epoch_changed")
    script.send({"type": "gap", "room": ROOM, "head": [EPOCH, 38], "missed": 37})
    expect(phone.page.locator(".line.gap")).to_have_text("37 messages could not be recovered")


def test_a_restart_is_announced_and_healed(phone: Phone) -> None:
    script = Script(phone.page)
    script.posted("before the restart")
    walk_in(phone)
    script.send({"type": "closing", "code": 4000, "words": "", "retry_after_ms": 1500})
    script.sockets[-1].close(code=4000)
    expect(phone.page.locator(".banner")).to_contain_text("restarting")
    script.posted("said meanwhile")
    phone.wait_for("said meanwhile")
    phone.wait_connected()
    assert script.asked("hello")[1]["rooms"] == [{"room": ROOM, "position": [EPOCH, 1]}]
    expect(phone.page.locator(".message[data-seq]")).to_have_count(2)


def test_an_expired_token_leads_back_to_the_door_with_words(phone: Phone) -> None:
    script = Script(phone.page)
    script.answers["hello"] = lambda command: refuse("token_expired")
    phone.open_invitation()
    phone.page.fill("#name", "Me")
    phone.page.click("button.primary")
    expect(phone.page.locator(".failure")).to_contain_text("expired")
    expect(phone.page.locator("#name")).to_have_value("Me")


def test_a_missing_package_says_how_to_get_it(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("你好，朋友们"))
    script.send(script.entry(untranslated(1, "no_package")))
    expect(phone.page.locator(".thin.refused")).to_have_text("No package for Chinese → English")
    expect(phone.page.locator(".notice")).to_contain_text("diqiucun models install zh en")


def test_without_a_route_nobody_waits_for_a_translation(phone: Phone) -> None:
    script = Script(phone.page, routes=[])
    walk_in(phone)
    script.send(script.posted("你好，朋友们"))
    phone.wait_for("你好")
    expect(phone.page.locator(".shimmer")).to_have_count(0)
    expect(phone.page.locator(".notice")).to_contain_text("diqiucun models install zh en")
    assert script.asked("translate") == []


def test_a_shimmer_stands_for_three_seconds_at_most(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    script = Script(phone.page)
    phone.page.clock.install()
    walk_in(phone)
    script.send(script.posted("你好，朋友们"))
    shimmer, offer = phone.page.locator(".shimmer"), phone.page.locator(".thin.offer")
    shimmer.wait_for()
    height = phone.page.locator(".bubble").last.evaluate("(one) => one.offsetHeight")
    phone.page.clock.run_for(1_500)
    expect(shimmer).to_have_count(1)
    phone.page.clock.run_for(1_500)
    offer.wait_for()
    assert phone.page.locator(".bubble").last.evaluate("(one) => one.offsetHeight") == height
    offer.click()
    expect(phone.page.locator(".shimmer")).to_have_count(1)
    assert [(one["of"], one["language"]) for one in script.asked("translate")] == [(1, "en")]


def test_lines_without_words_have_no_toggle_and_no_shimmer(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    for text in ("666", "😀🎉", "hhhh", "https://example.org/"):
        script.send(script.posted(text))
    script.send(script.posted("哈哈哈"))
    script.send(script.entry(untranslated(5, "nothing_to_translate")))
    expect(phone.page.locator(".message")).to_have_count(5)
    expect(phone.page.locator(".under")).to_have_count(0)


def test_visible_history_is_translated_at_most_twenty_at_a_time(phone: Phone) -> None:
    script = Script(phone.page)
    for number in range(50):
        script.posted(f"第{number}句话")
    phone.page.set_viewport_size({"width": 390, "height": 4000})
    walk_in(phone)
    script.wait_asked("translate", 20)
    phone.page.wait_for_timeout(100)
    asked = script.asked("translate")
    assert len(asked) == 20
    first = asked[0]["of"]
    done = {
        "of": first,
        "revision": 0,
        "language": "en",
        "source": "zh",
        "text": "A sentence",
        "engine": "e",
        "package": "p",
    }
    script.send(script.entry({"type": "translated", "starter": True, **done}))
    phone.wait_for("A sentence")
    phone.page.wait_for_timeout(100)
    assert len(script.asked("translate")) == 21


def test_older_messages_load_without_moving_the_reader(phone: Phone) -> None:
    script = Script(phone.page)
    for number in range(140):
        script.posted(f"Message number {number}", minutes_ago=200 - number)
    walk_in(phone)
    phone.wait_for("Message number 139")
    log = phone.page.locator(".log")
    before = phone.page.locator(".message").count()
    log.evaluate("(log) => { log.scrollTop = 300; }")
    top = phone.page.evaluate(
        """() => { const log = document.querySelector('.log').getBoundingClientRect().top;
             const all = [...document.querySelectorAll('.message')];
             const one = all.find((node) => node.getBoundingClientRect().bottom > log);
             return [one.dataset.seq, one.getBoundingClientRect().top]; }"""
    )
    phone.page.wait_for_function(f"() => document.querySelectorAll('.message').length > {before}")
    phone.page.wait_for_timeout(200)
    now = phone.page.evaluate(
        "(seq) => document.querySelector(`[data-seq='${seq}']`).getBoundingClientRect().top", top[0]
    )
    assert abs(now - top[1]) <= 1


def test_a_refused_message_stays_with_its_reason_and_its_once_key(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.answers["post"] = lambda command: refuse("forbidden")
    phone.say("May I?")
    failed = phone.page.locator(".unsent.failed")
    expect(failed).to_contain_text("Your role in this room does not allow that")
    expect(phone.page.locator("#refusals")).to_contain_text("does not allow")
    del script.answers["post"]
    failed.get_by_role("button", name="Retry").click()
    expect(phone.page.locator(".unsent")).to_have_count(0)
    expect(phone.page.locator(".message.own[data-seq]")).to_have_count(1)
    first, second = script.asked("post")
    assert first["once"] == second["once"]


def test_too_fast_waits_and_sends_by_itself(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.answers["post"] = lambda command: refuse("too_fast", retryable=True, retry_after_ms=300)
    phone.say("Quick")
    phone.page.wait_for_timeout(150)
    del script.answers["post"]
    expect(phone.page.locator(".message.own[data-seq]")).to_have_text(re.compile("Quick"))
    assert len({one["once"] for one in script.asked("post")}) == 1


def test_the_unread_line_stands_where_reading_stopped(phone: Phone) -> None:
    script = Script(phone.page, read=3)
    for number in range(1, 6):
        script.posted(f"Message number {number}")
    walk_in(phone)
    line = phone.page.locator(".line.unread")
    expect(line).to_have_text("New messages")
    assert line.evaluate("(one) => one.nextElementSibling.dataset.seq") == "4"
    assert script.wait_asked("mark_read")[-1]["seq"] == 5


def test_somebody_typing_is_told_and_forgotten(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send({"type": "typing", "room": ROOM, "user": "li", "name": "小李"})
    expect(phone.page.locator(".typing")).to_have_text("小李 is typing…")
    script.send(script.posted("Done typing"))
    expect(phone.page.locator(".typing")).to_have_text("")


def test_both_texts_when_the_reader_wants_both(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("你好"))
    script.send(script.entry(translated(1, "Hello")))
    phone.wait_for("Hello")
    phone.page.get_by_role("button", name="Reading settings").click()
    phone.page.check("input[value=both]")
    phone.page.keyboard.press("Escape")
    expect(phone.page.locator(".second .text")).to_have_text("你好")
    expect(phone.page.locator(".stack .text")).to_have_text("Hello")
    phone.page.locator(".message").hover()
    phone.page.locator(".message .more").click()
    expect(phone.page.locator("dialog .label")).to_contain_text("Machine translated · starter")


def test_a_room_that_holds_sends_text_and_translation_together(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    held = script.posted("你好", written_in="zh", purpose="announcement")
    script.send({**held, "translation": translated(1, "Hello")})
    expect(phone.page.locator(".stack .text")).to_have_text("Hello")
    expect(phone.page.locator(".announced")).to_have_text("Announcement")
    changed = {"type": "room_changed", "by": "host", "title": "新名字", "translation": "hold"}
    script.send(script.entry({**changed, "translation_budget_ms": 800}))
    expect(phone.page.locator("h1")).to_have_text("新名字")


def test_an_edit_makes_its_translation_old(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("你好"))
    script.send(script.entry(translated(1, "Hello")))
    phone.wait_for("Hello")
    script.send(script.entry(edited(1, "再见")))
    expect(phone.page.locator(".stack .text")).to_have_text("再见")
    script.send(script.entry(translated(1, "Goodbye", revision=1)))
    expect(phone.page.locator(".stack .text")).to_have_text("Goodbye")


def test_hello_asks_for_nothing_it_does_not_need(phone: Phone) -> None:
    """The first command on a socket is hello, with a token, languages and a null position on a first visit."""
    script = Script(phone.page)
    walk_in(phone)
    hello = script.heard[0]
    assert hello["type"] == "hello"
    assert hello["languages"] == ["en"]
    assert hello["rooms"] == [{"room": ROOM, "position": None}]
    assert json.dumps(hello).count("token") == 1


def test_a_token_in_the_address_is_taken_and_forgotten(phone: Phone) -> None:
    script = Script(phone.page)
    claims = json.dumps({"sub": "榕榕", "exp": 4_000_000_000, "rooms": {ROOM: "owner"}})
    encoded = phone.page.evaluate("(text) => btoa(unescape(encodeURIComponent(text)))", claims)
    token = f"x.{encoded.rstrip('=').replace('+', '-').replace('/', '_')}.y"
    phone.page.goto(f"{phone.village.url}/#/t/{token}")
    phone.wait_connected()
    assert phone.page.url.endswith(f"/#/r/{ROOM}")
    assert phone.page.evaluate("history.length") <= 2
    assert script.asked("hello")[0]["token"] == token
