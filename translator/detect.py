"""In which language is this line of chat, and is there anything to translate in it? Pure (tables are loaded once).

Invariant: the answer about a script is never a guess: Han is Chinese unless kana says Japanese, Hangul is Korean.
Only within one script do statistics decide, and then among the room's languages first: a line of three words says too
little to choose between sixty languages (88 to 94 % right), but enough to choose between two (99 %, measured).

Lines that need no translation say so here, before an engine turns "666" into a number and "hhhh" into a cough:
laughter, numbers, links, names, emoji. Statistics are eldc's n-grams (Apache-2.0, model inside the wheel, 0.5 us a
line): the other detectors tried were slower by a factor of 10 to 300 and no better on short lines. Only this file
imports eldc.
"""

import functools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import regex

from translator import masking
from translator.chinese import SIMPLIFIED, TRADITIONAL, form_of
from translator.scripts import Script, count, scripts_of


class Reason(StrEnum):
    """How a detection came about."""

    SCRIPT = "script"
    STATISTICS = "statistics"
    ONLY_CANDIDATE = "only_candidate"
    PINYIN = "pinyin"
    """Chinese in Latin letters: no package reads it."""
    NO_WORDS = "no_words"
    EXCLAMATION = "exclamation"
    """Laughter, number slang and the like, understood as it is."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Detection:
    """`language` is a canonical tag, or None when it cannot be told."""

    language: str | None
    needs_translation: bool
    reason: Reason
    also: str = ""
    """A second language that parts of the text are in, as in "I really want 火锅"."""


_HAN_WORD: Final = 1.7
"""Characters in a Chinese word, on average: to weigh Han against Latin words in a mixed line."""
_CHINESE_GRAMMAR: Final = regex.compile(
    r"[的了是我你他她它们們在不吗嗎呢吧啊呀这這那没沒有就都也很太和跟把被给給]|怎么|什么|请问|翻译|意思|因为|所以|可以"
)
_ENGLISH_GRAMMAR: Final = regex.compile(
    r"\b(?:the|a|an|is|are|am|was|were|be|been|i|i'm|you|he|she|it|we|they|my|your|to|of|in|on|for|with|and|but|so|"
    r"this|that|these|those|what|how|why|who|where|when|do|does|did|don't|can|will|would|not|have|has|please)\b",
    regex.IGNORECASE,
)
_TOKEN: Final = regex.compile(r"[\p{L}\p{M}\p{N}'’]+")
_LATIN_CLAUSE: Final = regex.compile(
    r"\p{Latin}[\p{Latin}\p{M}'’]*(?:[\s,.;'’\-]+[\p{Latin}\p{N}][\p{Latin}\p{M}'’]*){2,}"
)
_LATIN_WORD: Final = regex.compile(r"\p{Latin}[\p{Latin}\p{M}'’]*")

_EXCLAMATIONS: Final = regex.compile(
    r"(?:[哈呵嘿嘻嘎噗咯嘤呜]{2,}|[草艹]|h{2,}m*|(?:ha|he|hi|ho|xi|ja|je|ke|ah){2,}h?|a{2,}h*|lo+l+(?:ol)*|lmf?ao+|rofl|x+d+|"
    r"w{3,}|w{2,}|[ㅋㅎㅠㅜ]{2,}|[笑草]|[でwｗ]{2,}|gg+|wp|o+k+(?:ay)?|k{2,}|hm+|e*m{2,}|u+h+|[0-9０-９]+|\+1|yyds|orz|qaq|qwq|"
    r"awsl|xswl|555+|666+|233+|\d{1,2}:\d{2})",
    regex.IGNORECASE,
)

_OWN_SCRIPT: Final[tuple[tuple[Script, str], ...]] = (
    (Script.HANGUL, "ko"),
    (Script.GREEK, "el"),
    (Script.HEBREW, "he"),
    (Script.THAI, "th"),
    (Script.BENGALI, "bn"),
    (Script.TAMIL, "ta"),
    (Script.TELUGU, "te"),
    (Script.GEORGIAN, "ka"),
    (Script.ARMENIAN, "hy"),
)
_RELIABLE: Final = 0.8
_FOREIGN: Final = 0.35
"""An English score below this, with another language reliably above `_RELIABLE`, is a guest's language."""


def detect(text: str, candidates: Sequence[str] = (), mentions: Iterable[str] = ()) -> Detection:
    """The language of `text`. `candidates` are the canonical tags of the room's languages, likeliest first.

    Candidates decide where the script leaves a choice. A script that belongs to no candidate is still named for what
    it is: a Korean line in a Chinese-English room is Korean, and the reader is told that no package serves it.
    """
    words = masking.words(masking.mask(text, mentions))
    tokens = _TOKEN.findall(words)
    letters = count(words)
    if not letters:
        return Detection(None, False, Reason.NO_WORDS)
    if all(_EXCLAMATIONS.fullmatch(token) for token in tokens):
        return Detection(None, False, Reason.EXCLAMATION)
    script = _leading_script(words, letters, candidates)
    if script is Script.HAN:
        return Detection(_chinese(words, candidates), True, Reason.SCRIPT, _clause(words, candidates))
    if script is Script.KANA:
        return Detection("ja", True, Reason.SCRIPT)
    for own, language in _OWN_SCRIPT:
        if script is own:
            return Detection(language, True, Reason.SCRIPT)
    if script is Script.OTHER:
        return _by_statistics(words, ())
    fitting = tuple(tag for tag in candidates if script in scripts_of(tag))
    if script is Script.LATIN and {SIMPLIFIED, TRADITIONAL} & set(candidates) and _is_pinyin(words, fitting):
        return Detection(_chinese("", candidates), False, Reason.PINYIN)
    found = _by_statistics(words, fitting)
    if script is Script.LATIN and letters.get(Script.HAN, 0) and not letters.get(Script.KANA, 0):
        return replace(found, also=_chinese(words, candidates))
    return found


def _clause(words: str, candidates: Sequence[str]) -> str:
    """The language of a clause in Latin letters within a Chinese line. Single words of it are everyday Chinese."""
    clauses = [found[0] for found in _LATIN_CLAUSE.finditer(words)]
    if not clauses:
        return ""
    fitting = tuple(tag for tag in candidates if Script.LATIN in scripts_of(tag))
    return _by_statistics(" ".join(clauses), fitting).language or ""


def _leading_script(words: str, letters: "dict[Script, int]", candidates: Sequence[str]) -> Script:
    """The script the line is written in, where words of another one may be sprinkled over it."""
    han, kana, latin = letters.get(Script.HAN, 0), letters.get(Script.KANA, 0), letters.get(Script.LATIN, 0)
    if kana and (kana >= 2 or "ja" in candidates or not han) and kana * 8 >= han:
        return Script.KANA
    if han and latin:
        chinese = han / _HAN_WORD + 2 * len(_CHINESE_GRAMMAR.findall(words))
        foreign = len(_LATIN_WORD.findall(words)) + 2 * len(_ENGLISH_GRAMMAR.findall(words))
        return Script.HAN if chinese >= foreign else Script.LATIN
    return max(letters, key=lambda script: letters[script])


def _chinese(words: str, candidates: Sequence[str]) -> str:
    """The script of Chinese words; the room's preference where both write them alike."""
    preferred = next((tag for tag in candidates if tag in (SIMPLIFIED, TRADITIONAL)), SIMPLIFIED)
    return form_of(words) or preferred


def _by_statistics(words: str, fitting: tuple[str, ...]) -> Detection:
    if not fitting:
        return _outsider(words) or Detection(None, True, Reason.UNKNOWN)
    known = tuple(tag for tag in fitting if tag in _known_languages())
    if len(fitting) == 1:
        return _guest(words, fitting[0]) or Detection(fitting[0], True, Reason.ONLY_CANDIDATE)
    found = _ask(words, known) if known else None
    if found is None:
        return Detection(fitting[0], True, Reason.ONLY_CANDIDATE)
    return Detection(found[0], True, Reason.STATISTICS)


def _outsider(words: str) -> Detection | None:
    found = _ask(words, ())
    return Detection(found[0], True, Reason.STATISTICS) if found else None


def _guest(words: str, host: str) -> Detection | None:
    """Another language than the only candidate, when statistics are sure of it and disown the candidate."""
    found = _ask(words, ())
    if found is None or found[0] == host or found[1] < _RELIABLE or not found[2]:
        return None
    hosted = _ask(words, (host,)) if host in _known_languages() else None
    return None if hosted and hosted[1] > _FOREIGN else Detection(found[0], True, Reason.STATISTICS)


_LOADING = threading.Lock()


@functools.cache
def _known_languages() -> frozenset[str]:
    with _LOADING:
        import eldc

        eldc.init()
        return frozenset(eldc.LANGUAGES)


@functools.lru_cache(maxsize=256)
def _statistics(languages: tuple[str, ...]) -> Any:
    """An eldc instance restricted to `languages` (all when empty)."""
    _known_languages()
    import eldc

    with _LOADING:
        instance = eldc.instance()
        if languages:
            instance.set_languages(list(languages))
        return instance


def _ask(words: str, languages: tuple[str, ...]) -> tuple[str, float, bool] | None:
    """(language, score 0..1, reliable), or None when eldc cannot tell."""
    result = _statistics(tuple(sorted(languages))).detect_details(words)
    if result.language == "und" or not result.scores:
        return None
    return result.language, float(result.scores[result.language]), bool(result.reliable)


_SYLLABLE: Final = (
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|uo|ui|ue|üe|ün|ve|a|o|e|i|u|ü|v)"
)
_INVALID: Final = regex.compile(
    r"(?:[jqx](?:a|e|o|ai|ei|ao|ou|an|en|ang|eng|ong|ua|uo|ui|uai|uang)|[bpmf](?:ong|iang|ia|iu|uan|ua|uo|ui|un|ue)|"
    r"(?:zh|ch|sh|[zcsr])(?:in|ing|ia|ie|iao|ian|iang|iong|iu|ue)|[gkh](?:i|in|ing|ia|ie|iao|ian|iang|iu|ue)|"
    r"w(?:e|u[aeino].*|i.*|ao|ou)|y(?:ai|ei|en|eng|ia.*|ie|iu|iao|ua|uo|ui)|[dt](?:ia|iang|in|ua|uai|uang))"
)
_PINYIN: Final = regex.compile(rf"(?P<s>{_SYLLABLE})(?:'?(?P<s>{_SYLLABLE}))*r?")
_TONES: Final = regex.compile(r"[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]")
_CARONS: Final = regex.compile(r"[āǎēěīǐōǒūǔǖǘǚǜ]")
_PLAIN: Final = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ", "aaaaeeeeiiiioooouuuuüüüü")
_COMMON: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    nihao zaijian xiexie zenme zenyang shenme weishenme women nimen tamen mingtian jintian zuotian xianzai duoshao
    haode meiyou keyi zhongguo beijing shanghai laoshi pengyou xihuan zhidao jiayou meiguo henhao buhao buyao bushi
    shide duibuqi meiguanxi mingbai zhongwen hanyu putonghua chifan wanan zaoan ganbei yidian yiqi gongxi laoban
    """,
    )
)
_GRAMMAR: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    wo ni ta hao bu shi de le ma ne ba hen zai you qu lai chi he shuo kan xiang yao hui neng dou ye men wen mei xie
    jian zhe na ge xia shang zhong guo ren ming tian jin zi ai
    """,
    )
)


def _is_pinyin(words: str, latin_candidates: Sequence[str]) -> bool:
    """Chinese typed in Latin letters. Half of English can be cut into pinyin syllables ("nice game dude"), so every
    word must be cuttable *and* the statistics of the room's Latin languages must disown the line."""
    lowered = words.lower()
    tokens = [regex.sub(r"(?<=\p{L})[1-5]", "", token) for token in _TOKEN.findall(lowered)]
    tokens = [token for token in tokens if not token.isdigit()]
    plain = [token.translate(_PLAIN).replace("’", "'") for token in tokens]
    if not plain or not all(_cuttable(token) for token in plain):
        return False
    toned = bool(_CARONS.search(lowered)) and not {"vi", "yo", "lv", "lt"} & set(latin_candidates)
    if toned:
        return True
    known = sum(token in _COMMON or token in _GRAMMAR for token in plain)
    if len(plain) == 1:
        return plain[0] in _COMMON and plain[0] != "women"
    scored = _ask(lowered, tuple(tag for tag in latin_candidates if tag in _known_languages()) or ("en",))
    disowned = scored is None or scored[1] < (0.45 if known * 2 < len(plain) else 0.7)
    return (disowned and known >= 1) or (
        known == len(plain) and len(plain) >= 3 and (scored is None or scored[1] < 0.8)
    )


def _cuttable(token: str) -> bool:
    """True when `token` is one or more pinyin syllables."""
    found = _PINYIN.fullmatch(token)
    return found is not None and not any(_INVALID.fullmatch(syllable) for syllable in found.captures("s"))
