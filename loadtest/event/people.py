"""The audience with its connections: walking in by the invitation, saying something, coming back."""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from chat.commands import Hello, Join, Resume
from chat.ids import Position
from loadtest.event.seat import Evening, Seat
from loadtest.raw import Making, RawMember

ROOM: Final = "concert"
TRY_AGAIN_S: Final = (0.2, 1.5)
ADDRESSES: Final = 200
"""Of the loopback, that people call from."""
_BINARY: Final = 0x2


class Guest(RawMember):
    """One of the audience, connected."""

    evening: Evening
    seat: Seat

    @classmethod
    async def arrive(cls, port: int, evening: Evening, seat: Seat) -> "Guest":
        """Raises OSError, TimeoutError."""

        def gone() -> None:
            seat.closed = True

        guest = await cls.connect(port, source=f"127.0.1.{1 + seat.number % ADDRESSES}", on_gone=gone)
        assert isinstance(guest, Guest)
        guest.evening, guest.seat = evening, seat
        return guest

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode != _BINARY:
            super()._frame(opcode, payload)
            return
        heard = self.evening.decode(payload)
        if heard.frame is not None:
            self._told(heard.frame)
        else:
            self.seat.hear(heard, self.evening, time.monotonic())

    def lose_connection(self) -> None:
        self.seat.left = True
        self.close()


async def wait_until(due: float) -> None:
    """`due` on the monotonic clock; at once when that is past."""
    await asyncio.sleep(max(0.0, due - time.monotonic()))


async def walk_in(port: int, evening: Evening, number: int, token: str, invite: str, due: float) -> Guest:
    """Raises OSError, TimeoutError."""
    await wait_until(due)
    guest = await Guest.arrive(port, evening, Seat(number))
    await guest.ask(partial(Hello, token=token, languages=guest.seat.languages))
    room = await guest.ask(partial(Join, room=ROOM, invite=invite))
    guest.seat.sit_down(Position(*room["head"]), time.monotonic())
    evening.told["walked in"] += 1
    return guest


async def come_back(port: int, evening: Evening, before: Seat, token: str, due: float) -> Guest:
    """Again and again until they are in their room again, from what they saw last or with word of a gap."""
    await wait_until(due)
    where = Position(before.epoch, before.last)
    while True:
        guest, seat = None, Seat(before.number, returned=True)
        seat.sit_down(where, float("inf"))
        try:
            guest = await Guest.arrive(port, evening, seat)
            rooms = (Resume(room=ROOM, position=where),)
            room = await guest.ask(partial(Hello, token=token, languages=seat.languages, rooms=rooms))
            if room["type"] != "room":
                raise ConnectionError(f"not let back in: {room.get('refused')}")
        except (OSError, TimeoutError):
            if guest is not None:
                guest.close()
            evening.told["tried again"] += 1
            await asyncio.sleep(random.uniform(*TRY_AGAIN_S))
            continue
        if not room["recovered"]:
            seat.gap, seat.first = True, room["head"][1]  # delivery starts there
        seat.since = evening.back_at = time.monotonic()
        evening.told["came back"] += 1
        return guest


def tell(member: RawMember, evening: Evening, what: str, make: Making) -> None:
    """Without waiting; the answer is counted, under `what` when it is no error."""

    def answered(frame: dict[str, Any]) -> None:
        if frame["type"] == "ack":
            evening.told[what] += 1
        else:
            evening.refused[f"{what}: {frame.get('code', frame['type'])}"] += 1

    member.tell(make, answered)


async def at_times(acts: list[tuple[float, Callable[[float], None]]], began: float) -> None:
    """Each act at its time, whatever became of the ones before; it is told that time, on the monotonic clock."""
    for due_s, act in sorted(acts, key=lambda each: each[0]):
        await wait_until(began + due_s)
        act(began + due_s)
