"""Reading, cleaning, filtering, mixing: what may be trained on, and in what proportion."""

import gzip
import random
from collections import Counter
from pathlib import Path

import pytest

from translator.training.corpus import (
    SHARE_MAX,
    CorpusInvalid,
    Kind,
    Pair,
    Source,
    casual,
    cleaned,
    examples,
    filtered,
    held_out,
    mixed,
    normalised,
    read_forbidden,
    read_pairs,
    read_sources,
)

README = """# Pairs
| file | pairs | licence | source | register |
|---|---|---|---|---|
| talk | 2 | CC BY 2.0 | Somebody | everyday, short |
| words | 1 | CC BY-SA 4.0 | A dictionary | dictionary glosses |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(README, "utf-8")
    with gzip.open(tmp_path / "talk.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("Hello, my friend.\t你好,我的朋友.\nno tab\nOne\tTwo\tThree\n")
    (tmp_path / "words.tsv").write_text("train station\t火车站\n", "utf-8")
    return tmp_path


def pair(english: str = "I like tea.", chinese: str = "我喜欢茶。", kind: Kind = Kind.CONVERSATION) -> Pair:
    return Pair(english, chinese, kind, "somewhere")


def many(kind: Kind, count: int) -> list[Pair]:
    return [pair(f"This is {kind.value} {number}.", f"这是第{number}句{kind.value}。", kind) for number in range(count)]


def test_files_are_read_with_what_the_readme_says_of_them(folder: Path):
    talk, words = read_sources(folder)
    assert (talk.name, talk.kind, talk.licence, talk.origin) == ("talk", Kind.CONVERSATION, "CC BY 2.0", "Somebody")
    assert words.kind is Kind.DICTIONARY
    assert [(each.english, each.chinese) for each in read_pairs(talk)] == [("Hello, my friend.", "你好，我的朋友。")]
    assert [each.chinese for each in read_pairs(words)] == ["火车站"]
    assert list(read_pairs(words, lines_max=0)) == []


def test_a_file_without_a_licence_is_refused(folder: Path):
    (folder / "found.tsv").write_text("Hi\t你好\n", "utf-8")
    with pytest.raises(CorpusInvalid, match=r"no licence for found\.tsv"):
        read_sources(folder)


def test_a_folder_without_pairs_or_without_a_readme_is_refused(tmp_path: Path, folder: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusInvalid, match=r"holds no \.tsv"):
        read_sources(empty)
    (folder / "README.md").unlink()
    with pytest.raises(CorpusInvalid, match="no README"):
        read_sources(folder)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("It's late!", "很晚了!"), ("It's late!", "很晚了！")),
        (("He said “yes”.", "他說好。"), ("He said “yes”.".replace("“", '"').replace("”", '"'), "他说好。")),
        (("  Too   many spaces. ", "太 多空格。"), ("Too many spaces.", "太多空格。")),
    ],
)
def test_marks_script_and_spaces_are_made_alike(given: tuple[str, str], kept: tuple[str, str]):
    made = cleaned(pair(*given))
    assert made is not None
    assert (made.english, made.chinese) == kept


@pytest.mark.parametrize(
    ("english", "chinese", "kind"),
    [
        ("Hello %(name)s", "你好%(name)s", Kind.OTHER),
        ("<b>Bold</b> text", "<b>粗体</b>字", Kind.OTHER),
        ("See https://example.org", "见https://example.org", Kind.OTHER),
        ("12345", "一二三四五", Kind.CONVERSATION),
        ("Only English", "Only English", Kind.CONVERSATION),
        ("Mixed 中文 here", "混合", Kind.CONVERSATION),
        ("Japanese", "これは日本語です漢字", Kind.CONVERSATION),
        ("A", "这是一个非常非常非常非常非常非常长的句子，它不可能是对的。", Kind.CONVERSATION),
        ("word " * 60, "词" * 60, Kind.CONVERSATION),
        ("variant of 你", "妳", Kind.DICTIONARY),
        ("to give sb a hand (fig.)", "帮忙", Kind.DICTIONARY),
    ],
)
def test_what_teaches_nothing_good_is_left_out(english: str, chinese: str, kind: Kind):
    assert cleaned(pair(english, chinese, kind)) is None


def test_texts_are_compared_without_case_width_marks_and_script():
    assert normalised("Don't  step in the MUD!") == normalised("dont step in the mud")
    assert normalised("別走進泥地。") == normalised("别走进泥地")
    assert normalised("ＡＢＣ１２") == "abc12"


def test_nothing_of_an_evaluation_set_is_trained_on(tmp_path: Path):
    (tmp_path / "set.tsv").write_text("Don't step in the mud.\t别走进泥地。\n", "utf-8")
    forbidden = read_forbidden(tmp_path)
    given = [
        pair("DON'T STEP IN THE MUD", "不要踩泥"),
        pair("Stay out of the mud.", "別走進泥地！"),
        pair("Nice weather.", "天气真好。"),
    ]
    assert [each.english for each in filtered(given, forbidden)] == ["Nice weather."]


def test_no_pair_is_there_twice_but_two_translations_of_one_line_may_be():
    given = [pair("Hi!", "你好！"), pair("hi", "你好"), pair("Hi!", "嗨！")]
    assert [each.chinese for each in filtered(given, set())] == ["你好！", "嗨！"]


def test_what_is_kept_back_shares_no_side_with_what_is_trained_on():
    given = [*many(Kind.CONVERSATION, 200), pair("Another one.", "这是第7句conversation。")]
    kept, left = held_out(given, 15, random.Random(1))
    assert len(kept) == 15
    sides = {side for each in kept for side in (each.english, each.chinese)}
    assert not [each for each in left if each.english in sides or each.chinese in sides]
    assert len(left) >= 185


def test_without_conversation_templates_are_kept_back():
    kept, left = held_out(many(Kind.TEMPLATE, 100), 300, random.Random(1))
    assert (len(kept), len(left)) == (10, 90)


def test_dictionary_entries_are_at_most_a_fifth():
    given = [*many(Kind.CONVERSATION, 500), *many(Kind.TEMPLATE, 300), *many(Kind.DICTIONARY, 100_000)]
    counts = Counter(each.kind for each in mixed(given, random.Random(1)))
    assert counts[Kind.DICTIONARY] <= 0.20 * counts.total()
    assert counts[Kind.DICTIONARY] >= 0.19 * counts.total()
    assert counts[Kind.CONVERSATION] >= 1_000


@pytest.mark.parametrize("dictionary", [0, 10, 10_000])
@pytest.mark.parametrize("written", [0, 10, 10_000])
@pytest.mark.parametrize("other", [0, 10_000])
def test_every_share_holds_whatever_there_is(dictionary: int, written: int, other: int):
    given = [
        *many(Kind.CONVERSATION, 300),
        *many(Kind.DICTIONARY, dictionary),
        *many(Kind.WRITTEN, written),
        *many(Kind.OTHER, other),
    ]
    counts = Counter(each.kind for each in mixed(given, random.Random(1)))
    for kind, share in SHARE_MAX.items():
        assert counts[kind] <= share * counts.total()


def test_a_mix_of_dictionaries_alone_is_empty():
    assert mixed(many(Kind.DICTIONARY, 100), random.Random(1)) == []


def test_the_same_seed_mixes_the_same():
    given = [*many(Kind.CONVERSATION, 50), *many(Kind.OTHER, 50)]
    assert mixed(given, random.Random(3)) == mixed(given, random.Random(3))
    assert mixed(given, random.Random(3)) != mixed(given, random.Random(4))


def test_two_short_lines_are_joined_as_each_language_does():
    joined = [each for each in mixed(many(Kind.CONVERSATION, 100), random.Random(1)) if each.english.count("This") == 2]
    assert joined
    assert all(". This" in each.english and "。这" in each.chinese for each in joined)


def test_both_directions_are_seen_and_only_sources_are_casual():
    given = [pair("I Like Tea.", "我喜欢OK茶。")] * 200
    seen = list(examples(given, random.Random(1)))
    assert Counter(each.to for each in seen) == {"en": 200, "zh": 200}
    assert {each.target for each in seen} == {"I Like Tea.", "我喜欢OK茶。"}
    assert {each.source for each in seen} == {"I Like Tea.", "i like tea", "我喜欢OK茶。", "我喜欢ok茶"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Do you like Hot Pot?", "do you like hot pot"),
        ("Hi, Tom! OK.", "hi, tom! ok"),
        ("你好！", "你好"),
        ("So cute! 😊", "so cute 😊"),
        ("?!", "?!"),
        ("3.5", "3.5"),
    ],
)
def test_a_hurried_thumb_leaves_out_capitals_and_the_last_mark(text: str, said: str):
    assert casual(text) == said


def test_a_source_names_its_file(folder: Path):
    source = Source("talk", Kind.CONVERSATION, "CC0", "x", folder / "talk.tsv.gz")
    assert {each.source for each in read_pairs(source)} == {"talk"}
