"""Presence: who is here, under leases."""

from chat.frames import Person
from chat.ports import Look, Roster
from tests.contracts.conftest import Ports, eventually

LEASE_MS = 60_000


def roster(total: int) -> Roster:
    person = Person(user="ann", name="安", languages=("zh-Hant", "en"))
    return Roster(total, {("zh", "en"): total - 1, ("fr",): 1}, (person,))


async def test_reports_of_all_gateways_are_seen_as_they_were_made(ports: Ports) -> None:
    assert await ports.presence.rosters("r") == []
    await ports.presence.report("r", "g1", roster(2), LEASE_MS)
    await ports.presence.report("r", "g2", roster(3), LEASE_MS)
    await ports.presence.report("other", "g1", roster(9), LEASE_MS)
    seen = await ports.presence.rosters("r")
    assert sorted(seen, key=lambda each: each.total) == [roster(2), roster(3)]


async def test_a_report_replaces_the_one_before(ports: Ports) -> None:
    await ports.presence.report("r", "g1", roster(2), LEASE_MS)
    await ports.presence.report("r", "g1", Roster(0), LEASE_MS)
    assert await ports.presence.rosters("r") == [Roster(0)]


async def test_a_withdrawn_report_is_gone(ports: Ports) -> None:
    await ports.presence.report("r", "g1", roster(2), LEASE_MS)
    await ports.presence.withdraw("r", "g1")
    await ports.presence.withdraw("r", "never")
    assert await ports.presence.rosters("r") == []


async def test_a_gateway_that_died_is_forgotten_when_its_lease_ends(ports: Ports) -> None:
    await ports.presence.report("r", "alive", roster(2), LEASE_MS)
    await ports.presence.report("r", "dead", roster(3), 40)

    async def forgotten() -> bool:
        return await ports.presence.rosters("r") == [roster(2)]

    await eventually(forgotten)


async def test_renewing_keeps_a_report_beyond_its_first_lease(ports: Ports) -> None:
    await ports.presence.report("r", "renewed", roster(2), 40)
    await ports.presence.report("r", "renewed", roster(2), LEASE_MS)
    await ports.presence.report("r", "dead", roster(3), 60)

    async def forgotten() -> bool:
        return await ports.presence.rosters("r") == [roster(2)]

    await eventually(forgotten)


async def test_one_look_tells_what_three_questions_tell(ports: Ports) -> None:
    assert await ports.log.look("r", "ann") == Look(None, None, [])
    await ports.create()
    await ports.presence.report("r", "g1", roster(2), LEASE_MS)
    await ports.presence.report("r", "dead", roster(3), 1)
    await eventually(lambda: _only(ports, roster(2)))
    for user in ("ann", "stranger"):
        look = await ports.log.look("r", user)
        assert look.state == await ports.log.state("r") is not None
        assert look.member == await ports.log.member("r", user)
        assert look.rosters == [roster(2)]


async def _only(ports: Ports, one: Roster) -> bool:
    return list((await ports.log.look("r", "ann")).rosters) == [one]
