"""The pictures of the page: a conversation of three people on a real server, in both languages and both themes.

`python -m tests.browser.screenshots [folder]`: all of them go to the folder (build/screenshots), and the one that the
README shows, both phones side by side, to docs/images.
"""

import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS, BUILD, ROOT, Phone, Phones, start_village, stop_village
from tests.support.chromium import chromium

TALK = (
    ("xiaoyu", "大家好！欢迎来到地球村。"),
    ("brecken", "Good evening! My daughter and I are from America."),
    ("xiaoyu", "你叫什么名字？"),
    ("brecken", "My name is Brecken. Nice to meet you!"),
    ("brecken", "666 🎉"),
    ("xiaoyu", "很高兴认识你！你想要一个中文名字吗？"),
    ("brecken", "Yes, please!"),
)
SMALL = {"viewport": {"width": 360, "height": 640}}


def take_all(phones: Phones, folder: Path) -> None:
    def take(phone: Phone, name: str) -> None:
        phone.page.wait_for_timeout(400)
        phone.page.screenshot(path=folder / f"{name}.png")

    people = {
        "xiaoyu": phones.make("zh-CN", color_scheme="light"),
        "brecken": phones.make("en-US", color_scheme="dark"),
    }
    for phone, name in ((people["xiaoyu"], "林小雨"), (people["brecken"], "Brecken")):
        phone.open_invitation()
        phone.page.fill("#name", name)
        take(phone, f"join-{phone.page.evaluate('document.documentElement.lang')}")
        phone.page.click("button.primary")
        phone.wait_connected()
    for name, text in TALK:
        people[name].say(text)
        people["brecken"].page.wait_for_timeout(1_200)
    people["brecken"].page.mouse.move(0, 0)
    take(people["xiaoyu"], "room-zh-light")
    take(people["brecken"], "room-en-dark")
    theirs = people["brecken"].page.locator(".message:not(.own)").last
    theirs.hover()
    theirs.locator(".more").click()
    people["brecken"].page.locator("dialog[open] .emoji").first.wait_for()
    take(people["brecken"], "message-en-dark")
    people["brecken"].page.keyboard.press("Escape")
    people["xiaoyu"].page.locator(".bar-top .plain").first.click()
    people["xiaoyu"].page.locator("dialog[open] .person").first.wait_for()
    take(people["xiaoyu"], "people-zh-light")
    people["xiaoyu"].page.keyboard.press("Escape")
    late = phones.make("en-US", color_scheme="light", **SMALL)
    late.enter("Ana")
    late.page.wait_for_timeout(2_000)
    take(late, "late-en-light-360")
    late.page.locator(".bar-top .plain").last.click()
    late.page.locator("dialog[open] .chip").first.wait_for()
    take(late, "settings-en-light-360")


def side_by_side(browser: Browser, names: tuple[str, ...], folder: Path, target: Path) -> None:
    pictures = [base64.b64encode((folder / f"{name}.png").read_bytes()).decode() for name in names]
    shown = "".join(f'<img src="data:image/png;base64,{picture}">' for picture in pictures)
    page = browser.new_page(viewport={"width": 880, "height": 904}, device_scale_factor=1.5)
    page.set_content(
        "<style>body{margin:0;padding:30px;display:flex;gap:40px;background:#e9decd}"
        f"img{{width:390px;height:844px;border-radius:28px;box-shadow:0 12px 40px #4a2a1040}}</style>{shown}"
    )
    page.wait_for_function("() => [...document.images].every((one) => one.complete)")
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target)
    page.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
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
                take_all(phones, folder)
                phones.close()
                pair = ("room-zh-light", "room-en-dark")
                side_by_side(browser, pair, folder, ROOT / "docs" / "images" / "two-phones.png")
                browser.close()
        finally:
            stop_village(village)
    print(f"The pictures are in {folder}")


if __name__ == "__main__":
    main()
