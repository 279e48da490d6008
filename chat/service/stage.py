"""The programme, polls and questions of a hosted room: look, decide, append; again where somebody was quicker.

Nothing is timed here: what runs out (a poll's window, the hours of a programme) is found by whoever looks next
(`stage_due`), and written down once, because the row it stands on is guarded and changes with it. Votes are counted in
the engine, in the step that writes them down; `poll_tally` and `question_votes` read what stands there.
"""

from asyncio import gather
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from msgspec import structs

from chat import programme
from chat import room as rules
from chat.conduct import standing_of
from chat.errors import Rejected, Unavailable
from chat.live_commands import (
    Ask,
    ClosePoll,
    OpenPoll,
    SetProgramme,
    SettleQuestion,
    StageCommand,
    VotePoll,
    VoteQuestion,
)
from chat.live_commands import Stage as StageQuestion
from chat.live_events import PollOpened, Programme, ProgrammeChanged, QuestionAsked
from chat.live_frames import PollTallyFrame, QuestionTallyFrame, StageFrame
from chat.moderation.rows import HAND
from chat.ports import Appended, Stale, Tally
from chat.programme import (
    BOX_OF_QUESTIONS,
    LAST_VOTE,
    POLL,
    PROGRAMME,
    QUESTION,
    QUESTIONS_VOTED,
    Count,
    Show,
    poll_of,
    questions_voted_of,
)
from chat.room import Caller, Decision, View
from chat.service.floor import Floor
from chat.service.ground import own_key
from chat.service.joint import JointReads
from chat.service.seating import Seating
from chat.text import has_words

TRIES_MAX: Final = 12
"""Looks for one command."""
SEALED_AFTER: Final = 3
"""Looks after which a box that does not stand still is sealed before it is counted."""
VOTED_MAX: Final = 50
"""Questions a member votes for, before it is looked which of them are still open."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a newcomer is shown of a stage, but for what is their own."""

    programmes: Mapping[str, bytes]
    polls: Mapping[str, bytes]
    """By key, in the order in which they were opened."""
    questions: Mapping[str, bytes]
    tallies: Mapping[str, Tally]
    """By box."""


class Stage(Floor, Seating):
    async def on_stage(self, caller: Caller, command: StageCommand) -> Appended | None:
        """Any command of the stage; None where it was done before and changes nothing. Raises Rejected; STALE where
        the log did not stand still for it."""
        room, key = command.room, own_key(caller, command.once)
        for attempt in range(TRIES_MAX):
            view, show = await self._show(caller, command)
            try:
                decision = programme.decide(view, caller, command, replace(show, once=key))
                if isinstance(command, Ask):
                    await self.refuse_words(view, caller, command.text)
            except Rejected as refused:
                return await self._done_or(refused, room, caller, command.once)
            if decision is None:
                return await self.log.recognise(room, key)
            try:
                if attempt >= SEALED_AFTER and isinstance(command, ClosePoll | SettleQuestion):
                    sealed = self._sealed(command, show, caller.user)
                    if sealed is not None:
                        await self._append_stage(room, sealed, f"{key}/sealed")
                        continue
                appended = await self._append_stage(room, decision, key, view)
            except Stale:
                continue
            if isinstance(command, SetProgramme):
                await self.phase_due(room, self._now_ms())
            return appended
        raise Unavailable("too much happens on this stage at once", 250)

    async def stage(self, caller: Caller, command: StageQuestion) -> StageFrame:
        """What a newcomer is shown. Raises Rejected."""
        room, user = command.room, caller.user
        look = await self.log.look(room, user)
        role = rules.allow(View(look.state, look.member), caller, "read")
        assert look.state is not None
        shown = await self._shown.of(room)
        boxes = (*shown.polls, *((BOX_OF_QUESTIONS,) if shown.questions else ()))
        chosen, hand = await gather(
            gather(*(self.log.choices(room, box, user) for box in boxes)), self.log.row(room, HAND, user)
        )
        choices = dict(zip(boxes, chosen, strict=True))
        standing = programme.latest_programme(shown.programmes)
        open_polls = (
            programme.poll_view(int(key), poll_of(row), shown.tallies[key], choices[key])
            for key, row in shown.polls.items()
        )
        mine = choices.get(BOX_OF_QUESTIONS, ())
        return StageFrame(
            re=command.id,
            room=room,
            conduct=programme.Show(conduct_row=look.state.conduct).conduct,
            standing=standing_of(look.standing),
            programme=standing[1].programme if standing else Programme(),
            programme_seq=standing[0] if standing else 0,
            polls=tuple(open_polls),
            questions=programme.question_views(
                shown.questions,
                shown.tallies[BOX_OF_QUESTIONS].counts,
                mine,
                user,
                moderator=role in rules.MODERATORS,
            ),
            now_ms=self._now_ms(),
            hand=hand is not None,
        )

    async def poll_tally(self, room: str, of: int) -> PollTallyFrame | None:
        """The votes of an open poll as they stand (in a quiz only how many voted); None for one that is closed."""
        row, tally = await gather(self.log.row(room, POLL, str(of)), self.log.tally(room, str(of)))
        return None if row is None else programme.poll_tally(room, of, poll_of(row), tally)

    async def question_votes(self, room: str, of: Iterable[int] | None = None) -> QuestionTallyFrame:
        """The votes of open questions that everybody sees, or of those among `of`."""
        rows, tally = await gather(self.log.rows(room, QUESTION), self.log.tally(room, BOX_OF_QUESTIONS))
        wanted = None if of is None else frozenset(of)
        votes = {
            key: tally.counts.get(int(key), 0)
            for key, row in rows.items()
            if (wanted is None or int(key) in wanted) and not programme.question_of(row).shadowed
        }
        return QuestionTallyFrame(room=room, votes=votes)

    async def starts_ms(self, room: str) -> int:
        """When the programme says it begins; 0: it does not say."""
        standing = programme.latest_programme(await self.log.rows(room, PROGRAMME))
        return standing[1].programme.starts_ms if standing else 0

    # -- what comes by itself ----------------------------------------------------------------------------------------

    async def stage_dues(self, room: str) -> tuple[int, ...]:
        """When something of the stage may have to be written down, on the log's clock in ms, ascending."""
        programmes, polls = await gather(self.log.rows(room, PROGRAMME), self.log.rows(room, POLL))
        standing = programme.latest_programme(programmes)
        return programme.dues_ms(standing[1] if standing else None, map(poll_of, polls.values()), self._now_ms())

    async def stage_due(self, room: str, now_ms: int) -> None:
        """Write down what is due; by anybody, any number of times. Raises Unavailable."""
        await self.phase_due(room, now_ms)
        await self.close_due(room, now_ms)

    async def close_due(self, room: str, now_ms: int) -> int:
        """Close the polls whose time is over; how many were."""
        closed = 0
        for key, row in (await self.log.rows(room, POLL)).items():
            poll = poll_of(row)
            if poll.sealed or (poll.opened.closes_ms and now_ms >= poll.opened.closes_ms):
                closed += await self._end_poll(room, int(key), now_ms)
        return closed

    async def phase_due(self, room: str, now_ms: int) -> Appended | None:
        """Bring the room to the phase that its programme asks for at this time; None where it is there, or where a
        moderator decided otherwise since. Raises Unavailable."""
        for _ in range(TRIES_MAX):
            programmes, conduct = await gather(self.log.rows(room, PROGRAMME), self.log.row(room, "conduct", ""))
            decision = programme.decide_phase(Show(now_ms, conduct_row=conduct, programmes=programmes))
            if decision is None:
                return None
            seq = max(programmes, key=int)
            try:
                return await self._append_stage(room, decision, f"phase:{seq}:{now_ms}")
            except Stale:
                continue
        raise Unavailable("the programme does not stand still", 250)

    async def _end_poll(self, room: str, of: int, now_ms: int) -> bool:
        for attempt in range(TRIES_MAX):
            count, row = await self._count(room, str(of), str(of)), await self.log.row(room, POLL, str(of))
            if row is None:
                return False
            show = Show(now_ms, polls={str(of): row}, count=count)
            sealed = programme.decide_poll_seal(of, show, "") if attempt >= SEALED_AFTER else None
            decision = sealed or programme.decide_run_out(of, show)
            if decision is None:
                return False
            try:
                appended = await self._append_stage(room, decision, f"poll-{'sealed' if sealed else 'over'}:{of}")
            except Stale:
                continue
            if not sealed:
                return not appended.duplicate
        raise Unavailable("the poll does not stand still", 250)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _show(self, caller: Caller, command: StageCommand) -> tuple[View, Show]:
        """Everything the rules look at for this command. What is counted is read last."""
        room, user = command.room, caller.user
        look = await self.log.look(room, user)
        view = View(look.state, look.member, standing=look.standing)
        show = Show(
            self._now_ms(),
            conduct_row=look.state.conduct if look.state else None,
            standing=standing_of(look.standing),
        )
        if view.state is None or (view.member is None and not caller.administrator):
            return view, show
        match command:
            case SetProgramme():
                show = replace(show, programmes=await self.log.rows(room, PROGRAMME))
            case OpenPoll():
                show = replace(show, polls=await self.log.rows(room, POLL))
            case Ask():
                show = replace(show, questions=await self.log.rows(room, QUESTION))
            case VotePoll():
                show = replace(show, polls=await self._row(room, POLL, command.of))
            case ClosePoll():
                show = replace(show, polls=await self._row(room, POLL, command.of))
                show = replace(show, count=await self._count(room, str(command.of), str(command.of)))
            case VoteQuestion():
                questions, voted = await gather(
                    self._row(room, QUESTION, command.of), self.log.row(room, QUESTIONS_VOTED, user)
                )
                show = replace(show, questions=questions, voted=voted)
                if len(questions_voted_of(voted)) >= VOTED_MAX:
                    still = frozenset(map(int, await self.log.rows(room, QUESTION)))
                    show = replace(show, open_questions=still)
            case SettleQuestion():
                show = replace(show, questions=await self._row(room, QUESTION, command.of))
                show = replace(show, count=await self._count(room, str(command.of), BOX_OF_QUESTIONS))
        return view, show

    async def _row(self, room: str, kind: str, of: int) -> dict[str, bytes]:
        row = await self.log.row(room, kind, str(of))
        return {} if row is None else {str(of): row}

    async def _count(self, room: str, of: str, box: str) -> Count:
        """First the last vote, then the box: a vote between the two is found out by the guard."""
        after = await self.log.row(room, LAST_VOTE, of)
        tally = await self.log.tally(room, box)
        return Count(after, tally.counts, tally.voters)

    @cached_property
    def _shown(self) -> JointReads[_Shown]:
        """A full hall asks at once for the same: it is read for all of them together."""
        return JointReads(self._read_shown)

    async def _read_shown(self, room: str) -> _Shown:
        programmes, polls, questions, voted = await gather(
            self.log.rows(room, PROGRAMME),
            self.log.rows(room, POLL),
            self.log.rows(room, QUESTION),
            self.log.tally(room, BOX_OF_QUESTIONS),
        )
        keys = sorted(polls, key=int)
        tallies = dict(zip(keys, await gather(*(self.log.tally(room, key) for key in keys)), strict=True))
        tallies[BOX_OF_QUESTIONS] = voted
        return _Shown(programmes, {key: polls[key] for key in keys}, questions, tallies)

    # -- writing -----------------------------------------------------------------------------------------------------

    @staticmethod
    def _sealed(command: ClosePoll | SettleQuestion, show: Show, by: str) -> Decision | None:
        if isinstance(command, SettleQuestion):
            return programme.decide_question_seal(command.of, show)
        return None if command.withdraw else programme.decide_poll_seal(command.of, show, by)

    async def _append_stage(self, room: str, decision: Decision, once: str, view: View | None = None) -> Appended:
        """Its words travel with it to the translator, as one text. Raises Stale."""
        event = decision.event
        words = programme.words_of(event)
        if view is None or not words or not has_words(words):
            return await self._append_decided(room, decision, once)
        author = event.by if isinstance(event, QuestionAsked | PollOpened | ProgrammeChanged) else ""
        urgent = not isinstance(event, QuestionAsked)
        job = self._job_text(view, words, author, await self._present(room), (), urgent=urgent)
        return await self._append_worded(room, decision, once, structs.replace(job, audience=decision.audience))
