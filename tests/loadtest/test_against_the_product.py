"""What is documented for strangers, run against the real product: the echo bot, a guest, the members for Locust."""

import asyncio
import csv
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chat.client import Arrived, Client, Entered, Item, enter
from chat.events import Posted, Translated
from loadtest.bench.idle import idle_cost
from loadtest.product import Product, running

pytestmark = [pytest.mark.system, pytest.mark.engine, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """One for all that need no translator: each has its own room or is alone in the one of the house."""
    async with running(tmp_path_factory.mktemp("product"), workers=1, translators=0) as started:
        yield started


def member(product: Product, user: str, **settings: Any) -> Client:
    token = product.token(user, rooms={"*": "member"}, create=True)
    return Client(product.url, token=token, proxy=None, **settings)


async def until(items: AsyncIterator[Item], wanted: Callable[[Item], bool]) -> Item:
    async with asyncio.timeout(PATIENCE_S):
        async for item in items:
            if wanted(item):
                return item
    raise AssertionError("the events ended")


async def test_the_bench_of_idle_members_counts_living_members(product: Product) -> None:
    """Fifty are too few for a figure to publish; that they are alive and cost something is what can be said. The first
    to meet the product: memory that earlier visitors left free would cost these nothing."""
    found = await idle_cost(product, 50)
    assert found["alive_at_the_end"] == 50
    assert 1_000 < found["bytes_per_member"] < 200_000


async def test_the_echo_bot_of_the_documentation_answers(product: Product) -> None:
    path = ROOT / "docs" / "echo_bot.py"
    assert len(path.read_text("utf-8").splitlines()) <= 25
    spec = importlib.util.spec_from_file_location("echo_bot", path)
    assert spec is not None
    assert spec.loader is not None
    bot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bot)
    async with member(product, "ana") as ana:
        await ana.create_room("echo", "Echo")
        items = ana.events()
        running_bot = asyncio.create_task(bot.main(product.url, product.token("bot", rooms={"*": "member"}), "echo"))
        async with asyncio.timeout(PATIENCE_S):
            while all(person.user != "bot" for person in (await ana.presence("echo")).people):
                await asyncio.sleep(0.1)  # its coming stands in the log before it has a seat that hears
        said = await ana.post("echo", "anybody here?")
        answer = await until(
            items,
            lambda item: isinstance(item, Arrived) and isinstance(item.event, Posted) and item.event.author == "bot",
        )
        assert isinstance(answer, Arrived)
        assert isinstance(answer.event, Posted)
        assert (answer.event.text, answer.event.reply_to) == ("anybody here?", said.seq)
        running_bot.cancel()
        await asyncio.gather(running_bot, return_exceptions=True)


async def test_a_guest_enters_by_the_welcome_link_and_every_command_works(product: Product) -> None:
    code = (product.data_dir / "welcome-invite").read_text("ascii").strip()
    entered = await enter(f"http://127.0.0.1:{product.port}/#/i/{code}", "Ana", ("pt", "en"))
    assert isinstance(entered, Entered)
    async with Client(entered.url, token=entered.token, languages=("pt", "en"), proxy=None) as ana:
        frame = await ana.join(entered.room)
        assert frame.role == "guest"
        said = await ana.post(entered.room, "olá", once="k")
        assert await ana.post(entered.room, "olá", once="k") == said
        await ana.edit(entered.room, said.seq, "olá a todos")
        await ana.react(entered.room, said.seq, "👋")
        await ana.mark_read(entered.room, said.seq)
        await ana.typing(entered.room)
        assert [person.name for person in (await ana.presence(entered.room)).people] == ["Ana"]
        page = await ana.history(entered.room, limit=2)
        assert page.entries[-1].seq == said.seq + 2
        read = [entry.seq async for entry in ana.read_between(entered.room, frame.head, said.seq)]
        assert read == [said.seq]
        await ana.recall(entered.room, said.seq)
        await ana.set_languages(("en",))
        assert await ana.ping() >= 0
        await ana.leave(entered.room)


async def test_locusts_members_talk_and_hear_themselves(product: Product, tmp_path: Path) -> None:
    async with member(product, "owner") as owner:
        await owner.create_room("load", "Load")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py"), "--headless"),
        *("--host", f"http://127.0.0.1:{product.port}", "-u", "4", "-r", "4", "-t", "6s", "--stop-timeout", "2"),
        *("--csv", str(tmp_path / "told"), "--only-summary"),
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LOAD_KEYS_FILE": str(product.data_dir / "token-keys.json"),
            "LOAD_ROOM": "load",
            "LOAD_POSTS_PER_MIN": "60",
            "LOAD_WEIGHTS": "1,0,0,0",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, told.decode()
    with (tmp_path / "told_stats.csv").open(newline="") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert {name: row["Failure Count"] for name, row in rows.items() if row["Failure Count"] != "0"} == {}
    assert int(rows["connect"]["Request Count"]) == 4
    assert int(rows["post"]["Request Count"]) >= 8
    assert int(rows["deliver"]["Request Count"]) >= 8


async def test_translations_come_as_entries_of_their_own(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", workers=1, translators=1) as product,
        member(product, "li", languages=("zh",)) as li,
        member(product, "ana", languages=("en",)) as ana,
    ):
        await li.create_room("both", "两种语言")
        await ana.join("both")
        said = await li.post("both", "谢谢你的帮助！")
        item = await until(ana.events(), lambda item: isinstance(item, Arrived) and isinstance(item.event, Translated))
        assert isinstance(item, Arrived)
        assert isinstance(item.event, Translated)
        assert (item.event.of, item.event.language, item.event.source) == (said.seq, "en", "zh")
        # Asked for again, the log's own answer comes back at once.
        assert await ana.translate("both", said.seq, "en") == item.event
