"""1,200 lines as people chat, labelled by hand: language, what is owed, what must stay. `-s` prints the misses.

The labels are what a careful bilingual person would want (tests/data/README.md), not what the code answers. A bar is
lowered only with a reason; a label only when it is wrong.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import regex

from tests.support.survival import survives
from translator import masking
from translator.cache import Cache
from translator.chinese import convert
from translator.ctranslate import CTranslateEngine
from translator.detect import Detection, Reason, detect
from translator.lanes import Lanes
from translator.masking import Kind, Verbatim
from translator.packages import starter_packages
from translator.pipeline import Pipeline, Refusal
from translator.punctuation import dress_glue

LINES: Final = Path(__file__).parents[1] / "data" / "chat-lines.jsonl"
SHORT_CHARS_MAX: Final = 20
CHINESE: Final = ("zh", "zh-Hant")

BARS: Final[dict[str, tuple[float, float]]] = {
    "language": (0.98, 0.995),
    "treatment": (0.98, 0.995),
    "language, short": (0.97, 0.995),
    "treatment, short": (0.97, 0.995),
    "not wrongly left alone": (0.99, 1.0),
    "spans": (0.9, 1.0),
    "no span where nothing is mixed": (0.99, 1.0),
    "emoji kept": (1.0, 1.0),
    "protected kept": (0.99, 1.0),
}
"""The share of lines that must be right: (what we want, what holds today). Raise the second as the code gets better;
never lower it."""

SURVIVES: Final = 0.99
"""Of the protected spans in lines that are shown translated."""
REFUSED_MAX: Final = 0.1
"""Of the protected spans, those in lines that are shown as they were written, with the reason."""

EMOJI: Final = regex.compile(
    r"[\U0001F1E6-\U0001F1FF]{2}|[0-9#*]\uFE0F?\u20E3"
    r"|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\uFE0F?\p{Emoji_Modifier}?"
    r"(?:\u200D(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\uFE0F?\p{Emoji_Modifier}?)*"
)
NUMBER: Final = regex.compile(r"[+$¥]?[A-Z]?\d[\d\s.,:%-]*(?:[a-zA-Z℃°]{0,2})")
HAN: Final = regex.compile(r"\p{Han}")
MARKS: Final = regex.compile(r"[\s\p{P}]")
WORDS: Final = regex.compile(r"[\p{Han}\p{Latin}\p{N} ]+")


@dataclass(frozen=True)
class Line:
    text: str
    room: tuple[str, ...]
    language: str
    leading: str | None
    treatment: str
    spans: tuple[str, ...]
    protected: tuple[str, ...]
    mentions: tuple[str, ...]

    @property
    def owed(self) -> bool:
        return self.treatment != "none"


def read() -> Iterator[Line]:
    for row in LINES.read_text("utf-8").splitlines():
        fields: dict[str, Any] = json.loads(row)
        yield Line(
            text=fields["text"],
            room=tuple(fields["room"]),
            language=fields["language"],
            leading=fields.get("leading"),
            treatment=fields["treatment"],
            spans=tuple(fields["spans"]),
            protected=tuple(fields["protected"]),
            mentions=tuple(fields["mentions"]),
        )


ALL: Final = tuple(read())


def language_is_right(line: Line, found: Detection) -> bool:
    """ "none" is right whatever language is named, as long as nothing is done about it."""
    match line.language:
        case "none":
            return not found.needs_translation
        case "pinyin":
            return found.reason is Reason.PINYIN
        case "mixed":
            return found.language == line.leading if line.leading else found.language in line.room
        case _:
            return found.language == line.language


def treatment_is_right(line: Line, found: Detection) -> bool:
    """Detection says whether something is owed; spans and whole lines are told apart where they are translated."""
    owed = found.needs_translation or found.reason is Reason.PINYIN  # pinyin is owed, and answered "no package"
    if not set(line.room) <= set(CHINESE):
        return owed == line.owed
    other = next(tag for tag in line.room if tag != found.language)
    return (owed and convert(line.text, other) != line.text) == line.owed


def spans_are_right(line: Line, found: Detection) -> bool:
    """What who reads only the leading language is owed, spaces and marks aside. Where neither half leads, the label
    names both, and the one is owed that is not in the language found."""
    in_han = found.language in CHINESE
    owed = [_bare(span) for span in line.spans if bool(HAN.search(span)) != in_han]
    return [_bare(span) for span in found.foreign] == owed


def _bare(span: str) -> str:
    return str(MARKS.sub("", span))


def lost(line: Line) -> list[str]:
    """Protected spans of a line that is owed a translation and that an engine would get to see, or see in pieces."""
    if not line.owed:
        return []
    segments = masking.mask(line.text, line.mentions)
    missing = []
    for span in line.protected:
        if NUMBER.fullmatch(span) or WORDS.fullmatch(span):
            kept = any(span in segment.text for segment in segments)
        else:
            kept = any(isinstance(segment, Verbatim) and _stays(segment, span) for segment in segments)
        if not kept:
            missing.append(span)
    return missing


def _stays(segment: Verbatim, span: str) -> bool:
    if segment.kind is not Kind.GLUE:
        return span in segment.text
    return span in segment.text and all(span in dress_glue(segment.text, target) for target in ("zh", "en"))


def emoji_kept(line: Line) -> bool:
    """Whatever an engine answers, the emoji stand in the result as often and in the same order."""
    segments = masking.mask(line.text, line.mentions)
    passages = [segment for segment in segments if not isinstance(segment, Verbatim)]
    return all(
        EMOJI.findall(masking.unmask(segments, [made] * len(passages), target)) == EMOJI.findall(line.text)
        for made, target in (("词", "zh"), ("word", "en"))
    )


@pytest.fixture(scope="module")
def judged() -> dict[str, list[tuple[Line, bool, str]]]:
    """Every line under every question: (line, right?, what was answered)."""
    asked: dict[str, list[tuple[Line, bool, str]]] = {name: [] for name in BARS}
    for line in ALL:
        found = detect(line.text, line.room, line.mentions)
        answer = f"{found.language} {found.reason} {'owed' if found.needs_translation else 'left alone'}"
        short = len(line.text) <= SHORT_CHARS_MAX
        for name, right in (
            ("language", language_is_right(line, found)),
            ("treatment", treatment_is_right(line, found)),
        ):
            asked[name].append((line, right, answer))
            if short:
                asked[f"{name}, short"].append((line, right, answer))
        if line.owed:
            left = not found.needs_translation and found.reason is not Reason.PINYIN
            asked["not wrongly left alone"].append((line, not left, answer))
        if line.spans:
            asked["spans"].append((line, spans_are_right(line, found), f"{found.language} {found.foreign}"))
        else:
            asked["no span where nothing is mixed"].append((line, not found.foreign, str(found.foreign)))
        if EMOJI.search(line.text):
            asked["emoji kept"].append((line, emoji_kept(line), ""))
        if line.protected:
            missing = lost(line)
            asked["protected kept"].append((line, not missing, " ".join(missing)))
    return asked


@pytest.mark.parametrize("question", list(BARS))
def test_chat_as_people_write_it(judged: dict[str, list[tuple[Line, bool, str]]], question: str) -> None:
    answers = judged[question]
    reached = sum(right for _, right, _ in answers) / len(answers)
    wanted, holds = BARS[question]
    misses = [
        f"  {line.text!r}: {line.language} {line.treatment}; {answer}" for line, right, answer in answers if not right
    ]
    print(f"\n{question}: {reached:.2%} of {len(answers)} lines (wanted {wanted:.0%})", *misses, sep="\n")
    assert reached >= holds, f"{question}: {reached:.2%} of {len(answers)} lines\n" + "\n".join(misses)


def test_the_set_is_what_its_readme_says() -> None:
    assert len(ALL) >= 520
    assert sum(len(line.text) <= SHORT_CHARS_MAX for line in ALL) >= 300
    kinds = Counter(line.language for line in ALL)
    chinese = kinds["zh"] + kinds["zh-Hant"] + kinds["pinyin"]
    assert 0.4 <= chinese / (len(ALL) - kinds["none"]) <= 0.6
    assert {"mixed", "pinyin", "zh-Hant", "ja", "ko", "es", "fr", "ru"} <= set(kinds)
    assert len({(line.text, line.room) for line in ALL}) == len(ALL)


def test_labels_agree_with_each_other() -> None:
    for line in ALL:
        for part in (*line.spans, *line.protected, *line.mentions):
            assert part in line.text, line
        assert set(line.mentions) <= set(line.protected), line
        assert line.treatment in ("none", "translate", "convert", "spans"), line
        assert (line.treatment == "spans") == bool(line.spans) == (line.language == "mixed"), line
        assert line.language != "none" or line.treatment == "none", line
        assert line.treatment != "convert" or set(line.room) == set(CHINESE), line
        assert all(any(emoji in span for span in line.protected) for emoji in EMOJI.findall(line.text)), line


def test_protected_spans_survive_the_starter_package() -> None:
    """Every line with one, through the real engine, one direction a line. A figure counts by value and unit."""

    async def shown() -> list[tuple[Line, str | Refusal]]:
        engine = CTranslateEngine(threads=1)
        try:
            async with Lanes(engine, Cache(0), running_max=1) as lanes:
                pipeline = Pipeline(engine, lanes, starter_packages())
                reachable = {(route.source, route.target) for route in pipeline.routes()}
                outcomes: list[tuple[Line, str | Refusal]] = []
                for line in ALL:
                    found = detect(line.text, line.room, line.mentions)
                    source, target = found.language or "", "en" if found.language in CHINESE else "zh"
                    if line.protected and line.owed and found.needs_translation and (source, target) in reachable:
                        made = await pipeline.translate(
                            line.text,
                            source,
                            target,
                            deadline=asyncio.get_running_loop().time() + 30,
                            mentions=line.mentions,
                            also=found.also,
                        )
                        outcomes.append((line, made if isinstance(made, Refusal) else made.text))
                return outcomes
        finally:
            await engine.close()

    owed = refused = 0
    lost = []
    for line, made in asyncio.run(shown()):
        owed += len(line.protected)
        if isinstance(made, Refusal):
            refused += len(line.protected)
            print(f"refused, {made.detail}: {line.text!r}")
        else:
            lost += [(span, line.text, made) for span in line.protected if not survives(span, line.text, made)]
    print(f"{owed} spans: {refused} in lines refused, {len(lost)} lost", *lost, sep="\n")
    assert owed >= 200
    assert len(lost) <= (1 - SURVIVES) * (owed - refused), lost
    assert refused <= REFUSED_MAX * owed
