"""What a hosted room shows its audience: the programme, polls and questions to the stage. Pure.

Everything that is open hangs on the room's board as a row (`values`), and every ruling names the rows it stands on: two
who decide about the same poll at once cannot both be right, one of them is `STALE` and decides again (`rulings`).

A count is what the votes in the log say. Each vote changes the box and the row "last_vote" of what it is about in the
same step as it is written down; who closes reads that row, then the box, and appends only while the row has not moved.
Where votes come so fast that it always moves, the box is sealed first: from then on no vote is taken, and there is time
to count.
"""

from chat.programme.phases import dues_ms, phase_at
from chat.programme.rulings import decide, decide_phase, decide_poll_seal, decide_question_seal, decide_run_out
from chat.programme.values import (
    BOX_OF_QUESTIONS,
    LAST_VOTE,
    POLL,
    PROGRAMME,
    QUESTION,
    QUESTIONS_VOTED,
    Count,
    PollRow,
    ProgrammeRow,
    QuestionRow,
    Show,
    latest_programme,
    poll_of,
    question_of,
    questions_voted_of,
)
from chat.programme.views import poll_tally, poll_view, question_views
from chat.programme.words import words_of

__all__ = [
    "BOX_OF_QUESTIONS",
    "LAST_VOTE",
    "POLL",
    "PROGRAMME",
    "QUESTION",
    "QUESTIONS_VOTED",
    "Count",
    "PollRow",
    "ProgrammeRow",
    "QuestionRow",
    "Show",
    "decide",
    "decide_phase",
    "decide_poll_seal",
    "decide_question_seal",
    "decide_run_out",
    "dues_ms",
    "latest_programme",
    "phase_at",
    "poll_of",
    "poll_tally",
    "poll_view",
    "question_of",
    "question_views",
    "questions_voted_of",
    "words_of",
]
