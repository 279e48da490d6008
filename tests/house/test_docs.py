"""What the documents tell people to type and to open exists."""

import re
from pathlib import Path

import pytest
import typer

from gateway.cli.commands import cli
from tests.house.sources import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
TYPED = re.compile(r"(?:`|^|\s)(?:\.venv/bin/)?(make|diqiucun) ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def _code(page: Path) -> list[str]:
    """Inline code and code blocks: prose may say "make sure"."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))]


@pages
def test_a_command_that_a_page_names_exists(page: Path):
    command = typer.main.get_command(cli)
    assert hasattr(command, "commands")
    for code in _code(page):
        for program, word, next_word in TYPED.findall(code):
            if program == "make":
                assert word in TARGETS, f"{page.name}: make {word}"
                continue
            assert word in command.commands, f"{page.name}: diqiucun {word}"
            group = getattr(command.commands[word], "commands", None)
            assert not group or not next_word or next_word in group, f"{page.name}: diqiucun {word} {next_word}"


@pages
def test_a_link_to_our_own_files_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_begins_with_what_a_newcomer_needs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    order = [
        "docs/images/two-phones.png",
        "make run",
        "make test",
        "## What you see",
        "## How it works",
        "docs/house.md",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_file_that_the_tour_names_exists():
    tour = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:chat|gateway|translator|tests|docs)/[\w/.-]+)`", tour):
        assert (ROOT / name).exists(), name
