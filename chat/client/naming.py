"""Naming ceremonies and name cards, for programs: one method a command. See "Naming" in docs/protocol.md."""

from collections.abc import Sequence

from chat import commands
from chat.client.questions import Questions
from chat.events import Script
from chat.frames import Ack, Card, NamesFrame
from chat.ids import Position


class Naming:
    """What `Client` can do about names."""

    _questions: Questions

    async def open_ceremony(
        self,
        room: str,
        *,
        user: str | None = None,
        script: Script = "han",
        window_s: int = 120,
        once: str | None = None,
    ) -> Position:
        """Ask for a name, for oneself or another member. The ceremony is known by the seq of the returned position."""
        return await self._questions.write(
            lambda id, key: commands.OpenCeremony(
                id=id, room=room, user=user, script=script, window_s=window_s, once=key
            ),
            once,
        )

    async def consent(self, room: str, of: int, *, agree: bool = True, once: str | None = None) -> None:
        """Agree to be named, or decline."""
        await self._questions.do(lambda id, key: commands.Consent(id=id, room=room, of=of, agree=agree, once=key), once)

    async def propose_name(
        self,
        room: str,
        of: int,
        text: str,
        *,
        reason: str = "",
        joke: bool = False,
        pinyin: str | None = None,
        once: str | None = None,
    ) -> Position:
        """Propose `text`. The proposal is known by the seq of the returned position."""
        return await self._questions.write(
            lambda id, key: commands.ProposeName(
                id=id, room=room, of=of, text=text, reason=reason, joke=joke, pinyin=pinyin, once=key
            ),
            once,
        )

    async def vote_name(self, room: str, of: int, proposal: int | None, *, once: str | None = None) -> None:
        """One's one vote; None takes it back."""
        await self._questions.do(
            lambda id, key: commands.VoteName(id=id, room=room, of=of, proposal=proposal, once=key), once
        )

    async def report_proposal(self, room: str, of: int, proposal: int, *, once: str | None = None) -> None:
        """It means something rude; one's own is taken back."""
        await self._questions.do(
            lambda id, key: commands.ReportProposal(id=id, room=room, of=of, proposal=proposal, once=key), once
        )

    async def accept_name(
        self, room: str, of: int, proposal: int, *, also: int | None = None, once: str | None = None
    ) -> None:
        """Take a name, and keep the runner-up `also`."""
        await self._questions.do(
            lambda id, key: commands.AcceptName(id=id, room=room, of=of, proposal=proposal, also=also, once=key), once
        )

    async def end_ceremony(self, room: str, of: int, *, once: str | None = None) -> None:
        """Decline (the one named), or stop it (who asked, or a moderator)."""
        await self._questions.do(lambda id, key: commands.EndCeremony(id=id, room=room, of=of, once=key), once)

    async def set_name(
        self,
        room: str,
        text: str,
        *,
        preferred_for: Sequence[str] | None = None,
        pinyin: str | None = None,
        remove: bool = False,
        once: str | None = None,
    ) -> None:
        """Change one's own card."""
        readers = None if preferred_for is None else tuple(preferred_for)
        await self._questions.do(
            lambda id, key: commands.SetName(
                id=id, room=room, text=text, preferred_for=readers, pinyin=pinyin, remove=remove, once=key
            ),
            once,
        )

    async def names(self, room: str, users: Sequence[str] = ()) -> tuple[Card, ...]:
        """Cards of these members, or of all who have one."""
        wanted = tuple(users)
        frame = await self._questions.ask(lambda id: commands.Names(id=id, room=room, users=wanted), NamesFrame)
        return frame.cards

    async def remark(self, room: str, user: str, text: str) -> None:
        """What we call this member; nobody else sees it."""
        await self._questions.ask(lambda id: commands.Remark(id=id, room=room, user=user, text=text), Ack)

    async def find_people(self, room: str, query: str) -> tuple[Card, ...]:
        """Members by any of their names, best first."""
        frame = await self._questions.ask(lambda id: commands.FindPeople(id=id, room=room, query=query), NamesFrame)
        return frame.cards
