"""What operators copy: container files, Makefile, CI script and documents name only what there is."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
import yaml

from gateway.api import OPERATIONS
from gateway.cli.commands import cli
from gateway.http import API_PREFIX, PROBLEMS
from gateway.settings import CONFIG_VARIABLE, ELSEWHERE, OF_TRANSLATORS, PREFIX, Settings

ROOT: Final = Path(__file__).parents[2]
VARIABLES: Final = {PREFIX + name.upper() for name in (*Settings.model_fields, *OF_TRANSLATORS)} | ELSEWHERE
COMMANDS: Final = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]  # typer makes a group of it
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
INSTRUCTIONS: Final = set(
    "FROM WORKDIR RUN COPY ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split()  # noqa: SIM905
)


def dockerfile() -> list[tuple[str, str]]:
    """(instruction, rest), continuation lines joined, comments left out."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip()]
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in lines]


@pytest.mark.parametrize(
    "name",
    ["Dockerfile", "compose.yaml", "Makefile", ".ci/run", "docs/deploy.md", "docs/rest.md", "docs/settings.md"],
)
def test_only_settings_that_there_are_are_named(name: str) -> None:
    assert set(re.findall(r"DIQIUCUN_[A-Z_]*[A-Z]", (ROOT / name).read_text("utf-8"))) <= VARIABLES | {CONFIG_VARIABLE}


@pytest.mark.parametrize("name", ["Makefile", "docs/deploy.md", "docs/rest.md"])
def test_only_commands_that_there_are_are_named(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    named = set(re.findall(r"(?:`|/|\$\()diqiucun ([a-z]+)", text))
    assert named
    assert named <= COMMANDS


def test_the_dockerfile_is_read_and_its_commands_are_lists() -> None:
    lines = dockerfile()
    assert {instruction for instruction, _ in lines} <= INSTRUCTIONS
    for instruction, rest in lines:
        if instruction in ("CMD", "ENTRYPOINT", "VOLUME"):
            assert all(isinstance(word, str) for word in json.loads(rest)), rest
    entry = [json.loads(rest) for instruction, rest in lines if instruction == "ENTRYPOINT"]
    command = [json.loads(rest) for instruction, rest in lines if instruction == "CMD"]
    assert entry == [["diqiucun"]]
    assert command[0][0] in COMMANDS


def test_the_health_check_is_a_list_and_valid_python_that_asks_readyz() -> None:
    (rest,) = [rest for instruction, rest in dockerfile() if instruction == "HEALTHCHECK"]
    check = json.loads(rest.partition("CMD ")[2])
    assert check[:2] == ["python", "-c"]
    compile(check[2], "healthcheck", "exec")
    assert "/readyz" in check[2]


def test_the_image_does_not_run_as_root_and_its_bases_have_versions() -> None:
    lines = dockerfile()
    last_stage = lines[max(place for place, (instruction, _) in enumerate(lines) if instruction == "FROM") :]
    assert [rest for instruction, rest in last_stage if instruction == "USER"] == ["diqiucun"]
    bases = [rest.split()[0] for instruction, rest in lines if instruction == "FROM"]
    images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]
    assert all(re.search(r":v?\d", image) for image in (*bases, *images))


def test_what_the_dockerfile_copies_is_there_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for instruction, rest in dockerfile():
        if instruction == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert source in kept, source
                assert (ROOT / source).exists(), source


@pytest.mark.parametrize("name", list(COMPOSE["services"]))
def test_services_run_commands_and_mount_volumes_that_there_are(name: str) -> None:
    service = COMPOSE["services"][name]
    if "build" in service:
        assert service["command"][0] in COMMANDS
        assert set(service["environment"]) <= VARIABLES
    for volume in service.get("volumes", ()):
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    for config in service.get("configs", ()):
        assert config["source"] in COMPOSE["configs"]
    for needed, how in service.get("depends_on", {}).items():
        other = COMPOSE["services"][needed]
        has_check = "healthcheck" in other or "build" in other
        assert how["condition"] != "service_healthy" or has_check


def test_compose_has_two_of_what_must_not_be_alone() -> None:
    assert COMPOSE["services"]["gateway"]["deploy"]["replicas"] == 2
    assert COMPOSE["services"]["translator"]["deploy"]["replicas"] == 2


def test_compose_forwards_to_the_port_of_the_image() -> None:
    (exposed,) = [rest for instruction, rest in dockerfile() if instruction == "EXPOSE"]
    assert f"dynamic a gateway {exposed}" in COMPOSE["configs"]["caddyfile"]["content"]


def test_every_operation_is_in_the_document_and_nothing_else() -> None:
    text = (ROOT / "docs" / "rest.md").read_text("utf-8")
    named = set(re.findall(r"`(GET|POST|PUT|DELETE) (/api/v1[^`?]*)[^`]*`", text))
    assert named == {(operation.method, API_PREFIX + operation.path) for operation in OPERATIONS}
    assert all(f"`{code}`" in text for code in PROBLEMS)


def test_scripts_are_executable_and_valid() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert script.read_text("utf-8").splitlines()[:5].count("set -euo pipefail") == 1


def test_make_alone_lists_every_command() -> None:
    made = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)
    assert set(re.findall(r"(?m)^  make ([a-z-]+)", made.stdout)) == set(phony.split())


def test_the_licence_is_the_one_the_package_names() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text("utf-8")
