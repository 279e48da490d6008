"""One spelling per language, and the translations that a room owes its readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.language import Language, canonical, canonical_list, guess, wanted
from tests.chat.test_ids import accepts

TABLE = {
    "zh": "zh zh-CN zh_CN ZH-cn zh-Hans zh-Hans-CN zh-Hans-HK zh-SG zh-MY cmn cmn-Hans",
    "zh-Hant": "zh-Hant zh_Hant zh-TW zh-HK zh-MO zh-Hant-TW zh-Hant-CN zh-HK-Hant cmn-TW yue yue-HK zh-yue zt",
    "en": "en en-US en_GB EN-au en-Latn-US",
    "pt": "pt pt-BR",
    "sr": "sr sr-Latn-RS",
    "fil": "fil fil-PH",
}


@pytest.mark.parametrize(("tag", "expected"), [(tag, to) for to, tags in TABLE.items() for tag in tags.split()])
def test_every_way_to_write_a_language_has_one_canonical_form(tag: str, expected: str):
    assert canonical(tag) == expected
    assert canonical(f" {tag}\n") == expected


@pytest.mark.parametrize(
    "nonsense", ["", " ", "z", "english", "zh-", "-zh", "zh--CN", "zh-C", "中文", "zh CN", "en-x-p"]
)
def test_what_is_no_tag_is_refused_with_an_example_of_one(nonsense: str):
    with pytest.raises(ValueError, match="expected one like 'zh'"):
        canonical(nonsense)


@given(st.from_regex(r"\A[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}\Z"))
def test_whatever_the_wire_lets_in_has_a_canonical_form_that_is_stable_and_valid(tag: str):
    assert accepts(Language, tag)
    assert canonical(canonical(tag)) == canonical(tag)
    assert accepts(Language, canonical(tag))


def test_a_list_keeps_its_order_and_names_each_language_once():
    assert canonical_list(["zh-CN", "en-US", "zh", "EN", "zh-TW"]) == ("zh", "en", "zh-Hant")


def test_who_reads_the_source_needs_nothing():
    assert wanted("zh", [("zh",), ("en", "zh")]) == ()


def test_everybody_else_gets_their_first_language():
    assert wanted("zh", [("en", "fr"), ("fr",), ("zh",), ("en",)]) == ("en", "fr")


def test_traditional_and_simplified_are_two_languages_to_read():
    assert wanted("zh", [("zh-Hant",)]) == ("zh-Hant",)


def test_an_empty_room_needs_nothing():
    assert wanted("en", []) == ()
    assert wanted("en", [()]) == ()


@pytest.mark.parametrize(
    ("text", "candidates", "expected"),
    [
        ("大家好", ["zh", "en"], "zh"),
        ("大家好", ["zh-Hant", "en"], "zh-Hant"),
        ("大家好", ["en"], "zh"),
        ("こんにちは、皆さん", ["zh", "ja"], "ja"),
        ("안녕하세요", ["en"], "ko"),
        ("hello", ["zh", "en"], "en"),
        ("hello", ["en", "fr"], ""),  # either
        ("hello", ["zh"], ""),  # none that we know of
        ("hello 大家", ["zh", "en"], ""),  # both
        ("666 👍🏽", ["zh", "en"], ""),
    ],
)
def test_the_script_of_a_text_tells_its_language_only_where_it_is_certain(
    text: str, candidates: list[str], expected: str
):
    assert guess(text, candidates) == expected
