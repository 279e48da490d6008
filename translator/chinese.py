"""Simplified and Traditional Chinese: which of the two a text is in, and one from the other. Deterministic.

Invariant: what both sides write alike is left alone, so converting a text to the form it already has changes nothing.
The conversion is opencc's (phrases, so that 後天 and 皇后 part ways), not a translator's: no model, 2 to 6 us a line,
no doubt about names. Only this file imports opencc; the tables are loaded at the first call, and under a lock because
two threads may call first together.
"""

import functools
import threading
from typing import Any, Final

import regex

SIMPLIFIED: Final = "zh"
TRADITIONAL: Final = "zh-Hant"

_LOADING = threading.Lock()


@functools.cache
def _converter(name: str) -> Any:
    import opencc

    return opencc.OpenCC(name)


def _convert(name: str, text: str) -> str:
    with _LOADING:
        converter = _converter(name)
    converted: str = converter.convert(text)
    return converted


@functools.cache
def converter_name() -> str:
    """Name and version of what converts, for the record: "opencc 1.4.2"."""
    import opencc

    return f"opencc {opencc.__version__}"


def to_simplified(text: str) -> str:
    """Every Traditional form of `text` in Simplified; anything else as it is."""
    return _convert("t2s", text)


def to_traditional(text: str) -> str:
    """Every Simplified form of `text` in Traditional (standard forms of Taiwan, no regional vocabulary)."""
    return _convert("s2tw", text)


def convert(text: str, target: str) -> str:
    """`text` in `target` ("zh" or "zh-Hant"). Raises ValueError for another language."""
    match target:
        case "zh":
            return to_simplified(text)
        case "zh-Hant":
            return to_traditional(text)
        case _:
            raise ValueError(f"no Chinese script is called {target!r}")


def form_of(text: str) -> str | None:
    """Which of the two `text` is in: "zh", "zh-Hant", or None where both write it alike (你好).

    Counts the characters each conversion would change. Characters that are a word of both, such as 里 or 后, change
    under s2tw and prove little, hence Traditional needs more evidence than Simplified has, not the absence of it.
    """
    cantonese = len(_CANTONESE.findall(text))
    if cantonese:
        text = _CANTONESE.sub("", text).replace("晒", "")
    traditional = _differences(text, to_simplified(text)) + cantonese
    simplified = _differences(text, to_traditional(text))
    if traditional == simplified == 0:
        return None
    return TRADITIONAL if traditional > simplified else SIMPLIFIED


_CANTONESE: Final = regex.compile(r"[喺嘅咗佢冇哋嚟嗰啲咁嘢攞瞓噉俾㗎冧搵睇]|唔(?=\p{Han})")
"""Characters of written Cantonese, which is nearly always Traditional; the conversions know few of them. Beside them
晒 is a particle (唔該晒) and no Simplified 曬."""


def is_japanese_only(text: str) -> bool:
    """True when some character of `text` is in Japan's standard and in neither of China's nor Taiwan's: 気, 駅, 込."""
    return any(
        _is_in(each, "shift_jis") and not _is_in(each, "gb2312") and not _is_in(each, "big5")
        for each in _HAN.findall(text)
    )


_HAN: Final = regex.compile(r"\p{Han}")


@functools.lru_cache(maxsize=8_192)
def _is_in(character: str, standard: str) -> bool:
    try:
        character.encode(standard)
    except UnicodeEncodeError:
        return False
    return True


def _differences(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))
