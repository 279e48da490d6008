"""The language of a line of chat, and whether there is anything in it to translate."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.timing import processor_s
from translator import detect as detection
from translator.chinese import is_japanese_only
from translator.detect import Detection, Reason, detect

CHINESE_ENGLISH = ("zh", "en")
SIX_LANGUAGES = ("zh", "en", "es", "fr", "de", "vi")
LINE_S_MAX = 0.05
"""Processor time for a line as long as messages may be."""


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("你好", "zh"),
        ("我们后天见", "zh"),
        ("我們後天見", "zh-Hant"),
        ("OK的", "zh"),
        ("3点", "zh"),
        ("hello", "en"),
        ("hi", "en"),
        ("thx", "en"),
        ("see u", "en"),
        ("안녕하세요", "ko"),
        ("こんにちは", "ja"),
        ("カラオケ行きたい", "ja"),
        ("привет", "ru"),
        ("bonjour tout le monde", "fr"),
        ("hola que tal amigos", "es"),
        ("hola", "es"),
        ("buenas tardes a todos", "es"),
        ("¿cuánto cuesta?", "es"),
        ("Je suis là", "fr"),
        ("merci", "fr"),
        ("ich liebe dich", "de"),
        ("obrigada", "pt"),
        ("buonasera a tutti", "it"),
        ("дякую", "uk"),
        ("Де ви? Я тут, у Києві", "uk"),
        ("Где ты?", "ru"),
        ("очень вкусно", "ru"),
        ("駅で会おう", "ja"),
        ("佢哋喺度", "zh-Hant"),
        ("衣服晒干了", "zh"),
        ("唔，好吧", "zh"),
        ("选A", "zh"),
        ("好cute", "zh"),
    ],
)
def test_a_chinese_english_room_knows_its_own_languages_and_names_guests(line: str, language: str) -> None:
    found = detect(line, CHINESE_ENGLISH)
    assert (found.language, found.needs_translation) == (language, True)


@pytest.mark.parametrize(
    "line",
    [
        "666", "2333", "3.5", "12:30", "???", "……", "😀😀", "👩‍👩‍👧", "(≧▽≦)",
        "https://example.com/你好", "@Brecken", "@Brecken 👍", "bob@example.com", "`print(1)`", ":joy:", "   ",
    ],
)  # fmt: skip
def test_lines_without_a_word_need_no_translation(line: str) -> None:
    if "你好" in line:  # the Chinese after a path is not a part of the address
        assert detect(line, CHINESE_ENGLISH).language == "zh"
        return
    assert detect(line, CHINESE_ENGLISH) == Detection(None, False, Reason.NO_WORDS)


@pytest.mark.parametrize(
    "line",
    [
        "哈哈哈",
        "哈哈哈哈！！",
        "lol",
        "LOL",
        "hhhh",
        "hahaha",
        "ok",
        "OK 👌",
        "gg wp",
        "哈哈 lol",
        "ㅋㅋㅋ",
        "www",
        "yyds",
    ],
)
def test_laughter_and_the_like_is_understood_as_it_is(line: str) -> None:
    found = detect(line, CHINESE_ENGLISH)
    assert (found.needs_translation, found.reason) == (False, Reason.EXCLAMATION)


@pytest.mark.parametrize(
    "line",
    [
        "HAHAHAHHA", "hahahahahahhahaha", "hhaha", "ahhahaha", "heheh", "jajajaj", "jejeje", "wkwkwk", "muahaha",
        "mwahaha", "bwahaha", "hiahia", "huehue", "teehee", "kek", "LUL", "lolz", "嗚嗚嗚", "哈", "哈！", "哈-哈-哈",
        "蛤蛤蛤", "桀桀桀", "鹅鹅鹅", "库库库", "lol lmao 哈",
    ],
)  # fmt: skip
def test_laughter_is_known_however_it_was_typed(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).reason is Reason.EXCLAMATION


@pytest.mark.parametrize(
    "line",
    ["Ha Long Bay", "鹅", "蛤", "库", "哈士奇", "鹅鹅鹅，曲项向天歌", "hii", "heyyy", "hehe he is here", "hia", "hue",
     "jab", "lull", "he", "hoe", "keke is my dog", "haha no", "嘿", "behead", "jeez"],
)  # fmt: skip
def test_words_that_look_like_laughter_are_words(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).needs_translation


@pytest.mark.parametrize(
    "line",
    [
        "ni hao",
        "nihao",
        "wo xihuan ni",
        "ni chi le ma",
        "nǐ hǎo",
        "xie xie",
        "women hen hao",
        "jintian tianqi zenme yang",
        "jia you",
        "Jia you!",
        "duo shao qian",
        "shen me gui",
        "buhaoyisi",
        "I bu zhi dao",
        "beijing",
    ],
)
def test_pinyin_is_chinese_that_no_package_reads(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH) == Detection("zh", False, Reason.PINYIN)


@pytest.mark.parametrize(
    "line",
    [
        "nice game dude", "you can run", "we are here", "long time no see", "he is here", "women", "fine", "mine",
        "China", "banana", "no", "me too", "naive", "let's go", "can he come",
    ],
)  # fmt: skip
def test_english_that_could_be_cut_into_pinyin_stays_english(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).language == "en"


@pytest.mark.parametrize("line", ["wǒ shì Emily", "wo jiao Emily", "Wo jiao Brecken"])
def test_pinyin_may_name_somebody(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).reason is Reason.PINYIN


@pytest.mark.parametrize(
    "line",
    ["café time", "naïve", "I love Beyoncé", "UN", "la la la land", "son", "come on man", "gut feeling",
     "god damn", "no problem", "die hard fan", "pour me one", "amigo", "he can Emily", "my todo list",
     "dank meme", "as per my mail", "Qian Sanqiang", "I love Beijing", "duo", "you too", "jail you"],
)  # fmt: skip
def test_english_is_taken_for_no_guest(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).language == "en"


@pytest.mark.parametrize(
    "line",
    ["bdjw", "tql tql", "dbq 😭", "hhh xswl", "OKOK", "ｇｇ", "zzzz", "ahahaha", "хаха", "W", "720p", "3km", "9:15 am",
     "B12", "50k", "100 kg", "#旅行", "#a #b", "(ﾉ◕ヮ◕)ﾉ", "ʕ•ᴥ•ʔ", "@_@", "m(_ _)m", "(＾▽＾)/", "OwO"],
)  # fmt: skip
def test_noises_initials_measures_faces_are_left_alone(line: str) -> None:
    assert not detect(line, CHINESE_ENGLISH).needs_translation


@pytest.mark.parametrize("line", ["bet", "ngl", "嗯", "5个", "I see", "k bye", "see C3"])
def test_what_means_something_is_owed(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).needs_translation


def test_what_packages_can_read_makes_no_line_of_the_room_less_certain() -> None:
    """A room of Chinese and English on a machine with a German package read "im hungry" as German."""
    readable = ("de", "es", "fr", "en")
    for line in ("fr", "bestie", "encore", "no audio"):
        assert detect(line, CHINESE_ENGLISH, readable=readable).language == "en"
    assert detect("guten Morgen", CHINESE_ENGLISH, readable=readable).language == "de"
    assert detect("good morning", ("zh",), readable=readable).language == "en"


def test_abbreviations_are_english_beside_other_languages() -> None:
    for line in ("fr fr", "ty all", "sus"):
        assert detect(line, SIX_LANGUAGES).language == "en"


@pytest.mark.parametrize("line", ["Beijing", "Shanghai!", "BEIJING"])
def test_a_place_that_english_knows_too_is_a_name(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH) == Detection(None, False, Reason.NO_WORDS)


@pytest.mark.parametrize("line", ["元気", "駅", "元気？", "駅前"])
def test_a_word_of_characters_that_only_japan_writes_is_japanese(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH) == Detection("ja", True, Reason.SCRIPT)


def test_no_word_of_them_is_also_chinese() -> None:
    assert [word for word in detection._JAPANESE_WORDS if not is_japanese_only(word)] == []


@pytest.mark.parametrize("line", ["我叫元気", "米津玄師和滝沢秀明好帅", "桜花真漂亮", "宮崎駿", "剣心的剣", "桜"])
def test_japanese_characters_make_no_chinese_line_japanese(line: str) -> None:
    assert detect(line, CHINESE_ENGLISH).language in ("zh", "zh-Hant")


def test_pinyin_needs_a_chinese_room() -> None:
    assert detect("ni hao", ("en", "es")).reason is not Reason.PINYIN


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("今天 meeting cancel 了", "zh"),
        ("这个 feature 很 cool", "zh"),
        ("I love 北京烤鸭 so much", "en"),
        ("What does 我爱你 mean?", "en"),
        ("请问 how are you 怎么翻译", "zh"),
        ("去 Starbucks 买 latte", "zh"),
        ("看 Netflix", "zh"),
        ("let me 吃 first", "en"),
        ("吃 means eat", "en"),
        ("visit 长城 tomorrow", "en"),
    ],
)
def test_a_mixed_line_belongs_to_the_language_of_its_grammar(line: str, language: str) -> None:
    assert detect(line, CHINESE_ENGLISH).language == language


@pytest.mark.parametrize(
    ("line", "language"),
    [("te quiero mucho", "es"), ("danke", "de"), ("je t'aime", "fr"), ("como te llamas", "es"), ("thank you", "en")],
)
def test_statistics_choose_among_the_languages_of_the_room(line: str, language: str) -> None:
    assert detect(line, SIX_LANGUAGES) == Detection(language, True, Reason.STATISTICS)


def test_characters_that_both_scripts_share_follow_the_room() -> None:
    assert detect("你好", ("zh-Hant", "en")).language == "zh-Hant"
    assert detect("你好", ("en", "zh")).language == "zh"


def test_names_of_members_say_nothing_about_the_language() -> None:
    assert detect("@白睿康 good morning", CHINESE_ENGLISH, ["@白睿康"]).language == "en"
    assert detect("@Emily Johnson", CHINESE_ENGLISH, ["@Emily Johnson"]).reason is Reason.NO_WORDS


@pytest.mark.parametrize(
    "line",
    [
        "uai" * 12 + "k", "uai" * 1_333 + "k", "iao" * 12 + "t", "iao" * 1_333 + "t", "yea" + "ia" * 14 + "h",
        "Uai" + "uai" * 12 + "... and hello", "ai'" * 1_333 + "k", "a" * 4_000, "ha" * 2_000 + "k", "哈" * 4_000 + "k",
        "a. " * 1_333, "(" * 4_000, "哈" * 4_000, "1," * 2_000, "1," * 1_999 + "ok", "好" + " " * 3_998 + "a",
        "中a" * 2_000,
        "a" + "- " * 2_000 + "中", "叫" + ":" * 3_998 + "a", "no. " * 1_000 + "中",
    ],
    ids=lambda line: f"{line[:8]} {len(line)}",
)  # fmt: skip
def test_no_line_keeps_a_reader_waiting(line: str) -> None:
    """A syllable that can be cut in two ways must not double the work with each repetition: forty letters were enough
    to stop a translator for good."""
    detect("hello", CHINESE_ENGLISH)
    detect("你好", CHINESE_ENGLISH)
    assert processor_s(lambda: detect(line, CHINESE_ENGLISH)) < LINE_S_MAX


@given(st.text(max_size=80), st.sampled_from([(), CHINESE_ENGLISH, SIX_LANGUAGES, ("ja", "zh-Hant"), ("xx",)]))
def test_any_text_gets_an_answer_and_always_the_same(text: str, candidates: tuple[str, ...]) -> None:
    found = detect(text, candidates)
    assert found == detect(text, candidates)
    assert found.language is not None or not found.needs_translation or found.reason is Reason.UNKNOWN


def test_two_threads_may_ask_first() -> None:
    answers: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: answers.append(detect("good morning", ("en", "it")).language)) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["en", "en"]
