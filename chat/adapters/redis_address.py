"""Where an engine listens and how to introduce oneself, as operators write it.

redis-py reads the URL, for commands and for the feed alike: its spelling of options is what operators know, and TLS
must not mean one thing for a command and another for the feed. A cluster is written as Lettuce and Jedis users write
it, with several nodes behind one scheme; of these any one that answers is enough, the others are found by asking.
"""

import re
import ssl
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

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


CLUSTER_SCHEMES: Final = ("redis+cluster://", "rediss+cluster://")
REPLICAS_MAX: Final = 8
_NODE: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:,\[\]\s]+)(?::(\d{1,5}))?\Z")


class Node(NamedTuple):
    """Where one node of a cluster listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """redis+cluster://[[user]:password@]host[:port][,host[:port]...]/[?replicas=n][&option=...], rediss+cluster:// for
    TLS. User, password and options are those of every node."""

    nodes: tuple[Node, ...]
    replicas: int | None = None
    """How many must have what is acknowledged. None: one, if the cluster has replicas."""
    _before: str = "redis://"
    _after: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError, without repeating the URL, which may hold a password."""
        wrong = "the cluster URL is not valid; expected redis+cluster://host:port,host:port/ or rediss+cluster://..."
        if not url.startswith(CLUSTER_SCHEMES):
            raise ValueError(wrong)
        scheme, _, rest = url.partition("+cluster://")
        place, _, query = rest.partition("?")
        authority, _, path = place.partition("/")
        if path not in ("", "0"):
            raise ValueError("a cluster has one database; leave the number away")
        user, at, hosts = authority.rpartition("@")
        found = [_NODE.match(host) for host in hosts.split(",")]
        nodes = tuple(Node(each[1].strip("[]"), int(each[2] or 6379)) for each in found if each is not None)
        if len(nodes) < len(found) or not all(0 < node.port < 65536 for node in nodes):
            raise ValueError(wrong)
        options = dict(parse_qsl(query, keep_blank_values=True))
        asked = options.pop("replicas", None)
        if asked is not None and not (asked.isdecimal() and int(asked) <= REPLICAS_MAX):
            raise ValueError(f"replicas is how many to wait for, 0 to {REPLICAS_MAX}")
        parsed = cls(
            nodes,
            None if asked is None else int(asked),
            f"{scheme}://{user}{at}",
            f"/0?{urlencode(options)}" if options else "/0",
        )
        connection_pool(parsed.url(nodes[0]))  # an option that redis-py does not know is found now
        return parsed

    def url(self, node: Node) -> str:
        """The address of one node."""
        return f"{self._before}{node}{self._after}"


@dataclass(frozen=True, slots=True)
class Address:
    """For connections of our own: of commands and of the feed."""

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
        found = connection_pool(url).make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
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
