"""The REST surface: one table of operations, and what they need.

Nothing here knows HTTP libraries: `http.py` turns a request into a `Call` and an answer into bytes, `openapi.py` turns
the same table into the document. Each noun has a module with its rows and a short coroutine for each row. Permissions
are asked through `chat.service` and `room.allow`, nowhere else.
"""

import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Final

from chat import room as rules
from chat.errors import ErrorCode, Rejected
from chat.limits import POSTS_BURST, POSTS_PER_S
from chat.ports import RoomState
from chat.room import Caller, View
from chat.service import Service
from gateway import (
    entering,
    exporting,
    glossary,
    inviting,
    members,
    messages,
    moderating,
    naming,
    poster,
    rooms,
    staging,
)
from gateway.operation import Operation
from gateway.picture import Painter
from gateway.quotas import Quotas
from gateway.tokens import TokenKeys
from gateway.webhooks import operations as webhooks_operations
from gateway.webhooks.operations import Webhooks

LOOKS_PER_S: Final = 2.0
LOOKS_BURST: Final = 600
"""Looks at invitations from one address: a full hall opens the same link at once; a guesser of codes gains nothing."""

NOBODY: Final = Caller(user="", name="")

OPERATIONS: Final[tuple[Operation, ...]] = (
    *entering.OPERATIONS,
    *rooms.OPERATIONS,
    *members.OPERATIONS,
    *inviting.OPERATIONS,
    *messages.OPERATIONS,
    *glossary.OPERATIONS,
    *naming.OPERATIONS,
    *exporting.OPERATIONS,
    *poster.OPERATIONS,
    *staging.OPERATIONS,
    *moderating.OPERATIONS,
    *webhooks_operations.OPERATIONS,
)
"""In the order of the documents."""


class Api:
    """What the operations need."""

    def __init__(
        self,
        service: Service,
        keys: TokenKeys,
        webhooks: Webhooks,
        *,
        public_url: str | None,
        guest_token_days: int,
        enter_per_minute: float,
        enter_burst: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        now_s: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: token_hex(12),
    ) -> None:
        self.service = service
        self.keys = keys
        self.webhooks = webhooks
        self.public_url = public_url
        self.guest_token_days = guest_token_days
        self.now_ms = now_ms
        self.now_s = now_s
        self.new_id = new_id
        self.entering = Quotas(enter_per_minute / 60, enter_burst)
        self.looking = Quotas(LOOKS_PER_S, LOOKS_BURST)
        self.posting = Quotas(POSTS_PER_S, POSTS_BURST)
        self.naming = Quotas(naming.LOOKS_PER_S, naming.LOOKS_BURST)
        self.painter = Painter()

    def statistics(self) -> dict[str, float]:
        return {
            "rest_enter_refused_total": self.entering.refused,
            "rest_invite_looks_refused_total": self.looking.refused,
            "rest_posts_refused_total": self.posting.refused,
            "rest_name_looks_refused_total": self.naming.refused,
            "cards_drawn_total": self.painter.drawn,
        }

    def spend(self, quotas: Quotas, key: str) -> None:
        """Raises Rejected(TOO_FAST)."""
        wait_ms = quotas.take(key, self.now_s())
        if wait_ms:
            raise Rejected(ErrorCode.TOO_FAST, retry_after_ms=wait_ms)

    def spend_post(self, caller: Caller) -> None:
        """Raises Rejected(TOO_FAST). A backend has no rate: it speaks for many."""
        if not caller.administrator:
            self.spend(self.posting, caller.user)

    async def allowed(self, caller: Caller, room: str, action: str) -> RoomState:
        """The room, if `caller` may do `action` in it. Raises Rejected."""
        state = await self.service.log.state(room)
        rules.allow(View(state, await self.service.log.member(room, caller.user)), caller, action)
        if state is None:
            raise Rejected(ErrorCode.ROOM_NOT_FOUND)
        return state


def by_path() -> Mapping[str, dict[str, Operation]]:
    """The operations of each path, by method."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return paths
