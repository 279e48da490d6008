"""Classifier over HTTP: one signed POST for each text, as webhooks are signed, and a verdict in the answer.

Invariant: `judge` answers within its deadline whatever the program outside does. What it answers when the program is
away is the deployment's choice (`fails`): "open" lets texts through, "closed" holds them for a moderator. After
`FAILURES_MAX` failures in a row nobody is asked for `REST_S` (a circuit breaker): a program that is down must not cost
every message its deadline. Then one text asks for all; when it is answered, the others ask again.

The answer is JSON: `{"verdict": "allow" | "hold" | "refuse", "why": "..."}`; whatever else comes is a failure.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from chat.hooks import key_of, signed_headers
from chat.ports import UNAVAILABLE, Poster, Unanswered, Verdict

FAILURES_MAX: Final = 5
REST_S: Final = 30.0
ANSWER_BYTES_MAX: Final = 16 * 1024
WHY_CHARS_MAX: Final = 200
ASKED_AT_ONCE: Final = 64
"""More texts than this at once are not asked about: the program is behind, and a queue here would only grow."""


class Question(Struct, frozen=True, kw_only=True):
    """What the program is sent."""

    type: Literal["message.judge"]
    text: str
    author: str
    room: str
    language: str


class _Answer(Struct, frozen=True, kw_only=True):
    verdict: Literal["allow", "hold", "refuse"]
    why: Annotated[str, Meta(max_length=100_000)] = ""


_answer = msgspec.json.Decoder(_Answer)


class HttpClassifier:
    def __init__(
        self,
        poster: Poster,
        url: str,
        secret: str,
        *,
        within_ms: int,
        fails: Literal["open", "closed"],
        now_ms: Callable[[], int],
        now_s: Callable[[], float],
        new_id: Callable[[], str],
        failures_max: int = FAILURES_MAX,
        rest_s: float = REST_S,
    ) -> None:
        """Raises ValueError for a secret that is none. `now_s` is a monotonic clock, `new_id` gives hexadecimals."""
        key_of(secret)
        self._poster = poster
        self._url = url
        self._secret = secret
        self._within_s = within_ms / 1000
        self._unasked = Verdict("allow" if fails == "open" else "hold", UNAVAILABLE)
        self._now_ms = now_ms
        self._now_s = now_s
        self._new_id = new_id
        self._failures_max = failures_max
        self._rest_s = rest_s
        self._failures = 0
        self._rests_until_s: float | None = None
        self._asking = 0
        self._counts = {"asked_total": 0, "held_total": 0, "refused_total": 0, "failed_total": 0, "unasked_total": 0}

    async def judge(self, text: str, author: str, room: str, language: str) -> Verdict:
        if self._asking >= ASKED_AT_ONCE or self._rests():
            self._counts["unasked_total"] += 1
            return self._unasked
        question = Question(type="message.judge", text=text, author=author, room=room, language=language)
        body = msgspec.json.encode(question)
        headers = signed_headers(self._secret, f"msg_{self._new_id()}", self._now_ms(), body)
        self._counts["asked_total"] += 1
        self._asking += 1
        try:
            async with asyncio.timeout(self._within_s):
                answer = await self._poster.post(
                    self._url, headers, body, within_s=self._within_s, body_bytes_max=ANSWER_BYTES_MAX
                )
            found = _answer.decode(answer.body) if 200 <= answer.status < 300 else None
        except (Unanswered, TimeoutError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        finally:
            self._asking -= 1
        if found is None:
            return self._failed()
        self._failures, self._rests_until_s = 0, None
        if found.verdict != "allow":
            self._counts["held_total" if found.verdict == "hold" else "refused_total"] += 1
        return Verdict(found.verdict, found.why[:WHY_CHARS_MAX])

    def statistics(self) -> dict[str, float]:
        return {**self._counts, "resting": float(self._rests_until_s is not None)}

    def _rests(self) -> bool:
        """Whether nobody is to be asked now. Who comes first after the rest asks for all the others."""
        if self._rests_until_s is None:
            return False
        if self._now_s() < self._rests_until_s:
            return True
        self._rests_until_s = self._now_s() + self._rest_s
        return False

    def _failed(self) -> Verdict:
        self._counts["failed_total"] += 1
        self._failures += 1
        if self._failures >= self._failures_max:
            self._rests_until_s = self._now_s() + self._rest_s
        return self._unasked


NOT_SET: Final = {f"{name}_total": 0.0 for name in ("asked", "held", "refused", "failed", "unasked")} | {"resting": 0.0}
"""`statistics()` where there is none."""
