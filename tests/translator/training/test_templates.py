"""The sentence templates: enough of them, true on both sides, and written as people of each language write."""

import random
from collections import Counter

import pytest
import regex

from translator.training.corpus import Kind, normalised
from translator.training.templates import (
    LATIN_TOO,
    SLOTS,
    Template,
    TemplateInvalid,
    expanded,
    expansions,
    read_slots,
    read_templates,
)

TEMPLATES = read_templates()
ROWS = read_slots()
FIELD = regex.compile(r"\{([a-z]+)(\d?)(?:\.(\w+))?\}")
TOPICS = {
    "greetings", "origins", "introductions", "family", "pets", "food", "weather", "time", "plans", "languages",
    "naming", "thanks", "feelings", "events", "refusals", "moderation", "help", "photos", "work", "school", "money",
    "travel", "health", "hobbies", "conversation", "culture", "home", "mixed",
}  # fmt: skip


def pairs(count: int = 20) -> list[tuple[str, str, str]]:
    made = expansions(TEMPLATES, ROWS, random.Random(5), count)
    return [(pair.english, pair.chinese, pair.source) for pair in made]


def test_there_are_more_than_600_of_every_topic_asked_for():
    counts = Counter(template.topic for template in TEMPLATES)
    assert counts.total() >= 1_000
    assert set(counts) == TOPICS
    assert min(counts.values()) >= 25


def test_a_value_stands_on_both_sides_or_on_neither():
    for template in TEMPLATES:
        english, chinese = (
            {found[1] + found[2] for found in FIELD.finditer(side)} for side in (template.english, template.chinese)
        )
        assert english == chinese, template


def test_every_slot_and_column_exists():
    for template in TEMPLATES:
        for side, text in (("en", template.english), ("zh", template.chinese)):
            for found in FIELD.finditer(text):
                assert (found[3] or side) in ROWS[found[1]][0], template
            assert not regex.search(r"[{}]", FIELD.sub("", text)), template


def test_every_slot_is_used():
    used = {found[1] for template in TEMPLATES for found in FIELD.finditer(template.english)}
    assert set(ROWS) == used | {"face"}, "faces are put behind any sentence"


def test_marks_are_those_of_the_language():
    """Full-width in Chinese (a dot in a number or a percent sign aside), half-width in English."""
    for template in TEMPLATES:
        assert not regex.search(r"[,!?;:()\"]|\.(?!\d)", FIELD.sub("", template.chinese)), template
        assert not regex.search(r"[，。！？：；（）“”、]", FIELD.sub("", template.english)), template
        assert not regex.search(r"  |\A | \Z", f"{template.english}\t{template.chinese}"), template


def test_both_sides_ask_or_neither_does():
    for template in TEMPLATES:
        assert ("?" in template.english) == ("？" in template.chinese), template


def test_the_last_mark_is_the_same():
    ends = {".": "。", "!": "！", "?": "？"}
    for template in TEMPLATES:
        last = template.english[-1]
        assert last in ends or template.english.endswith("}"), template
        assert template.chinese[-1] == ends.get(last, template.chinese[-1]), template


def test_no_sentence_is_there_twice():
    for side in ("english", "chinese"):
        counts = Counter(getattr(template, side) for template in TEMPLATES)
        twice = [text for text, count in counts.items() if count > 1]
        assert not twice


def test_the_values_agree():
    """Measure words, pronouns, tenses: what makes a pair false when only one side has it right."""
    animals = {row["en"]: row for row in ROWS["animal"]}
    assert animals["horse"]["measure"] == "匹"
    assert animals["cat"] == {"en": "cat", "many": "cats", "zh": "猫", "measure": "只"}
    for name in ("kin", "kid"):
        assert {(row["he"], row["ta"]) for row in ROWS[name]} == {("he", "他"), ("she", "她")}
    for row in ROWS["food"]:
        assert (row["be"] == "are") == (row["en"].endswith("s") and not row["en"].endswith("ss")), row


@pytest.mark.parametrize("name", sorted(ROWS))
def test_values_are_in_their_language(name: str):
    rows = ROWS[name]
    assert len({row["en"] for row in rows}) == len(rows)
    for row in rows:
        if name != "handle":
            assert not regex.search(r"\p{Han}", row["en"])
        assert not regex.search(r"[,!?。，]", row["zh"])
        if row["en"] != row["zh"]:
            assert regex.search(r"\p{Han}", row["zh"]), row


def test_numbers_are_the_same_on_both_sides():
    """A number in digits is copied, whatever else a sentence says; clocks and prices may change their form."""
    plain = regex.compile(r"(?<![\d:.,$])\d+(?![\d:.,]|:\d|,\d| ?(?:am|pm))")
    wrong = [
        (english, chinese)
        for english, chinese, _ in pairs()
        if not set(plain.findall(english)) <= set(regex.findall(r"\d+", chinese.replace("一月", "1")))
    ]
    assert not wrong, wrong[:5]


def test_nothing_is_left_to_fill_and_sentences_begin_with_a_capital():
    for english, chinese, _ in pairs(5):
        assert not regex.search(r"[{}]", english + chinese)
        assert not regex.match(r"\p{Ll}", english), english


def test_an_article_fits_the_word_after_it():
    for english, _, _ in pairs(60):
        assert not regex.search(r"(?<!')\b[Aa] (?:[aeioAEIO]|8|11\b|18\b)(?!ne\b)", english), english
        assert not regex.search(r"(?<!')\b[Aa]n (?![aeiouAEIOU]|8|11|18|hour)", english), english


def test_the_same_seed_gives_the_same_pairs_and_another_gives_others():
    assert pairs() == pairs()
    other = expansions(TEMPLATES, ROWS, random.Random(6), 20)
    assert [pair.english for pair in other] != [english for english, _, _ in pairs()]


def test_names_in_latin_letters_stand_in_half_of_the_chinese_sides():
    made = expansions([Template("t", "I'm {name}.", "我是{name}。")], ROWS, random.Random(1), 36)
    latin = sum(regex.search(r"\p{Latin}", pair.chinese) is not None for pair in made)
    assert 8 <= latin <= 28
    assert set(ROWS) >= LATIN_TOO


def test_two_slots_of_one_kind_never_have_the_same_value():
    template = Template("t", "From {city} to {city2}.", "从{city}到{city2}。")
    for pair in expansions([template], ROWS, random.Random(1), 2_000):
        first, second = pair.chinese[1:-1].split("到")
        assert first != second


def test_a_template_gives_no_more_pairs_than_asked_for_and_none_twice():
    made = list(expansions([Template("t", "I like {food}.", "我喜欢吃{food}。")], ROWS, random.Random(1), 10))
    assert len({pair.english for pair in made}) == len(made) == 10
    assert {pair.kind for pair in made} == {Kind.TEMPLATE}


def test_a_whole_phrase_is_repeated_so_that_it_does_not_drown():
    made = list(expansions([Template("t", "Really?", "真的吗？")], ROWS, random.Random(1), 60))
    assert len(made) == 4
    assert len({normalised(pair.english) for pair in made}) == 1


def test_a_value_may_be_asked_for_in_the_other_language():
    template = Template("t", "How do you pronounce {person.zh}?", "{person.zh}怎么读？")
    pair = expanded(template, {"person": {"en": "Li Ming", "zh": "李明"}}, random.Random(1))
    assert (pair.english, pair.chinese) == ("How do you pronounce 李明?", "李明怎么读？")


def test_capitals_and_articles_are_put_right():
    template = Template("t", "{food} {food.be} good. {kin.he} ate a {animal}.", "{food}好。{kin.ta}吃了{animal}。")
    values = {
        "food": {"en": "noodles", "zh": "面条", "be": "are"},
        "kin": {"en": "mom", "zh": "妈妈", "he": "she", "ta": "她"},
        "animal": {"en": "owl", "zh": "猫头鹰"},
    }
    assert expanded(template, values, random.Random(1)).english == "Noodles are good. She ate an owl."


@pytest.mark.parametrize("line", ["only English", "English\t", "\t中文", "one\t二\tthree"])
def test_a_line_that_is_no_pair_is_named(tmp_path, line: str):
    (tmp_path / "topic.tsv").write_text(f"# head\n{line}\n", "utf-8")
    with pytest.raises(TemplateInvalid, match=r"topic\.tsv, line 2"):
        read_templates(tmp_path)


def test_a_row_with_a_missing_column_is_named(tmp_path):
    (tmp_path / SLOTS).write_text("@animal\ten\tzh\tmeasure\ncat\t猫\n", "utf-8")
    with pytest.raises(TemplateInvalid, match=r"slots\.tsv, line 2"):
        read_slots(tmp_path / SLOTS)
