"""The words of programme, polls and questions as they are shown and translated: one text each, a thing a line."""

from typing import Final

from chat.errors import ErrorCode, Rejected
from chat.events import Event
from chat.limits import OPTION_CHARS_MAX, TEXT_CHARS_MAX
from chat.live_events import PollOpened, Programme, ProgrammeChanged, QuestionAsked
from chat.text import clean_text, clean_title

HTTPS: Final = "https://"
_NOT_IN_URLS: Final = frozenset(" \t\r\n\"'<>\\^`{|}")


def words_of(event: Event) -> str | None:
    """What is translated of an entry of the stage; None for every other one. Of a programme: the description, if there
    is one, then a line for each item. Of a poll: the question, then a line for each option."""
    match event:
        case ProgrammeChanged():
            return programme_words(event.programme)
        case PollOpened():
            return "\n".join((event.question, *event.options))
        case QuestionAsked():
            return event.text
        case _:
            return None


def programme_words(programme: Programme) -> str:
    titles = (item.title for item in programme.items)
    return "\n".join((*((programme.about,) if programme.about else ()), *titles))


def clean_line(text: str) -> str:
    """A question of a poll, or an option. Raises Rejected(NOTHING_TO_SAY)."""
    return " ".join(clean_text(text).split())[:OPTION_CHARS_MAX]


def clean_programme_texts(programme: Programme) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The description, and title and note of each item. Raises Rejected."""
    about = clean_text(programme.about) if programme.about.strip() else ""
    items = tuple(
        (clean_title(item.title), clean_text(item.note) if item.note.strip() else "") for item in programme.items
    )
    if len("\n".join((about, *(title for title, _ in items)))) > TEXT_CHARS_MAX:
        raise Rejected(ErrorCode.MALFORMED, f"description and titles have {TEXT_CHARS_MAX} characters together")
    return about, items


def clean_poster(url: str) -> str:
    """The address of a picture, or "". Raises Rejected."""
    url = url.strip()
    host = url.removeprefix(HTTPS).partition("/")[0]
    if url and (not url.startswith(HTTPS) or not host or "@" in host or not _NOT_IN_URLS.isdisjoint(url)):
        raise Rejected(ErrorCode.MALFORMED, "a poster is an address that begins with https://")
    return url
