"""What stands in a sentence as it is: words its reader reads anyway, words in a third script, figures. Pure.

Invariant: every span of `words` and `figures` is a substring of the text, and begins and ends where a word or a number
does: 35°C, 5G and v1.2.3 are one span each or none, never torn. `shown` keeps the value of a figure and changes how it
is written (unit, scale, date, time of day) only into what the reader's script has for it. Sources: UAX #24 (Script),
ISO 8601 (dates), SI brochure (units).
"""

from decimal import Decimal
from typing import Final

import regex

from translator.figures import SCALE
from translator.routes import CHINESE
from translator.scripts import SPACELESS, Script, scripts_of

_LATIN_WORDS: Final = regex.compile(
    r"(?<![\p{Latin}\p{M}\p{N}°])(?!(?<=\p{N}[.,:])\p{N})(?:\p{N}+(?:[.,:]\p{N}+)*°?)?\p{Latin}[\p{Latin}\p{M}\p{N}'’]*"
    r"(?:(?<=\p{N})\.\p{N}+)*(?:[ \-][\p{Latin}\p{N}][\p{Latin}\p{M}\p{N}'’]*(?:(?<=\p{N})\.\p{N}+)*)*"
)
HAN_SPAN: Final = regex.compile(r"\p{Han}+(?:[，。！？、；：“”《》…\s\d]*\p{Han}+)*[。！？…]*")
_CODES: Final = regex.compile(
    r"(?<![\p{L}\p{N}.:])(?:(?i:v)\d+(?:\.\d+)+|[A-Z]{1,6}\d{1,4}[A-Z]?|[A-Za-z]{2,16}\d{2,10}"
    r"|\d{1,2}(?::\d{2})?(?i:[ap]m))(?![\p{L}\p{N}])"
)
"""C3, v1.2.3, abc123, 8pm: a small model makes other things of them (电池3, 8米), and Chinese writes them so."""
_MINUTES: Final = regex.compile(r"(?<![\d.,:])(\d{1,3}) ?mins?\b(?!\.)")
_INITIALS: Final = regex.compile(
    r"(?<![\p{L}\p{N}])(?i:yyds|xswl|zqsg|nsdd|awsl|dbq|xdm|jms|plmm|yysy|u1s1|bdjw|tql|xhs)(?![\p{L}\p{N}])"
)
"""Chinese words by the initials of their syllables, in which no English word is: who reads Chinese reads them."""
_JOINED: Final = r"[\p{N}\p{Latin}]*+"
"""What is written in one word with letters of a third script: 50Ω."""
_LETTERS: Final = {
    Script.HAN: r"\p{Han}",
    Script.KANA: r"\p{Hiragana}\p{Katakana}",
    Script.HANGUL: r"\p{Hangul}",
}

_CURRENCY: Final = r"[$€£¥￥₩₹₽]"
_FIGURE: Final = regex.compile(
    r"(?<![\p{N}\p{Latin}])(?:"
    r"(?P<year>\d{4})年(?:(?P<month>1[0-2]|0?[1-9])月(?:(?P<day>\d{1,2})[日号號])?)?"
    r"|(?P<half>凌晨|早上|上午|中午|下午|晚上)?(?P<hour>\d{1,2})(?:[:：](?P<minute>\d{2})(?!\d|:|：)"
    r"|[点點](?:(?P<spoken>\d{1,2})分|(?P<thirty>半)|整)?(?!\p{N}))"
    r"(?:\s?(?P<meridiem>[AaPp]\.?[Mm]\b))?"
    rf"|(?P<about>(?i:about|around)\s)?(?P<number>{_CURRENCY}?\s?[+\-−]?"
    rf"(?:\+\d{{1,3}}[ \-])?\d+(?:[.,:/\-–]\d+)*(?:(?<=\d{{3}})[ ]\d{{3,4}}(?!\d))*)"
    r"(?:\s?(?P<scale>[万萬亿億]|(?:thousand|million|billion)\b))?"
    r"(?:\s?(?P<unit>%|％|‰|℃|℉|°\s?[CF]?|[kmc]?m/[hs]|公里/小时|千米/小时"
    r"|分钟|分鐘|小时|小時|公里|千米|厘米|毫米|公斤|千克|摄氏度|攝氏度|华氏度|欧元|美元|人民币|块钱|[块塊](?!\p{Han})|元|秒|度|米"
    r"|people|persons|minutes?|mins?|hours?|hrs?|days?|weeks?|years|dollars|euros|yuan|rmb"
    r"|(?:[kmcdµ]?m|k?g|mg|m?l|[kKMGTP]?B|[kMG]bps|[kMG]?Hz|k?W|k?V|mph|kph|kWh|[ap]m|GB|fps|dpi|px|in|ft|lbs?|oz|k)(?!\p{Latin})))?"
    r")(?!\p{N})",
    regex.IGNORECASE,
)
_TO_LETTERS: Final = {
    "分钟": "min", "分鐘": "min", "小时": "h", "小時": "h", "公里": "km", "千米": "km", "厘米": "cm", "毫米": "mm",
    "公斤": "kg", "千克": "kg", "摄氏度": "°C", "攝氏度": "°C", "华氏度": "°F", "欧元": "EUR", "美元": "USD",
    "人民币": "CNY", "块钱": "CNY", "块": "CNY", "塊": "CNY", "元": "CNY", "秒": "s", "度": "°", "米": "m",
    "公里/小时": "km/h", "千米/小时": "km/h",
}  # fmt: skip
_TO_HAN: Final = {
    "people": "人", "persons": "人", "minute": "分钟", "minutes": "分钟", "min": "分钟", "mins": "分钟",
    "hour": "小时", "hours": "小时", "hr": "小时", "hrs": "小时", "day": "天", "days": "天",
    "week": "周", "weeks": "周",
    "years": "年", "dollars": "美元", "euros": "欧元", "yuan": "元", "rmb": "元",
}  # fmt: skip
_AMOUNT: Final = regex.compile(r"(?P<sign>\D*)(?P<digits>\d[\d,]*(?:\.\d+)?)")
_LATER: Final = frozenset({"下午", "晚上"})
_NIGHT: Final = frozenset({"晚上", "凌晨"})


def words(text: str, source: str, target: str) -> list[str]:
    """Words of `text` that the reader of `target` reads as they are: Latin ones in Chinese (今天meeting好多), Chinese
    ones in English for who reads Chinese, codes and initials (C3, yyds), and words in a script that neither language
    is written in, which no package between the two knows."""
    here, there = scripts_of(source), scripts_of(target)
    found = [] if text.isascii() else third(text, source, target)
    if Script.HAN in here and Script.HAN not in there:
        found += [str(each) for each in _LATIN_WORDS.findall(text)]
    elif Script.LATIN in here and Script.HAN in there:
        found += [str(each) for pattern in (HAN_SPAN, _CODES, _INITIALS) for each in pattern.findall(text)]
    return found


def spelled(text: str, source: str) -> str:
    """`text` with English minutes written out: of "10 min" a small model makes months."""
    return _MINUTES.sub(r"\1 minutes", text) if source == "en" else text


def third(text: str, source: str, target: str) -> list[str]:
    """Runs of words in scripts that neither language is written in. Letters of no script are none (ª, ʼ), nor is the
    の that Chinese writes for 的."""
    pattern = _third(scripts_of(source) | scripts_of(target))
    return [str(each) for each in pattern.findall(text) if each != "の"]


def figures(text: str, target: str) -> list[str]:
    """Numbers with what belongs to them: a sign of currency, a unit, the other groups of a telephone number, the rest
    of a date or of a time of day. English words for a unit belong to them where `shown` has the reader's."""
    found = []
    for figure in _FIGURE.finditer(text):
        is_word = len(figure["scale"] or "") > 1
        words_too = (figure["unit"] or "").lower() in _TO_HAN or figure["about"] or is_word
        part = figure["number"] if words_too and target not in CHINESE else figure[0]
        found.append(str(part).strip())
    return found


def shown(figure: str, target: str) -> str:
    """`figure` for the reader of `target`: what is written in the other script is put into the reader's."""
    found = _FIGURE.fullmatch(figure)
    if found is None:
        return figure
    han = target in CHINESE
    if found["number"]:
        unit, about = found["unit"] or "", found["about"] or ""
        number = _amount(found["number"], found["scale"] or "", han)
        if han:
            made = _TO_HAN.get(unit.lower(), figure[found.end("scale") :] if found["scale"] else None)
            kept = figure[len(about) :] if number is None or made is None else number + made
            return ("大约" if about else "") + kept
        made = _TO_LETTERS.get(unit, unit if found["scale"] else None)
        if made is None or number is None:
            return figure
        return f"{about}{number}{'' if not made or '°' in made else ' '}{made}"
    if han:
        return figure
    if found["year"]:
        return "-".join([found["year"], *(each.zfill(2) for each in found.group("month", "day") if each)])
    if found["meridiem"] or not (found["half"] or any(each in figure for each in "点點：")):
        return figure
    hour = int(found["hour"])
    if hour == 12 and found["half"] in _NIGHT:
        hour = 0
    elif hour < 12 and (found["half"] in _LATER or (found["half"] == "中午" and hour < 4)):
        hour += 12
    minute = found["minute"] or found["spoken"] or ("30" if found["thirty"] else "0")
    return f"{hour}:{minute.zfill(2)}"


def _amount(number: str, scale: str, han: bool) -> str | None:
    """`number` of so many in the reader's own way: 1.5万 is 15,000, and 20 million 2000万. None where it is no plain
    amount, or already said so."""
    if not scale:
        return number
    found = _AMOUNT.fullmatch(number)
    if found is None or han != (len(scale) > 1):
        return None
    value = Decimal(found["digits"].replace(",", "")) * SCALE[scale.lower()]
    if value != int(value):
        return None
    for name, worth in (("亿", 10**8), ("万", 10**4)) if han else ():
        if value >= worth and value * 100 % worth == 0:
            return f"{found['sign']}{(value / worth).normalize():f}{name}"
    return f"{found['sign']}{int(value)}" if han else f"{found['sign']}{int(value):,}"


def apart(left: str, figure: str, right: str, target: str) -> str:
    """`figure` with the spaces that a language with spaces wants beside a sign such as $ or %."""
    if target in SPACELESS:
        return figure
    before = " " if left and left[-1].isalnum() and not figure[0].isalnum() else ""
    after = " " if right and right.lstrip()[:1].isalnum() and not figure[-1].isalnum() else ""
    return before + figure + after


def _third(known: frozenset[Script]) -> "regex.Pattern[str]":
    if known not in _PATTERNS:
        ours = "".join(_LETTERS.get(script, rf"\p{{{script.value}}}") for script in sorted(known) if script != "Other")
        run = rf"(?![{ours}\p{{Common}}\p{{Inherited}}])\p{{L}}[\p{{M}}ー'’]*"
        _PATTERNS[known] = regex.compile(
            rf"(?<![\p{{N}}\p{{Latin}}]){_JOINED}(?:{run})+{_JOINED}(?:[ \-](?:{run})+{_JOINED})*"
        )
    return _PATTERNS[known]


_PATTERNS: Final[dict[frozenset[Script], "regex.Pattern[str]"]] = {}
