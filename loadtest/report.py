"""A report as one HTML file: figures, and charts as inline SVG. Pure, and nothing is fetched: it opens anywhere."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from loadtest.pictures import chart


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
