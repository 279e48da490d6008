"""What happens in a room that is hosted: how one may speak, what moderators do, the programme, polls and questions.

The rules of evolution are those of `events.py`. Audience of what only moderators may know is `MODERATORS`; a message
of a shadowed member goes to `own_audience(author)`, which moderators hear as well. All that moderators do is in the
log: the entries `conduct_changed`, `sanctioned`, `held_decided`, `words_changed` and `report_settled` are the audit
log, and folding them gives the state.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chat.conduct import FREE, Conduct, Standing
from chat.ids import ActorId, Seq, UserId
from chat.limits import (
    OPTION_CHARS_MAX,
    OPTIONS_MAX,
    PROGRAMME_ITEMS_MAX,
    REASON_CHARS_MAX,
    TEXT_CHARS_MAX,
    TITLE_CHARS_MAX,
    URL_CHARS_MAX,
    WORD_CHARS_MAX,
    WORD_INNOCENT_MAX,
    WORDS_MAX,
)

MODERATORS = "!"
"""The audience of moderators and owners. No language is "!"."""

Why = Annotated[str, Meta(max_length=REASON_CHARS_MAX)]
LiveText = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Option = Annotated[str, Meta(min_length=1, max_length=OPTION_CHARS_MAX)]
SanctionAction = Literal[
    "timeout", "mute", "unmute", "kick", "ban", "unban", "shadow", "unshadow", "invite_speaker", "dismiss_speaker"
]
WordAction = Literal["hold", "replace", "refuse"]
PollOutcome = Literal["ended", "withdrawn"]
QuestionOutcome = Literal["answered", "dismissed", "on_stage"]


def own_audience(user: UserId) -> str:
    """Of an entry that only this member receives, and moderators."""
    return f"@{user}"


def hears(audience: str, ears: tuple[str, ...]) -> bool:
    """Whether an entry of this audience is for a reader with these ears: reading languages, for a moderator
    `MODERATORS` as well, for a shadowed member their `own_audience`."""
    return audience == "" or audience in ears or (audience[0] == "@" and MODERATORS in ears)


class Hit(Struct, frozen=True, kw_only=True):
    """Why a text was held, changed or refused: `text[start:end]` (code points) in `language` ("": the original)."""

    word: str
    action: WordAction
    start: int = 0
    end: int = 0
    language: str = ""
    how: str = ""
    """plain, spacing, width, traditional, leet, homophone, classifier: how it was found."""


class ConductChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="conduct_changed"):
    """How one may speak here from now on. `by` "" : the room itself (a surge began or ended, its time came)."""

    by: ActorId
    conduct: Conduct
    why: Why = ""


class Sanctioned(Struct, frozen=True, kw_only=True, tag_field="type", tag="sanctioned"):
    """A moderator decided about a member. `standing` is what holds from now on; `undoes` names the entry taken back."""

    user: UserId
    name: str
    by: UserId
    action: SanctionAction
    standing: Standing
    why: Why = ""
    of: Seq = 0
    """The message that was the reason, if one was."""
    undoes: Seq = 0
    before: Standing = FREE
    """What held until then: how it is undone."""


class HeldBack(Struct, frozen=True, kw_only=True, tag_field="type", tag="held_back"):
    """A message that reaches nobody before a moderator (or its time) lets it through. Its identity is its seq."""

    author: UserId
    name: str
    text: LiveText
    why: Literal["words", "new_account", "prescreen", "classifier"]
    hits: tuple[Hit, ...] = ()
    reply_to: Seq | None = None
    mentions: tuple[tuple[UserId, str], ...] = ()
    written_in: str = ""
    due_ms: int = 0
    """When it goes through by itself (prescreen); 0: never."""


class HeldDecided(Struct, frozen=True, kw_only=True, tag_field="type", tag="held_decided"):
    """What became of held message `of`. `by` "": its time came."""

    of: Seq
    author: UserId
    by: ActorId
    approved: bool
    why: Why = ""


class Reported(Struct, frozen=True, kw_only=True, tag_field="type", tag="reported"):
    """A member reports message `of`, with the words and the language in which they saw it."""

    of: Seq
    by: UserId
    author: UserId
    revision: int
    seen: LiveText
    language: str
    why: Why = ""


class ReportSettled(Struct, frozen=True, kw_only=True, tag_field="type", tag="report_settled"):
    """The reports about message `of` are dealt with."""

    of: Seq
    by: UserId
    outcome: Literal["removed", "kept"]
    why: Why = ""


class Word(Struct, frozen=True, kw_only=True):
    """A row of the room's word list."""

    text: Annotated[str, Meta(min_length=1, max_length=WORD_CHARS_MAX)]
    action: WordAction = "hold"
    loose: bool = False
    """Found by its sound as well (homophones in Chinese, look-alike digits in Latin)."""
    note: Annotated[str, Meta(max_length=WORD_CHARS_MAX)] = ""
    innocent: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=WORD_CHARS_MAX)], ...], Meta(max_length=WORD_INNOCENT_MAX)
    ] = ()
    """Longer texts that are no hit: 草莓 for 草."""


Words = Annotated[tuple[Word, ...], Meta(max_length=WORDS_MAX)]


class WordsChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="words_changed"):
    """The room's whole word list, and which of the built-in ones are on, from now on."""

    by: UserId
    words: Words
    lists: tuple[str, ...] = ()


class HandRaised(Struct, frozen=True, kw_only=True, tag_field="type", tag="hand_raised"):
    """Somebody asks to speak, or no longer does."""

    user: UserId
    name: str
    on: bool


class ScheduleItem(Struct, frozen=True, kw_only=True):
    at_ms: int
    title: Annotated[str, Meta(min_length=1, max_length=TITLE_CHARS_MAX)]
    note: Why = ""


class Programme(Struct, frozen=True, kw_only=True):
    """What a room is about to show. Texts are translated like messages, as the lines of the entry that set them."""

    starts_ms: int = 0
    ends_ms: int = 0
    """On the log's clock; 0: not set. Before the start the room is a lobby, after the end an archive."""
    poster: Annotated[str, Meta(max_length=URL_CHARS_MAX)] = ""
    """https only."""
    about: Annotated[str, Meta(max_length=TEXT_CHARS_MAX)] = ""
    items: Annotated[tuple[ScheduleItem, ...], Meta(max_length=PROGRAMME_ITEMS_MAX)] = ()


class ProgrammeChanged(Struct, frozen=True, kw_only=True, tag_field="type", tag="programme_changed"):
    by: UserId
    programme: Programme


class PollOpened(Struct, frozen=True, kw_only=True, tag_field="type", tag="poll_opened"):
    """A poll, or a quiz (`answer` is told when it closes). Its identity is its seq. Question and options are
    translated together, one line each."""

    by: UserId
    name: str
    question: Option
    options: Annotated[tuple[Option, ...], Meta(min_length=2, max_length=OPTIONS_MAX)]
    choices_max: int = 1
    quiz: bool = False
    closes_ms: int = 0
    """On the log's clock; 0: when it is closed by hand."""


class PollVoted(Struct, frozen=True, kw_only=True, tag_field="type", tag="poll_voted"):
    """A member's choices, in place of those before; none takes them back. Received by nobody. `by` "": no vote; the
    box is sealed, because so many voted that it could not be counted."""

    of: Seq
    by: ActorId
    choices: tuple[int, ...]


class PollClosed(Struct, frozen=True, kw_only=True, tag_field="type", tag="poll_closed"):
    """As the votes in the log say: how many chose each option, and how many voted. `by` "": its time came."""

    of: Seq
    by: ActorId
    outcome: PollOutcome
    counts: tuple[int, ...] = ()
    voters: int = 0
    answer: int | None = None


class QuestionAsked(Struct, frozen=True, kw_only=True, tag_field="type", tag="question_asked"):
    """A question to the stage. Its identity is its seq; translated like a message."""

    by: UserId
    name: str
    text: LiveText


class QuestionVoted(Struct, frozen=True, kw_only=True, tag_field="type", tag="question_voted"):
    """Received by nobody. `by` "": no vote; no more are taken, so that they can be counted."""

    of: Seq
    by: ActorId
    on: bool


class QuestionSettled(Struct, frozen=True, kw_only=True, tag_field="type", tag="question_settled"):
    of: Seq
    by: UserId
    outcome: QuestionOutcome
    votes: int = 0


LiveEvent = (
    ConductChanged
    | Sanctioned
    | HeldBack
    | HeldDecided
    | Reported
    | ReportSettled
    | WordsChanged
    | HandRaised
    | ProgrammeChanged
    | PollOpened
    | PollVoted
    | PollClosed
    | QuestionAsked
    | QuestionVoted
    | QuestionSettled
)
