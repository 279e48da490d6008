"""A report as one HTML file: figures, and charts as inline SVG. Pure, and nothing is fetched: it opens anywhere.

`chart` makes the pictures of docs/capacity.md too.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 30, 34
COLOURS: Final = ("#1f6f8b", "#c8553d", "#588b3a", "#7a5195", "#a68a00")

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


def ceiling(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ... at or above `value`."""
    step = 1e-6
    while True:
        for times in (1, 2, 5):
            if step * times >= value:
                return step * times
        step *= 10


def short(value: float) -> str:
    """As on an axis: 12k, 3.4, 0.05."""
    if value >= 1_000_000:
        return f"{value / 1e6:g}M"
    if value >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.3g}"


def charts(report: Mapping[str, Any]) -> list[str]:
    """The pictures of one report, in the order of its page."""
    seconds = report["seconds"]
    looks = [sample for sample in report["server"] if sample["stage"] != "walking in"]

    def percentiles(of: str) -> dict[str, list[tuple[float, float]]]:
        return {
            words: [(one["s"], one[of][key]) for one in seconds if one[of][key] is not None]
            for words, key in (("max", "max_ms"), ("p99", "p99_ms"), ("p50", "p50_ms"))
        }

    rates = {"deliveries": [(one["s"], float(one["deliveries"])) for one in seconds]}
    posts = {"posts acknowledged": [(one["s"], float(one["posts"])) for one in seconds]}
    roles = sorted({role for sample in looks for role in sample["processes"]})
    cpu = {role: [(max(0.0, s["at_s"]), s["processes"][role]["cpu"]) for s in looks] for role in roles}
    memory = {
        role: [(max(0.0, s["at_s"]), s["processes"][role]["resident_bytes"] / 2**20) for s in looks] for role in roles
    }
    joined = {
        "members": [
            (sample["at_s"] - report["server"][0]["at_s"], float(sample["joined"]))
            for sample in report["server"]
            if sample["stage"] == "walking in"
        ]
    }
    pictures = [
        ("Delivery latency, from the intended time of the post", "seconds", "ms", percentiles("delivery")),
        ("Time until acknowledged, from the intended time", "seconds", "ms", percentiles("ack")),
        ("Deliveries", "seconds", "per second", rates),
        ("Posts", "seconds", "per second", posts),
        ("Translation latency, from the intended time", "seconds", "ms", percentiles("translation")),
        ("Walking in", "seconds", "members", joined),
        ("Processors used by the server", "seconds", "processors", cpu),
        ("Memory of the server", "seconds", "MiB", memory),
    ]
    return [chart(*picture) for picture in pictures if any(picture[3].values())]


def page(report: Mapping[str, Any]) -> str:
    """The whole report as HTML."""
    good = not report["violations"]
    verdict = "Nothing was lost, doubled or reordered." if good else "Violations: " + "; ".join(report["violations"])
    figures = [(name, report[name]) for name in FIGURES if name in report]
    rows = "".join(
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{_cell(value)}</td></tr>" for name, value in figures
    )
    agreed = "".join(
        f"<tr><th>{escape(words)}</th><td>{pair['members']:,.0f}</td><td>{pair['server']:,.0f}</td></tr>"
        for words, pair in report["agreement"].items()
    )
    grew = "".join(
        f"<tr><th>{escape(name)}</th><td>{report['metrics_before'].get(name, 0):,.0f}</td><td>{value:,.0f}</td></tr>"
        for name, value in sorted(report["metrics_after"].items())
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Load test: {escape(report["name"])}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; color: #222 }}
.verdict {{ padding: .6rem 1rem; border-left: 6px solid {"#588b3a" if good else "#c8553d"}; background: #f6f6f4 }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 1rem }}
svg {{ width: 100%; border: 1px solid #e4e4e0 }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ text-align: left; padding: .15rem .9rem .15rem 0; border-bottom: 1px solid #eee; font-weight: normal }}
td {{ font-variant-numeric: tabular-nums }}
</style>
<h1>Load test: {escape(report["name"])}</h1>
<p>{escape(report["scenario"]["words"])}. Seed {report["seed"]}, run {escape(report["run"])}.</p>
<p class="verdict">{escape(verdict)}</p>
<table>{rows}</table>
<div class="charts">{"".join(charts(report))}</div>
<h2>Members and server agree?</h2>
<table><tr><th></th><td>members counted</td><td>server counted</td></tr>{agreed}</table>
<details><summary>/metrics before and after</summary><table>{grew}</table></details>
</html>
"""


FIGURES: Final = (
    *("readers", "joined", "sent", "acknowledged", "delivered", "deliveries_per_s", "posts_per_s"),
    *("lost", "doubled", "reordered", "unrecovered", "dropped", "resumed", "slow_closed"),
    *("connect", "join", "ack", "delivery", "translation", "reconnect", "resume", "send_lag"),
    *("refused", "failed_connects", "untranslated"),
)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return escape("  ".join(f"{name.replace('_ms', '')} {one}" for name, one in value.items() if one is not None))
    return escape(f"{value:,}" if isinstance(value, int | float) else str(value))


def table(report: Mapping[str, Any]) -> str:
    """The same figures for a terminal."""
    lines = []
    for name in FIGURES:
        value = report.get(name)
        if value in (None, {}, 0) and name not in ("lost", "doubled", "reordered"):
            continue
        if isinstance(value, dict) and value.get("count") == 0:
            continue
        shown = "  ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else f"{value:,}"
        lines.append(f"  {name:<18} {shown}")
    for words, pair in report["agreement"].items():
        lines.append(f"  {words:<18} members {pair['members']:,.0f}  server {pair['server']:,.0f}")
    lines += [f"  VIOLATION          {what}" for what in report["violations"]]
    return "\n".join(lines)
