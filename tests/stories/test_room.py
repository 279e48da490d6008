"""Stories of a room, in virtual time: each name is a promise to the people in it."""

import asyncio

import pytest

from chat.commands import Configure
from chat.events import Left, Posted, Translated
from chat.ids import Position
from chat.limits import HELLO_WITHIN_S
from chat.room import Caller
from gateway.closing import CloseReason
from gateway.connection import where_to_start
from tests.support.fake_socket import FakeSocket
from tests.support.virtual_time import run
from tests.support.world import ROOM, Phone, World, posts, reads


def texts(phone: Phone) -> list[str]:
    return [event.text for _, event in phone.view if isinstance(event, Posted)]


def test_two_people_write_in_two_languages_and_each_reads_both() -> None:
    async def story() -> None:
        async with World(1) as world, asyncio.TaskGroup() as tasks:
            li, ann = Phone(world, "li", "zh"), Phone(world, "ann", "en")
            for phone in (li, ann):
                tasks.create_task(phone.run())
            await li.wait_until(lambda: li.position)
            await ann.wait_until(lambda: ann.position)
            li.say("你好")
            ann.say("hello")
            for phone, other in ((li, "[zh] hello"), (ann, "[en] 你好")):
                await phone.wait_until(lambda p=phone: len(texts(p)) == 2 and any_translated(p))
                translated = [event for _, event in phone.view if isinstance(event, Translated)]
                assert [event.text for event in translated] == [other]
                assert {event.language for event in translated} == set(phone.languages)
                phone.leave()

    def any_translated(phone: Phone) -> bool:
        return any(isinstance(event, Translated) for _, event in phone.view)

    run(story(), until_s=60)


def test_a_reader_who_stalls_is_closed_and_resumes_without_loss() -> None:
    async def story() -> None:
        async with World(2, gateways=1) as world, asyncio.TaskGroup() as tasks:
            writer, reader, stalled = Phone(world, "w", "en"), Phone(world, "r", "en"), Phone(world, "s", "en")
            for phone in (writer, reader, stalled):
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            assert stalled.socket is not None
            first_socket = stalled.socket
            first_socket.stall()
            for number in range(400):
                writer.say(f"{number} " + "x" * 3_900)
                await asyncio.sleep(0.6)
            await stalled.wait_until(lambda: len(texts(stalled)) == 400)
            assert first_socket.closed == CloseReason.SLOW_READER.code
            assert texts(stalled) == texts(reader) == texts(writer)
            assert len({seq for seq, _ in stalled.view}) == len(stalled.view)
            for phone in (writer, reader, stalled):
                phone.leave()

    run(story(), until_s=600)


def test_a_socket_without_hello_is_closed_by_name() -> None:
    async def story() -> None:
        async with World(3, gateways=1) as world:
            phone = Phone(world, "p", "en")
            socket = FakeSocket(phone.codec)
            world.stations[0].gateway.open(socket, phone.codec, "silent")
            await asyncio.sleep(HELLO_WITHIN_S + 2)
            assert socket.closed == CloseReason.HELLO_TIMEOUT.code

    run(story(), until_s=60)


def test_draining_says_goodbye_and_everybody_goes_on_elsewhere() -> None:
    async def story() -> None:
        async with World(4, gateways=2) as world, asyncio.TaskGroup() as tasks:
            phones = [Phone(world, f"p{number}", "en") for number in range(20)]
            for phone in phones:
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            leaving = world.stations[0]
            world.stations.remove(leaving)
            held = len(leaving.gateway.connections)
            await leaving.gateway.drain(within_s=10)
            leaving.task.cancel()
            assert leaving.gateway.closes == {CloseReason.RESTARTING.name: held}
            phones[0].say("still here?")
            for phone in phones:
                await phone.wait_until(lambda p=phone: "still here?" in texts(p))
                phone.leave()

    run(story(), until_s=120)


def test_an_engine_that_is_away_loses_nothing_and_the_writer_is_told() -> None:
    async def story() -> None:
        async with World(5) as world, asyncio.TaskGroup() as tasks:
            writer, reader = Phone(world, "w", "en"), Phone(world, "r", "en")
            for phone in (writer, reader):
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            world.engine.go_away()
            once = writer.say("while you were out")
            await writer.wait_until(lambda: writer.refusals)
            assert writer.refusals[0].retryable
            assert writer.refusals[0].retry_after_ms
            await asyncio.sleep(3)
            world.engine.come_back()
            await reader.wait_until(lambda: texts(reader) == ["while you were out"])
            await writer.wait_until(lambda: once in writer.acknowledged)
            assert writer.connects == reader.connects == 1, "the sockets stayed open"
            for phone in (writer, reader):
                phone.leave()

    run(story(), until_s=120)


def test_a_cut_feed_is_filled_from_the_log() -> None:
    async def story() -> None:
        async with World(6) as world, asyncio.TaskGroup() as tasks:
            writer, reader = Phone(world, "w", "en"), Phone(world, "r", "en")
            for phone in (writer, reader):
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            for station in world.stations:
                station.feed.sever()
            for number in range(5):
                writer.say(f"unheard {number}")
            await writer.wait_until(lambda: len(writer.acknowledged) == 5)
            assert texts(reader) == []
            for station in world.stations:
                station.feed.heal()
            await reader.wait_until(lambda: texts(reader) == [f"unheard {number}" for number in range(5)])
            for phone in (writer, reader):
                phone.leave()

    run(story(), until_s=60)


def test_resuming_into_another_epoch_says_so() -> None:
    newest = Position("b", 10)
    assert where_to_start(Position("a", 3), newest) == (10, False, -1)
    assert where_to_start(Position("b", 11), newest) == (10, False, -1)
    assert where_to_start(Position("b", 3), newest) == (3, True, 0)
    assert where_to_start(None, newest) == (10, True, 0)
    far = Position("b", 5_000)
    assert where_to_start(Position("b", 1), far) == (5_000, False, 4_999)


def test_a_member_who_was_removed_hears_nothing_more() -> None:
    async def story() -> None:
        async with World(8, gateways=2) as world, asyncio.TaskGroup() as tasks:
            stays, goes = Phone(world, "stays", "en"), Phone(world, "goes", "en")
            for phone in (stays, goes):
                tasks.create_task(phone.run())
                await phone.wait_until(lambda p=phone: p.position)
            await world.service().remove(Caller("host", "Host"), ROOM, "goes")
            await goes.wait_until(lambda: any(isinstance(event, Left) for _, event in goes.view))
            await asyncio.sleep(0.1)
            stays.say("now that they are gone")
            await stays.wait_until(lambda: texts(stays))
            await asyncio.sleep(5)
            assert texts(goes) == []
            goes.say("let me in")
            await goes.wait_until(lambda: goes.refusals)
            for phone in (stays, goes):
                phone.leave()

    run(story(), until_s=60)


def test_a_whisper_that_nobody_understands_ends_nothing() -> None:
    async def story() -> None:
        async with World(9, gateways=1) as world, asyncio.TaskGroup() as tasks:
            phone = Phone(world, "p", "en")
            tasks.create_task(phone.run())
            await phone.wait_until(lambda: phone.position)
            await world.stations[0].feed.whisper(ROOM, b"\xc1 of another version")
            phone.say("still here")
            await phone.wait_until(lambda: texts(phone) == ["still here"])
            assert world.stations[0].gateway.ready
            phone.leave()

    run(story(), until_s=60)


# -- the master story ----------------------------------------------------------------------------------------------


async def master(seed: int) -> None:
    """Three writers and six readers talk for half a minute while everything that can die, dies; in every third world
    the room holds messages for their translation."""
    async with World(seed) as world, asyncio.TaskGroup() as tasks:
        chance = world.chance
        if seed % 3 == 0:
            hold = Configure(id=0, room=ROOM, translation="hold", translation_budget_ms=600, once="hold")
            await world.service().configure(Caller("host", "Host"), hold)
        writers = [Phone(world, f"w{n}", "zh" if n % 2 else "en") for n in range(3)]
        readers = [Phone(world, f"r{n}", *(("zh",), ("en",), ("zh", "en"))[n % 3]) for n in range(6)]
        phones = writers + readers
        for phone in phones:
            tasks.create_task(phone.run())
        said = 0
        for _ in range(60):
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            match chance.choice(("say",) * 8 + ("cut", "stall", "gateway", "feed", "engine", "worker")):
                case "say":
                    writer = chance.choice(writers)
                    writer.say(f"第{said}句" if "zh" in writer.languages else f"line {said}")
                    said += 1
                case "cut":
                    chance.choice(phones).lose_socket()
                case "stall":
                    stalled = chance.choice(phones).socket
                    if stalled is not None:
                        stalled.stall()
                        asyncio.get_running_loop().call_later(chance.uniform(0.1, 3), stalled.drain)
                case "gateway":
                    if world.stations:
                        await world.kill_gateway(chance.choice(world.stations))
                        asyncio.get_running_loop().call_later(chance.uniform(0.1, 2), world.start_gateway)
                case "feed":
                    if world.stations:
                        feed = chance.choice(world.stations).feed
                        feed.sever()
                        asyncio.get_running_loop().call_later(chance.uniform(0.05, 2), feed.heal)
                case "engine":
                    world.engine.go_away()
                    await asyncio.sleep(chance.uniform(0.05, 1.5))
                    world.engine.come_back()
                case "worker":
                    if world.workers:
                        world.kill_worker()
                        asyncio.get_running_loop().call_later(chance.uniform(0.1, 2), world.start_worker)
        for writer in writers:
            await writer.wait_until(lambda w=writer: not w.unsent)
        await asyncio.sleep(30)  # abandoned jobs are taken again after ten seconds
        log = await world.log()
        for phone in phones:
            await phone.wait_until(lambda p=phone: p.position and p.position.seq >= last_for(p, log))

        assert len(posts(log)) == said, "every post stands in the log once"
        for writer in writers:
            mine = [(seq, e.text) for seq, _, e in log if isinstance(e, Posted) and e.author == writer.user]
            assert sorted(writer.acknowledged.values()) == [seq for seq, _ in mine], "acknowledged where it stands"
        for phone in phones:
            seqs = [seq for seq, _ in phone.view]
            assert seqs == sorted(set(seqs)), f"{phone.user}: strictly increasing"
            first = phone.recoveries[0].head.seq
            owed = [(seq, event) for seq, audience, event in log if seq > first and reads(phone, audience)]
            assert phone.view == owed, f"{phone.user}: the view is the log filtered by language"
        told = [(e.of, e.language) for _, _, e in log if isinstance(e, Translated)]
        assert len(told) == len(set(told)), "no translation speaks twice"
        assert await world.engine.jobs.backlog() == 0, "no job is forgotten"
        for phone in phones:
            phone.leave()


def last_for(phone: Phone, log: list[tuple[int, str, object]]) -> int:
    return max(seq for seq, audience, _ in log if reads(phone, audience))


@pytest.mark.parametrize("block", range(10))
def test_replay_equals_snapshot_under_every_fault(block: int) -> None:
    """1,000 seeds, a hundred to a block. A failure prints its seed."""
    for seed in range(block * 100, block * 100 + 100):
        try:
            run(master(seed), until_s=3600)
        except BaseException as failed:
            raise AssertionError(f"seed {seed}: {failed!r}") from failed
