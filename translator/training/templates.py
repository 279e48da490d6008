"""Own bilingual sentence templates, and what they expand to. Pure but for reading its own files.

`templates/TOPIC.tsv` holds `English TAB Chinese` lines with slots in braces, `templates/slots.tsv` the values (its head
explains the notation). Invariant: a value stands on both sides or on neither, so that every expansion is a true pair;
the measure word comes with the animal (一匹马, 一条金鱼), he and she with the relative.

They exist because the open collections hardly hold what people of two countries say to each other in a first chat:
names, where from, what time is it there, may I have a Chinese name. Foreign names stay in Latin letters in half of the
Chinese sides, since that is how they are written in a room, and how a model learns to copy.
"""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import regex

from translator.training.corpus import LITERAL_REPEATS, Kind, Pair

FOLDER: Final = Path(__file__).parent / "templates"
SLOTS: Final = "slots.tsv"
EXPANSIONS_MAX: Final = 120
"""Pairs from one template: enough for every city to be met, too few for one sentence to fill the mix."""
LATIN_SHARE: Final = 0.5
EMOJI_SHARE: Final = 0.04
LATIN_TOO: Final = frozenset({"name"})
"""Slots whose Chinese value may as well be the English one."""

_HEAD: Final = regex.compile(r"@([a-z]+)\t(?:en\t.*|(\d+)\.\.(\d+))")
_FIELD: Final = regex.compile(r"\{([a-z]+)(\d?)(?:\.(\w+))?\}")
_AN: Final = regex.compile(r"\b([Aa]) (?=(?:[aeio]|u(?!ni|se)|8|11\b|18\b|11-|18-)(?!ne\b))", regex.IGNORECASE)
_CAPITAL: Final = regex.compile(r"(?:\A|(?<=[.!?] ))\p{Ll}")

Row = Mapping[str, str]


class TemplateInvalid(Exception):
    """A line of the template files cannot be used. Names the file and the line."""


@dataclass(frozen=True, slots=True)
class Template:
    topic: str
    english: str
    chinese: str

    @property
    def slots(self) -> frozenset[str]:
        """The values it takes: "city", and "city2" for a second city."""
        return frozenset(found[1] + found[2] for found in _FIELD.finditer(self.english + self.chinese))


def read_slots(path: Path = FOLDER / SLOTS) -> dict[str, tuple[Row, ...]]:
    """Rows by slot; each row maps a column to its text. Raises TemplateInvalid."""
    slots: dict[str, list[Row]] = {}
    name, columns = "", [""]
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("# "):
            continue
        cells = line.split("\t")
        if head := _HEAD.fullmatch(line):
            name, columns = head[1], cells[1:]
            slots[name] = []
            if head[2]:
                values = map(str, range(int(head[2]), int(head[3]) + 1))
                slots[name] = [{"en": value, "zh": value} for value in values]
        elif len(cells) == len(columns) and all(cells):
            slots[name].append(dict(zip(columns, cells, strict=True)))
        else:
            raise TemplateInvalid(f"{path.name}, line {number}: {len(cells)} cells where {name!r} has {columns}")
    return {name: tuple(rows) for name, rows in slots.items()}


def read_templates(folder: Path = FOLDER) -> tuple[Template, ...]:
    """Every template, by topic. Raises TemplateInvalid for a line that is none."""
    templates = []
    for path in sorted(folder.glob("*.tsv")):
        if path.name == SLOTS:
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.startswith("# "):
                continue
            english, _, chinese = line.partition("\t")
            if not english or not chinese or "\t" in chinese:
                raise TemplateInvalid(f"{path.name}, line {number}: expected English, one tab, Chinese")
            templates.append(Template(path.stem, english, chinese))
    return tuple(templates)


def expansions(
    templates: Sequence[Template],
    slots: Mapping[str, Sequence[Row]],
    rng: random.Random,
    per_template: int = EXPANSIONS_MAX,
) -> Iterator[Pair]:
    """Up to `per_template` different pairs of each template, repeated where there is only one to be had."""
    for template in templates:
        made: dict[tuple[str, str], Pair] = {}
        for values in _choices(template, slots, rng, per_template):
            pair = expanded(template, values, rng)
            if rng.random() < EMOJI_SHARE and "emoji" not in values:
                mark = rng.choice(slots["face"])
                pair = Pair(f"{pair.english} {mark['en']}", f"{pair.chinese}{mark['zh']}", pair.kind, pair.source)
            made[pair.english, pair.chinese] = pair
        yield from made.values()
        if not template.slots:
            yield from itertools.islice(itertools.cycle(made.values()), min(per_template, LITERAL_REPEATS) - len(made))


def expanded(template: Template, values: Mapping[str, Row], rng: random.Random) -> Pair:
    """`template` with a row for each of its slots."""
    latin = rng.random() < LATIN_SHARE

    def filled(text: str, side: str) -> str:
        def value(found: "regex.Match[str]") -> str:
            column = found[3] or ("en" if latin and found[1] in LATIN_TOO else side)
            return values[found[1] + found[2]][column]

        return str(_FIELD.sub(value, text))

    english = _AN.sub(r"\1n ", filled(template.english, "en"))
    english = _CAPITAL.sub(lambda found: found[0].upper(), english)
    return Pair(english, filled(template.chinese, "zh"), Kind.TEMPLATE, template.topic)


def _choices(
    template: Template, slots: Mapping[str, Sequence[Row]], rng: random.Random, count: int
) -> Iterator[dict[str, Row]]:
    """`count` choices of rows, or as many as there are; two slots of one kind never get the same row."""
    names = sorted(template.slots)
    pools = [slots[name.rstrip("23456789")] for name in names]
    total = 1
    for pool in pools:
        total *= len(pool)
    if total <= 4 * count:
        combinations = list(itertools.product(*pools))
        rng.shuffle(combinations)
    else:
        combinations = [tuple(rng.choice(pool) for pool in pools) for _ in range(2 * count)]
    kept = 0
    for rows in combinations:
        if len({(name.rstrip("23456789"), id(row)) for name, row in zip(names, rows, strict=True)}) == len(names):
            yield dict(zip(names, rows, strict=True))
            kept += 1
        if kept == count:
            return
