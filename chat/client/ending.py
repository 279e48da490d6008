"""Why a connection is over, and whether there is a next one.

Invariant: the server's own words decide, where it had the time to send them; a close code is read by its range, so a
code of a newer server has the right fate. What a fresh token can mend is never final while there is a way to get one.
"""

from typing import Final, Self

from chat.errors import ErrorCode
from chat.frames import Closing, ErrorFrame

DO_NOT_RETURN: Final = range(4500, 5000)
"""Close codes that say "do not come back until something on your side has changed"."""
TOKEN_CODES: Final = frozenset({4501, 4502})
"""... namely the token, which a token function can change."""
TOKEN_ERRORS: Final = frozenset({ErrorCode.TOKEN_EXPIRED, ErrorCode.UNAUTHENTICATED})


class Ending(Exception):
    """This connection is over."""

    def __init__(self, code: int, words: str, retry_after_ms: int | None = None, *, final: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.retry_after_ms = retry_after_ms
        self.final = final

    @classmethod
    def closed(cls, code: int, words: str, said: Closing | None, *, renewable: bool) -> Self:
        """The socket was closed. `said`: the frame before it, if there was one."""
        retry_after_ms = said.retry_after_ms if said else None
        mended = code in TOKEN_CODES and renewable
        final = (code in DO_NOT_RETURN or (said is not None and said.retry_after_ms is None)) and not mended
        return cls(said.code if said else code, said.words if said else words, retry_after_ms, final=final)

    @classmethod
    def refused(cls, error: ErrorFrame, *, renewable: bool) -> Self:
        """The hello was refused."""
        mended = error.code in TOKEN_ERRORS and renewable
        final = not (error.retryable or mended)
        return cls(1008, f"{error.code}: {error.words}", error.retry_after_ms, final=final)
