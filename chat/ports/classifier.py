"""A program outside that judges texts."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

UNAVAILABLE: Final = "unavailable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier outside says of a text."""

    what: Literal["allow", "hold", "refuse"]
    why: str = ""
    """In its words, for moderators; `UNAVAILABLE` where it was not asked or did not answer."""


class Classifier(Protocol):
    """A program outside that judges texts before they are said. It always gives a verdict in bounded time: when the
    program is away, the one that the deployment chose for that case."""

    async def judge(self, text: str, author: str, room: str, language: str) -> Verdict:
        """`language` as guessed, "" where it is not known. Never raises but for being cancelled."""
        ...
