"""A room by the clock: a lobby before the start, open, an archive after the end. Phases follow from the programme's
times on the log's clock, so nothing has to happen for one to begin; whoever looks next writes it down.

What the times ask for is done once for each programme: a host who opens the doors early, or keeps the room open after
the end, is not overruled a second later.
"""

from collections.abc import Iterable

from chat.conduct import Phase
from chat.live_events import Programme
from chat.programme.values import PollRow, ProgrammeRow


def phase_at(programme: Programme, now_ms: int) -> Phase | None:
    """The phase that its times ask for; None where they ask for nothing."""
    if programme.ends_ms and now_ms >= programme.ends_ms:
        return "archive"
    if programme.starts_ms:
        return "open" if now_ms >= programme.starts_ms else "lobby"
    return None


def dues_ms(row: ProgrammeRow | None, polls: Iterable[PollRow], now_ms: int) -> tuple[int, ...]:
    """When there is something to be written down: a phase, or the end of a poll."""
    times = {now_ms if poll.sealed else poll.opened.closes_ms for poll in polls if poll.sealed or poll.opened.closes_ms}
    if row is not None:
        programme = row.programme
        asked = phase_at(programme, now_ms)
        times |= {time for time in (programme.starts_ms, programme.ends_ms) if time > now_ms}
        times |= {now_ms} if asked is not None and asked != row.phase else set()
    return tuple(sorted(times))
