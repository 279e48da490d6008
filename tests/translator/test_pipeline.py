"""One text into one language. First with a scripted engine (what the pipeline promises), then with the real starter."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.translator.doubles import ScriptedEngine, package
from translator.ctranslate import CTranslateEngine
from translator.engine import SECOND, Search
from translator.lanes import Lanes
from translator.packages import starter_packages
from translator.phrases import Phrases
from translator.pipeline import Pipeline, Refusal, Translation, Why
from translator.routes import Package

PACKAGES = (package("zh", "en"), package("en", "zh"))


def answers(words: dict[str, str]) -> ScriptedEngine:
    return ScriptedEngine(lambda _package, sentence, _search: words[sentence])


async def translated(
    engine: ScriptedEngine, text: str, source: str, target: str, *mentions: str, within_s: float = 5.0
) -> Translation | Refusal:
    async with Lanes(engine) as lanes:
        pipeline = Pipeline(engine, lanes, PACKAGES)
        deadline = asyncio.get_running_loop().time() + within_s
        return await pipeline.translate(text, source, target, deadline=deadline, mentions=mentions)


def text_of(outcome: Translation | Refusal) -> str:
    assert isinstance(outcome, Translation), outcome
    return outcome.text


async def test_the_engine_sees_sentences_and_nothing_that_is_protected() -> None:
    engine = answers({"你好": "Hello", "你叫什么名字？": "What is your name?", "看看这个": "Look at this"})
    outcome = await translated(engine, "你好@白睿康，你叫什么名字？😀\nhttps://x.io/a看看这个", "zh", "en", "@白睿康")
    assert text_of(outcome) == "Hello @白睿康, What is your name? 😀\nhttps://x.io/a Look at this"
    assert sorted(sentence for batch in engine.batches for sentence in batch) == ["你叫什么名字？", "你好", "看看这个"]


async def test_chinese_comes_out_with_full_width_marks_and_without_a_stop_nobody_wrote() -> None:
    engine = answers({"Really?": "真的?", "I see": "我明白."})
    assert text_of(await translated(engine, "Really? I see", "en", "zh")) == "真的？我明白"


async def test_clauses_parted_by_a_space_are_parted_by_a_comma() -> None:
    engine = answers({"今天好累": "So tired today", "不想上班": "I don't want to work", "太好笑了": "so funny"})
    assert text_of(await translated(engine, "今天好累 不想上班", "zh", "en")) == "So tired today, I don't want to work"


async def test_shouting_reaches_the_engine_in_plain_case() -> None:
    engine = answers({"I'm so happy today": "我今天很高兴"})
    assert text_of(await translated(engine, "I'M SO HAPPY TODAY", "en", "zh")) == "我今天很高兴"


async def test_traditional_chinese_is_converted_around_the_package() -> None:
    engine = answers(
        {"See you the day after tomorrow.": "我们后天见。", "我们后天见": "See you the day after tomorrow"}
    )
    made = await translated(engine, "See you the day after tomorrow.", "en", "zh-Hant")
    assert text_of(made) == "我們後天見。"
    made = await translated(engine, "我們後天見", "zh-Hant", "en")
    assert text_of(made) == "See you the day after tomorrow"


async def test_from_script_to_script_no_engine_is_asked() -> None:
    engine = answers({})
    outcome = await translated(engine, "我们后天见 @Bob", "zh", "zh-Hant", "@Bob")
    assert text_of(outcome) == "我們後天見 @Bob"
    assert isinstance(outcome, Translation)
    assert outcome.engine.startswith("opencc ")
    assert not outcome.starter


async def test_what_is_doubtful_is_tried_once_more_with_a_wider_search() -> None:
    def say(_package: Package, sentence: str, search: Search) -> str:
        return "A dog is here" if search == SECOND else "a dog a dog a dog a dog a dog a dog"

    engine = ScriptedEngine(say)
    assert text_of(await translated(engine, "这里有一条狗", "zh", "en")) == "A dog is here"
    assert len(engine.batches) == 2


async def test_what_stays_doubtful_is_refused_with_the_doubt() -> None:
    engine = ScriptedEngine(lambda *_: "(applause)")
    assert await translated(engine, "这里有一条狗", "zh", "en") == Refusal(Why.DOUBTFUL, "zh", "only_brackets")


async def test_a_name_the_engine_invents_is_refused() -> None:
    engine = answers({"你好": "Hello @Bob"})
    assert await translated(engine, "你好", "zh", "en", "@Bob") == Refusal(Why.NAMES_LOST, "zh", "@Bob")


async def test_every_other_refusal_has_its_reason() -> None:
    engine = ScriptedEngine()
    assert (await translated(engine, "hola", "es", "zh")) == Refusal(Why.NO_PACKAGE, "es", "es -> zh")
    assert (await translated(engine, "😀 666", "zh", "en")) == Refusal(Why.NOTHING_TO_TRANSLATE, "zh")
    slow = ScriptedEngine(delay_s=0.2)
    assert (await translated(slow, "这里有一条狗", "zh", "en", within_s=0.05)) == Refusal(Why.TOO_LATE, "zh")
    broken = ScriptedEngine(fail=True)
    assert (await translated(broken, "这里有一条狗", "zh", "en")) == Refusal(
        Why.ENGINE_FAILED, "zh", "broken on purpose"
    )


def test_phrases_keep_the_ending_and_only_whole_sentences_count() -> None:
    phrases = Phrases({("zh", "en", "你好"): "Hello", ("en", "zh", "how are you"): "你好吗？"})
    assert phrases.get("你好！", "zh", "en") == "Hello!"
    assert phrases.get("你好", "zh", "en") == "Hello"
    assert phrases.get("How ARE you", "en", "zh") == "你好吗？"
    assert phrases.get("你好世界", "zh", "en") is None
    assert phrases.get("你好", "en", "zh") is None
    assert phrases.get("哈哈哈哈！", "zh", "en") == "Haha!"


def test_the_list_of_the_starter_is_sound() -> None:
    phrases = Phrases.of_starter()
    assert len(phrases) > 300
    assert phrases.get("Hello everyone!", "en", "zh") == "大家好！"
    assert phrases.get("早上好", "zh", "en") == "Good morning"


@pytest.fixture
async def starter() -> AsyncIterator[Pipeline]:
    engine = CTranslateEngine(threads=1)
    async with Lanes(engine) as lanes:
        yield Pipeline(engine, lanes, starter_packages())
    await engine.close()


async def into(pipeline: Pipeline, text: str, target: str, *mentions: str) -> Translation | Refusal:
    found = pipeline.detect(text, ("zh", "en"), mentions)
    assert found.language is not None
    deadline = asyncio.get_running_loop().time() + 30
    return await pipeline.translate(text, found.language, target, deadline=deadline, mentions=mentions)


async def test_the_starter_asks_for_a_name(starter: Pipeline) -> None:
    outcome = await into(starter, "@Brecken 你叫什么名字？", "en", "@Brecken")
    assert isinstance(outcome, Translation)
    assert outcome.text.startswith("@Brecken ")
    assert "name" in outcome.text
    assert outcome.text.endswith("?")
    assert (outcome.package, outcome.version, outcome.starter) == ("starter-zh_en", "0.1", True)


async def test_the_starter_greets_in_chinese(starter: Pipeline) -> None:
    assert text_of(await into(starter, "Thanks @Bob! 😀", "zh", "@Bob")) == "谢谢 @Bob！😀"
    assert text_of(await into(starter, "Hello everyone!", "zh-Hant")) == "大家好！"
    assert "布雷肯" in text_of(await into(starter, "My name is Brecken.", "zh"))


async def test_an_emoji_in_the_middle_does_not_cut_the_rest_off(starter: Pipeline) -> None:
    made = text_of(await into(starter, "今天很开心😀我们去吃饭吧", "en"))
    assert "😀" in made
    assert len(made.split("😀")[1].split()) >= 3


async def test_numbers_the_starter_gets_wrong_are_refused_not_shown(starter: Pipeline) -> None:
    outcome = await into(starter, "2024年10月1日", "en")
    assert isinstance(outcome, Refusal) or "2024" in outcome.text
