"""A live room at the hub: counts in place of joins and reactions, a sample above the readable rate, who hears what."""

from chat.conduct import Conduct
from chat.events import EVERYONE, Entry, Event, Joined, Mention, Posted, Reacted
from chat.frames import Person
from chat.live_events import MODERATORS, own_audience
from chat.live_frames import ReactionsFrame, SkippedFrame
from chat.wire import Codec, encode_event
from gateway.catchup import Catchup
from gateway.hub import Hub, RoomHub, Seat
from gateway.outbox import Outbox
from tests.gateway.test_hub import Tick, seqs
from tests.support.fake_socket import FakeSocket

LIVE = Conduct(kind="live", readable_per_s=2)


def entry(seq: int, event: Event, audience: str = EVERYONE) -> Entry:
    return Entry("r", "e", seq, 0, audience, encode_event(event))


def said(seq: int, author: str, mentions: str = "", audience: str = EVERYONE) -> Entry:
    named = (Mention(mentions, f"@{mentions}"),) if mentions else ()
    return entry(seq, Posted(author=author, name=author, text=f"@{mentions}!", mentions=named), audience)


def sit(hub: Hub, user: str, *apart: str, had: int = 0) -> tuple[FakeSocket, Outbox, RoomHub]:
    """Somebody walks in. `had`: up to which seq the log has given them everything already."""
    socket = FakeSocket(Codec.MSGPACK)
    outbox = Outbox(socket, lambda reason: None)
    person = Person(user=user, name=user, languages=("en",))
    here = hub.enter("r", Seat(outbox, Codec.MSGPACK, person, apart), Catchup(had))
    here.go_live(outbox)
    return socket, outbox, here


def live_room() -> tuple[Tick, Hub, FakeSocket]:
    """Ann sits in a room that is live from now on."""
    tick = Tick()
    hub = Hub(tick.timers)
    ann, _, here = sit(hub, "ann")
    here.conduct("r", LIVE)
    return tick, hub, ann


def flood(hub: Hub) -> None:
    """Five messages at once: three more than are readable."""
    for seq, name in enumerate("abcde", 1):
        hub.deliver(said(seq, name))


def test_joins_are_counts_and_reactions_are_sums() -> None:
    tick, hub, socket = live_room()
    hub.deliver(entry(1, Joined(user="bob", name="Bob", role="guest")))
    for seq in range(2, 6):
        hub.deliver(entry(seq, Reacted(of=1, by=f"u{seq}", emoji="❤️", on=seq != 5)))
    hub.deliver(entry(6, Reacted(of=1, by="u9", emoji="👍", on=True)))
    tick.pass_s(0.25)
    assert socket.frames == [ReactionsFrame(room="r", counts={"1": {"❤️": 2, "👍": 1}}, after=1, upto=6)]


def test_sums_say_of_which_stretch_of_the_log_they_are() -> None:
    """Who read a part of it in the log can tell what is here once more: of a sum of 0 as well."""
    tick, hub, socket = live_room()
    hub.deliver(entry(4, Reacted(of=1, by="bob", emoji="❤️", on=True)))
    tick.pass_s(0.25)
    hub.deliver(said(5, "eve"))
    hub.deliver(entry(8, Reacted(of=1, by="cem", emoji="❤️", on=True)))
    hub.deliver(entry(9, Reacted(of=1, by="bob", emoji="❤️", on=False)))
    tick.pass_s(0.25)
    hub.deliver(entry(2, Reacted(of=1, by="bob", emoji="❤️", on=True)))  # the log began again
    tick.pass_s(0.25)
    sums = [frame for frame in socket.frames if isinstance(frame, ReactionsFrame)]
    assert [(frame.after, frame.upto, frame.counts["1"]["❤️"]) for frame in sums] == [(3, 4, 1), (4, 9, 0), (1, 2, 1)]


def test_who_comes_while_messages_wait_is_told_sums_with_all_others() -> None:
    tick, hub, _ = live_room()
    flood(hub)
    bob, _, _ = sit(hub, "bob", had=5)
    hub.deliver(entry(6, Reacted(of=1, by="cem", emoji="❤️", on=True)))
    tick.pass_s(0.25)
    assert bob.frames == [ReactionsFrame(room="r", counts={"1": {"❤️": 1}}, after=5, upto=6)]


def test_above_the_readable_rate_there_is_a_sample_and_the_count_of_the_rest() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    (reader, _, here), (called, _, _), (author, _, _) = sit(hub, "ann"), sit(hub, "bob"), sit(hub, "e")
    here.conduct("r", LIVE)
    for seq, name in enumerate("abcde", 1):
        hub.deliver(said(seq, name, mentions="bob" if name == "d" else ""))
    tick.end()
    assert seqs(reader) == [1, 2]
    tick.pass_s(0.5)
    assert seqs(reader) == [1, 2, 3]
    assert [frame for frame in reader.frames if isinstance(frame, SkippedFrame)] == [
        SkippedFrame(room="r", first=4, last=5, count=2)
    ]
    assert (seqs(called), seqs(author)) == ([1, 2, 3, 4], [1, 2, 3, 5])


def skipped(socket: FakeSocket) -> list[tuple[int, int, int]]:
    return [(frame.first, frame.last, frame.count) for frame in socket.frames if isinstance(frame, SkippedFrame)]


def test_who_comes_in_the_middle_of_a_window_hears_nothing_twice_and_is_told_of_what_they_missed_only() -> None:
    """Of 1 to 5, three wait for the end of the window. Bob comes back with all of them, Cem with the first four; six to
    eight come after both. Of what waits, one more may be shown."""
    tick, hub, ann = live_room()
    flood(hub)
    bob, _, _ = sit(hub, "bob", had=5)
    cem, _, _ = sit(hub, "cem", had=4)
    for seq, name in enumerate("fgh", 6):
        hub.deliver(said(seq, name, mentions="bob" if name == "g" else ""))
    tick.pass_s(0.5)
    assert (seqs(ann), seqs(bob), seqs(cem)) == ([1, 2, 3], [7], [])
    assert (skipped(ann), skipped(bob), skipped(cem)) == ([(4, 8, 5)], [(6, 8, 3)], [(5, 8, 4)])
    tick.pass_s(1)
    hub.deliver(said(9, "i"))
    tick.end()
    assert (seqs(ann)[-1], seqs(bob)[-1], seqs(cem)[-1]) == (9, 9, 9)


def test_who_comes_in_the_middle_of_a_window_may_change_their_languages_or_leave_before_its_end() -> None:
    tick, hub, _ = live_room()
    flood(hub)
    (bob, changing, _), (cem, leaving, _) = sit(hub, "bob", had=4), sit(hub, "cem", had=4)
    here = hub.rooms["r"]
    here.change_languages(changing, ("zh",))
    here.leave(leaving)
    here.conduct("r", Conduct())
    hub.deliver(said(6, "f"))
    tick.end()
    assert (seqs(bob), seqs(cem)) == ([6], [])
    assert (skipped(bob), skipped(cem)) == ([(5, 5, 1)], [])


def test_a_room_that_is_no_longer_live_owes_nothing() -> None:
    tick, hub, socket = live_room()
    for seq in range(1, 5):
        hub.deliver(said(seq, "a"))
    hub.rooms["r"].conduct("r", Conduct())
    hub.deliver(said(5, "a"))
    tick.end()
    assert seqs(socket) == [1, 2, 5]
    assert SkippedFrame(room="r", first=3, last=4, count=2) in socket.frames


def test_moderators_hear_what_is_theirs_and_a_shadowed_member_hears_themselves() -> None:
    tick = Tick()
    hub = Hub(tick.timers)
    (host, _, _), (shadowed, outbox, here), (other, _, _) = sit(hub, "h", MODERATORS), sit(hub, "s"), sit(hub, "o")
    hub.deliver(said(1, "x", audience=MODERATORS))
    here.set_apart(outbox, (own_audience("s"),))
    hub.deliver(said(2, "s", audience=own_audience("s")))
    hub.deliver(said(3, "o"))
    tick.end()
    assert (seqs(host), seqs(shadowed), seqs(other)) == ([1, 2, 3], [2, 3], [3])
    here.set_apart(outbox, ())
    hub.deliver(said(4, "s", audience=own_audience("s")))
    tick.end()
    assert (seqs(host), seqs(shadowed), seqs(other)) == ([1, 2, 3, 4], [2, 3], [3])


def test_what_a_shadowed_member_does_in_a_live_room_is_told_to_moderators_alone_and_takes_nobodys_place() -> None:
    """A reaction of theirs was summed up for everybody, and their flood filled the sample: of the room's own messages
    fewer were shown, and the room was slowed down by what nobody heard."""
    tick = Tick()
    hub = Hub(tick.timers)
    (host, _, _), (shadowed, _, _), (other, _, here) = sit(hub, "h", MODERATORS), sit(hub, "s", "@s"), sit(hub, "o")
    here.conduct("r", LIVE)
    for seq in range(1, 9):
        hub.deliver(said(seq, "s", audience=own_audience("s")))
    hub.deliver(said(9, "o"))
    hub.deliver(entry(10, Reacted(of=9, by="s", emoji="❤️", on=True), own_audience("s")))
    tick.pass_s(1)
    assert (seqs(host), seqs(shadowed), seqs(other)) == ([*range(1, 11)], [*range(1, 11)], [9])
    assert not [frame for frame in other.frames if isinstance(frame, ReactionsFrame | SkippedFrame)]
    assert here.crowd is not None
    assert here.crowd.posts == 1


def test_what_moderators_hear_is_no_language_of_the_room() -> None:
    hub = Hub(Tick().timers)
    _, _, here = sit(hub, "h", MODERATORS)
    assert here.roster().readers == {("en",): 1}
