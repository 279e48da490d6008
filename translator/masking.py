"""What must come through a translation untouched: mentions, addresses, code, emoji. Pure.

Invariant: the segments of `mask(text)` joined are the text, character for character; and whatever `unmask` returns
can be held against the source by `lost`, which names every protected span that is not there exactly as often.

We split around a protected span instead of putting a placeholder into the sentence. Small models drop, double or
translate placeholders (and with an emoji inside, cut off the rest of the sentence); a span that the engine never sees
cannot be lost. The price is that a sentence with a name in its middle is translated in two parts. Sources: RFC 3986
(characters of a URL), UTS #51 (emoji sequences).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import regex

from translator.punctuation import dress_glue
from translator.scripts import SPACELESS, WIDE, has_words


class Kind(StrEnum):
    """Why a span is not translated."""

    MENTION = "mention"
    URL = "url"
    EMAIL = "email"
    CODE = "code"
    EMOJI = "emoji"
    """Faces made of marks, too."""
    HASHTAG = "hashtag"
    BREAK = "break"
    TERM = "term"
    """A word of the room, a name, or words the reader reads anyway: in the middle of a sentence, not beside it."""
    GLUE = "glue"
    """Marks, digits and spaces without a word: no work for an engine, but marks change with the language."""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A span that stays as it is (GLUE: but for its marks)."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Passage:
    """A span for the engine: it holds at least one letter, begins and ends with something else than white space."""

    text: str


Segment = Verbatim | Passage

_URL_CHAR: Final = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_TLD: Final = r"(?:com|org|net|cn|io|edu|gov|dev|app|xyz|tv|info)"
_EMOJI: Final = (
    r"(?:[\U0001F1E6-\U0001F1FF]{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})[\uFE0F\uFE0E]?\p{Emoji_Modifier}?[\U000E0020-\U000E007F]*"
    r"(?:\u200D(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})[\uFE0F\uFE0E]?\p{Emoji_Modifier}?)*)"
)
_FACE_SIGN: Final = r"(?:[\^`'<>*;=]|(?![\p{L}\p{N}，。、！？：；“”‘’…—·《》【】（）])[^\x00-\x7F])"
_FACE_CHAR: Final = (
    r"(?:[^\p{Han}A-Za-zÀ-ɏ가-힣0-9０-９\n()（）“”]|〇"
    rf"|(?<={_FACE_SIGN})[A-Za-z口皿益艸](?={_FACE_SIGN}))"
)
"""One letter is a mouth between two signs: (￣o￣), (≧口≦)."""
_KAOMOJI: Final = (
    r"(?:(?:ε[=＝]){0,8}(?:[ヾヽ＼٩ᕦ╰╭┌└┏┗ᕙʕ~～Σσ⊂]|(?<![A-Za-z])o|(?<![\p{Hiragana}\p{Katakana}])[つっ])?"
    r"[(（](?=[^()（）\n]{0,14}(?:[\^_]|(?![\p{L}\p{N}，。、！？：；“”‘’…—·《》【】])[^\x00-\x7F]))"
    rf"(?![^()（）\n]{{0,12}}\p{{L}}{{3}}){_FACE_CHAR}{{2,14}}[)）]"
    r"(?:(?:\s?[ヾヽゝノﾉ/／╯╰ง✧☆★♪♡و۶ᕤᕗ┐┘┛~～*]{1,3}|[ゞつっシ︴σ⊃┓┗┏┌└]{1,2})(?![\p{Hiragana}\p{Katakana}A-Za-z])"
    r"|o(?![A-Za-z])| ?\. ?[zZ](?: ?[zZ]){0,4}(?![A-Za-z])| ?[zZ](?: ?[zZ]){1,4}(?![A-Za-z]))?"
    rf"|[┗┏┌└╰╭][|｜]{_FACE_CHAR}{{2,10}}[|｜][┛┓┘┐╯╮])"
)
"""Brackets around a face: no words and no figures, and at least one sign that is neither a letter nor everyday
punctuation. Arms, stars and snores outside the brackets belong to it: Σ(っ °Д °;)っ, ε=ε=┏(゜ロ゜;)┛, (￣o￣) . z Z."""

_EYES: Final = r"[\^=*+@;＾·•°˘¬´`ಠ◕≧＞]"
_EMOTICON: Final = (
    r"(?:¯\\_\(ツ\)_/¯|[(（]╯[^()（）\n]{1,8}[)）]╯ ?︵ ?[┻┸─━┴]{2,4}|┬─+┬[^\p{Han}\p{Latin}\n]{0,12}"
    r"|ʕ[^\p{Han}\n]{2,8}ʔ|m[(（]_ ?_[)）]m|-_+-\|*|<3(?!\d)"
    rf"|(?P<eye>{_EYES})[_.\-oωᴥ﹏ㅂ]{{1,3}}(?P=eye)|(?<!\^)\^\^(?!\^)|[>＞][_.﹏]{{1,3}}[<＜]"
    r"|(?<![A-Za-z0-9])(?:(?P<tear>[TQ])[_.\^vVwWA]{1,3}(?P=tear)|(?P<round>[oOuUxX])[_.]{1,3}(?P=round)|[oO]_[oO]"
    r"|[oO][wv][oO]|[uU]w[uU]|qwq|qaq|[xX]D+|[:;=]['’]?-?[()DPpOo3|*/](?![\p{L}\p{N}/]))(?![A-Za-z0-9])"
    r"|(?<=\p{L})[:;]-?[()](?![\p{L}\p{N}/]))"
)
"""Faces of marks and of letters that look like eyes: ^_^, T^T, QAQ, :D."""

_HASHTAG: Final = (
    r"(?<![A-Za-z0-9_&/#])(?:#(?=[^\s#]*[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}])(?!\s)[^#@\n，。！？]{1,30}(?<!\s)#"
    r"|#\p{L}[\p{L}\p{M}\p{N}_]*)"
)
"""#concert, #演唱会, and closed as on Weibo: #地球村 演唱会#."""

_EXTENSIONS: Final = (
    "py ipynb js mjs ts jsx tsx vue json yaml yml toml md txt pdf doc docx xls xlsx ppt pptx csv png jpg jpeg gif svg"
    " webp mp3 mp4 mkv avi wav flac zip rar gz 7z exe apk dmg html htm css scss sh sql java cpp hpp rs php xml ini cfg"
    " log"
)
"""Without those that are a word after a point whose space is missing: go, so, me, is."""
_EXTENSION: Final = "|".join(form for name in _EXTENSIONS.split() for form in (name, name.upper()))
_NAME: Final = r"[A-Za-z0-9_]++(?:[.\-/][A-Za-z0-9_]++)*+"
_IDENTIFIER: Final = (
    r"(?<![\p{Latin}0-9_])(?<![\p{Latin}0-9_][.\-/])(?P<quote>[\"'])?(?:"
    r"(?:--?|\$)?+(?=[0-9][0-9_.\-/]{0,40}+[A-Za-z]|[A-Za-z])"
    r"(?=(?:[A-Za-z0-9]|(?<=[A-Za-z0-9])[.\-/](?=[A-Za-z0-9]))++_{1,2}[A-Za-z0-9])"
    rf"{_NAME}(?:\(\)|\[[A-Za-z0-9_]{{0,20}}\]|={{1,2}}[A-Za-z0-9_]{{1,40}})?"
    rf"|(?:(?=[A-Za-z0-9_]++[.\-/]){_NAME}|\*?\.(?<!\.\.){_NAME})(?<=\.(?:{_EXTENSION}))(?::[0-9]{{1,6}})?"
    r")(?(quote)(?P=quote))"
)
"""report_final.pdf, main.py:3, src/main.py, *.zip, user_id, --dry_run, with quotation marks: each is read once, from
its beginning and without going back."""
_PATH: Final = (
    rf"(?<![\p{{Latin}}\p{{N}}_~./])(?:~|\.{{1,2}})/(?:\.\./){{0,8}}\.?{_NAME}/?"
    rf"|(?<![\p{{L}}\p{{N}}_~./:<])/(?:(?=[A-Za-z_][A-Za-z0-9_.\-]*+/){_NAME}/?|{_NAME}(?<=\.(?:{_EXTENSION})))"
    rf"|(?<=[\p{{Han}}，。：、])/(?=(?:etc|usr|var|home|tmp|opt|bin|dev|mnt|root|srv|Users)/){_NAME}/?"
    r"|\A/[a-z][A-Za-z0-9_\-]*+(?!/)"
)
"""~/src, ./run.sh, /etc/hosts (but not he/she, 24/7, w/o), and a command at the very beginning: /help."""

_PATTERN: Final = (
    rf"(?P<BREAK>[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+)"
    rf"|(?P<CODE>```(?s:.+?)```|`[^`\n]+`)"
    rf"|(?P<EMAIL>(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]++@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{{2,}})"
    rf"|(?P<URL>(?i:https?://|ftp://|www\.)[A-Za-z0-9\[]{_URL_CHAR}*"
    rf"|(?<![A-Za-z0-9.@_\-])[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.{_TLD}(?![A-Za-z0-9_\-])(?:[/:?#]{_URL_CHAR}*)?)"
    rf"|(?P<MENTION>(?<![A-Za-z0-9_.])@(?:[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?"
    rf"|[^\s@，。！？,!?：:；;、]{{1,40}}(?=\s)|\p{{Han}}{{1,3}}\Z))"
    rf"|(?P<EMOJI>{_EMOJI}|:[a-z0-9_+\-]*[a-z][a-z0-9_+\-]+:|{_EMOTICON}|{_KAOMOJI})"
    rf"|(?P<HASHTAG>{_HASHTAG})"
    rf"|(?P<CODE>{_IDENTIFIER}|{_PATH})"
)
_ANY: Final = regex.compile(_PATTERN)
_EVERYDAY: Final = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Cyrillic}A-Za-zÀ-ɏ0-9 ,.，。、！!？?；：'’“”\"…]*+"
)
_LETTER_FACE: Final = regex.compile(
    r"\.[^ ]|(?<![A-Za-z0-9])(?:[TQ][vVwWA]{1,3}[TQ]|[oO][wv][oO]|[uU]w[uU]|q[wa]q|[xX]D)"
)
"""A text of everyday characters holds no protected span but, perhaps, a face made of letters, or what has a point in
its middle. Two quick looks instead of twenty slow ones, for most lines of chat and nearly every translation."""
_URL_TAIL: Final = regex.compile(r"(?<![.,;:!?'*\[\]])[.,;:!?'*\[\]]++\Z")
_HAN_IN_URL: Final = regex.compile(rf"(?<=[/=])\p{{Han}}{{1,40}}(?:(?=[/?=&#])(?P<more>{_URL_CHAR}*+)|(?=\s|\Z))")
PATH_SLASHES: Final = 4
"""In https://host/part/, before which Chinese is a comment: https://a.example/看看."""
_GOES_ON: Final = regex.compile(r"[A-Za-z0-9_]")
_EDGES: Final = regex.compile(r"\A([^\p{L}\p{N}]*)(.*?)([\s,，、:：;；(（\[【\"“]*)\Z", regex.DOTALL)
_OPENING: Final = frozenset("\"'“‘「『（(《【[$€£¥#+-−~～¿¡")
_KEEPS_SPACE: Final = frozenset({Kind.MENTION, Kind.HASHTAG, Kind.URL, Kind.EMAIL, Kind.CODE})


def mask(text: str, mentions: Iterable[str] = ()) -> tuple[Segment, ...]:
    """`text` as passages for the engine and spans that stay. `mentions` are exact substrings ("@白睿康")."""
    mentions = tuple(mentions)
    if not mentions and _is_everyday(text):
        return tuple(passages(text))
    segments: list[Segment] = []
    start = 0
    for first, last, kind in _spans(text, mentions):
        segments += passages(text[start:first])
        segments.append(Verbatim(text[first:last], kind))
        start = last
    segments += passages(text[start:])
    return tuple(segments)


def unmask(segments: Sequence[Segment], translated: Sequence[str], target: str) -> str:
    """The text in `target`: passages replaced one by one by `translated`, protected spans back in their places.

    Raises ValueError when there are not as many translations as passages.
    """
    if len(translated) != sum(isinstance(segment, Passage) for segment in segments):
        raise ValueError("one translation for each passage, no more and no fewer")
    if len(segments) == 1 and isinstance(segments[0], Passage):
        return translated[0].strip()
    words = iter(translated)
    joined = ""
    before: Segment | None = None
    for segment in segments:
        match segment:
            case Passage():
                piece = next(words).strip()
            case Verbatim(kind=Kind.GLUE):
                piece = dress_glue(segment.text, target)
            case Verbatim():
                piece = segment.text
        if piece:
            joined = _joined(joined, piece, before, segment, target)
            before = segment
    return joined


def protected(text: str, mentions: Iterable[str] = ()) -> Counter[str]:
    """Protected spans of `text` and how often each occurs."""
    return Counter(text[first:last] for first, last, kind in _spans(text, mentions) if kind is not Kind.BREAK)


def lost(source: str, output: str, mentions: Iterable[str] = ()) -> tuple[str, ...]:
    """Protected spans that `output` holds less or more often than `source` does, sorted. Empty: all is well."""
    mentions = tuple(mentions)
    if not mentions and _is_everyday(source) and _is_everyday(output):
        return ()
    owed, kept = protected(source, mentions), protected(output, mentions)
    return tuple(sorted(span for span in owed | kept if owed[span] != kept[span]))


def words(segments: Sequence[Segment]) -> str:
    """What detection should look at: the passages, without the spans that belong to no language."""
    return " ".join(segment.text for segment in segments if isinstance(segment, Passage))


def _spans(text: str, mentions: Iterable[str]) -> Iterable[tuple[int, int, Kind]]:
    """Protected spans as (start, end, kind), ascending, not overlapping: of a mention and another span whichever begins
    first, the mention when both do."""
    names = sorted({mention for mention in mentions if mention.strip()}, key=lambda name: (-len(name), name))
    if _is_everyday(text) and not any(name in text for name in names):
        return
    position = 0
    name, other = _named(text, names, position), _ANY.search(text, position)
    while name or other:
        if other is None or (name is not None and name[0] <= other.start()):
            assert name is not None
            yield *name, Kind.MENTION
            position = name[1]
        else:
            group = other.lastgroup or ""
            end = _end_of_url(text, *other.span()) if group == "URL" else other.end()
            if end > other.start():
                yield other.start(), end, Kind[group]
            position = end if end > other.start() else other.end()
        if name is not None and name[0] < position:
            name = _named(text, names, position)
        if other is not None and other.start() < position:
            other = _ANY.search(text, position)


def _named(text: str, names: Sequence[str], position: int) -> tuple[int, int] | None:
    """The first place of a name from `position` on, of the longest where two begin at once. Found without a pattern:
    one for these names would cost a hundred times as much to make as to use, and the next line has other names."""
    first: tuple[int, int] | None = None
    for name in names:
        at = text.find(name, position)
        while at >= 0 and name[-1].isascii() and _GOES_ON.match(text, at + len(name)):
            at = text.find(name, at + 1)
        if at >= 0 and (first is None or at < first[0]):
            first = at, at + len(name)
    return first


def _is_everyday(text: str) -> bool:
    """True when `_ANY` finds nothing in `text`; False when it might."""
    return _EVERYDAY.fullmatch(text) is not None and _LETTER_FACE.search(text) is None


def _end_of_url(text: str, start: int, end: int) -> int:
    """Where the address that begins at `start` ends: at Chinese, because no space comes before it, unless the Chinese
    is in the middle of the address, the value of a parameter, or the last of several parts of a path. As the page has
    it (links.js)."""
    while han := _HAN_IN_URL.match(text, end):
        if han["more"] is None and text[end - 1] == "/" and text.count("/", start, end) < PATH_SLASHES:
            break
        end = han.end()
    return start + len(_trimmed(text[start:end]))


def _trimmed(url: str) -> str:
    """`url` without the marks that end the sentence around it, and without a bracket it did not open."""
    while True:
        shorter = _URL_TAIL.sub("", url)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == url:
            return url
        url = shorter


def passages(text: str) -> list[Segment]:
    """Text between two protected spans: glue, passage, glue; or only glue when it holds no word."""
    if not text:
        return []
    if text[0].isalpha() and (text[-1].isalpha() or text[-1] in "。！？.!?"):
        return [Passage(text)]
    if not has_words(text):
        return [Verbatim(text, Kind.GLUE)]
    edges = _EDGES.match(text)
    assert edges is not None
    head, body, tail = edges.groups()
    while head and head[-1] in _OPENING:
        head, body = head[:-1], head[-1] + body
    if not has_words(body):
        return [Verbatim(text, Kind.GLUE)]
    parts: list[Segment] = [Passage(body)]
    if head:
        parts.insert(0, Verbatim(head, Kind.GLUE))
    if tail:
        parts.append(Verbatim(tail, Kind.GLUE))
    return parts


_ENDS_WIDE: Final = regex.compile(rf"(?:{WIDE}|[，。！？：；（）、“”「」『』《》…])\Z")
_BEGINS_WIDE: Final = regex.compile(rf"\A(?:{WIDE}|[，。！？：；（）、“”「」『』《》…])")
_BEGINS_MARK: Final = regex.compile(r"\A[\s,.!?:;)\]}%'\"’”，。！？：；）、」』》…]")
_ENDS_OPEN: Final = regex.compile(r"[\s(\[{“‘「『（《【]\Z")


def _joined(left: str, right: str, before: Segment | None, segment: Segment, target: str) -> str:
    """`left + right` with the space that `target` wants between them."""
    kinds = {part.kind for part in (before, segment) if isinstance(part, Verbatim)}
    is_face = isinstance(segment, Verbatim) and segment.kind is Kind.EMOJI and right[0].isascii()
    if is_face and left and left[-1].isalnum():
        return left + " " + right  # ":)" is one only apart from a word
    if left and right[0] == "." and isinstance(segment, Verbatim) and segment.kind is Kind.CODE:
        return left + ("" if left[-1].isspace() else " ") + right  # or a word before it would become a file's name
    if not left or Kind.BREAK in kinds or _ENDS_OPEN.search(left) or _BEGINS_MARK.match(right):
        return left + right
    if Kind.TERM in kinds and Kind.GLUE not in kinds:
        wide = target in SPACELESS and (_ENDS_WIDE.search(left) or _BEGINS_WIDE.match(right))
        return left + ("" if wide or not (left[-1].isalnum() and right[0].isalnum()) else " ") + right
    if kinds & _KEEPS_SPACE:
        return left + ("" if left[-1] in "，。！？：；（、“「『《…" else " ") + right
    if (_ENDS_WIDE.search(left) and (_BEGINS_WIDE.match(right) or Kind.GLUE in kinds)) or _BEGINS_WIDE.match(right):
        return left + right
    if Kind.GLUE in kinds:
        spaced = target not in SPACELESS and left[-1] in ",.!?:;)" and right[0].isalnum()
        return left + (" " if spaced else "") + right
    both_verbatim = isinstance(before, Verbatim) and isinstance(segment, Verbatim)
    return left + ("" if both_verbatim else " ") + right
