"""Rows that workers share: found again, gone when taken back, never in the way."""

import asyncio

from chat.adapters.memory import MemoryEngine
from tests.support.virtual_time import now_ms, run
from translator.pipeline import Translation
from translator.shared import TEXT_CHARS_MAX, SharedRows

MADE = Translation("Hello", "zh", "engine", "zh_en", "1", starter=False)


def test_what_one_worker_kept_another_finds_and_only_the_variant_that_was_kept() -> None:
    async def story() -> None:
        engine = MemoryEngine(now_ms=now_ms)
        one, other = SharedRows(engine.translations), SharedRows(engine.translations)
        row = await one.row("你好")
        assert row is not None
        assert row.get("v1") is None
        row.put("v1", MADE)
        one.keep(row)
        await one.flush()
        found = await other.row("你好")
        assert found is not None
        assert found.get("v1") == MADE
        assert found.get("v2") is None
        assert "你好" not in "".join(engine.translations.rows), "keys are digests"

    run(story())


def test_a_text_that_was_taken_back_is_not_put_back_by_who_was_just_translating_it() -> None:
    async def story() -> None:
        engine = MemoryEngine(now_ms=now_ms)
        rows = SharedRows(engine.translations)
        row = await rows.row("你好")
        assert row is not None
        row.put("v1", MADE)
        rows.forbid(["你好"])
        await rows.forget(["你好"])
        rows.keep(row)
        await rows.flush()
        assert engine.translations.rows == {}
        await asyncio.sleep(61)
        rows.keep(row)
        await rows.flush()
        assert len(engine.translations.rows) == 1

    run(story())


def test_a_cache_that_is_away_or_holds_nonsense_is_an_empty_one() -> None:
    async def story() -> None:
        engine = MemoryEngine(now_ms=now_ms)
        rows = SharedRows(engine.translations)
        row = await rows.row("你好")
        assert row is not None
        row.put("v1", MADE)
        engine.go_away()
        rows.keep(row)
        await rows.flush()
        away = await rows.row("你好")
        assert away is not None
        assert away.known == {}
        assert rows.statistics()["shared_away"] == 2
        engine.come_back()
        engine.translations.rows[row.key] = "nonsense"
        found = await rows.row("你好")
        assert found is not None
        assert found.known == {}
        assert await rows.row("长" * (TEXT_CHARS_MAX + 1)) is None

    run(story())
