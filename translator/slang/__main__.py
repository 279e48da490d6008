"""`python -m translator.slang`: writes docs/slang.md to standard output. A test holds the file against it."""

import sys
from typing import Final

from translator.slang import Register, Slang, Term, Where

_HEAD: Final = """# Slang

<!-- Written by `python -m translator.slang > docs/slang.md` from translator/slang/slang.tsv. -->

Words that no translation engine knows, explained beside a line to whoever does not read its language. The line itself
is translated as ever. {count} terms: {chinese} Chinese, {english} English.

## Add a term

Add a row to [`translator/slang/slang.tsv`](../translator/slang/slang.tsv); columns are separated by tabs:

| column | holds |
|---|---|
| term | as it is mostly written; case and full width do not matter |
| language | of the term: `zh` or `en` |
| variants | other spellings, Traditional ones too, or telling phrases, separated by `\\|`; they count anywhere |
| where | where the bare term counts: {where} |
| register | {register} |
| meaning_en | a few English words for a reader without Chinese; say what it means, then how it comes to |
| meaning_zh | the same for a Chinese reader |

Then run `python -m translator.slang > docs/slang.md` and the tests. Four rules:

- **Your own words.** No text from a dictionary or a website.
- **No wrong chips.** If the term is also an ordinary word (mid, tea, 上头), let it count as a `clause` or a `line`, and
  add the phrases that give it away as variants ("so mid", "spill the tea"). Add the false friend to `test_slang.py`.
- **No slurs.** A rude word is explained where people meet it often, and marked `rude`; words made to hurt a group are
  left out.
- **Living words.** Somebody must say it this year, to strangers, in a group chat.

A room may add terms of its own, or silence one of these with empty meanings (`translator.slang.Slang.including`).
"""
_WHERE: Final = {
    Where.ANYWHERE: "as a whole word, Chinese as a part of the line",
    Where.CLAUSE: "alone between marks",
    Where.LINE: "alone in a line",
    Where.CHINESE: "in a line that holds Chinese too",
}
_REGISTER: Final = {
    Register.PLAIN: "fit for everyone",
    Register.MILD: "may tease or hurt",
    Register.RUDE: "not among strangers",
}


def document() -> str:
    """docs/slang.md."""
    terms = Slang.builtin().terms
    chinese = [term for term in terms if term.language == "zh"]
    english = [term for term in terms if term.language == "en"]
    head = _HEAD.format(
        count=len(terms),
        chinese=len(chinese),
        english=len(english),
        where=", ".join(f"`{where}` ({words})" for where, words in _WHERE.items()),
        register=", ".join(f"`{register}` ({words})" for register, words in _REGISTER.items()),
    )
    return f"{head}\n## Chinese\n\n{_table(chinese)}\n## English\n\n{_table(english)}"


def _table(terms: list[Term]) -> str:
    rows = ["| term | also | means | 意思 | |", "|---|---|---|---|---|"]
    for term in sorted(terms, key=lambda term: (term.term.casefold(), term.term)):
        flags = [str(flag) for flag in (term.where, term.register) if flag not in (Where.ANYWHERE, Register.PLAIN)]
        cells = (term.term, ", ".join(term.variants), term.meaning_en, term.meaning_zh, ", ".join(flags))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
