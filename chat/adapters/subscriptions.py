"""The way of a feed's rooms from wanted to in force: what was sent and not acknowledged, and who waits for it.

Invariant: a subscription counts when the engine has acknowledged it, and everybody who waits for it is told once: that
it is in force, that the room was unfollowed meanwhile, or that it took too long.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from chat.errors import Unavailable


class Unacknowledged:
    """Subscriptions sent on a wire and not acknowledged. A count: follow, unfollow, follow sends two, and only the
    second acknowledgement says that the last one is in force."""

    def __init__(self) -> None:
        self._sent: Counter[bytes] = Counter()

    def __contains__(self, channel: bytes) -> bool:
        return channel in self._sent

    def sent(self, channels: Iterable[bytes]) -> None:
        self._sent.update(channels)

    def acknowledged(self, channel: bytes) -> bool:
        """Whether it was the last one that was sent."""
        if self._sent[channel] > 1:
            self._sent[channel] -= 1
            return False
        del self._sent[channel]
        return True

    def clear(self) -> None:
        """The wire is lost, and none of them will be acknowledged."""
        self._sent.clear()


class Followers:
    """Those who wait until what they want is in force, by channel."""

    def __init__(self, within_s: float, engine: str, left: Callable[[bytes], None]) -> None:
        """`engine` is who does not confirm, in the words of an error. `left` is called when the last who waited for a
        channel waits no longer, however that ended."""
        self._within_s = within_s
        self._engine = engine
        self._left = left
        self._waiting: dict[bytes, list[asyncio.Future[None]]] = {}

    async def wait(self, channel: bytes) -> None:
        """Raises Unavailable: it took too long, or the room was unfollowed meanwhile."""
        follower = asyncio.get_running_loop().create_future()
        followers = self._waiting.setdefault(channel, [])
        followers.append(follower)
        try:
            async with asyncio.timeout(self._within_s):
                await follower
        except TimeoutError:
            raise Unavailable(f"{self._engine} did not confirm within {self._within_s:g} s") from None
        finally:
            followers.remove(follower)
            if not followers and self._waiting.get(channel) is followers:
                del self._waiting[channel]
                self._left(channel)

    def in_force(self, channel: bytes) -> None:
        for follower in self._waiting.get(channel, ()):
            if not follower.done():
                follower.set_result(None)

    def unfollowed(self, channel: bytes) -> None:
        for follower in self._waiting.pop(channel, []):
            if not follower.done():
                follower.set_exception(Unavailable("the room was unfollowed meanwhile"))
