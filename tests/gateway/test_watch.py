"""What is counted of entries on their way: once each, and in a bounded number of series."""

from collections import Counter
from dataclasses import dataclass

import pytest

from chat.adapters.memory import MemoryEngine
from chat.errors import Unavailable
from chat.events import EVERYONE, Entry, Posted, RoomCreated
from chat.frames import Person
from chat.measuring import Distribution, Histogram, Statistic
from chat.ports import Member
from chat.wire import Codec, encode_event
from gateway.catchup import Catchup
from gateway.clock import Clock
from gateway.fanout import Timers
from gateway.hub import Hub, Seat
from gateway.metrics import Exposition
from gateway.outbox import Outbox
from gateway.watch import CHOSEN_FOR_S, ROOMS_COUNTED_MAX, Watch
from tests.support.fake_socket import FakeSocket


@dataclass
class Time:
    now_s: float = 100.0

    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, lambda: round(self.now_s * 1000))


def hub_with(*rooms: str) -> Hub:
    hub = Hub(Timers(schedule=lambda flush: flush(), call_later=lambda delay_s, then: None, now_s=lambda: 0.0))
    for room in rooms:
        outbox = Outbox(FakeSocket(), lambda reason: None)
        here = hub.enter(
            room, Seat(outbox, Codec.MSGPACK, Person(user="ann", name="Ann", languages=("en",))), Catchup(0)
        )
        here.go_live(outbox)
    return hub


def entry(room: str, seq: int = 1, at_ms: int = 100_000) -> Entry:
    return Entry(room, "e", seq, at_ms, EVERYONE, encode_event(Posted(author="ann", name="Ann", text="hi")))


def distribution(statistics: dict[str, Statistic], name: str) -> Distribution:
    found = statistics[name]
    assert isinstance(found, Distribution)
    return found


def named(watch: Watch) -> dict[str, float]:
    found = watch.statistics()["room_entries_total"]
    assert isinstance(found, dict)
    return found


def test_a_histogram_puts_everything_into_one_bucket_each() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (-5.0, 0.0, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.distribution() == Distribution((1.0, 2.0), (3, 2, 1), 7.0)


def test_an_entry_is_counted_once_however_many_read_it() -> None:
    time, hub = Time(), hub_with("tea")
    watch = Watch(time.clock())
    deliver = watch.over_hub(hub, lambda then: None)
    assert deliver(entry("tea", at_ms=99_700)) == 1
    late = distribution(watch.statistics(), "feed_seconds")
    assert (sum(late.counts), late.total) == (1, pytest.approx(0.3))
    assert hub.deliveries == 1


def test_nothing_stands_in_the_way_while_traces_are_off() -> None:
    watch = Watch(Clock())
    assert watch.over_hub(hub_with(), lambda then: None) == watch._deliver


async def test_appends_are_timed_and_the_failed_ones_counted() -> None:
    engine = MemoryEngine()
    await engine.log.create(
        "tea", "Tea", RoomCreated(by="ann", name="Ann", title="T"), Member("ann", "Ann", "owner"), once="c"
    )
    watch = Watch(Clock())
    log = watch.over_log(engine.log)
    first = await log.append("tea", Posted(author="ann", name="Ann", text="hi"), once="1")
    assert [each.seq for each in await log.read_after("tea", 0, 10)] == [1, first.position.seq]
    engine.go_away()
    with pytest.raises(Unavailable):
        await log.append("tea", Posted(author="ann", name="Ann", text="hi"), once="2")
    counted = watch.statistics()
    assert sum(distribution(counted, "append_seconds").counts) == 2
    assert counted["appends_failed_total"] == 1


def test_rooms_have_no_series_unless_somebody_asks_for_them() -> None:
    watch = Watch(Clock())
    watch.over_hub(hub_with("tea"), lambda then: None)(entry("tea"))
    assert "room_entries_total" not in watch.statistics()


def test_only_the_busiest_rooms_are_named_and_seldom_chosen_anew() -> None:
    time, rooms = Time(), [f"room-{number}" for number in range(50)]
    hub = hub_with(*rooms)
    watch = Watch(time.clock(), rooms_named=3)
    deliver = watch.over_hub(hub, lambda then: None)
    for number, room in enumerate(rooms):
        for _ in range(number + 1):
            deliver(entry(room))
    assert named(watch) == {"room-49": 50, "room-48": 49, "room-47": 48}
    for _ in range(100):
        deliver(entry("room-0"))
    assert set(named(watch)) == {"room-49", "room-48", "room-47"}
    time.now_s += CHOSEN_FOR_S
    assert "room-0" in named(watch)
    assert watch.statistics()["room_connections"] == dict.fromkeys(named(watch), 1)
    assert named(watch)["room-0"] == 101, "counters go on where they were"


def test_a_day_of_ever_new_rooms_makes_few_series() -> None:
    """Whoever makes a room a second must not make a time series a second."""
    time, hub = Time(), hub_with()
    watch = Watch(time.clock(), rooms_named=5)
    deliver = watch.over_hub(hub, lambda then: None)
    seen: Counter[str] = Counter()
    for minute in range(60):
        rooms = [f"room-{minute}-{number}" for number in range(20)]
        hub.rooms = hub_with(*rooms).rooms
        for room in rooms:
            deliver(entry(room))
        time.now_s += 60
        assert len(named(watch)) <= 5
        seen.update(named(watch))
    assert len(seen) <= 5 * (3600 / CHOSEN_FOR_S + 1)


def test_rooms_counted_are_bounded_even_if_nobody_ever_asks() -> None:
    hub = hub_with()
    watch = Watch(Time().clock(), rooms_named=1)
    deliver = watch.over_hub(hub, lambda then: None)
    for number in range(ROOMS_COUNTED_MAX + 10):
        deliver(entry(f"room-{number}"))
    assert len(watch._busy) == ROOMS_COUNTED_MAX


def test_what_is_counted_is_printed_as_prometheus_reads_it() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.5, 5.0):
        histogram.observe(value)
    statistics = {
        "append_seconds": histogram.distribution(),
        "closed_total": {"slow_reader": 2.0},
        "engine_commands": 7.0,
        "room_connections": {'a"b': 1.0},
        "connections": 3.0,
    }
    lines = Exposition("p", lambda: statistics).text().decode().splitlines()
    assert 'diqiucun_append_seconds_bucket{le="0.1",process="p"} 1.0' in lines
    assert 'diqiucun_append_seconds_bucket{le="1.0",process="p"} 2.0' in lines
    assert 'diqiucun_append_seconds_bucket{le="+Inf",process="p"} 3.0' in lines
    assert 'diqiucun_append_seconds_count{process="p"} 3.0' in lines
    assert 'diqiucun_append_seconds_sum{process="p"} 5.55' in lines
    assert 'diqiucun_closed_total{process="p",reason="slow_reader"} 2.0' in lines
    assert 'diqiucun_engine_commands_total{process="p"} 7.0' in lines
    assert 'diqiucun_room_connections{process="p",room="a\\"b"} 1.0' in lines
    assert "# HELP diqiucun_connections Clients connected now." in lines
