"""What may happen in a room. Every permission of the product is asked here and nowhere else.

Pure: a view of the room, the caller and the command go in; what is to be appended comes out, or `Rejected`. Deny by
default: an action without a row in `MAY` is refused, and to somebody who is not a member the room does not exist
(the answer is the same for a missing room and a foreign one, so ids cannot be probed).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import UNSET, UnsetType

from chat import names
from chat.commands import (
    AcceptName,
    Configure,
    Consent,
    CreateRoom,
    Edit,
    EndCeremony,
    Join,
    Leave,
    OpenCeremony,
    Pin,
    Post,
    ProposeName,
    PutTerm,
    React,
    Recall,
    RemoveTerm,
    ReportProposal,
    RoomCommand,
    SetName,
    Suggest,
    Vote,
    VoteName,
)
from chat.errors import ErrorCode, Rejected
from chat.events import (
    EVERYONE,
    Edited,
    Event,
    Joined,
    Left,
    Mention,
    Pinned,
    Posted,
    Reacted,
    Recalled,
    Role,
    RoleChanged,
    RoomChanged,
    RoomCreated,
    Suggested,
    TermChanged,
    TermRemoved,
    Voted,
)
from chat.language import canonical
from chat.limits import PINS_MAX, TERMS_MAX, TEXT_CHARS_MAX
from chat.live_events import MODERATORS as HEARD_BY_MODERATORS
from chat.live_events import own_audience
from chat.ports import (
    AnyGuard,
    Change,
    DropMember,
    DropTerm,
    Guard,
    Invite,
    Member,
    RoomSettings,
    RoomState,
    SetMember,
    SetPin,
    SetRoom,
    SetTerm,
    Term,
)
from chat.text import clean_emoji, clean_name, clean_text, clean_title

EVERY_ROLE: Final = frozenset[Role]({"owner", "moderator", "member", "guest"})
MODERATORS: Final = frozenset[Role]({"owner", "moderator"})

MAY: Final[Mapping[str, frozenset[Role]]] = {
    "read": EVERY_ROLE,
    "post": EVERY_ROLE,
    "edit_own": EVERY_ROLE,
    "recall_own": EVERY_ROLE,
    "recall_any": MODERATORS,
    "react": EVERY_ROLE,
    "leave": EVERY_ROLE,
    "invite": MODERATORS,
    "remove_member": MODERATORS,
    "change_role": frozenset[Role]({"owner"}),
    "export": MODERATORS,
    "announce": MODERATORS,
    "change_glossary": MODERATORS,
    "configure": MODERATORS,
    "pin": MODERATORS,
    "suggest": EVERY_ROLE,
    "ask_name": EVERY_ROLE,
    "propose_name": EVERY_ROLE,
    "vote_name": EVERY_ROLE,
    "report_proposal": EVERY_ROLE,
    "own_name": EVERY_ROLE,
    "stop_ceremony": MODERATORS,
    "conduct": MODERATORS,
    "sanction": MODERATORS,
    "decide_held": MODERATORS,
    "report": EVERY_ROLE,
    "settle_report": MODERATORS,
    "change_words": MODERATORS,
    "raise_hand": EVERY_ROLE,
    "desk": MODERATORS,
    "programme": MODERATORS,
    "poll": MODERATORS,
    "vote_poll": EVERY_ROLE,
    "ask_stage": EVERY_ROLE,
    "vote_question": EVERY_ROLE,
    "settle_question": MODERATORS,
}
"""Who may do what. Reading covers history, presence, read markers, the glossary and asking for translations;
suggesting covers votes on suggestions. Guests give and get names as everybody does: at an event nearly all are guests.
Accepting, declining and one's own card are `own_name`; hiding a proposal at once is `stop_ceremony`."""

RANK: Final[Mapping[Role, int]] = {"guest": 0, "member": 1, "moderator": 2, "owner": 3}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, as proven by a token."""

    user: str
    name: str
    grants: Mapping[str, Role] = field(default_factory=dict)
    """Rooms that the token itself opens, with the role it gives there; "*" stands for every room."""
    may_create: bool = False
    administrator: bool = False
    """An integrator's backend: may do everything an owner may, in every room, through the REST surface."""
    expires_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """The message a command is about, as it stands now."""

    author: str
    revision: int
    audience: str = EVERYONE
    """Who received it; what is said about it is for nobody else."""


@dataclass(frozen=True, slots=True)
class View:
    """What `decide` may know. `state` is None when there is no such room."""

    state: RoomState | None
    member: Member | None = None
    target: Target | None = None
    invite: Invite | None = None
    suggestions: frozenset[int] = frozenset()
    """Seqs of the suggestions about the target."""
    terms: tuple[Term, ...] = ()
    """The glossary, where the command is about it."""
    hall: names.Hall = field(default_factory=names.Hall)
    """Ceremonies and names, where the command is about them."""
    standing: bytes | None = None
    """The caller's row of that kind, where the command needs it; so `spoke`."""
    spoke: bytes | None = None

    @property
    def rules(self) -> int | None:
        """As of which rules of the room this is seen, for a guard."""
        return self.state.rules if self.state else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to append, and what goes with it in the same atomic step."""

    event: Event
    change: Change | Sequence[Change] | None = None
    guard: AnyGuard | None = None
    audience: str = EVERYONE


def allow(view: View, caller: Caller, action: str) -> Role:
    """The role under which `caller` may do `action`. Raises Rejected."""
    if view.state is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    if view.member is None:
        if caller.administrator:
            return "owner"
        raise Rejected(ErrorCode.NOT_A_MEMBER if granted(caller, view.state.room) else ErrorCode.ROOM_NOT_FOUND)
    role: Role = "owner" if caller.administrator else view.member.role
    if role not in MAY.get(action, frozenset()):
        raise Rejected(ErrorCode.FORBIDDEN)
    return role


def may_hear(view: View, caller: Caller, audience: str) -> bool:
    """Whether an entry that is for no language, but for somebody, is for the caller."""
    if audience in (EVERYONE, own_audience(caller.user)):
        return True
    return caller.administrator or (view.member is not None and view.member.role in MODERATORS)


def ears_of(view: View, caller: Caller, languages: Sequence[str]) -> tuple[str, ...]:
    """The audiences of a reader in one room: `live_events.hears` asks for them."""
    moderator = caller.administrator or (view.member is not None and view.member.role in MODERATORS)
    return (*languages, own_audience(caller.user), *((HEARD_BY_MODERATORS,) if moderator else ()))


def decide_create(caller: Caller, command: CreateRoom) -> tuple[RoomCreated, Member]:
    """A new room, owned by who made it. Raises Rejected."""
    if not (caller.may_create or caller.administrator):
        raise Rejected(ErrorCode.FORBIDDEN, "your token does not allow creating rooms")
    title, name = clean_title(command.title), clean_name(caller.name)
    return RoomCreated(by=caller.user, name=name, title=title), Member(caller.user, name, "owner")


def decide(view: View, caller: Caller, command: RoomCommand) -> Decision | None:
    """What `command` does to the room; None when it is allowed and changes nothing. Raises Rejected."""
    match command:
        case Join():
            return _join(view, caller)
        case Leave():
            allow(view, caller, "leave")
            if command.stay_member or view.member is None:
                return None
            if view.member.role == "owner":
                raise Rejected(ErrorCode.OWNER_MUST_STAY)
            return Decision(Left(user=caller.user, by=caller.user), DropMember(caller.user))
        case Post():
            allow(view, caller, "announce" if command.announce else "post")
            head = view.state.head.seq if view.state else 0
            if command.reply_to is not None and not 1 <= command.reply_to <= head:
                raise Rejected(ErrorCode.MESSAGE_NOT_FOUND)
            text = clean_text(command.text)
            name = view.member.name if view.member else clean_name(caller.name)
            return Decision(
                Posted(
                    author=caller.user,
                    name=name,
                    text=text,
                    reply_to=command.reply_to,
                    mentions=_present_in(text, command.mentions),
                    purpose="announcement" if command.announce else "message",
                    versions=_versions(command, text),
                )
            )
        case Edit():
            target = _target(view, caller)
            allow(view, caller, "edit_own")
            if target.author != caller.user:
                raise Rejected(ErrorCode.FORBIDDEN, "only the author may edit a message")
            text = clean_text(command.text)
            return Decision(
                Edited(
                    of=command.of,
                    by=caller.user,
                    revision=target.revision + 1,
                    text=text,
                    mentions=_present_in(text, command.mentions),
                ),
                guard=Guard(command.of, target.revision),
            )
        case Recall():
            target = _target(view, caller)
            allow(view, caller, "recall_own" if target.author == caller.user else "recall_any")
            return Decision(Recalled(of=command.of, by=caller.user, author=target.author))
        case React():
            target = _target(view, caller)
            allow(view, caller, "react")
            return Decision(Reacted(of=command.of, by=caller.user, emoji=clean_emoji(command.emoji), on=command.on))
        case Suggest():
            target = _target(view, caller)
            allow(view, caller, "suggest")
            language, text = language_of(command.language), clean_text(command.text)
            event = Suggested(
                of=command.of,
                revision=target.revision,
                language=language,
                text=text,
                by=caller.user,
                name=name_in(view, caller),
            )
            return Decision(event, guard=Guard(command.of, target.revision))
        case Vote():
            _target(view, caller)
            allow(view, caller, "suggest")
            if command.suggestion not in view.suggestions:
                raise Rejected(ErrorCode.MESSAGE_NOT_FOUND, "there is no such suggestion for this message")
            return Decision(Voted(of=command.of, suggestion=command.suggestion, by=caller.user, on=command.on))
        case PutTerm():
            allow(view, caller, "change_glossary")
            source = clean_text(command.source)
            term = Term(
                source=source,
                target=None if command.target is None else clean_text(command.target),
                language="" if command.language is None else language_of(command.language),
                note=command.note.strip(),
                added_by=caller.user,
            )
            known = {(other.source, other.language) for other in view.terms}
            if (term.source, term.language) not in known and len(known) >= TERMS_MAX:
                raise Rejected(ErrorCode.FORBIDDEN, f"a glossary holds at most {TERMS_MAX} terms; remove one first")
            changed = TermChanged(
                by=caller.user, source=term.source, target=term.target, language=term.language, note=term.note
            )
            return Decision(changed, SetTerm(term))
        case RemoveTerm():
            allow(view, caller, "change_glossary")
            source = clean_text(command.source)
            language = "" if command.language is None else language_of(command.language)
            if all((term.source, term.language) != (source, language) for term in view.terms):
                raise Rejected(ErrorCode.MESSAGE_NOT_FOUND, "there is no such term")
            removed = TermRemoved(by=caller.user, source=source, language=language)
            return Decision(removed, DropTerm(source, language))
        case Configure():
            allow(view, caller, "configure")
            return _configured(view, caller, command)
        case Pin():
            if all(each.id != command.of for each in view.hall.ceremonies):
                _target(view, caller)
            allow(view, caller, "pin")
            pins = view.state.pins if view.state else ()
            if command.on and command.of not in pins and len(pins) >= PINS_MAX:
                raise Rejected(ErrorCode.FORBIDDEN, f"at most {PINS_MAX} messages can be pinned; take one out first")
            return Decision(Pinned(of=command.of, by=caller.user, on=command.on), SetPin(command.of, command.on))
        case OpenCeremony() | Consent() | ProposeName() | VoteName() | ReportProposal() | AcceptName() | EndCeremony():
            return _of_ceremony(view, caller, command)
        case SetName():
            allow(view, caller, "own_name")
            if view.member is None:
                raise Rejected(ErrorCode.NOT_A_MEMBER)
            return ruled(names.decide_card(view.hall, view.member, command))
        case _:
            allow(view, caller, "read")
            return None


CeremonyCommand = OpenCeremony | Consent | ProposeName | VoteName | ReportProposal | AcceptName | EndCeremony


def _of_ceremony(view: View, caller: Caller, command: CeremonyCommand) -> Decision | None:
    hall, user = view.hall, caller.user
    match command:
        case OpenCeremony():
            allow(view, caller, "ask_name")
            return ruled(names.decide_opening(hall, user, name_in(view, caller), command))
        case Consent():
            allow(view, caller, "own_name")
            return ruled(names.decide_consent(hall, user, command))
        case ProposeName():
            allow(view, caller, "propose_name")
            return ruled(names.decide_proposal(hall, user, name_in(view, caller), command))
        case VoteName():
            allow(view, caller, "vote_name")
            return ruled(names.decide_vote(hall, user, command))
        case ReportProposal():
            role = allow(view, caller, "report_proposal")
            ruling = names.decide_report(hall, user, command, moderator=role in MAY["stop_ceremony"])
            return None if ruling is None else ruled(ruling)
        case AcceptName():
            allow(view, caller, "own_name")
            return ruled(names.decide_acceptance(hall, user, command))
        case EndCeremony():
            role = allow(view, caller, "own_name")
            return ruled(names.decide_end(hall, user, command, moderator=role in MAY["stop_ceremony"]))


def ruled(ruling: names.Ruling) -> Decision:
    return Decision(ruling.event, ruling.changes, ruling.guard, ruling.audience)


def _configured(view: View, caller: Caller, command: Configure) -> Decision:
    if view.state is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    now = view.state.settings
    settings = RoomSettings(
        command.translation or now.translation, command.translation_budget_ms or now.translation_budget_ms
    )
    title = view.state.title if command.title is None else clean_title(command.title)
    event = RoomChanged(
        by=caller.user,
        title=title,
        translation=settings.translation,
        translation_budget_ms=settings.translation_budget_ms,
    )
    return Decision(event, SetRoom(title, settings))


def language_of(tag: str) -> str:
    """The canonical language of a command's tag. Raises Rejected(LANGUAGE_INVALID)."""
    try:
        return canonical(tag)
    except ValueError as wrong:
        raise Rejected(ErrorCode.LANGUAGE_INVALID, str(wrong)) from None


def decide_removal(view: View, caller: Caller, member: Member) -> Decision:
    """A moderator ends somebody's membership. Nobody removes a member of their own rank or above."""
    role = allow(view, caller, "remove_member")
    if RANK[member.role] >= RANK[role] and not caller.administrator:
        raise Rejected(ErrorCode.FORBIDDEN)
    if member.role == "owner":
        raise Rejected(ErrorCode.OWNER_MUST_STAY)
    return Decision(Left(user=member.user, by=caller.user), DropMember(member.user))


def decide_role(view: View, caller: Caller, member: Member, role: Role) -> Decision:
    """The owner changes a member's role. A room keeps exactly one owner: ownership itself is not given here."""
    allow(view, caller, "change_role")
    if member.role == "owner" or role == "owner":
        raise Rejected(ErrorCode.OWNER_MUST_STAY)
    changed = replace(member, role=role)
    return Decision(RoleChanged(user=member.user, role=role, by=caller.user), SetMember(changed))


def decide_admission(view: View, user: str, name: str, role: Role) -> Decision:
    """An administrator, a token's grant or a spent invitation makes `user` a member.

    The name is cleaned here, whoever brings it: an entry with a name that the types refuse could never be read again.
    """
    if view.state is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    name = clean_name(name)
    return Decision(Joined(user=user, name=name, role=role), SetMember(Member(user, name, role)))


def _join(view: View, caller: Caller) -> Decision | None:
    if view.state is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    if view.member is not None:
        return None
    role = granted(caller, view.state.room)
    invite = view.invite
    if invite is not None and invite.room == view.state.room and (role is None or RANK[invite.role] > RANK[role]):
        role = invite.role
    if role is None:
        raise Rejected(ErrorCode.ROOM_NOT_FOUND)
    # A room keeps the one owner who made it; a token that says "owner" of somebody else's room opens it no wider.
    return decide_admission(view, caller.user, caller.name, "moderator" if role == "owner" else role)


def granted(caller: Caller, room: str) -> Role | None:
    """The role that the caller's token itself gives in `room`, if any."""
    return caller.grants.get(room) or caller.grants.get("*")


def name_in(view: View, caller: Caller) -> str:
    """What the caller is called in this room: a member as they came in, whatever their token says by now."""
    return view.member.name if view.member else clean_name(caller.name)


def _target(view: View, caller: Caller) -> Target:
    allow(view, caller, "read")  # first: a stranger must not learn which messages exist
    if view.target is None:
        raise Rejected(ErrorCode.MESSAGE_NOT_FOUND)
    return view.target


def _versions(command: Post, text: str) -> tuple[tuple[str, str], ...] | UnsetType:
    """The host's own words for readers of other languages, under canonical tags. Raises Rejected."""
    if not command.versions:
        return UNSET
    if not command.announce:
        raise Rejected(ErrorCode.MALFORMED, "only an announcement is written in several languages")
    versions = tuple((language_of(language), clean_text(words)) for language, words in command.versions)
    if len(dict(versions)) < len(versions):
        raise Rejected(ErrorCode.LANGUAGE_INVALID, "two versions are in the same language")
    if sum(len(words) for _, words in versions) + len(text) > 2 * TEXT_CHARS_MAX:
        raise Rejected(ErrorCode.MALFORMED, f"an announcement has at most {2 * TEXT_CHARS_MAX} characters in all")
    return versions


def _present_in(text: str, mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
    """A mention counts only if its words stand in the text: nobody is called by something nobody can see."""
    return tuple(mention for mention in mentions if mention.text in text)
