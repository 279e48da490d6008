"""Requests and answers of the REST surface about webhooks."""

import ipaddress
import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from chat.errors import Malformed
from chat.hooks import LETTERS_MAX, DeadLetter, DeliveryId, Endpoint, HookId, Kind
from chat.ids import RoomId, UserId

URL_CHARS_MAX: Final = 500
ROOMS_MAX: Final = 1_000
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+\Z|\[[0-9A-Fa-f:.]+\]\Z")

EndpointUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[!-~]{1,490}(?!\n)$",
        max_length=URL_CHARS_MAX,
        description="https://, or http:// where DIQIUCUN_WEBHOOKS_ALLOW_PRIVATE is set",
    ),
]


class OfHook(Struct, frozen=True):
    hook: HookId


class OfLetter(Struct, frozen=True):
    hook: HookId
    letter: DeliveryId


class LettersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=LETTERS_MAX)] = 100


class HookRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: EndpointUrl
    events: Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=100)]
    rooms: Literal["*"] | Annotated[tuple[RoomId, ...], Meta(min_length=1, max_length=ROOMS_MAX)] = "*"
    """Ids of rooms, or "*": all, those made later included."""


class HookView(Struct, frozen=True, kw_only=True):
    """An endpoint. `off` says why nothing is sent to it, and is empty while it is on."""

    id: HookId
    url: str
    events: tuple[Kind, ...]
    rooms: Literal["*"] | tuple[RoomId, ...]
    active: bool
    off: str
    made_ms: int
    by: UserId


class HookMade(Struct, frozen=True, kw_only=True):
    """A new endpoint. `secret` is shown here and never again."""

    hook: HookView
    secret: str


class HooksPage(Struct, frozen=True, kw_only=True):
    hooks: tuple[HookView, ...]


class LettersPage(Struct, frozen=True, kw_only=True):
    """What was given up, newest first."""

    letters: tuple[DeadLetter, ...]


class Tried(Struct, frozen=True, kw_only=True):
    """How a request to the endpoint ended. `status` is null where it did not answer."""

    delivered: bool
    status: int | None
    words: str
    took_ms: int


def viewed(endpoint: Endpoint) -> HookView:
    return HookView(
        id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        rooms="*" if endpoint.rooms is None else endpoint.rooms,
        active=not endpoint.off,
        off=endpoint.off,
        made_ms=endpoint.made_ms,
        by=endpoint.by,
    )


def checked_url(url: str, *, allow_private: bool) -> str:
    """As it came. Where a name leads is looked at with every request. Raises Malformed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Malformed("`url` cannot be read") from None
    if not host or parts.username is not None or parts.fragment or not _HOST.match(_host_of(parts.netloc)) or port == 0:
        raise Malformed("`url` needs a host and no user, password or fragment; write other scripts as punycode")
    if allow_private:
        return url
    if parts.scheme != "https":
        raise Malformed("`url` begins with https:// here")
    try:
        public = ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        public = host != "localhost"
    if not public:
        raise Malformed("`url` is an address of our own network")
    return url


def _host_of(netloc: str) -> str:
    return re.sub(r":\d*\Z", "", netloc)
