"""The picture of a name card: a square in the manner of a seal, in both languages, as SVG. Pure.

Invariant: nothing is fetched and nothing runs. Fonts are stacks of what devices have, every text is escaped and its
length bounded by the types of the log, so the picture is safe wherever an <img> is. `gateway/picture.py` draws it with
the fonts of the server, browsers with those they have.
"""

import re
from html import escape
from textwrap import wrap
from typing import Final

from chat.events import GivenTo

SIZE: Final = 640
HAN_FONTS: Final = (
    "'Noto Serif CJK SC','Songti SC','STSong','SimSun','Noto Sans CJK SC','PingFang SC','Source Han Sans SC',"
    "'WenQuanYi Micro Hei','WenQuanYi Zen Hei','Droid Sans Fallback',serif"
)
_FONTS: Final = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC','Noto Sans CJK SC','Source Han Sans SC',"
    "'WenQuanYi Micro Hei','WenQuanYi Zen Hei','Droid Sans Fallback',sans-serif"
)
_RED, _PAPER, _INK, _SOFT = "#b3261e", "#fbf6ec", "#2b2320", "#6d5f57"
_SUBTITLE_CHARS_MAX: Final = 46
_GLOSS_CHARS: Final = 17
_GLOSS_ROWS: Final = 2
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def card_svg(display: str, name: GivenTo, room: str, given_on: str) -> str:
    """A member who came in as `display`, with one of their names, given in `room` on `given_on` ("2026-01-14")."""
    giver = name.given_by_name
    here_zh, here_en = _halves(room)
    year, month, day = map(int, given_on.split("-"))
    on_zh, on_en = f"{year}年{month}月{day}日", f"{day} {_MONTHS[month - 1]} {year}"
    from_en = f"given by {giver} in {here_en}, {on_en}" if giver else f"in {here_en}, {on_en}"
    from_zh = f"{giver} 起于{here_zh}，{on_zh}" if giver else f"{here_zh}，{on_zh}"
    lines = [
        _line(display, 84, 30, _SOFT),
        *_seal(name),
        _line(name.meaning_zh, 488, 24, _INK),
        _line(name.meaning_en, 522, 22, _INK),
        _line(from_zh, 570, 19, _SOFT),
        _line(from_en, 598, 19, _SOFT),
    ]
    title = escape(f"{name.text} · {display}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}" '
        f'role="img" aria-label="{title}"><title>{title}</title>'
        f'<rect width="{SIZE}" height="{SIZE}" rx="28" fill="{_PAPER}"/>'
        f'<rect x="14" y="14" width="{SIZE - 28}" height="{SIZE - 28}" rx="20" fill="none" stroke="{_RED}" '
        f'stroke-width="3"/>{"".join(lines)}</svg>'
    )


def _seal(name: GivenTo) -> list[str]:
    """The name in white on red; of a Chinese one each part with its reading and meaning below."""
    middle = SIZE / 2
    if name.script == "latin" or not name.glosses:
        size = min(96.0, 900 / max(1, len(name.text)))
        parts = [_text(name.text, middle, 235 + size * 0.35, size, "#ffffff", HAN_FONTS, bold=True)]
        parts.append(_text(name.respelling or name.romanisation, middle, 405, 26, _INK, _FONTS))
        width = 460.0
    else:
        width = min(540.0, 150.0 * len(name.glosses))
        step = width / len(name.glosses)
        parts = []
        for at, gloss in enumerate(name.glosses):
            x = middle - width / 2 + step * (at + 0.5)
            size = min(110.0, step * 0.8 / max(1, len(gloss.char)))
            parts.append(_text(gloss.char, x, 274, size, "#ffffff", HAN_FONTS, bold=True))
            parts.append(_text(gloss.reading, x, 384, 28, _INK, _FONTS))
            rows = wrap(gloss.en, _GLOSS_CHARS, max_lines=_GLOSS_ROWS, placeholder="…", break_on_hyphens=False)
            parts += [_text(words, x, 411 + 19 * row, 15, _SOFT, _FONTS) for row, words in enumerate(rows)]
    x, width = middle - width / 2 - 14, width + 28
    return [
        f'<rect x="{x:g}" y="130" width="{width:g}" height="210" rx="16" fill="{_RED}"/>',
        f'<rect x="{x + 9:g}" y="139" width="{width - 18:g}" height="192" rx="10" fill="none" stroke="#ffffff" '
        f'stroke-opacity="0.75" stroke-width="2.5"/>',
        *parts,
    ]


def _halves(room: str) -> tuple[str, str]:
    """A title in two languages ("地球村 · Global Village") for readers of Chinese and for all others."""
    halves = [half for half in re.split(r"\s*[·|/]\s*", room) if half]
    if len(halves) == 2 and bool(_HAN.search(halves[0])) != bool(_HAN.search(halves[1])):
        first, second = sorted(halves, key=lambda half: not _HAN.search(half))
        return first, second
    return room, room


def _line(text: str, y: float, size: float, colour: str) -> str:
    return _text(_cut(text, _SUBTITLE_CHARS_MAX), SIZE / 2, y, size, colour, _FONTS)


def _text(text: str, x: float, y: float, size: float, colour: str, fonts: str, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"{weight} fill="{colour}" text-anchor="middle" '
        f'font-family="{fonts}">{escape(text)}</text>'
    )


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
