"""The room's words in a text: found, placed, counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.ports import Term
from translator.terms import Kept, Terms, count, part, repaired


def term(source: str, target: str | None = None, language: str = "") -> Term:
    return Term(source, target, language, "", "ann")


def placed(text: str, *terms: Term, target: str = "en", names: tuple[str, ...] = ()) -> str:
    return Terms(terms).into(target, names).place(text).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我们去吃火锅吧", "我们去吃hot pot吧"),
        ("我們去吃火鍋吧", "我們去吃hot pot吧"),
        ("老火锅店", "old hot pot house"),
        ("火锅和火锅", "hot pot和hot pot"),
        ("Party tonight, PARTY!", "派对 tonight, 派对!"),
        ("the partying party-goer", "the partying 派对-goer"),
        ("go to WeChat", "go to 微信"),
        ("we chat, wechat", "we chat, wechat"),
        ("去party吧", "去派对吧"),
    ],
)
def test_the_longest_match_wins_letters_have_word_boundaries_and_capitals_count_where_the_term_has_them(
    text: str, expected: str
) -> None:
    terms = (
        term("火锅", "hot pot"),
        term("老火锅店", "old hot pot house"),
        term("party", "派对"),
        term("WeChat", "微信"),
    )
    assert placed(text, *terms) == expected


def test_a_term_for_exactly_this_language_wins_and_one_for_the_other_script_is_converted() -> None:
    terms = (term("hotpot", "hot pot"), term("hotpot", "火锅", "zh"), term("tea", "茶叶", "zh"))
    assert placed("hotpot tea", *terms, target="zh") == "火锅 茶叶"
    assert placed("hotpot tea", *terms, target="zh-Hant") == "火鍋 茶葉"
    assert placed("hotpot tea", *terms, target="es") == "hot pot tea"


def test_a_term_without_target_and_a_name_stay_as_they_are_written() -> None:
    found = Terms((term("小红书"),)).into("en", ("小明", "Brecken")).place("小明在小红书上看到Brecken")
    assert found.text == "小明在小红书上看到Brecken"
    assert [each.source for each in found.kept] == ["小明", "小红书", "Brecken"]


@pytest.mark.parametrize("name", ["Will", "好", "I", "A", "7"])
def test_a_name_that_is_an_ordinary_word_is_left_to_the_engine(name: str) -> None:
    assert Terms().into("zh", (name,)).place(f"{name} you come? 好 7").kept == ()


def test_what_is_put_right_afterwards() -> None:
    kept = (Kept("火锅", "hot pot"),)
    assert repaired("Let's eat 火锅", kept) == "Let's eat hot pot"
    assert repaired("Let's eat Hot pot", kept) == "Let's eat Hot pot"


@given(st.text(alphabet="ab 火锅hot pot吃。,A", max_size=40), st.lists(st.sampled_from(["火锅", "hot pot", "a b"])))
def test_cut_around_its_terms_a_text_is_still_the_text(text: str, forms: list[str]) -> None:
    parts = part(text, forms)
    assert "".join(each for each, _ in parts) == text
    assert sum(is_kept for _, is_kept in parts) == count(text, forms).total()


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=5), max_size=4), st.text(min_size=1, max_size=4))
def test_any_text_with_any_terms_is_placed_and_counted(text: str, sources: list[str], form: str) -> None:
    found = Terms(tuple(term(source, form) for source in sources)).into("en").place(text)
    assert (found.text == text) or found.kept
    count(found.text, [each.form for each in found.kept])
