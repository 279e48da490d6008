"""The everyday lines: never trained on, judged by their output, and honest when the model has changed."""

import random
from pathlib import Path

import pytest

from translator.evaluate import CannotEvaluate, Outcome
from translator.everyday import (
    LINES,
    REFUSED,
    UNJUDGED,
    VERDICTS,
    Judged,
    digest,
    page,
    read_lines,
    read_verdicts,
    summary,
    verdict_of,
)
from translator.training.corpus import normalised
from translator.training.templates import expansions, read_slots, read_templates

ROOT = Path(__file__).parents[2]


def test_there_are_seventy_five_lines_each_way_and_none_twice() -> None:
    lines = read_lines(ROOT / LINES)
    assert {direction: len(pairs) for direction, pairs in lines.items()} == {"zh>en": 75, "en>zh": 75}
    sources = [normalised(pair.source) for pairs in lines.values() for pair in pairs]
    assert len(set(sources)) == 150


def test_no_line_is_made_by_a_template_or_known_by_heart() -> None:
    pairs = [pair for pairs in read_lines(ROOT / LINES).values() for pair in pairs]
    ours = {normalised(side) for pair in pairs for side in (pair.source, pair.reference)}
    taught = {
        normalised(side)
        for pair in expansions(read_templates(), read_slots(), random.Random(1))
        for side in (pair.english, pair.chinese)
    }
    phrases = (ROOT / "translator/starter/phrases.tsv").read_text("utf-8").splitlines()
    by_heart = {normalised(side) for line in phrases for side in line.split("\t")[1:]}
    assert not ours & (taught | by_heart)


def test_a_verdict_is_of_one_output_and_of_no_other() -> None:
    judged = Outcome("你好吗", "How are you?", "How are you")
    verdicts = {("zh>en", "你好吗", digest(judged)): "yes"}
    changed = Outcome("你好吗", "How are you?", "Are you good")
    refused = Outcome("你好吗", "How are you?", None, "doubtful", "repetition")
    assert verdict_of("zh>en", judged, verdicts) == "yes"
    assert verdict_of("zh>en", changed, verdicts) == UNJUDGED
    assert verdict_of("en>zh", judged, verdicts) == UNJUDGED
    assert verdict_of("zh>en", refused, verdicts) == REFUSED
    rows = [Judged("zh>en", each, verdict_of("zh>en", each, verdicts)) for each in (judged, changed, refused)]
    assert summary(rows) == "understandable 1 of 3; not 0, refused 1, not judged 1"


def test_verdicts_are_yes_or_no_about_lines_that_are_there(tmp_path: Path) -> None:
    sources = {(direction, pair.source) for direction, pairs in read_lines(ROOT / LINES).items() for pair in pairs}
    assert {(direction, source) for direction, source, _ in read_verdicts(ROOT / VERDICTS)} <= sources
    wrong = tmp_path / "verdicts.tsv"
    wrong.write_text("zh>en\t你好\tabc\tperhaps\n", "utf-8")
    with pytest.raises(CannotEvaluate, match="perhaps"):
        read_verdicts(wrong)
    wrong.write_text("zh>en\t你好\n", "utf-8")
    with pytest.raises(CannotEvaluate, match="4 columns"):
        read_verdicts(wrong)


def test_a_page_without_figures_is_a_page() -> None:
    assert page([], []).startswith("# Everyday lines\n")
