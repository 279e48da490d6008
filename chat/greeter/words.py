"""What the greeter says and what it understands. Own words; the starter knows each sentence by heart (`phrases.tsv`).

Invariant: every text exists in both languages, and a question is understood only when it is the whole message. A bot
that answers every sentence with "help" in it is switched off on the first evening.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

import regex

CHINESE: Final = frozenset({"zh", "zh-Hant"})

WRITE: Final = {
    "zh": "用你自己的语言写就好，大家都能看懂。",
    "en": "Just write in your own language, everybody can read it. ",
}
TAP: Final = {
    "zh": "点消息下面的小字，可以看原文。",
    "en": "Tap the small text under a message to see the original. ",
}
GREETING: Final = {
    "zh": f"{{called}} 欢迎！{WRITE['zh']}{TAP['zh']}也可以请大家给你起个外文名字。",
    "en": f"{{called}} Welcome! {WRITE['en']}{TAP['en']}And ask people here to give you a Chinese name.",
}
CROWD: Final = {
    "zh": f"欢迎新来的各位！{WRITE['zh']}有问题就写：帮助",
    "en": f"Welcome, all newcomers! {WRITE['en']}For questions, write: help",
}

ANSWERS: Final[Mapping[str, Mapping[str, str]]] = {
    "help": {
        "zh": f"{WRITE['zh']}{TAP['zh']}点一下消息，可以回复。你还可以问我：怎么看原文，怎么回复，怎么起名字。",
        "en": f"{WRITE['en']}{TAP['en']}Tap a message to reply. You can also ask me: how do I see the original, how do "
        "I reply, how do I get a name.",
    },
    "original": {
        "zh": "点消息下面的小字，就能在原文和译文之间切换。想同时看原文和译文，请在阅读设置里选“双语”。",
        "en": "Tap the small text under a message to change between original and translation. To see original and "
        "translation together, choose Both in the reading settings.",
    },
    "reply": {
        "zh": "点一下那条消息，选“回复”。对方会用自己的语言读到。",
        "en": "Tap the message and choose Reply. They read your answer in their own language.",
    },
    "name": {
        "zh": "问问大家：谁给我起个英文名字？说说你的名字是什么意思，大家会帮你想。",
        "en": "Ask everybody: who gives me a Chinese name? Say what your name means, and people will think of one for "
        "you.",
    },
}
"""By topic, by language."""

QUESTIONS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "help": {
        "zh": ("帮助", "幫助", "怎么用", "怎麼用", "这个怎么用", "這個怎麼用"),
        "en": ("help", "how does this work", "how do i use this", "how to use this"),
    },
    "original": {
        "zh": ("怎么看原文", "怎麼看原文", "原文在哪", "原文在哪里", "怎么切换原文"),
        "en": ("how do i see the original", "how can i see the original", "where is the original"),
    },
    "reply": {
        "zh": ("怎么回复", "怎麼回覆", "怎么回复别人"),
        "en": ("how do i reply", "how can i reply"),
    },
    "name": {
        "zh": ("怎么起名字", "怎么起名", "怎麼取名字", "怎么取名字"),
        "en": ("how do i get a name", "how do i get a chinese name", "how can i get a chinese name"),
    },
}
"""By topic, by the language of the question: it is answered in that one."""

_NOT_WORDS: Final = regex.compile(r"[^\p{L}\p{N}]+")


def greeting(name: str, languages: tuple[str, ...]) -> tuple[str, str]:
    """The greeting for a reader of `languages` (most liked first), and the mention that stands in it."""
    called = f"@{name}"
    return GREETING[language_for(languages)].format(called=called), called


def language_for(languages: tuple[str, ...]) -> str:
    """The one of our languages that they like most; English for everybody else."""
    return next(("zh" if each in CHINESE else "en" for each in languages if each in CHINESE or each == "en"), "en")


def question(text: str, our_name: str) -> tuple[str, str] | None:
    """(topic, language) when `text` is one of the questions, called to us by name or not."""
    asked = _folded(text)
    return _KNOWN.get(asked.removeprefix(_folded(our_name)).strip()) or _KNOWN.get(asked)


def _folded(text: str) -> str:
    return str(_NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold())).strip()


_KNOWN: Final = {
    _folded(words): (topic, language)
    for topic, languages in QUESTIONS.items()
    for language, questions in languages.items()
    for words in questions
}
