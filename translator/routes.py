"""How to get from one language to another with the packages there are. Pure.

Invariant: a route is a chain of steps whose languages join, and it is the best one there is: without the starter
before with it, one package before two, one the operator prefers before others, a local package before a server, the
newer version before the older. Chinese is one language in two scripts: a package for one script serves the other with
a conversion before or after it, which loses nothing a translator would have kept.

Where no package goes all the way, two do, through a third language (English, when there is a choice). Never three: each
leg adds its mistakes, and what is left after two is just enough. Readers are told: `Route.through` is the label.
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
    server: str = ""
    """Name of the server that translates ("libretranslate"); "" when the model is on this machine."""


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

    @property
    def through(self) -> str:
        """ "zh>en>es" for a route through a third language, else ""."""
        packages = self.packages
        if len(packages) < 2:
            return ""
        return ">".join((self.source, *(package.target for package in packages[:-1]), self.target))


def find(packages: Iterable[Package], source: str, target: str, prefer: Sequence[str] = ()) -> Route | None:
    """The best route, or None when no package serves it. Both tags canonical; `prefer` names packages, best first."""
    if source == target:
        return Route(source, target, ())
    if source in CHINESE and target in CHINESE:
        return Route(source, target, (Convert(source, target),))
    packages = tuple(packages)
    firsts = [package for package in packages if _joins(source, package.source)]
    lasts = [package for package in packages if _joins(package.target, target)]
    chains: list[tuple[Package, ...]] = [(package,) for package in firsts if _joins(package.target, target)]
    chains += [
        (first, last)
        for first in firsts
        for last in lasts
        if _joins(first.target, last.source) and not _joins(first.target, target) and not _joins(source, last.source)
    ]
    if not chains:
        return None
    best = max(chains, key=lambda chain: _worth(chain, source, target, prefer))
    return Route(source, target, _steps(best, source, target))


def reachable(packages: Sequence[Package], prefer: Sequence[str] = ()) -> tuple[Route, ...]:
    """Every route between two different languages these packages can serve, sorted."""
    tags = {tag for package in packages for tag in (package.source, package.target)} | set(CHINESE)
    found = (find(packages, source, target, prefer) for source in tags for target in tags if source != target)
    return tuple(sorted((route for route in found if route), key=lambda route: (route.source, route.target)))


def _joins(one: str, other: str) -> bool:
    return one == other or (one in CHINESE and other in CHINESE)


def _worth(chain: Sequence[Package], source: str, target: str, prefer: Sequence[str]) -> tuple[object, ...]:
    ranks = {name: len(prefer) - place for place, name in enumerate(prefer)}
    return (
        not any(package.starter for package in chain),
        -len(chain),
        sum(ranks.get(package.name, 0) for package in chain),
        not any(package.server for package in chain),
        chain[0].target == "en",
        -len(_steps(chain, source, target)),
        tuple(_version(package.version) for package in chain),
    )


def _steps(chain: Sequence[Package], source: str, target: str) -> tuple[Step, ...]:
    """The packages of `chain`, with a change of script wherever two ends are Chinese and differ."""
    steps: list[Step] = []
    here = source
    for package in chain:
        if package.source != here:
            steps.append(Convert(here, package.source))
        steps.append(Apply(package))
        here = package.target
    if here != target:
        steps.append(Convert(here, target))
    return tuple(steps)


def _version(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in regex.findall(r"\d{1,9}", version)[:6])
