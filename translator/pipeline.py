"""One text into one language: route, mask, split, translate, dress, guard, unmask. The order is the whole idea.

Invariant: the outcome is a `Translation` in which every protected span of the source stands exactly as often as
there, or a `Refusal` with its reason; never a guess passed off as a translation, never an exception for what a text
contains. A sentence the guard doubts is tried once more with a wider search that forbids loops; what is doubtful then
is refused whole, because a message with one invented sentence in it misleads more than the original does.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import regex

from translator import guard, masking, routes
from translator.chinese import convert, converter_name
from translator.detect import Detection, detect
from translator.engine import FIRST, SECOND, Engine, EngineFailed, Search
from translator.guard import Doubt
from translator.lanes import Lanes, Overloaded, TooLate
from translator.phrases import Phrases
from translator.punctuation import dress, ends_sentence, without_stop
from translator.routes import Apply, Convert, Package, Route
from translator.scripts import SPACELESS, has_words
from translator.sentences import split


class Why(StrEnum):
    """Why there is no translation. Part of the protocol (`Untranslated.reason`): add, never rename."""

    NO_PACKAGE = "no_package"
    DOUBTFUL = "doubtful"
    TOO_LATE = "too_late"
    OVERLOAD = "overload"
    NAMES_LOST = "names_lost"
    ENGINE_FAILED = "engine_failed"
    NOTHING_TO_TRANSLATE = "nothing_to_translate"


@dataclass(frozen=True, slots=True)
class Translation:
    """`text` in the language asked for, and who made it."""

    text: str
    source: str
    engine: str
    package: str
    version: str
    starter: bool
    """The small built-in package had a part in it: phrase-book quality."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No translation, and why. `detail` is for logs and counters: the doubt, the lost span, the engine's words."""

    why: Why
    source: str
    detail: str = ""


_PARTED: Final = frozenset(",.!?;:…~，。！？；：、～-—\"'”’」』)）")
_ALONE: Final = regex.compile(r"\bi\b")


class _Doubtful(Exception):
    def __init__(self, found: Doubt) -> None:
        super().__init__(found.value)
        self.found = found


class Pipeline:
    """Shared by all jobs of a process. `lanes` must be entered; `use` replaces the packages at any time."""

    def __init__(
        self,
        engine: Engine,
        lanes: Lanes,
        packages: Sequence[Package] = (),
        *,
        first: Search = FIRST,
        second: Search = SECOND,
        phrases: Phrases | None = None,
    ) -> None:
        self._engine = engine
        self._lanes = lanes
        self._packages = tuple(packages)
        self._first = first
        self._second = second
        self._phrases = phrases if phrases is not None else Phrases.of_starter()
        self._translated = 0
        self._retried = 0
        self._refused: Counter[str] = Counter()
        self._doubted: Counter[str] = Counter()

    @property
    def packages(self) -> tuple[Package, ...]:
        return self._packages

    def use(self, packages: Sequence[Package]) -> None:
        """From now on route over these packages."""
        self._packages = tuple(packages)

    def routes(self) -> tuple[Route, ...]:
        """Every translation that can be made now."""
        return routes.reachable(self._packages)

    def detect(self, text: str, candidates: Iterable[str] = (), mentions: Iterable[str] = ()) -> Detection:
        """The language of `text`: `candidates` (the room's, likeliest first), then whatever a package can read."""
        readable = (package.source for package in self._packages)
        return detect(text, tuple(dict.fromkeys((*candidates, *readable))), mentions)

    async def translate(
        self,
        text: str,
        source: str,
        target: str,
        *,
        deadline: float,
        mentions: Iterable[str] = (),
        priority: int = 0,
    ) -> Translation | Refusal:
        """`text` in `target`. Tags canonical; `deadline` on the running loop's clock; lower priority goes first."""
        outcome = await self._outcome(text, source, target, tuple(mentions), deadline, priority)
        match outcome:
            case Translation():
                self._translated += 1
            case Refusal():
                self._refused[outcome.why.value] += 1
        return outcome

    def statistics(self) -> dict[str, int]:
        return (
            {"texts_translated": self._translated, "sentences_retried": self._retried}
            | {f"texts_refused_{why.value}": self._refused[why.value] for why in Why}
            | {f"sentences_doubted_{found.value}": self._doubted[found.value] for found in Doubt}
            | self._lanes.statistics()
        )

    async def _outcome(
        self, text: str, source: str, target: str, mentions: tuple[str, ...], deadline: float, priority: int
    ) -> Translation | Refusal:
        route = routes.find(self._packages, source, target)
        if route is None:
            return Refusal(Why.NO_PACKAGE, source, f"{source} -> {target}")
        segments = masking.mask(text, mentions)
        passages = [segment.text for segment in segments if isinstance(segment, masking.Passage)]
        if not passages or not route.steps:
            return Refusal(Why.NOTHING_TO_TRANSLATE, source)
        try:
            for step in route.steps:
                match step:
                    case Convert():
                        passages = [convert(passage, step.target) for passage in passages]
                    case Apply(package):
                        passages = await self._apply(package, passages, deadline, priority)
        except TooLate:
            return Refusal(Why.TOO_LATE, source)
        except Overloaded:
            return Refusal(Why.OVERLOAD, source)
        except EngineFailed as failed:
            return Refusal(Why.ENGINE_FAILED, source, str(failed))
        except _Doubtful as doubtful:
            return Refusal(Why.DOUBTFUL, source, doubtful.found.value)
        made = masking.unmask(segments, [dress(passage, target) for passage in passages], target)
        missing = masking.lost(text, made, mentions)
        if missing:
            return Refusal(Why.NAMES_LOST, source, missing[0][:80])
        used = route.packages
        return Translation(
            text=made,
            source=source,
            engine=self._engine.name if used else converter_name(),
            package="+".join(package.name for package in used),
            version="+".join(package.version for package in used),
            starter=route.starter,
        )

    async def _apply(self, package: Package, passages: Sequence[str], deadline: float, priority: int) -> list[str]:
        """Every passage through one package: all their sentences together, so that they can share batches."""
        cut = [[_calm(piece.strip()) for piece in split(passage) if piece.strip()] for passage in passages]
        known = {piece: self._ready(package, piece) for pieces in cut for piece in pieces}
        asked = [piece for piece, ready in known.items() if ready is None]
        made = await self._sentences(package, asked, deadline, priority)
        words = {piece: ready for piece, ready in known.items() if ready is not None} | made
        return [_rejoined([words[piece] for piece in pieces], package.target) for pieces in cut]

    def _ready(self, package: Package, piece: str) -> str | None:
        """What needs no engine: marks without a word, and phrases the starter has by heart."""
        if not has_words(piece):
            return piece
        if package.starter:
            return self._phrases.get(piece, package.source, package.target)
        return None

    async def _sentences(
        self, package: Package, asked: Sequence[str], deadline: float, priority: int
    ) -> dict[str, str]:
        """Translations of distinct sentences. Raises _Doubtful when one stays doubtful."""
        if not asked:
            return {}
        outputs = await self._lanes.translate(package, asked, deadline=deadline, priority=priority, search=self._first)
        made = {piece: _like(piece, output) for piece, output in zip(asked, outputs, strict=True)}
        again = [piece for piece in asked if self._doubt(package, piece, made[piece])]
        if again:
            self._retried += len(again)
            outputs = await self._lanes.translate(
                package, again, deadline=deadline, priority=priority, search=self._second
            )
            for piece, output in zip(again, outputs, strict=True):
                made[piece] = _like(piece, output)
                found = self._doubt(package, piece, made[piece])
                if found is not None:
                    raise _Doubtful(found)
        return made

    def _doubt(self, package: Package, piece: str, output: str) -> Doubt | None:
        found = guard.doubt(piece, output, package.source, package.target)
        if found is not None:
            self._doubted[found.value] += 1
        return found


def _rejoined(made: Sequence[str], target: str) -> str:
    """Pieces in a row. Where the source had only a space or nothing between two clauses, a comma parts them."""
    comma, space = ("，", "") if target in SPACELESS else (",", " ")
    joined = ""
    for piece in made:
        if joined:
            joined += (space if joined[-1] in _PARTED else comma + space) + piece
        else:
            joined = piece
    return joined


def _calm(piece: str) -> str:
    """A shouted sentence in plain case. Models know few words in capitals, and guess at the others."""
    letters = [character for character in piece if character.isalpha()]
    if len(letters) < 6 or " " not in piece or not all(letter.isupper() for letter in letters):
        return piece
    lowered = _ALONE.sub("I", piece.lower())
    return str(lowered[0].upper() + lowered[1:])


def _like(piece: str, output: str) -> str:
    """`output` without a full stop its source did not have: in chat, and beside a name, it would be an invention."""
    output = output.strip()
    return output if ends_sentence(piece) else without_stop(output)
