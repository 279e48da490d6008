"""Fan-out: the same bytes for equal readers, joined per tick, in order, and nobody twice."""

from collections.abc import Callable

from chat.events import Entry, Posted, Translated
from chat.frames import EntryFrame, Person, TypingFrame
from chat.wire import Codec, encode_event, encode_frame
from gateway.catchup import Catchup
from gateway.hub import Hub, Seat
from gateway.outbox import Outbox
from tests.support.fake_socket import FakeSocket


class Tick:
    """A loop tick by hand."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def schedule(self, flush: Callable[[], None]) -> None:
        self.due.append(flush)

    def end(self) -> None:
        due, self.due = self.due, []
        for flush in due:
            flush()


def posted(seq: int, text: str = "hi") -> Entry:
    event = Posted(author="a", name="A", text=text)
    return Entry("r", "e", seq, 0, "", encode_event(event))


def translated(seq: int, of: int, language: str) -> Entry:
    event = Translated(of=of, revision=0, language=language, source="zh", text="t", engine="e", package="p")
    return Entry("r", "e", seq, 0, language, encode_event(event))


def sit(
    hub: Hub, user: str, *languages: str, codec: Codec = Codec.MSGPACK, live: bool = True
) -> tuple[FakeSocket, Outbox, Catchup]:
    socket = FakeSocket(codec)
    outbox, catchup = Outbox(socket, lambda reason: None), Catchup(0)
    here = hub.enter("r", Seat(outbox, codec, Person(user=user, name=user, languages=languages)), catchup)
    if live:
        here.go_live(outbox)
    return socket, outbox, catchup


def seqs(socket: FakeSocket) -> list[int]:
    return [frame.seq for frame in socket.frames if isinstance(frame, EntryFrame)]


def test_equal_readers_share_the_very_same_bytes() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    (one, _, _), (two, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh")
    hub.deliver(posted(1))
    tick.end()
    assert one.raw[0] is two.raw[0]


def test_a_burst_is_one_write_per_member() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    socket, _, _ = sit(hub, "a", "zh")
    for seq in range(1, 17):
        hub.deliver(posted(seq))
    tick.end()
    assert socket.writes == 1
    assert seqs(socket) == list(range(1, 17))


def test_a_translation_reaches_only_its_readers() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    (zh, _, _), (en, _, _), (both, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "en"), sit(hub, "c", "zh", "en")
    hub.deliver(posted(1))
    hub.deliver(translated(2, 1, "en"))
    hub.deliver(translated(3, 1, "zh"))
    tick.end()
    assert (seqs(zh), seqs(en), seqs(both)) == ([1, 3], [1, 2], [1, 2, 3])


def test_both_codecs_receive_the_same_entry() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    (packed, _, _), (json, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh", codec=Codec.JSON)
    hub.deliver(posted(1, "你好 🐱"))
    tick.end()
    assert packed.frames == json.frames


def test_who_goes_live_in_the_middle_of_a_tick_gets_each_entry_once() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    sit(hub, "a", "zh")
    late, outbox, _ = sit(hub, "b", "zh", live=False)
    hub.deliver(posted(1))
    hub.rooms["r"].go_live(outbox)
    hub.deliver(posted(2))
    tick.end()
    assert seqs(late) == [1, 2]


def test_who_leaves_in_the_middle_of_a_tick_still_has_what_came_before() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    socket, outbox, _ = sit(hub, "a", "zh")
    hub.deliver(posted(1))
    assert hub.leave("r", outbox)
    hub.deliver(posted(2))
    tick.end()
    assert seqs(socket) == [1]
    assert hub.rooms == {}


def test_a_change_of_languages_counts_from_the_next_entry() -> None:
    tick = Tick()
    hub = Hub(tick.schedule)
    socket, outbox, _ = sit(hub, "a", "zh")
    hub.deliver(translated(1, 1, "zh"))
    hub.rooms["r"].change_languages(outbox, ("en",))
    hub.deliver(translated(2, 1, "zh"))
    hub.deliver(translated(3, 1, "en"))
    tick.end()
    assert seqs(socket) == [1, 3]
    assert hub.rooms["r"].readers == {("en",): 1}


def test_the_roster_counts_everybody_and_names_at_most_200() -> None:
    hub = Hub(lambda flush: None)
    for number in range(250):
        sit(hub, f"u{number}", "zh" if number % 2 else "en")
    roster = hub.rooms["r"].roster()
    assert (roster.total, len(roster.people)) == (250, 200)
    assert roster.readers == {("en",): 125, ("zh",): 125}


def test_a_whisper_is_shed_by_those_who_lag() -> None:
    hub = Hub(lambda flush: None)
    (quick, _, _), (slow, slow_outbox, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh")
    slow_outbox.pause()
    hub.rooms["r"].whisper(lambda codec: encode_frame(TypingFrame(room="r", user="x", name="X"), codec))
    assert (quick.writes, slow.writes) == (1, 0)
