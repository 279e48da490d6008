"""What a host has who types one command: a room with words in it, read by each in their own language, and a greeter
who says welcome once. Real processes on an empty directory, visited by the public client."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from chat.client import Arrived, Client, enter
from chat.events import Posted, Translated
from chat.frames import PageEntry
from chat.greeter.words import GREETING
from chat.language import guess
from gateway.welcome import GREETER, HOUSE, LINES
from tests.system.test_up import Village, village

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

PATIENCE_S = 30.0
BOTH = ("zh", "en")


class Visitor:
    """Somebody who walks in with the printed invitation and reads one language."""

    def __init__(self, here: Village, name: str, language: str) -> None:
        self.here, self.name, self.language = here, name, language
        self.token = ""
        self.expects_greeting = True

    async def visit(self) -> tuple[list[str], list[str]]:
        """(the house's lines as this reader reads them, greetings of this reader)."""
        base = f"http://127.0.0.1:{self.here.running['port']}"
        if not self.token:
            entered = await enter(f"{base}/#/i/{self.here.invite}", self.name, (self.language,))
            self.token, self.user, self.room = entered.token, entered.user, entered.room
        url = base.replace("http", "ws") + "/ws"
        async with Client(url, token=self.token, languages=(self.language,), proxy=None) as client:
            await client.join(self.room)
            page = await client.history(self.room, after=0, limit=100)
            heard: dict[int, str] = {}
            mine = [_text(entry) for entry in page.entries if self._is_greeting(entry)]
            lines = [entry for entry in page.entries if _is_line(entry)]
            foreign = [entry.seq for entry in lines if guess(_text(entry), BOTH) != self.language]
            for seq in foreign:
                if known := await client.translate(self.room, seq, self.language):
                    heard[seq] = known.text
            async with asyncio.timeout(PATIENCE_S), aclosing(client.events()) as items:
                while set(foreign) - heard.keys() or (self.expects_greeting and not mine):
                    item = await anext(items)
                    if isinstance(item, Arrived) and isinstance(item.event, Translated):
                        assert item.event.starter
                        heard[item.event.of] = item.event.text
                    elif isinstance(item, Arrived) and self._is_greeting(item):
                        mine.append(_text(item))
            return [heard.get(entry.seq, _text(entry)) for entry in lines], mine

    def _is_greeting(self, entry: PageEntry | Arrived) -> bool:
        event = entry.event
        return (
            isinstance(event, Posted) and event.author == GREETER and any(m.user == self.user for m in event.mentions)
        )


def _text(entry: PageEntry | Arrived) -> str:
    assert isinstance(entry.event, Posted)
    return entry.event.text


def _is_line(entry: PageEntry) -> bool:
    return isinstance(entry.event, Posted) and entry.event.author == HOUSE.user


def visit(*visitors: Visitor) -> list[tuple[list[str], list[str]]]:
    async def all_of_them() -> list[tuple[list[str], list[str]]]:
        return [await each.visit() for each in visitors]

    return asyncio.run(all_of_them())


def test_newcomers_read_the_welcome_in_their_language_and_are_greeted_once_over_restarts(tmp_path: Path) -> None:
    with village(tmp_path / "data", translators="1", workers="1", greeter="") as here:
        ming, ana = Visitor(here, "小明", "zh"), Visitor(here, "Ana", "en")
        for visitor, (lines, greetings) in zip((ming, ana), visit(ming, ana), strict=True):
            assert len(lines) == len(LINES)
            assert {guess(line, BOTH) for line in lines} == {visitor.language}
            assert greetings == [GREETING[visitor.language].format(called=f"@{visitor.name}")]
        assert here.running["greeters"]
    with village(tmp_path / "data", translators="0", workers="1", greeter="") as again:
        ming.here = ana.here = again
        ben = Visitor(again, "Ben", "en")
        [_, (lines, greetings), *again_read] = visit(ming, ben, ming, ana)
        assert len(lines) == len(LINES), "translations stand in the log; nobody translates now"
        assert len(greetings) == 1, "the greeter is here, and knows the log"
        assert [len(theirs) for _, theirs in again_read] == [1, 1]


def test_without_the_setting_there_is_no_greeter(tmp_path: Path) -> None:
    with village(tmp_path / "data", translators="1", workers="1", greeter="false") as here:
        ana = Visitor(here, "Ana", "en")
        ana.expects_greeting = False
        [(lines, greetings)] = visit(ana)
        assert len(lines) == len(LINES)
        assert greetings == []
        assert here.running["greeters"] == []
        assert "greeter" not in here.output
