"""In which language is this line of chat, and is there anything to translate in it? Pure (tables are loaded once).

Invariant: the answer about a script is never a guess: Han is Chinese unless kana says Japanese (or a character that
only Japan writes: 元気; where nobody reads Japanese, in an everyday word alone), Hangul is Korean.
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
from translator.chinese import SIMPLIFIED, TRADITIONAL, form_of, is_japanese_only
from translator.exclamations import EXCLAMATION
from translator.guests import has_foreign_marks, host_words, known_by_words
from translator.scripts import Script, count, has_words, scripts_of
from translator.slang import Slang, fold
from translator.switching import CLAUSE_WORDS_MIN, spans


class Reason(StrEnum):
    """How a detection came about."""

    SCRIPT = "script"
    STATISTICS = "statistics"
    ONLY_CANDIDATE = "only_candidate"
    PINYIN = "pinyin"
    """Chinese in Latin letters: no package reads it."""
    NO_WORDS = "no_words"
    EXCLAMATION = "exclamation"
    """Laughter, number slang, Chinese initials and the like: understood as it is, or explained by the slang table."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Detection:
    """`language` is a canonical tag, or None when it cannot be told."""

    language: str | None
    needs_translation: bool
    reason: Reason
    also: str = ""
    """A second language that parts of the text are in, as in "I really want 火锅"."""
    foreign: tuple[str, ...] = ()
    """Those parts that who reads only `language` is owed (`switching`): ("火锅",)."""
    unexplained: bool = False
    """Some of `foreign` is more than slang that is explained beside the line."""


_HAN_WORD: Final = 1.7
"""Characters in a Chinese word, on average: to weigh Han against Latin words in a mixed line."""
_CHINESE_GRAMMAR: Final = regex.compile(
    r"[的了是我你他她它们們在不吗嗎呢吧啊呀这這那没沒有就都也很太和跟把被给給]|怎么|什么|请问|翻译|意思|因为|所以|可以"
)
_CHINESE_VERB: Final = regex.compile(
    r"\A\P{L}*+(?:[去来來买買看吃喝打点點开開用玩做找听聽学學练練写寫等想要请請带帶选選换換])(?=\s*\p{Latin})(?!.*\bmean)",
    regex.IGNORECASE | regex.DOTALL,
)
"""A line that begins with a Chinese verb has Chinese grammar, whatever it is about: 去 Starbucks 买 latte."""
_GROWN_ON: Final = regex.compile(r"\p{Han}\p{Latin}|\p{Latin}\p{Han}")
"""Without a space between them, the one Chinese character is no quotation: 求setlist, thanks啦, 栓Q."""
_ENGLISH_GRAMMAR: Final = regex.compile(
    r"\b(?:the|(?-i:a|A(?=\s\p{Ll}))|an|is|are|am|was|were|be|been|i|i'm|you|he|she|it|we|they|my|your|to|of|in|on|for|with|and|but|so|"
    r"this|that|these|those|what|how|why|who|where|when|do|does|did|don't|can|will|would|not|have|has|please)\b",
    regex.IGNORECASE,
)
_HALF_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_TOKEN: Final = regex.compile(r"[\p{L}\p{M}\p{N}'’]+")
_LATIN_WORD: Final = regex.compile(r"\p{Latin}[\p{Latin}\p{M}'’]*")

_MEASURE: Final = regex.compile(
    r"(?<![\p{L}\p{N}])(?:\d++(?:[.,:]\d++){0,6}+\s?(?i:p|k|w|[ap]\.?m|[kcm]?m|km/h|mph|k?g|mg|m?l|h|s|mins?|[kmg]?hz|fps|[kmgt]b|"
    r"rmb|usd|eur|cny|°?[cf]|x|k?w|v|m?ah)|(?:[A-Z]\d{1,4}|\d{1,4}[A-Z])(?:[-–]\d{1,4})?)(?![\p{L}\p{N}])"
)
"""5km, 1080p, 8:30pm, 50k; seats and gates: C3, A12, 12B."""

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
_FIRST_MARGIN: Final = 0.08
"""How much better another language of the room must score than the likeliest: "im hungry" is no German."""
_FOREIGN: Final = 0.35
"""An English score below this, with another language reliably above `_RELIABLE`, is a guest's language."""


def detect(
    text: str, candidates: Sequence[str] = (), mentions: Iterable[str] = (), readable: Sequence[str] = ()
) -> Detection:
    """The language of `text`. `candidates` are the canonical tags of the room's languages, likeliest first; `readable`
    others that could be translated, asked only where none of the room's is written in the script of the line: were
    they candidates, each package installed would make short lines of the room less certain.

    Candidates decide where the script leaves a choice. A script that belongs to no candidate is still named for what
    it is: a Korean line in a Chinese-English room is Korean, and the reader is told that no package serves it.
    """
    words = masking.words(masking.mask(text, mentions)).translate(_HALF_WIDTH)
    tokens = _TOKEN.findall(words)
    letters = count(words)
    if not letters:
        return Detection(None, False, Reason.NO_WORDS)
    if not has_words(_MEASURE.sub(" ", words)):
        return Detection(None, False, Reason.NO_WORDS)
    has_chinese = not {SIMPLIFIED, TRADITIONAL}.isdisjoint((*candidates, *readable))
    if _is_exclamation(words, tokens, has_chinese):
        return Detection(None, False, Reason.EXCLAMATION)
    script = _leading_script(words, letters, candidates)
    if script is Script.HAN:
        if ("ja" in candidates and is_japanese_only(words)) or (len(tokens) == 1 and tokens[0] in _JAPANESE_WORDS):
            return Detection("ja", True, Reason.SCRIPT)
        found = Detection(_chinese(words, candidates), True, Reason.SCRIPT)
        return _mixed(found, words, _language_of_spans(words, candidates)) if letters.get(Script.LATIN, 0) else found
    if script is Script.KANA:
        return Detection("ja", True, Reason.SCRIPT)
    for own, language in _OWN_SCRIPT:
        if script is own:
            return Detection(language, True, Reason.SCRIPT)
    if script is Script.OTHER:
        return _by_statistics(words, ())
    fitting = tuple(tag for tag in candidates if script in scripts_of(tag))
    fitting = fitting or tuple(tag for tag in readable if script in scripts_of(tag))
    if script is Script.CYRILLIC and not fitting:
        return _cyrillic(words)
    if has_chinese and len(tokens) == 1 and tokens[0][0].isupper() and tokens[0].lower() in _PLACES:
        return Detection(None, False, Reason.NO_WORDS)
    if script is Script.LATIN and has_chinese and _is_pinyin(words, fitting):
        return Detection(_chinese("", candidates), False, Reason.PINYIN)
    found = _by_statistics(words, fitting)
    if script is Script.LATIN and letters.get(Script.HAN, 0) and not letters.get(Script.KANA, 0):
        return _mixed(found, words, _chinese(words, candidates))
    return found


def _is_exclamation(words: str, tokens: Sequence[str], has_chinese: bool) -> bool:
    """Laughter, noises, a single letter; where Chinese can be read also initials (u1s1, dbq) that the slang table
    explains, unless the table has them for English too."""
    left = [token for token in map(fold, tokens) if not EXCLAMATION.fullmatch(token)]
    if not left or (len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0].isascii()):
        return True
    if not has_chinese or not all(token.isascii() for token in left):
        return False
    table = Slang.builtin()
    initials = {fold(words[found.start : found.end]) for found in table.find(words, "zh")}
    return initials.issuperset(left) and not table.find(words, "en")


def _mixed(found: Detection, words: str, also: str) -> Detection:
    """`found` with its second language. A Chinese line has one only where a reader of it is owed something; in others
    Chinese is always told apart, for an engine would stumble over it."""
    if not also or not found.language:
        return found
    owed = spans(words, found.language, also)
    return replace(
        found,
        also=also if owed or also in (SIMPLIFIED, TRADITIONAL) else "",
        foreign=tuple(words[span.start : span.end] for span in owed),
        unexplained=not all(span.explained for span in owed),
    )


def _language_of_spans(words: str, candidates: Sequence[str]) -> str:
    """The language of Latin spans within a Chinese line: statistics decide about clauses; single words are English,
    unless they are known for another language of the room. Where the room has no language in Latin letters they are a
    habit of those who write there, and nobody is owed them."""
    owed = [words[span.start : span.end] for span in spans(words, SIMPLIFIED, "en")]
    clauses = [span for span in owed if len(span.split()) >= CLAUSE_WORDS_MIN]
    fitting = tuple(tag for tag in candidates if Script.LATIN in scripts_of(tag))
    if clauses:
        return _by_statistics(" ".join(clauses), fitting).language or ""
    known = known_by_words(" ".join(owed), fitting)
    if len(known) == 1 and known[0] in fitting:
        return known[0]
    return "en" if owed and "en" in fitting else ""


def _leading_script(words: str, letters: "dict[Script, int]", candidates: Sequence[str]) -> Script:
    """The script the line is written in, where words of another one may be sprinkled over it."""
    han, kana, latin = letters.get(Script.HAN, 0), letters.get(Script.KANA, 0), letters.get(Script.LATIN, 0)
    if kana and (kana >= 2 or "ja" in candidates or not han) and kana * 8 >= han:
        return Script.KANA
    if han and latin:
        chinese = han / _HAN_WORD + 2 * len(_CHINESE_GRAMMAR.findall(words))
        foreign = len(_LATIN_WORD.findall(words)) + 2 * len(_ENGLISH_GRAMMAR.findall(words))
        if _GROWN_ON.search(words):
            chinese += 0.5
        if _CHINESE_VERB.search(words):
            chinese += 2
        return Script.HAN if chinese >= foreign else Script.LATIN
    return max(letters, key=lambda script: letters[script])


_JAPANESE_WORDS: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    元気 天気 電気 人気 平気 病気 空気 勇気 本気 浮気 景気 気分 気配 雰囲気 駅 駅前 円 千円 万円 県 大変 変態 沢山
    図書館 音楽 仮面 拡散希望 最悪 悪魔 応援 伝説 栄光 労働 経験 試験 検索 関係 関西 関東 笑顔 絶対 反対 現実 毎日 毎朝
    毎週 毎年 神様 王様 皆様 発売 発表 販売 観光 帰宅 鉄道 広島 広場 渋谷 満員 戦争 歴史 歳 読書 単語 続編
    """,
    )
)
"""Everyday words with a character that only Japan writes: alone in a line they are Japanese in any room. One such
character proves nothing there: Chinese fans write 滝沢 and 桜 as they find them."""


def _chinese(words: str, candidates: Sequence[str]) -> str:
    """The script of Chinese words; the room's preference where both write them alike."""
    preferred = next((tag for tag in candidates if tag in (SIMPLIFIED, TRADITIONAL)), SIMPLIFIED)
    return form_of(words) or preferred


def _by_statistics(words: str, fitting: tuple[str, ...]) -> Detection:
    found = _by_slang(words, fitting) or _by_words(words, fitting) or _by_marks(words, fitting)
    if found is not None:
        return Detection(found, True, Reason.STATISTICS)
    if not fitting:
        return _outsider(words) or Detection(None, True, Reason.UNKNOWN)
    known = tuple(tag for tag in fitting if tag in _known_languages())
    if len(fitting) == 1:
        return _guest(words, fitting[0]) or Detection(fitting[0], True, Reason.ONLY_CANDIDATE)
    asked = _ask(words, known) if known else None
    if asked is None:
        return Detection(fitting[0], True, Reason.ONLY_CANDIDATE)
    first = _ask(words, (fitting[0],)) if fitting[0] in known else None
    if first and first[1] + _FIRST_MARGIN >= asked[1]:
        return Detection(fitting[0], True, Reason.STATISTICS)
    return Detection(asked[0], True, Reason.STATISTICS)


def _by_slang(words: str, fitting: tuple[str, ...]) -> str | None:
    """English, where its abbreviations and common words are the whole line: "ty all", "fr fr". N-grams cannot know."""
    if "en" not in fitting or len(fitting) < 2:
        return None
    table = Slang.builtin()
    slang = {
        fold(token) for found in table.find(words, "en") for token in _TOKEN.findall(words[found.start : found.end])
    }
    tokens = {fold(token) for token in _TOKEN.findall(words)}
    return "en" if slang and all(token in slang or host_words(token, "en") for token in tokens) else None


def _by_words(words: str, fitting: tuple[str, ...]) -> str | None:
    """The language whose function words and greetings the line is made of, be it of the room or a guest's."""
    languages = known_by_words(words, fitting)
    if len(languages) < 2:
        return languages[0] if languages else None
    if len(_TOKEN.findall(words)) == 1 and languages[0] in fitting:
        return min(languages, key=fitting.index)
    asked = _ask(words, tuple(tag for tag in languages if tag in _known_languages()))
    return asked[0] if asked else None


def _by_marks(words: str, fitting: tuple[str, ...]) -> str | None:
    """A guest's language, when the only candidate is English, which does not write such letters, and no word of the
    line is a common English one."""
    if fitting != ("en",) or not has_foreign_marks(words) or host_words(words, "en"):
        return None
    asked = _ask(words, ())
    return asked[0] if asked and asked[0] != "en" else None


def _outsider(words: str) -> Detection | None:
    found = _ask(words, ())
    return Detection(found[0], True, Reason.STATISTICS) if found else None


_CYRILLIC_LETTERS: Final = (
    ("kk", regex.compile(r"[әғқңұһ]", regex.IGNORECASE)),
    ("be", regex.compile("ў", regex.IGNORECASE)),
    ("uk", regex.compile("[іїєґ]", regex.IGNORECASE)),
    ("mk", regex.compile("[ѓќѕ]", regex.IGNORECASE)),
    ("sr", regex.compile("[ђјљњћџ]", regex.IGNORECASE)),
    ("ru", regex.compile("[ыэё]", regex.IGNORECASE)),
)
"""Letters that settle it, the rarer alphabet first: Kazakh has Ukrainian's і, and Belarusian Russian's ы."""
_RUSSIAN_MARGIN: Final = 0.05
"""Another Cyrillic language must score so much higher: of ten who write it in a room of strangers, nine are Russian."""


def _cyrillic(words: str) -> Detection:
    for language, letters in _CYRILLIC_LETTERS:
        if letters.search(words):
            return Detection(language, True, Reason.SCRIPT)
    found, russian = _ask(words, ()), _ask(words, ("ru",))
    if found is None or (russian and russian[1] + _RUSSIAN_MARGIN >= found[1]):
        return Detection("ru", True, Reason.STATISTICS)
    return Detection(found[0], True, Reason.STATISTICS)


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


_INITIALS: Final = ("", "zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_FINALS: Final = regex.findall(
    r"\w+",
    """
    iang iong uang ang eng ing ong ian iao uai uan ai ei ao ou an en in un ia ie iu ua uo ui ue üe ün ve a o e i u ü v
    """,
)
_SYLLABLES: Final = frozenset(initial + final for initial in _INITIALS for final in _FINALS)
_SYLLABLE_MAX: Final = max(map(len, _SYLLABLES))
"""Letters of the longest: zhuang."""
_INVALID: Final = regex.compile(
    r"(?:[jqx](?:a|e|o|ai|ei|ao|ou|an|en|ang|eng|ong|ua|uo|ui|uai|uang)|[bpmf](?:ong|iang|ia|iu|uan|ua|uo|ui|un|ue)|"
    r"(?:zh|ch|sh|[zcsr])(?:in|ing|ia|ie|iao|ian|iang|iong|iu|ue)|[gkh](?:i|in|ing|ia|ie|iao|ian|iang|iu|ue)|"
    r"w(?:e|u[aeino].*|i.*|ao|ou)|y(?:ai|ei|en|eng|ia.*|ie|iu|iao|ua|uo|ui)|[dt](?:ia|iang|in|ua|uai|uang))"
)
_NO_SYLLABLES: Final = frozenset(filter(_INVALID.fullmatch, _SYLLABLES))
_CARONS: Final = regex.compile(r"[āǎēěīǐōǒūǔǖǘǚǜ]")
_PLAIN: Final = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ", "aaaaeeeeiiiioooouuuuüüüü")
_COMMON: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    nihao zaijian xiexie zenme zenyang shenme weishenme women nimen tamen mingtian jintian zuotian xianzai duoshao
    haode meiyou keyi zhongguo beijing shanghai laoshi pengyou xihuan zhidao jiayou meiguo henhao buhao buyao bushi
    shide duibuqi meiguanxi mingbai zhongwen hanyu putonghua chifan wanan zaoan ganbei yidian yiqi gongxi laoban
    buhaoyisi buzhidao meishi meiwenti woaini duoshaoqian shenmegui nihaoma bukeqi haochi zhenbang
    """,
    )
)
"""Words that are Chinese alone, and in syllables too: jiayou, jia you."""
_PLACES: Final = frozenset({"beijing", "shanghai"})
"""Names that English has, alone in a line: nothing that a reader of it would miss."""
_GRAMMAR: Final = frozenset(
    regex.findall(
        r"\w+",
        """
    wo ni ta hao bu shi de le ma ne ba hen zai you qu lai chi he shuo kan xiang yao hui neng dou ye men wen mei xie
    jian zhe na ge xia shang zhong guo ren ming tian jin zi ai zhi dao duo
    """,
    )
)


def _is_pinyin(words: str, latin_candidates: Sequence[str]) -> bool:
    """Chinese typed in Latin letters, perhaps with a name ("wo jiao Brecken"). Half of English can be cut into pinyin
    syllables ("nice game dude"), so every word must be cuttable *and* the statistics of the room's Latin languages must
    disown the line."""
    tokens = [regex.sub(r"(?<=\p{L})[1-5]", "", token) for token in _TOKEN.findall(words)]
    tokens = [token for token in tokens if not token.isdigit()]
    spoken = [token for token in tokens if not token[0].isupper() or _cuttable(_plain(token))]
    plain = [_plain(token) for token in spoken]
    if not plain or len(plain) * 2 < len(tokens) or not all(_cuttable(token) for token in plain):
        return False
    lowered = (words if spoken == tokens else " ".join(spoken)).lower()
    toned = bool(_CARONS.search(lowered)) and not {"vi", "yo", "lv", "lt"} & set(latin_candidates)
    if toned:
        return True
    if spoken != tokens and len(plain) < 2:
        return False
    known = sum(token in _COMMON or token in _GRAMMAR for token in plain)
    if len(plain) == 1:
        return plain[0] in _COMMON and plain[0] != "women"
    if "".join(plain) in _COMMON:
        return True
    scored = _ask(lowered, tuple(tag for tag in latin_candidates if tag in _known_languages()) or ("en",))
    disowned = scored is None or scored[1] < (0.45 if known * 2 < len(plain) else 0.7)
    return (disowned and known >= 1) or (
        known == len(plain) and len(plain) >= 3 and (scored is None or scored[1] < 0.8)
    )


def _plain(token: str) -> str:
    return token.lower().translate(_PLAIN).replace("’", "'")


def _cuttable(token: str) -> bool:
    """True when `token` is one or more pinyin syllables, the longest first, and perhaps an r: zher."""
    syllables = _cut(token)
    return bool(syllables) and _NO_SYLLABLES.isdisjoint(syllables)


def _cut(token: str) -> list[str]:
    """`token` in syllables, each the longest with which the rest can be cut; empty when it cannot. Linear: where no
    way led on from once is not tried again, for "uaiuaiuaik" can be begun in a million ways."""
    came: dict[int, int] = {}
    ahead = [(0, 0)]
    while ahead:
        start, end = ahead.pop()
        if end in came:
            continue
        came[end] = start
        if end and (end == len(token) or (end == len(token) - 1 and token[end] == "r")):
            return _traced(token, came, end)
        following = end + 1 if end and token[end] == "'" else end
        ahead += [
            (following, following + length)
            for length in range(1, min(_SYLLABLE_MAX, len(token) - following) + 1)
            if token[following : following + length] in _SYLLABLES
        ]
    return []


def _traced(token: str, came: dict[int, int], end: int) -> list[str]:
    """The syllables of the way to `end`, the last one first; `came`: where the syllable that ends there begins."""
    syllables: list[str] = []
    while end:
        start = came[end]
        syllables.append(token[start:end])
        end = start - (start > 0 and token[start - 1] == "'")
    return syllables
