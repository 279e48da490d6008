"""What a worker says, in the room's log: translations, words why there is none, explanations. Counted here.

Invariant: an entry is written only while the message is what was translated (`Guard`); one that was edited or recalled
meanwhile is left alone.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from chat.events import Explained, Translated, Untranslated
from chat.ports import Appended, Guard, Job, JobText, RoomLog, RoomMissing, Stale, TakenJob
from chat.wire import readable_event
from translator.debts import Debt
from translator.explaining import explanations
from translator.pipeline import Refusal, Translation
from translator.retrying import settled
from translator.terms import Terms

BUDGET_MS: Final = 800
"""Where a job does not say what its room allows."""
EVENTS: Final = ("translated", "untranslated", "stale", "nothing_to_translate", "skipped", "caught_up", "spoken_before")
TIMES: Final = ("in_budget", "over_budget", "ms")

log = structlog.get_logger("translator.worker")


class Telling:
    """One per worker."""

    def __init__(self, room_log: RoomLog, clock_ms: Callable[[], int]) -> None:
        self._log = room_log
        self._clock_ms = clock_ms
        self.counted: Counter[str] = Counter()

    def statistics(self) -> dict[str, int]:
        return {f"events_{name}": self.counted[f"events_{name}"] for name in EVENTS} | {
            f"translations_{name}": self.counted[f"translations_{name}"] for name in TIMES
        }

    async def say(self, debt: Debt, outcome: Translation | Refusal) -> Appended | None:
        """What came of a debt; None where there was nothing to say any more. Raises Unavailable."""
        job = debt.job
        match outcome:
            case Translation():
                event: Translated | Untranslated = debt.translated(outcome)
            case Refusal():
                if debt.marked:
                    return None
                log.debug("untranslated", room=job.room, of=job.of, why=outcome.why.value, detail=outcome.detail)
                event = debt.untranslated(outcome)
        once = debt.once
        if debt.text.asked and isinstance(event, Untranslated):
            # Who asks again must be answered again; the same delivery, delivered twice, must not.
            once = f"u:{job.of}:{job.revision}:{debt.target}:{debt.ref}"[-64:]
        appended = await self._append(job, debt.audience, event, once)
        if appended is None:
            return None
        if appended.duplicate and isinstance(event, Translated) and debt.text.asked:
            await self._answer_after_a_refusal(debt, event, appended.position.seq)
        if isinstance(event, Translated) and not appended.duplicate:
            self._count_time(debt.text)
        self.counted["events_translated" if isinstance(event, Translated) else "events_untranslated"] += 1
        return appended

    async def say_skipped(self, debt: Debt, refusal: Refusal) -> bool:
        """Once, under a key of its own. False when the message is no longer what it was. Raises Unavailable."""
        if not debt.marked:
            if await self._append(debt.job, debt.audience, debt.untranslated(refusal), debt.once_skipped) is None:
                return False
            self.counted["events_skipped"] += 1
        return True

    async def explain(self, taken: TakenJob, text: JobText, terms: Terms) -> None:
        """Slang and room terms, told to those who do not read their language; whatever becomes of the translation."""
        job, mentions = taken.job, tuple(mention.text for mention in text.mentions)
        for told in explanations(text.text, text.readers, (*mentions, *text.names), terms.explained):
            event = Explained(of=job.of, revision=job.revision, language=told.language, terms=told.terms)
            once = f"x:{job.of}:{job.revision}:{told.language}"
            if await self._append(job, text.audience or told.language, event, once) is not None:
                self.counted["events_explained"] += 1

    async def still_owed(self, debt: Debt) -> Debt | None:
        """What a worker before this one left undone: nothing, if it spoke; only a translation, if it said "skipped"."""
        if await settled(lambda: self._log.recognise(debt.job.room, debt.once)) and not debt.text.asked:
            self.counted["events_spoken_before"] += 1
            return None
        if await settled(lambda: self._log.recognise(debt.job.room, debt.once_skipped)):
            return replace(debt, marked=True)
        return debt

    async def _answer_after_a_refusal(self, debt: Debt, event: Translated, seq: int) -> None:
        """The once-key was spent on "untranslated", and now there is a translation for who asked."""
        spoken = await settled(lambda: self._log.read_at(debt.job.room, seq))
        if spoken is not None and isinstance(readable_event(spoken.body), Untranslated):
            await self._append(debt.job, debt.audience, event, f"a{debt.once}")

    async def _append(
        self, job: Job, audience: str, event: Translated | Untranslated | Explained, once: str
    ) -> Appended | None:
        """None when the message is no longer what was translated."""
        guard = Guard(job.of, job.revision)
        try:
            return await settled(lambda: self._log.append(job.room, event, once=once, audience=audience, guard=guard))
        except (Stale, RoomMissing):
            self.counted["events_stale"] += 1
            return None

    def _count_time(self, text: JobText) -> None:
        if text.posted_at_ms:
            took_ms = max(0, self._clock_ms() - text.posted_at_ms)
            self.counted["translations_ms"] += took_ms
            in_budget = took_ms <= (text.budget_ms or BUDGET_MS)
            self.counted["translations_in_budget" if in_budget else "translations_over_budget"] += 1
