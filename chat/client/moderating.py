"""Moderation, for programs: one method a command. See docs/moderation.md."""

from collections.abc import Sequence

from chat.client.questions import Questions
from chat.conduct import Conduct
from chat.ids import Position
from chat.live_commands import (
    DecideHeld,
    Desk,
    RaiseHand,
    Report,
    Sanction,
    SetConduct,
    SettleReport,
    SetWords,
)
from chat.live_events import SanctionAction, Word
from chat.live_frames import DeskFrame


class Moderating:
    """What `Client` can do for order in a room."""

    _questions: Questions

    async def set_conduct(self, room: str, conduct: Conduct, *, why: str = "", once: str | None = None) -> None:
        """How one may speak from now on, as a whole."""
        await self._questions.do(lambda id, key: SetConduct(id=id, room=room, conduct=conduct, why=why, once=key), once)

    async def sanction(
        self,
        room: str,
        user: str,
        action: SanctionAction,
        *,
        for_s: int = 0,
        why: str = "",
        of: int = 0,
        delete_last: int = 0,
        undoes: int = 0,
        once: str | None = None,
    ) -> Position | None:
        """Decide about a member of a lower rank. The seq of the returned position is what `undoes` asks for."""
        return await self._questions.do(
            lambda id, key: Sanction(
                id=id,
                room=room,
                user=user,
                action=action,
                for_s=for_s,
                why=why,
                of=of,
                delete_last=delete_last,
                undoes=undoes,
                once=key,
            ),
            once,
        )

    async def decide_held(self, room: str, of: int, *, approve: bool, why: str = "", once: str | None = None) -> None:
        """Let a held message through, or refuse it."""
        await self._questions.do(
            lambda id, key: DecideHeld(id=id, room=room, of=of, approve=approve, why=why, once=key), once
        )

    async def report(self, room: str, of: int, *, language: str = "", why: str = "", once: str | None = None) -> None:
        """Report a message as we saw it: in `language`, or the original."""
        await self._questions.do(
            lambda id, key: Report(id=id, room=room, of=of, language=language, why=why, once=key), once
        )

    async def settle_report(self, room: str, of: int, *, remove: bool, why: str = "", once: str | None = None) -> None:
        """Deal with the reports about a message; removing recalls it."""
        await self._questions.do(
            lambda id, key: SettleReport(id=id, room=room, of=of, remove=remove, why=why, once=key), once
        )

    async def set_words(
        self, room: str, words: Sequence[Word], *, lists: Sequence[str] = (), once: str | None = None
    ) -> None:
        """The room's word list, as a whole."""
        rows, on = tuple(words), tuple(lists)
        await self._questions.do(lambda id, key: SetWords(id=id, room=room, words=rows, lists=on, once=key), once)

    async def raise_hand(self, room: str, *, on: bool = True, once: str | None = None) -> None:
        """Ask to speak, or no longer."""
        await self._questions.do(lambda id, key: RaiseHand(id=id, room=room, on=on, once=key), once)

    async def desk(self, room: str) -> DeskFrame:
        """What waits for a moderator, and what stands."""
        return await self._questions.ask(lambda id: Desk(id=id, room=room), DeskFrame)
