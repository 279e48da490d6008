"""Punctuation as the reader's language writes it: full-width beside Han, half-width in the rest. Pure.

Invariant: letters and digits are never changed, and numbers (3.5, 12:30, 1,000), domain names and spans of Latin
words keep their own marks. The models are trained on text that writes 你好! and 你好！ alike, so the form cannot be
left to them. Source: GB/T 15834-2011 (use of punctuation marks), W3C "Requirements for Chinese Text Layout", section
3.1.
"""

from typing import Final

import regex

from translator.scripts import SPACELESS, WIDE

_FULL: Final = {",": "，", ".": "。", "!": "！", "?": "？", ":": "：", ";": "；", "(": "（", ")": "）"}
_HALF: Final = {full: half for half, full in _FULL.items()} | {
    "、": ",",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "「": '"',
    "」": '"',
    "『": '"',
    "』": '"',
    "《": '"',
    "》": '"',
    "【": "[",
    "】": "]",
    "～": "~",
    "—": "-",
    "…": "...",
    "\u3000": " ",
}

_WIDE_MARK: Final = r"[，。！？：；（）、“”「」『』《》…]"
_DOTS: Final = regex.compile(rf"(?<={WIDE}|{_WIDE_MARK}) *(?:\.{{3,}}|…+)")
_AFTER_WIDE: Final = regex.compile(rf"(?<={WIDE}|[，。！？：；）”」』》…]) ?([,!?;:]|\.(?!\w))(?!//) *")
_BEFORE_WIDE: Final = regex.compile(rf"(?<=[\w)%]) ?([,!?;:])(?!//) *(?={WIDE}|[（“「『《])")
_LAST_STOP: Final = regex.compile(r"(?<=\w) ?([.!?;])(?=$|\n)")
_BRACKETS: Final = regex.compile(rf" ?\(((?:[^()\n]*{WIDE}[^()\n]*))\) ?")
_QUOTED: Final = regex.compile(rf'"((?:[^"\n]*{WIDE}[^"\n]*))"')
_WIDE_SPACE: Final = regex.compile(rf"(?<={WIDE}|{_WIDE_MARK}) +(?={WIDE}|{_WIDE_MARK})")
_CLOSING_SPACE: Final = regex.compile(r"(?<=[，。！？：；）、]) +(?=\S)")
_HAS_WIDE: Final = regex.compile(WIDE)
_WIDE_ANY: Final = regex.compile("[" + regex.escape("".join(_HALF)) + "]+")
_GLUE_MARK: Final = regex.compile(r"([,!?:;]|(?<!\.)\.(?![.\w]))(?=\s|$)\s*")
_FULL_STOP: Final = regex.compile(r"(?<![.。])[.。]\s*\Z")
_STOPPED: Final = regex.compile(r"(?<![.!?…。！？～~])[.!?…。！？～~]++[\"'”’」』）)]*+\s*\Z")


def full_width(text: str) -> str:
    """`text` with full-width marks next to Han and kana. Text without either is returned unchanged."""
    if not _HAS_WIDE.search(text):
        return text
    text = _BRACKETS.sub(r"（\1）", text)
    text = _QUOTED.sub(r"“\1”", text)
    text = _DOTS.sub("……", text)
    previous = None
    while previous != text:  # each pass may put a full-width mark beside the next half-width one: "好!?"
        previous = text
        text = _AFTER_WIDE.sub(lambda found: _FULL[found[1]], text)
    text = _BEFORE_WIDE.sub(lambda found: _FULL[found[1]], text)
    text = _LAST_STOP.sub(lambda found: _FULL[found[1]], text)
    text = _WIDE_SPACE.sub("", text)
    return str(_CLOSING_SPACE.sub("", text))


def half_width(text: str) -> str:
    """`text` with half-width marks, and a space after a mark that ended a clause without one."""

    if text.isascii():
        return text

    def narrowed(found: "regex.Match[str]") -> str:
        marks = "".join(_HALF[mark] for mark in found[0])
        following = text[found.end() : found.end() + 1]
        if marks[-1] in ",.!?:;)" and following and following.isalnum():
            marks += " "
        if marks[0] == "(" and found.start() and text[found.start() - 1].isalnum():
            marks = " " + marks
        return marks

    return str(_WIDE_ANY.sub(narrowed, text))


def dress(text: str, language: str) -> str:
    """`text`, an engine's output in `language`, with that language's marks."""
    return full_width(text) if language in SPACELESS else half_width(text)


def dress_glue(text: str, language: str) -> str:
    """Marks that stand between protected spans ("@Bob: " -> "@Bob："). Brackets stay as they are: next to a URL a
    full-width one would be taken for a part of it by other programs."""
    if language not in SPACELESS:
        return half_width(text)
    return str(_GLUE_MARK.sub(lambda found: _FULL[found[1]], text))


def ends_sentence(text: str) -> bool:
    """True when `text` ends with a mark that ends a sentence."""
    return _STOPPED.search(text) is not None


def without_stop(text: str) -> str:
    """`text` without one final full stop (not ! or ?, which carry meaning). For sentences whose source had none."""
    return str(_FULL_STOP.sub("", text))
