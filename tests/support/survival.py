"""Whether a protected span survived a translation: letter for letter, or, for a figure, by value and unit."""

import unicodedata
from typing import Final

import regex

_FIGURE: Final = regex.compile(
    r"(?:about )?[$¥€]?[+\-]?\d[\d,.:/\-]*\s?(?:%|°?[CF]|℃|[kcm]?m|kg|[ap]m|k|min|minutes|hours?"
    r"|小时|分钟|点|公里|元|块)?",
    regex.IGNORECASE,
)
_NUMBER: Final = regex.compile(r"\d+(?:\.\d+)?")
_NAMES: Final = dict(enumerate(regex.findall(r"\w+", "zero one two three four five six seven eight nine ten")))
_NAMES_HAN: Final = dict(enumerate("零一二三四五六七八九十"))
_NAMES_TOO: Final = {
    2: ("两", "twice"),
    30: ("半", "half", "thirty", "三十"),
    20: ("twenty", "二十"),
    15: ("十五", "fifteen"),
}
UNITS: Final = {
    "km": ("km", "公里", "千米", "kilomet"),
    "kg": ("kg", "公斤", "千克", "kilo"),
    "cm": ("cm", "厘米", "centimet"),
    "m": ("m", "米"),
    "min": ("min", "分"),
    "am": ("am", "a.m", "上午", "早", "凌晨"),
    "pm": ("pm", "p.m", "下午", "晚", "中午"),
    "k": ("k", "千", "000"),
    "%": ("%", "％", "percent", "百分", "折"),
    "°c": ("°c", "℃", "度", "摄氏", "degree"),
    "°f": ("°f", "℉", "度", "华氏", "degree"),
    "f": ("f", "度", "华氏", "degree"),
    "c": ("c", "度", "摄氏", "degree"),
    "$": ("$", "美元", "dollar", "刀"),
    "¥": ("¥", "元", "yuan", "rmb", "块", "cny"),
    "€": ("€", "欧元", "euro"),
}
"""What may stand for a unit in the other language."""


def survives(span: str, source: str, output: str) -> bool:
    """True when `output` shows `span` as often as `source`, or all the numbers of a figure and its unit."""
    if output.count(span) == source.count(span):
        return True
    plain = unicodedata.normalize("NFKC", span).strip()
    if _FIGURE.fullmatch(plain) is None:
        return False
    told = regex.sub(r"(?<=\d),(?=\d{3})", "", unicodedata.normalize("NFKC", output)).lower()
    numbers = _NUMBER.findall(regex.sub(r"(?<=\d),(?=\d{3})", "", plain))
    if any(len(_digits(number, told)) > len(_digits(number, source)) for number in numbers):
        return False
    if not all(_stands(number, told) for number in numbers):
        return False
    signs = (sign.lower() for sign in regex.findall(r"°?[A-Za-z]+|[%$¥€]", unicodedata.normalize("NFKC", span)))
    return all(any(each in told for each in UNITS.get(sign, (sign,))) for sign in signs)


def _digits(number: str, text: str) -> list[str]:
    return regex.findall(rf"(?<![\d.]){regex.escape(number)}(?!\d|\.\d)", unicodedata.normalize("NFKC", text))


def _stands(number: str, told: str) -> bool:
    if _digits(number, told):
        return True
    if "." in number:
        return False
    value = int(number)
    names = (_NAMES.get(value, ""), _NAMES_HAN.get(value, ""), *_NAMES_TOO.get(value, ()))
    return any(regex.search(rf"\b{name}\b" if name.isascii() else name, told) for name in names if name)
