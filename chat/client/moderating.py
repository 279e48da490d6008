"""Moderation, for programs: one method a command. See docs/moderation.md."""

import secrets
from collections.abc import Callable, Sequence

from chat.client.questions import Questions
from chat.commands import Command
from chat.conduct import Conduct
from chat.frames import Ack
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
        key = once or secrets.token_hex(12)
        await self._decide(lambda id: SetConduct(id=id, room=room, conduct=conduct, why=why, once=key), key)

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
        key = once or secrets.token_hex(12)
        return await self._decide(
            lambda id: Sanction(
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
            key,
        )

    async def decide_held(self, room: str, of: int, *, approve: bool, why: str = "", once: str | None = None) -> None:
        """Let a held message through, or refuse it."""
        key = once or secrets.token_hex(12)
        await self._decide(lambda id: DecideHeld(id=id, room=room, of=of, approve=approve, why=why, once=key), key)

    async def report(self, room: str, of: int, *, language: str = "", why: str = "", once: str | None = None) -> None:
        """Report a message as we saw it: in `language`, or the original."""
        key = once or secrets.token_hex(12)
        await self._decide(lambda id: Report(id=id, room=room, of=of, language=language, why=why, once=key), key)

    async def settle_report(self, room: str, of: int, *, remove: bool, why: str = "", once: str | None = None) -> None:
        """Deal with the reports about a message; removing recalls it."""
        key = once or secrets.token_hex(12)
        await self._decide(lambda id: SettleReport(id=id, room=room, of=of, remove=remove, why=why, once=key), key)

    async def set_words(
        self, room: str, words: Sequence[Word], *, lists: Sequence[str] = (), once: str | None = None
    ) -> None:
        """The room's word list, as a whole."""
        key, rows, on = once or secrets.token_hex(12), tuple(words), tuple(lists)
        await self._decide(lambda id: SetWords(id=id, room=room, words=rows, lists=on, once=key), key)

    async def raise_hand(self, room: str, *, on: bool = True, once: str | None = None) -> None:
        """Ask to speak, or no longer."""
        key = once or secrets.token_hex(12)
        await self._decide(lambda id: RaiseHand(id=id, room=room, on=on, once=key), key)

    async def desk(self, room: str) -> DeskFrame:
        """What waits for a moderator, and what stands."""
        return await self._questions.ask(lambda id: Desk(id=id, room=room), DeskFrame)

    async def _decide(self, command: Callable[[int], Command], key: str) -> Position | None:
        return (await self._questions.ask(command, Ack, once=key)).position
