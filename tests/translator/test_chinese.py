"""Simplified and Traditional: which one, and one from the other, without an engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.chinese import convert, form_of, to_simplified, to_traditional


def test_phrases_decide_where_one_character_has_two_forms() -> None:
    assert to_traditional("我们后天见，皇后也来") == "我們後天見，皇后也來"
    assert to_simplified("我們後天見面") == "我们后天见面"
    assert to_traditional("很好吃") == "很好吃"


@pytest.mark.parametrize(
    ("text", "form"),
    [("我们", "zh"), ("我們", "zh-Hant"), ("你好", None), ("hello", None), ("為什麼", "zh-Hant"), ("里面没有人", "zh")],
)
def test_the_form_of_a_text(text: str, form: str | None) -> None:
    assert form_of(text) == form


@given(st.text("我们我們后後里裡为為什么麼吃台臺abc，。 ", max_size=30))
def test_converting_twice_changes_nothing_more(text: str) -> None:
    assert to_simplified(to_simplified(text)) == to_simplified(text)


def test_there_are_two_scripts() -> None:
    assert convert("汉语", "zh-Hant") == "漢語"
    with pytest.raises(ValueError, match="no Chinese script"):
        convert("汉语", "en")
