"""One text into one language. First with a scripted engine (what the pipeline promises), then with the real starter."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from chat.ports import Term
from tests.translator.doubles import ScriptedEngine, package
from translator import standing
from translator.ctranslate import CTranslateEngine
from translator.engine import FIRST, SECOND, EngineFailed, Search
from translator.lanes import Lanes
from translator.packages import starter_packages
from translator.phrases import Phrases
from translator.pipeline import Pipeline, Refusal, Translation, Why
from translator.routes import Package
from translator.terms import Terms

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


async def test_laughter_in_a_line_reaches_no_engine() -> None:
    engine = answers({"好的": "OK", "真的吗": "Really"})
    assert text_of(await translated(engine, "哈哈哈，好的", "zh", "en")) == "Haha, OK"
    assert text_of(await translated(engine, "哈哈哈！真的吗", "zh", "en")) == "Haha! Really"


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
    assert (outcome.package, outcome.version, outcome.starter) == ("starter-zh_en", "0.3", True)


async def test_the_starter_greets_in_chinese(starter: Pipeline) -> None:
    assert text_of(await into(starter, "Thanks @Bob! 😀", "zh", "@Bob")) == "谢谢 @Bob！😀"
    assert text_of(await into(starter, "Hello everyone!", "zh-Hant")) == "大家好！"
    assert "Brecken" in text_of(await into(starter, "My name is Brecken.", "zh"))


async def test_an_emoji_in_the_middle_does_not_cut_the_rest_off(starter: Pipeline) -> None:
    made = text_of(await into(starter, "今天很开心😀我们去吃饭吧", "en"))
    assert "😀" in made
    assert len(made.split("😀")[1].split()) >= 2  # "Let's eat"


async def test_numbers_the_starter_gets_wrong_are_refused_not_shown(starter: Pipeline) -> None:
    outcome = await into(starter, "2024年10月1日", "en")
    assert isinstance(outcome, Refusal) or "2024" in outcome.text


# -- words that must be kept, and several packages -------------------------------------------------------------------


async def kept(
    engine: ScriptedEngine,
    text: str,
    source: str,
    target: str,
    *terms: Term,
    names: tuple[str, ...] = (),
    also: str = "",
) -> Translation | Refusal:
    async with Lanes(engine) as lanes:
        pipeline = Pipeline(engine, lanes, PACKAGES)
        deadline = asyncio.get_running_loop().time() + 5
        placing = Terms(terms).into(target, names)
        return await pipeline.translate(text, source, target, deadline=deadline, placing=placing, also=also)


HOTPOT = Term("火锅", "hot pot", "en", "", "ann")


async def test_an_engine_that_copies_the_term_gets_the_whole_sentence() -> None:
    engine = answers({"我们去吃hot pot吧": "Let's go and eat hot pot"})
    assert text_of(await kept(engine, "我们去吃火锅吧", "zh", "en", HOTPOT)) == "Let's go and eat hot pot"


async def test_one_that_loses_or_doubles_it_never_sees_it() -> None:
    for bad in ("Let's go and eat", "Hot pot, hot pot!", "Let's go and eat hotpot"):
        engine = answers({"我们去吃hot pot吧": bad, "我们去吃": "We go to eat."})
        assert text_of(await kept(engine, "我们去吃火锅吧", "zh", "en", HOTPOT)) == "We go to eat hot pot"


async def test_where_the_parts_make_no_sense_the_whole_is_translated_and_put_right() -> None:
    words = {"我们去吃hot pot吧": "Let's go", "我们去吃": "(applause)", "我们去吃火锅吧": "Let's go and eat 火锅"}
    assert text_of(await kept(answers(words), "我们去吃火锅吧", "zh", "en", HOTPOT)) == "Let's go and eat hot pot"


async def test_what_is_lost_in_every_way_is_refused() -> None:
    words = {"我们去吃hot pot吧": "Let's go", "我们去吃": "hot pot", "我们去吃火锅吧": "Let's go"}
    refusal = await kept(answers(words), "我们去吃火锅吧", "zh", "en", HOTPOT)
    assert refusal == Refusal(Why.NAMES_LOST, "zh", "hot pot")


async def test_a_name_keeps_its_script_through_a_conversion() -> None:
    engine = answers({"I like 马国华 and tea.": "我喜欢马国华和茶叶。"})
    made = await kept(engine, "I like 马国华 and tea.", "en", "zh-Hant", names=("马国华",))
    assert text_of(made) == "我喜歡马国华和茶葉。"


async def test_only_what_is_foreign_is_translated() -> None:
    engine = answers(
        {
            "火锅": "Hotpot",
            "今天meeting好多": "Many meetings today",
            "你们太好笑了": "You are so funny",
            "lol 你们太好笑了": "",
        }
    )
    made = await kept(engine, "I really want 火锅 tonight!", "en", "en", also="zh")
    assert text_of(made) == "I really want Hotpot tonight!"
    assert text_of(await kept(engine, "lol 你们太好笑了", "zh", "en")) == "lol you are so funny"


async def test_words_the_reader_reads_anyway_are_kept_where_they_stand() -> None:
    engine = answers({"今天meeting好多": "There are so many today", "今天": "Today", "好多": "So many"})
    assert text_of(await kept(engine, "今天meeting好多", "zh", "en")) == "Today meeting so many"


async def test_a_clause_in_english_is_translated_for_who_reads_only_chinese() -> None:
    engine = answers({"I will never go there again": "我再也不去那里了"})
    made = await kept(engine, "他说 I will never go there again 真的", "zh", "zh", also="en")
    assert text_of(made) == "他说我再也不去那里了真的"


async def test_who_reads_the_line_gets_the_words_it_owes_and_slang_stays_for_its_explanation() -> None:
    engine = answers({"meeting": "会议", "cancel": "取消", "我今天的会议被取消了": "", "deadline": "期限"})
    made = await kept(engine, "我今天的 meeting 被 cancel 了", "zh", "zh", also="en")
    assert text_of(made) == "我今天的会议被取消了"
    made = await kept(engine, "lowkey不想看deadline", "zh", "zh", also="en")
    assert text_of(made) == "lowkey不想看期限"
    assert await kept(engine, "这个app有bug", "zh", "zh", also="en") == Refusal(Why.NOTHING_TO_TRANSLATE, "zh")


async def test_in_the_other_script_a_word_that_stays_foreign_costs_no_conversion() -> None:
    engine = answers({"meeting": "会议", "deadline": "(applause)"})
    assert text_of(await kept(engine, "这个meeting太长", "zh", "zh-Hant", also="en")) == "這個會議太長"
    assert text_of(await kept(engine, "这个deadline太赶", "zh", "zh-Hant", also="en")) == "這個 deadline太趕"


async def test_for_who_reads_another_language_a_word_stays_in_its_sentence() -> None:
    engine = answers({"今天meeting好多": "There are many meetings today"})
    made = await kept(engine, "今天meeting好多", "zh", "en", also="en")
    assert text_of(made) == "There are many meetings today"


async def test_through_a_third_language_and_labelled() -> None:
    engine = answers({"这里有一条狗": "Here is a dog", "Here is a dog": "Aquí hay un perro"})
    async with Lanes(engine) as lanes:
        pipeline = Pipeline(engine, lanes, (package("zh", "en"), package("en", "es", "2")))
        made = await pipeline.translate("这里有一条狗", "zh", "es", deadline=asyncio.get_running_loop().time() + 5)
    assert made == Translation("Aquí hay un perro", "zh", "scripted 1", "zh>en>es zh_en+en_es", "1+2", starter=False)


async def test_a_package_that_fails_is_left_out_for_the_next_best() -> None:
    class Broken(ScriptedEngine):
        async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
            self.fail = package.version == "2"
            return await super().translate(package, sentences, search)

    engine = Broken(lambda *_: "Here is a dog")
    async with Lanes(engine) as lanes:
        pipeline = Pipeline(engine, lanes, (package("zh", "en", "2"), package("zh", "en", "1")))
        made = await pipeline.translate("这里有一条狗", "zh", "en", deadline=asyncio.get_running_loop().time() + 5)
        assert isinstance(made, Translation)
        assert made.version == "1"
        assert pipeline.statistics()["texts_rerouted"] == 1


async def test_packages_that_change_under_way_cost_no_message() -> None:
    """Sentences wait for a package, and the operator replaces it: those already with the engine finish, those that
    find it gone take the new one."""

    class Reloaded(ScriptedEngine):
        def __init__(self) -> None:
            super().__init__(lambda package, _sentence, _search: f"Not a dog {package.version}", delay_s=0.01)
            self.there = {"1"}
            self.at_work = asyncio.Event()

        async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
            if len(self.batches) == 1:
                self.at_work.set()
            if package.version not in self.there:
                raise EngineFailed("its files are gone")
            return await super().translate(package, sentences, search)

    engine = Reloaded()
    async with Lanes(engine, items_max=4) as lanes:
        pipeline = Pipeline(engine, lanes, (package("zh", "en", "1"),))
        deadline = asyncio.get_running_loop().time() + 30
        asked = [
            asyncio.create_task(pipeline.translate(f"这里有一条狗{chr(0x4E00 + n)}", "zh", "en", deadline=deadline))
            for n in range(40)
        ]
        await engine.at_work.wait()
        engine.there = {"2"}
        pipeline.use((package("zh", "en", "2"),))
        made = await asyncio.gather(*asked)
    versions = [each.version for each in made if isinstance(each, Translation)]
    assert len(versions) == 40
    assert {"1", "2"} == set(versions)


async def test_a_variant_changes_with_everything_that_changes_the_words() -> None:
    engine = ScriptedEngine()
    async with Lanes(engine) as lanes:
        pipeline = Pipeline(engine, lanes, (package("zh", "en", "1"),))
        text = "我们去吃火锅吧"
        plain = pipeline.variant(text, "zh", "en")
        assert plain == pipeline.variant(text, "zh", "en", placing=Terms([Term("茶", "tea", "", "", "")]).into("en"))
        with_term = pipeline.variant(text, "zh", "en", placing=Terms([HOTPOT]).into("en"))
        named = pipeline.variant(text, "zh", "en", placing=Terms().into("en", ("火锅",)))
        pipeline.use((package("zh", "en", "2"),))
        newer = pipeline.variant(text, "zh", "en")
        assert len({plain, with_term, named, newer}) == 4


# -- what stands as it is: figures, words in a third script, codes --------------------------------------------------


async def starter_text(text: str, source: str, target: str) -> str:
    engine = CTranslateEngine(threads=1)
    try:
        async with Lanes(engine) as lanes:
            pipeline = Pipeline(engine, lanes, starter_packages())
            made = await pipeline.translate(text, source, target, deadline=asyncio.get_running_loop().time() + 30)
            return text_of(made)
    finally:
        await engine.close()


FIGURES = (
    ("电话是13800138000", "zh", "en", ("13800138000",)),
    ("It costs $19.99", "en", "zh", ("$19.99",)),
    ("价格是¥1,299.00", "zh", "en", (" ¥1,299.00",)),
    ("my number is +86 138-0013-8000", "en", "zh", ("+86 138-0013-8000",)),
    ("会议在2024年3月15日下午3:30", "zh", "en", ("2024-03-15 15:30",)),
    ("跑了10km用了50分钟", "zh", "en", ("10km", "50 min")),
    ("身高175cm体重65kg", "zh", "en", ("175cm", "65kg")),
    ("the score was 3-2", "en", "zh", ("3-2",)),
    ("wifi密码是12345678", "zh", "en", ("wifi", "12345678")),
    ("I'm 180cm tall", "en", "zh", ("180cm",)),
    ("about 1,500 people", "en", "zh", ("1,500人",)),
    ("IP 是192.168.1.1", "zh", "en", ("IP is 192.168.1.1",)),
    ("今天35°C太热了", "zh", "en", ("35°C",)),
    ("版本v1.2.3发布了", "zh", "en", ("v1.2.3",)),
    ("5G网络", "zh", "en", ("5G ",)),
    ("我叫Иван，你好", "zh", "en", ("Иван",)),
    ("my name is Иван and I am new", "en", "zh", ("Иван",)),
    ("Привет 大家好", "zh", "en", ("Привет",)),
    ("اهلا وسهلا 你好", "zh", "en", ("اهلا وسهلا",)),
    ("我喜欢 안녕하세요 这首歌", "zh", "en", ("안녕하세요",)),
    ("Ahmed (أحمد) is here", "en", "zh", ("أحمد",)),
    ("50Ω电阻", "zh", "en", ("50Ω",)),
    ("一共1.5万人", "zh", "en", ("15,000",)),
    ("20 million people live here", "en", "zh", ("2000万人",)),
    ("my wifi password is abc12345", "en", "zh", ("abc12345",)),
    ("section C3", "en", "zh", ("C3",)),
    ("what does yyds mean?", "en", "zh", ("yyds",)),
    ("meet at gate B12 in 10 min", "en", "zh", ("B12", "10分钟")),
)


@pytest.mark.parametrize(("text", "source", "target", "shown"), FIGURES, ids=[text for text, *_ in FIGURES])
async def test_figures_codes_and_a_third_script_come_through_the_starter(
    text: str, source: str, target: str, shown: tuple[str, ...]
) -> None:
    made = await starter_text(text, source, target)
    assert all(made.count(each) == 1 for each in shown), made


async def test_a_sentence_is_cut_around_its_figures_only_after_the_engine_lost_them_twice() -> None:
    engine = ScriptedEngine(
        lambda _package, sentence, _search: {"电话是123456": "The phone is", "电话是": "The phone is"}[sentence]
    )
    assert text_of(await translated(engine, "电话是123456", "zh", "en")) == "The phone is 123456"
    assert [sentence for batch in engine.batches for sentence in batch] == ["电话是123456", "电话是123456", "电话是"]


async def test_figures_that_the_engine_keeps_are_left_to_it() -> None:
    engine = answers({"我有50分钟": "I have fifty minutes"})
    assert text_of(await translated(engine, "我有50分钟", "zh", "en")) == "I have fifty minutes"


async def test_what_is_left_around_the_figures_is_not_cut_again() -> None:
    engine = ScriptedEngine(lambda _package, _sentence, _search: "那里有 九九九")
    outcome = await translated(engine, "the 2nd of 4 H₂O bottles", "en", "zh")
    assert isinstance(outcome, Refusal)
    assert outcome.why is Why.DOUBTFUL


@pytest.mark.parametrize(
    ("figure", "target", "shown"),
    [
        ("晚上12点", "en", "0:00"),
        ("中午12点", "en", "12:00"),
        ("中午1点", "en", "13:00"),
        ("下午3点半", "en", "15:30"),
        ("1.5万", "en", "15,000"),
        ("3.14万公里", "en", "31,400 km"),
        ("1-2万", "en", "1-2万"),
        ("20 million people", "zh", "2000万人"),
        ("$2 million", "zh", "$200万"),
        ("about 500 thousand yuan", "zh", "大约50万元"),
        ("3 thousand", "zh", "3000"),
        ("1.5万", "zh", "1.5万"),
        ("早上9:05", "en", "9:05"),
        ("2024年3月5日", "en", "2024-03-05"),
        ("50分钟", "fr", "50 min"),
        ("35摄氏度", "en", "35°C"),
        ("99元", "en", "99 CNY"),
        ("about 1,500 people", "zh", "大约1,500人"),
        ("$19.99", "zh", "$19.99"),
    ],
)
def test_a_figure_is_one_span_and_its_unit_is_the_readers(figure: str, target: str, shown: str) -> None:
    assert standing.figures(figure, target) == [figure]
    assert standing.shown(figure, target) == shown


def test_words_of_a_unit_are_left_to_the_engine_where_we_have_no_other() -> None:
    assert standing.figures("about 1,500 people", "fr") == ["1,500"]
    assert standing.figures("3块蛋糕", "en") == ["3"]
