"""What one message owes the readers of one language, and what a worker may say of it.

`Translated` and `Untranslated` for one message, revision and language carry the *same* once-key, so a job that two
workers did speaks once, even when one of them had an answer and the other had none. "Skipped for now" has a once-key
of its own: the translation may still come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chat.events import Translated, Untranslated
from chat.language import wanted
from chat.ports import Job, JobText, TakenJob
from translator.chinese import SIMPLIFIED, TRADITIONAL, form_of
from translator.detect import Detection, Reason
from translator.names import is_distinct
from translator.pipeline import Refusal, Translation
from translator.scripts import Script, count, scripts_of
from translator.terms import Role, Terms

NO_TERMS: Final = Terms()
Detect = Callable[[str, Sequence[str], Sequence[str]], Detection]
"""`Pipeline.detect`: text, languages of the room, spans that are none of its words."""


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


def detected(detect: Detect, text: JobText, terms: Terms) -> Detection:
    """What a message says, its mentions, names and terms aside. Where nothing is left but terms, and some reader shall
    see another form of them, it is a line in the language of the terms all the same."""
    languages = languages_read(text)
    named = _names_in(text)
    standing = terms.standing(text.text)
    found = detect(text.text, languages, (*named, *(term for term, _ in standing)))
    owing = [term for term, role in standing if role is not Role.KEPT]
    if found.needs_translation or found.reason is Reason.PINYIN or not owing:
        return found
    again = detect(text.text, languages, (*named, *(term for term, role in standing if role is not Role.WORD)))
    if again.needs_translation and again.language in languages:
        return again
    language = _language_of(owing[0], languages)
    readers = wanted(language, text.readers)
    return (
        Detection(language, True, Reason.NO_WORDS)
        if any(_is_changed(text, terms, target) for target in readers)
        else found
    )


def _names_in(text: JobText) -> tuple[str, ...]:
    """Mentions and names: what language they are in says nothing about that of the line. Names that are words too are
    words: who is called Hello must not silence everybody's."""
    return (*(mention.text for mention in text.mentions), *filter(is_distinct, text.names))


def _language_of(term: str, languages: Sequence[str]) -> str:
    """The likeliest language of the room that is written like `term`."""
    script = next(iter(count(term)), Script.LATIN)
    if script is Script.HAN:
        chinese = (tag for tag in languages if tag in (SIMPLIFIED, TRADITIONAL))
        return form_of(term) or next(chinese, SIMPLIFIED)
    return next((tag for tag in languages if script in scripts_of(tag)), "en")


def _is_changed(text: JobText, terms: Terms, target: str) -> bool:
    return terms.into(target, text.names).place(text.text).text != text.text


def debts_of(taken: TakenJob, text: JobText, found: Detection, terms: Terms = NO_TERMS) -> list[Debt]:
    """Nothing is owed for a line that needs no translation, unless a reader asked for it; and for one of terms alone,
    only to who shall see another form of them. Who reads the language of a line but not that of words in the middle of
    it, is owed those words. Who reads a language in which the author wrote it themselves is owed nothing."""
    source = found.language or ""
    unserved = tuple(languages for languages in text.readers if not any(given in languages for given in text.given))
    if text.asked:
        targets = tuple(dict.fromkeys(readers[0] for readers in text.readers if readers))
    elif not found.needs_translation and found.reason is not Reason.PINYIN:
        targets = ()
    else:
        targets = wanted(source, unserved)
        if found.reason is Reason.NO_WORDS:
            targets = tuple(target for target in targets if _is_changed(text, terms, target))
    debts = [Debt(taken.job, text, taken.ref, found, target, source, found.also) for target in targets]
    strangers = any(source in languages and found.also not in languages for languages in unserved)
    if found.unexplained and source and strangers and source not in targets:
        debts.append(Debt(taken.job, text, taken.ref, found, source, source, found.also))
    return debts
