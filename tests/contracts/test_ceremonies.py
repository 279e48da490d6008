"""Ceremonies, ballots, names and remarks: projections that are written in the same step as the entry they came with."""

import random
from pathlib import Path

import pytest
from msgspec import structs

from chat.adapters.embedded import EmbeddedEngine
from chat.events import NOBODY, CeremonyOpened, Event, GivenTo, NameProposed, NamesChanged, NameVoted
from chat.ports import (
    Ceremony,
    CeremonyGuard,
    CeremonyRow,
    DropCeremony,
    Guard,
    JobText,
    MemberNames,
    NamesGuard,
    ProposalRow,
    SetBallot,
    SetCeremony,
    SetNames,
    SetProposal,
    SetTerm,
    Stale,
    Term,
)
from tests.contracts.conftest import Ports, file_in, memory_ports, posted, redis_ports
from tests.contracts.test_room_log import translated

OPENED = CeremonyOpened(
    nominee="ann", nominee_name="Ann", by="ann", name="Ann", script="han", window_s=60, consented=True
)
ROW = CeremonyRow(OPENED, True)
NAME = GivenTo(script="han", text="安妮")


def proposed(text: str) -> NameProposed:
    return NameProposed(of=2, by="bob", name="Bob", text=text, script="han", reason="why not")


async def begin(ports: Ports, lasts_ms: int = 60_000) -> int:
    await ports.create()
    appended = await ports.log.append("r", OPENED, once="open", change=SetCeremony(None, ROW, lasts_ms))
    return appended.position.seq


async def propose(ports: Ports, of: int, text: str) -> int:
    event = structs.replace(proposed(text), of=of)
    appended = await ports.log.append(
        "r", event, once=f"p-{text}", change=SetProposal(of, None, ProposalRow(event)), job=JobText("why", "bob", ())
    )
    return appended.position.seq


async def vote(ports: Ports, of: int, user: str, proposal: int | None, once: str = "") -> object:
    event: Event = NameVoted(of=of, by=user, proposal=proposal)
    return await ports.log.append(
        "r",
        event,
        once=once or f"v-{user}-{proposal}",
        audience=NOBODY,
        guard=CeremonyGuard(of, proposal=proposal, timely=True),
        change=SetBallot(of, user, proposal),
    )


async def the_one(ports: Ports) -> Ceremony:
    [ceremony] = await ports.log.ceremonies("r")
    return ceremony


def votes(ceremony: Ceremony) -> dict[int, int]:
    return {each.seq: each.votes for each in ceremony.proposals}


async def test_a_ceremony_is_known_by_the_entry_that_opened_it_and_lasts_from_its_time(ports: Ports) -> None:
    of = await begin(ports, lasts_ms=5_000)
    ceremony = await the_one(ports)
    entry = await ports.log.read_at("r", of)
    assert entry is not None
    assert ceremony == Ceremony(of, ROW, entry.at_ms + 5_000, version=1, cast=0)
    assert await ports.log.ceremonies("nowhere") == []


async def test_a_changed_vote_is_counted_once_and_one_taken_back_not_at_all(ports: Ports) -> None:
    of = await begin(ports)
    one, two = await propose(ports, of, "安妮"), await propose(ports, of, "安娜")
    for user, choice in (("a", one), ("b", one), ("c", two), ("a", two), ("b", None), ("b", two)):
        await vote(ports, of, user, choice, once=f"{user}-{choice}")
    await vote(ports, of, "a", two, once="a-again")
    await vote(ports, of, "c", two, once=f"c-{two}")  # a repeated command
    ceremony = await the_one(ports)
    assert votes(ceremony) == {one: 0, two: 3}
    assert ceremony.cast == 7
    assert await ports.log.ballot("r", of, "a") == two
    await vote(ports, of, "a", None, once="a-none")
    assert votes(await the_one(ports)) == {one: 0, two: 2}
    assert await ports.log.ballot("r", of, "a") is None


async def test_a_hidden_proposal_loses_its_votes_and_takes_none(ports: Ports) -> None:
    of = await begin(ports)
    one, two = await propose(ports, of, "安妮"), await propose(ports, of, "安娜")
    await vote(ports, of, "a", one)
    hidden = ProposalRow(proposed("安妮"), ("x",), hidden=True)
    await ports.post("hide", change=SetProposal(of, one, hidden))
    with pytest.raises(Stale):
        await vote(ports, of, "b", one)
    await vote(ports, of, "a", two)
    ceremony = await the_one(ports)
    assert votes(ceremony) == {one: 0, two: 1}
    assert [each.row.hidden for each in ceremony.proposals] == [True, False]


async def test_what_an_append_builds_on_must_not_have_changed(ports: Ports) -> None:
    of = await begin(ports)
    one = await propose(ports, of, "安妮")
    ceremony = await the_one(ports)
    await vote(ports, of, "a", one)
    for number, guard in enumerate((
        CeremonyGuard(of, version=ceremony.version - 1),
        CeremonyGuard(of, cast=ceremony.cast),
        CeremonyGuard(of, proposal=one + 40),
        CeremonyGuard(of + 40),
        CeremonyGuard(of, names=NamesGuard("ann", 1)),
        NamesGuard("ann", 1),
    )):  # fmt: skip
        with pytest.raises(Stale):
            await ports.post(f"refused {number}", guard=guard)
    exact = CeremonyGuard(of, version=ceremony.version, cast=1, proposal=one, timely=True, names=NamesGuard("ann", 0))
    await ports.post("taken", guard=exact)


async def test_after_its_time_nothing_timely_is_taken(ports: Ports) -> None:
    of = await begin(ports, lasts_ms=-1)
    one = await propose(ports, of, "安妮")
    with pytest.raises(Stale):
        await vote(ports, of, "a", one)
    await ports.post("late", guard=CeremonyGuard(of))


async def test_the_end_of_a_ceremony_names_and_terms_are_one_step(ports: Ports) -> None:
    of = await begin(ports)
    one = await propose(ports, of, "安妮")
    await vote(ports, of, "a", one)
    term = Term("安妮", "Ann", "", "", "ann", name=True)
    changes = (DropCeremony(of), SetNames("ann", (NAME,)), SetTerm(term))
    appended = await ports.log.append("r", NamesChanged(user="ann", names=(NAME,)), once="end", change=changes)
    assert await ports.log.ceremonies("r") == []
    assert await ports.log.ballot("r", of, "a") is None
    assert await ports.log.names("r", "ann") == MemberNames(1, (NAME,))
    assert await ports.log.all_names("r") == {"ann": MemberNames(1, (NAME,))}
    assert await ports.log.names("r", "bob") == MemberNames()
    glossary = await ports.log.glossary("r")
    assert (glossary.version, glossary.terms) == (appended.position.seq, (term,))


async def test_one_ceremony_ends_and_the_other_goes_on(ports: Ports) -> None:
    of = await begin(ports)
    other = (await ports.log.append("r", OPENED, once="two", change=SetCeremony(None, ROW, 60_000))).position.seq
    one, two = await propose(ports, of, "安妮"), await propose(ports, other, "安娜")
    await vote(ports, of, "a", one)
    await vote(ports, other, "a", two)
    await ports.post("end", change=DropCeremony(of))
    assert votes(await the_one(ports)) == {two: 1}
    assert await ports.log.ballot("r", other, "a") == two


async def test_a_reason_is_owed_a_translation_as_a_message_is(ports: Ports) -> None:
    of = await begin(ports)
    one = await propose(ports, of, "安妮")
    [taken] = await ports.jobs.take("w", 10, 0)
    assert (taken.job.of, taken.job.text) == (one, JobText("why", "bob", ()))
    assert await ports.log.revision("r", one) == 0
    await ports.log.append("r", translated(one), once="t", audience="zh", guard=Guard(one, 0))
    assert [entry.seq for entry in await ports.log.about("r", of, one, 10)] == [one, one + 1]


async def test_remarks_are_the_readers_own_and_bounded(ports: Ports) -> None:
    await ports.create()
    log = ports.log
    assert await log.set_remark("r", "ann", "bob", "吉他手", 2)
    assert await log.set_remark("r", "ann", "cid", "C", 2)
    assert not await log.set_remark("r", "ann", "dan", "D", 2)
    assert await log.set_remark("r", "ann", "bob", "鼓手", 2)
    assert await log.remarks("r", "ann") == {"bob": "鼓手", "cid": "C"}
    assert await log.remarks("r", "bob") == {}
    assert await log.set_remark("r", "ann", "bob", "", 2)
    assert await log.remarks("r", "ann") == {"cid": "C"}


@pytest.mark.engine
@pytest.mark.parametrize("seed", range(3))
async def test_the_tally_is_what_the_votes_in_the_log_say(
    embedded_engine: EmbeddedEngine, seed: int, tmp_path: Path
) -> None:
    """And all adapters say the same of the same random history."""
    told = []
    for opening in (memory_ports(), redis_ports(embedded_engine), redis_ports(embedded_engine, file_in(tmp_path))):
        chance = random.Random(seed)
        async with opening as ports:
            of = await begin(ports)
            seqs = [await propose(ports, of, f"安{name}") for name in "妮娜"]
            ballots: dict[str, int | None] = {}
            out: set[int] = set()
            for number in range(60):
                user, choice = chance.choice("abcdef"), chance.choice([None, *seqs, 999])
                if number % 20 == 19 and len(seqs) - len(out) > 1:
                    gone = chance.choice([seq for seq in seqs if seq not in out])
                    row = ProposalRow(proposed("安妮"), hidden=True)
                    await ports.post(f"hide {number}", change=SetProposal(of, gone, row))
                    out.add(gone)
                elif number % 20 == 10:
                    seqs.append(await propose(ports, of, f"安{'静宁康'[number // 20]}"))
                try:
                    await vote(ports, of, user, choice, once=f"n{number}")
                    ballots[user] = choice
                except Stale:
                    assert choice == 999 or choice in out
            ceremony = await the_one(ports)
            counted = {seq: sum(b == seq for b in ballots.values()) if seq not in out else 0 for seq in seqs}
            assert votes(ceremony) == counted, f"seed {seed}"
            told.append((counted, ceremony.cast, ceremony.version))
            await ports.log.append("r", posted("end"), once="end", change=DropCeremony(of))
    assert told[0] == told[1] == told[2]


async def test_the_places_of_votes_are_known(ports: Ports) -> None:
    of = await begin(ports)
    one = await propose(ports, of, "安妮")
    for user in "abc":
        await vote(ports, of, user, one)
    await ports.post("x")
    assert [await ports.log.unheard_after("r", seq) for seq in (0, one, one + 1, one + 3, 99)] == [3, 3, 2, 0, 0]
    assert await ports.log.unheard_after("nowhere", 0) == 0
