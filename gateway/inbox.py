"""What one client sent and was not worked on yet. Invariant: its messages are worked on one after the other, in the
order they came, and after the last of them, once, its leaving; what comes after the end is dropped.

A task lives only while there is something to do, and so does the queue: of an idle member nothing is kept here. A
task with its coroutines, an asyncio.Queue and events that wait for ever would be kilobytes of each member. Reading
stops when a message waits behind another and goes on when the last one is taken up: what waits is at most what one read
of the socket brought. Who says one thing at a time is never stopped: that costs two system calls a message.
"""

from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol


class Owner(Protocol):
    """Whose inbox it is."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it as a task."""
        ...

    def read_on(self) -> None:
        """Nothing waits here any more."""
        ...

    async def work(self, message: bytes) -> None:
        """Never raises, except by cancellation."""
        ...

    async def leave(self) -> None:
        """The client has gone."""
        ...

    def abandoned(self) -> None:
        """The work was cancelled: nobody will answer this client any more. `leave` follows."""
        ...


class Inbox:
    __slots__ = ("_ended", "_owner", "_waiting")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._ended = False
        self._waiting: deque[bytes] | None = None
        """None while no task works."""

    def put(self, message: bytes) -> bool:
        """A message of the client. True when it waits for another one: read no more until `read_on`."""
        if self._ended:
            return False
        if self._waiting is not None:
            self._waiting.append(message)
            return True
        self._waiting = deque((message,))
        self._owner.start(self._work(self._waiting))
        return False

    def put_nowait(self, event: Any) -> None:
        """An ASGI event, as uvicorn puts it into its queue: this stands in that queue's place."""
        if event["type"] == "websocket.receive":
            data = event.get("bytes")
            self.put(data if data is not None else event["text"].encode())
        elif event["type"] == "websocket.disconnect":
            self.end()

    def end(self) -> None:
        """The client has gone, or is told to. Idempotent."""
        if self._ended:
            return
        self._ended = True
        if self._waiting is None:
            self._waiting = deque()
            self._owner.start(self._work(self._waiting))

    async def _work(self, waiting: deque[bytes]) -> None:
        owner = self._owner
        try:
            while waiting:
                message = waiting.popleft()
                if not waiting and not self._ended:
                    owner.read_on()
                await owner.work(message)
        except BaseException:
            self._ended = True
            owner.abandoned()
            raise
        finally:
            if self._ended:
                await owner.leave()
            else:
                self._waiting = None
