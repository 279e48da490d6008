"""Marks as the reader's language writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.timing import processor_s
from translator.phrases import Phrases
from translator.punctuation import dress, dress_glue, ends_sentence, full_width, half_width, without_stop


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("你好!", "你好！"),
        ("你好,世界.", "你好，世界。"),
        ("你好, 世界", "你好，世界"),
        ("你好吗?", "你好吗？"),
        ("真的?!", "真的？！"),
        ("他说: 好", "他说：好"),
        ("我(真的)喜欢", "我（真的）喜欢"),
        ("好...", "好……"),
        ('他说"好"', "他说“好”"),
        ("我喜欢 Python!", "我喜欢 Python！"),
        ("我叫Bob.", "我叫Bob。"),
        ("圆周率是3.14.", "圆周率是3.14。"),
        ("12:30见", "12:30见"),
        ("有1,000人", "有1,000人"),
        ("版本v1.2很好", "版本v1.2很好"),
        ("看https://a.com/b?c=1", "看https://a.com/b?c=1"),
        ("Hello, world!", "Hello, world!"),
        ("你好！", "你好！"),
    ],
)
def test_chinese_carries_full_width_marks(written: str, expected: str) -> None:
    assert full_width(written) == expected
    assert full_width(expected) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Hello，world！", "Hello, world!"),
        ("I know。", "I know."),
        ("“Yes”", '"Yes"'),
        ("Well……", "Well......"),
        ("A（B）C", "A (B) C"),
        ("plain, text.", "plain, text."),
    ],
)
def test_english_carries_half_width_marks(written: str, expected: str) -> None:
    assert half_width(written) == expected


@given(st.text(max_size=60), st.sampled_from(["zh", "zh-Hant", "ja", "en", "es"]))
def test_letters_and_digits_are_never_touched(text: str, language: str) -> None:
    def spoken(line: str) -> str:
        return "".join(character for character in line if character.isalnum())

    assert spoken(dress(text, language)) == spoken(text)
    assert spoken(dress_glue(text, language)) == spoken(text)


def test_a_stop_that_the_source_did_not_have_can_be_taken_away() -> None:
    assert without_stop("我喜欢。") == "我喜欢"
    assert without_stop("Really?") == "Really?"
    assert without_stop("Well...") == "Well..."
    assert ends_sentence("好。”")
    assert not ends_sentence("好")


@pytest.mark.parametrize("marks", ["~" * 4000, "!" * 4000, "。" * 4000, "… " * 2000, " " * 4000])
def test_a_long_run_of_marks_is_read_once(marks: str) -> None:
    """From each of its marks to its end, as before, it took a third of a second."""
    phrases = Phrases({("zh", "en", "你好"): "Hello"})
    assert not ends_sentence(f"{marks}好")
    assert phrases.get(f"{marks}好", "zh", "en") is None
    assert processor_s(lambda: ends_sentence(f"{marks}好")) < 0.05
    assert processor_s(lambda: phrases.get(f"{marks}好", "zh", "en")) < 0.05
