"""Naming ceremonies and name cards: look, decide, append; again where the log has moved between look and append.

Every command here is decided on the projection of the log and guarded by it, so two gateways cannot both accept, and
a vote is counted once, in the same atomic step that writes it down. Nothing is timed: what runs out is found by whoever
looks next (`run_out`), under a once-key that is the ceremony's, so several gateways write it once.
"""

import asyncio
from asyncio import gather
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from msgspec import structs

from chat import names as naming
from chat import room as rules
from chat.commands import (
    AcceptName,
    EndCeremony,
    FindPeople,
    Names,
    OpenCeremony,
    ProposeName,
    Remark,
    ReportProposal,
    SetName,
)
from chat.describing import describe, queries_of, search_keys
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.events import EVERYONE, NOBODY, Finding, NameProposed, Script
from chat.frames import Card, CeremonyView, NamesFrame, ProposalView, TallyFrame
from chat.limits import FOUND_MAX, REMARKS_MAX
from chat.moderation.speaking import Way
from chat.names import Described, Hall
from chat.ports import Appended, Ceremony, Member, MemberNames, Stale
from chat.room import Caller, Decision, View
from chat.service.floor import Floor
from chat.service.ground import CeremonyCommand, own_key
from chat.text import clean_name, has_words

TRIES_MAX: Final = 12
"""Looks for one command: somebody else's proposal or a burst of votes may come between a look and its append."""
CARDS_MAX: Final = 500
SEARCHED_AT_ONCE: Final = 500
"""Members looked through before others get their turn."""


class Ceremonies(Floor):
    async def ceremony(self, caller: Caller, command: CeremonyCommand) -> Appended | None:
        """Any command of a ceremony or of one's card; None where it was done before and changes nothing.
        Raises Rejected; STALE where the log did not stand still for it."""
        key = own_key(caller, command.once)
        for _ in range(TRIES_MAX):
            view = await self._hall_view(caller, command)
            decision = await self._ceremonial(view, caller, command)
            if decision is None or isinstance(decision, Appended):
                return decision
            try:
                return await self._write(view, caller, decision, key)
            except Stale:
                continue
        raise Rejected(ErrorCode.STALE, "too much happens in this ceremony at once; try again")

    async def _ceremonial(self, view: View, caller: Caller, command: CeremonyCommand) -> Decision | Appended | None:
        """Who may not speak proposes nothing and votes for nothing; what they began they may end."""
        match command:
            case OpenCeremony() | ProposeName() | SetName():
                way: Way = "line"
            case EndCeremony() | ReportProposal():
                return await self._decided(view, caller, command)
            case _:
                way = "act"
        decision = await self.speech(view, caller, command, "own_name", way)
        if isinstance(decision, Decision) and way == "line":
            if decision.audience not in (EVERYONE, NOBODY):
                raise Rejected(ErrorCode.FORBIDDEN)  # a ceremony that nobody else sees is none
            match command:
                case ProposeName():
                    await self.refuse_words(view, caller, command.text, command.reason)
                case SetName(remove=False):  # what a room lists meanwhile can still be taken off one's card
                    await self.refuse_words(view, caller, command.text)
                case _:
                    pass
        if isinstance(decision, Decision) and decision.audience not in (EVERYONE, NOBODY):
            decision = replace(decision, audience=EVERYONE)
        return decision

    async def run_out(self, room: str, of: int, *, left: bool = False) -> Appended | None:
        """End a ceremony whose time is over, or whose nominee has `left`; by the house, once. None: it stands, or is
        over already. Raises Unavailable."""
        for _ in range(TRIES_MAX):
            found = await self._found(room, of)
            if found is None:
                return None
            gone = left and await self.log.member(room, found.row.opened.nominee) is None
            ruling = naming.decide_run_out(found, self._now_ms(), left=gone)
            if ruling is None:
                return None
            try:
                return await self._append_decided(room, rules.ruled(ruling), f"ceremony-over:{of}")
            except Stale:
                continue
        raise Unavailable("the ceremony does not stand still", 250)

    async def tally(self, room: str, of: int) -> TallyFrame | None:
        """The votes as they stand; None for a ceremony that is over. Asked by a gateway for those it lets in."""
        found = await self._found(room, of)
        if found is None:
            return None
        return TallyFrame(room=room, of=of, tally=naming.tally_of(found), voters=naming.voters_of(found))

    async def cards(self, caller: Caller, command: Names) -> NamesFrame:
        """Cards of members, as this reader may see them. Raises Rejected."""
        room = command.room
        rules.allow(await self._view(caller, room), caller, "read")
        named, remarks = await gather(self.log.all_names(room), self.log.remarks(room, caller.user))
        wanted = command.users or tuple(dict.fromkeys((*named, *remarks)))
        members = await gather(*(self.log.member(room, user) for user in wanted[:CARDS_MAX]))
        cards = (self._card(member, named, remarks) for member in members if member is not None)
        return NamesFrame(re=command.id, room=room, cards=tuple(cards), more=len(wanted) > CARDS_MAX)

    async def remark(self, caller: Caller, command: Remark) -> None:
        """Keep what this reader calls somebody. Raises Rejected."""
        room = command.room
        view, member = await gather(self._view(caller, room), self.log.member(room, command.user))
        rules.allow(view, caller, "read")
        if member is None:
            raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
        text = clean_name(command.text) if command.text.strip() else ""
        if not await self.log.set_remark(room, caller.user, command.user, text, REMARKS_MAX):
            raise Rejected(ErrorCode.FORBIDDEN, f"at most {REMARKS_MAX} remarks; take one away first")

    async def named_people(self, caller: Caller, room: str, *, after: str, limit: int) -> tuple[tuple[Card, ...], bool]:
        """Everybody in the room with all their names as this reader may see them, by user id; whether there are more.
        Raises Rejected."""
        rules.allow(await self._view(caller, room), caller, "read")
        members, named, remarks = await self._everybody(caller, room)
        behind = sorted((member for member in members if member.user > after), key=lambda member: member.user)
        page = behind[:limit]
        return tuple(self._card(member, named, remarks) for member in page), len(page) < len(behind)

    async def find_people(
        self, caller: Caller, command: FindPeople, *, skip: int = 0, limit: int = FOUND_MAX
    ) -> NamesFrame:
        """Members one of whose names the query fits, best first: `limit` of them behind the first `skip`. Raises
        Rejected."""
        room = command.room
        rules.allow(await self._view(caller, room), caller, "read")
        members, named, remarks = await self._everybody(caller, room)
        queries = queries_of(command.query)
        found: list[tuple[int, str, Member]] = []
        for at, member in enumerate(members):
            if at % SEARCHED_AT_ONCE == SEARCHED_AT_ONCE - 1:
                await asyncio.sleep(0)
            names = named[member.user].names if member.user in named else ()
            called = [(text, "") for text in (member.name, remarks.get(member.user)) if text]
            called += [(name.text, " ".join(gloss.reading for gloss in name.glosses)) for name in names]
            worth = fitness(queries, called)
            if worth is not None:
                found.append((worth, member.name, member))
        found.sort(key=lambda each: (each[0], each[1], each[2].user))
        page = found[skip : skip + limit]
        cards = tuple(self._card(member, named, remarks) for _, _, member in page)
        return NamesFrame(re=command.id, room=room, cards=cards, more=len(found) > skip + limit)

    async def _everybody(
        self, caller: Caller, room: str
    ) -> tuple[Sequence[Member], Mapping[str, MemberNames], Mapping[str, str]]:
        return await gather(self.log.members(room), self.log.all_names(room), self.log.remarks(room, caller.user))

    # -- looking -----------------------------------------------------------------------------------------------------

    async def _hall_view(self, caller: Caller, command: CeremonyCommand) -> View:
        """Everything the rules look at for this command."""
        room = command.room
        view, ceremonies = await gather(self._floor_view(caller, room), self.log.ceremonies(room))
        hall = Hall(self._now_ms(), tuple(ceremonies))
        if view.state is None or (view.member is None and not caller.administrator):
            return view  # a stranger is refused before anything is looked up for them
        match command:
            case OpenCeremony():
                user = command.user or caller.user
                hall = replace(hall, nominee=await self.log.member(room, user))
            case ProposeName():
                found = next((each for each in ceremonies if each.id == command.of), None)
                if found is not None:
                    opened = found.row.opened
                    hall = replace(
                        hall,
                        described=await self._described(
                            room, opened.nominee, command.text, opened.script, opened.nominee_name, command.pinyin
                        ),
                    )
            case AcceptName():
                names, glossary = await gather(self.log.names(room, caller.user), self.log.glossary(room))
                hall = replace(hall, nominee=view.member, names=names, terms=glossary.terms)
            case SetName():
                names, glossary = await gather(self.log.names(room, caller.user), self.log.glossary(room))
                script: Script = "han" if naming.is_han(command.text) else "latin"
                own = view.member.name if view.member else caller.name
                described = await self._described(room, caller.user, command.text, script, own, command.pinyin)
                hall = replace(hall, nominee=view.member, names=names, terms=glossary.terms, described=described)
            case _:
                pass
        return replace(view, hall=hall)

    async def _described(
        self, room: str, nominee: str, raw: str, script: Script, original: str, pinyin: str | None
    ) -> Described:
        """Tables may have to be read for it, so not on the event loop. Raises Rejected(NAME_INVALID)."""
        text = naming.clean_given_name(raw, script)
        described = await asyncio.to_thread(describe, text, script, original, pinyin)
        for user, known in (await self.log.all_names(room)).items():
            if user != nominee and any(naming.same_name(name.text, text) for name in known.names):
                taken = Finding(kind="taken", part=text, en="somebody here has this name", zh="这里已经有人叫这个名字")
                return replace(described, findings=(*described.findings, taken))
        return described

    async def _found(self, room: str, of: int) -> Ceremony | None:
        return next((each for each in await self.log.ceremonies(room) if each.id == of), None)

    @staticmethod
    def _card(member: Member, named: Mapping[str, MemberNames], remarks: Mapping[str, str]) -> Card:
        names = named[member.user].names if member.user in named else ()
        return Card(user=member.user, name=member.name, names=names, remark=remarks.get(member.user, ""))

    # -- writing -----------------------------------------------------------------------------------------------------

    async def _write(self, view: View, caller: Caller, decision: Decision, key: str) -> Appended:
        """Raises Stale."""
        assert view.state is not None
        room, event = view.state.room, decision.event
        if not isinstance(event, NameProposed) or not has_words(event.reason):
            return await self._append_decided(room, decision, key)
        job = self._job_text(view, event.reason, caller.user, await self._present(room), ())
        if event.text in event.reason:  # what the reason speaks of is not what it is to be translated into
            job = structs.replace(job, names=(*job.names, event.text))
        return await self._append_worded(room, decision, key, job)


def ceremony_view(ceremony: Ceremony, mine: int | None) -> CeremonyView:
    """A ceremony as one reader is shown it; hidden proposals are left out."""
    return CeremonyView(
        of=ceremony.id,
        opened=ceremony.row.opened,
        consented=ceremony.row.consented,
        closes_at_ms=ceremony.until_ms,
        chooses_until_ms=naming.chooses_until_ms(ceremony),
        proposals=tuple(
            ProposalView(seq=each.seq, proposed=each.row.proposed, votes=each.votes)
            for each in ceremony.proposals
            if not each.row.hidden
        ),
        voters=naming.voters_of(ceremony),
        mine=mine,
    )


def fitness(queries: Iterable[str], called: Iterable[tuple[str, str]]) -> int | None:
    """How well any of the folded queries fits what somebody is called (with how it is read, where that is known),
    0 best; None: not at all. Everybody fits an empty one."""
    best: int | None = None
    for name, readings in called:
        for at, key in enumerate(search_keys(name, readings)):
            for query in queries:
                worth = 0 if key == query else 1 if key.startswith(query) else 2 if at == 0 and query in key else None
                if worth is not None and (best is None or worth < best):
                    best = worth
    return best
