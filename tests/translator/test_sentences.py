"""Cutting a line into sentences: lossless, bounded, and right about abbreviations and closing quotes."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.support.timing import processor_s
from translator import sentences
from translator.sentences import LENGTH_MAX, split


@pytest.mark.parametrize(
    "pieces",
    [
        ["Dr. Smith is here. ", "He left! ", "What?? ", "OK."],
        ['He said "I know." ', "Then he left."],
        ["他说：“我知道。”", "然后走了。", "好吗？！", "好……", "走吧"],
        ["Version 3.5 is out. ", "It costs $1.50!"],
        ["See you at 5 p.m. ", "Bring tea."],
        ["Meet me at 5 p.m. tomorrow."],
        ["J. K. Rowling wrote it. ", "I read it."],
        ["The U.S. team won. ", "Great!"],
        ["I like tea, e.g. green tea."],
        ["Well... maybe. ", "No."],
        ["你好！", "你好吗？", "我很好。"],
        ["one\n", "two\n", "three"],
        ["no end mark"],
        ["真的吗～", "太好了"],
        ["今天好累 ", "不想上班 ", "想睡觉"],
        ["哈哈哈", "太好笑了"],
        ["哈哈哈，", "好的"],
        ["哈哈哈哈 ", "太好笑了"],
        ["哈哈哈！", "真的吗"],
        ["呵呵...", "随便你"],
        ["哈哈哈 ", "so funny"],
        ["她说“哈哈哈”就走了"],
        ["我和 Bob 都来"],
    ],
)
def test_sentences_end_where_people_end_them(pieces: list[str]) -> None:
    assert split("".join(pieces)) == pieces


@given(st.text(max_size=200) | st.text("ab .。！?”’)\nDr,，", max_size=600))
def test_nothing_is_lost_and_nothing_is_too_long(text: str) -> None:
    pieces = split(text)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= LENGTH_MAX for piece in pieces)


def test_a_line_without_marks_is_cut_at_a_clause() -> None:
    pieces = split("好的，" * 200)
    assert all(piece.endswith("，") for piece in pieces)
    assert all(len(piece) <= LENGTH_MAX for piece in split("a" * 4000))


@given(
    st.lists(
        st.sampled_from([*"我，。？.… aI’~\n\u3000", "今天", "哈哈", "Mr.", "p.m.", "the"]),
        max_size=9,
    ).map("".join)
)
def test_one_everyday_sentence_is_recognised_only_where_nothing_would_be_cut(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sentences, "_ONE", regex.compile("(?!)"))
        cut = split(text)
    assert split(text) == cut


@pytest.mark.parametrize(
    "line", ["~" * 4_000 + "k", "." * 4_000 + "k", "A. " * 1_333, "a. " * 1_333, "哈" * 4_000, "哈，" * 2_000]
)
def test_the_cut_is_found_in_one_pass(line: str) -> None:
    assert processor_s(lambda: split(line)) < 0.05
