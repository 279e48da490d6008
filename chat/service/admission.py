"""How many writes may wait for the log at once: of one member, in one room, in this process.

Invariant: a write is admitted or refused at once, in the same tick, and counted until it is answered. Nobody queues:
behind an engine that has become slow a queue would only grow, and what waits in it is late when it comes out. Who is
refused hears when to try again, with the same once-key, so nothing is lost and nothing is said twice. One member is
refused before one room, and one room before the process, so that those who flood are the first to hear it.

Those whom the room or the process refuses are told different times, one behind the other: a crowd that was refused
together and came back together would find the same full house, again and again, and leave no room for anybody else.
"""

from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Final

from chat.errors import ErrorCode, Rejected, Unavailable
from chat.limits import WRITES_OF_MEMBER_MAX, WRITES_OF_PROCESS_MAX, WRITES_OF_ROOM_MAX

RETRY_MEMBER_MS: Final = 500
RETRY_MS: Final = 1_000
"""Clients add a pause of their own, drawn and doubling. As many are asked back in this time as may be under way."""
RETRY_MAX_MS: Final = 15_000
"""Nobody is sent away for longer: by then all may be quiet."""


class Admission:
    """One per process."""

    def __init__(
        self,
        of_member_max: int = WRITES_OF_MEMBER_MAX,
        of_room_max: int = WRITES_OF_ROOM_MAX,
        of_process_max: int = WRITES_OF_PROCESS_MAX,
        *,
        now_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._now_ms = now_ms
        self._asked_back_ms = 0.0
        """When the last of those who were refused may come back."""
        self._of_member_max = of_member_max
        self._of_room_max = of_room_max
        self._of_process_max = of_process_max
        self._members: Counter[str] = Counter()
        self._rooms: Counter[str] = Counter()
        self._under_way = 0
        self._refused = {"member": 0, "room": 0, "process": 0}

    def of(self, member: str, room: str) -> "Admitted":
        """Hold what comes back, with `with`, until the write is answered. Raises Rejected (the member has too many),
        Unavailable (the room, or the process)."""
        if self._members[member] >= self._of_member_max:
            self._refused["member"] += 1
            raise Rejected(ErrorCode.TOO_FAST, "you have too many messages on their way", RETRY_MEMBER_MS)
        if self._rooms[room] >= self._of_room_max:
            self._refused["room"] += 1
            raise Unavailable("too many messages are on their way into this room; try again shortly", self._later_ms())
        if self._under_way >= self._of_process_max:
            self._refused["process"] += 1
            raise Unavailable("too many messages are on their way; try again shortly", self._later_ms())
        self._members[member] += 1
        self._rooms[room] += 1
        self._under_way += 1
        return Admitted(self, member, room)

    def _later_ms(self) -> int:
        now_ms = self._now_ms()
        behind_ms = self._asked_back_ms + RETRY_MS / self._of_process_max
        self._asked_back_ms = min(max(behind_ms, now_ms + RETRY_MS), now_ms + RETRY_MAX_MS)
        return round(self._asked_back_ms - now_ms)

    def end(self, member: str, room: str) -> None:
        """An admitted write was answered."""
        self._under_way -= 1
        for counts, key in ((self._members, member), (self._rooms, room)):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]

    def statistics(self) -> dict[str, int]:
        return {
            "writes_under_way": self._under_way,
            **{f"writes_refused_by_{bound}_total": count for bound, count in self._refused.items()},
        }


class Admitted:
    """One write that is under way. Counted from when it was made."""

    __slots__ = ("_admission", "_member", "_room")

    def __init__(self, admission: Admission, member: str, room: str) -> None:
        self._admission = admission
        self._member = member
        self._room = room

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.end(self._member, self._room)
