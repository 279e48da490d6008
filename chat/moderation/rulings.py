"""What a moderator's command does to a room, or `Rejected`. Permissions are asked of `room.allow`; what depends on
ranks, standings and what is waiting is here. Pure.

Every ruling changes its row in the step that writes its entry, and names the row as it was: two moderators who decide
about the same thing at once cannot both be right, one of them is `STALE` and decides again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from chat.conduct import FREE, ORDINARY, Conduct, Standing, conduct_of, row_of
from chat.errors import ErrorCode, Rejected
from chat.events import Mention, Posted
from chat.limits import HANDS_MAX, REPORTS_MAX, TIMEOUT_S_MIN
from chat.live_commands import DecideHeld, RaiseHand, Report, Sanction, SetConduct, SettleReport, SetWords
from chat.live_events import (
    MODERATORS,
    ConductChanged,
    HandRaised,
    HeldDecided,
    Reported,
    ReportSettled,
    SanctionAction,
    Sanctioned,
    WordsChanged,
    own_audience,
)
from chat.moderation.listing import default_lists
from chat.moderation.rows import (
    CONDUCT,
    HAND,
    HELD,
    REPORT,
    STANDING,
    WORDS,
    HandRow,
    HeldRow,
    ReportRow,
    StandingRow,
    WordsRow,
    held_of,
    plain,
    report_of,
    standing_row_of,
    terms_in,
)
from chat.moderation.speaking import in_force
from chat.ports import BoardGuard, Change, DropMember, DropRow, Member, SetRow
from chat.room import RANK, Caller, Decision, View, allow, name_in
from chat.text import clean_name

REPORTS_OF_MESSAGE_MAX: Final = 20
"""Kept of one message; whoever reports it after that many agrees with them."""
INVERSE: Final[Mapping[SanctionAction, SanctionAction]] = {
    "timeout": "unmute",
    "mute": "unmute",
    "unmute": "mute",
    "ban": "unban",
    "unban": "ban",
    "shadow": "unshadow",
    "unshadow": "shadow",
    "invite_speaker": "dismiss_speaker",
    "dismiss_speaker": "invite_speaker",
}
"""By which action one is taken back. A kick is not: who was sent out may come in again."""
OUT: Final = frozenset[SanctionAction]({"kick", "ban"})


@dataclass(frozen=True, slots=True)
class Bench:
    """What the rules may know, beside the view of the room, for one command."""

    now_ms: int = 0
    once: str = ""
    subject: Member | None = None
    """Whom it is about, if a member."""
    row: bytes | None = None
    """The row it is about: the subject's standing, the held message, the report, one's hand, the word list."""
    hand: bytes | None = None
    """The subject's raised hand, where they are told not to speak."""
    rows: int = 0
    """How many of its kind there are."""
    undone: Sanctioned | None = None
    seen: str = ""
    """Of a report: what its sender saw."""
    author_standing: Standing = field(default=FREE)


def decide_conduct(view: View, caller: Caller, command: SetConduct) -> Decision | None:
    allow(view, caller, "conduct")
    row = view.state.conduct if view.state else None
    before = conduct_of(row)
    conduct = structs.replace(command.conduct, surging=before.surging and bool(command.conduct.surge_per_s))
    if conduct == before:
        return None
    return _conducted(caller.user, conduct, row, command.why)


def decide_surge(row: bytes | None, on: bool) -> Decision | None:
    """By the room itself: it is slow from now on, or no longer. None where it is so, or was not asked to be."""
    before = conduct_of(row)
    if before.surging == on or (on and not before.surge_per_s):
        return None
    return _conducted("", structs.replace(before, surging=on), row, "")


def _conducted(by: str, conduct: Conduct, row: bytes | None, why: str) -> Decision:
    change: Change = (
        DropRow(CONDUCT, "", rules=True) if conduct == ORDINARY else SetRow(CONDUCT, "", row_of(conduct), rules=True)
    )
    return Decision(ConductChanged(by=by, conduct=conduct, why=why), (change,), BoardGuard(rows=((CONDUCT, "", row),)))


def decide_sanction(view: View, caller: Caller, command: Sanction, bench: Bench) -> Decision | None:
    """None where they stand like that already, and no raised hand was to be put off."""
    role = allow(view, caller, "sanction")
    subject, action = bench.subject, command.action
    rank = RANK[subject.role] if subject else RANK["guest"]
    if command.user == caller.user or rank >= (RANK["owner"] if caller.administrator else RANK[role]):
        raise Rejected(ErrorCode.FORBIDDEN, "nobody decides about themselves, or a member of their own rank or above")
    if subject is None and action in ("kick", "invite_speaker"):
        raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
    before = standing_row_of(bench.row)
    standing = _after(command, plain(in_force(before, bench.now_ms)), bench)
    put_off = action == "dismiss_speaker" and bench.hand is not None
    if standing == plain(before) and action not in OUT and not command.delete_last and not put_off:
        return None
    name = subject.name if subject else before.name or clean_name(command.user[:40])
    event = Sanctioned(
        user=command.user,
        name=name,
        by=caller.user,
        action=action,
        standing=standing,
        before=plain(before),
        why=command.why,
        of=command.of,
        undoes=command.undoes,
    )
    changes: list[Change] = [_standing_change(command.user, standing, name, command.why, caller.user, bench.once)]
    if action in OUT or action == "invite_speaker" or put_off:
        changes.append(DropRow(HAND, command.user))
    if action in OUT and subject is not None:
        changes.append(DropMember(command.user))
    guard = BoardGuard(rules=view.rules, rows=((STANDING, command.user, bench.row),))
    return Decision(event, tuple(changes), guard, MODERATORS)


def _after(command: Sanction, now: Standing, bench: Bench) -> Standing:
    until_ms = bench.now_ms + 1000 * command.for_s if command.for_s else 0
    if command.undoes:
        return _undone(command, now, bench)
    match command.action:
        case "timeout" | "mute":
            if command.action == "timeout" and command.for_s < TIMEOUT_S_MIN:
                raise Rejected(ErrorCode.MALFORMED, f"a timeout lasts {TIMEOUT_S_MIN} seconds or longer")
            return structs.replace(now, muted=True, until_ms=until_ms)
        case "unmute":
            return structs.replace(now, muted=False, until_ms=now.until_ms if now.banned else 0)
        case "ban":
            return structs.replace(now, banned=True, muted=False, until_ms=until_ms)
        case "unban":
            return structs.replace(now, banned=False, until_ms=now.until_ms if now.muted else 0)
        case "shadow" | "unshadow":
            return structs.replace(now, shadowed=command.action == "shadow")
        case "invite_speaker" | "dismiss_speaker":
            return structs.replace(now, speaker=command.action == "invite_speaker")
        case "kick":
            return now


def _undone(command: Sanction, now: Standing, bench: Bench) -> Standing:
    """Everything that the undone entry changed, as it was before it; what others decided since stands."""
    undone = bench.undone
    if undone is None or undone.user != command.user:
        raise Rejected(ErrorCode.MESSAGE_NOT_FOUND, "there is no such decision about this member")
    if INVERSE.get(undone.action) != command.action:
        raise Rejected(ErrorCode.MALFORMED, f"{undone.action} is not undone by {command.action}")
    fields = ("banned", "until_ms", "muted", "shadowed", "speaker")
    changed = {
        name: getattr(undone.before, name)
        for name in fields
        if getattr(undone.before, name) != getattr(undone.standing, name)
    }
    return in_force(structs.replace(now, **changed), bench.now_ms)


def _standing_change(user: str, standing: Standing, name: str, why: str, by: str, once: str) -> Change:
    """It counts as a change of the rules even where the row stays as it is: a kick must be seen by posts under way."""
    if standing == FREE:
        return DropRow(STANDING, user, rules=True)
    row = StandingRow(**structs.asdict(standing), name=name, why=why, by=by, once=once)
    return SetRow(STANDING, user, row_of(row), rules=True)


def decide_held(view: View, caller: Caller, command: DecideHeld, bench: Bench) -> Decision:
    allow(view, caller, "decide_held")
    found = _waiting(command.of, bench)
    if command.approve and _is_silent(in_force(bench.author_standing, bench.now_ms)):
        raise Rejected(ErrorCode.FORBIDDEN, "nobody hears this member just now; lift that first")
    return _decided(command.of, found, bench, caller.user, command.approve, command.why)


def decide_release(of: int, bench: Bench) -> Decision | None:
    """Its time came: it goes through, unless nobody hears its author any more. None where it is decided or not due."""
    if bench.row is None:
        return None
    found = held_of(bench.row)
    if found.approved or not found.held.due_ms or bench.now_ms < found.held.due_ms:
        return None
    silent = _is_silent(in_force(bench.author_standing, bench.now_ms))
    return _decided(of, found, bench, "", not silent, "")


def _waiting(of: int, bench: Bench) -> HeldRow:
    if bench.row is None:
        raise Rejected(ErrorCode.OVER, "there is no such message waiting")
    found = held_of(bench.row)
    if found.approved:
        raise Rejected(ErrorCode.OVER, "somebody let it through already")
    return found


def _decided(of: int, found: HeldRow, bench: Bench, by: str, approved: bool, why: str) -> Decision:
    key = str(of)
    event = HeldDecided(of=of, author=found.held.author, by=by, approved=approved, why=why)
    change: Change = DropRow(HELD, key)
    if approved:
        change = SetRow(HELD, key, row_of(structs.replace(found, approved=True, by=by)))
    rows = ((HELD, key, bench.row),)
    return Decision(event, (change,), BoardGuard(rows=rows), MODERATORS)


def released(of: int, row: bytes, standing: Standing, now_ms: int) -> Decision:
    """The message itself, once it is approved; unless nobody hears its author any more."""
    found, key = held_of(row), str(of)
    held = found.held
    if _is_silent(in_force(standing, now_ms)):
        decided = HeldDecided(of=of, author=held.author, by="", approved=False)
        return Decision(decided, (DropRow(HELD, key),), BoardGuard(rows=((HELD, key, row),)), MODERATORS)
    event = Posted(
        author=held.author,
        name=held.name,
        text=held.text,
        reply_to=held.reply_to,
        mentions=tuple(Mention(user, text) for user, text in held.mentions),
        written_in=held.written_in,
        held=of,
    )
    return Decision(event, (DropRow(HELD, key),), BoardGuard(rows=((HELD, key, row),)))


def _is_silent(standing: Standing) -> bool:
    return standing.banned or standing.muted or standing.shadowed


def decide_report(view: View, caller: Caller, command: Report, bench: Bench) -> Decision | None:
    """None where they reported it before."""
    allow(view, caller, "report")
    target = view.target
    if target is None or not bench.seen:
        raise Rejected(ErrorCode.MESSAGE_NOT_FOUND)
    found, key = report_of(bench.row), str(command.of)
    if any(each.by == caller.user for each in found.reports):
        return None
    if bench.row is None and bench.rows >= REPORTS_MAX:
        raise Rejected(ErrorCode.FORBIDDEN, f"{REPORTS_MAX} messages are reported already")
    if len(found.reports) >= REPORTS_OF_MESSAGE_MAX:
        return None
    event = Reported(
        of=command.of,
        by=caller.user,
        author=target.author,
        revision=target.revision,
        seen=bench.seen,
        language=command.language,
        why=command.why,
    )
    row = row_of(ReportRow(reports=(*found.reports, event)))
    return Decision(event, (SetRow(REPORT, key, row),), BoardGuard(rows=((REPORT, key, bench.row),)), MODERATORS)


def decide_settlement(view: View, caller: Caller, command: SettleReport, bench: Bench) -> Decision:
    allow(view, caller, "settle_report")
    if bench.row is None:
        raise Rejected(ErrorCode.OVER, "nobody reports this message, or it is dealt with")
    key = str(command.of)
    event = ReportSettled(
        of=command.of, by=caller.user, outcome="removed" if command.remove else "kept", why=command.why
    )
    return Decision(event, (DropRow(REPORT, key),), BoardGuard(rows=((REPORT, key, bench.row),)), MODERATORS)


def decide_words(view: View, caller: Caller, command: SetWords, bench: Bench) -> Decision | None:
    allow(view, caller, "change_words")
    unknown = set(command.lists) - set(default_lists())
    if unknown:
        raise Rejected(ErrorCode.MALFORMED, f"there is no list {min(unknown)!r}")
    row = WordsRow(words=command.words, lists=tuple(dict.fromkeys(command.lists)))
    encoded = row_of(row)
    terms_in(encoded)  # refuses what cannot be looked for
    if encoded == (bench.row or row_of(WordsRow())):
        return None
    change: Change = DropRow(WORDS, "", rules=True)
    if row != WordsRow():
        change = SetRow(WORDS, "", encoded, rules=True)
    event = WordsChanged(by=caller.user, words=row.words, lists=row.lists)
    return Decision(event, (change,), BoardGuard(rows=((WORDS, "", bench.row),)), MODERATORS)


def decide_hand(view: View, caller: Caller, command: RaiseHand, bench: Bench) -> Decision | None:
    allow(view, caller, "raise_hand")
    if (bench.row is not None) == command.on:
        return None
    if command.on and bench.rows >= HANDS_MAX:
        raise Rejected(ErrorCode.FORBIDDEN, f"{HANDS_MAX} hands are raised already")
    name = name_in(view, caller)
    change: Change = DropRow(HAND, caller.user)
    if command.on:
        change = SetRow(HAND, caller.user, row_of(HandRow(name=name, at_ms=bench.now_ms)))
    event = HandRaised(user=caller.user, name=name, on=command.on)
    guard = BoardGuard(rules=view.rules, rows=((HAND, caller.user, bench.row),))
    return Decision(event, (change,), guard, own_audience(caller.user))
