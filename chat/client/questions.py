"""Commands on their way, and their answers.

Invariant: a question ends with its answer, with `Refused` or with `Unanswered` at its deadline, whatever the connection
does meanwhile: what is lost with one is asked again on the next. Every command may be repeated: it carries a once-key
or changes nothing twice. No question outlives its connection under the same id, so a late answer meets nobody.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from websockets.exceptions import ConnectionClosed

from chat.client.backoff import Backoff
from chat.client.codec import encode
from chat.client.failures import Refused, Unanswered
from chat.client.link import Link
from chat.client.rooms import Rooms
from chat.commands import Command, CreateRoom, Join
from chat.frames import (
    Ack,
    ErrorFrame,
    GlossaryFrame,
    NamesFrame,
    Page,
    People,
    Pong,
    PreviewFrame,
    RoomFrame,
    Welcome,
)
from chat.ids import Position
from chat.limits import COMMAND_ID_MAX
from chat.live_frames import DeskFrame, StageFrame


class Lost:
    """What a command hears when its connection ends before its answer."""


_LOST: Final = Lost()
_Answer = Ack | ErrorFrame | Welcome | RoomFrame | Page | People | GlossaryFrame | PreviewFrame | NamesFrame | Pong
Answer = _Answer | DeskFrame | StageFrame
A = TypeVar("A", bound=Answer)


class Questions:
    def __init__(
        self, link: Link, rooms: Rooms, backoff: Backoff, counts: Counter[str], *, answer_within_s: float
    ) -> None:
        self._link = link
        self._rooms = rooms
        self._backoff = backoff
        self._counts = counts
        self._answer_within_s = answer_within_s
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Answer | Lost]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(
        self,
        command: Callable[[int], Command],
        kind: type[A],
        *,
        once: str | None = None,
        within_s: float | None = None,
    ) -> A:
        """Ask until answered."""
        within = self._answer_within_s if within_s is None else within_s
        tries = 0
        try:
            async with asyncio.timeout(within):
                while True:
                    await self._link.wait_ready()
                    self._counts["repeated"] += tries > 0
                    tries += 1
                    answer = await self.attempt(command)
                    if isinstance(answer, Lost):
                        continue
                    if isinstance(answer, kind):
                        return answer
                    if not isinstance(answer, ErrorFrame):
                        raise TypeError(f"asked for {kind.__name__}, answered with {type(answer).__name__}")
                    if not answer.retryable:
                        refused = Refused(answer.code, answer.words, False, answer.retry_after_ms)
                        refused.tries = tries
                        raise refused
                    await asyncio.sleep(self._backoff.delay_s(tries, answer.retry_after_ms))
        except TimeoutError:
            raise Unanswered(f"no answer within {within:g} s", once) from None

    async def do(
        self, command: Callable[[int, str], Command], once: str | None = None, *, within_s: float | None = None
    ) -> Position | None:
        """Ask, under `once` or a new key, until it is done; the position of its entry, where it made one."""
        key = once or new_once_key()
        return (await self.ask(lambda id: command(id, key), Ack, once=key, within_s=within_s)).position

    async def write(
        self, command: Callable[[int, str], Command], once: str | None = None, *, within_s: float | None = None
    ) -> Position:
        """The same for a command that always makes an entry."""
        position = await self.do(command, once, within_s=within_s)
        if position is None:
            raise TypeError("the server acknowledged an entry without its position")
        return position

    async def attempt(self, command: Callable[[int], Command]) -> Answer | Lost:
        """One try on the connection of this moment."""
        socket = self._link.socket
        if socket is None:
            return _LOST
        id = self.new_id()
        asked = command(id)
        answered: asyncio.Future[Answer | Lost] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answered
        if isinstance(asked, Join | CreateRoom):
            self._rooms.ask(asked)
        self._counts["commands"] += 1
        try:
            await socket.send(encode(asked))
            answer = await answered
        except ConnectionClosed:
            # The line may not have heard of it yet. Without this, asking again at once would meet the same closed
            # socket without ever waiting, and the line would never get its turn.
            answer = _LOST
            if self._link.socket is socket:
                self._link.lose()
        finally:
            self._waiting.pop(id, None)
        if isinstance(asked, Join | CreateRoom) and isinstance(answer, ErrorFrame) and not answer.retryable:
            self._rooms.refuse(asked.room)
        return answer

    def answer(self, re: int, answer: Answer) -> None:
        answered = self._waiting.get(re)
        if answered is None or answered.done():
            self._counts["late_answers"] += 1  # its command gave up waiting
            return
        answered.set_result(answer)

    def lose_all(self) -> None:
        """The connection is gone, and every answer with it."""
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_result(_LOST)

    def new_id(self) -> int:
        self._last_id = self._last_id % COMMAND_ID_MAX + 1
        return self._last_id


def new_once_key() -> str:
    """A key for one intent. 96 random bits: two members never choose the same."""
    return secrets.token_hex(12)
