"""The picture of a name card: a square in the manner of a seal, in both languages, as SVG. Pure.

Invariant: nothing is fetched and nothing runs. Fonts are stacks of what devices have, every text is escaped and its
length bounded by the types of the log, so the picture is safe wherever an <img> is. A PNG would need a Chinese font of
some megabytes on the server; a browser draws this one on a canvas with the fonts it has.
"""

from html import escape
from typing import Final

from chat.events import GivenTo

SIZE: Final = 640
_HAN_FONTS: Final = "'Noto Serif CJK SC','Songti SC','STSong','SimSun','Noto Sans CJK SC','PingFang SC',serif"
_FONTS: Final = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC','Noto Sans CJK SC',sans-serif"
_RED, _PAPER, _INK, _SOFT = "#b3261e", "#fbf6ec", "#2b2320", "#6d5f57"
_SUBTITLE_CHARS_MAX: Final = 46


def card_svg(display: str, name: GivenTo, room: str, given_on: str) -> str:
    """A member who came in as `display`, with one of their names, given in `room` on `given_on` ("2026-01-14")."""
    giver = name.given_by_name
    from_en = f"given by {giver} in {room}, {given_on}" if giver else f"in {room}, {given_on}"
    from_zh = f"{giver} 取于 {room}" if giver else room
    lines = [
        _line(display, 84, 30, _SOFT),
        *_seal(name),
        _line(name.meaning_en, 470, 24, _INK),
        _line(name.meaning_zh, 506, 24, _INK),
        _line(from_zh, 566, 20, _SOFT),
        _line(from_en, 596, 20, _SOFT),
    ]
    title = escape(f"{name.text} · {display}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}" '
        f'role="img" aria-label="{escape(title, quote=True)}"><title>{title}</title>'
        f'<rect width="{SIZE}" height="{SIZE}" rx="28" fill="{_PAPER}"/>'
        f'<rect x="14" y="14" width="{SIZE - 28}" height="{SIZE - 28}" rx="20" fill="none" stroke="{_RED}" '
        f'stroke-width="3"/>{"".join(lines)}</svg>'
    )


def _seal(name: GivenTo) -> list[str]:
    """The name in white on red; of a Chinese one each part with its reading and meaning below."""
    middle = SIZE / 2
    if name.script == "latin" or not name.glosses:
        size = min(96.0, 900 / max(1, len(name.text)))
        parts = [_text(name.text, middle, 290, size, "#ffffff", _FONTS)]
        parts.append(_text(name.respelling or name.romanisation, middle, 405, 26, _INK, _FONTS))
        width = 460.0
    else:
        width = min(540.0, 150.0 * len(name.glosses))
        step = width / len(name.glosses)
        parts = []
        for at, gloss in enumerate(name.glosses):
            x = middle - width / 2 + step * (at + 0.5)
            size = min(110.0, step * 0.8 / max(1, len(gloss.char)))
            parts.append(_text(gloss.char, x, 270, size, "#ffffff", _HAN_FONTS))
            parts.append(_text(gloss.reading, x, 390, 28, _INK, _FONTS))
            parts.append(_text(_cut(gloss.en, 18), x, 420, 15, _SOFT, _FONTS))
    x = middle - width / 2 - 14
    return [f'<rect x="{x:g}" y="130" width="{width + 28:g}" height="210" rx="16" fill="{_RED}"/>', *parts]


def _line(text: str, y: float, size: float, colour: str) -> str:
    return _text(_cut(text, _SUBTITLE_CHARS_MAX), SIZE / 2, y, size, colour, _FONTS)


def _text(text: str, x: float, y: float, size: float, colour: str, fonts: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="middle" '
        f'font-family="{fonts}">{escape(text)}</text>'
    )


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
