"""The picture of a name card: well-formed, in both languages, and nothing in it that a text could smuggle in."""

from xml.etree import ElementTree

import pytest

from chat.card import card_svg
from chat.describing import describe
from chat.events import GivenTo


def given(text: str, script: str = "han", giver: str = "榕榕") -> GivenTo:
    known = describe(text, script, "Brecken")  # type: ignore[arg-type]  # one of the two
    return GivenTo(
        script=script,  # type: ignore[arg-type]  # one of the two
        text=text,
        romanisation=known.romanisation,
        respelling=known.respelling,
        meaning_en=known.meaning_en,
        meaning_zh=known.meaning_zh,
        glosses=known.glosses,
        given_by_name=giver,
    )


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_card_says_all_of_a_chinese_name_in_both_languages() -> None:
    shown = texts(card_svg("Brecken", given("白睿康"), "地球村", "2026-01-14"))
    for part in ("Brecken", "白", "睿", "康", "ruì", "kāng", "睿智、安康", "given by 榕榕 in 地球村, 14 Jan 2026"):
        assert part in shown


def test_a_title_in_two_languages_gives_each_reader_one() -> None:
    shown = texts(card_svg("Brecken", given("白睿康"), "地球村 · Global Village", "2026-01-14"))
    assert {"榕榕 起于地球村，2026年1月14日", "given by 榕榕 in Global Village, 14 Jan 2026"} <= set(shown)


def test_the_card_of_a_name_in_letters_says_how_to_say_it() -> None:
    shown = texts(card_svg("艾米丽", given("Emily", "latin"), "地球村", "2026-01-14"))
    assert {"Emily", "EH-mi-lee", "艾米丽"} <= set(shown)


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><image href="http://x/"/>', "]]>&<", "a" * 400])
def test_what_people_write_stays_text(evil: str) -> None:
    svg = card_svg(evil, given("白睿康", giver=evil), evil, "2026-01-14")
    drawn = ElementTree.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in drawn.iter()}
    assert tags == {"svg", "title", "rect", "text"}
    assert drawn.get("aria-label") == drawn[0].text == f"白睿康 · {evil}"
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "").replace("http://x/", "")
