"""The connection of this moment, or none, and the fate of the client that ends the waiting for one.

Invariant: `wait_ready` returns only while a connection is there whose hello was answered, and raises the fate for ever
once there is one. A loss is told by whoever notices it first, the reader of the socket or a sender.
"""

import asyncio

from websockets.asyncio.client import ClientConnection


class Link:
    def __init__(self) -> None:
        self.socket: ClientConnection | None = None
        self.fate: BaseException | None = None
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        return self.socket is not None and self._ready.is_set()

    async def wait_ready(self) -> None:
        await self._ready.wait()
        if self.fate is not None:
            raise self.fate

    def begin(self, socket: ClientConnection) -> None:
        """Commands may go out from now on."""
        self.socket = socket
        self._ready.set()

    def lose(self) -> None:
        self.socket = None
        if self.fate is None:  # whoever waits for a closed client must wake up and hear of it
            self._ready.clear()

    def end(self, fate: BaseException) -> None:
        """There is no next connection. The first fate stays."""
        if self.fate is None:
            self.fate = fate
            self._ready.set()
