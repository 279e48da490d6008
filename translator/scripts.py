"""Which writing system a character belongs to, and how much of each a text holds. Pure.

Invariant: every letter is counted in exactly one script; digits, punctuation, marks and emoji in none. We ask
Unicode's Script property through `regex` instead of keeping ranges of our own: ranges forget the CJK extensions, in
which rare surnames live. Source: UAX #24 (Script), UAX #38 for what counts as Han.
"""

from collections import Counter
from enum import StrEnum
from typing import Final

import regex


class Script(StrEnum):
    HAN = "Han"
    KANA = "Kana"
    HANGUL = "Hangul"
    LATIN = "Latin"
    CYRILLIC = "Cyrillic"
    ARABIC = "Arabic"
    HEBREW = "Hebrew"
    GREEK = "Greek"
    THAI = "Thai"
    DEVANAGARI = "Devanagari"
    BENGALI = "Bengali"
    TAMIL = "Tamil"
    TELUGU = "Telugu"
    GEORGIAN = "Georgian"
    ARMENIAN = "Armenian"
    OTHER = "Other"


_CLASSES: Final[dict[Script, str]] = {
    Script.HAN: r"\p{Han}",
    Script.KANA: r"[\p{Hiragana}\p{Katakana}ー]",
    Script.HANGUL: r"\p{Hangul}",
} | {script: rf"\p{{{script.value}}}" for script in list(Script)[3:-1]}

_LETTER: Final = regex.compile(
    "|".join(f"(?P<{script.name}>{pattern}+)" for script, pattern in _CLASSES.items()) + r"|(?P<OTHER>\p{L})"
)
_NAMED: Final = {script.name: script for script in Script}

HAN: Final = r"\p{Han}"
WIDE: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
"""Letters that are set without spaces between words and with full-width punctuation beside them."""

SCRIPTS_OF: Final[dict[str, frozenset[Script]]] = {
    "zh": frozenset({Script.HAN}),
    "zh-Hant": frozenset({Script.HAN}),
    "ja": frozenset({Script.KANA, Script.HAN}),
    "ko": frozenset({Script.HANGUL}),
    "el": frozenset({Script.GREEK}),
    "he": frozenset({Script.HEBREW}),
    "yi": frozenset({Script.HEBREW}),
    "th": frozenset({Script.THAI}),
    "bn": frozenset({Script.BENGALI}),
    "ta": frozenset({Script.TAMIL}),
    "te": frozenset({Script.TELUGU}),
    "ka": frozenset({Script.GEORGIAN}),
    "hy": frozenset({Script.ARMENIAN}),
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg"), frozenset({Script.CYRILLIC})),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ku", "ug"), frozenset({Script.ARABIC})),
    **dict.fromkeys(("hi", "mr", "ne"), frozenset({Script.DEVANAGARI})),
}
"""Scripts a language is written in. A language that is not named here is written in Latin letters."""

SPACELESS: Final = frozenset({"zh", "zh-Hant", "ja"})
"""Languages that put no space between sentences or words."""


def scripts_of(language: str) -> frozenset[Script]:
    """Scripts of a canonical language tag."""
    return SCRIPTS_OF.get(language, frozenset({Script.LATIN}))


def count(text: str) -> Counter[Script]:
    """Letters of `text` by script."""
    counted: Counter[Script] = Counter()
    if text.isascii():
        if letters := sum(map(str.isalpha, text)):
            counted[Script.LATIN] = letters
        return counted
    for match in _LETTER.finditer(text):
        assert match.lastgroup is not None
        counted[_NAMED[match.lastgroup]] += match.end() - match.start()
    return counted


def has_words(text: str) -> bool:
    """True when there is at least one letter of any script."""
    return _LETTER.search(text) is not None
