"""What a command may raise: the server said no, nobody knows, or the client is closed. A broken connection is none of
them: it is the client's business and never reaches the program as an exception."""

from chat.errors import CommandFailed, ErrorCode


class Refused(CommandFailed):
    """The server answered a command with an error. `code` stays a plain word when a newer server invented it."""

    def __init__(self, code: str, words: str, retryable: bool, retry_after_ms: int | None) -> None:
        known = code in ErrorCode.__members__.values()
        super().__init__(ErrorCode(code) if known else code, words or code, retry_after_ms)  # type: ignore[arg-type]  # a code newer than this client stays a str
        self.retryable = retryable
        self.tries = 1


class Unanswered(Exception):
    """The deadline passed without an answer: nobody here knows whether it was done. Asking again with the same
    once-key is safe for 48 hours."""

    def __init__(self, words: str, once: str | None) -> None:
        super().__init__(words)
        self.once = once


class Closed(Exception):
    """The client is closed and does not come back: `close()` was called (code 1000), or the server said so."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words
