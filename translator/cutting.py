"""A sentence cut around what must stay in it: which parts go to the engine, and how they stand in a row again. Pure.

Invariant: every part that is kept is one `Verbatim`; what is left between two of them goes to the engine unless it is
too little to be a sentence, of which an engine would make one.
"""

from collections.abc import Sequence
from typing import Final

import regex

from translator import masking, routes, standing
from translator.masking import Kind, Segment, Verbatim
from translator.punctuation import without_stop

_SENTENCE_CASE: Final = regex.compile(r"\p{Lu}\p{Ll}+(?!['’\p{Ll}])(?:\s|\Z)")
_PARTICLES: Final = regex.compile(r"[吧呢吗嗎啊呀啦嘛哦喔哈的了]{1,2}(?P<marks>[\s，。！？~～!?]*)")
"""What is left of a Chinese sentence after a word at its end: no work for an engine, which makes a sentence of it."""
_LITTLE: Final = regex.compile(r"(?i:in|on|at|of|by)")
"""What is left of an English sentence between two spans that stay: before a figure it becomes a numeral."""


def segments(parts: Sequence[tuple[str, bool]], source: str, target: str, *, figures: bool = False) -> list[Segment]:
    """`parts` of a sentence, each with whether it is kept, for the engine between two languages. `figures`: what is
    kept are figures, with units for the reader."""
    made: list[Segment] = []
    for place, (part, is_kept) in enumerate(parts):
        if is_kept and figures:
            left, right = ("".join(each[0] for each in some) for some in (parts[:place], parts[place + 1 :]))
            figure = standing.shown(part, target)
            made.append(Verbatim(standing.apart(left.strip(), figure, right, target), Kind.TERM))
        elif is_kept:
            made.append(Verbatim(part, Kind.TERM))
        elif target not in routes.CHINESE and (particles := _PARTICLES.fullmatch(part)):
            made += [Verbatim(particles["marks"], Kind.GLUE)] if particles["marks"] else []
        elif target == "en" and part.strip() == "是" and place + 1 < len(parts):
            made.append(Verbatim("is", Kind.TERM))
        elif place and source == "en" and target in routes.CHINESE and _is_little(part, parts[place + 1 :]):
            made.append(Verbatim(" ", Kind.GLUE))
        else:
            made += masking.passages(part)
    return made


def _is_little(part: str, after: Sequence[tuple[str, bool]]) -> bool:
    return _LITTLE.fullmatch(part.strip()) is not None and bool(after) and any(map(str.isdigit, after[0][0]))


def within(texts: Sequence[str], words: dict[str, str], sentence: str) -> list[str]:
    """Parts of one sentence, translated: only the first begins with a capital, and none but the last may stop."""
    made = []
    for text in texts:
        output = without_stop(words[text])
        if not sentence.startswith(text) and _SENTENCE_CASE.match(output):
            output = output[0].lower() + output[1:]
        made.append(output)
    return made
