"""The one door through which everybody speaks: standing, conduct and word lists, asked before every append.

Nothing is trusted between a look and its append: what was decided carries the room's `rules` as a guard, so a decision
of a moderator that lands in between is seen, and the command is decided again. In a room without conduct, for a member
about whom nobody decided anything, this is a comparison of two Nones.
"""

from asyncio import gather
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Literal, TypeVar

from msgspec import structs

from chat import room as rules
from chat.conduct import conduct_of, row_of, standing_of
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, Edited, Mention, Posted
from chat.limits import HELD_MAX, WORD_CHARS_MAX
from chat.live_events import MODERATORS, HeldBack, Hit
from chat.moderation import Action, Hits, TermList
from chat.moderation.rows import HELD, WORDS, HeldRow, terms_in
from chat.moderation.speaking import MODERATING, PLAIN, SAID, Manner, Member, Way, asks_since, may_speak, said_key
from chat.ports import (
    AnyGuard,
    Appended,
    BoardGuard,
    Change,
    Guard,
    SetRow,
    Verdict,
    changes_of,
)
from chat.room import Caller, Decision, View
from chat.service.ground import ABOUT_MAX, Compiled, Ground, OnceCommand
from chat.wire import readable_event

TRIES_MAX: Final = 3
"""Looks for one command that is said, before the caller hears that the room does not stand still."""
TERMS_KEPT_MAX: Final = 512
"""Rooms whose compiled word lists are remembered."""
HITS_MAX: Final = 20

Said = TypeVar("Said")


class Floor(Ground):
    """What it remembers are compiled word lists, by room and as of which rules."""

    async def manner(self, view: View, caller: Caller, action: str, way: Way, text: str = "") -> Manner:
        """How the caller is heard, doing `action` (of `room.MAY`) by this way. Raises Rejected."""
        state = view.state
        if state is None or (state.conduct is None and view.standing is None and not state.rules):
            return PLAIN
        role = rules.allow(view, caller, action)
        conduct, moderator = conduct_of(state.conduct), role in rules.MODERATORS
        if state.conduct is None and view.standing is None:
            return MODERATING if moderator else PLAIN
        member = Member(caller.user, role, standing_of(view.standing), 0, view.spoke)
        said = None
        if not moderator:
            if asks_since(conduct):
                known_ms = view.member.since_ms if view.member else 0
                member = replace(member, since_ms=await self._since_ms(state.room, caller.user, known_ms))
            if conduct.unique and way == "message":
                said = await self.log.row(state.room, SAID, said_key(text))
        return may_speak(conduct, member, way, text, self._now_ms(), moderator=moderator, said=said)

    async def _since_ms(self, room: str, user: str, known_ms: int) -> int:
        """When they came in, as their membership says, or the key under which they did, while the log remembers it. 0:
        before either was written down."""
        joined = None if known_ms else await self.log.recognise(room, f"join:{user}")
        return joined.at_ms if joined else known_ms

    async def heard(self, view: View, caller: Caller, decision: Decision, way: Way, action: str) -> Decision:
        """The decision as it may be appended: with its audience, and guarded by the rules it was made under. For what
        is said without words of one's own, or beside messages. Raises Rejected."""
        manner = await self.manner(view, caller, action, way)
        return self.in_manner(view, decision, manner)

    def in_manner(self, view: View, decision: Decision, manner: Manner) -> Decision:
        state = view.state
        if state is None:
            return decision
        about = view.target.audience if view.target else EVERYONE
        audience = decision.audience or about or manner.audience
        changes: tuple[Change, ...] = (*changes_of(decision.change), *manner.changes)
        guard = _guarded(decision.guard, state.rules, manner)
        return replace(decision, audience=audience, change=changes or None, guard=guard)

    async def judged(
        self, view: View, caller: Caller, event: Posted | Edited, manner: Manner
    ) -> Posted | HeldBack | Edited:
        """What becomes of these words: said, said with stars, held back. Raises Rejected(WORDS_REFUSED, NOT_NOW)."""
        state = view.state
        if state is None or manner.exempt or (not state.rules and self.classifier is None):
            return event
        if self.classifier is not None and rules.allow(view, caller, "read") in rules.MODERATORS:
            return event
        hits, terms = Hits(), await self.terms(state.room, state.rules)
        if terms is not None:
            hits = terms.find(event.text)
        if hits.worst is Action.REFUSE:
            raise Rejected(ErrorCode.WORDS_REFUSED)
        verdict = None
        if self.classifier is not None and hits.worst is not Action.HOLD:
            language = event.written_in if isinstance(event, Posted) else ""
            verdict = await self.classifier.judge(event.text, caller.user, state.room, language)
            if verdict.what == "refuse":
                raise Rejected(ErrorCode.WORDS_REFUSED)
        if hits.with_action(Action.REPLACE):
            text = hits.replaced(event.text)
            event = structs.replace(event, text=text, mentions=_still_in(text, event.mentions))
        if manner.audience != EVERYONE:
            return event
        why = _why(hits, verdict, manner)
        if why is None:
            return event
        if isinstance(event, Edited):
            raise Rejected(ErrorCode.WORDS_REFUSED if why != "new_account" else ErrorCode.NOT_NOW)
        return HeldBack(
            author=event.author,
            name=event.name,
            text=event.text,
            why=why,
            hits=_hits(hits, verdict),
            reply_to=event.reply_to,
            mentions=tuple((mention.user, mention.text) for mention in event.mentions),
            written_in=event.written_in,
            due_ms=manner.due_ms if why == "prescreen" else 0,
        )

    async def held_back(self, view: View, held: HeldBack, manner: Manner) -> Decision:
        """Raises Rejected(TOO_MANY_HELD)."""
        assert view.state is not None
        if len(await self.log.rows(view.state.room, HELD)) >= HELD_MAX:
            raise Rejected(ErrorCode.TOO_MANY_HELD)
        row = SetRow(HELD, None, row_of(HeldRow(held=held, at_ms=self._now_ms())))
        return replace(self.in_manner(view, Decision(held, (row,)), manner), audience=MODERATORS)

    async def terms(self, room: str, rules_seen: int) -> TermList | None:
        """The room's word list as of these rules."""
        known = self._terms.get(room)
        if known is not None and known.rules == rules_seen:
            return known.terms
        row = await self.log.row(room, WORDS, "")
        terms = known.terms if known is not None and known.row == row else terms_in(row)
        self._terms.pop(room, None)
        while len(self._terms) >= TERMS_KEPT_MAX:
            del self._terms[next(iter(self._terms))]
        self._terms[room] = Compiled(rules_seen, row, terms)
        return terms

    async def refuse_words(self, view: View, caller: Caller, *texts: str) -> None:
        """For words that cannot wait for a moderator: names, reasons, suggestions, questions. Raises Rejected."""
        state = view.state
        if state is None or not state.rules:
            return
        terms = await self.terms(state.room, state.rules)
        if terms is None or (view.member is not None and rules.allow(view, caller, "read") in rules.MODERATORS):
            return
        for text in texts:
            if terms.find(text):
                raise Rejected(ErrorCode.WORDS_REFUSED)

    async def speech(
        self, view: View, caller: Caller, command: OnceCommand, action: str, way: Way
    ) -> Decision | Appended | None:
        """`rules.decide`, and how it is heard; the answer of the first time where that is refused now."""
        try:
            decision = rules.decide(view, caller, command)
            return None if decision is None else await self.heard(view, caller, decision, way, action)
        except Rejected as refused:
            return await self._done_or(refused, command.room, caller, command.once)

    async def _texts(self, room: str, of: int) -> tuple[str, ...]:
        """Everything message `of` has ever said."""
        message, about = await gather(self.log.read_at(room, of), self.log.about(room, of, of, ABOUT_MAX))
        events = [readable_event(entry.body) for entry in (*((message,) if message else ()), *about)]
        return tuple(dict.fromkeys(event.text for event in events if isinstance(event, Posted | Edited)))

    async def again(self, said: Callable[[], Awaitable[Said]]) -> Said:
        """Do it, from its look on; again where the room's rules have changed before its append."""
        for _ in range(TRIES_MAX - 1):
            try:
                return await said()
            except Rejected as refused:
                if refused.code is not ErrorCode.STALE:
                    raise
        return await said()


def _guarded(guard: AnyGuard | None, known_rules: int, manner: Manner) -> AnyGuard:
    if guard is None or isinstance(guard, Guard):
        return BoardGuard(rules=known_rules, rows=manner.rows, message=guard)
    if isinstance(guard, BoardGuard):
        return replace(guard, rules=known_rules, rows=(*guard.rows, *manner.rows))
    return replace(guard, rules=known_rules)


Why = Literal["words", "new_account", "prescreen", "classifier"]


def _why(hits: Hits, verdict: Verdict | None, manner: Manner) -> Why | None:
    if hits.worst is Action.HOLD:
        return "words"
    if verdict is not None and verdict.what == "hold":
        return "classifier"
    return manner.held


def _hits(hits: Hits, verdict: Verdict | None) -> tuple[Hit, ...]:
    found = [
        Hit(
            word=hit.term.text[:WORD_CHARS_MAX],
            action=hit.action.value,
            start=hit.start,
            end=hit.end,
            how=hit.found[-1].value if hit.found else "plain",
        )
        for hit in hits
    ]
    if verdict is not None and verdict.what == "hold":
        found.append(Hit(word=verdict.why[:WORD_CHARS_MAX], action="hold", how="classifier"))
    return tuple(found[:HITS_MAX])


def _still_in(text: str, mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
    return tuple(mention for mention in mentions if mention.text in text)
