"""The naming ceremony and the name card: what may happen in one, and which of a member's names a reader sees. Pure.

    asked --consent--> open --window ends--> choosing --accept / decline--> closed
      \\-- declines, runs out --------------------------------------------> closed

Invariants. A name becomes a member's only by a command of their own: an accepted ceremony was consented to by the
nominee, and `AcceptName` is refused to everybody else. One accepted name for each ceremony, because accepting ends it.
Phases follow from the log's clock, so nothing has to happen for a window to end; what comes late is refused here and,
by the guard of its append, once more by the log. The tally that a closed ceremony carries is guarded by the number of
votes in the log: one more vote and the append is stale, and decided again.

Permissions are asked in `room.decide`, which calls these; what only the nominee or an author may do is here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import regex
from msgspec import structs

from chat.commands import (
    AcceptName,
    Consent,
    EndCeremony,
    OpenCeremony,
    ProposeName,
    ReportProposal,
    SetName,
    VoteName,
)
from chat.errors import ErrorCode, Rejected
from chat.events import (
    EVERYONE,
    NOBODY,
    CeremonyClosed,
    CeremonyConsented,
    CeremonyOpened,
    Echo,
    Event,
    Finding,
    GivenTo,
    Gloss,
    Mention,
    NameProposed,
    NamesChanged,
    NameVoted,
    Outcome,
    ProposalHidden,
    ProposalReported,
    ProposalTally,
    Script,
)
from chat.language import canonical
from chat.limits import (
    CEREMONIES_MAX,
    CHOOSE_WITHIN_S,
    CONSENT_WITHIN_S,
    GIVEN_NAME_CHARS_MAX,
    MENTIONS_MAX,
    NAMES_PER_MEMBER_MAX,
    PROPOSALS_MAX,
    PROPOSALS_PER_MEMBER_MAX,
    REPORTS_TO_HIDE,
    TERMS_MAX,
)
from chat.ports import (
    Ceremony,
    CeremonyGuard,
    CeremonyRow,
    Change,
    DropCeremony,
    DropTerm,
    Member,
    MemberNames,
    NamesGuard,
    Proposal,
    ProposalRow,
    SetBallot,
    SetCeremony,
    SetNames,
    SetPin,
    SetProposal,
    SetTerm,
    Term,
)
from chat.text import clean_name, clean_text

Phase = Literal["asked", "open", "choosing", "over"]

CHINESE: Final = ("zh", "zh-Hant")
ALL_OTHERS: Final = "*"
_HAN_NAME: Final = regex.compile(r"\p{Han}{1,8}(?:·\p{Han}{1,8}){0,3}")
_LATIN_NAME: Final = regex.compile(r"\p{Latin}[\p{Latin}\p{M}'’.\- ]*")
_HAN: Final = regex.compile(r"\p{Han}")
_WORDS_TOO: Final = frozenset(
    regex.findall(
        r"\w+",
        "an may will mark bill art guy man joy june april august summer grace hope faith rose rich sunny happy angel "
        "sky star rain river sea king autumn dawn ivy jade lily pearl penny violet chase hunter mason",
    )
)
"""Names that are English words too: as terms of a glossary they would break everybody's sentences."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a proposed name: reading, meaning, sound, and what speaks against it."""

    romanisation: str = ""
    respelling: str = ""
    glosses: tuple[Gloss, ...] = ()
    meaning_en: str = ""
    meaning_zh: str = ""
    echoes: tuple[Echo, ...] = ()
    sound: int = 0
    """Per cent of the original name that is heard again."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Hall:
    """What the rules of naming may know of a room, beside its members."""

    now_ms: int = 0
    ceremonies: tuple[Ceremony, ...] = ()
    """All that are not closed."""
    nominee: Member | None = None
    """The member whom the command is about, if they (still) are one."""
    names: MemberNames = field(default_factory=MemberNames)
    """Of the nominee, or of who changes their own card."""
    described: Described = field(default_factory=Described)
    """The proposed name."""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to append, and what goes with it in the same step."""

    event: Event
    changes: tuple[Change, ...]
    guard: CeremonyGuard | NamesGuard | None = None
    audience: str = EVERYONE


def phase_of(ceremony: Ceremony, now_ms: int) -> Phase:
    """Where a ceremony stands at this time, on the log's clock."""
    if now_ms <= ceremony.until_ms:
        return "open" if ceremony.row.consented else "asked"
    return "choosing" if now_ms <= chooses_until_ms(ceremony) else "over"


def chooses_until_ms(ceremony: Ceremony) -> int:
    """From then on nothing but its end can happen to it."""
    return ceremony.until_ms + (CHOOSE_WITHIN_S * 1000 if ceremony.row.consented else 0)


def tally_of(ceremony: Ceremony) -> tuple[ProposalTally, ...]:
    """Every proposal that is not hidden, with its votes, in the order of proposing."""
    return tuple(
        ProposalTally(proposal=each.seq, votes=each.votes) for each in ceremony.proposals if not each.row.hidden
    )


def voters_of(ceremony: Ceremony) -> int:
    """Members whose vote counts."""
    return sum(each.votes for each in tally_of(ceremony))


# -- commands ----------------------------------------------------------------------------------------------------------


def decide_opening(hall: Hall, user: str, name: str, command: OpenCeremony) -> Ruling:
    """A new ceremony; open at once where `user` asks for themselves. Raises Rejected."""
    if hall.nominee is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER, "only a member of this room can be named here")
    standing = [each for each in hall.ceremonies if phase_of(each, hall.now_ms) != "over"]
    if any(each.row.opened.nominee == hall.nominee.user for each in standing):
        raise Rejected(ErrorCode.CEREMONY_OVER, "this member has a ceremony already; it has to end first")
    if len(hall.ceremonies) >= CEREMONIES_MAX:
        raise Rejected(ErrorCode.CEREMONY_OVER, f"this room has {CEREMONIES_MAX} ceremonies already; one has to end")
    consented = hall.nominee.user == user
    opened = CeremonyOpened(
        nominee=hall.nominee.user,
        nominee_name=hall.nominee.name,
        by=user,
        name=name,
        script=command.script,
        window_s=command.window_s,
        consented=consented,
        consent_s=0 if consented else CONSENT_WITHIN_S,
    )
    lasts_ms = 1000 * (command.window_s if consented else CONSENT_WITHIN_S)
    return Ruling(opened, (SetCeremony(None, CeremonyRow(opened, consented), lasts_ms),))


def decide_consent(hall: Hall, user: str, command: Consent) -> Ruling:
    """The nominee agrees, or declines. Raises Rejected."""
    ceremony = _ceremony(hall, command.of)
    opened = ceremony.row.opened
    if opened.nominee != user:
        raise Rejected(ErrorCode.FORBIDDEN, "only who is to be named can agree to it")
    if not command.agree:
        return _closed(ceremony, user, "declined")
    if phase_of(ceremony, hall.now_ms) != "asked":
        raise Rejected(ErrorCode.CEREMONY_OVER, "this ceremony does not wait for consent")
    consented = CeremonyConsented(of=ceremony.id, nominee=user, window_s=opened.window_s)
    row = structs.replace(ceremony.row, consented=True)
    guard = CeremonyGuard(ceremony.id, version=ceremony.version, timely=True)
    return Ruling(consented, (SetCeremony(ceremony.id, row, opened.window_s * 1000),), guard)


def decide_proposal(hall: Hall, user: str, name: str, command: ProposeName) -> Ruling:
    """A proposal, with all that is known of the name. Raises Rejected."""
    ceremony = _ceremony(hall, command.of, "open")
    opened, described = ceremony.row.opened, hall.described
    text = clean_given_name(command.text, opened.script)
    shown = [each for each in ceremony.proposals if not each.row.hidden]
    if any(same_name(each.row.proposed.text, text) for each in shown):
        raise Rejected(ErrorCode.NAME_REFUSED, "this name is proposed already; vote for it")
    if len(ceremony.proposals) >= PROPOSALS_MAX:
        raise Rejected(ErrorCode.CEREMONY_OVER, f"a ceremony takes {PROPOSALS_MAX} proposals; vote for one of them")
    if sum(each.row.proposed.by == user for each in ceremony.proposals) >= PROPOSALS_PER_MEMBER_MAX:
        raise Rejected(ErrorCode.CEREMONY_OVER, f"everybody may propose {PROPOSALS_PER_MEMBER_MAX} names")
    for finding in described.findings:
        if finding.kind == "blocked":
            raise Rejected(ErrorCode.NAME_REFUSED, finding.en or finding.part)
    proposed = NameProposed(
        of=ceremony.id,
        by=user,
        name=name,
        text=text,
        script=opened.script,
        reason=clean_text(command.reason) if command.reason.strip() else "",
        joke=command.joke,
        counter=user == opened.nominee,
        romanisation=described.romanisation,
        respelling=described.respelling,
        glosses=described.glosses,
        meaning_en=described.meaning_en,
        meaning_zh=described.meaning_zh,
        echoes=described.echoes,
        sound=described.sound,
        findings=described.findings,
    )
    guard = CeremonyGuard(ceremony.id, version=ceremony.version, timely=True)
    return Ruling(proposed, (SetProposal(ceremony.id, None, ProposalRow(proposed)),), guard)


def decide_vote(hall: Hall, user: str, command: VoteName) -> Ruling:
    """The caller's one vote, received by nobody and counted at once. Raises Rejected."""
    ceremony = _ceremony(hall, command.of, "open")
    if command.proposal is not None:
        _proposal(ceremony, command.proposal)
    voted = NameVoted(of=ceremony.id, by=user, proposal=command.proposal)
    guard = CeremonyGuard(ceremony.id, proposal=command.proposal, timely=True)
    return Ruling(voted, (SetBallot(ceremony.id, user, command.proposal),), guard, NOBODY)


def decide_report(hall: Hall, user: str, command: ReportProposal, *, moderator: bool) -> Ruling | None:
    """Hide a proposal, or count a report against it; None: reported by `user` before. Raises Rejected."""
    ceremony = _ceremony(hall, command.of, "open", "choosing")
    proposal = _proposal(ceremony, command.proposal)
    guard = CeremonyGuard(ceremony.id, version=ceremony.version)
    reporters = (*proposal.row.reporters, user)
    why: Literal["reports", "withdrawn", "moderator"]
    if proposal.row.proposed.by == user:
        why = "withdrawn"
    elif moderator:
        why = "moderator"
    elif user in proposal.row.reporters:
        return None
    elif len(reporters) >= REPORTS_TO_HIDE:
        why = "reports"
    else:
        row = structs.replace(proposal.row, reporters=reporters)
        event = ProposalReported(of=ceremony.id, proposal=proposal.seq, by=user)
        return Ruling(event, (SetProposal(ceremony.id, proposal.seq, row),), guard, NOBODY)
    row = structs.replace(proposal.row, reporters=reporters, hidden=True)
    hidden = ProposalHidden(of=ceremony.id, proposal=proposal.seq, why=why)
    return Ruling(hidden, (SetProposal(ceremony.id, proposal.seq, row),), guard)


def decide_acceptance(hall: Hall, user: str, command: AcceptName) -> Ruling:
    """The nominee takes a name: card, glossary and end of the ceremony in one entry. Raises Rejected."""
    ceremony = _ceremony(hall, command.of, "open", "choosing")
    opened = ceremony.row.opened
    if opened.nominee != user:
        raise Rejected(ErrorCode.FORBIDDEN, "only who is named accepts a name")
    if hall.nominee is None:
        raise Rejected(ErrorCode.NOT_A_MEMBER)
    chosen = [_proposal(ceremony, command.proposal)]
    if command.also is not None and command.also != command.proposal:
        chosen.append(_proposal(ceremony, command.also))
    given = tuple(_given(each, hall.now_ms, preferred=not at) for at, each in enumerate(chosen))
    names = _with_names(hall.names.names, given)
    closed = structs.replace(
        _closed_event(ceremony, user, "accepted"),
        accepted=command.proposal,
        runner_up=chosen[1].seq if len(chosen) > 1 else None,
        given=given,
        names=names,
    )
    ordinary = {each.row.proposed.text for each in chosen if _is_ordinary_word(each)}
    changes: tuple[Change, ...] = (
        *_dropped(ceremony),
        SetNames(user, names),
        *(SetTerm(term) for term in new_terms(hall.nominee, names, ordinary, hall.terms)),
    )
    names_guard = NamesGuard(user, hall.names.version)
    guard = CeremonyGuard(ceremony.id, version=ceremony.version, cast=ceremony.cast, names=names_guard)
    return Ruling(closed, changes, guard)


def decide_end(hall: Hall, user: str, command: EndCeremony, *, moderator: bool) -> Ruling:
    """The nominee declines; who asked for it, or a moderator, stops it. Raises Rejected."""
    ceremony = _ceremony(hall, command.of)
    if ceremony.row.opened.nominee == user:
        return _closed(ceremony, user, "declined")
    if ceremony.row.opened.by == user or moderator:
        return _closed(ceremony, user, "stopped")
    raise Rejected(ErrorCode.FORBIDDEN, "only who is named, who asked for it or a moderator ends a ceremony")


def decide_card(hall: Hall, member: Member, command: SetName) -> Ruling:
    """A member changes their own card. Raises Rejected."""
    script: Script = "han" if _HAN.search(command.text) else "latin"
    text = clean_given_name(command.text, script)
    standing = hall.names.names
    found = next((name for name in standing if same_name(name.text, text)), None)
    guard = NamesGuard(member.user, hall.names.version)
    if command.remove:
        if found is None:
            raise Rejected(ErrorCode.NAME_REFUSED, "there is no such name on your card")
        left = tuple(name for name in standing if name is not found)
        gone = [
            DropTerm(term.source, term.language)
            for term in hall.terms
            if term.name and term.added_by == member.user and found.text in (term.source, term.target)
        ]
        event = NamesChanged(user=member.user, names=left)
        return Ruling(event, (SetNames(member.user, left), *gone), guard)
    described = hall.described
    for finding in described.findings:
        if finding.kind == "blocked":
            raise Rejected(ErrorCode.NAME_REFUSED, finding.en or finding.part)
    preferred = _languages(command.preferred_for)
    own = GivenTo(
        script=script,
        text=text,
        romanisation=described.romanisation,
        respelling=described.respelling,
        meaning_en=described.meaning_en,
        meaning_zh=described.meaning_zh,
        glosses=described.glosses,
        since_ms=hall.now_ms,
        preferred_for=_usual_readers(script),
    )
    name = found or own
    if command.pinyin is not None:
        name = structs.replace(name, romanisation=described.romanisation, glosses=described.glosses)
    if preferred is not None:
        name = structs.replace(name, preferred_for=preferred)
    names = _with_names(tuple(each for each in standing if each is not found), (name,))
    ordinary = {text} if any(finding.kind == "dictionary_word" for finding in described.findings) else set()
    rows = new_terms(member, names, ordinary, hall.terms)
    changes: tuple[Change, ...] = (SetNames(member.user, names), *map(SetTerm, rows))
    return Ruling(NamesChanged(user=member.user, names=names), changes, guard)


def decide_run_out(ceremony: Ceremony, now_ms: int, *, left: bool = False) -> Ruling | None:
    """The end of a ceremony that nobody ends: its time is over, or the nominee has `left`. None while it stands."""
    if left:
        return _closed(ceremony, ceremony.row.opened.nominee, "left")
    if phase_of(ceremony, now_ms) != "over":
        return None
    return _closed(ceremony, ceremony.row.opened.nominee, "expired")


def _ceremony(hall: Hall, of: int, *phases: Phase) -> Ceremony:
    """The ceremony, if it is in one of `phases` (none given: not over). Raises Rejected."""
    found = next((each for each in hall.ceremonies if each.id == of), None)
    if found is None:
        raise Rejected(ErrorCode.CEREMONY_NOT_FOUND)
    phase = phase_of(found, hall.now_ms)
    if phase == "over" or (phases and phase not in phases):
        raise Rejected(ErrorCode.CEREMONY_OVER)
    return found


def _proposal(ceremony: Ceremony, seq: int) -> Proposal:
    for proposal in ceremony.proposals:
        if proposal.seq == seq and not proposal.row.hidden:
            return proposal
    raise Rejected(ErrorCode.CEREMONY_NOT_FOUND, "there is no such proposal, or it was taken out")


def _closed_event(ceremony: Ceremony, by: str, outcome: Outcome) -> CeremonyClosed:
    opened = ceremony.row.opened
    return CeremonyClosed(
        of=ceremony.id,
        nominee=opened.nominee,
        nominee_name=opened.nominee_name,
        by=by,
        outcome=outcome,
        tally=tally_of(ceremony),
        voters=voters_of(ceremony),
    )


def _closed(ceremony: Ceremony, by: str, outcome: Outcome) -> Ruling:
    guard = CeremonyGuard(ceremony.id, version=ceremony.version, cast=ceremony.cast)
    return Ruling(_closed_event(ceremony, by, outcome), _dropped(ceremony), guard)


def _dropped(ceremony: Ceremony) -> tuple[Change, ...]:
    """A ceremony that is over is not pinned any more either."""
    return DropCeremony(ceremony.id), SetPin(ceremony.id, on=False)


# -- names -------------------------------------------------------------------------------------------------------------


def clean_given_name(text: str, script: Script) -> str:
    """A name as it is stored: Chinese characters (a dot between parts), or letters. Raises Rejected(NAME_INVALID)."""
    name = clean_name(text)
    pattern, what = (
        (_HAN_NAME, "Chinese characters") if script == "han" else (_LATIN_NAME, "letters of the Latin alphabet")
    )
    if len(name) > GIVEN_NAME_CHARS_MAX or not pattern.fullmatch(name):
        raise Rejected(ErrorCode.NAME_INVALID, f"this name is written in {what}, at most {GIVEN_NAME_CHARS_MAX}")
    return name


def is_han(text: str) -> bool:
    """Whether a name is to be read as a Chinese one."""
    return bool(_HAN.search(text))


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same to those who read them."""
    return one.casefold() == other.casefold()


def name_for(languages: Sequence[str], display: str, names: Iterable[GivenTo]) -> str:
    """Which name of a member a reader of `languages` (canonical, most liked first) sees: the one preferred for their
    first language that has any, then the one for all others, then the name under which the member came in."""
    names = tuple(names)
    for language in (*languages, ALL_OTHERS):
        for name in names:
            if language in name.preferred_for:
                return name.text
        if languages and language == languages[0] and _fits(display, language):
            return display  # a Chinese name that came in as such needs no other for Chinese readers
    return display


def new_terms(member: Member, names: Sequence[GivenTo], ordinary: set[str], standing: Sequence[Term]) -> list[Term]:
    """Glossary rows that keep a member's names in translations, both ways: readers of Chinese meet the Chinese name,
    all others the one in letters. A name that is an ordinary word is no row of its own: it would be found in every
    sentence. Rows that a moderator made stay as they are."""
    han = name_for(CHINESE[:1], member.name, names)
    latin = name_for(("en",), member.name, names)
    if not _HAN.search(han) or _HAN.search(latin):
        return []
    wanted: list[Term] = []
    if han not in ordinary and len(han) > 1:
        wanted += [_name_term(han, latin, "", member.user), _name_term(han, None, CHINESE[0], member.user)]
    if latin not in ordinary and latin.casefold() not in _WORDS_TOO and len(latin) > 1:
        wanted.append(_name_term(latin, han, CHINESE[0], member.user))
    known = {(term.source, term.language): term for term in standing}
    room_for = TERMS_MAX - len(known)
    rows: list[Term] = []
    for term in wanted:
        other = known.get((term.source, term.language))
        if other is not None and (not other.name or other.added_by != member.user):
            continue
        room_for -= other is None
        if room_for >= 0:
            rows.append(term)
    return rows


def mentioned(text: str, users: Iterable[tuple[str, str]]) -> tuple[Mention, ...]:
    """Members called by "@name" in a text, given (name, user) of all who can be meant: the longest name wins, and
    Chinese needs no space behind it. A name in letters ends where the word does. An ambiguous name calls nobody."""
    owners: dict[str, set[str]] = {}
    for name, user in users:
        if name:
            owners.setdefault(name.casefold(), set()).add(user)
    found: dict[str, Mention] = {}
    longest = sorted(owners, key=len, reverse=True)
    for at in (match.end() for match in regex.finditer("[@＠]", text)):
        rest = text[at : at + 4 * GIVEN_NAME_CHARS_MAX].casefold()
        for name in longest:
            if not rest.startswith(name):
                continue
            behind = rest[len(name) : len(name) + 1]
            if behind and not _HAN.match(name[-1]) and regex.match(r"[\p{L}\p{N}_--\p{Han}]", behind, regex.V1):
                continue
            if len(owners[name]) == 1:
                words = text[at - 1 : at + len(name)]
                found.setdefault(words, Mention(user=next(iter(owners[name])), text=words))
            break
    return tuple(found.values())[:MENTIONS_MAX]


def _given(proposal: Proposal, now_ms: int, *, preferred: bool) -> GivenTo:
    proposed = proposal.row.proposed
    return GivenTo(
        script=proposed.script,
        text=proposed.text,
        romanisation=proposed.romanisation,
        respelling=proposed.respelling,
        meaning_en=proposed.meaning_en,
        meaning_zh=proposed.meaning_zh,
        glosses=proposed.glosses,
        given_by=proposed.by,
        given_by_name=proposed.name,
        since_ms=now_ms,
        preferred_for=_usual_readers(proposed.script) if preferred else (),
        of=proposed.of,
    )


def _with_names(standing: tuple[GivenTo, ...], new: tuple[GivenTo, ...]) -> tuple[GivenTo, ...]:
    """The card with `new` in front: for each language one name is preferred, and each name stands once."""
    taken = {language for name in new for language in name.preferred_for}
    texts = {name.text.casefold() for name in new}
    kept = tuple(
        structs.replace(name, preferred_for=tuple(each for each in name.preferred_for if each not in taken))
        for name in standing
        if name.text.casefold() not in texts
    )
    return (*new, *kept)[:NAMES_PER_MEMBER_MAX]


def _usual_readers(script: Script) -> tuple[str, ...]:
    return CHINESE if script == "han" else (ALL_OTHERS,)


def _languages(tags: Sequence[str] | None) -> tuple[str, ...] | None:
    """Canonical. Raises Rejected(LANGUAGE_INVALID)."""
    if tags is None:
        return None
    try:
        return tuple(dict.fromkeys(ALL_OTHERS if tag == ALL_OTHERS else canonical(tag) for tag in tags))
    except ValueError as wrong:
        raise Rejected(ErrorCode.LANGUAGE_INVALID, str(wrong)) from None


def _is_ordinary_word(proposal: Proposal) -> bool:
    return any(finding.kind == "dictionary_word" for finding in proposal.row.proposed.findings)


def _fits(display: str, language: str) -> bool:
    return (language in CHINESE) == bool(_HAN.search(display))


def _name_term(source: str, target: str | None, language: str, user: str) -> Term:
    return Term(source=source, target=target, language=language, note="", added_by=user, name=True)
