"""A village from nothing and telephones to visit it with: one `diqiucun up` and one Chromium for all browser tests.

Scope is the package, not the session: Playwright's synchronous API keeps an event loop of its own while it is
started, and the tests of other packages bring theirs.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from gateway.settings import Settings
from gateway.tokens import TokenKeys
from tests.support.chromium import chromium

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
READY_WITHIN_S = 60.0
VIEWPORT: ViewportSize = {"width": 390, "height": 844}
TIMEOUT_MS = 10_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Village:
    """A running `diqiucun up`: where it listens, and the invitation that it printed."""

    port: int
    process: subprocess.Popen[str]
    data_dir: Path
    printed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def code(self) -> str:
        for line in self.printed:
            found = re.search(r"/#/i/([A-Za-z0-9_-]+)", line)
            if found:
                return found[1]
        return ""

    def wait_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until and self.process.poll() is None:
            if self.code:
                try:
                    with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                        if answer.status == 200 and self._translates():
                            return
                except (urllib.error.URLError, OSError):
                    pass
            time.sleep(0.1)
        raise AssertionError("diqiucun up did not become ready:\n" + "".join(self.printed[-40:]))

    def token(self, user: str, *grants: str, name: str = "", create: bool = False) -> str:
        """As `diqiucun token` mints it; each grant is ROOM=ROLE."""
        keys = TokenKeys.open(self.data_dir / "token-keys.json", Settings.model_fields["audience"].default)
        rooms: dict[str, Any] = {room: role for room, _, role in (grant.partition("=") for grant in grants)}
        minted, _ = keys.mint(user, name=name, rooms=rooms, create=create, lives_s=86_400)
        return minted

    def ask(self, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request to the REST surface with somebody's token; None where the answer is empty."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def _translates(self) -> bool:
        return any("routes=" in line for line in self.printed)


def environment(port: int, data_dir: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DIQIUCUN_")},
        "DIQIUCUN_PORT": str(port),
        "DIQIUCUN_DATA_DIR": str(data_dir),
        "DIQIUCUN_GREETER": "false",
        "PYTHONUNBUFFERED": "1",
    }


def start_village(data_dir: Path) -> Village:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "up"],
        cwd=ROOT,
        env=environment(port, data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    village = Village(port, process, data_dir)

    def collect() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            village.printed.append(line)

    threading.Thread(target=collect, daemon=True).start()
    return village


def stop_village(village: Village) -> None:
    village.process.send_signal(signal.SIGTERM)
    try:
        village.process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(village.process.pid, signal.SIGKILL)
        village.process.wait(5)
    if village.process.stdout is not None:
        village.process.stdout.close()


@pytest.fixture(scope="package")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, this run still ends its village
    village = start_village(tmp_path_factory.mktemp("village"))
    try:
        village.wait_ready()
        yield village
    finally:
        stop_village(village)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Phone:
    """One person with a telephone 390 px wide."""

    def __init__(self, page: Page, village: Village) -> None:
        self.page = page
        self.village = village
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self._note(said.text))

    def _note(self, said: str) -> None:
        # Chromium itself reports each connection that a test cut; a page that says so would be a fault
        if "net::ERR_" not in said:
            self.faults.append(said)

    def open_invitation(self, code: str | None = None) -> None:
        self.page.goto(f"{self.village.url}/#/i/{code or self.village.code}")
        self.page.wait_for_selector("#name")

    def enter(self, name: str, code: str | None = None) -> None:
        self.open_invitation(code)
        self.page.fill("#name", name)
        self.page.click("button.primary")
        self.wait_connected()

    def wait_connected(self) -> None:
        self.page.wait_for_selector(".room[data-connection=ready] .log[aria-busy=false]")

    def say(self, text: str) -> None:
        self.page.fill("#composer", text)
        self.page.press("#composer", "Enter")

    def message(self, text: str) -> Any:
        """The last message that shows `text` as what its reader reads."""
        return self.page.locator(".message", has=self.page.locator(".stack .text", has_text=text)).last

    def wait_for(self, text: str, within_ms: float = 5_000) -> None:
        self.message(text).wait_for(timeout=within_ms)

    def open_message(self, index: int = -1) -> None:
        """The sheet of a message, by its place in the log."""
        messages = self.page.locator(".message[data-seq]")
        one = messages.nth(index if index >= 0 else messages.count() + index)
        one.hover()
        one.locator(".more").click()
        self.page.locator("dialog[open] .emoji").first.wait_for()

    def take(self, name: str) -> None:
        folder = BUILD / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")


MakePhone = Callable[..., Phone]


class Phones:
    """Telephones of one test, or of one file of tests; each must end without a fault of the page."""

    def __init__(self, browser: Browser, village: Village, **options: Any) -> None:
        """`options` of every telephone. One pixel a pixel: a page of four times as many is four times as long drawn."""
        self._browser = browser
        self._village = village
        self._options = {"viewport": VIEWPORT, **options}
        self._contexts: list[BrowserContext] = []
        self._phones: list[Phone] = []

    def make(self, locale: str, **options: Any) -> Phone:
        """`make("zh-CN")`, with any option of `browser.new_context`."""
        context = self._browser.new_context(locale=locale, **{**self._options, **options})
        context.set_default_timeout(TIMEOUT_MS)
        self._contexts.append(context)
        self._phones.append(Phone(context.new_page(), self._village))
        return self._phones[-1]

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert [fault for phone in self._phones for fault in phone.faults] == []


@pytest.fixture
def make_phone(browser: Browser, village: Village) -> Iterator[MakePhone]:
    phones = Phones(browser, village)
    yield phones.make
    phones.close()


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Iterator[BrowserContext]:
    """What the telephones of `phone` share: the browser's cache. Without the worker that keeps the page where there is
    no network: it fetches all of the page, and has tests of its own."""
    context = browser.new_context(locale="en-US", viewport=VIEWPORT, service_workers="block")
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def phone(pages: BrowserContext, village: Village) -> Iterator[Phone]:
    """Somebody who reads English, for one test, and was never here before."""
    phone = Phone(pages.new_page(), village)
    yield phone
    if phone.page.url.startswith(village.url):
        phone.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    phone.page.close()
    assert phone.faults == []


@pytest.fixture(scope="module")
def make_lasting_phone(browser: Browser, village: Village) -> Iterator[MakePhone]:
    phones = Phones(browser, village)
    yield phones.make
    phones.close()
