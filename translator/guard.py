"""Is this output a translation at all? Cheap signs that it is not. Pure.

Invariant: a guard only ever says "doubtful", never repairs: what is doubtful is translated again with other search
settings or refused with its reason, and the reader sees the original. Thresholds are wide on purpose: a wrong refusal
costs a reader a translation that was there. Every sign below has been seen in released packages (the sentence that
became 阳性阴性 a hundred times, the laughter that became "(applause)", digits that changed).
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import regex

from translator.chinese import SIMPLIFIED, TRADITIONAL, to_simplified
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
LENGTH_RATIO_MAX: Final = 4.0
LENGTH_SLACK: Final = 6.0
"""A translation may be four times as long as its source, plus six: "嗯" may well be "Yes, I see"."""
LETTERS_A_HAN: Final = 3.5
"""About so many letters of an alphabet say as much as one Han character."""

_LATIN: Final = frozenset({Script.LATIN})
_HAN_ONLY: Final = regex.compile(r"(?=.*[\u4e00-\u9fff])[\u4e00-\u9fff，。！？、；：…]++")
_LATIN_ONLY: Final = regex.compile(r"[A-Za-z ,.!?;:'’\-]++")
_BRACKETED: Final = regex.compile(r"\A(?:\s*(?:\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]|【[^【】]*】|♪)[\s.,。，]*)+\Z")
_REPEATED_CHARS: Final = regex.compile(r"((?!0)\S{1,12}?)(?:[\s,，、]*\1){3,}")
_WORD: Final = regex.compile(r"[\p{L}\p{N}']+")
_HAN_RUN: Final = regex.compile(r"\p{Han}{2,}")
_LATIN_RUN: Final = regex.compile(r"(?<!\d ?)(?<!\p{Latin})\p{Latin}{2,}")
_WORN: Final = frozenset({"ok", "okay", "lol", "haha", "emo", "aa", "bye", "hi", "hello", "no", "yes", "wow"})
"""Latin words that Chinese has taken over and that a translation need not repeat."""
_DIGIT: Final = regex.compile(r"\d")
_DIGITS: Final = regex.compile(r"\d+(?:[,，]\d{3})*|(?:0[\s,，.]*){4,}")
_DIGITS_LOOSE: Final = regex.compile(r"\d+(?:[\s,，.\-–]?\d+)*")
DIGITS_FREE: Final = 6
"""A number written in digits may be that long, whatever the source says: 两千 is 2000, 七点半 7:30."""
_NUMBER: Final = regex.compile(r"(?<!COVID-\d?|[\d\s][kcm]?m)\d+(?:[.,]\d+)*")
"""But for the 2 of km2, and for COVID-19, which has a name of its own in every language."""
_SCALE: Final = {
    "百": 10**2, "千": 10**3, "k": 10**3, "thousand": 10**3, "万": 10**4, "萬": 10**4, "百万": 10**6, "million": 10**6,
    "m": 10**6, "千万": 10**7, "亿": 10**8, "億": 10**8, "billion": 10**9,
}  # fmt: skip
_SCALED: Final = regex.compile(
    r"(\d{1,12}(?:,\d{3})*(?:\.\d{1,6})?)\s*(百万|千万|[百千万萬亿億]|(?:k|m|thousand|million|billion)\b)",
    regex.IGNORECASE,
)
_TIME: Final = regex.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})(?:\s*:\s*(?P<minute>\d{2})(?![\d:])|\s*[点點时時](?!间)\s*(?P<minute>\d{2}(?=分|\D|\Z)|半|一刻|三刻)?分?"
    r"|(?=\s*(?:[ap]\.?m\b|o'clock)))",
    regex.IGNORECASE,
)
_HAN: Final = regex.compile(r"\p{Han}")
_COMMON_SINCE: Final = frozenset("囧啰嘚喽嘞啵瞭镕堃喆怼嗨咘〇")
"""In daily use today, and not in the standard of 1980."""
_NUMBER_WORDS: Final[dict[str, str]] = {
    "0": r"\bno\b|零|〇",
    "1": r"\b(?:first|once|an?|single)\b|一|首",
    "2": r"\b(?:second|twice|both|half past|double|couple)\b|二|两|兩|双|雙",
    "3": r"\bthird\b|三",
    "4": r"\bfourth\b|四",
    "5": r"\bfifth\b|五",
    "6": r"\bsixth\b|六",
    "7": r"\bseventh\b|七",
    "8": r"\beighth\b|八",
    "9": r"\bninth\b|九",
    "10": r"\b(?:tenth|a decade)\b|十",
    "12": r"\b(?:a dozen|noon|midnight|twelfth)\b|十二",
    "15": r"\bquarter\b|一刻",
    "20": r"\b(?:twent\w*|two decades)\b|二十",
    "24": r"\bdozen\b",
    "30": r"\b(?:thirt\w*|half|three decades)\b|三十|半",
    "40": r"\b(?:fort\w*|four decades)\b",
    "50": r"\b(?:fift\w*|five decades|half)\b|五十|半",
    "60": r"\bsixt\w*",
    "70": r"\bsevent\w*",
    "80": r"\beight\w*",
    "90": r"\bninet\w*",
    "100": r"\bhundreds?\b|百",
    "1000": r"\bthousands?\b|千",
    "10000": r"万|萬",
    "1000000": r"\bmillions?\b|百万|百萬",
}
"""Words for a number beside its plain name, which `_spoken` reads."""
_ONES: Final = regex.findall(
    r"\w+",
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
    """,
)
_TENS: Final = regex.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_NAMES: Final = {name: value for value, name in enumerate(_ONES)} | {
    name: 10 * value for value, name in enumerate(_TENS, 2)
}
_POWERS: Final = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_NAMED: Final = regex.compile(rf"\b(?:{'|'.join(_NAMES)})\b(?:(?:[\s-]|\sand\s)(?:{'|'.join((*_NAMES, *_POWERS))})\b)*")
_HAN_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "两": 2, "兩": 2, "十": 10, "百": 100, "千": 1_000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip
_HAN_NUMBER: Final = regex.compile(rf"[{''.join(_HAN_DIGITS)}]+")


_MONTHS: Final = tuple(
    regex.findall(r"\w+", "january february march april may june july august september october november december")
)
_MONTH: Final = regex.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s*月")
_DECADE: Final = regex.compile(r"(?:(\d{1,2}|上)(?:个|個)?\s*世[纪紀]\s*)?(?<!\d)(\d0)\s*年代")
_UNITS: Final[tuple[tuple[str, str], ...]] = (
    (r"km/h|公里/小时|千米/小时|kph", r"km/h|kph|公里|千米|kilomet"),
    (r"km|公里|千米", r"km|公里|千米|kilomet"),
    (r"kg|公斤|千克", r"kg|公斤|千克|kilo"),
    (r"mph", r"mph|miles|英里"),
    (r"[GMTK]B", r"[GMTK]B|[GMTK]i?B|兆|字节|byte"),
    (r"°C|℃|摄氏度", r"°\s?C|℃|摄氏|celsius|degree|度"),
    (r"°F|℉|华氏度", r"°\s?F|℉|华氏|fahrenheit|degree|度"),
    (r"[%％]", r"[%％]|百分|per\s?cent|折|成"),
)
_UNIT: Final = tuple(
    (regex.compile(rf"\d\s*(?:{owed})(?![A-Za-z])"), regex.compile(kept, regex.IGNORECASE)) for owed, kept in _UNITS
)

_NOT_LATIN: Final = regex.compile(
    r"\b(?:not|no|never|cannot|nothing|nobody|none|neither|nor|without)\b|n['’]t\b|\bno one\b", regex.IGNORECASE
)
_NOT_LATIN_WIDE: Final = regex.compile(
    r"\b(?:not|no|nope|never|cannot|can ?not|nothing|nobody|none|nowhere|neither|nor|without|un\w+|"
    r"in\w+|im\w+|il\w+|ir\w+|dis\w+|non\w*|\w+less|mis\w+|fail\w*|refus\w*|den(?:y|ie)\w*|lack\w*|hardly|barely|rarely|seldom|scarcely|few|"
    r"little|stop\w*|avoid\w*|prevent\w*|forbid\w*|ban\w*|prohibit\w*|against|only|too|rather|before|"
    r"until|unless|yet|still|"
    r"sorry|wrong|bad|miss\w*|lost|los[et]\w*|gone|absen\w*|away|off|out|hate\w*|doubt\w*|difficult|hard|free|except|but|other|"
    r"otherwise|keep|leave|let|mind|isnt|dont|didnt|cant|wont|aint|least|beyond|instead|or|than)\b|n['’]t\b",
    regex.IGNORECASE,
)
_NOT_HAN: Final = regex.compile(
    r"不(?!错|過|过|少|久|断|斷|仅|僅|但|管|论|論|同|由|止|禁|客气|客氣|好意思|知不觉|料|已|妨|如|得不|时|時|必|只|光|安|幸|满|滿|足|良|明|利|法|当|當|便|"
    r"良|宜|公|然|凡|朽|等|惜|愧|约而同|外|丹|列|拉|起|了|住|到|及|动|見|见)|没(?!关系|關係|事|收|落|准|有的)|沒(?!關係|事|收|落)|"
    r"(?<![区特分级性告辨识鉴个類类离派差国判送])别(?!人|的|处|墅|名|致|样|具|扭|称|针)|(?<![从並并莫除])未(?!来|來|必|免|婚)|并非|绝非|毫无|无法|不得|不是"
)
_MAY_DENY: Final = regex.compile(r"[不\uf967没沒未非别別彆无無]")
"""Nothing is denied without one of these, in either script: the conversion of all other lines can be spared."""
_NOT_HAN_AFFIRMED: Final = regex.compile(
    r"(\p{Han})不\1|(\p{Han})没\2|是不是|不得不|不能不|差不多|对不对|好不好|要不|不会不|可不"
)
_NOT_HAN_WIDE: Final = regex.compile(
    r"[不没沒未无無别別非否勿莫休难難拒禁缺免绝絕少失停止反仅僅只才白空误誤错錯外罕]|除了|决定|从来|毫|再也"
)
_NOT_HAN_SHORT: Final = 30
"""Longer sentences have other ways to say no, and more places to say it."""
_NOT_LATIN_AFFIRMED: Final = regex.compile(
    r"\bnot only\b|\bno (?:doubt|matter|wonder|longer than|more than|less than|later than|problem|worries|sooner|way)\b"
    r"|"
    r"\b(?:why|is|are|do|does|did|was|were|have|has|would|wo|ca|could|should|ai)n['’]t\b[^.!?]*\?"
    r"|\bwhy not\b|\bor not\b|"
    r"\bcannot but\b|\bcan['’]t help\b|\bnothing but\b|\bnever mind\b|\bno\.? ?\d|\b(?:do|don)['’]?t mind\b"
    r"|\bcan['’]t wait\b",
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
    if _DIGIT.search(plain_output) is not None and _digits_run_away(plain_source, plain_output):
        return Doubt.REPETITION
    letters = count(output)
    if _source_left(source, output, letters, source_language, target_language):
        return Doubt.SOURCE_LEFT
    given, made = _weight(count(source)), _weight(letters)
    if made > LENGTH_RATIO_MAX * given + LENGTH_SLACK:
        return Doubt.TOO_LONG
    if given > LENGTH_RATIO_MAX * made + LENGTH_SLACK:
        return Doubt.TOO_SHORT
    if _DIGIT.search(plain_source) is not None:
        if _numbers_lost(plain_source, plain_output):
            return Doubt.NUMBERS_LOST
        if _units_lost(plain_source, plain_output):
            return Doubt.UNITS_LOST
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


def _digits_run_away(source: str, output: str) -> bool:
    """True for a number longer than any of the source: "100万" that became 10000000000000000. Both in NFKC."""
    longest = max((sum(map(str.isdigit, found[0])) for found in _DIGITS.finditer(output)), default=0)
    if longest <= DIGITS_FREE:
        return False
    given = max((sum(map(str.isdigit, found[0])) for found in _DIGITS_LOOSE.finditer(source)), default=0)
    meant = max((len(number) for number in _scaled(source) | _spoken(source)), default=0)
    return longest > max(given, meant)


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
    """Chinese quoted in English must still be there in Chinese; of Latin words in Chinese, half may be translated."""
    here, there = scripts_of(source_language), scripts_of(target_language)
    if here & there:
        return False
    if Script.HAN in there:
        quoted = _HAN_RUN.findall(source) if Script.HAN not in here else []
        return bool(quoted) and any(to_simplified(run) not in to_simplified(output) for run in quoted)
    if Script.LATIN in there:
        lowered = output.casefold()
        words = [word.casefold() for word in _LATIN_RUN.findall(source) if word.casefold() not in _WORN]
        return 2 * sum(word not in lowered for word in words) > len(words)
    return False


def _has_rare_character(source: str, output: str) -> bool:
    return any(rare not in source and not _is_common(rare) for rare in _HAN.findall(output))


def _is_common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return character in _COMMON_SINCE
    return True


def _numbers_lost(source: str, output: str) -> bool:
    """True when a number written in digits in `source` is nowhere in `output`, in digits or in words. Both
    in NFKC."""
    source, output = _dated(source, output), _dated(output, source)
    if any(not _is_time_kept(found, output) for found in _TIME.finditer(source)):
        return True
    owed = Counter(_numbers(_TIME.sub(" ", source)))
    if not owed:
        return False
    kept = set(_numbers(output)) | _scaled(output) | _spoken(output)
    scaled = _scaled(source)
    if scaled & kept:
        # 2万 is 20,000: the digits of the one are not those of the other
        owed -= Counter(_numbers(" ".join(found[1] for found in _SCALED.finditer(source))))
    lowered = output.lower()
    return any(not _is_kept(number, kept, lowered) for number in owed)


def _units_lost(source: str, output: str) -> bool:
    """True when a figure had a unit that `output` does not name. Both in NFKC."""
    return any(owed.search(source) is not None and kept.search(output) is None for owed, kept in _UNIT)


def _negation_lost(source: str, output: str, source_language: str, target_language: str) -> bool:
    """True when a short sentence says no and its translation has nothing that could. Chinese and English only: what
    we cannot judge is believed."""
    if source_language in CHINESE and target_language == "en":
        if _MAY_DENY.search(source) is None:
            return False
        plain = _NOT_HAN_AFFIRMED.sub("", to_simplified(source))
        said = _NOT_HAN.search(plain) is not None and len(source) <= _NOT_HAN_SHORT
        return said and _NOT_LATIN_WIDE.search(output) is None
    if source_language == "en" and target_language in CHINESE:
        plain = _NOT_LATIN_AFFIRMED.sub("", source)
        said = _NOT_LATIN.search(plain) is not None and len(source) <= 3 * _NOT_HAN_SHORT
        return said and _NOT_HAN_WIDE.search(output) is None
    return False


def _dated(text: str, other: str) -> str:
    """`text` with 20世纪70年代 (and 70年代, where `other` says 1970s) as 1970, and without the number of a month that
    `other` names."""
    lowered = other.lower()

    def decade(found: "regex.Match[str]") -> str:
        if found[1]:
            return str(100 * (19 if found[1] == "上" else int(found[1]) - 1) + int(found[2]))
        full = regex.search(rf"\b\d\d{found[2]}(?=s)", lowered)
        return full[0] if full else str(found[0])

    text = _DECADE.sub(decade, text)

    def month(found: "regex.Match[str]") -> str:
        name = _MONTHS[int(found[1]) - 1]
        return " " if regex.search(rf"\b{name[:3]}(?:{name[3:]}|t)?\b", lowered) else str(found[0])

    return str(_MONTH.sub(month, text))


def _is_time_kept(found: "regex.Match[str]", output: str) -> bool:
    """15:30 is there as 15:30, 3:30, 三点半 or half past three; not as a 3 here and a 30 there."""
    hour, minute = int(found["hour"]), found["minute"] or ""
    if hour > 24:
        return True
    hours = {hour, (hour + 12) % 24, hour % 12 or 12}
    written = "|".join(rf"(?<!\d)0?{each}(?!\d)" for each in hours)
    named = "|".join(rf"\b{_ONES[each]}\b" for each in hours if each < len(_ONES))
    spoken = "|".join(_NUMBER_WORDS[str(each)] for each in hours if str(each) in _NUMBER_WORDS)
    any_hour = "(?:" + "|".join(filter(None, (written, named, spoken))) + ")"
    if minute in ("", "00"):
        return regex.search(any_hour, output, regex.IGNORECASE) is not None
    minutes = {"半": "30", "一刻": "15", "三刻": "45"}.get(minute, minute)
    words = {"30": "|半|thirty", "15": "|一刻|fifteen", "45": "|三刻|forty"}.get(minutes, "")
    after = rf"{any_hour}\s*[:.点點时時h ]\s*(?:{minutes}(?!\d){words})"
    before = {"30": rf"half past {any_hour}", "15": rf"quarter (?:past|after) {any_hour}", "45": "quarter to"}.get(
        minutes
    )
    patterns = [after] if before is None else [after, before]
    return any(regex.search(pattern, output, regex.IGNORECASE) for pattern in patterns)


def _scaled(text: str) -> set[str]:
    """Numbers with their unit multiplied out: "2万" and "20k" give "20000"."""
    scaled = set()
    for found in _SCALED.finditer(unicodedata.normalize("NFKC", text)):
        value = float(found[1].replace(",", "")) * _SCALE[found[2].lower()]
        scaled.add(str(round(value)))
    return scaled


def _spoken(text: str) -> set[str]:
    """Numbers in words: "seventy", "two hundred and five", 四百, 二〇〇八."""
    spoken: set[str] = set()
    for found in _NAMED.finditer(text.lower()):
        parts = [_NAMES.get(word) or _POWERS.get(word, 0) for word in regex.findall(r"\w+", found[0]) if word != "and"]
        spoken |= _worth(parts, 100, 1_000)
    for found in _HAN_NUMBER.finditer(text):
        spoken |= _worth([_HAN_DIGITS[digit] for digit in found[0]], 10, 10_000)
    return spoken


def _worth(parts: Sequence[int], multiplies_from: int, closes_from: int) -> set[str]:
    """What [2, 100, 5] comes to: 205. Digits in a row are a year or a telephone number, or each for itself."""
    if max(parts) < 10:
        return {"".join(map(str, parts)).lstrip("0") or "0", *map(str, parts)}
    total = section = digit = 0
    for part in parts:
        if part >= closes_from:
            total, section, digit = total + (section + digit or 1) * part, 0, 0
        elif part >= multiplies_from:
            section, digit = section + (digit or 1) * part, 0
        else:
            digit += part
    return {str(total + section + digit)}


def _numbers(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text)
    numbers = []
    for found in _NUMBER.finditer(plain):
        joined = regex.sub(r",(?=\d{3}(?!\d))|\.0+\Z", "", found[0])
        numbers += [part.lstrip("0") or "0" for part in regex.split(r"[.,]", joined)]
    return numbers


def _is_kept(number: str, kept: set[str], output: str) -> bool:
    if number in kept:
        return True
    words = _NUMBER_WORDS.get(number)
    return words is not None and regex.search(words, output) is not None
