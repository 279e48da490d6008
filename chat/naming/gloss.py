"""What a Chinese name means, character by character: what a name makes of it, not all of a dictionary."""

from chat.naming.pinyin import split_surname, syllables_of
from chat.naming.tables import characters, surnames
from chat.naming.values import Gloss


def gloss_of(hanzi: str) -> tuple[Gloss, ...]:
    """A gloss for each part of the name, the surname (one part, also where it has two characters) first. `en` and `zh`
    are empty for a character that our table does not hold. A single character is read as part of a given name."""
    surname, given = split_surname(hanzi)
    syllables = syllables_of(hanzi)
    found = []
    if surname:
        found.append(Gloss(surname, surnames()[surname].pinyin, surnames()[surname].en, f"姓{surname}"))
    for character, syllable in zip(given, syllables[len(surname) :], strict=True):
        row = characters().get(character)
        found.append(Gloss(character, syllable, row.en if row else "", row.zh if row else ""))
    return tuple(found)
