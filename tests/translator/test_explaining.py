"""Slang explained beside the text, to those who do not read its language."""

from chat.ports import Term
from translator.explaining import TERMS_MAX, explanations, noted

READERS = (("zh",), ("en",), ("zh", "en"), ("es", "en"))


def told(text: str, *room: Term) -> dict[str, list[tuple[str, str]]]:
    return {
        one.language: [(term.term, term.meaning) for term in one.terms]
        for one in explanations(text, READERS, room=noted(room))
    }


def test_chinese_slang_is_explained_to_those_who_read_no_chinese_and_english_slang_to_those_who_read_no_english() -> (
    None
):
    assert set(told("这首歌yyds")) == {"en", "es"}
    assert set(told("no cap, this slaps")) == {"zh"}


def test_an_explanation_says_where_its_term_stands() -> None:
    text = "真的yyds！"
    (english, *_) = explanations(text, READERS)
    (term,) = english.terms
    assert text[term.start : term.end] == term.term == "yyds"


def test_ordinary_words_are_left_in_peace() -> None:
    assert told("今天天气很好，我们去公园吧。") == {}
    assert told("See you in class at 16:00.") == {}


def test_a_room_explains_its_own_terms_by_their_notes() -> None:
    banyan = Term("榕树下", None, "", "the name of this room's café", "host")
    assert told("榕树下见", banyan)["en"] == [("榕树下", "the name of this room's café")]


def test_a_room_term_without_a_note_is_not_slang() -> None:
    assert told("榕树下见", Term("榕树下", "Banyan", "en", "", "host")) == {}


def test_nobody_is_drowned_in_explanations() -> None:
    room = [Term(f"词{number}号", None, "", "note", "host") for number in range(20)]
    found = told("".join(term.source for term in room), *room)
    assert len(found["en"]) == TERMS_MAX
