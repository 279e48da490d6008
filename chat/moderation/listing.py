"""Word lists as files: tab-separated lines that people write in a text editor or a spreadsheet.

    term            kind        action   innocent            note
    sod off         word        replace                      a mild insult
    草泥马          pinyin      hold     草泥 草原            sounds like an insult

`|` separates forms of one term (`idiot|idiots`), spaces separate innocent texts of one word, `|` those of several.
Only the term is needed. Invariant: a list is read whole or not at all, and what is wrong is said for every line.
"""

from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from chat.errors import ErrorCode, Rejected
from chat.moderation.terms import LIST_BYTES_MAX, LISTED_TERMS_MAX, Action, Kind, Term, problem_of

_LISTS: Final = Path(__file__).parent / "lists"
_COLUMNS: Final = ("term", "kind", "action", "innocent", "note")
_STRICT: Final = "strict"
_PROBLEMS_SHOWN: Final = 10


class ListProblem(Rejected):
    """A list that cannot be read; `problems` has a sentence for each line that is wrong."""

    def __init__(self, name: str, problems: list[str]) -> None:
        more = f"\n... and {len(problems) - _PROBLEMS_SHOWN} more" if len(problems) > _PROBLEMS_SHOWN else ""
        super().__init__(ErrorCode.MALFORMED, f"{name}: " + "\n".join(problems[:_PROBLEMS_SHOWN]) + more)
        self.problems = tuple(problems)


def read_list(text: str, name: str, action: Action = Action.HOLD) -> tuple[Term, ...]:
    """The terms of a list. `action` is that of lines that name none. Raises ListProblem."""
    if len(text.encode("utf-8", "replace")) > LIST_BYTES_MAX:
        raise ListProblem(name, [f"the list is longer than {LIST_BYTES_MAX:,} bytes"])
    terms: dict[str, Term] = {}
    problems: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.startswith("# ") or line.rstrip() == "#":
            continue
        if line.split("\t")[:2] == list(_COLUMNS[:2]):
            continue
        try:
            for term in _terms_of(line, name, action):
                if term.text in terms:
                    raise ValueError(f"{term.text!r} is listed twice")
                terms[term.text] = term
        except ValueError as problem:
            problems.append(f"line {number}: {problem}")
    if len(terms) > LISTED_TERMS_MAX:
        problems.append(f"there are {len(terms):,} terms; at most {LISTED_TERMS_MAX:,} are allowed")
    if problems:
        raise ListProblem(name, problems)
    return tuple(terms.values())


def _terms_of(line: str, name: str, default: Action) -> list[Term]:
    """Raises ValueError, in words for who wrote the line."""
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) > len(_COLUMNS):
        raise ValueError(f"{len(fields)} columns, separated by tabs; expected at most 5: {', '.join(_COLUMNS)}")
    forms, kind, action, innocent, note = (*fields, *[""] * (len(_COLUMNS) - len(fields)))
    kind_word, _, strictness = kind.partition(" ")
    if strictness not in ("", _STRICT):
        raise ValueError(f"after the kind stands {strictness!r}; expected nothing or '{_STRICT}'")
    terms = [
        Term(
            form.strip(),
            _named(Action, action, default, "action"),
            _named(Kind, kind_word, _usual_kind(form), "kind"),
            note,
            tuple(text.strip() for text in (innocent.split("|") if "|" in innocent else innocent.split())),
            strictness == _STRICT,
            name,
        )
        for form in forms.split("|")
    ]
    for term in terms:
        if problem := problem_of(term):
            raise ValueError(problem)
    return terms


def _usual_kind(form: str) -> Kind:
    """Words have edges where spaces separate them; Chinese, Japanese, Korean and emoji are found anywhere."""
    return Kind.SUBSTRING if any(character >= "\u0e00" for character in form) else Kind.WORD


_Named = TypeVar("_Named", Action, Kind)


def _named(values: type[_Named], word: str, default: _Named, what: str) -> _Named:
    if not word:
        return default
    try:
        return values(word.lower())
    except ValueError:
        expected = ", ".join(values)
        raise ValueError(f"{word!r} is no {what}; expected one of {expected}, or nothing") from None


@cache
def default_lists() -> dict[str, tuple[Term, ...]]:
    """The lists that come with the house: name -> terms. Small and mild: a start, to be added to."""
    return {path.stem: read_list(path.read_text("utf-8"), path.stem) for path in sorted(_LISTS.glob("*.tsv"))}
