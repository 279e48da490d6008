"""Understanding in depth: explained words, corrections by members, glossary, previews, pins, titles, refusals.

First each state with a scripted socket, then the whole way on the real server.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect

from chat.client import Client
from tests.browser.conftest import MakePhone, Phone, Village
from tests.browser.scripted import ROOM, Script
from tests.browser.test_page_states import refuse, translated, walk_in
from tests.browser.test_two_phones import axe_source, violations

pytestmark = pytest.mark.browser

YYDS = "这首歌yyds，昨晚大家都破防了"


def explained(of: int, *terms: tuple[str, int, int, str], language: str = "en") -> dict[str, Any]:
    rows = [{"term": term, "start": start, "end": end, "meaning": meaning} for term, start, end, meaning in terms]
    return {"type": "explained", "of": of, "revision": 0, "language": language, "terms": rows}


def suggested(of: int, text: str, *, by: str = "li", name: str = "小李", language: str = "en") -> dict[str, Any]:
    return {"type": "suggested", "of": of, "revision": 0, "language": language, "text": text, "by": by, "name": name}


def voted(of: int, suggestion: int, by: str, *, on: bool = True) -> dict[str, Any]:
    return {"type": "voted", "of": of, "suggestion": suggestion, "by": by, "on": on}


@pytest.fixture
def phone(make_phone: MakePhone) -> Phone:
    return make_phone("en-US")


def open_message(phone: Phone, index: int = -1) -> None:
    messages = phone.page.locator(".message[data-seq]")
    messages.nth(index if index >= 0 else messages.count() + index).hover()
    messages.nth(index if index >= 0 else messages.count() + index).locator(".more").click()
    phone.page.locator("dialog[open] .emoji").first.wait_for()


# -- explained words ---------------------------------------------------------------------------------------------------


def slang(script: Script) -> None:
    script.send(script.posted(YYDS))
    script.send(script.entry(translated(1, "This song is the best ever, everyone was in tears last night")))
    script.send(
        script.entry(explained(1, ("yyds", 3, 7, "the greatest of all time"), ("破防", 13, 15, "moved to tears")))
    )


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
    edited = {"type": "edited", "of": 1, "by": "li", "revision": 1, "text": "Well then", "mentions": []}
    script.send(script.entry(edited))
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


# -- better translations -----------------------------------------------------------------------------------------------


def test_two_votes_put_the_members_text_in_place_of_the_machines(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("破防了"))
    script.send(script.entry(translated(1, "The defence was broken")))
    script.send(script.entry(suggested(1, "I am in tears")))
    for voter in ("li", "ana"):  # the author's own vote does not count
        script.send(script.entry(voted(1, 3, voter)))
    phone.wait_for("The defence was broken")
    open_message(phone)
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
    open_message(phone)
    phone.page.get_by_role("button", name="Suggest a better translation").click()
    box = phone.page.get_by_label("Better English")
    expect(box).to_have_value("The defence was broken")
    box.fill("I am in tears")
    phone.page.get_by_role("button", name="Suggest it").click()
    expect(phone.page.get_by_role("dialog")).to_have_count(0)
    asked = script.asked("suggest")[0]
    assert (asked["of"], asked["language"], asked["text"]) == (1, "en", "I am in tears")
    open_message(phone)
    expect(phone.page.locator(".suggestion")).to_contain_text("by you")
    expect(phone.page.locator(".vote")).to_be_disabled()


# -- the glossary ------------------------------------------------------------------------------------------------------


def term(source: str, target: str | None, language: str = "", note: str = "") -> dict[str, Any]:
    return {"source": source, "target": target, "language": language, "note": note, "added_by": "host"}


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
    open_message(phone)
    phone.page.locator(".suggestion").get_by_role("button", name="Add to the glossary").click()
    expect(phone.page.get_by_label("Term", exact=True)).to_have_value("破防了")
    expect(phone.page.get_by_label("Translate as")).to_have_value("I am in tears")
    expect(phone.page.get_by_label("For", exact=True)).to_have_value("en")


# -- the room ----------------------------------------------------------------------------------------------------------


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
    open_message(phone)
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


# -- refusals and history ----------------------------------------------------------------------------------------------


def test_a_refused_translation_says_why_and_can_be_tried_again(phone: Phone) -> None:
    script = Script(phone.page)
    walk_in(phone)
    script.send(script.posted("阳性阴性阳性阴性"))
    told = {"type": "untranslated", "of": 1, "revision": 0, "language": "en", "source": "zh"}
    script.send(script.entry({**told, "reason": "doubtful"}))
    expect(phone.page.locator(".thin.refused")).to_have_text("Not translated: the result is doubtful")
    phone.take("refused-en-light")
    phone.page.get_by_role("button", name="Try again").click()
    expect(phone.page.locator(".shimmer")).to_have_count(1)
    assert [(one["of"], one["language"]) for one in script.asked("translate")] == [(1, "en")]
    script.send(script.entry({**told, "reason": "overload"}))
    expect(phone.page.locator(".thin.refused")).to_contain_text("too busy")
    script.send(script.entry(translated(1, "Positive, negative")))
    expect(phone.page.locator(".stack .text")).to_have_text("Positive, negative")


def test_history_is_asked_for_newest_first_and_again_after_a_cut(phone: Phone) -> None:
    script = Script(phone.page)
    for number in range(30):
        script.posted(f"第{number}句话")
    phone.page.set_viewport_size({"width": 390, "height": 4000})
    walk_in(phone)
    phone.page.wait_for_timeout(500)
    first = [one["of"] for one in script.asked("translate")]
    assert first == list(range(30, 10, -1))
    script.send(script.entry(translated(30, "The last sentence")))
    phone.wait_for("The last sentence")
    script.heard.clear()
    script.sockets[-1].close(code=1011)
    phone.page.wait_for_function("() => document.querySelector('.room').dataset.connection !== 'ready'")
    phone.wait_connected()
    phone.page.wait_for_timeout(500)
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
    phone.page.wait_for_timeout(200)
    assert 1 in [one["of"] for one in script.asked("translate")]
    script.send(script.entry(translated(1, "What is your name?")))
    expect(quote).to_contain_text("What is your name?")


# -- previews ----------------------------------------------------------------------------------------------------------


def preview_of(command: dict[str, Any]) -> dict[str, Any]:
    return {"type": "preview", "text": f"译：{command['text']}", "back": f"back: {command['text']}", "source": "en",
            "reason": "", "back_reason": "", "starter": False}  # fmt: skip


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


def test_one_preview_is_in_flight_and_the_latest_draft_wins(phone: Phone) -> None:
    script = Script(phone.page)
    script.answers["preview"] = lambda command: None
    walk_in(phone)
    phone.page.get_by_role("button", name="Preview the translation").click()
    box = phone.page.locator("#composer")
    for draft in ("One", "One two", "One two three"):
        box.fill(draft)
        phone.page.wait_for_timeout(700)
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


def test_half_typed_pinyin_is_not_previewed(phone: Phone) -> None:
    script = Script(phone.page)
    script.answers["preview"] = preview_of
    walk_in(phone)
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.locator(".preview-panel").wait_for()
    phone.page.evaluate(
        """() => { const box = document.querySelector('#composer'); box.focus();
             box.dispatchEvent(new CompositionEvent('compositionstart', {bubbles: true}));
             box.value = "ni'hao"; box.dispatchEvent(new InputEvent('input', {bubbles: true, isComposing: true})); }"""
    )
    phone.page.wait_for_timeout(800)
    assert script.asked("preview") == []


# -- the way in for a host, and what everybody can use -----------------------------------------------------------------


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_depth(make_phone: MakePhone, scheme: str) -> None:
    phone = make_phone("en-US", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    source = axe_source()
    script = Script(phone.page)
    script.answers["preview"] = preview_of
    script.room |= {"role": "owner", "title": "春天音乐会", "title_seq": 99}
    script.terms = [term("白睿康", "Brecken"), term("yyds", None, "en", "never translated")]
    walk_in(phone)
    slang(script)
    script.send(script.entry(translated(99, "Spring concert")))
    script.send(script.posted("八点开始", purpose="announcement"))
    script.send(script.entry(translated(5, "We begin at eight")))
    script.send(script.entry(suggested(5, "It begins at eight")))
    for voter in ("ana", "tom"):
        script.send(script.entry(voted(5, 7, voter)))
    script.send(script.entry({"type": "pinned", "of": 5, "by": "host", "on": True}))
    script.send(script.posted("阳性阴性阳性阴性"))
    told = {"type": "untranslated", "of": 11, "revision": 0, "language": "en", "source": "zh", "reason": "doubtful"}
    script.send(script.entry(told))
    phone.page.get_by_role("button", name="Try again").wait_for()
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.fill("#composer", "Good evening")
    expect(phone.page.locator(".preview-panel .text")).to_have_text("译：Good evening")
    phone.page.get_by_role("button", name="Announce").click()
    expect(phone.page.locator(".pin-bar")).to_contain_text("It begins at eight")
    assert violations(phone, source) == []
    small = phone.page.evaluate(
        """() => [...document.querySelectorAll('button, select, a')].filter((one) => one.offsetParent)
             .map((one) => { const box = one.getBoundingClientRect(); const more = getComputedStyle(one, '::after');
               const extra = more.content === 'none' ? 0 : -parseFloat(more.top) - parseFloat(more.bottom) || 0;
               return [one.className, Math.round(box.height + Math.max(0, extra))]; })
             .filter(([name, height]) => height > 2 && height < 43.5 && !/skip/.test(name))"""
    )
    assert small == []
    for opened in ("openTerms", "openGlossary", "openRoom", "openPins", "message", "suggest"):
        if opened == "openTerms":
            phone.page.locator(".gloss").first.click()
        elif opened == "openPins":
            phone.page.locator(".pin-bar").click()
        elif opened in ("message", "suggest"):
            phone.page.locator(".announcement .more").focus()
            phone.page.keyboard.press("Enter")
            if opened == "suggest":
                phone.page.get_by_role("button", name="Suggest a better translation").click()
        else:
            phone.page.get_by_role("button", name="Reading settings").click()
            name = "Glossary" if opened == "openGlossary" else "Room settings"
            phone.page.get_by_role("dialog").get_by_role("button", name=name).click()
        phone.page.get_by_role("dialog").wait_for()
        if opened == "openGlossary":
            phone.page.get_by_role("button", name="Add a term").click()
        phone.page.wait_for_timeout(100)
        assert violations(phone, source) == [], opened
        phone.page.keyboard.press("Escape")


# -- the whole way -----------------------------------------------------------------------------------------------------

DEPTH = "depth"
LINES = ("你好！", "谢谢你。", "早上好！", "你叫什么名字？", "很高兴认识你！", "再见！")


class Depth:
    """A room of its own on the real server: its host, an invitation, and sixty lines said before anybody came."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.host_token = village.token("rongrong", f"{DEPTH}=owner", name="榕榕", create=True)
        writers = [village.token(f"writer-{number}", f"{DEPTH}=member", name="林小雨") for number in range(6)]
        with ThreadPoolExecutor(1) as apart:  # this thread's event loop is the browser's
            apart.submit(asyncio.run, self._fill(writers)).result(60)
        self.code = village.diqiucun("invite", DEPTH)["code"]

    async def _fill(self, writers: list[str]) -> None:
        url = self.village.url.replace("http", "ws") + "/ws"
        async with Client(url, token=self.host_token, languages=("zh",)) as host:
            await host.create_room(DEPTH, "欢迎大家")
        for number, token in enumerate(writers):
            async with Client(url, token=token, languages=("zh",)) as writer:
                await writer.join(DEPTH)
                for line in range(10):
                    await writer.post(DEPTH, f"{LINES[(number + line) % len(LINES)]}", once=f"line-{number}-{line}")


@pytest.fixture(scope="module")
def depth(village: Village) -> Depth:
    return Depth(village)


@pytest.fixture(scope="module")
def host(depth: Depth, make_lasting_phone: MakePhone) -> Phone:
    phone = make_lasting_phone("zh-CN", color_scheme="light")
    phone.page.goto(f"{depth.village.url}/#/t/{depth.host_token}")
    phone.wait_connected()
    return phone


@pytest.fixture(scope="module")
def brecken(depth: Depth, make_lasting_phone: MakePhone) -> Phone:
    phone = make_lasting_phone("en-US", color_scheme="dark", viewport={"width": 360, "height": 640})
    phone.enter("Brecken", depth.code)
    return phone


def theirs(phone: Phone, original: str) -> Any:
    """The last message of somebody else whose original or translation contains the text."""
    return phone.page.locator(".message:not(.own)[data-seq]", has_text=original).last


def test_history_is_translated_as_it_is_scrolled_to(brecken: Phone) -> None:
    """Nobody who reads English was there when these lines were written."""
    brecken.page.locator(".stack .text[lang=en]", has_text="Hello").first.wait_for()
    log = brecken.page.locator(".log")
    loaded = brecken.page.locator(".message[data-seq]").count()
    log.evaluate("(log) => { log.scrollTop = 0; }")
    brecken.page.wait_for_function(f"() => document.querySelectorAll('.message[data-seq]').length > {loaded}")
    log.evaluate("(log) => { log.scrollTop = 0; }")
    brecken.page.wait_for_function(
        """() => [...document.querySelectorAll('.message[data-seq]')].slice(0, 5)
             .every((one) => one.querySelector('.stack .text').lang === 'en')""",
        timeout=15_000,
    )
    brecken.take("history-en-dark-360")
    brecken.page.locator(".pill").click()


def test_the_real_title_is_read_in_my_language(brecken: Phone) -> None:
    expect(brecken.page.locator("h1")).to_contain_text("Welcome", timeout=10_000)
    expect(brecken.page.locator(".title-original")).to_contain_text("欢迎大家")


def test_at_the_door_the_title_is_in_the_language_of_the_visitor(
    brecken: Phone, depth: Depth, make_phone: MakePhone
) -> None:
    expect(brecken.page.locator("h1")).to_contain_text("Welcome", timeout=10_000)  # so the log has a translation
    visitor = make_phone("en-GB")
    visitor.open_invitation(depth.code)
    title = visitor.page.locator(".room-card h1")
    expect(title).to_contain_text("Welcome")
    expect(title).to_have_attribute("lang", "en")


def test_a_code_switched_line_keeps_what_was_foreign_in_it(host: Phone, brecken: Phone) -> None:
    host.say("我今天很happy")
    line = theirs(brecken, "我今天很happy")
    expect(line.locator(".stack .text")).to_have_attribute("lang", "en", timeout=8_000)
    expect(line.locator(".stack .text")).to_contain_text("happy")
    brecken.say("Let's go 火锅 tonight")
    answer = host.page.locator(".message:not(.own)[data-seq]").last
    expect(answer.locator(".stack .text[lang=zh]")).to_contain_text("火锅", timeout=8_000)
    brecken.take("code-switched-en-dark-360")
    host.take("code-switched-zh-light")


def test_a_term_of_the_glossary_is_kept_in_translations(host: Phone, brecken: Phone) -> None:
    host.page.get_by_role("button", name="阅读设置").click()
    host.page.get_by_role("button", name="词汇表").click()
    host.page.get_by_role("button", name="添加词条").click()
    host.page.get_by_label("词语", exact=True).fill("白睿康")
    host.page.get_by_label("译成").fill("Brecken Bai")
    host.page.get_by_role("button", name="保存").click()
    expect(host.page.locator(".term-row")).to_contain_text("Brecken Bai")
    host.take("glossary-zh-light")
    host.page.keyboard.press("Escape")
    host.page.wait_for_timeout(800)  # the translator looks at a room's glossary twice a second
    host.say("谢谢你，白睿康！")
    line = theirs(brecken, "谢谢你，白睿康")
    expect(line.locator(".stack .text[lang=en]")).to_contain_text("Brecken Bai", timeout=8_000)
    expect(brecken.page.locator(".line.note").last).to_contain_text("changed the glossary: 白睿康")
    brecken.take("glossary-term-en-dark-360")


def test_slang_is_explained_by_the_real_worker(host: Phone, brecken: Phone) -> None:
    host.say("这首歌yyds")
    chip = theirs(brecken, "这首歌").locator(".gloss")
    expect(chip).to_contain_text("yyds", timeout=8_000)
    brecken.take("slang-real-en-dark-360")
    brecken.say("this slaps, no cap")
    expect(host.page.locator(".message:not(.own)[data-seq]").last.locator(".gloss").first).to_be_visible(timeout=8_000)
    host.take("slang-real-zh-light")


def test_a_refused_translation_has_its_reason(host: Phone, brecken: Phone) -> None:
    host.say("Привет, как дела?")
    refused = theirs(brecken, "Привет").locator(".refused")
    expect(refused).to_have_text("No package for Russian → English", timeout=8_000)
    brecken.take("refused-en-dark-360")


def test_a_draft_is_previewed_by_the_real_translator(host: Phone, brecken: Phone) -> None:
    brecken.page.get_by_role("button", name="Preview the translation").click()
    brecken.page.fill("#composer", "Good evening! Nice to meet you.")
    panel = brecken.page.locator(".preview-panel")
    expect(panel.locator(".text")).to_contain_text("晚上好", timeout=8_000)
    expect(panel.locator(".back")).to_contain_text("evening", timeout=8_000)
    brecken.take("preview-en-dark-360")
    brecken.page.get_by_role("button", name="Preview the translation").click()
    brecken.page.fill("#composer", "")
    host.page.get_by_role("button", name="预览译文").click()
    host.page.fill("#composer", "很高兴认识你！")
    expect(host.page.locator(".preview-panel .text")).to_contain_text("meet you", timeout=8_000)
    host.take("preview-zh-light")
    host.page.get_by_role("button", name="预览译文").click()
    host.page.fill("#composer", "")


def test_the_host_announces_pins_and_holds(host: Phone, brecken: Phone) -> None:
    host.page.get_by_role("button", name="发公告").click()
    host.say("欢迎来到地球村")
    announcement = brecken.page.locator(".announcement").last
    expect(announcement.locator(".stack .text")).to_have_attribute("lang", "en", timeout=8_000)
    expect(announcement.locator(".announced")).to_have_text("Announcement")
    host.page.locator(".announcement .more").last.focus()
    host.page.keyboard.press("Enter")
    host.page.get_by_role("button", name="置顶", exact=True).click()
    expect(brecken.page.locator(".pin-bar")).to_contain_text("Welcome", timeout=8_000)
    host.page.get_by_role("button", name="阅读设置").click()
    host.page.get_by_role("button", name="聊天室设置").click()
    host.page.get_by_label("一起出现").check()
    host.page.get_by_label("等译文多久").fill("3000")
    host.page.get_by_role("button", name="保存").click()
    expect(brecken.page.locator(".line.note").last).to_contain_text("settings")
    brecken.page.evaluate(
        """() => { window.originals = []; new MutationObserver(() => {
             const last = [...document.querySelectorAll('.message:not(.own) .stack .text')].at(-1);
             if (last?.lang === 'zh') window.originals.push(last.innerText);
           }).observe(document.querySelector('.list'), {childList: true, subtree: true}); }"""
    )
    host.say("你来自哪里？")
    line = theirs(brecken, "你来自哪里")
    expect(line.locator(".stack .text")).to_have_attribute("lang", "en", timeout=8_000)
    assert brecken.page.evaluate("window.originals") == [], "the original was shown before its translation"
    host.take("announced-zh-light")
    brecken.take("announced-en-dark-360")
    assert brecken.page.evaluate("document.documentElement.scrollWidth") == 360
    assert brecken.page.locator(".send").evaluate("(one) => one.getBoundingClientRect().right") <= 360


def test_members_correct_the_machine(host: Phone, brecken: Phone, depth: Depth, make_phone: MakePhone) -> None:
    host.say("他很nice")
    line = theirs(brecken, "他很nice")
    expect(line.locator(".stack .text")).to_have_attribute("lang", "en", timeout=8_000)
    line.hover()
    line.locator(".more").click()
    brecken.page.get_by_role("button", name="Suggest a better translation").click()
    brecken.page.get_by_label("Better English").fill("He is so nice")
    brecken.page.get_by_role("button", name="Suggest it").click()
    for name in ("Ana", "Tom"):
        voter = make_phone("en-US", color_scheme="light")
        voter.enter(name, depth.code)
        found = theirs(voter, "他很nice")
        found.locator(".thin").wait_for()
        found.hover()
        found.locator(".more").click()
        voter.page.locator(".vote").click()
        expect(voter.page.locator(".vote")).to_have_attribute("aria-pressed", "true")
        voter.page.wait_for_timeout(200)
        voter.take(f"vote-en-light-{name.lower()}")
    expect(line.locator(".stack .text")).to_have_text("He is so nice")
    expect(line.locator(".corrected")).to_contain_text("Brecken")
    brecken.take("corrected-en-dark-360")
