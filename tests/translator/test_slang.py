"""Slang is found where somebody used it, and nowhere else."""

import time
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from translator.slang import Found, Register, Slang, Term, Where, find, fold, read
from translator.slang.__main__ import document

ROOT = Path(__file__).parents[2]


def terms(text: str, language: str | None = None, *mentions: str) -> list[str]:
    return [found.term.term for found in find(text, language, mentions)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("yyds", ["yyds"]),
        ("这首歌yyds！", ["yyds"]),
        ("YYDS", ["yyds"]),
        ("ｙｙｄｓ", ["yyds"]),
        ("u1s1，这家真不错", ["u1s1"]),
        ("永遠的神", ["yyds"]),
        ("绝绝子", ["绝绝子"]),
        ("我真的破防了", ["破防"]),
        ("破大防", ["破防"]),
        ("看完泪目，yyds", ["泪目", "yyds"]),
        ("太内卷了，我选择躺平", ["内卷", "躺平"]),
        ("太內卷了", ["内卷"]),
        ("来吃瓜", ["吃瓜"]),
        ("城市不错，city不city？", ["city不city"]),
        ("猫税来了", ["猫税"]),
        ("给你疯狂打Call", ["打call"]),
        ("今天有点emo", ["emo"]),
        ("芭比Q了", ["芭比Q了"]),
        ("栓Q", ["栓Q"]),
        ("栓q！", ["栓Q"]),
        ("6", ["6"]),
        ("6！！！", ["6"]),
        ("66666", ["666"]),
        ("主播666啊", ["666"]),
        ("23333333", ["2333"]),
        ("88", ["88"]),
        ("88啦", []),
        ("5201314", ["5201314"]),
        ("别cue我", ["cue"]),
        ("好上头啊", ["上头"]),
        ("no cap", ["no cap"]),
        ("that was so good no cap fr fr", ["no cap", "fr"]),
        ("lowkey想吃火锅", ["lowkey"]),
        ("这也太slay了吧", ["slay"]),
        ("slayyyyy", ["slay"]),
        ("She understood the assignment 💅", ["understood the assignment"]),
        ("it’s giving 90s", ["it's giving"]),
        ("bet, see you there", ["bet"]),
        ("W", ["w"]),
        ("huge W for us", ["w"]),
        ("L + ratio", ["ratio"]),
        ("spill the tea", ["spill the tea"]),
        ("tea?", ["tea"]),
        ("that movie was so mid", ["mid"]),
        ("mid.", ["mid"]),
        ("ngl i'd touch grass tbh", ["ngl", "touch grass", "tbh"]),
        ("lives in my head rent free", ["rent free"]),
        ("iykyk 👀", ["iykyk"]),
        ("here is my cat tax", ["cat tax"]),
        ("hello\n6\nok", ["6"]),
    ],
)
def test_slang_is_found(line: str, expected: list[str]) -> None:
    assert terms(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "class", "16", "16:66", "2666", "¥666", "¥ 666", "666 元", "666元", "price 6.66", "第6名", "6个人",
        "3, 6, 9 and 12", "slayer", "绝对没有", "better", "I bet you can", "alphabet", "a cup of tea please",
        "betting on it", "milk tea", "midnight", "mid-autumn festival", "in mid July", "Wang", "1314 Main Street",
        "room 520", "at 5:20", "the weather is good", "the goat is eating", "a baseball cap", "three caps",
        "based on a book", "we ate noodles", "she ate that cake", "susan", "suspicious", "from", "afraid",
        "main road", "he is giving a talk", "rent is free here", "ghost story", "the words", "real life",
        "the same", "extra rice", "I am sick today", "fire in the kitchen", "afternoon", "cue the music",
        "the flag of Brazil", "please mark it", "emotion", "question mark", "a strange Ohio winter", "吃西瓜吗",
        "我上头条了", "你排在我上头那个位置", "米饭凉了快吃", "腿麻了站不起来", "快递寄了吗", "皮肤湿润了",
        "他服了药", "真牛皮的包", "蜗牛啊", "大大的眼睛", "大瓜子", "我靠窗坐", "我去北京", "马克来了",
        "我买了韭菜", "这个沙发多少钱", "楼上有人吗", "喝绿茶吗", "他在开车", "@slay 你好", "@yyds",
        "https://slay.com/yyds", "mail yyds@example.com", "`no cap`", "w-2 form", "l'amour", "AT&L",
    ],
)  # fmt: skip
def test_ordinary_words_stay_ordinary(line: str) -> None:
    assert terms(line) == []


def test_a_mention_with_spaces_is_a_name() -> None:
    assert terms("@Big Slay hello", None, "@Big Slay") == []
    assert terms("@Big Slay hello slay", None, "@Big Slay") == ["slay"]


def test_positions_are_those_of_the_text() -> None:
    text = "İ ＹＹＤＳ和no  cap、no cap"
    assert [text[found.start : found.end] for found in find(text)] == ["ＹＹＤＳ", "no cap"]


def test_the_longest_wins_and_nothing_overlaps() -> None:
    assert terms("5201314") == ["5201314"]
    assert terms("L + ratio") == ["ratio"]
    assert terms("no cap, that's cap") == ["no cap", "cap"]


def test_one_language_may_be_asked_for() -> None:
    line = "lowkey破防了"
    assert terms(line, "zh") == ["破防"]
    assert terms(line, "en") == ["lowkey"]


def test_each_reader_is_told_in_a_language_they_read() -> None:
    (found,) = find("yyds")
    assert found == Found(found.term, 0, 4)
    assert "GOAT" in found.term.meaning("en")
    assert "GOAT" in found.term.meaning("fr")
    assert "永远的神" in found.term.meaning("zh-Hant")


def test_a_room_adds_its_own_words_and_silences_ours() -> None:
    own = Term("打南", "zh", "our name for the south stand", "南看台的叫法", variants=("打南边",))
    silenced = Term("slay", "en", "", "")
    other = Term("YYDS", "zh", "our band", "我们的乐队")
    room = (own, silenced, other)
    assert [found.term for found in find("打南边见，slay，yyds", room=room)] == [own, other]
    assert terms("打南边见") == []
    assert find("slaying 永远的神", room=room) == ()
    assert Slang.builtin().including(room).terms[-1] == other


def test_the_table_is_large_and_of_both_languages() -> None:
    languages = [term.language for term in Slang.builtin().terms]
    assert len(languages) >= 320
    assert min(languages.count("zh"), languages.count("en")) >= 150


def test_no_spelling_stands_for_two_terms() -> None:
    seen: dict[str, str] = {}
    for term in Slang.builtin().terms:
        for spelling in (term.term, *term.variants):
            assert seen.setdefault(fold(spelling), term.term) == term.term, spelling


def test_every_term_is_found_by_each_of_its_spellings() -> None:
    for term in Slang.builtin().terms:
        for spelling in (term.term, *term.variants):
            line = f"中文 {spelling}" if term.where is Where.CHINESE else spelling
            assert term in [found.term for found in find(line)], spelling


def test_explanations_are_short_and_in_their_language() -> None:
    for term in Slang.builtin().terms:
        assert 2 <= len(term.meaning_en) <= 110, term
        assert 1 <= len(term.meaning_zh) <= 45, term
        assert not regex.search(r"\p{Han}", term.meaning_en), term
        assert regex.search(r"\p{Han}", term.meaning_zh), term


def test_a_row_that_cannot_be_used_is_named() -> None:
    good = "slay\ten\t\tanywhere\tplain\tgreat\t太棒了"
    assert read(["# comment", "", good]) == (Term("slay", "en", "great", "太棒了", (), Where.ANYWHERE, Register.PLAIN),)
    for bad in (
        "slay",
        good.replace("\ten\t", "\tfr\t"),
        good.replace("anywhere", "nowhere"),
        good.replace("great", ""),
    ):
        with pytest.raises(ValueError, match="row 2: "):
            read([good, bad])


def test_a_line_costs_microseconds() -> None:
    lines = [
        "今天演唱会yyds，我真的破防了，谁懂啊",
        "ngl that concert was so good no cap",
        "我们后天见",
        "hello everyone",
    ] * 50
    find("warm up")
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        for line in lines:
            find(line)
        spent.append((time.perf_counter() - started) / len(lines))
    assert min(spent) < 100e-6, f"{min(spent) * 1e6:.0f} us a line"


@given(st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    last = 0
    for found in find(text):
        assert last <= found.start < found.end <= len(text)
        last = found.end
    assert len(fold(text)) == len(text)


def test_the_document_is_the_table() -> None:
    assert (ROOT / "docs" / "slang.md").read_text("utf-8") == document(), "python -m translator.slang > docs/slang.md"
