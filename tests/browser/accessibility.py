"""Axe on a page as it stands: what it finds serious or critical there."""

import subprocess
from functools import cache
from typing import Any

from tests.browser.conftest import BUILD, Phone


@cache
def _axe_source() -> str:
    script = BUILD / "npm" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        script.parents[2].mkdir(parents=True, exist_ok=True)
        (BUILD / "npm" / "package.json").write_text("{}")  # without one npm looks for a project in the folders above
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(BUILD / "npm"), "axe-core@4"]
        told = subprocess.run(command, check=True, capture_output=True, timeout=120)
        assert script.exists(), told.stdout.decode() + told.stderr.decode()
    return script.read_text(encoding="utf-8")


def violations(phone: Phone) -> list[Any]:
    """Each with its rule and up to three elements; empty where all is well."""
    if not phone.page.evaluate("Boolean(window.axe)"):
        phone.page.evaluate(_axe_source())
    found: list[Any] = phone.page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
             .filter((one) => one.impact === 'serious' || one.impact === 'critical')
             .map((one) => [one.id, one.nodes.slice(0, 3).map((node) => [node.html, node.failureSummary])])"""
    )
    return found
