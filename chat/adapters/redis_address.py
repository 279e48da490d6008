"""Where an engine listens and how to introduce oneself, as operators write it.

redis-py reads the URL, for commands and for the feed alike: its spelling of options is what operators know, and TLS
must not mean one thing for a command and another for the feed.
"""

import ssl
from dataclasses import dataclass
from typing import Any, Self

from redis.asyncio.connection import BlockingConnectionPool, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import RedisError


def connection_pool(url: str, **ours: Any) -> BlockingConnectionPool:
    """Connections to redis://[[user]:password@]host[:port][/db], rediss:// for TLS, unix:///path[?db=n].

    What we set goes before what the URL says, unlike in redis-py's `from_url`: an option like `decode_responses` is
    no choice of the operator. Raises ValueError, without repeating the URL, which holds a password.
    """
    try:
        pool = BlockingConnectionPool(**{**parse_url(url), **ours})
        pool.make_connection()  # type: ignore[no-untyped-call]  # does not connect, but an option that it does not know is found now
    except (ValueError, TypeError, RedisError):
        raise ValueError("the Redis URL is not valid; expected redis://, rediss:// or unix:///path") from None
    return pool


@dataclass(frozen=True, slots=True)
class Address:
    """For the feed, which connects by itself."""

    host: str = "localhost"
    port: int = 6379
    socket_path: str | None = None
    username: str = "default"
    password: str | None = None
    database: int = 0
    tls: ssl.SSLContext | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError, without repeating the URL."""
        found = connection_pool(url).make_connection()  # type: ignore[no-untyped-call]
        place: dict[str, Any] = {}
        if isinstance(found, UnixDomainSocketConnection):
            place["socket_path"] = found.path
        else:
            place.update(host=found.host, port=found.port)
        if isinstance(found, SSLConnection):
            place["tls"] = found.ssl_context.get()
        return cls(username=found.username or "default", password=found.password, database=int(found.db), **place)

    def __str__(self) -> str:
        return self.socket_path or f"{self.host}:{self.port}"
