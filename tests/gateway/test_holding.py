"""A room that holds: entries leave in order, each once, none later than its budget."""

from hypothesis import given
from hypothesis import strategies as st

from chat.events import Entry, Event, Joined, Posted, Translated, Untranslated
from gateway.holding import Holding

BUDGET_S = 0.8


def entry(seq: int) -> Entry:
    return Entry("r", "e", seq, 0, "", b"")


def post(written_in: str) -> Posted:
    return Posted(author="a", name="A", text="x", written_in=written_in)


def translated(of: int, revision: int = 0) -> Translated:
    return Translated(
        of=of, revision=revision, language="en", source="zh", text="t", engine="e", package="p", starter=False
    )


def released(holding: Holding, now_s: float) -> list[tuple[int, bool]]:
    return [(held.entry.seq, held.translation is not None) for held in holding.ready(now_s)]


def test_what_the_group_reads_or_nobody_can_tell_does_not_wait() -> None:
    holding = Holding(("en",), BUDGET_S)
    holding.offer(entry(1), post("en"), 0.0)
    holding.offer(entry(2), post(""), 0.0)
    assert released(holding, 0.0) == [(1, False), (2, False)]


def test_a_refusal_ends_the_wait_too() -> None:
    holding = Holding(("en",), BUDGET_S)
    holding.offer(entry(1), post("zh"), 0.0)
    holding.offer(entry(2), Untranslated(of=1, revision=0, language="en", source="zh", reason="doubtful"), 0.1)
    assert released(holding, 0.1) == [(1, False), (2, False)]


def test_the_translation_of_an_edit_is_not_that_of_the_post() -> None:
    holding = Holding(("en",), BUDGET_S)
    holding.offer(entry(1), post("zh"), 0.0)
    holding.offer(entry(2), translated(1, revision=1), 0.1)
    assert released(holding, 0.1) == []


Step = tuple[str, float]


@given(st.lists(st.tuples(st.sampled_from(["foreign", "own", "joined", "translation"]), st.floats(0, 1)), max_size=40))
def test_order_is_kept_and_nobody_waits_longer_than_the_budget(steps: list[Step]) -> None:
    holding, now_s, sent = Holding(("en",), BUDGET_S), 0.0, list[int]()
    offered_at: dict[int, float] = {}
    unanswered: list[int] = []
    for seq, (kind, pause_s) in enumerate(steps, 1):
        now_s += pause_s
        event: Event
        match kind:
            case "foreign":
                event = post("zh")
                unanswered.append(seq)
            case "translation" if unanswered:
                event = translated(unanswered.pop(0))
            case "own":
                event = post("en")
            case _:
                event = Joined(user="u", name="U", role="guest")
        holding.offer(entry(seq), event, now_s)
        offered_at[seq] = now_s
        sent += [seq for seq, _ in released(holding, now_s)]
        due_s = holding.next_due_s()
        assert due_s is None or due_s <= now_s + BUDGET_S
        waiting = [held.entry.seq for held in holding.everything()]
        assert all(now_s - offered_at[seq] < BUDGET_S for seq in waiting)
    sent += [seq for seq, _ in released(holding, now_s + BUDGET_S)]
    assert sent == list(range(1, len(steps) + 1))
