"""Sentence pairs from a folder: read with their licences, cleaned, filtered, mixed. Pure but for reading files.

Invariants: no pair comes without a licence (the folder's README names one for each file, or the file is refused); no
pair is trained on when either of its sides occurs in an evaluation set; dictionary entries are at most a fifth of the
mix. The last one was learned, not guessed: what is mixed matters more than how large the model is, and a model fed
with glosses answers a greeting with a gloss.

Chance arrives as a `random.Random`, so one seed gives one corpus.
"""

import gzip
import random
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import regex

from translator.chinese import to_simplified
from translator.punctuation import full_width, half_width


class CorpusInvalid(Exception):
    """The folder cannot be trained on. One sentence for a person."""


class Kind(StrEnum):
    """What a pair is for."""

    TEMPLATE = "template"
    CONVERSATION = "conversation"
    OTHER = "other"
    """Short but not talk: interfaces, questions about texts."""
    WRITTEN = "written"
    DICTIONARY = "dictionary"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of pairs, as the README beside it describes it."""

    name: str
    kind: Kind
    licence: str
    origin: str
    path: Path


@dataclass(frozen=True, slots=True)
class Pair:
    english: str
    chinese: str
    kind: Kind
    source: str
    """Name of the `Source`, or of the topic for a template."""


@dataclass(frozen=True, slots=True)
class Example:
    """What the model sees: `source` is to become `target`, in the language `to`."""

    source: str
    target: str
    to: str


KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("dictionary", Kind.DICTIONARY),
    ("news", Kind.WRITTEN),
    ("medical", Kind.WRITTEN),
    ("commands", Kind.WRITTEN),
    ("everyday", Kind.CONVERSATION),
    ("chit-chat", Kind.CONVERSATION),
    ("small talk", Kind.CONVERSATION),
    ("stories", Kind.CONVERSATION),
    ("chatty", Kind.CONVERSATION),
)
"""Words of the README's register column, first match; any other register is `Kind.OTHER`."""

SHARE_MAX: Final[dict[Kind, float]] = {Kind.DICTIONARY: 0.20, Kind.OTHER: 0.10, Kind.WRITTEN: 0.05}
"""Of the finished mix. Conversation and templates have no bound: they are what it is mixed for."""
CONVERSATION_REPEATS: Final = 2
LITERAL_REPEATS: Final = 4
"""Templates without a slot are whole phrases everybody says; they expand to one pair and would drown."""
JOINED_SHARE: Final = 0.05
"""Pairs made of two short ones: people write two sentences in one line, and the collections hardly have any."""
CASUAL_SHARE: Final = 0.25
"""Sources without capitals or marks, as phones write them. Targets always keep theirs."""
ENGLISH_CHARS_MAX: Final = 200
CHINESE_CHARS_MAX: Final = 70
DICTIONARY_CHARS_MAX: Final = 40

_MARKUP: Final = regex.compile(r"%[(\w]|\{[\w{}]|\$\{|</?\w|&\w+;|\\[nt]|\[\w+\]|__|https?://|�")
_GLOSS_NOTE: Final = regex.compile(r"[()\[\]/;:]|\b(?:sb|sth|abbr|variant|old|see|also|lit|fig|surname|classifier)\b")
_SPACES: Final = regex.compile(r"\s+")
_HAN: Final = regex.compile(r"\p{Han}")
_LATIN: Final = regex.compile(r"\p{Latin}")
_KANA: Final = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
_NO_WORD: Final = regex.compile(r"[^\p{L}\p{N}]+")
_LAST_MARKS: Final = regex.compile(r"[.!?。！？~～]+(?=\W*\Z)")


def read_sources(folder: Path) -> tuple[Source, ...]:
    """The files of `folder`, by name. Raises CorpusInvalid when one has no licence in README.md."""
    files = sorted(path for path in folder.glob("*.tsv*") if path.name.endswith((".tsv", ".tsv.gz")))
    if not files:
        raise CorpusInvalid(f"{folder} holds no .tsv or .tsv.gz file of sentence pairs.")
    try:
        lines = (folder / "README.md").read_text("utf-8").splitlines()
    except OSError as error:
        raise CorpusInvalid(f"{folder} has no README.md that names the licence of each file: {error}") from error
    rows = {cells[0]: cells for line in lines if len(cells := [cell.strip() for cell in line.split("|")[1:-1]]) >= 5}
    sources = []
    for path in files:
        name = path.name.removesuffix(".gz").removesuffix(".tsv")
        row = rows.get(name)
        if row is None or not row[2]:
            raise CorpusInvalid(
                f"README.md of {folder} names no licence for {path.name}: leave the file out or say it."
            )
        kind = next((kind for word, kind in KINDS if word in row[4]), Kind.OTHER)
        sources.append(Source(name, kind, licence=row[2], origin=row[3], path=path))
    return tuple(sources)


def read_pairs(source: Source, lines_max: int | None = None) -> Iterator[Pair]:
    """The clean pairs of a file. Lines that are no pair are left out, as are those `cleaned` refuses."""
    packed = source.path.suffix == ".gz"
    with (
        gzip.open(source.path, "rb") if packed else source.path.open("rb") as opened,
        TextIOWrapper(opened, "utf-8") as lines,
    ):
        for number, line in enumerate(lines):
            if lines_max is not None and number >= lines_max:
                return
            sides = line.rstrip("\n").split("\t")
            if len(sides) == 2 and (pair := cleaned(Pair(sides[0], sides[1], source.kind, source.name))) is not None:
                yield pair


def cleaned(pair: Pair) -> Pair | None:
    """`pair` with the marks and the script of its languages, or None when it teaches nothing good."""
    english, chinese = (
        _SPACES.sub(" ", unicodedata.normalize("NFC", side)).strip() for side in (pair.english, pair.chinese)
    )
    if _MARKUP.search(english) or _MARKUP.search(chinese):
        return None
    english, chinese = half_width(english).strip(), full_width(to_simplified(chinese))
    if (
        not _LATIN.search(english)
        or not _HAN.search(chinese)
        or _HAN.search(english)
        or _KANA.search(english + chinese)
    ):
        return None
    if not 0.6 <= (len(english) + 8) / (len(chinese) + 3) <= 9:
        return None
    if len(english) > ENGLISH_CHARS_MAX or len(chinese) > CHINESE_CHARS_MAX:
        return None
    if pair.kind is Kind.DICTIONARY and (len(english) > DICTIONARY_CHARS_MAX or _GLOSS_NOTE.search(english)):
        return None
    return Pair(english, chinese, pair.kind, pair.source)


def normalised(text: str) -> str:
    """`text` as it is compared: Simplified, no case, no width, no marks, no spaces."""
    return str(_NO_WORD.sub("", unicodedata.normalize("NFKC", to_simplified(text)).casefold()))


def read_forbidden(folder: Path) -> frozenset[str]:
    """Both sides of every pair in the evaluation sets of `folder`, normalised."""
    sides: set[str] = set()
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            sides.update(map(normalised, line.split("\t")))
    return frozenset(sides - {""})


def filtered(pairs: Iterable[Pair], forbidden: Collection[str]) -> Iterator[Pair]:
    """`pairs` without duplicates and without any of which a side is in `forbidden`. The first of its like stays."""
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        key = normalised(pair.english), normalised(pair.chinese)
        if key not in seen and key[0] not in forbidden and key[1] not in forbidden:
            seen.add(key)
            yield pair


def held_out(pairs: Sequence[Pair], count: int, rng: random.Random) -> tuple[list[Pair], list[Pair]]:
    """(kept back, left for training): `count` pairs to watch the training with, of conversation where there is any.

    What is left shares no side with what is kept back, else the score would praise memory.
    """
    fitting = [pair for pair in pairs if 10 <= len(pair.english) <= 80]
    candidates = [pair for pair in fitting if pair.kind is Kind.CONVERSATION] or fitting
    kept = rng.sample(candidates, min(count, len(candidates) // 10))
    sides = {normalised(side) for pair in kept for side in (pair.english, pair.chinese)}
    return kept, list(filtered(pairs, sides))


def mixed(pairs: Sequence[Pair], rng: random.Random) -> list[Pair]:
    """`pairs` in the proportions to train on, repeated and thinned out, in random order."""
    by_kind: dict[Kind, list[Pair]] = {kind: [] for kind in Kind}
    for pair in pairs:
        by_kind[pair.kind].append(pair)
    base = by_kind[Kind.TEMPLATE] + CONVERSATION_REPEATS * by_kind[Kind.CONVERSATION]
    if not base:
        return []
    base += [_joined(*rng.sample(base, 2)) for _ in range(round(JOINED_SHARE * len(base))) if len(base) > 1]
    counts = {kind: len(by_kind[kind]) for kind in SHARE_MAX}
    while True:
        # Taking from one kind lowers what another may have: down to the fixed point, which 0 always is.
        total = len(base) + sum(counts.values())
        allowed = {kind: min(counts[kind], int(share * total)) for kind, share in SHARE_MAX.items()}
        if allowed == counts:
            break
        counts = allowed
    mix = base + [pair for kind, count in counts.items() for pair in rng.sample(by_kind[kind], count)]
    rng.shuffle(mix)
    return mix


def examples(mix: Iterable[Pair], rng: random.Random) -> Iterator[Example]:
    """Both directions of every pair; some sources as a hurried thumb writes them."""
    for pair in mix:
        for source, target, to in ((pair.chinese, pair.english, "en"), (pair.english, pair.chinese, "zh")):
            yield Example(casual(source) if rng.random() < CASUAL_SHARE else source, target, to)


def casual(text: str) -> str:
    """`text` in small letters and without its last mark. Marks inside stay: they part what else would run together."""
    return _LAST_MARKS.sub("", text).lower().strip() or text


def _joined(first: Pair, second: Pair) -> Pair:
    return Pair(
        f"{_ended(first.english, '.')} {second.english}",
        f"{_ended(first.chinese, '。')}{second.chinese}",
        first.kind,
        first.source,
    )


def _ended(text: str, stop: str) -> str:
    return text if text[-1] in ".!?。！？…~～" or not text[-1].isalnum() else text + stop


Teller = Callable[[str], None]
"""Where a line of progress goes."""
