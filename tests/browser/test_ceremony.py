"""A foreigner gets a Chinese name: two telephones and a third voice, one room, the real server and its tables.

The story is one ceremony from the question to the card, so the tests of this file go on from one another, as its
people do."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import MakePhone, Phone, Village

pytestmark = pytest.mark.browser

PROPOSALS = (
    ("rongrong", "白睿康", "听起来像 Brecken，又聪明又健康。"),
    ("xiaoyu", "柏乐康", "希望你天天快乐。"),
    ("brecken", "毕凯", "I found this one myself."),
)


@pytest.fixture(scope="module")
def host(village: Village) -> str:
    return village.token("host", name="Host", create=True)


@pytest.fixture(scope="module")
def people(make_lasting_phone: MakePhone, village: Village, host: str) -> dict[str, Phone]:
    """In a room of their own, so that nobody else's ceremony stands in the way."""
    options = {"reduced_motion": "reduce", "bypass_csp": True}
    phones = {
        "rongrong": make_lasting_phone("zh-CN", color_scheme="light", **options),
        "brecken": make_lasting_phone("en-US", color_scheme="dark", **options),
        "xiaoyu": make_lasting_phone("zh-CN", color_scheme="dark", bypass_csp=True),
    }
    village.ask(host, "POST", "/rooms", {"room": "ceremony", "title": "地球村 · Global Village"})
    code = village.ask(host, "POST", "/rooms/ceremony/invites", {"role": "guest"})["code"]
    for who, name in (("rongrong", "榕榕"), ("brecken", "Brecken"), ("xiaoyu", "林小雨")):
        phones[who].enter(name, code)
    return phones


def sheet(phone: Phone) -> Locator:
    return phone.page.locator("dialog[open]")


def proposal(phone: Phone, text: str) -> Locator:
    return sheet(phone).locator(".proposal", has=phone.page.locator(f".vote[aria-label*='{text}']"))


def open_bar(phone: Phone) -> None:
    phone.page.locator(".ceremony-bar").click()
    sheet(phone).locator(".ceremony-top").wait_for()


def propose(phone: Phone, text: str, reason: str) -> None:
    sheet(phone).locator(".propose .primary").click()
    phone.page.fill("#given-name", text)
    expect(sheet(phone).locator(".name-preview .character")).to_have_count(len(text))
    phone.page.fill("#given-why", reason)
    sheet(phone).locator(".propose button[type=submit]").click()
    proposal(phone, text).wait_for()


def test_somebody_asks_for_another_who_is_asked_first(people: dict[str, Phone]) -> None:
    rongrong, brecken = people["rongrong"], people["brecken"]
    brecken.say("Hello, I am Brecken!")
    rongrong.page.get_by_role("button", name="谁在这里").last.click()
    rongrong.page.get_by_role("button", name="Brecken的名片").click()
    rongrong.page.get_by_role("button", name="请大家给Brecken起名").click()
    expect(sheet(rongrong)).to_contain_text("先问Brecken愿不愿意")
    expect(sheet(rongrong).locator("input[name=script]:checked")).to_have_value("han")
    sheet(rongrong).get_by_role("button", name="开始").click()
    expect(sheet(brecken).locator("h2")).to_have_text("A Chinese name for you?")
    expect(rongrong.page.locator(".ceremony-bar .phase")).to_have_text("等Brecken点头")
    brecken.take("ceremony-consent-en-dark")
    brecken.page.get_by_role("button", name="Yes, please").click()
    expect(rongrong.page.locator(".ceremony-bar .phase")).to_contain_text("还剩")


def test_three_names_are_proposed_with_a_preview_and_reasons_that_are_translated(people: dict[str, Phone]) -> None:
    rongrong, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    open_bar(rongrong)
    open_bar(xiaoyu)
    sheet(brecken).locator(".ceremony-top").wait_for()
    sheet(rongrong).locator(".propose .primary").click()
    sheet(rongrong).locator(".idea-more").click()
    expect(sheet(rongrong).locator(".idea")).to_have_count(5)
    rongrong.take("ceremony-ideas-zh-light")
    sheet(rongrong).locator(".idea").first.click()
    expect(rongrong.page.locator("#given-name")).to_have_value(re.compile("^.{2,4}$"))
    sheet(rongrong).locator(".name-preview .character").first.wait_for()
    rongrong.take("ceremony-propose-zh-light")
    sheet(rongrong).get_by_role("button", name="取消").click()
    for who, text, reason in PROPOSALS:
        propose(people[who], text, reason)
    expect(sheet(brecken).locator(".proposal")).to_have_count(3)
    first = proposal(brecken, "白睿康")
    expect(first.locator(".pinyin").first).to_have_text("bái")
    expect(first.locator(".reason")).to_have_attribute("lang", "en")
    expect(first.locator(".reason-original")).to_contain_text("听起来像")
    expect(first.locator(".reason-made")).to_contain_text("Machine translated · starter translation")
    expect(proposal(rongrong, "毕凯").locator(".mark")).to_have_text("本人提名")


def test_a_half_typed_name_proposes_nothing(people: dict[str, Phone]) -> None:
    """The Enter that ends a composition belongs to the input method, here as in the composer."""
    xiaoyu = people["xiaoyu"]
    sheet(xiaoyu).locator(".propose .primary").click()
    xiaoyu.page.fill("#given-name", "白")
    xiaoyu.page.evaluate(
        """() => { const box = document.querySelector('#given-name');
             const enter = (init) => box.dispatchEvent(new KeyboardEvent('keydown',
               {key: 'Enter', bubbles: true, cancelable: true, ...init}));
             enter({isComposing: true}); enter({keyCode: 229});
             box.dispatchEvent(new CompositionEvent('compositionend', {bubbles: true, data: '白'}));
             enter({keyCode: 13}); }"""
    )
    expect(xiaoyu.page.locator("#given-name")).to_be_focused()
    xiaoyu.page.fill("#given-name", "Bob")
    expect(sheet(xiaoyu).locator(".name-preview")).to_contain_text("这里用汉字写")
    expect(sheet(xiaoyu).locator(".propose button[type=submit]")).to_be_disabled()
    sheet(xiaoyu).get_by_role("button", name="取消").click()


def test_one_vote_each_which_can_be_changed_and_is_counted_live(people: dict[str, Phone]) -> None:
    rongrong, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    proposal(rongrong, "白睿康").locator(".vote").click()
    proposal(xiaoyu, "柏乐康").locator(".vote").click()
    expect(proposal(brecken, "柏乐康").locator(".vote .count")).to_have_text("1")
    proposal(xiaoyu, "白睿康").locator(".vote").click()
    expect(proposal(brecken, "白睿康").locator(".vote .count")).to_have_text("2")
    expect(proposal(brecken, "柏乐康").locator(".vote .count")).to_have_text("0")
    expect(proposal(xiaoyu, "白睿康").locator(".vote")).to_have_attribute("aria-pressed", "true")
    expect(sheet(brecken).locator(".ceremony-top")).to_contain_text("2 votes")
    for phone in (rongrong, brecken, xiaoyu):
        sheet(phone).evaluate("(sheet) => sheet.scrollTo(0, 0)")
    rongrong.take("ceremony-zh-light")
    brecken.take("ceremony-en-dark")
    xiaoyu.take("ceremony-zh-dark")


def test_who_comes_back_finds_the_ceremony_as_it_stands(people: dict[str, Phone]) -> None:
    xiaoyu = people["xiaoyu"]
    xiaoyu.page.reload()
    xiaoyu.wait_connected()
    open_bar(xiaoyu)
    expect(proposal(xiaoyu, "白睿康").locator(".vote .count")).to_have_text("2")
    expect(proposal(xiaoyu, "白睿康").locator(".vote")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_ceremony(people: dict[str, Phone], scheme: str) -> None:
    phone = people["rongrong" if scheme == "light" else "brecken"]
    assert violations(phone) == []


def test_the_accepted_name_is_a_card_for_all_and_a_name_for_those_who_read_it(people: dict[str, Phone]) -> None:
    rongrong, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    proposal(brecken, "白睿康").get_by_role("button", name="Take this name").click()
    expect(sheet(brecken).locator(".taking")).to_contain_text("Be called 白睿康 from today?")
    sheet(brecken).locator(".taking .primary").click()
    xiaoyu.page.locator(".petals .petal").first.wait_for(state="attached")
    expect(brecken.page.locator(".petals")).to_have_count(0)  # who wants less motion is told in words alone
    xiaoyu.page.keyboard.press("Escape")
    rongrong.page.keyboard.press("Escape")
    xiaoyu.page.wait_for_timeout(900)
    xiaoyu.take("celebration-zh-dark")
    card = xiaoyu.page.locator(".line.given")
    expect(card).to_contain_text("Brecken 有新名字了")
    expect(card).to_contain_text("榕榕起的名 · 2 票")
    expect(brecken.page.locator(".line.given")).to_contain_text("Bái Ruìkāng")
    expect(brecken.page.locator(".ceremony-bar")).to_have_count(0)

    brecken.say("Thank you all for my new name!")
    line = xiaoyu.page.locator(".message:not(.own)").last
    expect(line.locator(".who .name")).to_have_text("白睿康")
    rongrong.say("恭喜！")
    rongrong.say("@白睿康 你好")
    mine = brecken.page.locator(".message.own").last
    expect(mine.locator(".name")).to_have_count(0)
    rongrong.take("given-zh-light")
    brecken.take("given-en-dark")


def test_an_english_reader_goes_on_reading_the_old_name(people: dict[str, Phone], make_phone: MakePhone) -> None:
    brecken = people["brecken"]
    other = make_phone("en-US", color_scheme="light", bypass_csp=True, reduced_motion="reduce")
    known = brecken.page.evaluate("JSON.parse(localStorage.getItem('diqiucun.rooms') ?? 'null')")
    code = (
        known[0]["invite"]
        if known
        else brecken.page.evaluate(
            'Object.values(localStorage).map((one) => /"invite":"([^"]+)"/.exec(one)?.[1]).find(Boolean)'
        )
    )
    other.enter("Tom", code)
    brecken.say("Good evening, Tom.")
    line = other.page.locator(".message", has_text="Good evening, Tom.").last
    expect(line.locator(".who .name, .message.head .who .name").first).to_have_text("Brecken")
    line.locator(".who-card").click()
    expect(sheet(other).locator(".name-card")).to_contain_text("given by 榕榕 in")
    other.take("card-en-light")
    assert violations(other) == []


def test_the_card_tells_how_the_name_is_read_and_who_gave_it(people: dict[str, Phone]) -> None:
    xiaoyu = people["xiaoyu"]
    xiaoyu.page.locator(".line.given").click()
    card = sheet(xiaoyu).locator(".name-card")
    expect(card.locator(".character .pinyin")).to_have_text(["bái", "ruì", "kāng"])
    expect(card).to_contain_text("榕榕起于地球村")
    expect(card).to_contain_text("Brecken")
    xiaoyu.take("card-zh-dark")
    assert violations(xiaoyu) == []
    with xiaoyu.page.expect_download() as download:
        sheet(xiaoyu).get_by_role("button", name="存成图片").click()
    assert download.value.suggested_filename == "白睿康.png"
    download.value.save_as("build/screenshots/card-picture.png")
    xiaoyu.page.keyboard.press("Escape")


@pytest.mark.parametrize("typed", ["白", "bairui", "brk", "Breck"])
def test_a_mention_is_found_by_any_name(people: dict[str, Phone], typed: str) -> None:
    xiaoyu = people["xiaoyu"]
    box = xiaoyu.page.locator("#composer")
    box.fill("")
    box.click()
    xiaoyu.page.keyboard.type(f"谢谢@{typed}")
    expect(xiaoyu.page.get_by_role("option").first).to_contain_text("白睿康")
    xiaoyu.page.keyboard.press("Enter")
    expect(box).to_have_value("谢谢@白睿康 ")
    box.fill("")


def test_a_remark_is_for_its_reader_only(people: dict[str, Phone]) -> None:
    rongrong, xiaoyu = people["rongrong"], people["xiaoyu"]
    rongrong.page.locator(".message:not(.own) .who-card").last.click()
    rongrong.page.fill("#remark", "小白")
    sheet(rongrong).get_by_role("button", name="保存").click()
    rongrong.page.keyboard.press("Escape")
    expect(rongrong.page.locator(".message:not(.own) .who .name").last).to_have_text("小白")
    expect(xiaoyu.page.locator(".message:not(.own) .who .name", has_text="小白")).to_have_count(0)


def test_a_chinese_member_asks_for_an_english_name(people: dict[str, Phone]) -> None:
    brecken, xiaoyu = people["brecken"], people["xiaoyu"]
    xiaoyu.say("我也想要一个名字！")
    xiaoyu.page.get_by_role("button", name="阅读设置").click()
    xiaoyu.page.get_by_role("button", name="我的名字").click()
    xiaoyu.page.get_by_role("button", name="请大家给我起名").click()
    expect(sheet(xiaoyu).locator("input[name=script]:checked")).to_have_value("latin")
    sheet(xiaoyu).get_by_role("button", name="开始").click()
    sheet(xiaoyu).locator(".ceremony-top").wait_for()
    open_bar(brecken)
    sheet(brecken).locator(".propose .primary").click()
    brecken.page.fill("#given-name", "Joyce")
    sheet(brecken).locator(".name-preview .characters.latin").wait_for()
    brecken.page.fill("#given-why", "It sounds like joy.")
    sheet(brecken).get_by_role("button", name="Propose", exact=True).click()
    proposal(brecken, "Joyce").get_by_role("button", name="Take my proposal back").click()
    sheet(brecken).get_by_role("button", name="Really take it back?").click()
    expect(proposal(brecken, "Joyce")).to_have_count(0)
    sheet(brecken).locator(".propose .primary").click()
    brecken.page.fill("#given-name", "Rain")
    sheet(brecken).get_by_role("button", name="Propose", exact=True).click()
    proposal(xiaoyu, "Rain").get_by_role("button", name="就要这个").click()
    sheet(xiaoyu).locator(".taking .primary").click()
    brecken.page.locator(".line.given", has_text="Rain").wait_for()
    brecken.page.keyboard.press("Escape")
    xiaoyu.say("谢谢大家！")
    expect(brecken.page.locator(".message:not(.own) .who .name").last).to_have_text("Rain")
    brecken.take("given-latin-en-dark")
    brecken.page.locator(".line.given", has_text="Rain").click()
    sheet(brecken).locator(".name-seal.latin").wait_for()
    brecken.take("card-latin-en-dark")


# -- other ends of a ceremony: brecken or xiaoyu is asked by rongrong, who moderates from here on --------------------


def begin(asker: Phone, name: str) -> None:
    """A naming for somebody who is here."""
    asker.page.get_by_role("button", name="谁在这里").last.click()
    sheet(asker).get_by_role("button", name=f"{name}的名片").click()
    sheet(asker).get_by_role("button", name=f"请大家给{name}起名").click()
    sheet(asker).get_by_role("button", name="开始").click()


def close_sheets(*phones: Phone) -> None:
    for phone in phones:
        if sheet(phone).count():
            phone.page.keyboard.press("Escape")
            expect(sheet(phone)).to_have_count(0)


def test_a_moderator_keeps_a_naming_in_sight_and_stops_it(people: dict[str, Phone], host: str) -> None:
    rongrong, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    close_sheets(*people.values())
    known = rongrong.village.ask(host, "GET", "/rooms/ceremony/names/search?query=rongrong")["people"]
    rongrong.village.ask(
        host,
        "PUT",
        f"/rooms/ceremony/members/{known[0]['user']}",
        {"name": "榕榕", "role": "moderator"},
    )
    rongrong.page.reload()
    rongrong.wait_connected()
    begin(rongrong, "小白")  # what she calls brecken
    brecken.page.get_by_role("button", name="Yes, please").click()
    sheet(brecken).locator(".ceremony-top").wait_for()
    bar = xiaoyu.page.locator(".ceremony-row")
    expect(bar.locator(".phase")).to_contain_text("还剩")
    bar.get_by_role("button", name="收起").click()
    expect(bar).to_have_count(0)
    open_bar(rongrong)
    sheet(rongrong).get_by_role("button", name="置顶给所有人看").click()
    expect(bar.locator(".ceremony-pin")).to_contain_text("主持人置顶")
    expect(bar.locator(".put-away")).to_have_count(0)
    expect(xiaoyu.page.locator(".line.news").last).to_have_text("榕榕置顶了一场起名")
    expect(xiaoyu.page.locator(".pin-bar")).to_have_count(0)  # it is no message
    xiaoyu.take("ceremony-pinned-zh-dark")
    sheet(rongrong).get_by_role("button", name="结束这场起名").click()
    sheet(rongrong).get_by_role("button", name="确定结束？").click()
    expect(bar).to_have_count(0)
    expect(brecken.page.locator(".line.naming").last).to_have_text("The naming was ended")
    expect(sheet(brecken).locator(".ceremony-top")).to_contain_text("The naming was ended")


def test_who_is_asked_may_say_no(people: dict[str, Phone]) -> None:
    rongrong, brecken = people["rongrong"], people["brecken"]
    begin(rongrong, "小白")
    brecken.page.keyboard.press("Escape")  # he still reads how the last one ended, and is asked when he has
    brecken.page.get_by_role("button", name="No, thank you").click()
    expect(rongrong.page.locator(".ceremony-row")).to_have_count(0)
    expect(rongrong.page.locator(".line.naming").last).to_have_text("Brecken这次没有选")


def test_the_runner_up_is_kept_and_the_next_time_none_is_taken(people: dict[str, Phone]) -> None:
    rongrong, brecken, xiaoyu = people["rongrong"], people["brecken"], people["xiaoyu"]
    begin(rongrong, "小白")
    brecken.page.get_by_role("button", name="Yes, please").click()
    open_bar(rongrong)
    open_bar(xiaoyu)
    propose(rongrong, "裴睿昆", "")
    propose(xiaoyu, "蒲瑞昆", "")
    proposal(rongrong, "裴睿昆").locator(".vote").click()
    proposal(xiaoyu, "蒲瑞昆").locator(".vote").click()
    expect(proposal(brecken, "蒲瑞昆").locator(".vote .count")).to_have_text("1")
    proposal(brecken, "裴睿昆").get_by_role("button", name="Take this name").click()
    sheet(brecken).get_by_role("checkbox", name="Keep 蒲瑞昆 as well").check()
    sheet(brecken).locator(".taking .primary").click()
    close_sheets(rongrong, xiaoyu)
    xiaoyu.page.locator(".line.given", has_text="Brecken 有新名字了").last.click()
    expect(sheet(xiaoyu).locator(".other-name strong")).to_have_text(["蒲瑞昆", "白睿康"])
    close_sheets(xiaoyu)

    begin(rongrong, "小白")
    brecken.page.get_by_role("button", name="Yes, please").click()
    open_bar(xiaoyu)
    sheet(xiaoyu).locator(".propose .primary").click()
    xiaoyu.page.fill("#given-name", "柏乐康")
    xiaoyu.page.get_by_role("button", name="读音不对？").click()
    expect(xiaoyu.page.locator("#given-pinyin")).to_have_value("bǎi lè kāng")
    xiaoyu.page.fill("#given-pinyin", "bǎi yuè kāng")
    expect(sheet(xiaoyu).locator(".name-preview .pinyin").nth(1)).to_have_text("yuè")
    sheet(xiaoyu).locator(".propose button[type=submit]").click()
    expect(proposal(brecken, "柏乐康").locator(".pinyin").nth(1)).to_have_text("yuè")
    sheet(brecken).get_by_role("button", name="None of them, thank you").click()
    sheet(brecken).get_by_role("button", name="Really take none?").click()
    expect(xiaoyu.page.locator(".ceremony-row")).to_have_count(0)
    expect(xiaoyu.page.locator(".line.naming").last).to_have_text("Brecken这次没有选")
    close_sheets(xiaoyu)


def test_a_naming_is_over_when_its_person_leaves(people: dict[str, Phone], host: str) -> None:
    rongrong, xiaoyu = people["rongrong"], people["xiaoyu"]
    begin(rongrong, "林小雨")
    sheet(xiaoyu).get_by_role("button", name="好呀，起吧").wait_for()
    [user] = [
        one["user"]
        for one in rongrong.village.ask(host, "GET", "/rooms/ceremony/names")["people"]
        if one["name"] == "林小雨"
    ]
    rongrong.village.ask(host, "DELETE", f"/rooms/ceremony/members/{user}")
    expect(rongrong.page.locator(".line.naming").last).to_have_text("林小雨离开了，起名结束")
    expect(rongrong.page.locator(".ceremony-row")).to_have_count(0)
