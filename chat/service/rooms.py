"""The room's own matters: who belongs to it, what it is called, how it treats translation, its glossary."""

from asyncio import gather
from dataclasses import dataclass, replace

from chat import conduct
from chat import room as rules
from chat.commands import (
    Configure,
    CreateRoom,
    Join,
    Leave,
    PutTerm,
    RemoveTerm,
)
from chat.errors import ErrorCode, Rejected
from chat.events import (
    EVERYONE,
    Joined,
    Role,
    RoomChanged,
)
from chat.frames import CeremonyView, GlossaryTerm, People, Person
from chat.live_events import own_audience
from chat.moderation.speaking import may_enter
from chat.ports import (
    Appended,
    BoardGuard,
    Glossary,
    Invite,
    Member,
    RoomExists,
    RoomState,
    SetMember,
)
from chat.room import Caller, Decision, View
from chat.service.ceremonies import ceremony_view
from chat.service.floor import Floor
from chat.service.ground import own_key
from chat.text import clean_name


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's place in a room: what a `room` frame is made of."""

    state: RoomState
    member: Member
    read: int
    ceremonies: tuple[CeremonyView, ...] = ()
    own: conduct.Standing = conduct.FREE
    """What moderators decided about them."""


class Rooms(Floor):
    async def create_room(self, caller: Caller, command: CreateRoom) -> Appended:
        event, owner = rules.decide_create(caller, command)
        try:
            return await self.log.create(command.room, event.title, event, owner, once=own_key(caller, command.once))
        except RoomExists:
            raise Rejected(ErrorCode.ROOM_EXISTS) from None

    async def standing(self, caller: Caller, room: str) -> Standing:
        """Where `caller` stands in a room they are a member of. Raises Rejected."""
        view = await self._view(caller, room)
        rules.allow(view, caller, "read")
        if view.state is None:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND)
        member = view.member or Member(caller.user, caller.name, "owner")
        read, ceremonies, own = await gather(
            self.log.read_marker(room, caller.user),
            self.log.ceremonies(room),
            self.log.row(room, "standing", caller.user),
        )
        if not caller.administrator:
            may_enter(conduct.standing_of(own), self._now_ms())
        ballots = await gather(*(self.log.ballot(room, each.id, caller.user) for each in ceremonies))
        views = tuple(ceremony_view(each, mine) for each, mine in zip(ceremonies, ballots, strict=True))
        return Standing(view.state, member, read, views, conduct.standing_of(own))

    async def join(self, caller: Caller, command: Join) -> Standing:
        """Become a member, by the token's grant or an invitation; a member already is simply shown in.

        An invitation is spent before the entry is written, and only when it gives more than the token does: at most
        once for each use, so a failure between the two costs a use and never admits one guest too many.
        """
        view = await self._floor_view(caller, command.room)
        if view.member is None and command.invite is not None:
            view = replace(view, invite=await self.invites.peek(command.invite, self._now_ms()))
        decision = rules.decide(view, caller, command)
        if decision is not None:
            if isinstance(decision.event, Joined):
                decision = await self._let_in(view, decision.event, decision, exempt=caller.administrator)
            by_token = rules.granted(caller, command.room)
            if command.invite is not None and isinstance(decision.event, Joined) and decision.event.role != by_token:
                await self._spend(command.invite)
            await self._admit(command.room, caller.user, decision)
        return await self.standing(caller, command.room)

    async def enter(self, code: str, user: str, name: str) -> tuple[Invite, str]:
        """A guest walks in by invitation: membership under `user` with the cleaned name. Raises Rejected."""
        clean = clean_name(name)
        known = await self.invites.peek(code, self._now_ms())
        if known is not None:  # whom the room does not take now costs no use of the invitation
            await self._admission(known, user, clean)
        invite = await self._spend(code)
        await self._admit(invite.room, user, await self._admission(invite, user, clean))
        return invite, clean

    async def _admission(self, invite: Invite, user: str, name: str) -> Decision:
        view = await self._floor_view(Caller(user, name), invite.room)
        decision = rules.decide_admission(view, user, name, invite.role)
        event = decision.event
        return await self._let_in(view, event, decision) if isinstance(event, Joined) else decision

    async def _let_in(self, view: View, event: Joined, decision: Decision, *, exempt: bool = False) -> Decision:
        """A membership that somebody else did not give: not for who is banned, for no guest while the room is locked
        down, under no name that the room's words forbid. Raises Rejected."""
        state = view.state
        if state is None or exempt or (state.conduct is None and view.standing is None and not state.rules):
            return decision
        standing = conduct.standing_of(view.standing)
        may_enter(standing, self._now_ms())
        if event.role == "guest" and conduct.conduct_of(state.conduct).locked_down:
            raise Rejected(ErrorCode.NOT_NOW, "nobody new is let in just now")
        terms = await self.terms(state.room, state.rules)
        if terms is not None and event.role not in rules.MODERATORS and terms.find(event.name):
            raise Rejected(ErrorCode.WORDS_REFUSED, "this name has words in it that this room does not take")
        audience = own_audience(event.user) if standing.shadowed else EVERYONE
        return replace(decision, audience=audience, guard=BoardGuard(rules=state.rules))

    async def invite(self, caller: Caller, room: str, *, role: Role, lives_s: int, uses: int, code: str) -> Invite:
        """A new invitation under `code`. Nobody invites into a rank above their own. Raises Rejected."""
        mine = rules.allow(await self._view(caller, room), caller, "invite")
        if rules.RANK[role] >= rules.RANK[mine]:
            raise Rejected(ErrorCode.FORBIDDEN, "an invitation gives a role below your own")
        invite = Invite(code, room, role, caller.user, self._now_ms() + lives_s * 1000, uses)
        await self.invites.put(invite)
        return invite

    async def admit(self, caller: Caller, room: str, user: str, name: str, role: Role) -> Appended | None:
        """An administrator makes somebody a member, or changes the role of one. Nobody is made owner."""
        if role == "owner":
            raise Rejected(ErrorCode.OWNER_MUST_STAY, "a room keeps the one owner who made it")
        view, member = await gather(self._view(caller, room), self.log.member(room, user))
        if not caller.administrator:
            rules.allow(view, caller, "change_role")
        if member is None:
            if not caller.administrator:
                raise Rejected(ErrorCode.NOT_A_MEMBER, "only members can be given a role")
            return await self._admit(room, user, rules.decide_admission(view, user, name, role))
        if member.role == role:
            return None
        decision = rules.decide_role(view, caller, member, role)
        return await self._append(room, decision, once=f"admit:{user}:{self._new_id()}")

    async def remove(self, caller: Caller, room: str, user: str) -> Appended:
        view, member = await gather(self._view(caller, room), self.log.member(room, user))
        rules.allow(view, caller, "remove_member")
        if member is None:
            raise Rejected(ErrorCode.NOT_A_MEMBER, "there is no such member")
        decision = rules.decide_removal(view, caller, member)
        return await self._append(room, decision, once=f"remove:{user}:{self._new_id()}")

    async def leave(self, caller: Caller, command: Leave) -> Appended | None:
        decision = rules.decide(await self._view(caller, command.room), caller, command)
        if decision is None:
            return None
        return await self._append(command.room, decision, once=f"leave:{caller.user}:{self._new_id()}")

    async def people(self, caller: Caller, room: str) -> People:
        rules.allow(await self._view(caller, room), caller, "read")
        return await self.roll(room)

    async def roll(self, room: str) -> People:
        """Who is here, over all gateways; asked by the gateway itself, for members it already let in."""
        rosters = await self.presence.rosters(room)
        counts: dict[str, int] = {}
        people: dict[str, Person] = {}
        for roster in rosters:
            for languages, count in roster.readers.items():
                counts[languages[0]] = counts.get(languages[0], 0) + count
            people.update((person.user, person) for person in roster.people)
        listed = tuple(sorted(people.values(), key=lambda person: (person.name, person.user)))[:200]
        return People(room=room, total=sum(roster.total for roster in rosters), by_language=counts, people=listed)

    async def glossary(self, caller: Caller, room: str) -> Glossary:
        rules.allow(await self._view(caller, room), caller, "read")
        return await self.log.glossary(room)

    async def change_glossary(self, caller: Caller, command: PutTerm | RemoveTerm) -> Appended:
        view, glossary = await gather(self._view(caller, command.room), self.log.glossary(command.room))
        decision = await self._decided(replace(view, terms=glossary.terms), caller, command)
        return await self._append(command.room, decision, once=own_key(caller, command.once))

    async def configure(self, caller: Caller, command: Configure) -> Appended:
        view, present = await gather(self._view(caller, command.room), self._present(command.room))
        decision = await self._decided(view, caller, command)
        job = None
        event = decision.event if isinstance(decision, Decision) else None
        new_title = isinstance(event, RoomChanged) and view.state is not None and event.title != view.state.title
        if isinstance(event, RoomChanged) and new_title and present.readers:
            job = self._job_text(view, event.title, caller.user, present, ())
        return await self._append(command.room, decision, once=own_key(caller, command.once), job=job)

    async def typist(self, caller: Caller, room: str) -> str | None:
        """The name under which others are told that `caller` is typing; None: nobody is. Raises Rejected when they may
        not speak."""
        view = await self._floor_view(caller, room)
        rules.allow(view, caller, "post")
        manner = await self.manner(view, caller, "post", "typing")
        return rules.name_in(view, caller) if manner.audience == EVERYONE else None

    async def _admit(self, room: str, user: str, decision: Decision) -> Appended:
        """Write a membership. Two devices of one person may come in at the same instant, and a lost answer is asked
        for again: the room must hear of it once, so the once-key is the person's. Who came in before and left since
        is recognised by it too, and is no member: they come in anew, here since that first time."""
        appended = await self._append(room, _since(decision, self._now_ms()), once=f"join:{user}")
        if appended.duplicate and await self.log.member(room, user) is None:
            decision = _since(decision, appended.at_ms)
            return await self._append(room, decision, once=f"join:{user}:{self._new_id()}")
        return appended

    async def _spend(self, code: str) -> Invite:
        invite = await self.invites.spend(code, self._now_ms())
        if invite is None:
            raise Rejected(ErrorCode.INVITE_INVALID)
        return invite


def _since(decision: Decision, at_ms: int) -> Decision:
    """With a membership that says when it began."""
    if not isinstance(decision.change, SetMember):
        return decision
    return replace(decision, change=SetMember(replace(decision.change.member, since_ms=at_ms)))


def glossary_rows(glossary: Glossary) -> tuple[GlossaryTerm, ...]:
    """The terms as clients are shown them."""
    return tuple(
        GlossaryTerm(
            source=term.source, target=term.target, language=term.language, note=term.note, added_by=term.added_by
        )
        for term in glossary.terms
    )
