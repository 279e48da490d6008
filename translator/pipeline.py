"""One text into one language: route, mask, place, split, translate, dress, guard, unmask. The order is the whole idea.

Invariant: the outcome is a `Translation` in which every protected span of the source stands exactly as often as
there, every term of the room in the words meant for the reader, or a `Refusal` with its reason; never a guess passed
off as a translation, never an exception for what a text contains. A sentence the guard doubts is tried once more with
a wider search that forbids loops; what is doubtful then is refused whole, because a message with one invented
sentence in it misleads more than the original does.

A sentence with words that must be kept is tried in three ways: with those words in their places (the best grammar; an
engine that knows unknown words copies them), then cut around them (the engine never sees them, so it cannot lose
them), then untouched, with the words put right afterwards. The starter copies nothing, so it begins with the second.

A package that fails is left out and the next best route is taken: a package removed while sentences waited for it, or
a damaged one, costs time and no message.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import regex

from translator import cutting, guard, masking, routes, standing, terms
from translator.batching import URGENT
from translator.chinese import convert, converter_name
from translator.detect import Detection, detect
from translator.engine import FIRST, SECOND, Engine, EngineFailed, Search
from translator.guard import Doubt
from translator.lanes import Lanes, Overloaded, TooLate
from translator.masking import Kind, Passage, Segment, Verbatim
from translator.phrases import Phrases, is_laughter
from translator.punctuation import dress, ends_sentence, without_stop
from translator.routes import Apply, Convert, Package, Route
from translator.scripts import SPACELESS, has_words
from translator.sentences import split
from translator.switching import CLAUSE_WORDS_MIN, spans
from translator.terms import Kept, Placing


class Why(StrEnum):
    """Why there is no translation. Part of the protocol (`Untranslated.reason`): add, never rename."""

    NO_PACKAGE = "no_package"
    DOUBTFUL = "doubtful"
    TOO_LATE = "too_late"
    OVERLOAD = "overload"
    NAMES_LOST = "names_lost"
    ENGINE_FAILED = "engine_failed"
    NOTHING_TO_TRANSLATE = "nothing_to_translate"
    MODERATED = "moderated"
    """The room's word list is met in the translation, and not in the original: a machine said it, nobody else."""


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


_LATIN_SPAN: Final = regex.compile(
    r"\p{Latin}[\p{Latin}\p{M}\p{N}'’]*(?:[\s,.;:'’\-]+[\p{Latin}\p{N}][\p{Latin}\p{M}\p{N}'’]*)*[.!?]*"
)
_FIGURES_LOST: Final = (Doubt.NUMBERS_LOST, Doubt.UNITS_LOST)


class _Doubtful(Exception):
    def __init__(self, found: Doubt) -> None:
        super().__init__(found.value)
        self.found = found


class _Lost(Exception):
    """A word that had to be kept was lost in every way there is."""


class _PackageFailed(Exception):
    def __init__(self, package: Package, words: str) -> None:
        super().__init__(words)
        self.package = package


@dataclass(frozen=True, slots=True)
class _Order:
    """What `translate` was asked for."""

    text: str
    source: str
    target: str
    also: str
    mentions: tuple[str, ...]
    placing: Placing
    deadline: float
    late_at: float
    priority: int


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A passage or a sentence of it, with the words that must be kept in it."""

    text: str
    kept: tuple[Kept, ...] = ()

    def owed(self) -> Counter[str]:
        return terms.count(self.text, self.forms())

    def forms(self) -> list[str]:
        return [each.form for each in self.kept]

    def bare(self) -> bool:
        """True when there is nothing to translate around the kept words."""
        return not any(has_words(part) for part, is_kept in terms.part(self.text, self.forms()) if not is_kept)


class Pipeline:
    """Shared by all jobs of a process. `lanes` must be entered; `use` replaces the packages at any time."""

    def __init__(
        self,
        engine: Engine,
        lanes: Lanes,
        packages: Sequence[Package] = (),
        *,
        prefer: Sequence[str] = (),
        first: Search = FIRST,
        second: Search = SECOND,
        phrases: Phrases | None = None,
        doubt: Callable[[str, str, str, str], Doubt | None] = guard.doubt,
    ) -> None:
        self._engine = engine
        self._lanes = lanes
        self._packages = tuple(packages)
        self._prefer = tuple(prefer)
        self._first = first
        self._second = second
        self._phrases = phrases if phrases is not None else Phrases.of_starter()
        self._believes = doubt
        self._routes: dict[tuple[str, str], Route | None] = {}
        self._translated = 0
        self._retried = 0
        self._cut = 0
        self._repaired = 0
        self._rerouted = 0
        self._refused: Counter[str] = Counter()
        self._doubted: Counter[str] = Counter()

    @property
    def packages(self) -> tuple[Package, ...]:
        return self._packages

    @property
    def is_busy(self) -> bool:
        """True while no sentence could go to the engine at once."""
        return self._lanes.is_busy

    def use(self, packages: Sequence[Package]) -> None:
        """From now on route over these packages."""
        for gone in set(self._packages) - set(packages):
            self._lanes.retire(gone)
        self._packages = tuple(packages)
        self._routes.clear()

    def routes(self) -> tuple[Route, ...]:
        """Every translation that can be made now."""
        return routes.reachable(self._packages, self._prefer)

    def detect(self, text: str, candidates: Iterable[str] = (), mentions: Iterable[str] = ()) -> Detection:
        """The language of `text`: one of `candidates` (the room's, likeliest first), or else of those a package reads,
        English, the likeliest guest, first."""
        readable = sorted(dict.fromkeys(package.source for package in self._packages), key=lambda tag: tag != "en")
        return detect(text, tuple(dict.fromkeys(candidates)), mentions, tuple(readable))

    async def translate(
        self,
        text: str,
        source: str,
        target: str,
        *,
        deadline: float,
        mentions: Iterable[str] = (),
        priority: int = URGENT,
        late_at: float = float("inf"),
        placing: Placing = terms.NOTHING,
        also: str = "",
    ) -> Translation | Refusal:
        """`text` in `target`. Tags canonical; `deadline` and `late_at` (see `batching`) on the running loop's clock.

        `also`: a second language that `text` falls into; clauses in it are translated apart, single words with the
        sentence around them. Where the source is the target (in one of its scripts), only what `switching` finds owed
        is translated, and slang stays for its explanation."""
        order = _Order(text, source, target, also, tuple(mentions), placing, deadline, late_at, priority)
        outcome = await self._outcome(order)
        match outcome:
            case Translation():
                self._translated += 1
            case Refusal():
                self._refused[outcome.why.value] += 1
        return outcome

    def variant(self, text: str, source: str, target: str, *, placing: Placing = terms.NOTHING, also: str = "") -> str:
        """A digest of everything that decides how `text` reads in `target`, but the text: route, package versions,
        the terms that apply to it, search. For rows that outlive this process."""
        legs = [self._route(source, target), self._route(also, target) if also else None]
        used = [f"{package.name} {package.version}" for leg in legs if leg for package in leg.packages]
        kept = sorted({(each.source, each.form) for each in placing.place(text).kept})
        return hashlib.blake2b(
            repr((source, target, also, used, kept, str(self._first))).encode(), digest_size=12
        ).hexdigest()

    def forget(self, texts: Iterable[str]) -> None:
        """Let no cache show what these texts said."""
        self._lanes.forget(texts)

    def forget_everything(self) -> None:
        self._lanes.forget_everything()

    def statistics(self) -> dict[str, int]:
        return (
            {
                "texts_translated": self._translated,
                "sentences_retried": self._retried,
                "sentences_cut_around_terms": self._cut,
                "sentences_repaired": self._repaired,
                "texts_rerouted": self._rerouted,
            }
            | {f"texts_refused_{why.value}": self._refused[why.value] for why in Why}
            | {f"sentences_doubted_{found.value}": self._doubted[found.value] for found in Doubt}
            | self._lanes.statistics()
        )

    # -- one text ----------------------------------------------------------------------------------------------------

    async def _outcome(self, order: _Order) -> Translation | Refusal:
        """Over the best route, and over the next best one while packages fail."""
        failed: list[Package] = []
        words = ""
        while True:
            try:
                outcome = await self._attempt(order, failed)
            except _PackageFailed as failure:
                words = words or str(failure)
                failed.append(failure.package)
                self._rerouted += 1
                continue
            if failed and isinstance(outcome, Refusal) and outcome.why is Why.NO_PACKAGE:
                return Refusal(Why.ENGINE_FAILED, order.source, words)
            return outcome

    async def _attempt(self, order: _Order, failed: Sequence[Package]) -> Translation | Refusal:
        """Raises _PackageFailed."""
        source, target = order.source, order.target
        legs = {tag: self._route(tag, target, failed) for tag in dict.fromkeys((source, order.also)) if tag}
        main = order.also if source == target else source
        if legs.get(main) is None:
            return Refusal(Why.NO_PACKAGE, source, f"{main} -> {target}")
        segments, languages = self._segments(order, legs)
        if not languages:
            return Refusal(Why.NOTHING_TO_TRANSLATE, source)
        texts = [segment.text for segment in segments if isinstance(segment, Passage)]
        made = list(texts)
        try:
            for tag in dict.fromkeys(languages):
                route = legs[tag]
                assert route is not None
                places = [place for place, language in enumerate(languages) if language == tag]
                try:
                    outputs = await self._along(route, [texts[place] for place in places], order)
                except (_Doubtful, _Lost):
                    if tag == order.also and source != target and _reads_source(source, target):
                        continue  # a foreign word that stays foreign is no reason to refuse the other script
                    raise
                for place, output in zip(places, outputs, strict=True):
                    made[place] = output
        except TooLate:
            return Refusal(Why.TOO_LATE, source)
        except Overloaded:
            return Refusal(Why.OVERLOAD, source)
        except _Doubtful as doubtful:
            return Refusal(Why.DOUBTFUL, source, doubtful.found.value)
        except _Lost as lost:
            return Refusal(Why.NAMES_LOST, source, str(lost)[:80])
        text = masking.unmask(segments, [dress(passage, target) for passage in made], target)
        missing = masking.lost(order.text, text, order.mentions)
        if missing:
            return Refusal(Why.NAMES_LOST, source, missing[0][:80])
        return self._translation(text, main, [route for tag in dict.fromkeys(languages) if (route := legs[tag])])

    def _route(self, source: str, target: str, failed: Sequence[Package] = ()) -> Route | None:
        if failed:
            return routes.find((each for each in self._packages if each not in failed), source, target, self._prefer)
        if (source, target) not in self._routes:
            self._routes[source, target] = routes.find(self._packages, source, target, self._prefer)
        return self._routes[source, target]

    def _translation(self, text: str, source: str, legs: Sequence[Route]) -> Translation:
        used = tuple(dict.fromkeys(package for route in legs for package in route.packages))
        names = "+".join(package.name for package in used)
        through = " ".join(route.through for route in legs if route.through)
        engines = dict.fromkeys(package.server or self._engine.name for package in used)
        return Translation(
            text=text,
            source=source,
            engine="+".join(engines) if used else converter_name(),
            package=f"{through} {names}".strip(),
            version="+".join(package.version for package in used),
            starter=any(route.starter for route in legs),
        )

    def _segments(self, order: _Order, legs: dict[str, Route | None]) -> tuple[list[Segment], list[str]]:
        """The parts of the text, and of each passage the language it is in. Spans in a second language are passages
        of their own, and what the reader reads anyway is none."""
        segments: list[Segment] = []
        languages: list[str] = []
        for segment in masking.mask(order.text, order.mentions):
            if isinstance(segment, Verbatim):
                segments.append(segment)
                continue
            for text, tag in _spans(segment.text, order):
                route = legs.get(tag)
                if route is None or not route.steps or self._is_beyond(route, text, tag, order):
                    segments.append(Verbatim(text, Kind.TERM))
                else:
                    segments.append(Passage(text))
                    languages.append(tag)
        return segments, languages

    def _is_beyond(self, route: Route, text: str, tag: str, order: _Order) -> bool:
        """True for a word or two out of a line its reader reads, which the starter does not know by heart: of words
        without a sentence it makes other words, and the reader is better off with the foreign one."""
        if not route.starter or tag != order.also or not _reads_source(order.source, order.target):
            return False
        length, least = (len(text), 5) if tag in routes.CHINESE else (len(text.split()), CLAUSE_WORDS_MIN)
        first = route.packages[0]
        return length < least and self._phrases.get(text, first.source, first.target) is None

    async def _along(self, route: Route, texts: Sequence[str], order: _Order) -> list[str]:
        """Every passage through every step of one route."""
        passages = []
        for text in texts:
            placed = order.placing.place(text)
            passages.append(_Sentence(placed.text, placed.kept))
        for step in route.steps:
            match step:
                case Convert():
                    passages = [_Sentence(_converted(each, step.target), each.kept) for each in passages]
                case Apply(package):
                    made = await self._apply(package, passages, order)
                    passages = [_Sentence(text, passage.kept) for text, passage in zip(made, passages, strict=True)]
        return [passage.text for passage in passages]

    async def _apply(self, package: Package, passages: Sequence[_Sentence], order: _Order) -> list[str]:
        """Every passage through one package: all their sentences together, so that they can share batches."""
        cut = [_sentences(passage) for passage in passages]
        pieces = list(dict.fromkeys(piece for each in cut for piece in each))
        plain = [
            piece
            for piece in pieces
            if not piece.kept and not standing.words(piece.text, package.source, package.target)
        ]
        held = [piece for piece in pieces if piece not in plain]
        words = self._plain(package, [piece.text for piece in plain], order)
        if not held:
            known = await words
            made = {piece: known[piece.text] for piece in plain}
        else:
            known, outputs = await asyncio.gather(
                words, asyncio.gather(*(self._held(package, piece, order) for piece in held))
            )
            made = {piece: known[piece.text] for piece in plain} | dict(zip(held, outputs, strict=True))
        return [_rejoined([made[piece] for piece in each], package.target) for each in cut]

    def _ready(self, package: Package, piece: str) -> str | None:
        """What needs no engine: marks without a word, laughter, and phrases the starter has by heart."""
        if not has_words(piece):
            return piece
        if package.starter or is_laughter(piece):
            return self._phrases.get(piece, package.source, package.target)
        return None

    async def _plain(
        self, package: Package, pieces: Sequence[str], order: _Order, *, whole: bool = True
    ) -> dict[str, str]:
        """Translations of distinct sentences in which nothing must be kept; those that are `whole`, and not what a cut
        has left, may be cut around their figures. Raises _Doubtful when one stays doubtful."""
        ready = {piece: self._ready(package, piece) for piece in pieces}
        made = {piece: words for piece, words in ready.items() if words is not None}
        asked = [piece for piece, words in ready.items() if words is None]
        if not asked:
            return made
        made |= await self._asked(package, asked, order, self._first)
        again = [piece for piece in asked if self._doubt(package, piece, made[piece])]
        if again:
            self._retried += len(again)
            made |= await self._asked(package, again, order, self._second)
            for piece in again:
                found = self._doubt(package, piece, made[piece])
                if whole and found in _FIGURES_LOST:
                    made[piece] = await self._around_figures(package, piece, order)
                elif found is not None:
                    raise _Doubtful(found)
        return made

    async def _around_figures(self, package: Package, piece: str, order: _Order) -> str:
        """A sentence whose figures the engine loses, cut around them. Raises _Doubtful."""
        self._cut += 1
        parts = terms.part(piece, standing.figures(piece, package.target))
        made = await self._joined(package, piece, parts, order, figures=True)
        found = self._doubt(package, piece, made)
        if found is not None:
            raise _Doubtful(found)
        return made

    async def _asked(self, package: Package, asked: Sequence[str], order: _Order, search: Search) -> dict[str, str]:
        try:
            outputs = await self._lanes.translate(
                package,
                [standing.spelled(_calm(piece), package.source) for piece in asked],
                deadline=order.deadline,
                priority=order.priority,
                late_at=order.late_at,
                search=search,
            )
        except EngineFailed as failed:
            raise _PackageFailed(package, str(failed)) from failed
        return {piece: _like(piece, output) for piece, output in zip(asked, outputs, strict=True)}

    # -- sentences with words that must be kept ----------------------------------------------------------------------

    async def _held(self, package: Package, piece: _Sentence, order: _Order) -> str:
        """A sentence in which words must be kept, in up to three ways. Raises _Doubtful, _Lost."""
        if piece.bare():
            return piece.text
        found: Doubt | None = None
        if not package.starter:
            if piece.kept:
                made = (await self._asked(package, [piece.text], order, self._first))[piece.text]
                if self._holds(package, piece, made):
                    return made
            else:
                try:
                    return (await self._plain(package, [piece.text], order))[piece.text]
                except _Doubtful as doubtful:
                    found = doubtful.found
        self._cut += 1
        around = piece.forms() + standing.words(piece.text, package.source, package.target)
        try:
            made = await self._cut_around(package, piece.text, around, order)
        except _Doubtful as doubtful:
            found = doubtful.found
        else:
            if terms.count(made, piece.forms()) == piece.owed():
                return made
        whole = _untouched(piece)
        made = terms.repaired((await self._asked(package, [whole], order, self._first))[whole], piece.kept)
        if self._holds(package, piece, made):
            self._repaired += 1
            return made
        if found is not None:
            raise _Doubtful(found)
        raise _Lost(next(iter(piece.forms()), piece.text))

    async def _cut_around(self, package: Package, text: str, around: Sequence[str], order: _Order) -> str:
        return await self._joined(package, text, terms.part(text, around), order)

    async def _joined(
        self, package: Package, text: str, parts: Sequence[tuple[str, bool]], order: _Order, *, figures: bool = False
    ) -> str:
        """The parts of `text` in a row, those that are not kept through the engine. Raises _Doubtful."""
        segments = cutting.segments(parts, package.source, package.target, figures=figures)
        texts = [segment.text for segment in segments if isinstance(segment, Passage)]
        words = await self._plain(package, list(dict.fromkeys(texts)), order, whole=not figures)
        return masking.unmask(segments, cutting.within(texts, words, text), package.target)

    def _holds(self, package: Package, piece: _Sentence, made: str) -> bool:
        """True when `made` keeps every word it owes, and the rest of it is believed."""
        if terms.count(made, piece.forms()) != piece.owed():
            return False
        rest, output = (
            "".join(part for part, is_kept in terms.part(text, piece.forms()) if not is_kept)
            for text in (piece.text, made)
        )
        return self._doubt(package, rest.strip(), output.strip()) is None

    def _doubt(self, package: Package, piece: str, output: str) -> Doubt | None:
        found = self._believes(piece, output, package.source, package.target)
        if found is not None:
            self._doubted[found.value] += 1
        return found


def _spans(text: str, order: _Order) -> list[tuple[str, str]]:
    """(span, language) in order, without the white space between them. Who reads the line's own language gets the
    words owed; for others a clause is cut out, and a word or two stay in the sentence, which is better translated
    whole."""
    if not order.also:
        return [(text, order.source)]
    if _reads_source(order.source, order.target):
        owed = [(span.start, span.end) for span in spans(text, order.source, order.also) if not span.explained]
    elif order.also in routes.CHINESE:
        owed = [found.span() for found in standing.HAN_SPAN.finditer(text)]
    else:
        clauses = _LATIN_SPAN.finditer(text)
        owed = [found.span() for found in clauses if len(found[0].split()) >= CLAUSE_WORDS_MIN]
    parts: list[tuple[str, str]] = []
    end = 0
    for start, stop in owed:
        parts += [(text[end:start].strip(), order.source), (text[start:stop].strip(), order.also)]
        end = stop
    parts.append((text[end:].strip(), order.source))
    return [(part, tag) for part, tag in parts if part]


def _reads_source(source: str, target: str) -> bool:
    return source == target or (source in routes.CHINESE and target in routes.CHINESE)


def _sentences(passage: _Sentence) -> list[_Sentence]:
    """The sentences of a passage, each with its own share of the kept words. A word that the cut would go through
    keeps its passage whole."""
    pieces = [piece.strip() for piece in split(passage.text) if piece.strip()]
    if not passage.kept:
        return [_Sentence(piece) for piece in pieces]
    owned = [
        _Sentence(piece, tuple(each for each in passage.kept if terms.count(piece, [each.form]))) for piece in pieces
    ]
    if sum((each.owed() for each in owned), Counter()) != passage.owed():
        return [passage]
    return owned


def _untouched(piece: _Sentence) -> str:
    """The sentence as it was written: each form back in the words of the message."""
    sources: dict[str, list[str]] = {}
    for each in piece.kept:
        sources.setdefault(each.form.casefold(), []).append(each.source)
    parts = []
    for part, is_kept in terms.part(piece.text, piece.forms()):
        waiting = sources.get(part.casefold(), []) if is_kept else []
        parts.append((waiting.pop(0) if len(waiting) > 1 else waiting[0]) if waiting else part)
    return "".join(parts)


def _converted(passage: _Sentence, target: str) -> str:
    """`passage` in the other Chinese script; names and terms are nobody's to convert."""
    parts = terms.part(passage.text, passage.forms())
    return "".join(part if is_kept else convert(part, target) for part, is_kept in parts)


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
