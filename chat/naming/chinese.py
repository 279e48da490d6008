"""Chinese names for a foreigner: by sound first, among characters and tones that a native reader finds pleasant.

A name is built in one of three ways. *Echoed*: its surname is the beginning of the first name (Ryan -> 雷恩, Brecken ->
白睿康). *By family*: the surname echoes or translates the family name. *Plain*: a common surname stands before a given
name that echoes the whole first name (Ryan -> 林瑞恩). All are weighed together: how much of the name is heard again,
how good its characters read, whether tones and sounds take turns. What `checks` finds fault with is left out.

Deterministic: the seed shifts the weights a little, so that another seed offers others of the good ones.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, pairwise, product
from typing import NamedTuple
from zlib import crc32

from chat.naming.checks import DATED, checks, usable
from chat.naming.echo import FAR, distance
from chat.naming.newspaper import transliterated
from chat.naming.pinyin import initial_and_final, joined, pinyin_of, plain, tone
from chat.naming.sounds import Slot, guess_language, letters_of, slots
from chat.naming.tables import Character, Surname, characters, rows, surnames
from chat.naming.values import ChineseName, Echo, Gloss

COUNT_MAX = 20
NAME_MAX = 60
"""Longest foreign name that is read, in characters; the rest is cut off."""

_TITLES = frozenset((
    "mr", "mrs", "ms", "miss", "dr", "sir", "dj", "big", "little", "lil", "el", "la", "los", "the", "old", "young",
    "mc", "van", "von", "de", "da", "di", "bin", "al",
))  # fmt: skip
_EPITHETS = frozenset((
    "boy", "girl", "man", "guy", "king", "queen", "lord", "lady", "bear", "cat", "dog", "kid", "jr", "sr", "ii",
    "iii",
))  # fmt: skip

_NEAR_MAX = 10
"""Syllables that are looked at for each slot, the nearest first."""
_GIVEN_MAX = 110
"""Given names of one beginning that go into the second round."""


class _Given(NamedTuple):
    characters: tuple[Character, ...]
    met: tuple[int, ...]
    """Slot that each character echoes, -1 for one that was chosen for its meaning."""
    score: float


class _Draft(NamedTuple):
    score: float
    surname: Surname
    surname_slot: Slot | None
    given: _Given
    sound: float
    way: str


def suggest_chinese(
    name: str, *, seed: int, count: int = 5, gender: str | None = None, with_full: bool = False,
    language: str | None = None,
) -> list[ChineseName]:  # fmt: skip
    """Up to `count` (1..20) Chinese names of 2 or 3 characters for a foreign name, best first.

    `gender` is `f`, `m` or None; `language` a tag like `es` that tells how the name is read, guessed where None.
    `with_full` adds the whole name as a newspaper writes it. The same arguments give the same names. A name that
    holds no Latin letter gives none.
    """
    if gender not in ("f", "m", None):
        raise ValueError(f"gender is 'f', 'm' or None, not {gender!r}")
    count = max(1, min(count, COUNT_MAX))
    name = " ".join(name[:NAME_MAX].split())
    first, family = _words(name, language)
    target = slots(first, language)
    if not target:
        return []
    drafts = sorted(_drafts(target, slots(family, language) if family else (), family, gender, seed), reverse=True)
    full = transliterated(name, gender, language) if with_full else None
    return [_named(draft, target, first, family, full) for draft in _varied(drafts, count)]


def _words(name: str, language: str | None) -> tuple[str, str]:
    """(first name, family name or nothing). Titles fall; a nickname's second word (Jiggly Boy) is no family name."""
    words = [word for word in name.replace("-", " ").replace("_", " ").split() if letters_of(word)]
    kept = [word for word in words if letters_of(word) not in _TITLES] or words
    if len(kept) > 1 and letters_of(kept[-1]) in _EPITHETS:
        kept = kept[:-1]
    if not kept:
        return "", ""
    if len(kept) > 1 and (language or guess_language(name)) == "vi":
        return kept[-1], kept[0]
    return kept[0], kept[-1] if len(kept) > 1 else ""


# --- drafts


def _drafts(
    target: tuple[Slot, ...], family_slots: tuple[Slot, ...], family: str, gender: str | None, seed: int
) -> Iterator[_Draft]:
    starts: dict[int, list[_Given]] = {}
    total = sum(slot.weight for slot in target)

    def givens(start: int) -> list[_Given]:
        if start not in starts:
            starts[start] = _givens(target, start, gender, seed)
        return starts[start]

    for surname, slot, start, near, way, bonus in _surnames(target, family_slots, family, seed):
        choices = _meant(gender, seed) if way == "echoed" and len(target) <= 2 and near > 0.8 else []
        for given in [*(givens(start) if start < len(target) else []), *choices]:
            heard = sum(_closeness(target[met], c) * target[met].weight for c, met in _meetings(given))
            if way == "echoed" and slot is not None:
                heard += near * slot.weight
            sound = min(1.0, heard / total)
            if way == "family" and slot is not None:
                sound = 0.72 * sound + 0.28 * near
            if sound < 0.3 or any(c.hanzi in surname.hanzi for c in given.characters):
                continue
            harmony = _harmony(surname, given.characters)
            if harmony is None:
                continue
            score = 3.4 * sound + given.score + harmony + bonus
            yield _Draft(score, surname, slot, given, sound, way)


def _surnames(
    target: tuple[Slot, ...], family_slots: tuple[Slot, ...], family: str, seed: int
) -> Iterator[tuple[Surname, Slot | None, int, float, str, float]]:
    """(surname, slot it echoes, slot where the given name begins, closeness, way, bonus)."""
    table = [surname for surname in surnames().values() if len(surname.hanzi) == 1 and surname.pleasant > 1]
    same = {row[0]: row[1] for row in rows("families.tsv")}.get(letters_of(family)) if family else None
    if same:
        yield surnames()[same], None, 0, 1.0, "same", 0.75
    if family_slots:
        heads = [
            (index, slot) for index, slot in enumerate(family_slots[:2]) if index == 0 or not family_slots[0].vowel
        ]
        best = sorted(_nearest_surnames(heads, table), key=lambda found: -found[0])[:9]
        for rank, surname, slot, _, near in best:
            yield surname, slot, 0, near, "family", 0.25 + 0.4 * (rank - near)
    heads = [(index, slot) for index, slot in enumerate(target[:2]) if index == 0 or not target[0].vowel]
    if heads:
        best = sorted(_nearest_surnames(heads, table), key=lambda found: -found[0])[:14]
        for rank, surname, slot, index, near in best:
            yield surname, slot, index + 1, near, "echoed", 0.3 + 0.6 * (rank - near) - (0.35 if family else 0)
    common = [surname for surname in table if surname.common >= 4 and surname.pleasant >= 4]
    chosen = sorted(common, key=lambda surname: crc32(f"{seed} {surname.hanzi}".encode()))[:5]
    for surname in chosen:
        yield surname, None, 0, 0.0, "plain", -0.4 if family_slots else -0.1


def _nearest_surnames(
    heads: list[tuple[int, Slot]], table: list[Surname]
) -> Iterator[tuple[float, Surname, Slot, int, float]]:
    for index, slot in heads:
        for surname in table:
            near = 1 - distance(slot, plain(surname.pinyin))
            if near > 1 - FAR:
                yield near + 0.13 * (surname.pleasant - 3) + 0.05 * (surname.common - 3), surname, slot, index, near


def _meetings(given: _Given) -> Iterator[tuple[Character, int]]:
    return ((character, met) for character, met in zip(given.characters, given.met, strict=True) if met >= 0)


def _closeness(slot: Slot, character: Character) -> float:
    return 1 - distance(slot, plain(character.pinyin))


@lru_cache(8)
def _pool(gender: str | None) -> dict[str, tuple[Character, ...]]:
    """Syllable without tone -> characters that a person of this gender is given, best first."""
    found: dict[str, list[Character]] = {}
    for character in characters().values():
        other = {"f": "m", "m": "f"}.get(gender or "")
        if usable(character.hanzi) and character.gender != other and character.hanzi not in DATED:
            found.setdefault(plain(character.pinyin), []).append(character)
    return {
        syllable: tuple(sorted(choices, key=lambda c: (-_liking(c, gender), c.hanzi)))[:4]
        for syllable, choices in found.items()
    }


def _liking(character: Character, gender: str | None) -> float:
    lean = 0.0 if gender is None or character.gender == "n" else 0.3
    against = 0.9 if gender is None and character.gender != "n" else 0.0
    return character.weight + lean - against


@lru_cache(4096)
def _near(slot: Slot, gender: str | None) -> tuple[tuple[str, float], ...]:
    found = [(syllable, 1 - distance(slot, syllable)) for syllable in _pool(gender)]
    liked = {syllable: _liking(choices[0], gender) for syllable, choices in _pool(gender).items()}
    close = [pair for pair in found if pair[1] > 1 - FAR]
    return tuple(sorted(close, key=lambda pair: (-(pair[1] + 0.05 * liked[pair[0]]), pair[0]))[:_NEAR_MAX])


@lru_cache(1)
def _companions() -> dict[tuple[str | None, str], list[Character]]:
    """Characters that stand well beside any other, by gender and place: for names too short to echo twice."""
    found: dict[tuple[str | None, str], list[Character]] = {}
    for gender in ("f", "m", None):
        for place in "12":
            found[gender, place] = [
                choice
                for choices in _pool(gender).values()
                for choice in choices
                if choice.weight == 5 and choice.place in (place, "b") and (gender or choice.gender == "n")
            ]
    return found


def _givens(target: tuple[Slot, ...], start: int, gender: str | None, seed: int) -> list[_Given]:
    """Given names that echo the slots from `start` on, best first."""
    left = range(start, len(target))
    found: list[_Given] = []
    pool = _pool(gender)
    for index in left:
        for syllable, near in _near(target[index], gender):
            for character in pool[syllable]:
                score = _read(character, gender, seed) - 0.1 - (0.45 if character.place == "1" else 0)
                found.append(_Given((character,), (index,), score + 3.4 * near * target[index].weight / 3))
    pairs = []
    for one, two in combinations(left, 2):
        for (first, near_one), (second, near_two) in product(_near(target[one], gender), _near(target[two], gender)):
            if first != second:
                heard = near_one * target[one].weight + near_two * target[two].weight
                pairs.append((heard, one, two, first, second))
    pairs.sort(reverse=True)
    for heard, one, two, first, second in pairs[:130]:
        for a, b in product(pool[first][:3], pool[second][:3]):
            fit = _pair(a, b, gender)
            if fit is not None:
                score = (_read(a, gender, seed) + _read(b, gender, seed)) / 2 + fit
                found.append(_Given((a, b), (one, two), score + heard))
    vowels = [index for index in left if target[index].vowel]
    if len(vowels) <= 1:
        found += _with_companion(target, list(left), gender, seed)
    found.sort(key=lambda given: (-given.score, "".join(c.hanzi for c in given.characters)))
    total = sum(slot.weight for slot in target)
    return [
        given._replace(score=given.score - _heard_in_rank(given, target)) for given in found[:_GIVEN_MAX] if total > 0
    ]


def _heard_in_rank(given: _Given, target: tuple[Slot, ...]) -> float:
    """What the ranking of given names alone added for sound; the whole name's sound is weighed later, once."""
    if len(given.characters) == 1:
        (character,), (index,) = given.characters, given.met
        return 3.4 * _closeness(target[index], character) * target[index].weight / 3
    return sum(_closeness(target[met], c) * target[met].weight for c, met in _meetings(given))


def _with_companion(target: tuple[Slot, ...], left: list[int], gender: str | None, seed: int) -> list[_Given]:
    found = []
    pool = _pool(gender)
    for index in left:
        near_by = [(syllable, near) for syllable, near in _near(target[index], gender) if near > 0.6]
        for syllable, near in near_by[:6]:
            for character in pool[syllable][:2]:
                for place in "12":
                    for other in _companions()[gender, place]:
                        a, b = (other, character) if place == "1" else (character, other)
                        fit = _pair(a, b, gender)
                        if a.hanzi == b.hanzi or fit is None:
                            continue
                        score = (_read(a, gender, seed) + _read(b, gender, seed)) / 2 + fit - 0.3
                        met = (-1, index) if place == "1" else (index, -1)
                        found.append(_Given((a, b), met, score + near * target[index].weight))
    return found


@lru_cache(64)
def _meant(gender: str | None, seed: int) -> list[_Given]:
    """Given names for their meaning alone, where the surname echoes the whole of a short name (Linh -> 林)."""
    found = []
    for given, of in _given_pairs().items():
        row = [characters().get(character) for character in given]
        if of == "n" and len(given) == 2 and row[0] is not None and row[1] is not None:
            fit = _pair(row[0], row[1], gender) if gender in (None, "f", "m") else None
            if fit is not None and all(c is not None and c.gender == "n" for c in row):
                score = (_read(row[0], gender, seed) + _read(row[1], gender, seed)) / 2 + 0.2
                found.append(_Given((row[0], row[1]), (-1, -1), score + 0.5 * _chance(seed, given)))
    return sorted(found, key=lambda given: -given.score)[:8]


def _read(character: Character, gender: str | None, seed: int) -> float:
    """How good it reads; the seed shifts it by less than half a step of weight."""
    return 0.26 * (_liking(character, gender) - 3) + 0.12 * _chance(seed, character.hanzi)


def _chance(seed: int, text: str) -> float:
    """-0.5..0.5, the same for the same arguments."""
    return crc32(f"{seed} {text}".encode()) / 0xFFFFFFFF - 0.5


@lru_cache(1)
def _given_pairs() -> dict[str, str]:
    """Given names that parents really choose -> gender."""
    return {given: row[0] for row in rows("given.tsv") for given in row[1].split()}


@lru_cache(1)
def _seen() -> tuple[Counter[str], Counter[str]]:
    """How often a character begins and ends the given names of the list."""
    firsts: Counter[str] = Counter()
    lasts: Counter[str] = Counter()
    for given in _given_pairs():
        firsts[given[0]] += 1
        lasts[given[-1]] += 1
    return firsts, lasts


@lru_cache(65536)
def _pair(a: Character, b: Character, gender: str | None) -> float | None:
    """How well two characters stand together; None where they never do."""
    if a.hanzi == b.hanzi or {a.gender, b.gender} == {"f", "m"}:
        return None
    together = a.hanzi + b.hanzi
    score = 0.0
    listed = _given_pairs().get(together)
    if listed and (gender is None or listed in (gender, "n")):
        score += 0.95
    else:
        firsts, lasts = _seen()
        score += min(0.24, 0.06 * firsts[a.hanzi]) + min(0.24, 0.06 * lasts[b.hanzi])
        score -= 0.4 if a.place == "2" else 0
        score -= 0.45 if b.place == "1" else 0
    if a.theme == b.theme:
        score += 0.03
    return score


def _harmony(surname: Surname, given: tuple[Character, ...]) -> float | None:
    """Tones and sounds in turn; None for what no native would say with ease."""
    tones = [tone(surname.pinyin), *(tone(c.pinyin) for c in given)]
    if any(one == two == 3 for one, two in pairwise(tones)):
        return None
    syllables = [plain(surname.pinyin), *(plain(c.pinyin) for c in given)]
    if len(set(syllables)) < len(syllables):
        return None
    score = 0.0
    if len(tones) == 3:
        score += {1: -0.4, 2: 0.0, 3: 0.14}[len(set(tones))]
    else:
        score -= 0.1 if tones[0] == tones[1] else 0
        score += (
            0.6 if surname.hanzi + given[0].hanzi in _given_pairs() else 0
        )  # 雷恩, 艾伦: whole names that people bear
    if tones[-1] == 3:
        score -= 0.06
    parts = [initial_and_final(syllable) for syllable in syllables]
    for (initial_one, final_one), (initial_two, final_two) in pairwise(parts):
        score -= 0.1 if initial_one and initial_one == initial_two else 0
        score -= 0.16 if final_one == final_two else 0
    return score


# --- the choice


def _varied(drafts: list[_Draft], count: int) -> list[_Draft]:
    """The best ones that are not too much alike: a surname at most twice, a character at most twice, and no given
    name again under another surname; loosened where there are not enough."""
    chosen: list[_Draft] = []
    seen: set[str] = set()
    for surname_max, character_max in ((1, 2), (2, 2), (3, 3), (count, count)):
        for draft in drafts:
            if len(chosen) >= count:
                return chosen
            given = "".join(c.hanzi for c in draft.given.characters)
            hanzi = draft.surname.hanzi + given
            if hanzi in seen:
                continue
            of_surname = sum(other.surname.hanzi == draft.surname.hanzi for other in chosen)
            used = Counter(c.hanzi for other in chosen for c in other.given.characters)
            again = any("".join(c.hanzi for c in other.given.characters) == given for other in chosen)
            plain_names = sum(other.way == "plain" for other in chosen)
            if of_surname >= surname_max or any(used[c.hanzi] >= character_max for c in draft.given.characters):
                continue
            if surname_max < count and (again or (draft.way == "plain" and plain_names >= 2)):
                continue
            if checks(hanzi):
                seen.add(hanzi)
                continue
            seen.add(hanzi)
            chosen.append(draft)
    return chosen


def _named(draft: _Draft, target: tuple[Slot, ...], first: str, family: str, full: str | None) -> ChineseName:
    given = "".join(character.hanzi for character in draft.given.characters)
    surname = draft.surname
    echoes = []
    if draft.surname_slot is not None:
        slot = draft.surname_slot
        near = 1 - distance(slot, plain(surname.pinyin))
        echoes.append(Echo(slot.letters, surname.hanzi, surname.pinyin, round(near, 2)))
    echoes += [
        Echo(target[met].letters, c.hanzi, c.pinyin, round(_closeness(target[met], c), 2))
        for c, met in _meetings(draft.given)
    ]
    head = Gloss(surname.hanzi, surname.pinyin, surname.en, f"姓{surname.hanzi}")
    glosses = (head, *(Gloss(c.hanzi, c.pinyin, c.en, c.zh) for c in draft.given.characters))
    meaning_en = " · ".join(c.en for c in draft.given.characters)
    meaning_zh = "，".join(f"{c.hanzi}：{c.zh}" for c in draft.given.characters)
    pinyin = " ".join(
        part[:1].upper() + part[1:]
        for part in (surname.pinyin, joined(tuple(c.pinyin for c in draft.given.characters)))
    )
    why_en, why_zh = _why(draft, echoes, first, family)
    return ChineseName(
        hanzi=surname.hanzi + given, surname=surname.hanzi, given=given, pinyin=pinyin, characters=glosses,
        meaning_en=meaning_en, meaning_zh=meaning_zh, sound=round(draft.sound, 2), echoes=tuple(echoes),
        why_en=why_en, why_zh=why_zh, full=full or None, full_pinyin=_spelled(full) if full else None,
    )  # fmt: skip


def _spelled(full: str) -> str:
    return " ".join(pinyin_of(part).replace(" ", "").capitalize() for part in full.split("·"))


def _why(draft: _Draft, echoes: list[Echo], first: str, family: str) -> tuple[str, str]:
    heard_en = ", ".join(f"{echo.hanzi} {echo.pinyin} ~ “{echo.heard}”" for echo in echoes)
    heard_zh = "，".join(f"“{echo.hanzi}”近“{echo.heard}”" for echo in echoes)
    en = f"You hear {first} in it: {heard_en}." if draft.sound >= 0.75 else f"A little of {first}: {heard_en}."
    zh = f"音近 {first}：{heard_zh}。"
    surname = draft.surname
    if draft.way == "plain":
        en += f" {surname.hanzi} {surname.pinyin} ({surname.en}) is a common surname."
        zh += f"“{surname.hanzi}”是常见姓。"
    elif draft.way == "same":
        en += f" {surname.hanzi} {surname.pinyin} stands for {family}."
        zh += f"“{surname.hanzi}”对应 {family}。"
    elif draft.way == "family":
        en += f" The surname comes from {family}."
        zh += f"姓取自 {family}。"
    chosen = [c for c, met in zip(draft.given.characters, draft.given.met, strict=True) if met < 0]
    if chosen:
        en += " " + " ".join(f"{c.hanzi} was added for its meaning." for c in chosen)
        zh += "".join(f"“{c.hanzi}”取其义。" for c in chosen)
    meanings = " and ".join(f"“{c.en}”" for c in draft.given.characters)
    en += f" It means {meanings}."
    zh += "取" + "、".join(f"“{c.zh}”" for c in draft.given.characters) + "之义。"
    return en, zh
