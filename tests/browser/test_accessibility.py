"""Nothing that axe finds serious, in either theme: the page, and what lies deeper."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import MakePhone
from tests.browser.scripted import Script, preview_of, slang, suggested, term, translated, untranslated, voted, walk_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(make_phone: MakePhone, scheme: str) -> None:
    phone = make_phone("en-US", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    phone.open_invitation()
    phone.page.locator(".here span").first.wait_for()
    assert violations(phone) == []
    phone.enter("Axe")
    phone.say("你好，大家早上好！")
    phone.page.locator(".message.own").last.wait_for()
    phone.page.locator(".message .more").last.focus()
    assert violations(phone) == []
    phone.page.get_by_role("button", name="Reading settings").click()
    phone.page.locator("dialog[open] .chip").first.wait_for()
    assert violations(phone) == []
    phone.page.keyboard.press("Escape")
    phone.page.get_by_role("button", name="Who is here").last.click()
    phone.page.locator("dialog[open] .person").first.wait_for()
    assert violations(phone) == []
    phone.page.keyboard.press("Escape")
    phone.page.locator(".message .more").last.focus()
    phone.page.keyboard.press("Enter")
    phone.page.locator("dialog[open] .emoji").first.wait_for()
    assert violations(phone) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_depth(make_phone: MakePhone, scheme: str) -> None:
    phone = make_phone("en-US", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
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
    script.send(script.entry(untranslated(11, "doubtful")))
    phone.page.get_by_role("button", name="Try again").wait_for()
    phone.page.get_by_role("button", name="Preview the translation").click()
    phone.page.fill("#composer", "Good evening")
    expect(phone.page.locator(".preview-panel .text")).to_have_text("译：Good evening")
    phone.page.get_by_role("button", name="Announce").click()
    expect(phone.page.locator(".pin-bar")).to_contain_text("It begins at eight")
    assert violations(phone) == []
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
        assert violations(phone) == [], opened
        phone.page.keyboard.press("Escape")
