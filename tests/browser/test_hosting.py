"""A hosted room at work: what its members ask of a host, what the host's desk does about it, and who is told what.

One room and five people for the whole file: a host with a telephone who reads Chinese, one at a desk who reads English,
two members and a guest. Each test leaves the room as it found it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import MakePhone, Phone, Village

pytestmark = pytest.mark.browser

ROOM = "hall"
LIVE = {"kind": "live"}


class Hall:
    """The room, as its house sees it, and the people in it."""

    def __init__(self, village: Village, make: MakePhone) -> None:
        options = {"reduced_motion": "reduce", "bypass_csp": True}
        self.village = village
        self.house = village.token("house", name="House", create=True)
        self.rongrong = make("zh-CN", color_scheme="light", **options)
        self.amy = make("en-US", color_scheme="dark", viewport={"width": 1280, "height": 800}, **options)
        self.brecken = make("en-US", color_scheme="dark", **options)
        self.xiaoyu = make("zh-CN", color_scheme="light", **options)
        self.rest("POST", "/rooms", {"room": ROOM, "title": "榕树下 · Under the banyan"})
        self.conduct()
        for phone, user, name in ((self.rongrong, "rongrong", "榕榕"), (self.amy, "amy", "Amy")):
            phone.page.goto(f"{village.url}/#/t/{village.token(user, f'{ROOM}=moderator', name=name)}")
            phone.wait_connected()
        self.members = self.invitation("member")
        self.guests = self.invitation("guest")
        self.brecken.enter("Brecken", self.members)
        self.xiaoyu.enter("林小雨", self.members)

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.village.ask(self.house, method, path, body)

    def invitation(self, role: str) -> str:
        return str(self.rest("POST", f"/rooms/{ROOM}/invites", {"role": role})["code"])

    def conduct(self, **changes: Any) -> None:
        """How one may speak, all of it."""
        self.rest("PUT", f"/rooms/{ROOM}/conduct", {"conduct": {**LIVE, **changes}})

    def user(self, name: str) -> str:
        [found] = [one["user"] for one in self.rest("GET", f"/rooms/{ROOM}/members")["members"] if one["name"] == name]
        return str(found)


@pytest.fixture(scope="module")
def hall(make_lasting_phone: MakePhone, village: Village) -> Hall:
    return Hall(village, make_lasting_phone)


@pytest.fixture(autouse=True)
def as_it_was(hall: Hall) -> Iterator[None]:
    yield
    hall.conduct()


def desk(phone: Phone, tab: str) -> Locator:
    """A host's desk at one of its parts."""
    found = phone.page.locator("dialog.desk")
    if found.count() == 0:
        phone.page.locator("[data-part=desk]").click()
    if tab != "queue" or phone.page.locator(".desk-tabs [data-tab=queue]").is_visible():
        found.locator(f".desk-tabs [data-tab={tab}]").click()
    return found.locator(f".desk-part[data-tab={tab}]")


def leave_desk(phone: Phone) -> None:
    phone.page.keyboard.press("Escape")
    expect(phone.page.locator("dialog.desk")).to_have_count(0)


def message(phone: Phone, text: str) -> Locator:
    return phone.page.locator(".message[data-seq]", has_text=text).last


def actions(phone: Phone, text: str) -> Locator:
    """The sheet of a message."""
    message(phone, text).hover()
    message(phone, text).locator(".more").click()
    return phone.page.locator("dialog.sheet")


def test_a_hand_is_seen_put_off_and_then_asked_to_speak(hall: Hall) -> None:
    """Without the floor one has a button in place of the box; "not now" takes the hand down and says so."""
    brecken, amy = hall.brecken, hall.amy
    hall.conduct(speakers="invited")
    why = brecken.page.locator(".stage-why.blocked")
    expect(why).to_contain_text("Invited speakers have the floor")
    expect(brecken.page.locator(".composer")).to_be_hidden()
    raised = why.get_by_role("button", name="Raise your hand")
    raised.click()
    expect(why.get_by_role("button", name="Take your hand down")).to_have_attribute("aria-pressed", "true")
    hand = desk(amy, "queue").locator(".hand-row", has_text="Brecken")
    hand.get_by_role("button", name="Not now").click()
    expect(hand).to_have_count(0)
    expect(raised).to_be_visible()
    expect(brecken.page.locator(".toast")).to_contain_text("not just now")
    raised.click()
    expect(why).to_contain_text("Your hand is up")
    brecken.page.reload()
    expect(why).to_contain_text("Your hand is up")
    expect(why.get_by_role("button", name="Take your hand down")).to_have_attribute("aria-pressed", "true")
    brecken.take("hosting-hand-en-dark")
    expect(hand).to_be_visible()
    amy.take("desk-hand-en-dark-1280")
    phone = desk(hall.rongrong, "queue")
    expect(phone.locator(".hand-row")).to_contain_text("Brecken")
    hall.rongrong.take("desk-hand-zh-light")
    phone.get_by_role("button", name="请发言").click()
    expect(hand).to_have_count(0)
    expect(brecken.page.locator(".composer")).to_be_visible()
    expect(brecken.page.locator(".toast")).to_contain_text("invites you to speak")
    brecken.say("Thank you for the invitation")
    expect(message(hall.xiaoyu, "Thank you for the invitation")).to_be_visible()
    hall.rongrong.page.get_by_role("button", name="撤销").click()
    expect(why).to_be_visible()
    leave_desk(hall.rongrong)


def test_a_report_keeps_the_words_that_were_read(hall: Hall) -> None:
    """What is reported is the translation that its reader saw, and an edit afterwards does not change it."""
    brecken, xiaoyu, amy = hall.brecken, hall.xiaoyu, hall.amy
    brecken.say("Good morning, what is your name?")
    read = message(xiaoyu, "名字").locator(".stack .text[lang=zh]")
    saw = read.inner_text()
    actions(xiaoyu, saw).get_by_role("button", name="举报").click()
    sheet = xiaoyu.page.get_by_role("dialog", name="举报这条消息")
    expect(sheet.locator(".texts .text")).to_have_text(saw)
    sheet.locator("#report-why").fill("不友好")
    xiaoyu.take("hosting-report-zh-light")
    assert violations(xiaoyu) == []
    sheet.get_by_role("button", name="交给管理员").click()
    expect(xiaoyu.page.locator("#notices")).to_contain_text("管理员会看")
    row = desk(amy, "queue").locator(".queue-row")
    expect(row.locator(".why-chip")).to_have_text("1 report")
    actions(brecken, "what is your name").get_by_role("button", name="Edit").click()
    brecken.say("Good morning to all of you")
    expect(message(xiaoyu, "Good morning to all of you").or_(message(xiaoyu, "早上好"))).to_be_visible()
    expect(row.locator(".reports")).to_contain_text(saw)
    expect(row.locator(".reports")).to_contain_text("Saw (Chinese)")
    expect(row.locator(".reports")).to_contain_text("林小雨 · 不友好")
    amy.take("desk-report-en-dark-1280")
    assert violations(amy) == []
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    expect(xiaoyu.page.locator(".recalled").last).to_be_visible()


def test_a_quiz_keeps_its_counts_until_the_answer_is_told(hall: Hall) -> None:
    brecken, xiaoyu = hall.brecken, hall.xiaoyu
    show = desk(hall.amy, "show")
    show.locator("summary", has_text="Open a poll").click()
    show.locator("#poll-question").fill("What is your name?")
    show.locator("#poll-quiz").check()
    for at, words in enumerate(("Music", "Dance")):
        show.locator(".poll-input input[type=text]").nth(at).fill(words)
    show.get_by_role("button", name="Open it").click()
    expect(show.locator(".failure:visible")).to_contain_text("Mark the right answer")
    show.get_by_label("Option 2 is right").check()
    hall.amy.take("desk-quiz-form-en-dark-1280")
    show.get_by_role("button", name="Open it").click()
    for phone, at in ((brecken, 0), (xiaoyu, 1)):
        option = phone.page.locator(".stage-cards .poll-option").nth(at)
        option.click()
        expect(option).to_have_attribute("aria-pressed", "true")
    expect(brecken.page.locator(".poll-foot")).to_contain_text("Counts are told with the answer")
    expect(hall.amy.page.locator(".open-poll .poll-foot")).to_contain_text("2 votes")
    for phone in (brecken, xiaoyu, hall.amy):
        expect(phone.page.locator(".poll-option .count")).to_have_count(0)
    brecken.take("hosting-quiz-en-dark")
    show.get_by_role("button", name="Close the poll").click()
    card = xiaoyu.page.locator(".stage-cards .poll-card")
    expect(card.locator(".poll-option.right")).to_contain_text("你的选择")
    expect(card.locator(".poll-option.right .count")).to_have_text("50%")
    expect(brecken.page.locator(".stage-cards .poll-option").first).to_contain_text("your choice")
    expect(brecken.page.locator(".stage-cards .poll-option").first).not_to_have_class(re.compile("right"))
    xiaoyu.take("hosting-result-zh-light")
    brecken.take("hosting-result-en-dark")
    for phone in (brecken, xiaoyu):
        phone.page.locator(".poll-card [data-part^=away]").click()


def test_a_member_is_timed_out_and_it_is_taken_back(hall: Hall) -> None:
    """From the sheet of a message or from the desk, there is one way back: undo."""
    brecken, rongrong = hall.brecken, hall.rongrong
    brecken.say("I like to sing all day")
    desk(rongrong, "records")
    leave_desk(rongrong)
    actions(rongrong, "I like to sing all day").get_by_role("button", name="管理这位成员").click()
    sheet = rongrong.page.get_by_role("dialog", name="Brecken", exact=True)
    sheet.locator("#sanction-why").fill("请休息一下")
    rongrong.take("desk-member-zh-light")
    assert violations(rongrong) == []
    sheet.get_by_role("button", name="10 分钟").click()
    why = brecken.page.locator(".stage-why.blocked")
    expect(why).to_contain_text(re.compile(r"You are muted for (10:00|9:\d\d) more"))
    expect(brecken.page.locator(".toast")).to_contain_text("请休息一下")
    brecken.take("hosting-muted-en-dark")
    records = desk(hall.amy, "records")
    muted = records.locator(".sanction-list li", has_text="Brecken")
    expect(muted).to_contain_text("请休息一下")
    hall.amy.take("desk-records-en-dark-1280")
    muted.get_by_role("button", name="Lift").click()
    expect(brecken.page.locator(".composer")).to_be_visible()
    expect(muted).to_have_count(0)
    hall.amy.page.get_by_role("button", name="Undo").click()
    expect(why).to_be_visible()
    expect(muted).to_be_visible()
    muted.get_by_role("button", name="Lift").click()
    expect(brecken.page.locator(".composer")).to_be_visible()


def test_slow_mode_counts_down_and_loses_no_draft(hall: Hall) -> None:
    brecken = hall.brecken
    hall.conduct(slow_s=3)
    why = brecken.page.locator(".stage-why")
    expect(why).to_contain_text("one message every 3 seconds")
    brecken.say("One")
    expect(why).to_contain_text(re.compile(r"Slow mode: 0:0[1-3] until you can send"))
    brecken.say("Two")
    expect(brecken.page.locator("#refusals")).to_contain_text("until you can send")
    expect(brecken.page.locator("#composer")).to_have_value("Two")
    brecken.take("hosting-slow-en-dark")
    expect(why).to_contain_text("one message every 3 seconds")
    brecken.page.press("#composer", "Enter")
    expect(message(hall.xiaoyu, "Two")).to_be_visible()


def test_reactions_are_counted_once_for_everybody(hall: Hall) -> None:
    """In a live room they come as counts without names; one's own is not counted again when it is told."""
    brecken, xiaoyu = hall.brecken, hall.xiaoyu
    hall.xiaoyu.say("唱歌吧！")
    for phone, name in ((xiaoyu, "用 ❤️ 回应"), (brecken, "React with ❤️")):
        actions(phone, "唱歌吧").get_by_role("button", name=name).click()
        expect(message(phone, "唱歌吧").locator(".reaction")).to_have_attribute("aria-pressed", "true")
    for phone in (brecken, xiaoyu, hall.rongrong):
        expect(message(phone, "唱歌吧").locator(".reaction .count")).to_have_text("2")
    message(brecken, "唱歌吧").locator(".reaction").click()
    for phone in (brecken, xiaoyu, hall.rongrong):
        expect(message(phone, "唱歌吧").locator(".reaction .count")).to_have_text("1")
    expect(message(xiaoyu, "唱歌吧").locator(".reaction")).to_have_attribute("aria-pressed", "true")


def test_what_is_left_out_is_told_and_can_be_read(hall: Hall) -> None:
    brecken, xiaoyu = hall.brecken, hall.xiaoyu
    hall.conduct(readable_per_s=1)
    for number in range(6):
        brecken.say(f"Line {number} 🎉")
    gap = xiaoyu.page.locator(".line.gap")
    expect(gap).to_contain_text(re.compile(r"另外 [2-6] 条没有显示"))
    expect(brecken.page.locator(".message.own", has_text="Line 5")).to_have_count(1)
    xiaoyu.take("hosting-skipped-zh-light")
    gap.get_by_role("button").click()
    for number in range(6):
        expect(message(xiaoyu, f"Line {number}")).to_be_visible()
    expect(gap).to_have_count(0)


def test_a_full_room_has_a_line_before_its_door(hall: Hall, make_phone: MakePhone) -> None:
    order = desk(hall.amy, "quick")
    order.locator("#conduct-capacity").fill("1")
    order.locator("#conduct-capacity").press("Enter")
    expect(order.locator(".capacity-line")).to_have_text("Nobody waits in line")
    first, second = make_phone("en-US", color_scheme="dark"), make_phone("zh-CN", color_scheme="light")
    first.enter("Ana", hall.guests)
    second.open_invitation(hall.guests)
    second.page.fill("#name", "老王")
    second.page.click("button.primary")
    waits = second.page.locator(".stage-wait")
    expect(waits).to_contain_text("你排在第 1 位")
    expect(second.page.locator("h1")).to_contain_text("榕树下")
    second.take("hosting-line-zh-light")
    expect(order.locator(".capacity-line")).to_contain_text("1 waits")
    hall.amy.take("desk-order-en-dark-1280")
    order.locator("#conduct-capacity").fill("2")
    order.locator("#conduct-capacity").press("Enter")
    expect(waits).to_have_count(0)
    second.wait_connected()
    expect(second.page.locator(".composer")).to_be_visible()


def test_the_page_follows_ones_own_role(hall: Hall) -> None:
    """Nobody reloads a page to learn that they are a moderator now, or are one no longer."""
    brecken = hall.brecken
    user = hall.user("Brecken")
    hall.conduct(frozen=True)
    expect(brecken.page.locator(".stage-why.blocked")).to_contain_text("paused the chat")
    hall.rest("PUT", f"/rooms/{ROOM}/members/{user}", {"name": "Brecken", "role": "moderator"})
    opener = brecken.page.locator("[data-part=desk]")
    expect(opener).to_be_visible()
    expect(brecken.page.locator(".composer")).to_be_visible()
    expect(brecken.page.get_by_role("button", name="Announce")).to_be_visible()
    expect(desk(brecken, "quick").get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "true")
    brecken.take("desk-order-en-dark")
    hall.rest("PUT", f"/rooms/{ROOM}/members/{user}", {"name": "Brecken", "role": "member"})
    expect(brecken.page.locator("dialog.desk")).to_have_count(0)
    expect(opener).to_have_count(0)
    expect(brecken.page.get_by_role("button", name="Announce")).to_have_count(0)
    expect(brecken.page.locator(".stage-why.blocked")).to_be_visible()
    expect(brecken.page.locator(".line.note.role").last).to_have_text("You are now a member")


def test_an_evening_is_kept_in_both_languages(hall: Hall) -> None:
    hall.xiaoyu.say("你来自哪里？")
    expect(message(hall.brecken, "你来自哪里").locator(".stack .text[lang=en]")).to_contain_text("you")
    english = message(hall.brecken, "你来自哪里").locator(".stack .text").inner_text()
    records = desk(hall.rongrong, "records")
    hall.rongrong.take("desk-records-zh-light")
    for name, suffix in (("HTML", "html"), ("CSV", "csv"), ("JSONL", "jsonl")):
        with hall.rongrong.page.expect_download() as coming:
            records.get_by_role("button", name=name).click()
        download: Download = coming.value
        assert download.suggested_filename == f"{ROOM}.{suffix}"
        kept = download.path().read_text(encoding="utf-8")
        assert "你来自哪里？" in kept
        assert english.replace("'", "&#x27;" if suffix == "html" else "'") in kept
    leave_desk(hall.rongrong)


def test_who_is_removed_finds_themselves_outside(hall: Hall, make_phone: MakePhone) -> None:
    phone = make_phone("en-US")
    phone.enter("Troll", hall.guests)
    phone.say("Buy my shoes")
    actions(hall.rongrong, "Buy my shoes").get_by_role("button", name="管理这位成员").click()
    sheet = hall.rongrong.page.get_by_role("dialog", name="Troll", exact=True)
    sheet.locator("#sanction-delete").select_option("1")
    sheet.get_by_role("button", name="请出").click()
    sheet.get_by_role("button", name="确定请出").click()
    expect(phone.page.locator(".room")).to_have_count(0)
    expect(phone.page.locator("body")).to_contain_text("banned")
    expect(hall.xiaoyu.page.locator(".message", has_text="Buy my shoes")).to_have_count(0)
    phone.take("hosting-banned-en")
