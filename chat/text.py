"""What a text or a name may contain: cleaning that loses nothing a person meant to say.

Invariant: cleaned text has no control characters (except newline and tab), no bidirectional overrides (they let a
writer reorder what others read: "Trojan Source", CVE-2021-42574) and no lone surrogates; ZWJ and variation selectors
stay, because emoji are made of them.
"""

from typing import Final

import regex

from chat.errors import ErrorCode, Rejected
from chat.limits import NAME_CHARS_MAX, NAME_GRAPHEMES_MAX, TEXT_CHARS_MAX, TITLE_GRAPHEMES_MAX

_NOT_IN_TEXT: Final = regex.compile(r"[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069\uFEFF--[\n\t]]", regex.VERSION1)
_EMOJI: Final = (
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"
    r"|\p{Extended_Pictographic}[\p{Emoji_Modifier}\uFE0E\uFE0F]*"
    r"(?:\u200D\p{Extended_Pictographic}[\p{Emoji_Modifier}\uFE0F]*)*"
)
"""One emoji: a flag, a keycap, a flag made of tags, or pictures joined by ZWJ (UTS #51, section 1.4.9)."""
_ONE_EMOJI: Final = regex.compile(_EMOJI)
_JOINER: Final = r"(?<=\p{Arabic}|\p{InSC=Virama})[\u200C\u200D](?=\p{L})"
"""Persian, Hindi and their neighbours cannot be spelled without joiners; between Latin letters they show nothing."""
_NOT_IN_NAMES: Final = regex.compile(rf"({_EMOJI}|{_JOINER})|[\p{{DI}}\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Co}}\u2800]")
"""Everything that looks like nothing, fillers and the blank Braille cell included, outside the emoji and the joiners
that need it: a name must not be able to pretend to be empty or, letter for letter, somebody else's."""
_SPACES: Final = regex.compile(r"\s+")
_GRAPHEME: Final = regex.compile(r"\X")
_VISIBLE: Final = regex.compile(r"[[\p{L}\p{N}\p{S}\p{P}]--[\p{DI}\u2800]]", regex.VERSION1)
_WORD: Final = regex.compile(r"[\p{L}\p{N}]")


def clean_text(text: str) -> str:
    """The text as it is stored. Raises Rejected(NOTHING_TO_SAY) when nothing visible is left."""
    if not text.isprintable():  # what is taken out is never printable: nearly every text is spared the search
        text = _NOT_IN_TEXT.sub("", text.replace("\r\n", "\n"))
    cleaned = text.strip()[:TEXT_CHARS_MAX]
    if not _VISIBLE.search(cleaned):
        raise Rejected(ErrorCode.NOTHING_TO_SAY)
    return cleaned


def clean_name(name: str) -> str:
    """A display name in any script. Raises Rejected(NAME_INVALID): empty, or longer than 40 graphemes."""
    return _one_line(name, NAME_GRAPHEMES_MAX)


def clean_title(title: str) -> str:
    """A room's title. Raises Rejected(NAME_INVALID)."""
    return _one_line(title, TITLE_GRAPHEMES_MAX)


def has_words(text: str) -> bool:
    """Whether there is anything to translate or explain: "👍🏽" and "?!" have nothing; "666" is slang."""
    return _WORD.search(text) is not None


def clean_emoji(emoji: str) -> str:
    """A reaction: exactly one emoji. Raises Rejected(MALFORMED): a reaction is no second way to write a text."""
    if not _ONE_EMOJI.fullmatch(emoji):
        raise Rejected(ErrorCode.MALFORMED, "a reaction is one emoji")
    return emoji


def _one_line(raw: str, graphemes_max: int) -> str:
    shown: str = _NOT_IN_NAMES.sub(lambda found: found[1] or "", _SPACES.sub(" ", raw))
    line: str = _SPACES.sub(" ", shown).strip()
    if not _VISIBLE.search(line):
        raise Rejected(ErrorCode.NAME_INVALID)
    if len(line) > graphemes_max * (NAME_CHARS_MAX // NAME_GRAPHEMES_MAX):
        raise Rejected(ErrorCode.NAME_INVALID, f"too many combining characters for {graphemes_max} characters")
    count = len(_GRAPHEME.findall(line))
    if count > graphemes_max:
        raise Rejected(ErrorCode.NAME_INVALID, f"{count} characters are too many; at most {graphemes_max} fit")
    return line
