"""What is left of a text, a name and a reaction: everything a person meant, nothing that deceives the reader."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import ErrorCode, Rejected
from chat.limits import NAME_GRAPHEMES_MAX, TEXT_CHARS_MAX, TITLE_GRAPHEMES_MAX
from chat.text import clean_emoji, clean_name, clean_text, clean_title, has_words

FAMILY = "👨‍👩‍👧‍👦"
ENGLAND = "🏴󠁧󠁢󠁥󠁮󠁧󠁿"
KEPT = [
    "大家好，我和女儿从美国向大家问好！",
    "yyds 666 (｡•̀ᴗ-)✧",
    f"{FAMILY} 👋🏽 ❤️ 🇨🇳 {ENGLAND} 1️⃣ 🏳️‍🌈",
    "line one\nline two\n\tindented",
    "می‌خواهم",  # Persian needs its zero-width non-joiner
    "क्‍ष",  # Hindi its joiner
    "שלום \u200f!",  # a right-to-left mark guides, it does not override
    "Zoë Ångström e\u0301",
    "𠮷野家 㐂 〇",
]
INVISIBLE = [
    "",
    " ",
    "\n\t",
    "\u200b",
    "\u200d\ufe0f",
    "\u3164",
    "\u115f\u1160",
    "\uffa0",
    "\u2800",
    "\u00ad",
    "\u0301",
]
OVERRIDES = [chr(at) for at in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize("text", KEPT)
def test_what_a_person_wrote_is_kept(text: str):
    assert clean_text(text) == text


@pytest.mark.parametrize("mark", OVERRIDES, ids=lambda mark: f"U+{ord(mark):04X}")
def test_nobody_reorders_what_others_read(mark: str):
    """Trojan Source, CVE-2021-42574."""
    assert clean_text(f"pay {mark}you 5") == "pay you 5"
    assert clean_name(f"Anna{mark}") == "Anna"


def test_control_characters_go_and_line_ends_become_one_kind():
    assert clean_text("\x00a\x1b[31m\r\nb\x7f\u0085c\r") == "a[31m\nbc"


@pytest.mark.parametrize("nothing", INVISIBLE, ids=ascii)
def test_a_text_or_a_name_that_shows_nothing_is_refused(nothing: str):
    """U+3164 and U+2800 count as a letter and a symbol, and show as blank: known as "invisible names"."""
    with pytest.raises(Rejected) as refused:
        clean_text(nothing)
    assert refused.value.code is ErrorCode.NOTHING_TO_SAY
    with pytest.raises(Rejected) as refused:
        clean_name(nothing)
    assert refused.value.code is ErrorCode.NAME_INVALID


@pytest.mark.parametrize(
    "name", ["Brecken · 白睿康", "榕榕", "Zoë", "O'Brien-Núñez 3rd", f"Anna {FAMILY}", "❤️", "🇨🇳", ENGLAND]
)
def test_a_name_may_be_in_any_script_and_hold_emoji(name: str):
    assert clean_name(name) == name


def test_a_persian_name_keeps_the_joiner_that_it_is_spelled_with():
    assert clean_name("علی‌رضا") == "علی‌رضا"


HIDDEN = [0x200B, 0x200C, 0x200D, 0x00AD, 0x034F, 0x2060, 0x180E, 0xFE0F, 0xE0041, 0x3164, 0x061C]


@pytest.mark.parametrize("hidden", [chr(at) for at in HIDDEN], ids=ascii)
def test_a_name_cannot_be_somebody_elses_with_something_unseen_inside(hidden: str):
    """`Anna` and `An<ZWNJ>na` look the same: a guest must not be able to speak under the host's name."""
    assert clean_name(f"An{hidden}na{hidden}") == "Anna"
    assert clean_name(f"白{hidden}睿康") == "白睿康"


def test_a_name_is_one_line_and_words_stay_apart():
    assert clean_name("  Anna\n Maria\u2028\t Lopez \u3000") == "Anna Maria Lopez"


@pytest.mark.parametrize(
    ("clean", "graphemes_max"), [(clean_name, NAME_GRAPHEMES_MAX), (clean_title, TITLE_GRAPHEMES_MAX)]
)
@pytest.mark.parametrize("one", ["a", "康", "👋🏽", "é", "🇨🇳", "각"])
def test_length_is_counted_as_people_count(clean, graphemes_max: int, one: str):
    for count in (graphemes_max - 1, graphemes_max):
        assert clean(one * count) == one * count
    with pytest.raises(Rejected, match="too many"):
        clean(one * (graphemes_max + 1))


def test_one_grapheme_of_a_thousand_marks_is_no_name():
    with pytest.raises(Rejected, match="too many combining characters"):
        clean_name("a" + "\u0301" * 1_000)


def test_a_text_is_cut_at_its_bound():
    assert len(clean_text("字" * (TEXT_CHARS_MAX + 1))) == TEXT_CHARS_MAX


@given(st.text(alphabet=st.characters(), max_size=80))
def test_cleaning_again_changes_nothing_and_leaves_nothing_forbidden(raw: str):
    for clean in (clean_text, clean_name, clean_title):
        try:
            once = clean(raw)
        except Rejected:
            continue
        assert clean(once) == once
        once.encode()
        assert not any(mark in once for mark in OVERRIDES)
        assert all(unicodedata.category(char) != "Cc" or (clean is clean_text and char in "\n\t") for char in once)


@pytest.mark.parametrize("emoji", ["❤", "❤️", "👍🏽", FAMILY, "🇨🇳", ENGLAND, "1️⃣", "🏳️‍🌈", "🧑🏿‍🚀", "♂️"])
def test_a_reaction_is_one_emoji(emoji: str):
    assert clean_emoji(emoji) == emoji


@pytest.mark.parametrize(
    "other", ["a", "赞", "666", "👍👍", " 👍", "👍\u202e", "\u202e", "\n", "🇨", "<b>", "1", "\ufe0f"]
)
def test_a_reaction_is_no_second_way_to_write_a_text(other: str):
    with pytest.raises(Rejected) as refused:
        clean_emoji(other)
    assert refused.value.code is ErrorCode.MALFORMED


@pytest.mark.parametrize("text", ["大家好", "hi 👍", "é", "привет", "𠮷", "666", "20:30"])
def test_words_and_numbers_may_need_a_translation_or_an_explanation(text: str):
    assert has_words(text)


@pytest.mark.parametrize("text", ["👍🏽", "?!", "¯_(-)_/¯", "🇨🇳", ""])
def test_pictures_and_marks_need_neither(text: str):
    assert not has_words(text)
