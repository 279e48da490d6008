"""A fair sample: everybody under the readable rate, the quiet first above it, hosts always, and the truth."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.events import Entry, Mention, Posted, Recalled, Translated
from chat.wire import encode_event
from gateway.sampling import LATELY_S, Onward, Sample


def post(seq: int, author: str, *, mentions: str = "", announcement: bool = False) -> tuple[Entry, Posted]:
    event = Posted(
        author=author,
        name=author,
        text=f"@{mentions} hello",
        mentions=tuple(Mention(user, f"@{user}") for user in mentions.split()),
        purpose="announcement" if announcement else "message",
    )
    return Entry("r", "e", seq, 0, "", encode_event(event)), event


def everybody(onward: list[Onward]) -> list[int]:
    return [each.entry.seq for each in onward if each.only is None]


def crowded(per_s: int = 4, hosts: frozenset[str] = frozenset()) -> Sample:
    """A sample whose readable rate is used up."""
    sample = Sample(per_s, 0.0, hosts)
    for number in range(per_s):
        assert everybody(sample.offer(*post(number + 1, f"first{number}"), 0.0)) == [number + 1]
    return sample


def test_under_the_readable_rate_everybody_receives_everything_at_once():
    sample = Sample(4, 0.0)
    for second in range(20):
        assert everybody(sample.offer(*post(second + 1, "ann"), second / 3)) == [second + 1]
    assert not sample.waits


def test_above_it_those_of_whom_least_was_shown_come_first():
    sample = crowded()
    assert sample.offer(*post(5, "first0"), 0.0) == []
    for seq, author in ((6, "first1"), (7, "new"), (8, "first2")):
        assert sample.offer(*post(seq, author), 0.1) == []
    onward, left = sample.close_window(sample.due_s())
    assert everybody(onward) == [7]
    assert left == [5, 6, 8]
    assert sample.left == 3


def test_a_flood_of_one_does_not_crowd_out_another():
    sample = crowded(10)
    for seq in range(20, 40):
        sample.offer(*post(seq, "flood"), 0.0)
    sample.offer(*post(40, "quiet"), 0.0)
    onward, _ = sample.close_window(sample.due_s())
    assert everybody(onward) == [20, 40]


def test_hosts_and_announcements_always_arrive_and_nothing_overtakes():
    sample = crowded(hosts=frozenset({"host"}))
    sample.offer(*post(5, "first0"), 0.0)
    assert sample.offer(*post(6, "host"), 0.0) == []
    sample.offer(*post(7, "first1", announcement=True), 0.0)
    onward, left = sample.close_window(0.0)
    assert everybody(onward) == [6, 7]
    assert left == [5]
    assert [each.entry.seq for each in onward] == [5, 6, 7]


def test_author_and_mentioned_receive_what_is_left_out_and_its_translation():
    sample = crowded()
    sample.offer(*post(5, "first0", mentions="bob"), 0.0)
    onward, left = sample.close_window(0.0)
    assert left == [5]
    assert onward[0].only == {"first0", "bob"}
    made = Translated(of=5, revision=0, language="en", source="zh", text="x", engine="e", package="p")
    entry = Entry("r", "e", 6, 0, "en", encode_event(made))
    assert sample.offer(entry, made, 0.1) == [Onward(entry, frozenset({"first0", "bob"}))]
    sample.offer(*post(7, "first2"), 0.1)
    behind = Entry("r", "e", 8, 0, "en", encode_event(made))
    assert sample.offer(behind, made, 0.1) == [], "nothing overtakes what waits"
    onward, _ = sample.close_window(0.2)
    assert [each.entry.seq for each in onward] == [7, 8]
    gone = Recalled(of=5, by="first0", author="first0")
    entry = Entry("r", "e", 9, 0, "", encode_event(gone))
    assert sample.offer(entry, gone, 0.2) == [Onward(entry)], "whoever pages back has it on the screen"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 6), st.booleans()), max_size=60),
    st.integers(1, 10),
)
def test_nothing_is_twice_nor_forgotten_nor_out_of_order(said: list[tuple[float, int, bool]], per_s: int):
    sample, now_s, seqs, told = Sample(per_s, 0.0), 0.0, [], 0

    def take(onward: list[Onward], left: list[int]) -> None:
        nonlocal told
        seqs.extend(each.entry.seq for each in onward)
        told += len(left)
        assert sum(each.only is not None for each in onward) == len(left)

    for seq, (pause_s, author, announcement) in enumerate(said, 1):
        now_s += pause_s
        if sample.waits and sample.due_s() <= now_s:
            take(*sample.close_window(sample.due_s()))
        take(sample.offer(*post(seq, str(author), announcement=announcement), now_s), [])
        assert not sample.waits or sample.due_s() <= now_s + sample.window_s
    take(*sample.close_window(now_s + sample.window_s))
    assert seqs == list(range(1, len(said) + 1))
    assert told == sample.left


def test_what_was_shown_of_an_author_is_kept_for_as_long_as_it_counts():
    """Nobody asks for the count of a host, nor of anybody under the readable rate: it grew by every post, for ever."""
    sample = Sample(4, 0.0, frozenset(("host",)))
    for number in range(100):
        for author in ("host", "ann"):
            sample.offer(*post(number + 1, author), number * LATELY_S / 2)
    assert [len(sample._shown[author].times_s) for author in ("host", "ann")] == [3, 3]
