"""What this machine has and lacks, each with the way to mend it.

Each examination returns a `Finding` and never raises: a doctor who faints helps nobody. "lacking" is what keeps
Diqiucun from running, "poor" what it can live with. What other packages know (engine, translation packages) arrives
as arguments from the command line, which may import them.
"""

import os
import resource
import shutil
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import match
from typing import Final, Literal

from gateway.settings import PREFIX, Settings
from gateway.tokens import KeysInvalid, TokenKeys

PYTHON_MIN: Final = (3, 11)
FREE_BYTES_POOR: Final = 1 << 30
FREE_BYTES_LACKING: Final = 64 << 20
OPEN_FILES_POOR: Final = 4096
"""A connection is an open file."""

State = Literal["good", "poor", "lacking"]


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    state: State
    words: str
    remedy: str = ""


def examine_python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] >= PYTHON_MIN:
        return Finding("Python", "good", found)
    return Finding("Python", "lacking", f"{found} is too old", "Install Python 3.11 or newer.")


def examine_libraries() -> Finding:
    """Every library that Diqiucun says it needs is installed."""
    try:
        needed = [name for line in requires("diqiucun") or () if (name := _needed(line))]
    except PackageNotFoundError:
        return Finding("Libraries", "poor", "run from sources, not installed", "Run `make run`, or `pip install .`")
    missing = [name for name in needed if not _installed(name)]
    if missing:
        return Finding("Libraries", "lacking", f"missing: {', '.join(missing)}", "Run `make run`, or `pip install .`")
    return Finding("Libraries", "good", f"all {len(needed)} installed")


def examine_settings(unknown: Iterable[str]) -> Finding:
    lines = list(unknown)
    if lines:
        return Finding("Settings", "poor", " ".join(lines), "docs/settings.md lists what there is.")
    return Finding("Settings", "good", "all of them have a meaning")


def examine_data_dir(data_dir: Path) -> Finding:
    """The directory, or where it will be made, can be written and has room."""
    existing = data_dir
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "Data", "lacking", f"{existing} cannot be written", f"Set {PREFIX}DATA_DIR to a directory that can be."
        )
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(
            "Data", "lacking", f"{data_dir}: {error.strerror}", f"Set {PREFIX}DATA_DIR to another directory."
        )
    words = f"{data_dir} ({'there' if data_dir.exists() else 'will be made'}), {free / (1 << 30):.1f} GB free"
    state: State = "lacking" if free < FREE_BYTES_LACKING else "poor" if free < FREE_BYTES_POOR else "good"
    return Finding("Data", state, words, "" if state == "good" else "Free some disk space.")


def examine_keys(settings: Settings) -> Finding:
    path = settings.keys_path
    if not path.exists():
        if settings.may_make_keys:
            return Finding("Token keys", "good", "made at the first start")
        return Finding(
            "Token keys", "lacking", f"{path} does not exist", f"Set {PREFIX}TOKEN_KEYS_FILE to your key file."
        )
    try:
        TokenKeys.open(path, settings.audience)
    except KeysInvalid as invalid:
        return Finding("Token keys", "lacking", str(invalid), "Mend the file, or remove it to have new keys made.")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("Token keys", "poor", f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("Token keys", "good", str(path))


def examine_port(host: str, port: int, why_taken: str | None, *, by_us: bool) -> Finding:
    where = f"{host} port {port}"
    if why_taken is None:
        return Finding("Port", "good", f"{where} is free")
    if by_us:
        return Finding("Port", "good", f"{where} is in use by this Diqiucun, which runs")
    return Finding("Port", "lacking", f"{where} cannot be had", why_taken)


def examine_open_files() -> Finding:
    """A gateway takes all that the hard limit gives it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES_POOR:
        return Finding("Open files", "good", "enough for every connection")
    remedy = "`ulimit -Hn 65536` as the administrator, or LimitNOFILE in a systemd unit, lets more people in."
    return Finding("Open files", "poor", f"{hard} a process, so about {max(0, hard - 64)} people", remedy)


def examine_pair(source: str, target: str, packages: Iterable[tuple[str, bool]]) -> Finding:
    """`packages`: names of packages that serve the pair, and whether each is the starter."""
    what = f"{source} to {target}"
    found = list(packages)
    whole = [name for name, starter in found if not starter]
    remedy = f"`diqiucun models install {source}-{target}` (a download of about 100 MB)."
    if whole:
        return Finding(what, "good", whole[0])
    if found:
        return Finding(what, "poor", "only the small starter package: phrase-book quality", remedy)
    return Finding(what, "poor", "no package: readers see originals only", remedy)


def _needed(requirement: str) -> str | None:
    """The name of a requirement that holds here; extras are left out."""
    if "extra ==" in requirement:
        return None
    if "sys_platform != 'win32'" in requirement.replace('"', "'") and sys.platform == "win32":
        return None
    name = match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    return name.group() if name else None


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
