"""Texts owed translations: what a worker is told, and the queue it takes them from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import Struct

from chat.events import Mention


class JobText(Struct, frozen=True, tag="message"):
    """The part of a translation job that is known before the entry has a position."""

    text: str
    author: str
    readers: tuple[tuple[str, ...], ...]
    """Distinct reading-language lists of those present, most liked first. The worker detects the source and
    translates into `language.wanted(source, readers)`."""
    mentions: tuple[Mention, ...] = ()
    deadline_ms: int = 0
    """On the caller's clock (ms since 1970). A job found later is answered `Untranslated(reason="too_late")`."""
    asked: bool = False
    """A reader asked for exactly this language: translate even where detection sees no need."""
    names: tuple[str, ...] = ()
    """Display names of people present that occur in the text: they come through untranslated."""
    urgent: bool = False
    """Somebody is mentioned in it, or a host says it: before other messages of the same age."""
    budget_ms: int = 0
    """The room's translation budget, for the in-budget share; 0: unknown."""
    posted_at_ms: int = 0
    """When the text was accepted, on the caller's clock."""
    audience: str = ""
    """Who receives the translations instead of the readers of their language: those who alone receive the original."""
    given: tuple[str, ...] = ()
    """Languages for whose readers the author wrote it themselves: not translated into."""


class PreviewText(Struct, frozen=True, tag="preview"):
    """How would this read in `target`, and how does that read back? Answered by a whisper, never written down."""

    text: str
    source: str
    """"" when unknown: the worker detects it."""
    target: str
    reply_to: str
    """The name under which the asking gateway listens (`RoomFeed.follow`)."""
    reply_id: str
    deadline_ms: int


class PreviewAnswer(Struct, frozen=True):
    """What a worker whispers to `PreviewText.reply_to`, in msgpack. An empty text comes with its reason."""

    reply_id: str
    target_text: str
    back_text: str
    source: str
    reason: str = ""
    back_reason: str = ""
    starter: bool = False
    engine: str = ""
    package: str = ""


class ForgetText(Struct, frozen=True, tag="forget"):
    """A message was recalled: remove these texts and their translations from every cache."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A text owed translations."""

    room: str
    of: int
    revision: int
    text: JobText | PreviewText | ForgetText


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job in the hands of one worker until `done`, as long as it says `keep` now and then; if that worker dies,
    another takes it after the idle time."""

    ref: str
    job: Job
    times_delivered: int


JOB_IDLE_MS: Final = 4_000
"""A worker that held a job for so long without `keep` or `done` is taken for dead. It is how long readers wait for the
translation of a message whose worker was killed; workers say `keep` four times in it."""


class TranslationJobs(Protocol):
    """Texts owed translations, at least once: taken, worked, then `done`. Bounded by `backlog` as seen by callers."""

    async def put(self, job: Job) -> None:
        """Enqueue outside an append: a reader asked for this message."""
        ...

    async def take(self, worker: str, limit: int, wait_ms: int) -> Sequence[TakenJob]:
        """Up to `limit` jobs, abandoned ones (idle for longer than `JOB_IDLE_MS`) first; waits up to `wait_ms`
        for the first one. Empty when there is none."""
        ...

    async def keep(self, worker: str, refs: Sequence[str]) -> None:
        """These are still being worked on: nobody else takes them before another idle time has passed."""
        ...

    async def done(self, refs: Sequence[str]) -> None: ...

    async def backlog(self) -> int:
        """Jobs enqueued and not done."""
        ...

    async def oldest_ms(self) -> int | None:
        """When the oldest of these was enqueued, in ms since 1970 on the engine's clock. None when there is none."""
        ...


TRANSLATORS = "~translators"
"""The pseudo-room in which workers report and hear each other. No room id begins with "~", so nobody can join it."""
