"""What one message owes the readers of one language, and what a worker may say of it.

`Translated` and `Untranslated` for one message, revision and language carry the *same* once-key, so a job that two
workers did speaks once, even when one of them had an answer and the other had none. "Skipped for now" has a once-key
of its own: the translation may still come.
"""

from dataclasses import dataclass

from chat.events import Translated, Untranslated
from chat.language import wanted
from chat.ports import Job, JobText, TakenJob
from translator.detect import Detection, Reason
from translator.pipeline import Refusal, Translation
from translator.terms import Terms


@dataclass(frozen=True, slots=True)
class Debt:
    """What one message owes the readers of one language."""

    job: Job
    text: JobText
    ref: str
    found: Detection
    target: str
    source: str
    """Of the spans to translate: the target itself where only those in `also` are."""
    also: str
    marked: bool = False
    """The readers know that it was skipped: now only a translation is news."""

    @property
    def once(self) -> str:
        return f"t:{self.job.of}:{self.job.revision}:{self.target}"

    @property
    def audience(self) -> str:
        """Who receives what is said of it: readers of its language, unless the message is for somebody alone."""
        return self.text.audience or self.target

    @property
    def once_skipped(self) -> str:
        return f"o:{self.job.of}:{self.job.revision}:{self.target}"

    @property
    def is_for_its_own_readers(self) -> bool:
        """Only words in another language are owed."""
        return self.source == self.target

    def translated(self, made: Translation) -> Translated:
        return Translated(
            of=self.job.of,
            revision=self.job.revision,
            language=self.target,
            source=made.source,
            text=made.text,
            engine=made.engine,
            package=f"{made.package} {made.version}".strip(),
            starter=made.starter,
        )

    def untranslated(self, refusal: Refusal) -> Untranslated:
        return Untranslated(
            of=self.job.of,
            revision=self.job.revision,
            language=self.target,
            source=refusal.source,
            reason=refusal.why.value,
        )


def languages_read(text: JobText) -> tuple[str, ...]:
    """By those present, likeliest first."""
    return tuple(dict.fromkeys(language for readers in text.readers for language in readers))


def names_in(text: JobText, terms: Terms) -> tuple[str, ...]:
    """Mentions, names and terms in the text: what language they are in says nothing about that of the line."""
    folded = text.text.casefold()
    kept = (source for source in terms.sources() if source.casefold() in folded)
    return (*(mention.text for mention in text.mentions), *text.names, *kept)


def debts_of(taken: TakenJob, text: JobText, found: Detection) -> list[Debt]:
    """Nothing is owed for a line that needs no translation, unless a reader asked for it. Who reads the language of a
    line but not that of words in the middle of it, is owed those words. Who reads a language in which the author wrote
    it themselves is owed nothing."""
    source = found.language or ""
    unserved = tuple(languages for languages in text.readers if not any(given in languages for given in text.given))
    if text.asked:
        targets = tuple(dict.fromkeys(readers[0] for readers in text.readers if readers))
    elif not found.needs_translation and found.reason is not Reason.PINYIN:
        targets = ()
    else:
        targets = wanted(source, unserved)
    debts = [Debt(taken.job, text, taken.ref, found, target, source, found.also) for target in targets]
    strangers = any(source in languages and found.also not in languages for languages in unserved)
    if found.unexplained and source and strangers and source not in targets:
        debts.append(Debt(taken.job, text, taken.ref, found, source, source, found.also))
    return debts
