"""Requests to programs outside, over HTTP/1.1 with httpcore (BSD-3-Clause).

Invariant: no connection is made to an address of our own network unless the deployment allows it, whatever the name in
the URL says: names are resolved here and the connection goes to the very address that was looked at, so a name that
changes between the look and the connection ("DNS rebinding") gains nothing. Redirects are never followed, proxies of
the environment never used, an answer is read up to a bound and within one deadline for everything.

Why httpcore and not httpx above it: who connects where is a public seam of httpcore (`AsyncNetworkBackend`) and a
private one of httpx, and cookies, redirects and proxies are what must not happen here.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpcore

from chat.ports import Answer, Unanswered

KEPT_ALIVE: Final = 50
KEPT_ALIVE_S: Final = 30.0
DISCARDED_BYTES_MAX: Final = 64 * 1024
"""Of an answer that nobody wants: read to its end up to here, so that the connection can be used again."""
RETRY_AFTER_CHARS_MAX: Final = 10
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

_FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
    UnicodeError,
)


class Forbidden(httpcore.ConnectError):
    """The address is none of the public network."""


def is_public(address: str) -> bool:
    """Whether an IP address is of the public network, that which it stands for included (IPv4 inside of IPv6)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inside is None and found in _NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return found.is_global and not found.is_multicast


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        rows = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        allowed = [address for address in addresses if self._allow_private or is_public(address)]
        if not allowed:
            raise Forbidden("it is an address of our own network")
        for address in allowed[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(allowed[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature of httpcore
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Forbidden("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HttpPoster:
    """An async context manager; connections are kept for those who are called often."""

    def __init__(self, *, allow_private: bool, certificates: ssl.SSLContext | None = None) -> None:
        """`certificates`: whom to trust; by default the public authorities and those of this machine."""
        self._allow_private = allow_private
        self._certificates = certificates
        self._pool: httpcore.AsyncConnectionPool | None = None
        """Made with the first request: reading certificates takes 60 ms, and most gateways never send one."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float, body_bytes_max: int = 0
    ) -> Answer:
        """Raises Unanswered."""
        sent = [(b"host", urlsplit(url).netloc.encode("ascii", "replace"))]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        sent += [(b"accept", b"application/json"), (b"content-length", str(len(body)).encode())]
        waits = dict.fromkeys(("connect", "read", "write", "pool"), within_s)
        try:
            async with (
                asyncio.timeout(within_s),
                self._opened().stream(
                    "POST", url, headers=sent, content=body, extensions={"timeout": waits}
                ) as response,
            ):
                read, limit = bytearray(), max(body_bytes_max, DISCARDED_BYTES_MAX)
                async for piece in response.aiter_stream():
                    read += piece
                    if len(read) > limit:
                        break
                return Answer(response.status, _retry_after_s(response.headers), bytes(read[:body_bytes_max]))
        except (TimeoutError, httpcore.TimeoutException):
            raise Unanswered(f"no answer within {within_s:g} s") from None
        except Forbidden as forbidden:
            raise Unanswered(f"not sent: {forbidden}") from None
        except _FAILURES as failure:
            raise Unanswered(f"not reached: {type(failure).__name__}") from None

    def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._certificates or _trusted(),
                max_connections=None,
                max_keepalive_connections=KEPT_ALIVE,
                keepalive_expiry=KEPT_ALIVE_S,
                network_backend=_Guarded(allow_private=self._allow_private),
            )
        return self._pool


def _trusted() -> ssl.SSLContext:
    certificates = httpcore.default_ssl_context()
    certificates.load_default_certs()
    return certificates


def _retry_after_s(headers: list[tuple[bytes, bytes]]) -> float | None:
    """Seconds only: an HTTP date there is rare, and our own schedule serves as well."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.strip().isdigit() and len(value) <= RETRY_AFTER_CHARS_MAX:
            return float(value)
    return None
