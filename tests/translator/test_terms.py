"""The room's words in a text: found, placed, counted."""

import time
from collections import Counter

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


NEIGHBOURS = (
    term("地球村", "Diqiucun"),
    term("火锅", "hot pot"),
    term("学习", "learning"),
    term("机器学习", "machine learning"),
    term("小红", "Xiaohong"),
    term("小明", "Xiaoming"),
    term("五代", "5G"),
    term("加加", "C++"),
    term("Discord"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我用地球村app聊天", "我用Diqiucun app聊天"),
        ("用app地球村", "用app Diqiucun"),
        ("我喜欢地球村火锅节", "我喜欢Diqiucun hot pot节"),
        ("地球村2024年成立", "Diqiucun 2024年成立"),
        ("地球村地球村我爱你", "Diqiucun Diqiucun我爱你"),
        ("我在学习机器学习", "我在learning machine learning"),
        ("小红小明你们来吗", "Xiaohong Xiaoming你们来吗"),
        ("加入地球村Discord群吧", "加入Diqiucun Discord群吧"),
        ("_火锅_", "_ hot pot _"),
        ("用加加吧", "用C++吧"),
        ("6五代", "6 5G"),
    ],
)
def test_a_form_does_not_grow_together_with_what_is_beside_it(text: str, expected: str) -> None:
    assert placed(text, *NEIGHBOURS) == expected


PIECES = (
    "地球村",
    "火锅",
    "学习",
    "机器",
    "机器学习",
    "小红",
    "五代",
    "加加",
    "Discord",
    "app",
    "é",
    "7",
    "_",
    "我",
    "，",
    " ",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_every_occurrence_that_was_placed_can_be_counted(text: str) -> None:
    found = Terms(NEIGHBOURS).into("en", ("app",)).place(text)
    forms = [each.form for each in found.kept]
    assert count(found.text, forms) == Counter(form.casefold() for form in forms)
    back = found.text
    for each in found.kept:
        back = back.replace(each.form, each.source, 1)
    assert back.replace(" ", "") == text.replace(" ", "")


def test_terms_are_found_across_any_white_space_and_where_case_changes_the_length() -> None:
    terms = (term("hot  pot", "火锅"), term("We Chat", "微信"), term("straße", "街"))
    assert (
        placed("ẞİ Hot\tpot  and We  Chat, we chat, STRASSE Straße", *terms) == "ẞİ 火锅  and 微信, we chat, STRASSE 街"
    )


def test_a_full_glossary_is_in_force_without_a_pause() -> None:
    terms = [term(f"术语{place}", f"term {place}") for place in range(1_000)]
    terms += [term(f"word{place}x", f"词{place}") for place in range(1_000)]
    took_s = []
    for _ in range(3):
        began = time.perf_counter()
        assert Terms(terms).into("en").place("术语7和word8X").text == "term 7和词8"
        took_s.append(time.perf_counter() - began)
    assert min(took_s) < 0.1


@pytest.mark.parametrize("name", ["Will", "好", "I", "A", "7"])
def test_a_name_that_is_an_ordinary_word_is_left_to_the_engine(name: str) -> None:
    assert Terms().into("zh", (name,)).place(f"{name} you come? 好 7").kept == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("今天", "今天天气很好"),
        ("阳光", "今天阳光真好"),
        ("陽光", "今天陽光真好"),
        ("我们", "我们出去吧"),
        ("高兴", "今天很高兴"),
        ("谢谢你", "谢谢你们"),
        ("today", "today is a good day"),
        ("day", "today is a good day"),
        ("the cat", "the cat is cute"),
        ("Hello", "Well Hello there"),
        ("May", "We meet in May"),
        ("Will", "Will you come?"),
        ("Will", "I see. Will you come?"),
        ("Will", "Love Will Find A Way"),
        ("Love", "I love Love Island"),
        ("Happy", "Merry Christmas and Happy New Year"),
        ("Hope", "WE HOPE SO"),
    ],
)
def test_a_name_spoils_no_line_that_means_the_word(name: str, text: str) -> None:
    assert Terms().into("zh", (name,)).place(text).kept == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Will", "Will will come tomorrow"),
        ("Hope", "Hope is here"),
        ("Bill", "I will meet Bill and Mark in May"),
        ("Mark", "thank you, Mark!"),
        ("Will", "When I saw Will I’m sure he smiled"),
        ("Happy Cat", "say hi to Happy Cat please"),
        ("Sunny", "我觉得Sunny很好"),
        ("Lily", "Lily you come?"),
        ("Mr. Fox", "Mr. Fox runs"),
        ("小明", "小明今天来"),
        ("李安然", "李安然很高兴"),
        ("今天~", "今天~说得好"),
    ],
)
def test_a_name_is_kept_where_the_line_can_only_mean_it(name: str, text: str) -> None:
    assert [each.source for each in Terms().into("zh", (name,)).place(text).kept] == [name]


def test_a_name_that_its_capital_tells_from_a_word_is_counted_as_it_is_written() -> None:
    assert count("Will will come, and hot pot, Hot pot", ["Will", "hot pot"]) == {"will": 1, "hot pot": 2}
    assert part("Will will", ["Will"]) == [("Will", True), (" will", False)]


def test_the_row_of_a_name_that_is_a_word_too_is_not_in_force() -> None:
    rows = (Term("today", "今朝", "zh", "", "bob", name=True), Term("我们", "Women", "", "", "bob", name=True))
    assert placed("today 我们", *rows, target="zh") == "today 我们"
    assert placed("today", Term("today", "今朝", "zh", "", "ann"), target="zh") == "今朝", (
        "a term is a moderator's word"
    )


def test_what_is_put_right_afterwards() -> None:
    kept = (Kept("火锅", "hot pot"),)
    assert repaired("Let's eat 火锅", kept) == "Let's eat hot pot"
    assert repaired("Let's eat Hot pot", kept) == "Let's eat Hot pot"
    assert repaired("Open the 火锅火锅app", kept) == "Open the hot pot hot pot app"


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
