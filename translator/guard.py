"""Is this output a translation at all? Cheap signs that it is not. Pure.

Invariant: a guard only ever says "doubtful", never repairs: what is doubtful is translated again with other search
settings or refused with its reason, and the reader sees the original. Thresholds are wide on purpose: a wrong refusal
costs a reader a translation that was there. Every sign below has been seen in released packages (the sentence that
became 阳性阴性 a hundred times, the laughter that became "(applause)", digits that changed).
"""

import unicodedata
from collections import Counter
from enum import StrEnum
from typing import Final

import regex

from translator.chinese import to_simplified
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
    QUOTATION_LOST = "quotation_lost"
    """Words that stood in the source in another script (a name, a brand, a quoted phrase) are gone."""


LENGTH_RATIO_MAX: Final = 4.0
LENGTH_SLACK: Final = 6.0
"""A translation may be four times as long as its source, plus six: "嗯" may well be "Yes, I see"."""

_BRACKETED: Final = regex.compile(r"\A(?:\s*(?:\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]|【[^【】]*】|♪)[\s.,。，]*)+\Z")
_REPEATED_CHARS: Final = regex.compile(r"((?!0)\S{1,12}?)(?:[\s,，、]*\1){3,}")
_WORD: Final = regex.compile(r"[\p{L}\p{N}']+")
_HAN_RUN: Final = regex.compile(r"\p{Han}{2,}")
_LATIN_RUN: Final = regex.compile(r"\p{Latin}{2,}")
_WORN: Final = frozenset({"ok", "okay", "lol", "haha", "emo", "aa", "bye", "hi", "hello", "no", "yes", "wow"})
"""Latin words that Chinese has taken over and that a translation need not repeat."""
_NUMBER: Final = regex.compile(r"\d+(?:[.,]\d+)*")
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
_COMMON_SINCE: Final = frozenset("囧啰嘚喽嘞啵瞭镕堃喆怼嗨咘")
"""In daily use today, and not in the standard of 1980."""
_NUMBER_WORDS: Final[dict[str, str]] = {
    "0": r"zero|no\b|零|〇",
    "1": r"one|first|once|an?\b|single|一|首",
    "2": r"two|second|twice|both|half past|二|两|兩|双|雙",
    "3": r"three|third|三",
    "4": r"four|四",
    "5": r"five|fifth|五",
    "6": r"six|六",
    "7": r"seven|七",
    "8": r"eight|八",
    "9": r"nine|ninth|九",
    "10": r"ten|十",
    "11": r"eleven|十一",
    "12": r"twelve|dozen|noon|midnight|twelfth|十二",
    "15": r"fifteen|quarter|十五|一刻",
    "20": r"twent|二十",
    "30": r"thirt|half|三十|半",
    "50": r"fift|五十",
    "100": r"hundred|百",
    "1000": r"thousand|千",
    "10000": r"ten thousand|万|萬",
    "1000000": r"million|百万|百萬",
}


def doubt(source: str, output: str, source_language: str, target_language: str) -> Doubt | None:
    """The first sign that `output` is no translation of `source`, or None. One sentence or a few, both stripped."""
    if not has_words(source):
        return None
    if not has_words(output) and not regex.search(r"\d", output):
        return Doubt.EMPTY if not regex.search(r"[()（）\[\]【】♪]", output) else Doubt.ONLY_BRACKETS
    if "⁇" in output or "<unk>" in output or "\ufffd" in output:
        return Doubt.UNKNOWN_PIECE
    if target_language == "zh" and _has_rare_character(source, output):
        return Doubt.RARE_CHARACTER
    if _BRACKETED.match(output) and not _BRACKETED.match(source):
        return Doubt.ONLY_BRACKETS
    if _repetition(output) > max(3, 2 * _repetition(source)):
        return Doubt.REPETITION
    if _source_left(source, output, source_language, target_language):
        return Doubt.SOURCE_LEFT
    given, made = _weight(source), _weight(output)
    if made > LENGTH_RATIO_MAX * given + LENGTH_SLACK:
        return Doubt.TOO_LONG
    if given > LENGTH_RATIO_MAX * made + LENGTH_SLACK:
        return Doubt.TOO_SHORT
    if _numbers_lost(source, output):
        return Doubt.NUMBERS_LOST
    if _quotation_lost(source, output, source_language, target_language):
        return Doubt.QUOTATION_LOST
    return None


def _weight(text: str) -> float:
    """Length in Han characters; about 3.5 letters of an alphabet say as much as one of them."""
    letters = count(text)
    dense = letters[Script.HAN] + 0.6 * letters[Script.KANA] + letters[Script.HANGUL]
    return dense + (letters.total() - letters[Script.HAN] - letters[Script.KANA] - letters[Script.HANGUL]) / 3.5


def _repetition(text: str) -> int:
    """How often the most repeated run of 1 to 12 characters stands in a row, or a three-word phrase occurs."""
    runs = (len(found[0]) // max(1, len(found[1])) for found in _REPEATED_CHARS.finditer(text))
    tokens = _WORD.findall(text.lower())
    phrases = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    return max(max(runs, default=1), max(phrases.values(), default=1))


def _source_left(source: str, output: str, source_language: str, target_language: str) -> bool:
    here, there = scripts_of(source_language), scripts_of(target_language)
    letters = count(output)
    total = letters.total()
    if not total:
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
    """True when a number written in digits in `source` is nowhere in `output`, in digits or in words."""
    source, output = (unicodedata.normalize("NFKC", text) for text in (source, output))
    if any(not _is_time_kept(found, output) for found in _TIME.finditer(source)):
        return True
    owed = Counter(_numbers(_TIME.sub(" ", source)))
    if not owed:
        return False
    kept = set(_numbers(output)) | _scaled(output)
    scaled = _scaled(source)
    if scaled & kept:
        # 2万 is 20,000: the digits of the one are not those of the other
        owed -= Counter(_numbers(" ".join(found[1] for found in _SCALED.finditer(source))))
    lowered = output.lower()
    return any(not _is_kept(number, kept, lowered) for number in owed)


def _is_time_kept(found: "regex.Match[str]", output: str) -> bool:
    """15:30 is there as 15:30, 3:30, 三点半 or half past three; not as a 3 here and a 30 there."""
    hour, minute = int(found["hour"]), found["minute"] or ""
    if hour > 24:
        return True
    hours = {hour, (hour + 12) % 24, hour % 12 or 12}
    written = "|".join(rf"(?<!\d)0?{each}(?!\d)" for each in hours)
    spoken = "|".join(_NUMBER_WORDS[str(each)] for each in hours if str(each) in _NUMBER_WORDS)
    any_hour = f"(?:{written}|{spoken})" if spoken else f"(?:{written})"
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


def _numbers(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text)
    numbers = []
    for found in _NUMBER.finditer(plain):
        joined = regex.sub(r",(?=\d{3}(?!\d))", "", found[0])
        numbers += [part.lstrip("0") or "0" for part in regex.split(r"[.,]", joined)]
    return numbers


def _is_kept(number: str, kept: set[str], output: str) -> bool:
    if number in kept:
        return True
    words = _NUMBER_WORDS.get(number)
    return words is not None and regex.search(words, output) is not None
