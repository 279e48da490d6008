"""Fan-out: the same bytes for equal readers, joined per tick, in order, and nobody twice."""

from collections.abc import Callable

from chat.events import Entry, Posted, Translated
from chat.frames import EntryFrame, Person, TypingFrame
from chat.ports import RoomSettings
from chat.wire import Codec, encode_event, encode_frame
from gateway.catchup import Catchup
from gateway.hub import Hub, Seat, Timers
from gateway.outbox import Outbox
from tests.support.fake_socket import FakeSocket


class Tick:
    """A loop tick by hand."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []
        self.now_s = 0.0
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.timers = Timers(
            self.schedule, lambda s, then: self.later.append((self.now_s + s, then)), lambda: self.now_s
        )

    def schedule(self, flush: Callable[[], None]) -> None:
        self.due.append(flush)

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        due = [then for at_s, then in self.later if at_s <= self.now_s]
        self.later = [(at_s, then) for at_s, then in self.later if at_s > self.now_s]
        for then in due:
            then()
        self.end()

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
    hub = Hub(tick.timers)
    (one, _, _), (two, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh")
    hub.deliver(posted(1))
    tick.end()
    assert one.raw[0] is two.raw[0]


def test_a_burst_is_one_write_per_member() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    socket, _, _ = sit(hub, "a", "zh")
    for seq in range(1, 17):
        hub.deliver(posted(seq))
    tick.end()
    assert socket.writes == 1
    assert seqs(socket) == list(range(1, 17))


def test_a_translation_reaches_only_its_readers() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    (zh, _, _), (en, _, _), (both, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "en"), sit(hub, "c", "zh", "en")
    hub.deliver(posted(1))
    hub.deliver(translated(2, 1, "en"))
    hub.deliver(translated(3, 1, "zh"))
    tick.end()
    assert (seqs(zh), seqs(en), seqs(both)) == ([1, 3], [1, 2], [1, 2, 3])


def test_both_codecs_receive_the_same_entry() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    (packed, _, _), (json, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh", codec=Codec.JSON)
    hub.deliver(posted(1, "你好 🐱"))
    tick.end()
    assert packed.frames == json.frames


def test_who_goes_live_in_the_middle_of_a_tick_gets_each_entry_once() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    sit(hub, "a", "zh")
    late, outbox, _ = sit(hub, "b", "zh", live=False)
    hub.deliver(posted(1))
    hub.rooms["r"].go_live(outbox)
    hub.deliver(posted(2))
    tick.end()
    assert seqs(late) == [1, 2]


def test_who_leaves_in_the_middle_of_a_tick_still_has_what_came_before() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    socket, outbox, _ = sit(hub, "a", "zh")
    hub.deliver(posted(1))
    assert hub.leave("r", outbox)
    hub.deliver(posted(2))
    tick.end()
    assert seqs(socket) == [1]
    assert hub.rooms == {}


def test_a_change_of_languages_counts_from_the_next_entry() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    socket, outbox, _ = sit(hub, "a", "zh")
    hub.deliver(translated(1, 1, "zh"))
    hub.rooms["r"].change_languages(outbox, ("en",))
    hub.deliver(translated(2, 1, "zh"))
    hub.deliver(translated(3, 1, "en"))
    tick.end()
    assert seqs(socket) == [1, 3]
    assert hub.rooms["r"].readers == {("en",): 1}


def test_the_roster_counts_everybody_and_names_at_most_200() -> None:
    hub = Hub(Tick().timers)
    for number in range(250):
        sit(hub, f"u{number}", "zh" if number % 2 else "en")
    roster = hub.rooms["r"].roster()
    assert (roster.total, len(roster.people)) == (250, 200)
    assert roster.readers == {("en",): 125, ("zh",): 125}


def test_a_whisper_is_shed_by_those_who_lag() -> None:
    hub = Hub(Tick().timers)
    (quick, _, _), (slow, slow_outbox, _) = sit(hub, "a", "zh"), sit(hub, "b", "zh")
    slow_outbox.pause()
    hub.rooms["r"].whisper(lambda codec: encode_frame(TypingFrame(room="r", user="x", name="X"), codec))
    assert (quick.writes, slow.writes) == (1, 0)


# -- a room that holds ---------------------------------------------------------------------------------------------


def foreign_post(seq: int, written_in: str = "zh") -> Entry:
    event = Posted(author="a", name="A", text="x", written_in=written_in)
    return Entry("r", "e", seq, 0, "", encode_event(event))


def holding_hub(tick: Tick) -> Hub:
    hub = Hub(tick.timers)
    sit(hub, "keeper", "xx")
    hub.rooms["r"].configure(RoomSettings("hold", 800))
    return hub


def test_readers_of_another_language_get_both_in_one_frame_and_readers_of_the_original_never_wait() -> None:
    tick = Tick()
    hub = holding_hub(tick)
    (zh, _, _), (en, _, _) = sit(hub, "a", "zh"), sit(hub, "b", "en")
    hub.deliver(foreign_post(1))
    tick.end()
    assert (seqs(zh), seqs(en)) == ([1], [])
    hub.deliver(translated(2, 1, "en"))
    tick.end()
    assert seqs(en) == [1, 2]
    first = en.frames[0]
    assert isinstance(first, EntryFrame)
    assert isinstance(first.translation, Translated)


def test_nobody_waits_longer_than_the_budget() -> None:
    tick = Tick()
    hub = holding_hub(tick)
    en, _, _ = sit(hub, "b", "en")
    hub.deliver(foreign_post(1))
    hub.deliver(foreign_post(2, "en"))
    tick.pass_s(0.79)
    assert seqs(en) == []
    tick.pass_s(0.02)
    assert seqs(en) == [1, 2], "in order: what came later waited behind it"


def test_who_joins_while_something_waits_gets_it_once() -> None:
    tick = Tick()
    hub = holding_hub(tick)
    early, _, _ = sit(hub, "b", "en")
    late, late_box, late_catchup = sit(hub, "c", "en", live=False)
    hub.deliver(foreign_post(1))
    hub.rooms["r"].go_live(late_box)
    assert late_catchup.last == 1
    hub.deliver(posted(2))
    tick.pass_s(1)
    assert (seqs(early), seqs(late)) == ([1, 2], [1, 2])


def test_who_changes_languages_while_something_waits_loses_nothing() -> None:
    tick = Tick()
    hub = holding_hub(tick)
    socket, box, _ = sit(hub, "b", "en")
    hub.deliver(foreign_post(1))
    hub.rooms["r"].change_languages(box, ("zh",))
    hub.deliver(posted(2))
    tick.pass_s(1)
    assert seqs(socket) == [1, 2]


def test_a_room_that_stops_holding_releases_what_waits() -> None:
    tick = Tick()
    hub = holding_hub(tick)
    en, _, _ = sit(hub, "b", "en")
    hub.deliver(foreign_post(1))
    hub.rooms["r"].configure(RoomSettings("patch", 800))
    tick.end()
    assert seqs(en) == [1]
