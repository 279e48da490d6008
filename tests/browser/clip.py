"""A naming from the question to the card, as a moving picture: two phones side by side on a real server.

`python -m tests.browser.clip [file]` plays it in Chromium and writes an animated WebP of the frames
(docs/images/naming-clip.webp). Each frame is a screenshot of both pages at that moment, with the time it is shown.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, sync_playwright

from tests.browser.conftest import ARGUMENTS, ROOT, Phone, Phones, start_village, stop_village
from tests.support.chromium import chromium

HEIGHT = 620
MARGIN, GAP = 18, 22
GROUND = "#e9decd"
QUALITY = 74
BYTES_MAX = 600_000
READ_MS = 1_700
TYPED_MS = 180
PETALS = 9


class Film:
    """Frames of two phones."""

    def __init__(self, left: Phone, right: Phone) -> None:
        self._phones = (left, right)
        self._frames: list[Image.Image] = []
        self._shown_ms: list[int] = []

    def take(self, shown_ms: int = READ_MS, settle_ms: int = 350) -> None:
        self._phones[0].page.wait_for_timeout(settle_ms)
        shots = [Image.open(io.BytesIO(phone.page.screenshot())).convert("RGB") for phone in self._phones]
        sized = [shot.resize((shot.width * HEIGHT // shot.height, HEIGHT), Image.Resampling.LANCZOS) for shot in shots]
        width = sum(shot.width for shot in sized) + 2 * MARGIN + GAP
        frame = Image.new("RGB", (width, HEIGHT + 2 * MARGIN), GROUND)
        x = MARGIN
        for shot in sized:
            frame.paste(shot, (x, MARGIN))
            x += shot.width + GAP
        self._frames.append(frame)
        self._shown_ms.append(shown_ms)

    def save(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        first, *rest = self._frames
        first.save(
            target,
            save_all=True,
            append_images=rest,
            duration=self._shown_ms,
            loop=0,
            quality=QUALITY,
            method=6,
            minimize_size=True,
        )


def sheet(phone: Phone) -> Locator:
    return phone.page.locator("dialog[open]")


def play(phones: Phones) -> Film:
    chinese, english = phones.make("zh-CN", color_scheme="light"), phones.make("en-US", color_scheme="dark")
    third = phones.make("zh-CN")
    for phone, name in ((chinese, "林小雨"), (english, "Brecken"), (third, "榕榕")):
        phone.enter(name)
    film = Film(chinese, english)
    chinese.say("大家好！欢迎来到地球村。")
    english.say("Hi, I am Brecken, from America.")
    chinese.page.wait_for_timeout(900)
    chinese.say("你想要一个中文名字吗？")
    english.wait_for("Chinese name", within_ms=8_000)
    film.take()

    chinese.page.get_by_role("button", name="谁在这里").last.click()
    sheet(chinese).get_by_role("button", name="Brecken的名片").click()
    film.take(1_000)
    sheet(chinese).get_by_role("button", name="请大家给Brecken起名").click()
    sheet(chinese).get_by_role("button", name="开始").click()
    sheet(english).get_by_role("button", name="Yes, please").wait_for()
    film.take()
    sheet(english).get_by_role("button", name="Yes, please").click()
    sheet(english).locator(".ceremony-top").wait_for()
    chinese.page.locator(".ceremony-bar").click()
    sheet(chinese).locator(".propose .primary").click()
    film.take(900)
    for typed in ("白", "白睿", "白睿康"):
        chinese.page.fill("#given-name", typed)
        film.take(TYPED_MS, settle_ms=60)
    sheet(chinese).locator(".name-preview .character").nth(2).wait_for()
    film.take(1_200)
    chinese.page.fill("#given-why", "听起来像 Brecken，又聪明又健康。")
    film.take(900)
    sheet(chinese).locator(".propose button[type=submit]").click()
    sheet(english).locator(".proposal .reason[lang=en]").first.wait_for()
    film.take()

    third.page.locator(".ceremony-bar").click()
    for name, why in (("柏乐康", "希望你天天快乐。"), ("毕凯", "好记！")):
        sheet(third).locator(".propose .primary").click()
        third.page.fill("#given-name", name)
        third.page.fill("#given-why", why)
        sheet(third).locator(".propose button[type=submit]:enabled").click()
        sheet(third).locator(".vote[aria-label*='" + name + "']").wait_for()
    film.take(1_200)
    for phone in (chinese, third):
        sheet(phone).locator(".vote[aria-label*='白睿康']").click()
        film.take(700, settle_ms=500)
    take = sheet(english).get_by_role("button", name="Take this name").first
    take.scroll_into_view_if_needed()
    take.click()
    film.take(1_200)
    sheet(english).locator(".taking .primary").click()
    chinese.page.locator(".petals .petal").first.wait_for(state="attached")
    chinese.page.keyboard.press("Escape")
    for _ in range(PETALS):
        film.take(170, settle_ms=0)
    chinese.page.locator(".line.given").wait_for()
    chinese.page.locator(".petals").wait_for(state="detached")
    film.take()
    english.say("Thank you all for my new name!")
    chinese.page.locator(".message:not(.own) .who .name", has_text="白睿康").last.wait_for()
    chinese.page.wait_for_timeout(1_200)
    film.take()
    english.page.locator(".line.given").click()
    sheet(english).locator(".name-card").wait_for()
    film.take(2_800)
    return film


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "naming-clip.webp"
    path = chromium()
    if path is None:
        raise SystemExit("No Chromium on this machine: apt-get install chromium, or set CHROMIUM to its path.")
    with tempfile.TemporaryDirectory() as data_dir:
        village = start_village(Path(data_dir))
        try:
            village.wait_ready()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                phones = Phones(browser, village, device_scale_factor=2)
                play(phones).save(target)
                phones.close()
                browser.close()
        finally:
            stop_village(village)
    size = target.stat().st_size
    print(f"{target}: {size:,} bytes")
    if size > BYTES_MAX:
        raise SystemExit(f"more than {BYTES_MAX:,} bytes; lower QUALITY or HEIGHT")


if __name__ == "__main__":
    main()
