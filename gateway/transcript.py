"""A room as a document for people: one HTML file, or a table, with Chinese and English side by side.

Made from the lines of an export, one after the other, so a room of any length needs the memory of one message. Only
what everybody in the room received is in it: held and shadowed messages stay in the JSON export. HTML has no script
and fetches nothing; every text is escaped. In the table no cell begins like a formula (OWASP, "CSV Injection").
"""

import csv
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Final

from msgspec import structs

from chat.events import Event, Recorded
from chat.language import guess
from chat.live_events import PollClosed, PollOpened, ProgrammeChanged, QuestionAsked, QuestionSettled
from chat.programme import words_of
from gateway.bodies import ExportedEnd, ExportedMessage, ExportedOther, ExportedRoom, ExportedTranslation, ExportLine

CHINESE: Final = ("zh", "zh-Hant")
ENGLISH: Final = ("en",)
COLUMNS: Final = ("seq", "time", "what", "name", "language", "original", "chinese", "english", "reactions")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
BOM: Final = "\ufeff"
"""Without it the usual spreadsheet reads UTF-8 as something else."""

_STYLE: Final = """
body{font:16px/1.5 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;margin:2rem auto;max-width:70rem;
padding:0 1rem;color:#222;background:#fff}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-top:1px solid #ddd;overflow-wrap:anywhere}
td p{margin:0;white-space:pre-wrap}.when,.who,.small{color:#555;font-size:.85rem}.when{white-space:nowrap}
.own{font-weight:500}.announcement{background:#fff6e0}.stage{background:#eef5ff}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was said, as it stands at the end: in the latest revision."""

    seq: int
    at_ms: int
    what: str
    """message, announcement, poll, result, question, programme."""
    name: str
    language: str
    original: str
    chinese: str
    english: str
    reactions: str = ""


async def html_lines(lines: AsyncIterator[ExportLine]) -> AsyncIterator[bytes]:
    """The whole document in pieces. Without its last line, the export was cut off."""
    async for line in lines:
        match line:
            case ExportedRoom():
                title = escape(line.title)
                yield (
                    f'<!doctype html>\n<html lang="zh"><meta charset="utf-8"><meta name="viewport" '
                    f'content="width=device-width"><meta http-equiv="content-security-policy" content="default-src '
                    f"'none'; style-src 'unsafe-inline'\"><title>{title}</title><style>{_STYLE}</style>"
                    f'<h1>{title}</h1><p class="small">{_when(line.exported_at_ms)} UTC</p><table><thead><tr>'
                    f'<th>时间 Time (UTC)<th>姓名 Name<th lang="zh">中文<th lang="en">English</tr></thead><tbody>\n'
                ).encode()
            case ExportedEnd():
                yield f'</tbody></table><p class="small">{line.messages} 条消息 · messages</p></html>\n'.encode()
            case _:
                row = row_of(line)
                if row is not None:
                    yield _html_row(row).encode()


async def csv_lines(lines: AsyncIterator[ExportLine]) -> AsyncIterator[bytes]:
    """A header and a line for each row."""
    yield (BOM + _csv(COLUMNS)).encode()
    async for line in lines:
        row = row_of(line)
        if row is not None:
            yield _csv(
                (
                    str(row.seq),
                    _when(row.at_ms),
                    row.what,
                    *map(harmless, (row.name, row.language, row.original, row.chinese, row.english, row.reactions)),
                )
            ).encode()


def row_of(line: ExportLine) -> Row | None:
    """None for what is not shown to people."""
    match line:
        case ExportedMessage() if not line.audience:
            heard = [edit for edit in line.edits if not edit.audience]
            revision = heard[-1].revision if heard else 0
            text = heard[-1].text if heard else line.text
            own = {} if revision else dict(line.versions)
            reactions = " ".join(f"{one.emoji} {len(one.by)}" for one in line.reactions if not one.audience)
            return _row(line, line.purpose, line.name, text, line.written_in, revision, own, reactions)
        case ExportedOther(event=Recorded() as record):
            return row_of(structs.replace(line, event=record.event, at_ms=record.at_ms))
        case ExportedOther(event=ProgrammeChanged() as event) if not line.audience:
            return _row(line, "programme", "", words_of(event) or "", "", 0, {})
        case ExportedOther(event=PollOpened() | QuestionAsked() as event) if not line.audience:
            what = "poll" if isinstance(event, PollOpened) else "question"
            return _row(line, what, event.name, words_of(event) or "", "", 0, {})
        case ExportedOther(event=PollClosed() | QuestionSettled() as event) if not line.audience:
            zh, en = _result(event)
            return Row(line.seq, line.at_ms, "result", "", "", "", zh, en)
        case _:
            return None


def _row(
    line: ExportedMessage | ExportedOther,
    what: str,
    name: str,
    text: str,
    written_in: str,
    revision: int,
    own: dict[str, str],
    reactions: str = "",
) -> Row:
    made = [one for one in line.translations if one.revision == revision]
    source = next((one.source for one in made if one.source), "") or written_in or guess(text, (*CHINESE, *ENGLISH))
    return Row(
        line.seq,
        line.at_ms,
        what,
        name,
        source,
        text,
        _in(CHINESE, source, text, own, made),
        _in(ENGLISH, source, text, own, made),
        reactions,
    )


def _in(
    languages: tuple[str, ...], source: str, text: str, own: dict[str, str], made: list[ExportedTranslation]
) -> str:
    """The words for readers of these languages: the author's, else a translation, else none."""
    if source in languages:
        return text
    own_words = next((own[language] for language in languages if language in own), "")
    translated = (one.text for language in languages for one in made if one.language == language and one.text)
    return own_words or next(translated, "")


def _result(event: Event) -> tuple[str, str]:
    match event:
        case PollClosed(outcome="ended"):
            counts = " · ".join(f"{number}) {count}" for number, count in enumerate(event.counts, 1))
            right = "" if event.answer is None else f"（答案 {event.answer + 1}）"
            right_en = "" if event.answer is None else f" (answer: {event.answer + 1})"
            return (
                f"投票 #{event.of} 结果：{counts}，{event.voters} 人{right}",
                f"Result of poll #{event.of}: {counts}; {event.voters} voted{right_en}",
            )
        case PollClosed():
            return f"投票 #{event.of} 已撤回", f"Poll #{event.of} was withdrawn"
        case QuestionSettled():
            zh = {"answered": "已回答", "dismissed": "已略过", "on_stage": "上台"}[event.outcome]
            en = {"answered": "answered", "dismissed": "dismissed", "on_stage": "on stage"}[event.outcome]
            return f"问题 #{event.of} {zh}（{event.votes} 票）", f"Question #{event.of} {en} ({event.votes} votes)"
        case _:
            return "", ""


def _html_row(row: Row) -> str:
    kind = row.what if row.what in ("message", "announcement") else "stage"
    elsewhere = row.original if row.original not in (row.chinese, row.english) else ""
    above = f'<p class="small" lang="{escape(row.language)}">{escape(elsewhere)}</p>' if elsewhere else ""
    below = f'<p class="small">{escape(row.reactions)}</p>' if row.reactions else ""
    cells = "".join(
        f'<td lang="{language}"{_own(words, row)}>{before}<p>{escape(words)}</p>{after}'
        for language, words, before, after in (("zh", row.chinese, above, ""), ("en", row.english, "", below))
    )
    return (
        f'<tr class="{kind}" id="m{row.seq}"><td class="when">{_when(row.at_ms)}<td class="who">{escape(row.name)}'
        f"{cells}</tr>\n"
    )


def _own(words: str, row: Row) -> str:
    return ' class="own"' if words and words == row.original else ""


def harmless(cell: str) -> str:
    """The cell as text: a spreadsheet must not take what somebody said for a formula."""
    return "'" + cell if cell.lstrip(" ").startswith(_FORMULA) else cell


def _csv(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()


def _when(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_ms / 1000))
