"""Words of a second language inside a line: which of them who reads only the line's own language is owed. Pure.

The rule, for "我今天的 meeting 被 cancel 了" in a Chinese-English room:
- Who reads English is owed the whole line, with the English words as they stand.
- Who reads only Chinese is owed "meeting" and "cancel": words in use that a reader of Chinese may not know. Not owed
  are words Chinese has taken over (OK, app, bug, WiFi, vlog, emo, CP), initials in capitals (PPT, MBTI), names (a
  capital within the line), Chinese in Latin letters (yyds), laughter, and words that are talked about, not used
  ("slay是什么意思": a translation would spoil the question).
- A word the slang table explains (lowkey, bro) is a span like any other, but no work for an engine, which knows no
  slang: the explanation stands beside the line, the word stays in it.
In an English line the Chinese words are owed ("I really want 火锅"), unless they are talked about ("what is 内卷") or a
name given.

Invariant: a span that is owed holds a word of that rule, and a text without a letter of the second language has none.
The list of what Chinese has taken over is open by nature: what it lacks costs a reader a line too much, no meaning.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import regex

from translator.exclamations import EXCLAMATION
from translator.guests import host_words
from translator.routes import CHINESE
from translator.slang import Slang, fold

CLAUSE_WORDS_MIN: Final = 3
"""From here on a span is a clause with a grammar of its own; fewer words lean on the grammar around them."""

INITIALS_MAX: Final = 6
"""Letters in capitals that are initials (PPT, MBTI, UNESCO); more of them are a word shouted."""

TAKEN_OVER: Final = frozenset(
    regex.findall(
        r"\S+",
        """
    ok okay app apps bug bugs wifi vlog vlogger emo cp ktv ppt pdf vip svip pk dj mc mv ip ai it hr id cd dvd diy led
    logo demo low high man out hold get call cue mark flag diss pua freestyle rap rapper hiphop remix solo live
    livehouse cos cosplay coser up down buff debuff boss carry npc dps gank ban vs ps pose show fans bgm wb vx qq
    ins web email vpn url excel word usb wechat weixin google youtube facebook instagram twitter tiktok netflix spotify
    discord github gitlab iphone ipad ios mac macbook android windows linux python java javascript docker chatgpt gpt
    claude kfc nike adidas uber ikea zara tesla steam switch xbox weibo taobao bilibili zoom notion plus pro max mini
    air tmd nb skr yue kol mcn up主 i e k q
    """,
    )
)
"""Words, brands and products that everyday Chinese chat writes in Latin letters, folded."""
_CAPITALISED: Final = frozenset(
    regex.findall(
        r"\S+",
        """
    english chinese french german spanish japanese korean russian italian american british monday tuesday wednesday
    thursday friday saturday sunday january february march april june july august september october november december
    christmas halloween easter i i'm i'd i'll i've
    """,
    )
)
"""English words with a capital that are no names of anybody."""

_LATIN_RUN: Final = regex.compile(
    r"[\p{Latin}\p{N}][\p{Latin}\p{M}\p{N}'’]*(?:[\s,.;:'’\-]+[\p{Latin}\p{N}][\p{Latin}\p{M}\p{N}'’]*)*"
)
_HAN_RUN: Final = regex.compile(r"\p{Han}+(?:[，。！？、；：“”《》…\s\d]*\p{Han}+)*")
_STOPS: Final = {True: regex.compile(r"[。！？…]*"), False: regex.compile(r"[.!?]*")}
_TOKEN: Final = regex.compile(r"[\p{Latin}\p{N}][\p{Latin}\p{M}\p{N}'’]*")
_HAN: Final = regex.compile(r"\p{Han}")

_WHAT: Final = r"(?:是|有)?(?:什么|啥|甚麼|什麼)"
_ASKED_AFTER: Final = regex.compile(
    r"[\s\"'”’」』》）)]*+(?:(?:(?:这|這|那)个?[词詞]?|这句话?)\s*+)?"
    rf"(?:{_WHAT}(?:意思|梗|鬼|含义|东西|(?=\s*(?:\Z|[啊呀吗嗎?？!！，,])))|(?:的|是)意思|(?:翻译|翻譯)成"
    r"|的?(?:中文|汉语|英文|英语)?(?:怎么|怎麼|咋|如何)(?:[读讀念说說写寫拼]|翻译|翻譯|发音|發音))"
)
_ASKED_BEFORE: Final = regex.compile(
    r"(?:(?:什么|啥|什麼)[是叫]|叫做?|名字是"
    r"|(?:微信|vx|qq|ins|id|账号|帳號|密码|密碼|用户名|邮箱)号?[是为]?)[\s:：\"'“‘「『]*+\Z",
    regex.IGNORECASE,
)
"""A word asked about; a name or an account told."""
_ASKED_BEFORE_MAX: Final = 32
"""Characters before a word that can say so."""
_QUOTES: Final = frozenset({"“”", '""', "「」", "『』", "‘’", "''", "《》"})
_CHINESE_TALKED_ABOUT: Final = regex.compile(
    r"\b(?:mean(?:s|ing)?\b|names?\b|(?:call(?:ed)?|named)\s+(?:me|him|her|them|it|you)\b|"
    r"(?:what(?:['’]?s|\s+is)|say|pronounce|spell|read|write|learn(?:ed|t)?|called|word|characters?)\s+[\"'“‘「]?\p{Han})",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is in the second language. `explained`: by the slang table, word for word."""

    start: int
    end: int
    explained: bool


def spans(text: str, leading: str, also: str) -> tuple[Span, ...]:
    """Spans of `text` in `also` owed to who reads only `leading` (canonical tags), ascending. Empty where both are
    written in the same script: words cannot be told apart there."""
    if (leading in CHINESE) == (also in CHINESE):
        return ()
    return tuple(_chinese(text) if also in CHINESE else _latin(text))


def _chinese(text: str) -> Iterable[Span]:
    if _CHINESE_TALKED_ABOUT.search(text):
        return
    told = Slang.builtin().find(text, "zh")
    for found in _HAN_RUN.finditer(text):
        if not _quoted(text, found.start(), found.end()) and not EXCLAMATION.fullmatch(found[0]):
            explained = any(each.start <= found.start() and found.end() <= each.end for each in told)
            yield Span(found.start(), _stop(text, found.end(), True), explained)


def _latin(text: str) -> Iterable[Span]:
    if not _HAN.search(text):
        return
    table = Slang.builtin()
    english = [(each.start, each.end) for each in table.find(text, "en")]
    chinese = [(each.start, each.end) for each in table.find(text, "zh")]
    for run in _LATIN_RUN.finditer(text):
        words = list(_TOKEN.finditer(run[0]))
        places = [(run.start() + word.start(), run.start() + word.end()) for word in words]
        if len(places) < CLAUSE_WORDS_MIN:
            while places and _everyday(text, places[0], english, chinese):
                places.pop(0)
            while places and _everyday(text, places[-1], english, chinese):
                places.pop()
        if not places or all(_is_known(text, place, english, chinese) for place in places):
            continue
        start, end = places[0][0], places[-1][1]
        if _quoted(text, start, end) or _ASKED_AFTER.match(text, end) or _is_told(text, start):
            continue
        yield Span(start, _stop(text, end, False), all(_within(place, english) for place in places))


def _everyday(
    text: str, place: tuple[int, int], english: list[tuple[int, int]], chinese: list[tuple[int, int]]
) -> bool:
    """Chinese has the word as its own; it needs no word of English beside it."""
    word = text[place[0] : place[1]]
    folded = fold(word)
    if _within(place, english):
        return False
    if len(word) == 1 or any(letter.isdigit() for letter in word) or _within(place, chinese):
        return True
    if folded in TAKEN_OVER or EXCLAMATION.fullmatch(folded):
        return True
    return word.isupper() and len(word) <= INITIALS_MAX and not host_words(word, "en")


def _is_known(
    text: str, place: tuple[int, int], english: list[tuple[int, int]], chinese: list[tuple[int, int]]
) -> bool:
    """Everyday, or a name: a capital, where the word is none of those that English is known by."""
    if _everyday(text, place, english, chinese):
        return True
    word = text[place[0] : place[1]]
    if _within(place, english) or not word[0].isupper() or fold(word) in _CAPITALISED:
        return False
    return not (place[0] == 0 and host_words(word, "en"))


def _within(place: tuple[int, int], found: list[tuple[int, int]]) -> bool:
    """`found`: ascending, not overlapping."""
    before = bisect_right(found, place[0], key=lambda each: each[0])
    return before > 0 and place[1] <= found[before - 1][1]


def _quoted(text: str, start: int, end: int) -> bool:
    return start > 0 and end < len(text) and text[start - 1] + text[end] in _QUOTES


def _is_told(text: str, start: int) -> bool:
    return _ASKED_BEFORE.search(text, max(0, start - _ASKED_BEFORE_MAX), start) is not None


def _stop(text: str, end: int, is_chinese: bool) -> int:
    """Where the marks end that close a sentence at `end`."""
    found = _STOPS[is_chinese].match(text, end)
    assert found is not None
    return int(found.end())
