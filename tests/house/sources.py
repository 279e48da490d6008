"""The sources of the house as the house tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("chat", "gateway", "translator", "loadtest")
STRANGERS = ROOT / "loadtest" / "bench" / "peers"
"""Programs we are compared with. They are no modules of ours and run in an environment of their own."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.is_relative_to(STRANGERS):
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(name: str) -> Iterator[str]:
    """Dotted names of what a module imports, anywhere in it; members of packages of ours as modules."""
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [dotted for dotted in inside if dotted in modules()] or [node.module]


@cache
def tracked() -> list[Path]:
    """Files of the repository, those not yet committed included; everything, where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        folders = [ROOT / folder for folder in (*PACKAGES, "tests", "docs")]
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()] + list(ROOT.glob("*.*"))
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
