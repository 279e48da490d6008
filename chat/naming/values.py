"""What the naming rules answer with: plain frozen values, ready for an event, a reply or a card.

Every text that a member may read comes in two languages, `_en` and `_zh`: who proposes and who receives a name seldom
share one. Scores are between 0 and 1; `sound` is 1 where every syllable of the name given is heard again.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What can be wrong with a proposed name. The first three are grave: nobody gets such a name unwarned."""

    BLOCKED = "blocked"
    """Holds a character or word that belongs in no name, or is no name at all (digits, marks, too long)."""
    TABOO_HOMOPHONE = "taboo_homophone"
    """Sounds like something rude, sad or ridiculous."""
    RUDE_IN_OTHER_LANGUAGE = "rude_in_other_language"
    """Harmless where it comes from, rude or ridiculous to the other half of the room."""
    FAMOUS = "famous"
    """Everybody thinks of somebody else."""
    DICTIONARY_WORD = "dictionary_word"
    """Is an ordinary word."""
    DATED = "dated"
    """A name of grandparents."""


class Finding(msgspec.Struct, frozen=True):
    """One thing to know about a name before it is given: `part` is what of it, both texts are for members."""

    kind: Kind
    part: str
    why_en: str
    why_zh: str

    @property
    def grave(self) -> bool:
        """Whether a suggestion may never have it, and a proposal needs a second thought."""
        return self.kind in (Kind.BLOCKED, Kind.TABOO_HOMOPHONE, Kind.RUDE_IN_OTHER_LANGUAGE)


class Gloss(msgspec.Struct, frozen=True):
    """One character of a name: reading with tone mark, meaning in English, and a Chinese word it is known from."""

    hanzi: str
    pinyin: str
    en: str
    zh: str


class Echo(msgspec.Struct, frozen=True):
    """Which part of one name is heard again in which part of the other; `closeness` 0..1."""

    heard: str
    """Letters of the foreign name, e.g. `bre`."""
    hanzi: str
    pinyin: str
    closeness: float


class ChineseName(msgspec.Struct, frozen=True):
    """A Chinese name for a foreigner: 2 or 3 characters, surname first."""

    hanzi: str
    surname: str
    given: str
    pinyin: str
    """With tone marks, surname and given name capitalised: `Bái Ruìkāng`."""
    characters: tuple[Gloss, ...]
    meaning_en: str
    meaning_zh: str
    sound: float
    echoes: tuple[Echo, ...]
    why_en: str
    why_zh: str
    full: str | None = None
    """The whole foreign name as a newspaper writes it: `布雷肯·约翰逊`. Only on request."""
    full_pinyin: str | None = None


class LatinName(msgspec.Struct, frozen=True):
    """An English name for a Chinese member."""

    name: str
    gender: str | None
    """`f`, `m`, or None where both bear it."""
    respelling: str
    """How to say it, syllable by syllable, the stressed one in capitals: `EH-muh-lee`."""
    meaning_en: str
    meaning_zh: str
    sound: float
    echoes: tuple[Echo, ...]
    why_en: str
    why_zh: str


class SearchKeys(msgspec.Struct, frozen=True):
    """What a member may type to find a name; all in lower case, no spaces."""

    toned: str
    """`bái ruìkāng` -> `báiruìkāng`."""
    plain: str
    """`bairuikang`; ü is written v, as keyboards do."""
    initials: str
    """`brk`."""

    def all(self) -> tuple[str, ...]:
        """Without repetition, longest first."""
        return tuple(sorted({self.toned, self.plain, self.initials}, key=len, reverse=True))
