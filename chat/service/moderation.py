"""What moderators decide, what is held and reported, and how one may speak: look, decide, append; again where somebody
was quicker.

What takes more than one entry (a ban and the farewell, an approval and the message itself) is written so that the first
entry decides, and the others stand under once-keys that follow from it: whoever asks again, or looks next, completes
what a crash left undone, and nothing is done twice.
"""

from asyncio import gather
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from chat import room as rules
from chat.conduct import conduct_of, standing_of
from chat.errors import Rejected, Unavailable
from chat.events import Edited, Entry, Left, Posted, Recalled, Translated
from chat.live_commands import (
    DecideHeld,
    Desk,
    ModerationCommand,
    RaiseHand,
    Report,
    Sanction,
    SetConduct,
    SettleReport,
    SetWords,
)
from chat.live_events import MODERATORS, Reported, Sanctioned
from chat.live_frames import DeskFrame, HandView, HeldView, ReportView, StandingView
from chat.moderation import audit, rulings
from chat.moderation.audit import AuditPage
from chat.moderation.rows import (
    HAND,
    HELD,
    REPORT,
    STANDING,
    WORDS,
    HeldRow,
    hand_of,
    held_of,
    plain,
    report_of,
    standing_row_of,
    words_of_row,
)
from chat.moderation.rulings import OUT, Bench
from chat.moderation.speaking import in_force
from chat.ports import Appended, BoardGuard, ForgetText, Look, RoomState, Stale
from chat.room import Caller, Decision, View
from chat.service.floor import Floor
from chat.service.ground import ABOUT_MAX, own_key, present_in, view_of
from chat.service.seating import PLACE_KEPT_MS, SEAT_KEPT_MS, seats_in
from chat.text import has_words
from chat.wire import readable_event

TRIES_MAX: Final = 12
"""Looks for one command."""
DESK_HELD_MAX: Final = 50
DESK_REPORTS_MAX: Final = 50
DESK_LISTED_MAX: Final = 200
"""Raised hands, and members about whom was decided, in one answer."""
RECENT_MAX: Final = 5
LOOK_ENTRIES: Final = 1_000
LOOKS_MAX: Final = 20
"""So far back messages of one member are looked for: 20,000 entries."""


class Moderation(Floor):
    async def moderate(self, caller: Caller, command: ModerationCommand) -> Appended | None:
        """Any command of moderators, a report or a raised hand; None where it was done before and changes nothing.
        Raises Rejected."""
        room, key = command.room, own_key(caller, command.once)
        for _ in range(TRIES_MAX):
            view = await self._asked_view(caller, command)
            bench = await self._bench(view, caller, command, key)
            try:
                decision = await self._ruled(view, caller, command, bench)
            except Rejected as refused:
                done = await self._done_or(refused, room, caller, command.once)
                await self._complete(caller, command, done)
                return done
            if decision is None:
                known = await self.log.recognise(room, key)
                if known is not None:
                    await self._complete(caller, command, known)
                return known
            try:
                appended = await self._append_decided(room, decision, key)
            except Stale:
                continue
            await self._complete(caller, command, appended)
            return appended
        raise Unavailable("too much is decided in this room at once", 250)

    async def surge(self, room: str, *, on: bool) -> Appended | None:
        """The room is slow by itself from now on, or no longer; None where nobody asked it to be, or it is so."""
        for _ in range(TRIES_MAX):
            state = await self.log.state(room)
            decision = None if state is None else rulings.decide_surge(state.conduct, on)
            if decision is None or state is None:
                return None
            try:
                return await self._append_decided(room, decision, f"surge:{state.rules}:{on:d}")
            except Stale:
                continue
        raise Unavailable("the room does not stand still", 250)

    # -- what comes by itself ----------------------------------------------------------------------------------------

    async def held_dues(self, room: str) -> tuple[int, ...]:
        """When held messages go through by themselves, on the log's clock in ms, ascending."""
        found = map(held_of, (await self.log.rows(room, HELD)).values())
        return tuple(sorted({1 if each.approved else each.held.due_ms for each in found} - {0}))

    async def release_due(self, room: str, now_ms: int) -> int:
        """Let through what has waited for its time, and what was let through and is not posted yet; how many. By
        anybody, any number of times. Raises Unavailable."""
        rows, count = await self.log.rows(room, HELD), 0
        for key in sorted(rows, key=int):
            found = held_of(rows[key])
            if found.approved or 0 < found.held.due_ms <= now_ms:
                count += await self._run_out(room, int(key), now_ms)
        return count

    async def _run_out(self, room: str, of: int, now_ms: int) -> bool:
        for _ in range(TRIES_MAX):
            row = await self.log.row(room, HELD, str(of))
            if row is None:
                return False
            author = await self.log.row(room, STANDING, held_of(row).held.author)
            bench = Bench(now_ms, row=row, author_standing=standing_of(author))
            decision = rulings.decide_release(of, bench)
            if decision is not None:
                try:
                    await self._append_decided(room, decision, f"held-due:{of}")
                except Stale:
                    continue
            return await self._release(room, of) is not None
        raise Unavailable("the held message does not stand still", 250)

    async def _release(self, room: str, of: int) -> Appended | None:
        """Post held message `of`, if it was approved and is not posted; last of all it is looked whether its author is
        still heard."""
        for _ in range(TRIES_MAX):
            row = await self.log.row(room, HELD, str(of))
            if row is None or not held_of(row).approved:
                return None
            held = held_of(row).held
            look = await self.log.look(room, held.author)
            if look.state is None:
                return None
            decision = rulings.released(of, row, standing_of(look.standing), self._now_ms())
            if isinstance(decision.guard, BoardGuard):
                decision = replace(decision, guard=replace(decision.guard, rules=look.state.rules))
            try:
                return await self._append_released(room, look, decision, f"held:{of}")
            except Stale:
                continue
        raise Unavailable("the room does not stand still", 250)

    async def _append_released(self, room: str, look: Look, decision: Decision, once: str) -> Appended:
        """Raises Stale."""
        event = decision.event
        if not isinstance(event, Posted) or not has_words(event.text):
            return await self._append_decided(room, decision, once)
        present, urgent = present_in(look.rosters), bool(event.mentions)
        job = self._job_text(view_of(look), event.text, event.author, present, event.mentions, urgent=urgent)
        return await self._append_worded(room, decision, once, job)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _asked_view(self, caller: Caller, command: ModerationCommand) -> View:
        if isinstance(command, Report | SettleReport):
            return await self._view(caller, command.room, of=command.of)
        return await self._floor_view(caller, command.room)

    async def _bench(self, view: View, caller: Caller, command: ModerationCommand, once: str) -> Bench:
        """Everything the rules look at for this command; nothing for a stranger."""
        bench, room = Bench(self._now_ms(), once), command.room
        if view.state is None or (view.member is None and not caller.administrator):
            return bench
        match command:
            case Sanction():
                subject, row = await gather(
                    self.log.member(room, command.user), self.log.row(room, STANDING, command.user)
                )
                undone = await self._sanctioned_at(room, command.undoes) if command.undoes else None
                dismissed = command.action == "dismiss_speaker"
                hand = await self.log.row(room, HAND, command.user) if dismissed else None
                return replace(bench, subject=subject, row=row, undone=undone, hand=hand)
            case DecideHeld():
                row = await self.log.row(room, HELD, str(command.of))
                author = None if row is None else await self.log.row(room, STANDING, held_of(row).held.author)
                return replace(bench, row=row, author_standing=standing_of(author))
            case Report():
                rows, seen = await gather(self.log.rows(room, REPORT), self._seen(view, caller, command))
                return replace(bench, row=rows.get(str(command.of)), rows=len(rows), seen=seen)
            case SettleReport():
                return replace(bench, row=await self.log.row(room, REPORT, str(command.of)))
            case SetWords():
                return replace(bench, row=await self.log.row(room, WORDS, ""))
            case RaiseHand():
                rows = await self.log.rows(room, HAND)
                return replace(bench, row=rows.get(caller.user), rows=len(rows))
            case SetConduct():
                return bench

    async def _sanctioned_at(self, room: str, seq: int) -> Sanctioned | None:
        entry = await self.log.read_at(room, seq)
        event = None if entry is None else readable_event(entry.body)
        return event if isinstance(event, Sanctioned) else None

    async def _seen(self, view: View, caller: Caller, command: Report) -> str:
        """What the caller saw of the message: its text as it stands, or its translation; "" where there is none."""
        if view.target is None:
            return ""
        message, about = await gather(
            self.log.read_at(command.room, command.of),
            self.log.about(command.room, command.of, command.of, ABOUT_MAX),
        )
        original, translations = _texts_of(message, about, lambda audience: rules.may_hear(view, caller, audience))
        return translations.get(command.language, "") if command.language else original

    # -- deciding and writing ----------------------------------------------------------------------------------------

    async def _ruled(self, view: View, caller: Caller, command: ModerationCommand, bench: Bench) -> Decision | None:
        match command:
            case SetConduct():
                return rulings.decide_conduct(view, caller, command)
            case Sanction():
                return rulings.decide_sanction(view, caller, command, bench)
            case DecideHeld():
                return rulings.decide_held(view, caller, command, bench)
            case Report():
                return rulings.decide_report(view, caller, command, bench)
            case SettleReport():
                return rulings.decide_settlement(view, caller, command, bench)
            case SetWords():
                return rulings.decide_words(view, caller, command, bench)
            case RaiseHand():
                await self.manner(view, caller, "raise_hand", "act")
                return rulings.decide_hand(view, caller, command, bench)

    async def _complete(self, caller: Caller, command: ModerationCommand, decided: Appended) -> None:
        """What follows from an entry that decides; done again without effect where it was done."""
        room, key = command.room, own_key(caller, command.once)
        match command:
            case Sanction(action=action, user=user, delete_last=count):
                if action in OUT and await self.log.member(room, user) is None:
                    await self._append_decided(room, Decision(Left(user=user, by=caller.user)), f"{key}/left")
                if count:
                    await self._recall_last(room, user, caller.user, count, decided.position.seq, key)
            case DecideHeld(of=of, approve=True):
                await self._release(room, of)
            case SettleReport(of=of, remove=True):
                await self._recall(room, of, caller.user, f"{key}/recall")
            case _:
                pass

    async def _recall_last(self, room: str, user: str, by: str, count: int, before: int, key: str) -> None:
        """Recall the latest messages of a member that stood before this seq; those already recalled under this key
        count."""
        known = await gather(*(self.log.recognise(room, f"{key}/recall/{number}") for number in range(count)))
        numbers = [number for number, done in enumerate(known) if done is None]
        latest = [entry.seq for entry in await self._messages_of(room, frozenset({user}), len(numbers), before)]
        for number, seq in zip(numbers, latest, strict=False):
            await self._recall(room, seq, by, f"{key}/recall/{number}")

    async def _recall(self, room: str, of: int, by: str, once: str) -> None:
        entry, texts = await gather(self.log.read_at(room, of), self._texts(room, of))
        posted = None if entry is None else readable_event(entry.body)
        if entry is None or not isinstance(posted, Posted):
            return
        decision = Decision(Recalled(of=of, by=by, author=posted.author), audience=entry.audience)
        await self._append_decided(room, decision, once, ForgetText(texts) if texts else None)

    async def _messages_of(self, room: str, users: frozenset[str], count: int, before: int = 0) -> list[Entry]:
        """Up to `count` messages of these members together, newest first."""
        found: list[Entry] = []
        before = before or 2**53 - 1
        for _ in range(LOOKS_MAX):
            page = await self.log.read_before(room, before, LOOK_ENTRIES)
            for entry in reversed(page):
                if len(found) == count:
                    return found
                event = readable_event(entry.body)
                if isinstance(event, Posted) and event.author in users:
                    found.append(entry)
            if len(page) < LOOK_ENTRIES:
                break
            before = page[0].seq
        return found

    # -- what moderators see -----------------------------------------------------------------------------------------

    async def desk(self, caller: Caller, languages: tuple[str, ...], command: Desk) -> DeskFrame:
        """Everything that waits for a moderator, and what stands. Raises Rejected."""
        room = command.room
        view = await self._view(caller, room)
        rules.allow(view, caller, "desk")
        assert view.state is not None
        held, reports, hands, standings, words = await gather(
            self.log.rows(room, HELD),
            self.log.rows(room, REPORT),
            self.log.rows(room, HAND),
            self.log.rows(room, STANDING),
            self.log.row(room, WORDS, ""),
        )
        waiting = {int(key): held_of(row) for key, row in held.items()}
        waiting = {of: found for of, found in waiting.items() if not found.approved}
        shown = dict(sorted(waiting.items())[:DESK_HELD_MAX])
        recent = await self._recent(room, frozenset(found.held.author for found in shown.values()))
        raised = sorted(((hand_of(row), user) for user, row in hands.items()), key=lambda each: each[0].at_ms)
        listed = words_of_row(words)
        return DeskFrame(
            re=command.id,
            room=room,
            conduct=conduct_of(view.state.conduct),
            waiting=await self._in_line(view.state),
            held=tuple(await gather(*(self._held_view(room, of, found, recent) for of, found in shown.items()))),
            more_held=len(waiting) - len(shown),
            reports=tuple(
                await gather(
                    *(
                        self._report_view(room, int(key), report_of(reports[key]).reports)
                        for key in sorted(reports, key=int)[:DESK_REPORTS_MAX]
                    )
                )
            ),
            hands=tuple(
                HandView(user=user, name=hand.name, at_ms=hand.at_ms) for hand, user in raised[:DESK_LISTED_MAX]
            ),
            sanctions=tuple(
                await gather(
                    *(self._standing_view(room, user, standings[user]) for user in sorted(standings)[:DESK_LISTED_MAX])
                )
            ),
            words=listed.words,
            lists=listed.lists,
        )

    async def _in_line(self, state: RoomState) -> int:
        seats = seats_in(state)
        if not seats:
            return 0
        return (await self.presence.seat(state.room, (), seats, SEAT_KEPT_MS, PLACE_KEPT_MS)).waiting

    async def audit(self, caller: Caller, room: str, *, before: int, limit: int) -> AuditPage:
        """What moderators decided, newest first: up to `limit` entries before that seq (0: from the end). Raises
        Rejected."""
        rules.allow(await self._view(caller, room), caller, "desk")
        found: list[Entry] = []
        read_to = before or 2**53 - 1
        for _ in range(LOOKS_MAX):
            page = await self.log.read_before(room, read_to, LOOK_ENTRIES)
            for entry in reversed(page):
                read_to = entry.seq
                if audit.is_audited(readable_event(entry.body)):
                    found.append(entry)
                    if len(found) == limit:
                        return audit.page_of(found, read_to)
            if len(page) < LOOK_ENTRIES:
                return audit.page_of(found, 0)
        return audit.page_of(found, read_to)

    async def _recent(self, room: str, users: frozenset[str]) -> Mapping[str, Sequence[str]]:
        """What these members said last, newest first, in one look back."""
        if not users:
            return {}
        said: dict[str, list[str]] = {}
        for entry in reversed(await self.log.read_before(room, 2**53 - 1, LOOK_ENTRIES)):
            event = readable_event(entry.body)
            if isinstance(event, Posted) and event.author in users:
                said.setdefault(event.author, []).append(event.text)
        return {user: texts[:RECENT_MAX] for user, texts in said.items()}

    async def _held_view(self, room: str, of: int, found: HeldRow, recent: Mapping[str, Sequence[str]]) -> HeldView:
        _, translations = _texts_of(None, await self.log.about(room, of, of, ABOUT_MAX))
        texts = tuple(recent.get(found.held.author, ()))
        return HeldView(of=of, at_ms=found.at_ms, held=found.held, translations=translations, recent=texts)

    async def _report_view(self, room: str, of: int, reports: tuple[Reported, ...]) -> ReportView:
        message, about = await gather(self.log.read_at(room, of), self.log.about(room, of, of, ABOUT_MAX))
        original, translations = _texts_of(message, about)
        return ReportView(of=of, reports=reports, original=original, translations=translations)

    async def _standing_view(self, room: str, user: str, row: bytes) -> StandingView:
        found = standing_row_of(row)
        decided = await self.log.recognise(room, found.once) if found.once else None
        return StandingView(
            user=user,
            name=found.name,
            standing=in_force(plain(found), self._now_ms()),
            why=found.why,
            by=found.by,
            seq=decided.position.seq if decided else 0,
        )


def _texts_of(
    message: Entry | None, about: Sequence[Entry], may_hear: Callable[[str], bool] | None = None
) -> tuple[str, dict[str, str]]:
    """A message as it stands, and its translations by language; without what `may_hear` says is for somebody else."""
    posted = None if message is None else readable_event(message.body)
    text, revision, translations = posted.text if isinstance(posted, Posted) else "", 0, {}
    events = [
        readable_event(entry.body)
        for entry in about
        if may_hear is None or not entry.audience.startswith(("@", MODERATORS)) or may_hear(entry.audience)
    ]
    for event in events:
        if isinstance(event, Edited) and event.revision > revision:
            text, revision = event.text, event.revision
    for event in events:
        if isinstance(event, Translated) and event.revision == revision:
            translations[event.language] = event.text
    return text, translations
