"""How to get from one language to another with the packages there are. Pure.

Invariant: a route is a chain of steps whose languages join, and its package is the best one there is: an installed
Argos package before the starter, the newer version before the older. Chinese is one language in two scripts: a
package for one script serves the other with a conversion before or after it, which loses nothing a translator would
have kept.

Direct packages only, so far. A route through a third language is one more pair of steps for `find`, no new idea for
anyone who walks the steps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import regex

CHINESE: Final = ("zh", "zh-Hant")


@dataclass(frozen=True, slots=True)
class Package:
    """A translation package on this machine. Languages are canonical tags."""

    name: str
    """Its folder, unique in one store: "translate-en_zh-1_9"."""
    version: str
    source: str
    target: str
    model: Path
    """Directory of the CTranslate2 model. Two packages may share one."""
    tokenizer: Path
    """sentencepiece.model or bpe.model."""
    source_code: str
    target_code: str
    """The languages as the package itself spells them ("zt" for Traditional Chinese)."""
    target_prefix: str = ""
    """First target token that tells a model of several languages which one to write; "" for none."""
    starter: bool = False


@dataclass(frozen=True, slots=True)
class Convert:
    """From one Chinese script to the other, without an engine."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Translate with a package."""

    package: Package

    @property
    def source(self) -> str:
        return self.package.source

    @property
    def target(self) -> str:
        return self.package.target


Step = Convert | Apply


@dataclass(frozen=True, slots=True)
class Route:
    """How `source` becomes `target`. No steps: they are the same."""

    source: str
    target: str
    steps: tuple[Step, ...]

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages on the way, in order; empty for a mere conversion of script."""
        return tuple(step.package for step in self.steps if isinstance(step, Apply))

    @property
    def starter(self) -> bool:
        """True when the small built-in package has a part in it."""
        return any(package.starter for package in self.packages)


def find(packages: Iterable[Package], source: str, target: str) -> Route | None:
    """The best route, or None when no package serves it. Both tags canonical."""
    if source == target:
        return Route(source, target, ())
    if source in CHINESE and target in CHINESE:
        return Route(source, target, (Convert(source, target),))
    best: tuple[tuple[int, int, tuple[int, ...]], Route] | None = None
    for package in packages:
        steps = _steps(package, source, target)
        if steps is None:
            continue
        worth = (not package.starter, -len(steps), _version(package.version))
        if best is None or worth > best[0]:
            best = (worth, Route(source, target, steps))
    return best[1] if best else None


def reachable(packages: Sequence[Package]) -> tuple[Route, ...]:
    """Every route between two different languages these packages can serve, sorted."""
    tags = {tag for package in packages for tag in (package.source, package.target)} | set(CHINESE)
    found = (find(packages, source, target) for source in tags for target in tags if source != target)
    return tuple(sorted((route for route in found if route), key=lambda route: (route.source, route.target)))


def _steps(package: Package, source: str, target: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    if package.source != source:
        if not (package.source in CHINESE and source in CHINESE):
            return None
        steps.append(Convert(source, package.source))
    steps.append(Apply(package))
    if package.target != target:
        if not (package.target in CHINESE and target in CHINESE):
            return None
        steps.append(Convert(package.target, target))
    return tuple(steps)


def _version(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in regex.findall(r"\d{1,9}", version)[:6])
