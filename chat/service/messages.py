"""What members say and do to what was said. Translation never delays those who read the original: the job travels
inside the same atomic append, so a gateway that dies between "posted" and "please translate" does not exist.
"""

from asyncio import gather
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from msgspec import UNSET, structs

from chat import room as rules
from chat.commands import (
    Edit,
    Pin,
    Post,
    Preview,
    React,
    Recall,
    Suggest,
    Vote,
)
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import (
    EVERYONE,
    Edited,
    Mention,
    Posted,
    Reacted,
    Suggested,
)
from chat.language import guess
from chat.limits import MENTIONS_MAX, PREVIEW_WITHIN_S, REACTIONS_PER_MESSAGE_MAX
from chat.live_events import MODERATORS, HeldBack
from chat.moderation.speaking import PLAIN, Manner, Way
from chat.names import Hall, mentioned
from chat.ports import (
    Appended,
    Changed,
    ForgetText,
    Job,
    PreviewText,
)
from chat.room import Caller, Decision
from chat.service.floor import Floor
from chat.service.ground import ABOUT_MAX, Present, Scene, own_key
from chat.text import clean_text, has_words
from chat.wire import readable_event

MENTION_MARKS: Final = frozenset("@＠")
SUGGESTIONS_MAX: Final = 20
"""Better translations proposed for one message; after that members vote."""


class Messages(Floor):
    async def post(self, caller: Caller, command: Post) -> Appended:
        with self.admission.of(caller.user, command.room):
            scene = self._remembered(caller, command.room)
            if scene is not None:
                try:
                    return await self._say(scene, rules.decide(scene.view, caller, command), caller, command.once)
                except Changed as changed:
                    scene = self._remember(command.room, changed.look)
                except Rejected:  # because of what may be over
                    scene = None
            seen = [scene]
            return await self.again(lambda: self._post(caller, command, seen.pop() if seen else None))

    async def _post(self, caller: Caller, command: Post, scene: Scene | None) -> Appended:
        scene = scene or await self._look(caller, command.room)
        try:
            return await self._say(scene, rules.decide(scene.view, caller, command), caller, command.once)
        except Rejected as refused:
            if refused.code is ErrorCode.STALE:
                raise
            return await self._done_or(refused, command.room, caller, command.once)

    async def edit(self, caller: Caller, command: Edit) -> Appended:
        with self.admission.of(caller.user, command.room):
            room, of = command.room, command.of
            view, present = await gather(self._view(caller, room, of=of), self._present(room))
            try:
                decision = rules.decide(view, caller, command)
                return await self._say(Scene(view, present, None), decision, caller, command.once)
            except Rejected as refused:
                return await self._done_or(refused, room, caller, command.once)

    async def recall(self, caller: Caller, command: Recall) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self._decided(view, caller, command)
        texts = await self._texts(command.room, command.of) if isinstance(decision, Decision) else ()
        forget = ForgetText(texts) if texts else None  # no cache may remember what was taken back
        if isinstance(decision, Decision) and view.target is not None:
            decision = replace(decision, audience=view.target.audience)
        return await self._append(command.room, decision, once=own_key(caller, command.once), job=forget)

    async def react(self, caller: Caller, command: React) -> Appended:
        with self.admission.of(caller.user, command.room):
            return await self.again(lambda: self._react(caller, command))

    async def _react(self, caller: Caller, command: React) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self.speech(view, caller, command, "react", "act")
        if command.on:  # taking one's reaction back is always possible
            about = await self.log.about(command.room, command.of, command.of, ABOUT_MAX)
            given = sum(isinstance(readable_event(entry.body), Reacted) for entry in about)
            if given >= REACTIONS_PER_MESSAGE_MAX:
                full = Rejected(ErrorCode.FORBIDDEN, "this message has all the reactions it can carry")
                return await self._done_or(full, command.room, caller, command.once)
        return await self._append(command.room, decision, once=own_key(caller, command.once))

    async def suggest(self, caller: Caller, command: Suggest) -> Appended:
        return await self.again(lambda: self._suggest(caller, command))

    async def _suggest(self, caller: Caller, command: Suggest) -> Appended:
        view = await self._view(caller, command.room, of=command.of)
        decision = await self.speech(view, caller, command, "suggest", "line")
        if isinstance(decision, Decision):
            await self.refuse_words(view, caller, command.text)
        if isinstance(decision, Decision) and len(await self._suggestions(command.room, command.of)) >= SUGGESTIONS_MAX:
            full = Rejected(ErrorCode.FORBIDDEN, "this message has all the suggestions it can carry; vote for one")
            return await self._done_or(full, command.room, caller, command.once)
        return await self._append(command.room, decision, once=own_key(caller, command.once))

    async def vote(self, caller: Caller, command: Vote) -> Appended:
        return await self.again(lambda: self._vote(caller, command))

    async def _vote(self, caller: Caller, command: Vote) -> Appended:
        view, suggestions = await gather(
            self._view(caller, command.room, of=command.of), self._suggestions(command.room, command.of)
        )
        decision = await self.speech(replace(view, suggestions=suggestions), caller, command, "suggest", "act")
        return await self._append(command.room, decision, once=own_key(caller, command.once))

    async def pin(self, caller: Caller, command: Pin) -> Appended:
        """Of a message, or of a naming ceremony that is not over."""
        view = await self._view(caller, command.room, of=command.of)
        if view.target is None and (view.member is not None or caller.administrator):
            view = replace(view, hall=Hall(ceremonies=tuple(await self.log.ceremonies(command.room))))
        if view.target is not None and view.target.audience != EVERYONE:
            view = replace(view, target=None)  # what only some receive cannot be shown to all
        decision = await self._decided(view, caller, command)
        return await self._append(command.room, decision, once=own_key(caller, command.once))

    async def preview(self, caller: Caller, command: Preview, *, reply_to: str, reply_id: str) -> None:
        """Ask the translator how a draft would read; the answer is whispered to `reply_to`. Raises Rejected."""
        view = await self._floor_view(caller, command.room)
        rules.allow(view, caller, "post")
        await self.manner(view, caller, "post", "typing")
        language = rules.language_of(command.language)
        if await self._overloaded():
            raise Unavailable("too many translations are waiting; try again shortly", 5_000)
        deadline_ms = self._now_ms() + round(PREVIEW_WITHIN_S * 1000)
        text = PreviewText(clean_text(command.text), "", language, reply_to, reply_id, deadline_ms)
        await self.jobs.put(Job(command.room, 0, 0, text))

    async def _suggestions(self, room: str, of: int) -> frozenset[int]:
        about = await self.log.about(room, of, of, ABOUT_MAX)
        return frozenset(entry.seq for entry in about if isinstance(readable_event(entry.body), Suggested))

    async def _calling(self, room: str, event: Posted | Edited, present: Present) -> Posted | Edited:
        """The event with mentions of those whom its text calls by any of their names, besides those it names itself."""
        named = await self.log.all_names(room)
        called = [(person.name, person.user) for person in present.people]
        called += [(name.text, user) for user, known in named.items() for name in known.names]
        written = [mention.text for mention in event.mentions]
        found = [each for each in mentioned(event.text, called) if not any(each.text in text for text in written)]
        return structs.replace(event, mentions=(*event.mentions, *found)[:MENTIONS_MAX])

    async def _say(self, scene: Scene, decision: Decision | Appended | None, caller: Caller, once: str) -> Appended:
        """Raises Changed where the scene was only remembered and is another one by now."""
        if isinstance(decision, Appended):
            return decision
        view, present, seen = scene.view, scene.present, scene.seen
        if decision is None or not isinstance(decision.event, Posted | Edited) or view.state is None:
            raise TypeError("a post or an edit decides to a Posted or Edited")
        room, event, key = view.state.room, decision.event, own_key(caller, once)
        if not MENTION_MARKS.isdisjoint(event.text):
            event = await self._calling(room, event, present)
        revision = event.revision if isinstance(event, Edited) else 0
        written_in = guess(event.text, present.languages)
        if written_in and isinstance(event, Posted):
            event = structs.replace(event, written_in=written_in)
        way: Way = "edit" if isinstance(event, Edited) else "message"
        manner = await self.manner(view, caller, "post", way, event.text)
        judged = await self.judged(view, caller, event, manner)
        if isinstance(judged, HeldBack):
            return await self._hold(scene, judged, manner, key)
        event = judged
        if event is not decision.event:
            decision = replace(decision, event=event)
        if seen is None or manner is not PLAIN:  # who remembers a look is told by it that the rules have changed
            decision = self.in_manner(view, decision, manner)
        if decision.audience != EVERYONE:  # nobody reads it who waits for a translation
            return await self._append(room, decision, once=key, seen=seen)
        if not present.readers or not has_words(event.text):
            return await self._append(room, decision, once=key, seen=seen)
        if await self._overloaded():
            appended = await self._append(room, decision, once=key, seen=seen)
            of = event.of if isinstance(event, Edited) else appended.position.seq
            foreign = tuple(languages for languages in present.readers if not read_by(languages, written_in, event))
            await self._tell_untranslated(room, of, revision, written_in, foreign)
            return appended
        urgent = bool(event.mentions) or (isinstance(event, Posted) and event.purpose == "announcement")
        job = self._job_text(view, event.text, caller.user, present, event.mentions, urgent=urgent)
        if own_words := versions_of(event):
            job = structs.replace(job, given=tuple(dict.fromkeys(filter(None, (written_in, *own_words)))))
        return await self._append(room, decision, once=key, job=job, job_revision=revision, seen=seen)

    async def _hold(self, scene: Scene, held: HeldBack, manner: Manner, key: str) -> Appended:
        """It is translated for moderators while it waits, into the languages of those here: what is let through is
        then translated already."""
        view, present = scene.view, scene.present
        assert view.state is not None
        decision, job = await self.held_back(view, held, manner), None
        if present.readers and has_words(held.text) and not await self._overloaded():
            mentions = tuple(Mention(user, text) for user, text in held.mentions)
            job = self._job_text(view, held.text, held.author, present, mentions)
            job = structs.replace(job, audience=MODERATORS)
        return await self._append(view.state.room, decision, once=key, job=job, seen=scene.seen)


def versions_of(event: Posted | Edited) -> tuple[str, ...]:
    """Languages for whose readers the author wrote it themselves."""
    if isinstance(event, Edited) or event.versions is UNSET:
        return ()
    return tuple(language for language, _ in event.versions)


def read_by(languages: Sequence[str], written_in: str, event: Posted | Edited) -> bool:
    """Whether readers of `languages` need no translation, as far as scripts tell."""
    return written_in in languages or any(language in languages for language in versions_of(event))
