"""The programme, polls and questions of a hosted room, for programs: one method a command. See docs/events.md."""

import secrets
from collections.abc import Callable, Mapping, Sequence

from chat import commands
from chat.client.questions import Questions
from chat.commands import Command
from chat.frames import Ack
from chat.ids import Position
from chat.live_commands import (
    Ask,
    ClosePoll,
    OpenPoll,
    SetProgramme,
    SettleQuestion,
    Stage,
    VotePoll,
    VoteQuestion,
)
from chat.live_events import Programme, QuestionOutcome
from chat.live_frames import StageFrame


class Staging:
    """What `Client` can do on a stage."""

    _questions: Questions

    async def announce(
        self, room: str, text: str, *, versions: Mapping[str, str] | None = None, once: str | None = None
    ) -> Position:
        """Speak to everybody, as a moderator; `versions` are one's own words by language, in place of translations."""
        key, own = once or _new_key(), tuple((versions or {}).items())
        return await self._placed(
            lambda id: commands.Post(id=id, room=room, text=text, announce=True, versions=own, once=key), key
        )

    async def set_programme(self, room: str, programme: Programme, *, once: str | None = None) -> Position:
        """Its texts are translated under the seq of the returned position."""
        key = once or _new_key()
        return await self._placed(lambda id: SetProgramme(id=id, room=room, programme=programme, once=key), key)

    async def open_poll(
        self,
        room: str,
        question: str,
        options: Sequence[str],
        *,
        choices_max: int = 1,
        answer: int | None = None,
        window_s: int = 0,
        once: str | None = None,
    ) -> Position:
        """A poll, or with `answer` a quiz. It is known by the seq of the returned position."""
        key, all_options = once or _new_key(), tuple(options)
        return await self._placed(
            lambda id: OpenPoll(
                id=id,
                room=room,
                question=question,
                options=all_options,
                choices_max=choices_max,
                answer=answer,
                window_s=window_s,
                once=key,
            ),
            key,
        )

    async def vote_poll(self, room: str, of: int, choices: Sequence[int], *, once: str | None = None) -> None:
        """One's choices, in place of those before; none takes them back."""
        key, chosen = once or _new_key(), tuple(choices)
        await self._done(lambda id: VotePoll(id=id, room=room, of=of, choices=chosen, once=key), key)

    async def close_poll(self, room: str, of: int, *, withdraw: bool = False, once: str | None = None) -> None:
        """The result is an entry of the room; withdrawn, there is none."""
        key = once or _new_key()
        await self._done(lambda id: ClosePoll(id=id, room=room, of=of, withdraw=withdraw, once=key), key)

    async def ask_stage(self, room: str, text: str, *, once: str | None = None) -> Position:
        """A question to the stage, known by the seq of the returned position."""
        key = once or _new_key()
        return await self._placed(lambda id: Ask(id=id, room=room, text=text, once=key), key)

    async def vote_question(self, room: str, of: int, *, on: bool = True, once: str | None = None) -> None:
        key = once or _new_key()
        await self._done(lambda id: VoteQuestion(id=id, room=room, of=of, on=on, once=key), key)

    async def settle_question(self, room: str, of: int, outcome: QuestionOutcome, *, once: str | None = None) -> None:
        key = once or _new_key()
        await self._done(lambda id: SettleQuestion(id=id, room=room, of=of, outcome=outcome, once=key), key)

    async def stage(self, room: str) -> StageFrame:
        """Programme, open polls and questions, as they stand for us."""
        return await self._questions.ask(lambda id: Stage(id=id, room=room), StageFrame)

    async def _done(self, command: Callable[[int], Command], key: str) -> Position | None:
        return (await self._questions.ask(command, Ack, once=key)).position

    async def _placed(self, command: Callable[[int], Command], key: str) -> Position:
        position = await self._done(command, key)
        if position is None:
            raise TypeError("the server did it without a position")
        return position


def _new_key() -> str:
    return secrets.token_hex(12)
