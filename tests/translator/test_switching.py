"""What a reader of a line's own language is owed of the words in another one."""

import pytest

from tests.support.timing import processor_s
from translator.detect import detect
from translator.switching import spans

ROOM = ("zh", "en")


@pytest.mark.parametrize(
    ("line", "owed"),
    [
        ("我今天的 meeting 被 cancel 了", ("meeting", "cancel")),
        ("Sorry我来晚了", ("Sorry",)),
        ("SORRY我来晚了", ("SORRY",)),
        ("OK sorry我来晚了", ("sorry",)),
        ("我觉得你们这样对他真的 that's not fair", ("that's not fair",)),
        ("这个周末去hiking，有人join吗", ("hiking", "join")),
        ("今晚有party，记得带snacks", ("party", "snacks")),
        ("老师说homework明天交", ("homework",)),
        ("他的English比我好", ("English",)),
        ("你的presentation太棒了！", ("presentation",)),
        ("这么good吗", ("good",)),
        ("去 Starbucks 买 latte", ("latte",)),
        ("My phone is 没电 now", ("没电",)),
        ("he said 今天不来 lol", ("今天不来",)),
        ("can we get 奶茶 after the 演唱会?", ("奶茶", "演唱会")),
    ],
)
def test_words_in_use_are_owed(line: str, owed: tuple[str, ...]) -> None:
    assert detect(line, ROOM).foreign == owed


@pytest.mark.parametrize(
    "line",
    [
        "OK我知道了",
        "这个app有bug",
        "WiFi密码多少",
        "今天拍了个vlog",
        "我emo了",
        "我磕的CP又发糖了",
        "PPT做完了",
        "我用iPhone拍的",
        "在Google搜一下",
        "周杰伦的MV太好看了",
        "Brecken唱得真好",
        "我和Emily一起去的",
        "他就是yyds",
        "笑死hhhh",
        "我住A栋，门口见",
        "slay是什么意思？",
        "slay啥意思",
        "“ghosting”是什么意思",
        "请问how are you怎么翻译",
        "deadline怎么读",
        "我叫brecken",
        "加我微信abc",
        "what is 内卷",
        "what does 加油 mean?",
        "my name is 白睿康",
        "call me 小白 pls",
        "i can say 你好 and 谢谢",
    ],
)
def test_words_chinese_has_taken_over_names_and_words_talked_about_are_not(line: str) -> None:
    found = detect(line, ROOM)
    assert (found.foreign, found.unexplained) == ((), False)


def test_slang_is_owed_an_explanation_and_no_engine() -> None:
    assert detect("lowkey想吃火锅", ROOM).foreign == ("lowkey",)
    assert not detect("lowkey想吃火锅", ROOM).unexplained
    assert detect("lowkey想cancel", ROOM).unexplained


def test_single_words_are_owed_nobody_where_no_language_in_latin_letters_is_read() -> None:
    assert detect("今天meeting好多", ("zh",)).foreign == ()
    assert detect("今天meeting好多", ("zh", "ja")).also == ""


def test_a_word_of_another_language_of_the_room_is_named_for_it() -> None:
    assert detect("gracias大家的祝福", ("zh", "es", "en")).also == "es"
    assert detect("今天meeting好多", ("zh", "es", "en")).also == "en"


def test_languages_of_one_script_are_not_told_apart_by_spans() -> None:
    assert spans("I love my abuela", "en", "es") == ()
    assert spans("我们後天見", "zh", "zh-Hant") == ()


@pytest.mark.parametrize("line", ["中 a ", "叫 slay ", "a\n \n", "叫 slay" + " " * 40])
def test_spans_are_found_in_one_pass(line: str) -> None:
    text = "中" + line * (4_000 // len(line)) + "x"
    spans("中 warm", "zh", "en")
    assert processor_s(lambda: spans(text, "zh", "en")) < 0.05


def test_long_spaces_behind_a_word_are_read_once() -> None:
    text = "中 slay" + " " * 16_000 + "x"
    assert processor_s(lambda: spans(text, "zh", "en")) < 0.05
