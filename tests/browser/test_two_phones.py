"""Two people, two languages, one room: the whole product in a browser, against the real server."""

import re
import time

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import MakePhone, Phone

pytestmark = pytest.mark.browser

ATTACKS = (
    "<img src=x onerror=\"document.title='taken'\">",
    "<script>document.title='taken'</script>",
    "\"><svg onload=document.title='taken'>",
    "javascript:alert(1) data:text/html,<b>x</b>",
)


@pytest.fixture(scope="module")
def xiaoyu(make_lasting_phone: MakePhone) -> Phone:
    phone = make_lasting_phone("zh-CN", color_scheme="light")
    phone.enter("林小雨")
    return phone


@pytest.fixture(scope="module")
def brecken(make_lasting_phone: MakePhone) -> Phone:
    phone = make_lasting_phone("en-US", color_scheme="dark")
    phone.enter("Brecken")
    return phone


def test_each_writes_and_each_reads_in_their_own_language(xiaoyu: Phone, brecken: Phone) -> None:
    xiaoyu.say("你叫什么名字？")
    others = ".message:not(.own)"
    brecken.page.locator(f"{others} .text", has_text=re.compile("你叫什么名字|your name", re.I)).last.wait_for()
    seen = time.monotonic()
    asked = re.compile("your name", re.I)
    question = brecken.page.locator(f"{others} .stack .text[lang=en]", has_text=asked).last
    question.wait_for(timeout=3_000)
    assert time.monotonic() - seen < 1.0, "the translation came later than a second after the original"
    assert "?" in question.inner_text()

    message = brecken.page.locator(".message:not(.own)").last
    message.locator(".thin").click()
    expect(message.locator(".stack .text")).to_have_text("你叫什么名字？")
    expect(message.locator(".stack .text")).to_have_attribute("lang", "zh")
    message.locator(".thin").click()
    expect(message.locator(".stack .text")).to_have_attribute("lang", "en")

    brecken.say("My name is Brecken. Nice to meet you!")
    answer = xiaoyu.page.locator(".message:not(.own) .stack .text[lang=zh]").last
    expect(answer).to_contain_text("认识")
    expect(xiaoyu.page.locator(".message.own .text").last).to_have_text("你叫什么名字？")
    expect(xiaoyu.page.locator(".unsent")).to_have_count(0)
    xiaoyu.take("room-zh-light")
    brecken.take("room-en-dark")


def test_the_first_visit_says_who_is_here_and_guesses_the_languages(make_phone: MakePhone, xiaoyu: Phone) -> None:
    guest = make_phone("en-US", viewport={"width": 360, "height": 640}, color_scheme="dark")
    guest.open_invitation()
    expect(guest.page.locator("h1")).to_contain_text("Global Village")
    expect(guest.page.locator(".here")).to_contain_text("here")
    expect(guest.page.locator(".chip.on")).to_have_text("English")
    guest.page.fill("#name", "Ana 安娜")
    expect(guest.page.locator(".preview .name")).to_have_text("Ana 安娜")
    guest.page.get_by_role("button", name="中文", exact=True).first.click()
    expect(guest.page.locator("label[for=name]")).to_have_text("你的名字")
    expect(guest.page.locator("#name")).to_have_value("Ana 安娜")
    guest.take("join-zh-dark-360")
    assert guest.page.evaluate("document.documentElement.scrollWidth") == 360
    xiaoyu.take("room-empty-or-not")


def test_nothing_moves_when_a_translation_arrives(xiaoyu: Phone, brecken: Phone) -> None:
    """The thin line has its height from the start, and the text keeps at least the height it had."""
    brecken.page.evaluate(
        """() => { window.shifts = []; new PerformanceObserver((list) => {
             for (const one of list.getEntries())
               window.shifts.push([one.value, ...one.sources.map((source) => source.node?.className ?? '')]);
           }).observe({type: 'layout-shift', buffered: false}); }"""
    )
    brecken.page.evaluate(
        """() => { window.heights = []; new MutationObserver(() => {
             const last = [...document.querySelectorAll('.message:not(.own) .bubble')].at(-1);
             if (last) window.heights.push([last.offsetHeight, last.innerText]);
           }).observe(document.querySelector('.list'), {childList: true, subtree: true}); }"""
    )
    xiaoyu.say("很高兴认识你！你是从哪里来的？")
    brecken.page.locator(".message:not(.own) .stack .text[lang=en]", has_text=re.compile("where", re.I)).last.wait_for()
    heights = [
        height
        for height, text in brecken.page.evaluate("window.heights")
        if "很高兴" in text or "where" in text.lower()
    ]
    assert len(set(heights)) == 1, heights
    assert sum(shift[0] for shift in brecken.page.evaluate("window.shifts")) < 0.05


def test_an_enter_that_belongs_to_the_input_method_sends_nothing(xiaoyu: Phone) -> None:
    """Half-typed pinyin must never go out: while composing, with keyCode 229, and right after the end (Safari)."""
    box = xiaoyu.page.locator("#composer")
    box.fill("ni hao")
    xiaoyu.page.evaluate(
        """() => { const box = document.querySelector('#composer');
             const enter = (init) => box.dispatchEvent(new KeyboardEvent('keydown',
               {key: 'Enter', bubbles: true, cancelable: true, ...init}));
             box.dispatchEvent(new CompositionEvent('compositionstart', {bubbles: true, data: 'ni hao'}));
             enter({isComposing: true});
             enter({keyCode: 229});
             box.dispatchEvent(new CompositionEvent('compositionend', {bubbles: true, data: '你好'}));
             enter({keyCode: 13}); }"""
    )
    expect(box).to_have_value("ni hao")
    expect(xiaoyu.page.locator(".message.own", has_text="ni hao")).to_have_count(0)
    box.fill("你好，地球村")
    xiaoyu.page.keyboard.press("Shift+Enter")
    expect(box).to_have_value("你好，地球村\n")
    xiaoyu.page.wait_for_timeout(80)
    xiaoyu.page.keyboard.press("Enter")
    expect(box).to_have_value("")
    xiaoyu.wait_for("你好，地球村")


def test_people_are_offered_right_after_a_chinese_character(xiaoyu: Phone, brecken: Phone) -> None:
    box = xiaoyu.page.locator("#composer")
    box.click()
    xiaoyu.page.keyboard.type("你好@Bre")
    option = xiaoyu.page.get_by_role("option", name=re.compile("Brecken"))
    expect(option.first).to_be_visible()
    expect(box).to_have_attribute("aria-activedescendant", "mention-0")
    xiaoyu.take("mention-zh")
    xiaoyu.page.keyboard.press("Enter")
    expect(box).to_have_value("你好@Brecken ")
    expect(xiaoyu.page.get_by_role("listbox")).to_be_hidden()
    xiaoyu.page.keyboard.type("！")
    xiaoyu.page.keyboard.press("Enter")
    mine = xiaoyu.page.locator(".message.own .mention").last
    expect(mine).to_have_text("@Brecken")
    expect(brecken.page.locator(".message:not(.own) .mention").last).to_have_text("@Brecken")


def test_what_people_write_stays_text(xiaoyu: Phone, brecken: Phone) -> None:
    for attack in ATTACKS:
        brecken.say(attack)
    brecken.say("看https://example.org/a_b?c=1。好 https://good.example@evil.example/ javascript:alert(1)")
    link = xiaoyu.page.locator(".message:not(.own) .bubble a").last
    link.wait_for()
    expect(link).to_have_attribute("href", "https://example.org/a_b?c=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    for phone in (xiaoyu, brecken):
        hrefs = phone.page.eval_on_selector_all(".bubble a", "links => links.map((link) => link.href)")
        assert set(hrefs) == {"https://example.org/a_b?c=1"}
        assert phone.page.locator(".bubble img, .bubble script, .bubble svg:not(.icon)").count() == 0
        assert phone.page.title() != "taken"
    expect(xiaoyu.page.locator(".message", has_text="onerror").last).to_be_visible()


def test_a_cut_socket_resumes_without_flicker_or_doubles(xiaoyu: Phone, brecken: Phone) -> None:
    xiaoyu.say("第一句")
    first = brecken.page.locator(".message:not(.own)", has_text="第一句").last
    first.locator(".stack .text[lang=en]").wait_for()
    expect(brecken.page.locator(".shimmer")).to_have_count(0)  # a translation makes its message again, rightly
    brecken.page.evaluate("() => document.querySelectorAll('.message').forEach((node) => { node.dataset.kept = '1'; })")
    kept = brecken.page.locator(".message[data-kept]").count()
    brecken.page.context.set_offline(True)
    brecken.page.wait_for_selector(".room:not([data-connection=ready])")
    expect(brecken.page.locator(".banner")).to_be_visible()
    brecken.page.fill("#composer", "Good morning")
    brecken.page.press("#composer", "Enter")
    expect(brecken.page.locator(".unsent")).to_have_count(1)
    brecken.take("offline-en-dark")
    xiaoyu.say("第二句")
    xiaoyu.say("第三句")
    xiaoyu.page.wait_for_function("() => document.querySelectorAll('.unsent').length === 0")
    brecken.page.context.set_offline(False)
    brecken.wait_connected()
    for text in ("第一句", "第二句", "第三句"):
        brecken.page.locator(".message:not(.own)", has_text=text).last.wait_for()
    expect(brecken.page.locator(".unsent")).to_have_count(0)
    expect(brecken.page.locator(".banner")).to_be_hidden()
    seqs = brecken.page.eval_on_selector_all(".message[data-seq]", "all => all.map((one) => Number(one.dataset.seq))")
    assert seqs == sorted(set(seqs))
    assert brecken.page.locator(".message[data-kept]").count() >= kept - 1, "elements were made again"
    assert brecken.page.locator(".message.own", has_text="Good morning").count() == 1
    expect(xiaoyu.page.locator(".message:not(.own)", has_text=re.compile("Good morning")).last).to_be_visible()


def test_what_was_written_offline_survives_a_reload(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    phone.enter("Tunnel")
    before = phone.page.locator(".message.own").count()
    phone.page.context.set_offline(True)
    phone.page.wait_for_selector(".room:not([data-connection=ready])")
    phone.say("Written in a tunnel")
    phone.page.context.set_offline(False)
    phone.page.reload()
    phone.wait_connected()
    expect(phone.page.locator(".message.own", has_text="Written in a tunnel")).to_have_count(before + 1)
    expect(phone.page.locator(".unsent")).to_have_count(0)


def test_the_shell_opens_without_a_network(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    phone.enter("Subway")
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
    phone.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    phone.page.context.set_offline(True)
    phone.page.reload()
    expect(phone.page.locator(".banner")).to_contain_text("No network")
    phone.say("See you above ground")
    expect(phone.page.locator(".unsent")).to_have_count(1)
    phone.page.context.set_offline(False)
    phone.wait_connected()
    expect(phone.page.locator(".message.own", has_text="See you above ground")).to_have_count(1)
    expect(phone.page.locator(".unsent")).to_have_count(0)


def test_reply_react_edit_and_recall(xiaoyu: Phone, brecken: Phone) -> None:
    xiaoyu.say("谢谢你们来")
    theirs = brecken.page.locator(".message:not(.own)", has_text="谢谢你们来").last
    theirs.hover()
    theirs.locator(".more").click()
    brecken.page.get_by_role("button", name="React with ❤️").click()
    expect(xiaoyu.page.locator(".message.own").last.locator(".reaction")).to_contain_text("1")
    expect(theirs.locator(".reaction")).to_have_attribute("aria-pressed", "true")
    theirs.hover()
    theirs.locator(".more").click()
    brecken.page.get_by_role("button", name="Reply", exact=True).click()
    brecken.say("You are welcome")
    expect(xiaoyu.page.locator(".message:not(.own) .quote").last).to_contain_text("谢谢你们来")

    mine = xiaoyu.page.locator(".message.own", has_text="谢谢你们来").last
    mine.hover()
    mine.locator(".more").click()
    xiaoyu.page.locator("dialog[open] .emoji").first.wait_for()
    xiaoyu.page.wait_for_timeout(250)
    xiaoyu.take("sheet-zh-light")
    xiaoyu.page.get_by_role("button", name="编辑").click()
    xiaoyu.say("谢谢大家来")
    expect(brecken.page.locator(".message:not(.own)", has_text="edited").last).to_be_visible()
    again = xiaoyu.page.locator(".message.own", has_text="谢谢大家来").last
    again.hover()
    again.locator(".more").click()
    xiaoyu.page.get_by_role("button", name="撤回").click()
    xiaoyu.page.get_by_role("button", name="确定撤回？").click()
    expect(brecken.page.locator(".recalled").last).to_contain_text("recalled a message")
    expect(brecken.page.locator(".message", has_text="谢谢大家来")).to_have_count(0)


def test_a_reader_in_the_past_is_not_moved_but_told(xiaoyu: Phone, brecken: Phone) -> None:
    for number in range(9):
        brecken.say(f"Line {number} of a longer conversation\nwith two lines")
    xiaoyu.page.locator(".message", has_text="Line 8").last.wait_for()
    xiaoyu.page.wait_for_timeout(300)
    xiaoyu.page.locator(".log").evaluate("(log) => { log.scrollTop = log.scrollHeight - log.clientHeight - 400; }")
    xiaoyu.page.wait_for_timeout(300)
    place = xiaoyu.page.locator(".log").evaluate("(log) => log.scrollTop")
    brecken.say("Are you still reading?")
    pill = xiaoyu.page.locator(".pill.counting")
    expect(pill).to_contain_text("1")
    xiaoyu.page.wait_for_timeout(500)
    assert abs(xiaoyu.page.locator(".log").evaluate("(log) => log.scrollTop") - place) <= 1
    xiaoyu.take("pill-zh-light")
    pill.click()
    expect(pill).to_be_hidden()


def test_the_page_is_small_and_there_at_once(make_phone: MakePhone) -> None:
    phone = make_phone("zh-CN")
    phone.enter("Fast")
    measured = phone.page.evaluate(
        """() => ({
             paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
             bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
               .filter((one) => !one.name.includes('/api/')).reduce((sum, one) => sum + one.decodedBodySize, 0),
             wire: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
               .reduce((sum, one) => sum + one.transferSize, 0),
           })"""
    )
    print(measured)
    assert measured["paint"] < 1_000
    assert measured["bytes"] < 150_000


def test_without_storage_the_page_still_works(make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    phone.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied', 'SecurityError'); }});"
    )
    phone.enter("Private")
    phone.say("Nothing is kept here")
    expect(phone.page.locator(".message.own", has_text="Nothing is kept here")).to_have_count(1)


def test_without_an_invitation_there_is_a_friendly_door(make_phone: MakePhone) -> None:
    phone = make_phone("zh-CN")
    phone.page.goto(phone.village.url)
    expect(phone.page.locator("h1")).to_have_text("请打开邀请链接")
    phone.page.fill("#paste", f"看这里 http://somewhere.example/#/i/{phone.village.code}")
    phone.page.click("button.primary")
    phone.page.wait_for_selector("#name")
    phone.take("door-zh-light")


def test_a_door_that_comes_late_does_not_cover_an_invitation(make_phone: MakePhone) -> None:
    """Without a token the page fetches its door; who opens an invitation meanwhile sees the invitation."""
    phone = make_phone("en-US")
    held: list[Route] = []
    phone.page.route("**/view/door.js*", lambda route: held.append(route))
    with phone.page.expect_request("**/view/door.js*"):
        phone.page.goto(phone.village.url)
    phone.page.evaluate("code => { location.hash = `#/i/${code}` }", phone.village.code)
    phone.page.wait_for_selector("#name")
    held[0].continue_()
    phone.page.evaluate(
        "async (url) => { await import(url); await new Promise(requestAnimationFrame); }", held[0].request.url
    )
    assert phone.page.locator("#name").count() == 1
