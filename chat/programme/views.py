"""What one reader is shown of polls and questions. An answer of a quiz is in none of it."""

from collections.abc import Mapping, Sequence

from chat.live_frames import PollTallyFrame, PollView, QuestionView
from chat.ports import Tally
from chat.programme.values import PollRow, question_of


def counts_of(poll: PollRow, counts: Mapping[int, int]) -> tuple[int, ...]:
    """In the order of the options; hidden (empty) in a quiz."""
    if poll.opened.quiz:
        return ()
    return tuple(counts.get(option, 0) for option in range(len(poll.opened.options)))


def poll_view(of: int, poll: PollRow, tally: Tally, mine: tuple[int, ...]) -> PollView:
    return PollView(
        of=of, opened=poll.opened, counts=counts_of(poll, tally.counts), voters=tally.voters, mine=tuple(sorted(mine))
    )


def poll_tally(room: str, of: int, poll: PollRow, tally: Tally) -> PollTallyFrame:
    return PollTallyFrame(room=room, of=of, counts=counts_of(poll, tally.counts), voters=tally.voters)


def question_views(
    rows: Mapping[str, bytes], counts: Mapping[int, int], mine: Sequence[int], user: str, *, moderator: bool
) -> tuple[QuestionView, ...]:
    """Most wanted first; what a shadowed member asked is shown to themselves and to moderators."""
    views = []
    for key, row in rows.items():
        question, of = question_of(row), int(key)
        if question.shadowed and not moderator and question.asked.by != user:
            continue
        views.append(
            QuestionView(
                of=of, asked=question.asked, votes=counts.get(of, 0), mine=of in mine, on_stage=question.on_stage
            )
        )
    return tuple(sorted(views, key=lambda view: (-view.votes, view.of)))
