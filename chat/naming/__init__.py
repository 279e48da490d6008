"""Names across languages: suggestions for the naming ceremony, pinyin, meanings, and checks of what members propose.

Pure and deterministic: the same name and seed give the same suggestions on every machine. Nothing is read but the
tables of this package, once. Suggesting takes some milliseconds; `checks` and `pinyin_of` far less.
"""

from chat.naming.checks import checks
from chat.naming.chinese import suggest_chinese
from chat.naming.gloss import gloss_of
from chat.naming.latin import respelled, suggest_latin
from chat.naming.pinyin import initials, pinyin_of, respelling, search_keys, split_surname, syllables_of
from chat.naming.values import ChineseName, Echo, Finding, Gloss, Kind, LatinName, SearchKeys

__all__ = [
    "ChineseName",
    "Echo",
    "Finding",
    "Gloss",
    "Kind",
    "LatinName",
    "SearchKeys",
    "checks",
    "gloss_of",
    "initials",
    "pinyin_of",
    "respelled",
    "respelling",
    "search_keys",
    "split_surname",
    "suggest_chinese",
    "suggest_latin",
    "syllables_of",
]
