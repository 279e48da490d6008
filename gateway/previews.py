"""Questions to the translator that have an answer: how would this draft read?

Invariant: every question is answered once, by the worker's whisper or, when that does not come in time (no worker, a
lost whisper), by `Unavailable`. Questions and answers are kept nowhere; at most `WAITING_MAX` wait in one process.
"""

import asyncio
import secrets
from typing import Final

import msgspec

from chat.commands import Preview
from chat.errors import ErrorCode, Rejected, Unavailable
from chat.frames import PreviewFrame
from chat.limits import PREVIEW_WITHIN_S
from chat.ports import PreviewAnswer
from chat.room import Caller
from chat.service import Service

WAITING_MAX: Final = 1_000

_answer = msgspec.msgpack.Decoder(PreviewAnswer)


class Previews:
    def __init__(self, service: Service, reply_to: str) -> None:
        self._service = service
        self._reply_to = reply_to
        self._waiting: dict[str, asyncio.Future[PreviewAnswer]] = {}
        self._counts = {"previews_total": 0, "previews_unanswered_total": 0}

    async def ask(self, caller: Caller, command: Preview) -> PreviewFrame:
        """Raises Rejected, and Unavailable when no answer came in time."""
        if len(self._waiting) >= WAITING_MAX:
            raise Rejected(ErrorCode.TOO_FAST, retry_after_ms=1_000)
        reply_id = secrets.token_hex(8)
        self._waiting[reply_id] = asyncio.get_running_loop().create_future()
        self._counts["previews_total"] += 1
        try:
            async with asyncio.timeout(PREVIEW_WITHIN_S):
                await self._service.preview(caller, command, reply_to=self._reply_to, reply_id=reply_id)
                answer = await self._waiting[reply_id]
        except TimeoutError:
            self._counts["previews_unanswered_total"] += 1
            raise Unavailable("the translator did not answer in time", 1_000) from None
        finally:
            del self._waiting[reply_id]
        return PreviewFrame(
            re=command.id,
            text=answer.target_text,
            back=answer.back_text,
            source=answer.source,
            reason=answer.reason,
            back_reason=answer.back_reason,
            starter=answer.starter,
        )

    def answered(self, payload: bytes) -> None:
        """A whisper to this process's own name."""
        try:
            answer = _answer.decode(payload)
        except msgspec.DecodeError:
            return
        waiting = self._waiting.get(answer.reply_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def statistics(self) -> dict[str, float]:
        return {**self._counts, "previews_waiting": len(self._waiting)}
