"""A method for each command: the server hears what it is given, under the program's own once-key or a new one."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs

from chat import commands, live_commands
from chat.client import Client
from chat.commands import Command
from chat.conduct import Conduct
from chat.frames import Ack
from chat.ids import Position
from chat.live_events import Programme, Word
from tests.chat.client.scripted import EPOCH, ROOM, ScriptedServer, connected

AT = {"id": 0, "room": ROOM, "once": "k"}
WORD = Word(text="spam")
PROGRAMME = Programme(about="Tea")
MADE: list[tuple[Callable[[Client], Awaitable[Position]], Command]] = [
    (lambda c: c.post(ROOM, "hi", reply_to=3), commands.Post(text="hi", reply_to=3, **AT)),
    (lambda c: c.edit(ROOM, 3, "ho"), commands.Edit(of=3, text="ho", **AT)),
    (lambda c: c.recall(ROOM, 3), commands.Recall(of=3, **AT)),
    (lambda c: c.react(ROOM, 3, "👍", on=False), commands.React(of=3, emoji="👍", on=False, **AT)),
    (lambda c: c.open_ceremony(ROOM, user="ann", window_s=60), commands.OpenCeremony(user="ann", window_s=60, **AT)),
    (
        lambda c: c.propose_name(ROOM, 3, "白睿康", reason="好听", joke=True, pinyin="bái ruì kāng"),
        commands.ProposeName(of=3, text="白睿康", reason="好听", joke=True, pinyin="bái ruì kāng", **AT),
    ),
    (
        lambda c: c.announce(ROOM, "Welcome", versions={"zh": "欢迎"}),
        commands.Post(text="Welcome", announce=True, versions=(("zh", "欢迎"),), **AT),
    ),
    (lambda c: c.set_programme(ROOM, PROGRAMME), live_commands.SetProgramme(programme=PROGRAMME, **AT)),
    (
        lambda c: c.open_poll(ROOM, "Tea?", ["yes", "no"], answer=1, window_s=30),
        live_commands.OpenPoll(question="Tea?", options=("yes", "no"), choices_max=1, answer=1, window_s=30, **AT),
    ),
    (lambda c: c.ask_stage(ROOM, "When?"), live_commands.Ask(text="When?", **AT)),
]
DONE: list[tuple[Callable[[Client], Awaitable[object]], Command]] = [
    (lambda c: c.consent(ROOM, 3, agree=False), commands.Consent(of=3, agree=False, **AT)),
    (lambda c: c.vote_name(ROOM, 3, None), commands.VoteName(of=3, proposal=None, **AT)),
    (lambda c: c.report_proposal(ROOM, 3, 4), commands.ReportProposal(of=3, proposal=4, **AT)),
    (lambda c: c.accept_name(ROOM, 3, 4, also=5), commands.AcceptName(of=3, proposal=4, also=5, **AT)),
    (lambda c: c.end_ceremony(ROOM, 3), commands.EndCeremony(of=3, **AT)),
    (
        lambda c: c.set_name(ROOM, "Ann", preferred_for=["en"], remove=True),
        commands.SetName(text="Ann", preferred_for=("en",), remove=True, **AT),
    ),
    (
        lambda c: c.set_conduct(ROOM, Conduct(slow_s=5), why="calm"),
        live_commands.SetConduct(conduct=Conduct(slow_s=5), why="calm", **AT),
    ),
    (
        lambda c: c.sanction(ROOM, "bob", "timeout", for_s=60, why="no", of=3, delete_last=2, undoes=1),
        live_commands.Sanction(user="bob", action="timeout", for_s=60, why="no", of=3, delete_last=2, undoes=1, **AT),
    ),
    (
        lambda c: c.decide_held(ROOM, 3, approve=True, why="ok"),
        live_commands.DecideHeld(of=3, approve=True, why="ok", **AT),
    ),
    (lambda c: c.report(ROOM, 3, language="en", why="bad"), live_commands.Report(of=3, language="en", why="bad", **AT)),
    (lambda c: c.settle_report(ROOM, 3, remove=True), live_commands.SettleReport(of=3, remove=True, **AT)),
    (
        lambda c: c.set_words(ROOM, [WORD], lists=["scams"]),
        live_commands.SetWords(words=(WORD,), lists=("scams",), **AT),
    ),
    (lambda c: c.raise_hand(ROOM, on=False), live_commands.RaiseHand(on=False, **AT)),
    (lambda c: c.vote_poll(ROOM, 3, [1]), live_commands.VotePoll(of=3, choices=(1,), **AT)),
    (lambda c: c.close_poll(ROOM, 3, withdraw=True), live_commands.ClosePoll(of=3, withdraw=True, **AT)),
    (lambda c: c.vote_question(ROOM, 3, on=False), live_commands.VoteQuestion(of=3, on=False, **AT)),
    (
        lambda c: c.settle_question(ROOM, 3, "answered"),
        live_commands.SettleQuestion(of=3, outcome="answered", **AT),
    ),
]


async def test_what_a_method_is_given_is_what_the_server_hears(server: ScriptedServer) -> None:
    """Each under a new key of its own."""
    keys: set[str] = set()
    async with connected(server) as (made, talk):
        for seq, (call, expected) in enumerate((*MADE, *DONE), 10):
            calling = asyncio.ensure_future(call(made))
            heard = await talk.hear(type(expected))
            once = str(getattr(heard, "once", ""))
            keys.add(once)
            assert heard == structs.replace(expected, id=heard.id, once=once)
            await talk.say(Ack(re=heard.id, position=Position(EPOCH, seq)))
            answer = await calling
            assert answer == Position(EPOCH, seq) if seq - 10 < len(MADE) else answer in (None, Position(EPOCH, seq))
    assert len(keys) == len(MADE) + len(DONE)


async def test_the_key_of_the_program_is_kept_and_an_entry_has_a_position(server: ScriptedServer) -> None:
    async with connected(server) as (made, talk):
        for position in (Position(EPOCH, 3), None):
            calling = asyncio.ensure_future(made.ask_stage(ROOM, "When?", once="mine"))
            heard = await talk.hear(live_commands.Ask)
            assert heard.once == "mine"
            await talk.say(Ack(re=heard.id, position=position))
            if position is not None:
                assert await calling == position
            else:
                with pytest.raises(TypeError, match="without its position"):
                    await calling
