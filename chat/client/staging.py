"""The programme, polls and questions of a hosted room, for programs: one method a command. See docs/events.md."""

from collections.abc import Mapping, Sequence

from chat import commands
from chat.client.questions import Questions
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
        own = tuple((versions or {}).items())
        return await self._questions.write(
            lambda id, key: commands.Post(id=id, room=room, text=text, announce=True, versions=own, once=key), once
        )

    async def set_programme(self, room: str, programme: Programme, *, once: str | None = None) -> Position:
        """Its texts are translated under the seq of the returned position."""
        return await self._questions.write(
            lambda id, key: SetProgramme(id=id, room=room, programme=programme, once=key), once
        )

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
        all_options = tuple(options)
        return await self._questions.write(
            lambda id, key: OpenPoll(
                id=id,
                room=room,
                question=question,
                options=all_options,
                choices_max=choices_max,
                answer=answer,
                window_s=window_s,
                once=key,
            ),
            once,
        )

    async def vote_poll(self, room: str, of: int, choices: Sequence[int], *, once: str | None = None) -> None:
        """One's choices, in place of those before; none takes them back."""
        chosen = tuple(choices)
        await self._questions.do(lambda id, key: VotePoll(id=id, room=room, of=of, choices=chosen, once=key), once)

    async def close_poll(self, room: str, of: int, *, withdraw: bool = False, once: str | None = None) -> None:
        """The result is an entry of the room; withdrawn, there is none."""
        await self._questions.do(lambda id, key: ClosePoll(id=id, room=room, of=of, withdraw=withdraw, once=key), once)

    async def ask_stage(self, room: str, text: str, *, once: str | None = None) -> Position:
        """A question to the stage, known by the seq of the returned position."""
        return await self._questions.write(lambda id, key: Ask(id=id, room=room, text=text, once=key), once)

    async def vote_question(self, room: str, of: int, *, on: bool = True, once: str | None = None) -> None:
        await self._questions.do(lambda id, key: VoteQuestion(id=id, room=room, of=of, on=on, once=key), once)

    async def settle_question(self, room: str, of: int, outcome: QuestionOutcome, *, once: str | None = None) -> None:
        await self._questions.do(
            lambda id, key: SettleQuestion(id=id, room=room, of=of, outcome=outcome, once=key), once
        )

    async def stage(self, room: str) -> StageFrame:
        """Programme, open polls and questions, as they stand for us."""
        return await self._questions.ask(lambda id: Stage(id=id, room=room), StageFrame)
