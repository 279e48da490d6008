"""What moderators decide, what is held and reported, and how one may speak."""

from chat.errors import ErrorCode, Rejected
from chat.live_commands import Desk, ModerationCommand
from chat.live_frames import DeskFrame
from chat.ports import Appended
from chat.room import Caller
from chat.service.ground import Ground


class Moderation(Ground):
    async def moderate(self, caller: Caller, command: ModerationCommand) -> Appended | None:
        """Raises Rejected."""
        raise Rejected(ErrorCode.FORBIDDEN)

    async def desk(self, caller: Caller, languages: tuple[str, ...], command: Desk) -> DeskFrame:
        """Raises Rejected."""
        raise Rejected(ErrorCode.FORBIDDEN)
