"""Requests to programs outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program outside answered to a request of ours."""

    status: int
    retry_after_s: float | None
    """As it asks for, where it does and in seconds."""
    body: bytes
    """At most as much as was asked for."""


class Unanswered(Exception):
    """A program outside could not be reached or did not answer in time. The words name no address."""


class Poster(Protocol):
    """Requests to programs outside. Redirects are answers like any other; certificates are verified."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float, body_bytes_max: int = 0
    ) -> Answer:
        """POST, and the answer with its first `body_bytes_max` bytes, all within that time. Raises Unanswered."""
        ...
