"""The programme, polls and questions of a hosted room."""

from chat.errors import ErrorCode, Rejected
from chat.live_commands import Stage as StageQuestion
from chat.live_commands import StageCommand
from chat.live_frames import StageFrame
from chat.ports import Appended
from chat.room import Caller
from chat.service.ground import Ground


class Stage(Ground):
    async def on_stage(self, caller: Caller, command: StageCommand) -> Appended | None:
        """Raises Rejected."""
        raise Rejected(ErrorCode.FORBIDDEN)

    async def stage(self, caller: Caller, command: StageQuestion) -> StageFrame:
        """Raises Rejected."""
        raise Rejected(ErrorCode.FORBIDDEN)
