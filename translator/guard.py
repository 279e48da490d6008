"""Is this output a translation at all? Cheap signs that it is not. Pure.

Invariant: a guard only ever says "doubtful", never repairs: what is doubtful is translated again with other search
settings or refused with its reason, and the reader sees the original. Thresholds are wide on purpose: a wrong refusal
costs a reader a translation that was there. Every sign below has been seen in released packages (the sentence that
became 阳性阴性 a hundred times, the laughter that became "(applause)", digits that changed).
"""

import functools
import unicodedata
from collections import Counter
from enum import StrEnum
from typing import Final

import regex

from translator.chinese import SIMPLIFIED, TRADITIONAL, to_simplified
from translator.figures import digits_run_away, numbers_lost, only_figures, spelt_lost, units_lost
from translator.scripts import Script, count, has_words, scripts_of


class Doubt(StrEnum):
    """Why an output is not believed."""

    EMPTY = "empty"
    ONLY_BRACKETS = "only_brackets"
    UNKNOWN_PIECE = "unknown_piece"
    RARE_CHARACTER = "rare_character"
    """Simplified Chinese with a character outside GB 2312: what small models write for a word they never saw."""
    REPETITION = "repetition"
    SOURCE_LEFT = "source_left"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NUMBERS_LOST = "numbers_lost"
    UNITS_LOST = "units_lost"
    """5 km that are 5 of something else."""
    NEGATION_LOST = "negation_lost"
    """"Don't come" that reads "come": the one word whose loss turns a sentence round."""
    QUOTATION_LOST = "quotation_lost"
    """Words that stood in the source in another script (a name, a brand, a quoted phrase) are gone."""


CHINESE: Final = (SIMPLIFIED, TRADITIONAL)
_COUNTED: Final = frozenset({*CHINESE, "en"})
"""Languages whose words for numbers and units we know."""
LENGTH_RATIO_MAX: Final = 4.0
LENGTH_SLACK: Final = 6.0
"""A translation may be four times as long as its source, plus six: "嗯" may well be "Yes, I see"."""
LETTERS_A_HAN: Final = 3.5
"""About so many letters of an alphabet say as much as one Han character."""

_LATIN: Final = frozenset({Script.LATIN})
_HAN_ONLY: Final = regex.compile(r"(?=.*[\u4e00-\u9fff])[\u4e00-\u9fff，。！？、；：…]++")
_LATIN_ONLY: Final = regex.compile(r"[A-Za-z ,.!?;:'’\-]++")
_BRACKETED: Final = regex.compile(
    r"\A\s*+(?:(?:\([^()]*+\)|（[^（）]*+）|\[[^\[\]]*+\]|【[^【】]*+】|♪)[\s.,。，]*+)++\Z"
)
_REPEATED_CHARS: Final = regex.compile(r"((?!0)\S{1,12}?)(?:[\s,，、]*\1){3,}")
_WORD: Final = regex.compile(r"[\p{L}\p{N}']+")
_HAN_RUN: Final = regex.compile(r"\p{Han}{2,}")
_LATIN_RUN: Final = regex.compile(r"(?<!\d ?)(?<!\p{Latin})\p{Latin}{2,}")
_WORN: Final = frozenset({"ok", "okay", "lol", "haha", "emo", "aa", "bye", "hi", "hello", "no", "yes", "wow"})
"""Latin words that Chinese has taken over and that a translation need not repeat."""
_DIGIT: Final = regex.compile(r"\d")
_HAN: Final = regex.compile(r"\p{Han}")
_COMMON_SINCE: Final = frozenset("囧啰嘚喽嘞啵瞭镕堃喆怼嗨咘〇")
"""In daily use today, and not in the standard of 1980."""
_BARE_NT: Final = (
    r"(?:do|does|did|ca|is|are|was|were|has|have|had|should|would|could|must|need|ai|"
    r"(?<!\b(?:my|your|his|her|its|our|their|as) )wo)nt"
)
"""As it is typed in haste: dont, wasnt. "As was his wont" denies nothing."""
_NOT_LATIN: Final = regex.compile(
    rf"\b(?:not|no|never|cannot|nothing|nobody|none|neither|nor|without|dunno|{_BARE_NT})\b|n['’]t\b|\bno one\b",
    regex.IGNORECASE,
)
_NOT_LATIN_WIDE: Final = regex.compile(
    r"\b(?:not|no|nope|never|cannot|can ?not|nothing|nobody|none|nowhere|neither|nor|without|un\w+|"
    r"in\w+|im\w+|il\w+|ir\w+|dis(?!turb)\w+|non\w*|\w+less|mis\w+|fail\w*|refus\w*|den(?:y|ie)\w*|lack\w*|hardly|barely|rarely|seldom|scarcely|few|"
    r"little|stop\w*|avoid\w*|prevent\w*|forbid\w*|ban\w*|prohibit\w*|against|only|too|rather|before|"
    r"until|unless|yet|still|"
    r"sorry|wrong|bad|miss\w*|lost|los[et]\w*|gone|absen\w*|away|off|out|hate\w*|doubt\w*|difficult|hard|free|except|but|other|"
    rf"otherwise|keep|leave|let|mind|dunno|{_BARE_NT}|least|beyond|instead|or|than)\b|n['’]t\b",
    regex.IGNORECASE,
)
_NOT_HAN: Final = regex.compile(
    r"不(?!错|過|过|少|久|断|斷|仅|僅|但|管|论|論|同|由|止|禁|客气|客氣|好意思|知不觉|料|已|妨|如|得不|时|時|必|只|光|安|幸|满|滿|足|良|明|利|法|当|當|便|"
    r"良|宜|公|然|凡|朽|等|惜|愧|约而同|外|丹|列|拉|起|了|住|到|及|动|見|见)|没(?!关系|關係|事|收|落|准|有的|错)|沒(?!關係|事|收|落|錯)|"
    r"(?<![区特分级性告辨识鉴个類类离派差国判送])别(?!人|的|处|墅|名|致|样|具|扭|称|针)|(?<![从並并莫除])未(?!来|來|必|免|婚)|并非|绝非|毫无|无法|不得|不是|"
    r"(?<!格杀)勿|莫(?=[要去怕急慌问说做忘笑哭等走再让提管动信想吵闹催惹负待])|毋(?!宁|庸)|禁止|休想|(?<!有)冇|甭|"
    r"唔(?!该|該|使|紧|緊|好意思|同|单|單|错|錯|通|士|唔)(?=\p{Han})"
)
_MAY_DENY: Final = regex.compile(r"[不\uf967没沒未非别別彆无無勿莫毋禁休冇唔甭]")
"""Nothing is denied without one of these, in either script: the conversion of all other lines can be spared."""
_NOT_HAN_AFFIRMED: Final = regex.compile(
    r"(\p{Han})[不唔]\1|(\p{Han})没\2|是不是|不得不|不能不|差不多|对不对|好不好|要不|不会不|可不"
)
_NOT_HAN_WIDE: Final = regex.compile(
    r"[不没沒未无無别別非否勿莫毋冇唔甭休难難拒禁缺免绝絕少失停止反仅僅只才白空误誤错錯外罕]|除了|决定|从来|毫|再也"
)
_NOT_HAN_SHORT: Final = 30
"""Longer sentences have other ways to say no, and more places to say it."""
_NOT_LATIN_AFFIRMED: Final = regex.compile(
    r"\bnot only\b|\bno (?:doubt|matter|wonder|longer than|more than|less than|later than|problem|worries|sooner|way)\b"
    r"|"
    r"\b(?:why|is|are|do|does|did|was|were|have|has|would|wo|ca|could|should|ai)n['’]?t\b[^.!?]*\?"
    r"|\bwhy not\b|\bor not\b|"
    r"\bcannot but\b|\bcan['’]?t help\b|\bnothing but\b|\bnever mind\b|\bno\.? ?\d|\b(?:do|don)['’]?t mind\b"
    r"|\bcan['’]?t wait\b",
    regex.IGNORECASE,
)


def doubt(source: str, output: str, source_language: str, target_language: str) -> Doubt | None:
    """The first sign that `output` is no translation of `source`, or None. One sentence or a few, both stripped."""
    if _is_everyday(source, output, source_language, target_language):
        return _doubt_everyday(source, output, source_language, target_language)
    if not has_words(source):
        return None
    if not has_words(output) and _DIGIT.search(output) is None:
        return Doubt.EMPTY if not regex.search(r"[()（）\[\]【】♪]", output) else Doubt.ONLY_BRACKETS
    if "⁇" in output or "<unk>" in output or "\ufffd" in output:
        return Doubt.UNKNOWN_PIECE
    if target_language == "zh" and _has_rare_character(source, output):
        return Doubt.RARE_CHARACTER
    if _BRACKETED.match(output) and not _BRACKETED.match(source):
        return Doubt.ONLY_BRACKETS
    if _repeats_itself(source, output):
        return Doubt.REPETITION
    plain_source, plain_output = unicodedata.normalize("NFKC", source), unicodedata.normalize("NFKC", output)
    read = _COUNTED.issuperset((source_language, target_language))
    if _DIGIT.search(plain_output) is not None:
        if digits_run_away(plain_source, plain_output):
            return Doubt.REPETITION
        if read and only_figures(plain_source, plain_output):
            return Doubt.EMPTY
    letters = count(output)
    if _source_left(source, output, letters, source_language, target_language):
        return Doubt.SOURCE_LEFT
    given, made = _weight(count(source)), _weight(letters)
    if made > LENGTH_RATIO_MAX * given + LENGTH_SLACK:
        return Doubt.TOO_LONG
    if given > LENGTH_RATIO_MAX * made + LENGTH_SLACK:
        return Doubt.TOO_SHORT
    if _DIGIT.search(plain_source) is not None:
        if numbers_lost(plain_source, plain_output, read):
            return Doubt.NUMBERS_LOST
        if units_lost(plain_source, plain_output, read):
            return Doubt.UNITS_LOST
    if read and spelt_lost(plain_source, plain_output):
        return Doubt.NUMBERS_LOST
    if _negation_lost(source, output, source_language, target_language):
        return Doubt.NEGATION_LOST
    if _quotation_lost(source, output, source_language, target_language):
        return Doubt.QUOTATION_LOST
    return None


def _is_everyday(source: str, output: str, source_language: str, target_language: str) -> bool:
    """True for Han into plain Latin letters or the other way, with nothing but everyday marks: most lines of chat."""
    if source_language in CHINESE:
        han, latin = source, output
        alike = scripts_of(target_language) != _LATIN
    else:
        han, latin = output, source
        alike = target_language not in CHINESE or scripts_of(source_language) != _LATIN
    return (
        not alike
        and _HAN_ONLY.fullmatch(han) is not None
        and _LATIN_ONLY.fullmatch(latin) is not None
        and any(map(str.isalpha, latin))
    )


def _doubt_everyday(source: str, output: str, source_language: str, target_language: str) -> Doubt | None:
    """What `doubt` says of such a line, in which no figure, bracket or quotation can be lost: a few looks instead of
    twenty. They are quick one after another, but after a pause each costs ten times that, and a lone message has only
    pauses."""
    if target_language == SIMPLIFIED and _has_rare_character(source, output):
        return Doubt.RARE_CHARACTER
    if _repeats_itself(source, output):
        return Doubt.REPETITION
    given, made = float(sum(map(str.isalpha, source))), float(sum(map(str.isalpha, output)))
    if source_language in CHINESE:
        made /= LETTERS_A_HAN
    else:
        given /= LETTERS_A_HAN
    if made > LENGTH_RATIO_MAX * given + LENGTH_SLACK:
        return Doubt.TOO_LONG
    if given > LENGTH_RATIO_MAX * made + LENGTH_SLACK:
        return Doubt.TOO_SHORT
    if _COUNTED.issuperset((source_language, target_language)) and spelt_lost(source, output):
        return Doubt.NUMBERS_LOST
    return Doubt.NEGATION_LOST if _negation_lost(source, output, source_language, target_language) else None


def _weight(letters: Counter[Script]) -> float:
    """Length in Han characters."""
    dense = letters[Script.HAN] + 0.6 * letters[Script.KANA] + letters[Script.HANGUL]
    others = letters.total() - letters[Script.HAN] - letters[Script.KANA] - letters[Script.HANGUL]
    return dense + others / LETTERS_A_HAN


def _repeats_itself(source: str, output: str) -> bool:
    if _REPEATED_CHARS.search(output) is None:
        tokens = _WORD.findall(output.lower())
        if len(set(tokens)) == len(tokens):
            return False
    made = _repetition(output)
    return made > 3 and made > 2 * _repetition(source)


def _repetition(text: str) -> int:
    """How often the most repeated run of 1 to 12 characters stands in a row, or a three-word phrase occurs."""
    runs = (len(found[0]) // max(1, len(found[1])) for found in _REPEATED_CHARS.finditer(text))
    tokens = _WORD.findall(text.lower())
    phrases: Counter[tuple[str, str, str]] = Counter()
    if len(set(tokens)) < len(tokens):
        phrases.update(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return max(max(runs, default=1), max(phrases.values(), default=1))


def _source_left(
    source: str, output: str, letters: Counter[Script], source_language: str, target_language: str
) -> bool:
    """`letters`: those of `output`."""
    here, there = scripts_of(source_language), scripts_of(target_language)
    if not letters:
        return False
    if here & there:
        same = source.casefold().strip() == output.casefold().strip()
        return same and len(_WORD.findall(source)) >= 4
    left = sum(letters[script] for script in here)
    if Script.LATIN in here:
        # Names, brands and acronyms stay Latin in Chinese; a sentence of nothing else was not translated.
        native = sum(letters[script] for script in there)
        return native == 0 or left > 6 * native + 12
    return left > 0


def _quotation_lost(source: str, output: str, source_language: str, target_language: str) -> bool:
    """A run of letters that are neither of the source's script nor of the target's must be there as it was; Chinese
    quoted in English in either script of Chinese; of Latin words in Chinese, half may be translated."""
    here, there = scripts_of(source_language), scripts_of(target_language)
    if not source.isascii() and any(run not in output for run in _foreign(here | there).findall(source)):
        return True
    if here & there:
        return False
    if Script.HAN in there:
        quoted = set(_HAN_RUN.findall(source)) if Script.HAN not in here else set()
        if not quoted:
            return False
        simplified = to_simplified(output)
        return any(to_simplified(run) not in simplified for run in quoted)
    if Script.LATIN in there:
        lowered = output.casefold()
        words = [word.casefold() for word in _LATIN_RUN.findall(source) if word.casefold() not in _WORN]
        return 2 * sum(word not in lowered for word in words) > len(words)
    return False


@functools.cache
def _foreign(scripts: frozenset[Script]) -> "regex.Pattern[str]":
    """Runs of two letters or more in other scripts than `scripts`, Latin and Han, which have rules of their own."""
    names = {"Hiragana", "Katakana"} if Script.KANA in scripts else set()
    names |= {script.value for script in scripts | {Script.LATIN, Script.HAN} if script is not Script.KANA}
    known = "".join(rf"\p{{{name}}}" for name in sorted(names))
    return regex.compile(rf"[^\P{{L}}\p{{Common}}{known}](?:[^\P{{L}}{known}]|\p{{M}})+")


def _has_rare_character(source: str, output: str) -> bool:
    return any(rare not in source and not _is_common(rare) for rare in _HAN.findall(output))


def _is_common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return character in _COMMON_SINCE
    return True


def _negation_lost(source: str, output: str, source_language: str, target_language: str) -> bool:
    """True when a short sentence says no and its translation has nothing that could. Chinese and English only: what
    we cannot judge is believed."""
    if source_language in CHINESE and target_language == "en":
        if len(source) > _NOT_HAN_SHORT or _MAY_DENY.search(source) is None:
            return False
        plain = _NOT_HAN_AFFIRMED.sub("", to_simplified(source))
        return _NOT_HAN.search(plain) is not None and _NOT_LATIN_WIDE.search(output) is None
    if source_language == "en" and target_language in CHINESE:
        if len(source) > 3 * _NOT_HAN_SHORT:
            return False
        plain = _NOT_LATIN_AFFIRMED.sub("", source)
        return _NOT_LATIN.search(plain) is not None and _NOT_HAN_WIDE.search(output) is None
    return False
