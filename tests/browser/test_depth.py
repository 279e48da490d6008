"""Understanding in depth, the whole way on the real server: a host who reads Chinese and a guest who reads English."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect

from chat.client import Client
from tests.browser.conftest import MakePhone, Phone, Village

pytestmark = pytest.mark.browser

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
        self.code = village.ask(self.host_token, "POST", f"/rooms/{DEPTH}/invites", {"role": "guest"})["code"]

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
