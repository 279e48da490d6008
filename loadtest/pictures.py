"""Pictures as self-contained SVG, on white so that they read on light and dark pages. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 30, 34
COLOURS: Final = ("#1f6f8b", "#c8553d", "#588b3a", "#7a5195", "#a68a00")
STRONG, GREY, PALE = "#c8102e", "#888", "#9fb4cc"
"""Colours of bars."""
NAMES_WIDTH, BARS_WIDTH, BAR_HEIGHT, ROW = 330, 420, 22, 30

Series = Mapping[str, Sequence[tuple[float, float]]]


def chart(title: str, x_words: str, y_words: str, series: Series) -> str:
    """Lines over one pair of axes from 0, as a self-contained SVG. Series without points are left out."""
    lines = {name: points for name, points in series.items() if points}
    x_max = max((x for points in lines.values() for x, _ in points), default=1.0) or 1.0
    y_max = ceiling(max((y for points in lines.values() for _, y in points), default=1.0))

    def place(x: float, y: float) -> str:
        return (
            f"{LEFT + x / x_max * (WIDTH - LEFT - RIGHT):.1f},"
            f"{HEIGHT - BOTTOM - y / y_max * (HEIGHT - TOP - BOTTOM):.1f}"
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="11"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="600" fill="#222">{escape(title)}</text>'
    ]
    for step in range(5):
        y = y_max * step / 4
        at = place(0, y).split(",")[1]
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{float(at) + 4:.1f}" text-anchor="end" fill="#555">{short(y)}</text>'
        )
        x = x_max * step / 4
        parts.append(
            f'<text x="{place(x, 0).split(",")[0]}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle" '
            f'fill="#555">{short(x)}</text>'
        )
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end" fill="#555">{escape(x_words)}</text>'
        f'<text x="6" y="{TOP - 2}" fill="#555">{escape(y_words)}</text>'
    )
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        joined = " ".join(place(x, y) for x, y in points)
        if len(points) == 1:
            across, _, down = joined.partition(",")
            parts.append(f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>')
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT}" y="{16 + number * 13}" text-anchor="end" fill="{colour}">{escape(name)}</text>'
        )
    return "".join(parts) + "</svg>\n"


def bars(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar for each (name, value, colour), in the order given, with its value behind it. At least one row."""
    longest = max(value for _, value, _ in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{NAMES_WIDTH + BARS_WIDTH + 70}" '
        f'height="{ROW * len(rows) + 50}" font-family="system-ui, sans-serif" font-size="14">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="10" y="24" font-weight="600" fill="#222">{escape(title)}</text>',
    ]
    for number, (name, value, colour) in enumerate(rows):
        y, long = 40 + ROW * number, round(BARS_WIDTH * value / longest)
        at = f'y="{y + 16}"'
        parts.append(f'<text x="{NAMES_WIDTH - 10}" {at} text-anchor="end" fill="#222">{escape(name)}</text>')
        parts.append(f'<rect x="{NAMES_WIDTH}" y="{y}" width="{long}" height="{BAR_HEIGHT}" fill="{colour}"/>')
        parts.append(f'<text x="{NAMES_WIDTH + long + 6}" {at} fill="#222">{value:.3g}</text>')
    return "\n".join([*parts, "</svg>", ""])


def ceiling(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ... at or above `value`."""
    step = 1e-6
    while True:
        for times in (1, 2, 5):
            if step * times >= value:
                return step * times
        step *= 10


def short(value: float) -> str:
    """As on an axis: 12k, 3,750, 3.4, 0.05."""
    if value >= 1_000_000:
        return f"{value / 1e6:g}M"
    if value >= 10_000:
        return f"{value / 1000:g}k"
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
