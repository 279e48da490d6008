"""Which language a tag means, and which translations a room owes its readers.

One table for Chinese: browsers, phones, translation packages and people write the same language in a dozen ways
(zh, zh-CN, zh-Hans, zh-SG ... ), and every product that compares the strings is broken for one of them. Canonical
form here: "zh" is Simplified, "zh-Hant" is Traditional, any other language is its lower-case primary subtag
(RFC 5646 section 2.1: "en-US" -> "en").
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from msgspec import Meta

Language = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}(?!\n)$", description="a BCP 47 language tag"),
]

TRADITIONAL_TAGS = frozenset({"zh-hant", "zh-tw", "zh-hk", "zh-mo", "zt", "yue", "zh-yue"})
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}\Z")


def canonical(tag: str) -> str:
    """The one spelling of `tag` used in logs, jobs, keys and metrics. Raises ValueError for what is not a tag."""
    folded = tag.strip().replace("_", "-").lower()
    if not _TAG.match(folded):
        raise ValueError(f"{tag[:40]!r} is not a language tag; expected one like 'zh', 'zh-Hant', 'en' or 'pt-BR'")
    primary, _, rest = folded.partition("-")
    if primary in ("zh", "cmn", "yue", "zt"):
        subtags = rest.split("-")
        if "hans" in subtags:
            return "zh"
        if "hant" in subtags or folded in TRADITIONAL_TAGS or {"tw", "hk", "mo"} & set(subtags):
            return "zh-Hant"
        return "zh"
    return primary


def canonical_list(tags: Iterable[str]) -> tuple[str, ...]:
    """Canonical tags in the given order, each once."""
    return tuple(dict.fromkeys(canonical(tag) for tag in tags))


def wanted(source: str, readers: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The languages into which a text in `source` must go so that every reader can read it.

    `readers` are the distinct reading-language lists of those present, most liked first. Somebody who reads the
    source needs nothing; everybody else gets their first language. Order is that of first need, each once.
    """
    return tuple(dict.fromkeys(languages[0] for languages in readers if languages and source not in languages))


_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")
_NOT_LATIN: Final = frozenset(
    {"zh", "zh-Hant", "ja", "ko", "ru", "uk", "bg", "sr", "ar", "fa", "ur", "th", "el", "he", "hi"}
)


def guess(text: str, candidates: Iterable[str]) -> str:
    """The language of `text` as far as its script tells, among `candidates`; "" when it does not.

    Only for deciding who certainly reads a text as it stands; translation detects more carefully. A text in two
    scripts tells nothing: half of its readers may need the other half.
    """
    among = tuple(candidates)
    found = [] if text.isascii() else [language for language, letters in _SCRIPTS if letters.search(text)]
    if _LATIN.search(text):
        latin = [language for language in among if language not in _NOT_LATIN]
        return latin[0] if not found and len(latin) == 1 else ""
    if "ja" in found:
        return "ja"
    if len(found) != 1:
        return ""
    return "zh-Hant" if found == ["zh"] and "zh" not in among and "zh-Hant" in among else found[0]
