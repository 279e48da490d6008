"""Figures of a text and of its translation: the numbers each names, in digits or words, and their units. Pure.

Invariant: a number is compared by its value, never by its digits: 2万 is 20,000 and 七点半 is 7:30, and the 1.5 of
1.5万 is nowhere in 1.5 million. Every text is NFKC. Units are compared by name: a table says which words of either
language keep the unit of the other.
"""

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Final

import regex

_DIGITS: Final = regex.compile(r"\d+(?:[,，]\d{3})*|(?:0[\s,，.]*){4,}")
_DIGITS_LOOSE: Final = regex.compile(r"\d+(?:[\s,，.\-–]?\d+)*")
COUNTED_MAX: Final = 100
"""Bytes in UTF-8 of a source whose numbers are also counted: 33 Han characters, 100 letters. A longer one may take a
number up again where its translation does not."""
DIGITS_FREE: Final = 6
"""A number written in digits may be that long, whatever the source says: 两千 is 2000, 七点半 7:30."""
_NUMBER: Final = regex.compile(r"(?<!COVID-\d?|[\d\s][kcm]?m)\d+(?:[.,]\d+)*")
"""But for the 2 of km2, and for COVID-19, which has a name of its own in every language."""
SCALE: Final = {
    "百": 10**2, "千": 10**3, "k": 10**3, "thousand": 10**3, "万": 10**4, "萬": 10**4, "w": 10**4, "m": 10**6,
    "million": 10**6, "亿": 10**8, "億": 10**8, "bn": 10**9, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_SCALED: Final = regex.compile(
    r"(?<!\d|\d[.,])(?P<figure>\d{1,12}(?:,\d{3})*(?:\.\d{1,6})?)[\s\-]*+[多余餘几幾]?"
    r"(?:(?P<han>(?:[百万萬亿億]|千(?![米克瓦卡帕伏赫焦字兆])){1,3}+(?!分))"
    r"|(?P<latin>k|w|m|bn|thousand|million|billion|trillion)(?![A-Za-z]))(?:(?P<more>)(?=\s?\d))?+",
    regex.IGNORECASE,
)
"""A figure and its scale, which is none in 千米 and 百分. `more` is the 5 of 3万5, or the begin of another figure."""
_MEASURE: Final = {
    "k": regex.compile(r"\dk|公里|千米|kilomet|km\b", regex.IGNORECASE),
    "w": regex.compile(r"\d\s?w|瓦|watt", regex.IGNORECASE),
    "m": regex.compile(""),
}
"""Where a letter after a figure may be no scale but a measure (a run of 5k, a bulb of 60w, a wall of 3m) in a text
and its translation: then its value may be gone, and its figure may not."""
_LETTER: Final = regex.compile(r"\p{L}")
_HAN_LETTER: Final = regex.compile(r"\p{Han}")
_TIME: Final = regex.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})(?:\s*:\s*(?P<minute>\d{2})(?![\d:])|\s*[点點时時](?!间)\s*(?P<minute>\d{2}(?=分|\D|\Z)|半|一刻|三刻)?分?"
    r"|(?=\s*(?:[ap]\.?m\b|o'clock)))",
    regex.IGNORECASE,
)
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
_POWERS: Final = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NAMED: Final = regex.compile(
    rf"\b(?:{'|'.join(_NAMES)}|(?:half )?an?(?=[\s-](?:{'|'.join(_POWERS)})\b))\b"
    rf"(?:(?:[\s-]|\sand\s)(?:{'|'.join((*_NAMES, *_POWERS))})\b)*+"
)
_HAN_DIGITS: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0, "两": 2, "兩": 2, "十": 10, "百": 100, "千": 1_000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip
_HAN_NUMBER: Final = regex.compile(rf"[{''.join(_HAN_DIGITS)}]+")
_MONTHS: Final = tuple(
    regex.findall(r"\w+", "january february march april may june july august september october november december")
)
_MONTH: Final = regex.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s*月")
_DECADE: Final = regex.compile(r"(?:(\d{1,2}|上)(?:个|個)?\s*世[纪紀]\s*)?(?<!\d)(\d0)\s*年代")
_DECADES: Final = regex.compile(r"\b\d\d\d0(?=s)")
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
_MAY_SPELL: Final = regex.compile(r"[十百千万萬亿億]|hundred|thousand|illion|ty[\s\-]", regex.IGNORECASE)
_VAGUE: Final = frozenset("数數几幾第")
"""数十亿 is billions; an ordinal has names of its own."""
_EXACT_AFTER: Final = regex.compile(r"(?!分(?!钟|鐘)|(?<=千)[米克瓦卡帕伏赫焦])")
"""Not the minutes of a time, which have names of their own, and not 千米, of which 千 is a part."""
_ABOUT: Final = regex.compile(r"(?<=[十百千])[多余餘来來](?=[万萬亿億])")
_IDIOMS: Final = frozenset({"一五一十"})
_UNITS_READ: Final[tuple[tuple[str, str], ...]] = (
    (r"平方公里|平方千米|sq(?:uare)? (?:km|kilomet(?:er|re)s?)|km2", r"平方|sq|km2"),
    (r"平方米|平米|sq(?:uare)? (?:m|met(?:er|re)s?)|m2", r"平方|平米|坪|sq|m2"),
    (r"kilomet(?:er|re)s?", r"km|公里|千米|里"),
    (r"kilo(?:gram)?s?", r"kg|公斤|千克|斤"),
    (r"ml|毫升|millilit(?:er|re)s?", r"ml|毫升|millilit|cc"),
    (r"mg|毫克|milligrams?", r"mg|毫克|milligram"),
    (r"mm|毫米|millimet(?:er|re)s?", r"mm|毫米|millimet"),
    (r"cm|厘米|公分|centimet(?:er|re)s?", r"cm|厘米|公分|centimet"),
    (r"g|克(?![拉隆里服])|grams?", r"\d ?g\b|\d ?g(?=\p{Han})|克|gram|kg|kilo|斤"),
    (r"米|met(?:er|re)s?", r"\d ?m\b|\d ?m(?=\p{Han})|米|公尺|met(?:er|re)|km|kilo"),
    (r"L|升(?![级級至到降])|lit(?:er|re)s?", r"\d ?l\b|\d ?l(?=\p{Han})|升|lit(?:er|re)"),
    (r"mins?|minutes?|分钟|分鐘", r"\dmin|\bmin|\d:\d\d|分|刻|quarter|hour|小时|小時|钟|鐘|稍|一下|一会|一會"),
    (
        r"h|hrs?|hours?|(?:[个個]半?)?(?:小时|小時|钟头|鐘頭)|[个個][钟鐘]",
        r"\d ?h|\d:\d\d|[点點]|\bh(?:ou)?rs?|时|時|钟|鐘|天|\bdays?\b|clock",
    ),
    (r"secs?|seconds?|秒", r"sec|秒|moment|稍|一下|一会|一會|\ds\b|\d:\d\d"),
    (r"miles?|英里|哩", r"mi(?:les?)?\b|mph|里|哩"),
    (r"ft|feet|foot|英尺|呎", r"ft\b|feet|foot|尺|呎|'|脚|腳|足|步"),
    (r"inch(?:es)?|英寸|吋", r"inch|\d in\b|foot-\d|寸|吋|\""),
    (r"lbs?|pounds?|英镑|英鎊|磅|镑|鎊", r"lbs?\b|pound|£|gbp|quid|镑|鎊|磅"),
    (r"tons?|tonnes?|吨|噸|公吨", r"ton|吨|噸"),
    (r"dollars?|USD|bucks?|美元|美金|美刀", r"\$|dollar|buck|grand|usd|元|刀|金|块|塊|钱|錢|币|幣"),
    (r"€|euros?|EUR|欧元|歐元|欧(?![洲盟美拉])", r"€|euro?|欧|歐"),
    (
        r"块钱|塊錢|元(?!素|旦|首|帅|帥|老|件|音|月|宵)|yuan|rmb|RMB|CNY|人民币|人民幣",
        r"¥|yuan|rmb|cny|renminbi|kuai|元|块|塊|人民|yen|won",
    ),
    (r"[块塊](?!\p{Han})", r"¥|yuan|rmb|cny|renminbi|kuai|buck|piece|block|chunk|slice|lump|bar|tile|brick"),
    (r"日元|日圆|日圓|yen|JPY", r"¥|yen|jpy|日|円|圆|圓|元"),
    (r"°|度(?![假电電])|degrees?", r"学|學|°|℃|℉|度|degree|\d ?[cf]\b|percent|proof"),
)
"""Measures by their names, for Chinese and English: what a figure is followed by, and what keeps that. A kind of
measure keeps its neighbours (a minute an hour, a gram a kilogram): the figures beside them are compared anyway."""
_MONEY: Final = (
    ("$", r"\$|dollar|buck|usd|美金|元|刀|块|塊|钱|錢|币|幣"),
    ("€", r"€|eur|欧|歐"),
    ("£", r"£|pound|gbp|quid|镑|鎊|磅"),
    ("¥", r"¥|yuan|rmb|cny|renminbi|kuai|yen|jpy|元|块|塊|円|圆|圓|人民|日"),
)
_SIGN: Final = {sign: regex.compile(kept, regex.IGNORECASE) for sign, kept in _MONEY}
_NAMED_UNIT: Final = regex.compile(
    r"\d(?:[\s\-]?(?:hundred|thousand|million|billion|trillion|[百千万萬亿億多余餘几幾](?!克|米|瓦))){0,3}+[\s\-]{0,2}+(?:"
    + "|".join(f"(?P<u{row}>{owed})" for row, (owed, _) in enumerate(_UNITS_READ))
    + r")(?![A-Za-z])|(?P<sign>[$€£¥])\s?(?=\d)"
)
_UNIT_READ: Final = tuple(regex.compile(kept, regex.IGNORECASE) for _, kept in _UNITS_READ)
_SYMBOL: Final = r"(?:[GMTK]i?B|km/h|kph|mph|[kcm]?m|k?g|mg|ml|[kKwWhGMLFC])(?!\p{L})"
_SYMBOLS_ONLY: Final = regex.compile(rf"(?:\P{{L}}|(?<=[\d°]\s?){_SYMBOL})++")
_NO_WORD: Final = regex.compile(
    rf"(?<=[\d°]\s?)(?:{'|'.join(owed for owed, _ in _UNITS)}|(?:{_SYMBOL}))(?!\p{{Latin}})"
    rf"|(?<!\p{{Latin}})(?:{'|'.join(owed for owed, _ in _UNITS_READ)}|per ?cent)(?!\p{{Latin}})"
    r"|(?<=\d)(?i:st|nd|rd|th|[ap]m)\b"
    rf"|(?i:\b(?:{'|'.join((*_NAMES, *_POWERS))}|and|an?|half|past|quarter|to|o['’]clock|[ap]\.?m|no|minus)\b)"
    r"|[上下中]午|[早晚]上|凌晨|傍晚|零下|公里|公斤"
    rf"|[第{''.join(_HAN_DIGITS)}点點时時分秒半刻整年月日号號块塊元角毛钱錢个個之多余餘负負加减減乘除等于於到至比]"
)
"""Letters that say no more than a figure can: units, and what numbers, times and dates are written with."""


def only_figures(source: str, output: str) -> bool:
    """True when figures and the signs of their units are all of `output`, and not of `source`. Both in NFKC."""
    if _SYMBOLS_ONLY.fullmatch(output) is None:
        return False
    return _LETTER.search(_NO_WORD.sub(" ", _NAMED_UNIT.sub(" ", source))) is not None


def numbers_lost(source: str, output: str, read: bool) -> bool:
    """True when a number written in digits in `source` is nowhere in `output`, in digits or in words. Both in NFKC.
    `read`: both are in languages whose words for numbers we know, so that a value that is not there is lost."""
    source, output = _dated(source, output), _dated(output, source)
    if any(not _is_time_kept(found, output) for found in _TIME.finditer(source)):
        return True
    owed = Counter(_numbers(_TIME.sub(" ", source)))
    if not owed:
        return False
    kept = set(_numbers(output)) | _scaled(output) | _spoken(output)
    for value, figures, found in _scales(source):
        if value in kept:
            # 2万 is 20,000: the digits of the one are not those of the other
            owed -= Counter(_numbers(figures))
        elif read and found["more"] is None and not _may_be_measure(found, source, output):
            return True
    lowered = output.lower()
    if any(not _is_kept(number, kept, lowered) for number in owed):
        return True
    return read and len(source.encode(errors="replace")) <= COUNTED_MAX and _miscounted(source, output, lowered)


def _miscounted(source: str, output: str, lowered: str) -> bool:
    """True when a number of `source` stands in `output` more often, or less often and nowhere in words: the minute of
    "in 10 min" that became both the month and the hour. Times of day are left out where there are as many as there
    were: each was looked for already, and 3:30 may have become 15:30."""
    if len(_TIME.findall(source)) == len(_TIME.findall(output)):
        source, output = _TIME.sub(" ", source), _TIME.sub(" ", output)
    given, made = (Counter(_numbers(_SCALED.sub(" ", text))) for text in (source, output))
    if given.keys() == made.keys() and given.total() == made.total() == len(given):
        return False
    spelt = _spoken(source)
    return any(
        made[number] != often
        and (number not in spelt if made[number] > often else not _is_kept(number, _spoken(output), lowered))
        for number, often in given.items()
        if made[number]
    )


def units_lost(source: str, output: str, read: bool) -> bool:
    """True when a figure had a unit that `output` does not name. Both in NFKC; `read` as for `numbers_lost`."""
    if any(owed.search(source) is not None and kept.search(output) is None for owed, kept in _UNIT):
        return True
    return read and any(_kept_unit(found).search(output) is None for found in _NAMED_UNIT.finditer(source))


def _kept_unit(found: "regex.Match[str]") -> "regex.Pattern[str]":
    """The words one of which keeps the unit that `found` names."""
    if found["sign"] is not None:
        return _SIGN[found["sign"]]
    assert found.lastgroup is not None
    return _UNIT_READ[int(found.lastgroup[1:])]


def digits_run_away(source: str, output: str) -> bool:
    """True for a number longer than any of the source: "100万" that became 10000000000000000. Both in NFKC."""
    longest = max((sum(map(str.isdigit, found[0])) for found in _DIGITS.finditer(output)), default=0)
    if longest <= DIGITS_FREE:
        return False
    given = max((sum(map(str.isdigit, found[0])) for found in _DIGITS_LOOSE.finditer(source)), default=0)
    meant = max((len(number) for number in _scaled(source) | _spoken(source)), default=0)
    return longest > max(given, meant)


def _dated(text: str, other: str) -> str:
    """`text` with 20世纪70年代 (and 70年代, where `other` says 1970s) as 1970, and without the number of a month that
    `other` names."""
    lowered = other.lower()
    decades = {full[0][2:]: str(full[0]) for full in _DECADES.finditer(lowered)} if "年代" in text else {}

    def decade(found: "regex.Match[str]") -> str:
        if found[1]:
            return str(100 * (19 if found[1] == "上" else int(found[1]) - 1) + int(found[2]))
        return decades.get(found[2], str(found[0]))

    text = _DECADE.sub(decade, text)

    @functools.cache
    def is_named(month: int) -> bool:
        name = _MONTHS[month - 1]
        return regex.search(rf"\b{name[:3]}(?:{name[3:]}|t)?\b", lowered) is not None

    def month(found: "regex.Match[str]") -> str:
        return " " if is_named(int(found[1])) else str(found[0])

    return str(_MONTH.sub(month, text))


def spelt_lost(source: str, output: str) -> bool:
    """True when a number that `source` spells out (二十五, "two hundred") is not in `output`, in digits or in words:
    one of Chinese and English, the other the other. Both in NFKC. Round numbers say "many" and idioms say anything:
    only numbers of two words or more in English, of three characters or with 万 or 亿 in Chinese, are compared."""
    if _MAY_SPELL.search(source) is None:
        return False
    source, output = _ABOUT.sub("", source), _ABOUT.sub("", output)
    owed = [
        _worth(parts, 100, 1_000)
        for found in _NAMED.finditer(source.lower())
        if not found[0].startswith(("a", "half")) and _is_exact(parts := _parts(found[0]))
    ]
    for found in _HAN_NUMBER.finditer(source):
        parts = [_HAN_DIGITS[digit] for digit in found[0]]
        if (len(parts) < 3 and max(parts) < 10_000) or found[0] in _IDIOMS:
            continue
        before = source[max(0, found.start() - 1) : found.start()]
        if (
            before not in _VAGUE
            and _EXACT_AFTER.match(source, found.end())
            and _is_exact([each for each in parts if each])
        ):
            owed.append(_worth(parts, 10, 10_000))
    if not owed:
        return False
    kept = set(_numbers(output)) | _scaled(output) | _spoken(output)
    return any(kept.isdisjoint(values) for values in owed)


def _is_exact(parts: Sequence[int]) -> bool:
    """True for one number as it is counted: not for 三四百, not for "twenty twenty", not for 千千万万."""
    return (
        len(parts) > 1
        and parts[0] < 100
        and max(parts) >= 10
        and all(
            after >= 100 or (after == 10 and before < 10) or after < 10 <= before or before >= 100
            for before, after in pairwise(parts)
        )
    )


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
    return {value for value, _, _ in _scales(text)}


def _scales(text: str) -> list[tuple[str, str, "regex.Match[str]"]]:
    """Value and figures of every number of `text` that has a scale, and where it stands; in NFKC. 1亿5000万 is one."""
    scales: list[tuple[str, str, regex.Match[str]]] = []
    worth, figures, end, smallest = 0, "", 0, 0
    for found in _SCALED.finditer(text):
        scale = prod(SCALE[sign] for sign in found["han"]) if found["han"] else SCALE[found["latin"].lower()]
        value = round(float(found["figure"].replace(",", "")) * scale)
        if value < smallest and text[end : found.start()].strip() == "":
            worth, figures = worth + value, f"{figures} {found['figure']}"
        else:
            worth, figures = value, found["figure"]
        end, smallest = found.end(), scale
        scales.append((str(worth), figures, found))
    return scales


def _spoken(text: str) -> set[str]:
    """Numbers in words: "seventy", "two hundred and five", 四百, 二〇〇八."""
    spoken: set[str] = set()
    for found in _NAMED.finditer(text.lower()):
        worth = _worth(_parts(found[0]), 100, 1_000)
        spoken |= {str(int(value) // 2) for value in worth} if found[0].startswith("half") else worth
    for found in _HAN_NUMBER.finditer(text):
        spoken |= _worth([_HAN_DIGITS[digit] for digit in found[0]], 10, 10_000)
    return spoken


def _parts(words: str) -> list[int]:
    """Of "two hundred and five": 2, 100, 5. The article of "a hundred" is 1."""
    return [
        _NAMES.get(word) or _POWERS.get(word, 1 if word in ("a", "an") else 0)
        for word in regex.findall(r"\w+", words)
        if word not in ("and", "half")
    ]


def _worth(parts: Sequence[int], multiplies_from: int, closes_from: int) -> set[str]:
    """What [2, 100, 5] comes to: 205. Digits in a row are a year or a telephone number, or each for itself."""
    if max(parts) < 10:
        return {"".join(map(str, parts)).lstrip("0") or "0", *map(str, parts)}
    total = section = digit = 0
    for part in parts:
        if part >= closes_from:
            # 一万亿 is ten thousand times a hundred million; in 一亿五千万 the second adds to the first
            above, total = (0, total) if part > total else (total, 0)
            total, section, digit = above + (total + section + digit or 1) * part, 0, 0
        elif part >= multiplies_from:
            section, digit = section + (digit or 1) * part, 0
        else:
            digit += part
    spoken = {str(total + section + digit)}
    if closes_from == 10_000 and 0 < parts[-1] < 10 <= parts[-2] and parts[-2] > 10:
        # 两百五 is 250, 三万五 35,000
        spoken.add(str(total + section + digit * parts[-2] // 10))
    return spoken


def _may_be_measure(found: "regex.Match[str]", source: str, output: str) -> bool:
    if found["latin"] is None:
        return False
    letter = found["latin"].lower()
    if letter == "m" and source[: found.start()].rstrip().endswith(("$", "€", "£", "¥")):
        return False
    if letter == "w" and _HAN_LETTER.search(source) is None:
        return True
    return letter in _MEASURE and _MEASURE[letter].search(output) is not None


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
