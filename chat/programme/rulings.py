"""What a command of the stage does to a hosted room, or `Rejected`. Permissions are asked of `room.allow`; what depends
on the poll, the question or the hour is here.

The counts that a closed poll or a settled question carries are guarded by the row of the last vote: one more vote, and
the append is stale and decided again. Whoever votes guards the row of what they vote about: after its end no vote of
it can be written down, however close the race was.
"""

from typing import Final

from msgspec import structs

from chat.conduct import row_of
from chat.errors import ErrorCode, Rejected
from chat.events import EVERYONE, NOBODY, Role
from chat.limits import POLLS_MAX, QUESTIONS_MAX, QUESTIONS_PER_MEMBER_MAX
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
from chat.live_events import (
    ConductChanged,
    PollClosed,
    PollOpened,
    PollVoted,
    ProgrammeChanged,
    QuestionAsked,
    QuestionSettled,
    QuestionVoted,
    own_audience,
)
from chat.moderation.speaking import Manner, Member, Way, may_speak
from chat.ports import ROWS_GUARDED_MAX, BoardGuard, Change, DropBox, DropRow, SetChoices, SetRow
from chat.programme.phases import phase_at
from chat.programme.values import (
    BOX_OF_QUESTIONS,
    LAST_VOTE,
    POLL,
    PROGRAMME,
    QUESTION,
    QUESTIONS_VOTED,
    Count,
    PollRow,
    ProgrammeRow,
    QuestionRow,
    Show,
    latest_programme,
    poll_of,
    question_of,
    questions_voted_of,
    row_of_questions,
)
from chat.programme.words import clean_line, clean_poster, clean_programme_texts
from chat.room import MODERATORS, Caller, Decision, View, allow, name_in
from chat.text import clean_text

TIME_MAX_MS: Final = 2**53 - 1


def decide(view: View, caller: Caller, command: StageCommand, show: Show) -> Decision | None:
    """What `command` does; None where it was done before and changes nothing. Raises Rejected."""
    match command:
        case SetProgramme():
            allow(view, caller, "programme")
            return _programme(caller, command, show)
        case OpenPoll():
            allow(view, caller, "poll")
            return _opened(view, caller, command, show)
        case VotePoll():
            _heard(show, caller, allow(view, caller, "vote_poll"), "act")
            return _voted(view, caller, command, show)
        case ClosePoll():
            allow(view, caller, "poll")
            poll = _poll(show, command.of)
            return _closed(command.of, show, caller.user, withdrawn=command.withdraw, poll=poll)
        case Ask():
            return _asked(view, caller, command, show)
        case VoteQuestion():
            _heard(show, caller, allow(view, caller, "vote_question"), "act")
            return _question_voted(view, caller, command, show)
        case SettleQuestion():
            allow(view, caller, "settle_question")
            return _settled(caller, command, show)


# -- the programme -----------------------------------------------------------------------------------------------------


def _programme(caller: Caller, command: SetProgramme, show: Show) -> Decision:
    programme = command.programme
    times = (programme.starts_ms, programme.ends_ms, *(item.at_ms for item in programme.items))
    if any(not 0 <= time <= TIME_MAX_MS for time in times):
        raise Rejected(ErrorCode.MALFORMED, "times are milliseconds since 1970")
    if programme.ends_ms and programme.ends_ms <= programme.starts_ms:
        raise Rejected(ErrorCode.MALFORMED, "an event ends after its start")
    about, texts = clean_programme_texts(programme)
    items = tuple(
        structs.replace(item, title=title, note=note)
        for item, (title, note) in zip(programme.items, texts, strict=True)
    )
    programme = structs.replace(programme, poster=clean_poster(programme.poster), about=about, items=items)
    standing = latest_programme(show.programmes)
    asked = phase_at(programme, show.now_ms)
    row = ProgrammeRow(programme=programme, phase=asked if asked == show.conduct.phase else "")
    if standing is not None:
        before = standing[1]
        if (before.programme.starts_ms, before.programme.ends_ms) == (programme.starts_ms, programme.ends_ms):
            row = structs.replace(row, phase=before.phase)  # other words, same hours: what a host did by hand stands
    changes: tuple[Change, ...] = (
        SetRow(PROGRAMME, None, row_of(row)),
        *(DropRow(PROGRAMME, key) for key in show.programmes),
    )
    known = tuple((PROGRAMME, key, found) for key, found in show.programmes.items())
    guard = BoardGuard(rows=known[:ROWS_GUARDED_MAX])
    return Decision(ProgrammeChanged(by=caller.user, programme=programme), changes, guard)


def decide_phase(show: Show) -> Decision | None:
    """The room by the clock; None where it is as its times ask, or was brought there before."""
    standing = latest_programme(show.programmes)
    if standing is None:
        return None
    seq, row = standing
    asked = phase_at(row.programme, show.now_ms)
    if asked is None or asked == row.phase:
        return None
    conduct = structs.replace(show.conduct, phase=asked)
    key = str(seq)
    changes: tuple[Change, ...] = (
        SetRow("conduct", "", row_of(conduct), rules=True),
        SetRow(PROGRAMME, key, row_of(structs.replace(row, phase=asked))),
    )
    guard = BoardGuard(rows=((PROGRAMME, key, show.programmes[key]), ("conduct", "", show.conduct_row)))
    return Decision(ConductChanged(by="", conduct=conduct), changes, guard)


# -- polls -------------------------------------------------------------------------------------------------------------


def _opened(view: View, caller: Caller, command: OpenPoll, show: Show) -> Decision:
    if show.conduct.phase == "archive":
        raise Rejected(ErrorCode.OVER, "the event is over")
    if len(show.polls) >= POLLS_MAX:
        raise Rejected(ErrorCode.FORBIDDEN, f"this room has {POLLS_MAX} open polls already; close one first")
    options = tuple(clean_line(option) for option in command.options)
    if len({option.casefold() for option in options}) < len(options):
        raise Rejected(ErrorCode.MALFORMED, "two options of a poll are the same")
    if command.choices_max > len(options):
        raise Rejected(ErrorCode.MALFORMED, "nobody can choose more options than there are")
    if command.answer is not None and (command.answer >= len(options) or command.choices_max > 1):
        raise Rejected(ErrorCode.MALFORMED, "a quiz has one right option, and everybody chooses one")
    event = PollOpened(
        by=caller.user,
        name=name_in(view, caller),
        question=clean_line(command.question),
        options=options,
        choices_max=command.choices_max,
        quiz=command.answer is not None,
        closes_ms=show.now_ms + 1000 * command.window_s if command.window_s else 0,
    )
    row = PollRow(opened=event, answer=command.answer)
    guard = BoardGuard(rules=view.rules)
    return Decision(event, (SetRow(POLL, None, row_of(row)),), guard)


def _voted(view: View, caller: Caller, command: VotePoll, show: Show) -> Decision:
    poll, key = _poll(show, command.of), str(command.of)
    opened = poll.opened
    if poll.sealed or (opened.closes_ms and show.now_ms >= opened.closes_ms):
        raise Rejected(ErrorCode.OVER)
    choices = tuple(sorted(set(command.choices)))
    if len(choices) != len(command.choices) or any(choice >= len(opened.options) for choice in choices):
        raise Rejected(ErrorCode.MALFORMED, "choices are different options of this poll")
    if len(choices) > opened.choices_max:
        raise Rejected(ErrorCode.FORBIDDEN, f"at most {opened.choices_max} options can be chosen")
    event = PollVoted(of=command.of, by=caller.user, choices=choices)
    changes = (SetChoices(key, caller.user, choices), SetRow(LAST_VOTE, key, show.once.encode()))
    guard = BoardGuard(rules=view.rules, rows=((POLL, key, show.polls[key]),))
    return Decision(event, changes, guard, NOBODY)


def decide_run_out(of: int, show: Show) -> Decision | None:
    """The end of a poll whose time is over, or that was sealed and not counted; None while it goes on."""
    poll = _poll(show, of)
    due = poll.sealed or (poll.opened.closes_ms and show.now_ms >= poll.opened.closes_ms)
    return _closed(of, show, poll.closed_by, withdrawn=False, poll=poll) if due else None


def _closed(of: int, show: Show, by: str, *, withdrawn: bool, poll: PollRow) -> Decision:
    key = str(of)
    changes = (DropRow(POLL, key), DropRow(LAST_VOTE, key), DropBox(key))
    row = (POLL, key, show.polls[key])
    if withdrawn:
        return Decision(PollClosed(of=of, by=by, outcome="withdrawn"), changes, BoardGuard(rows=(row,)))
    if show.count is None:
        raise TypeError("a poll is not closed before it was counted")
    counts = tuple(show.count.counts.get(option, 0) for option in range(len(poll.opened.options)))
    event = PollClosed(of=of, by=by, outcome="ended", counts=counts, voters=show.count.voters, answer=poll.answer)
    return Decision(event, changes, _counted(key, row, show.count))


# -- questions ---------------------------------------------------------------------------------------------------------


def _asked(view: View, caller: Caller, command: Ask, show: Show) -> Decision:
    heard = _heard(show, caller, allow(view, caller, "ask_stage"), "line")
    open_ones = [question_of(row).asked.by for row in show.questions.values()]
    if len(open_ones) >= QUESTIONS_MAX:
        raise Rejected(ErrorCode.FORBIDDEN, f"{QUESTIONS_MAX} questions wait for an answer; vote for one of them")
    if open_ones.count(caller.user) >= QUESTIONS_PER_MEMBER_MAX:
        raise Rejected(ErrorCode.FORBIDDEN, f"{QUESTIONS_PER_MEMBER_MAX} questions of yours wait for an answer already")
    event = QuestionAsked(by=caller.user, name=name_in(view, caller), text=clean_text(command.text))
    row = QuestionRow(asked=event, shadowed=heard.audience != EVERYONE)
    return Decision(event, (SetRow(QUESTION, None, row_of(row)),), BoardGuard(rules=view.rules), heard.audience)


def _question_voted(view: View, caller: Caller, command: VoteQuestion, show: Show) -> Decision | None:
    question, key = _question(show, command.of), str(command.of)
    if question.sealed or question.on_stage:
        raise Rejected(ErrorCode.OVER)
    if question.shadowed and question.asked.by != caller.user:
        raise Rejected(ErrorCode.MESSAGE_NOT_FOUND, "there is no such question")
    before = questions_voted_of(show.voted)
    if (command.of in before) == command.on:
        return None
    kept = tuple(seq for seq in before if seq != command.of and seq in (show.open_questions or before))
    after = (*kept, command.of) if command.on else kept
    event = QuestionVoted(of=command.of, by=caller.user, on=command.on)
    changes = (
        SetChoices(BOX_OF_QUESTIONS, caller.user, after),
        SetRow(QUESTIONS_VOTED, caller.user, row_of_questions(after))
        if after
        else DropRow(QUESTIONS_VOTED, caller.user),
        SetRow(LAST_VOTE, key, show.once.encode()),
    )
    rows = ((QUESTION, key, show.questions[key]), (QUESTIONS_VOTED, caller.user, show.voted))
    return Decision(event, changes, BoardGuard(rules=view.rules, rows=rows), NOBODY)


def _settled(caller: Caller, command: SettleQuestion, show: Show) -> Decision | None:
    question, key = _question(show, command.of), str(command.of)
    if command.outcome == "on_stage" and question.on_stage:
        return None
    if show.count is None:
        raise TypeError("a question is not settled before its votes were counted")
    votes = show.count.counts.get(command.of, 0)
    event = QuestionSettled(of=command.of, by=caller.user, outcome=command.outcome, votes=votes)
    changes: tuple[Change, ...] = (DropRow(QUESTION, key), DropRow(LAST_VOTE, key))
    if command.outcome == "on_stage":
        changes = (SetRow(QUESTION, key, row_of(structs.replace(question, on_stage=True, sealed=True))),)
    audience = own_audience(question.asked.by) if question.shadowed else EVERYONE
    return Decision(event, changes, _counted(key, (QUESTION, key, show.questions[key]), show.count), audience)


# -- sealing -----------------------------------------------------------------------------------------------------------


def decide_question_seal(of: int, show: Show) -> Decision | None:
    """Take no more votes, so that they can be counted; None where that is so already. Raises Rejected."""
    question, key = _question(show, of), str(of)
    if question.sealed:
        return None
    row = structs.replace(question, sealed=True)
    event = QuestionVoted(of=of, by="", on=False)
    guard = BoardGuard(rows=((QUESTION, key, show.questions[key]),))
    return Decision(event, (SetRow(QUESTION, key, row_of(row)),), guard, NOBODY)


def decide_poll_seal(of: int, show: Show, by: str) -> Decision | None:
    """The same for a poll; `by` is named as who closed it."""
    poll, key = _poll(show, of), str(of)
    if poll.sealed:
        return None
    row = structs.replace(poll, sealed=True, closed_by=by)
    guard = BoardGuard(rows=((POLL, key, show.polls[key]),))
    return Decision(PollVoted(of=of, by="", choices=()), (SetRow(POLL, key, row_of(row)),), guard, NOBODY)


# -- what several of them need -----------------------------------------------------------------------------------------


def _heard(show: Show, caller: Caller, role: Role, way: Way) -> Manner:
    """Whoever takes part is held to the same rule as whoever speaks; but one may ask before the start. Raises
    Rejected."""
    conduct = show.conduct
    if conduct.phase == "lobby":
        conduct = structs.replace(conduct, phase="open")
    member = Member(caller.user, role, show.standing)
    return may_speak(conduct, member, way, "", show.now_ms, moderator=role in MODERATORS)


def _poll(show: Show, of: int) -> PollRow:
    row = show.polls.get(str(of))
    if row is None:
        raise Rejected(ErrorCode.OVER, "there is no such poll, or it is closed")
    return poll_of(row)


def _question(show: Show, of: int) -> QuestionRow:
    row = show.questions.get(str(of))
    if row is None:
        raise Rejected(ErrorCode.OVER, "there is no such question, or it is settled")
    return question_of(row)


def _counted(key: str, row: tuple[str, str, bytes | None], count: Count) -> BoardGuard:
    return BoardGuard(rows=(row, (LAST_VOTE, key, count.after)))
