"""The result as one HTML page that opens anywhere."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from loadtest.pictures import chart

APART: Final = frozenset({"seconds", "violations", "met", "plan"})
"""Shown otherwise than as a row of the table."""


def page(found: Mapping[str, Any]) -> str:
    """`found`: the figures of `verdict.judged` and `course.evening_of`."""
    seconds = found["seconds"]
    pictures = [
        chart(
            "Delivery latency, from the intended time of the message",
            "seconds",
            "ms",
            {name: [(one["s"], one[f"{name}_ms"] or 0.0) for one in seconds] for name in ("p99", "p50")},
        ),
        chart(
            "Deliveries", "seconds", "per second", {"deliveries": [(one["s"], float(one["count"])) for one in seconds]}
        ),
    ]
    verdict = "Everything that must arrive arrived." if found["met"] else "; ".join(found["violations"])
    figures = "".join(
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(json.dumps(value, ensure_ascii=False))}</td></tr>"
        for name, value in found.items()
        if name not in APART
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>An evening with thousands</title><style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:60rem;"
        "padding:0 1rem}svg{width:100%}th{text-align:left;font-weight:normal;padding-right:1rem;vertical-align:top}"
        f".v{{padding:.6rem 1rem;border-left:6px solid {'#588b3a' if found['met'] else '#c8553d'};background:#f6f6f4}}"
        f"</style><h1>{found['plan']['people']:,} people in one room</h1><p class=v>{escape(verdict)}</p>"
        f"{''.join(pictures)}<table>{figures}</table></html>\n"
    )
