"""Word lists of moderators: what is on them, and where a text has it, however it is written.

    terms = TermList(default_lists()["scams"])
    hits = terms.find("加薇信领红包")
    hits.worst, [(hit.term.text, hit.start, hit.end, hit.found) for hit in hits]

Pure: which list holds for which room, and what is done about a hit, is decided elsewhere.
"""

from chat.moderation.listing import ListProblem, default_lists, read_list
from chat.moderation.matching import TermList
from chat.moderation.terms import (
    INNOCENT_MAX,
    LIST_BYTES_MAX,
    LISTED_TERM_CHARS_MAX,
    LISTED_TERMS_MAX,
    NOTHING,
    Action,
    Hit,
    Hits,
    How,
    Kind,
    Term,
)

__all__ = [
    "INNOCENT_MAX",
    "LISTED_TERMS_MAX",
    "LISTED_TERM_CHARS_MAX",
    "LIST_BYTES_MAX",
    "NOTHING",
    "Action",
    "Hit",
    "Hits",
    "How",
    "Kind",
    "ListProblem",
    "Term",
    "TermList",
    "default_lists",
    "read_list",
]
