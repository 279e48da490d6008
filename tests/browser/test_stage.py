"""An evening in two languages, as people see it: a host with a telephone, a guest in Chinese and one in English.

The story is one event from its lobby to a held message, so the tests of this file go on from one another."""

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import MakePhone, Phone, Village

pytestmark = pytest.mark.browser

HELD = "你叫什么名字？"


@pytest.fixture(scope="module")
def people(make_lasting_phone: MakePhone, village: Village) -> dict[str, Phone]:
    options = {"reduced_motion": "reduce", "bypass_csp": True}
    phones = {
        "rongrong": make_lasting_phone("zh-CN", color_scheme="light", **options),
        "brecken": make_lasting_phone("en-US", color_scheme="dark", **options),
        "xiaoyu": make_lasting_phone("zh-CN", color_scheme="light", **options),
    }
    host = phones["rongrong"]
    house = village.token("house", name="House", create=True)
    village.ask(house, "POST", "/rooms", {"room": "concert", "title": "榕树下音乐会 · Concert under the banyan"})
    code = village.ask(house, "POST", "/rooms/concert/invites", {"role": "member"})["code"]
    host.page.goto(f"{village.url}/#/t/{village.token('rongrong', 'concert=moderator', name='榕榕')}")
    host.wait_connected()
    for who, name in (("brecken", "Brecken"), ("xiaoyu", "林小雨")):
        phones[who].enter(name, code)
    return phones


def desk(host: Phone, tab: str) -> Locator:
    """The host's desk at one of its parts."""
    found = host.page.locator("dialog.desk")
    if found.count() == 0:
        host.page.locator(".bar-top .plain").last.click()
        host.page.get_by_role("button", name="主持台").click()
    found.locator(f".desk-tabs [data-tab={tab}]").click()
    return found.locator(f".desk-part[data-tab={tab}]")


def test_a_host_sets_a_programme_and_guests_see_the_time_until_it_begins(people: dict[str, Phone]) -> None:
    host = people["rongrong"]
    desk(host, "quick").locator("#conduct-kind").select_option("live")
    show = desk(host, "show")
    show.locator("summary", has_text="节目单").click()
    soon = time.strftime("%Y-%m-%dT%H:%M", time.localtime(time.time() + 1800))
    show.locator("#show-starts").fill(soon)
    show.locator(".show-item input").nth(0).fill(soon)
    show.locator(".show-item input").nth(1).fill("欢迎")
    show.get_by_role("button", name="保存").click()
    for who, locked in (("brecken", "It has not begun"), ("xiaoyu", "还没开始")):
        expect(people[who].page.locator(".countdown")).to_contain_text(":")
        expect(people[who].page.locator(".stage-why.blocked")).to_contain_text(locked)
        expect(people[who].page.locator(".composer")).to_be_hidden()
    brecken = people["brecken"]
    brecken.page.locator("[data-part=programme]").click()
    expect(brecken.page.locator("dialog[open] .programme-items strong")).to_have_text("Welcome")
    brecken.take("stage-programme-en-dark")
    brecken.page.keyboard.press("Escape")
    people["xiaoyu"].take("stage-lobby-zh-light")
    desk(host, "quick").locator("#conduct-phase").select_option("open")
    for who in ("brecken", "xiaoyu"):
        expect(people[who].page.locator(".composer")).to_be_visible()
        expect(people[who].page.locator(".live-chip")).to_be_visible()


def test_an_announcement_is_read_in_the_hosts_own_words_and_a_poll_is_voted_in(people: dict[str, Phone]) -> None:
    host, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    show = desk(host, "show")
    show.locator("#announce-zh").fill("八点开门，请大家排队。")
    show.locator("#announce-en").fill("Doors open at eight. Please line up.")
    show.get_by_role("button", name="发公告").click()
    expect(brecken.page.locator(".announced-card")).to_contain_text("Doors open at eight")
    expect(brecken.page.locator(".announced-card")).not_to_contain_text("Machine")
    expect(brecken.page.locator(".message.announcement .thin")).to_have_count(0)
    expect(xiaoyu.page.locator(".announced-card")).to_contain_text("八点开门")

    show.locator("summary", has_text="发起投票").click()
    show.locator("#poll-question").fill("What do you like?")
    for at, words in enumerate(("Music", "Dance")):
        show.locator(".poll-input input[type=text]").nth(at).fill(words)
    show.get_by_role("button", name="发起", exact=True).click()
    expect(xiaoyu.page.locator(".stage-cards .poll-question")).to_have_attribute("lang", "zh")
    expect(xiaoyu.page.locator(".stage-cards .poll-question")).to_have_text(re.compile(r"[\u4e00-\u9fff]"))
    for phone in (brecken, xiaoyu):
        phone.page.locator(".stage-cards .poll-option").nth(0).click()
        expect(phone.page.locator(".stage-cards .poll-option").nth(0)).to_have_attribute("aria-pressed", "true")
    expect(xiaoyu.page.locator(".stage-cards .poll-foot")).to_contain_text("2 人投了票")
    expect(brecken.page.locator(".stage-cards .poll-option .count").first).to_have_text("100%")
    brecken.take("stage-poll-en-dark")
    xiaoyu.take("stage-poll-zh-light")
    assert violations(brecken) == []
    show.get_by_role("button", name="结束投票").click()
    expect(brecken.page.locator(".stage-result")).to_contain_text("The poll is over")


def test_a_moderator_reads_a_held_message_in_both_languages_and_refuses_it_by_a_key(people: dict[str, Phone]) -> None:
    host, xiaoyu = people["rongrong"], people["xiaoyu"]
    records = desk(host, "records")
    records.locator("summary", has_text="词表").click()
    records.get_by_role("button", name="加一个词").click()
    records.get_by_label("词", exact=True).fill("名字")
    records.get_by_label("除非是").fill("名字叫小雨， 没有名字")
    host.take("desk-words-zh-light")
    records.get_by_role("button", name="保存").click()
    expect(host.page.locator("#notices")).to_contain_text("词表已保存")
    queue = desk(host, "queue")
    xiaoyu.say("我的名字叫小雨")
    expect(people["brecken"].page.locator(".message", has_text="我的名字叫小雨")).to_be_visible()
    xiaoyu.say(HELD)
    row = queue.locator(".queue-row")
    expect(row.locator(".one-text")).to_have_count(2)
    expect(row.locator("mark").first).to_have_text("名字")
    expect(xiaoyu.page.locator(".held-mine")).to_contain_text("等待管理员审核")
    host.take("desk-queue-zh-light")
    assert violations(host) == []
    host.page.set_viewport_size({"width": 1280, "height": 800})
    host.take("desk-wide-zh-light")
    host.page.set_viewport_size({"width": 390, "height": 844})
    host.page.keyboard.press("j")
    host.page.keyboard.press("r")
    expect(row).to_have_count(0)
    expect(xiaoyu.page.locator(".held-mine.refused")).to_contain_text("没有通过")
    expect(people["brecken"].page.locator(".message", has_text=HELD)).to_have_count(0)
    xiaoyu.take("stage-refused-zh-light")
