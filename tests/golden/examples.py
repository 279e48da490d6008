"""One example of every command, event and frame, and the files that fix their bytes.

`commands/NAME.json` and `frames/NAME.json` hold the WebSocket text message, `NAME.hex` the msgpack message, as they
are on the wire since version 1; authors of clients in other languages can test against them. A change of these files
is a change of the protocol: it needs the evolution rules in docs/protocol.md, and this command, deliberately:

    python -m tests.golden.examples
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from chat import commands as c
from chat import events as e
from chat import frames as f
from chat import live_commands as lc
from chat import live_events as le
from chat import live_frames as lf
from chat.conduct import Conduct, Standing
from chat.errors import ERRORS, ErrorCode
from chat.ids import Position
from chat.wire import Codec

HERE = Path(__file__).parent
AT_MS = 1_764_000_000_000
ROOM = "spring-concert"
EPOCH = "0f3a9c"
MENTION = e.Mention(user="brecken", text="@白睿康")

WORD = le.Word(text="加微信", action="hold", loose=True, note="advertising", innocent=("加微信群主为好友",))
PROGRAMME = le.Programme(
    starts_ms=AT_MS + 3_600_000,
    ends_ms=AT_MS + 7_200_000,
    poster="https://example.org/poster.png",
    about="一起唱歌",
    items=(le.ScheduleItem(at_ms=AT_MS + 3_600_000, title="开场 · Opening"),),
)

COMMANDS: dict[str, c.Command] = {
    "hello": c.Hello(
        id=1,
        token="eyJhbGciOi.eyJzdWIi.c2ln",
        languages=("zh", "en"),
        rooms=(c.Resume(room=ROOM, position=Position(EPOCH, 41)), c.Resume(room="lobby")),
        name="榕榕",
    ),
    "create_room": c.CreateRoom(id=2, room=ROOM, title="地球村 · Global Village", once="c-1"),
    "join": c.Join(id=3, room=ROOM, position=Position(EPOCH, 0), invite="7Q2M-KX4P"),
    "leave": c.Leave(id=4, room=ROOM, stay_member=True),
    "post": c.Post(id=5, room=ROOM, text="大家好 @白睿康 👋🏽", once="p-1", reply_to=3, mentions=(MENTION,)),
    "edit": c.Edit(id=6, room=ROOM, of=4, text="大家晚上好 @白睿康", once="e-1", mentions=(MENTION,)),
    "recall": c.Recall(id=7, room=ROOM, of=4, once="r-1"),
    "react": c.React(id=8, room=ROOM, of=4, emoji="❤️", once="x-1"),
    "mark_read": c.MarkRead(id=9, room=ROOM, seq=41),
    "typing": c.Typing(id=10, room=ROOM),
    "history": c.History(id=11, room=ROOM, before=42, epoch=EPOCH, limit=50),
    "presence": c.Presence(id=12, room=ROOM),
    "set_languages": c.SetLanguages(id=13, languages=("en", "zh-Hant")),
    "translate": c.Translate(id=14, room=ROOM, of=4, language="en"),
    "ping": c.Ping(id=15),
    "preview": c.Preview(id=16, room=ROOM, text="大家好", language="en"),
    "suggest": c.Suggest(id=17, room=ROOM, of=4, language="en", text="Good evening, all", once="s-1"),
    "vote": c.Vote(id=18, room=ROOM, of=4, suggestion=50, once="v-1"),
    "glossary": c.Glossary(id=19, room=ROOM),
    "put_term": c.PutTerm(id=20, room=ROOM, source="榕树", target="banyan", language="en", note="the tree", once="g-1"),
    "remove_term": c.RemoveTerm(id=21, room=ROOM, source="榕树", language="en", once="g-2"),
    "configure": c.Configure(id=22, room=ROOM, translation="hold", translation_budget_ms=1_500, once="o-1"),
    "pin": c.Pin(id=23, room=ROOM, of=4, once="n-1"),
    "open_ceremony": c.OpenCeremony(id=24, room=ROOM, user="brecken", script="han", window_s=60, once="y-1"),
    "consent": c.Consent(id=25, room=ROOM, of=70, once="y-2"),
    "propose_name": c.ProposeName(
        id=26,
        room=ROOM,
        of=70,
        text="白睿康",
        reason="听起来像 Brecken，睿是聪明，康是健康",
        pinyin="bái ruì kāng",
        once="y-3",
    ),
    "vote_name": c.VoteName(id=27, room=ROOM, of=70, proposal=72, once="y-4"),
    "report_proposal": c.ReportProposal(id=28, room=ROOM, of=70, proposal=73, once="y-5"),
    "accept_name": c.AcceptName(id=29, room=ROOM, of=70, proposal=72, also=74, once="y-6"),
    "end_ceremony": c.EndCeremony(id=30, room=ROOM, of=70, once="y-7"),
    "set_name": c.SetName(id=31, room=ROOM, text="白睿康", preferred_for=("zh",), once="y-8"),
    "names": c.Names(id=32, room=ROOM, users=("brecken",)),
    "remark": c.Remark(id=33, room=ROOM, user="brecken", text="吉他手"),
    "find_people": c.FindPeople(id=34, room=ROOM, query="brk"),
    "set_conduct": lc.SetConduct(
        id=35, room=ROOM, conduct=Conduct(kind="live", slow_s=10), why="so many of us", once="l-1"
    ),
    "sanction": lc.Sanction(
        id=36, room=ROOM, user="mallory", action="timeout", for_s=600, why="spam", of=9, delete_last=5, once="l-2"
    ),
    "decide_held": lc.DecideHeld(id=37, room=ROOM, of=90, approve=True, once="l-3"),
    "report": lc.Report(id=38, room=ROOM, of=9, language="en", why="an advertisement", once="l-4"),
    "settle_report": lc.SettleReport(id=39, room=ROOM, of=9, remove=True, once="l-5"),
    "set_words": lc.SetWords(id=40, room=ROOM, words=(WORD,), lists=("insults",), once="l-6"),
    "raise_hand": lc.RaiseHand(id=41, room=ROOM, once="l-7"),
    "desk": lc.Desk(id=42, room=ROOM),
    "set_programme": lc.SetProgramme(id=43, room=ROOM, programme=PROGRAMME, once="l-8"),
    "open_poll": lc.OpenPoll(id=44, room=ROOM, question="下一首？", options=("茉莉花", "Imagine"), once="l-9"),
    "vote_poll": lc.VotePoll(id=45, room=ROOM, of=95, choices=(1,), once="l-10"),
    "close_poll": lc.ClosePoll(id=46, room=ROOM, of=95, once="l-11"),
    "ask": lc.Ask(id=47, room=ROOM, text="Will there be an encore?", once="l-12"),
    "vote_question": lc.VoteQuestion(id=48, room=ROOM, of=97, once="l-13"),
    "settle_question": lc.SettleQuestion(id=49, room=ROOM, of=97, outcome="answered", once="l-14"),
    "stage": lc.Stage(id=50, room=ROOM),
}

GIVEN = e.GivenTo(
    script="han",
    text="白睿康",
    romanisation="Bái Ruìkāng",
    respelling="bye ray-kahng",
    meaning_en="farsighted and healthy",
    meaning_zh="聪明、健康",
    glosses=(e.Gloss(char="睿", reading="ruì", en="farsighted", zh="睿智"),),
    given_by="rongrong",
    given_by_name="榕榕",
    since_ms=AT_MS,
    preferred_for=("zh", "zh-Hant"),
    of=70,
)

EVENTS: dict[str, e.Event] = {
    "room_created": e.RoomCreated(by="rongrong", name="榕榕", title="地球村 · Global Village"),
    "joined": e.Joined(user="brecken", name="Brecken", role="guest"),
    "left": e.Left(user="brecken", by="rongrong"),
    "role_changed": e.RoleChanged(user="brecken", role="moderator", by="rongrong"),
    "posted": e.Posted(author="rongrong", name="榕榕", text="大家好 @白睿康 👋🏽", reply_to=3, mentions=(MENTION,)),
    "edited": e.Edited(of=4, by="rongrong", revision=1, text="大家晚上好 @白睿康", mentions=(MENTION,)),
    "recalled": e.Recalled(of=4, by="rongrong", author="rongrong"),
    "reacted": e.Reacted(of=4, by="brecken", emoji="❤️", on=True),
    "translated": e.Translated(
        of=4,
        revision=1,
        language="en",
        source="zh",
        text="Good evening everyone @白睿康",
        engine="ctranslate2",
        package="translate-zh_en-starter-0_1",
        starter=True,
    ),
    "untranslated": e.Untranslated(of=4, revision=1, language="fr", source="zh", reason="no_package"),
    "room_changed": e.RoomChanged(by="rongrong", title="春天音乐会", translation="hold", translation_budget_ms=1_500),
    "term_changed": e.TermChanged(by="rongrong", source="榕树", target="banyan", language="en", note="the tree"),
    "term_removed": e.TermRemoved(by="rongrong", source="榕树", language="en"),
    "pinned": e.Pinned(of=4, by="rongrong", on=True),
    "suggested": e.Suggested(of=4, revision=1, language="en", text="Good evening, all", by="brecken", name="Brecken"),
    "explained": e.Explained(
        of=4,
        revision=0,
        language="en",
        terms=(e.ExplainedTerm("yyds", 0, 4, "the greatest of all time"),),
    ),
    "voted": e.Voted(of=4, suggestion=50, by="rongrong", on=True),
    "ceremony_opened": e.CeremonyOpened(
        nominee="brecken",
        nominee_name="Brecken",
        by="rongrong",
        name="榕榕",
        script="han",
        window_s=60,
        consented=False,
        consent_s=600,
    ),
    "ceremony_consented": e.CeremonyConsented(of=70, nominee="brecken", window_s=60),
    "name_proposed": e.NameProposed(
        of=70,
        by="rongrong",
        name="榕榕",
        text="白睿康",
        script="han",
        reason="听起来像 Brecken，睿是聪明，康是健康",
        romanisation="Bái Ruìkāng",
        respelling="bye ray-kahng",
        glosses=GIVEN.glosses,
        meaning_en="farsighted and healthy",
        meaning_zh="聪明、健康",
        echoes=(e.Echo(heard="bre", char="白"),),
        sound=80,
        findings=(e.Finding(kind="famous", part="白", en="an example", zh="例子"),),
    ),
    "name_voted": e.NameVoted(of=70, by="rongrong", proposal=72),
    "proposal_reported": e.ProposalReported(of=70, proposal=73, by="rongrong"),
    "proposal_hidden": e.ProposalHidden(of=70, proposal=73, why="reports"),
    "ceremony_closed": e.CeremonyClosed(
        of=70,
        nominee="brecken",
        nominee_name="Brecken",
        by="brecken",
        outcome="accepted",
        accepted=72,
        given=(GIVEN,),
        names=(GIVEN,),
        tally=(e.ProposalTally(proposal=72, votes=37),),
        voters=37,
    ),
    "names_changed": e.NamesChanged(user="brecken", names=(GIVEN,)),
    "conduct_changed": le.ConductChanged(by="rongrong", conduct=Conduct(kind="live", slow_s=10), why="so many of us"),
    "sanctioned": le.Sanctioned(
        user="mallory",
        name="Mallory",
        by="rongrong",
        action="timeout",
        standing=Standing(muted=True, until_ms=AT_MS + 600_000),
        why="spam",
        of=9,
    ),
    "held_back": le.HeldBack(
        author="mallory",
        name="Mallory",
        text="想赚钱加微信",
        why="words",
        hits=(le.Hit(word="加微信", action="hold", start=3, end=6, how="plain"),),
        written_in="zh",
    ),
    "held_decided": le.HeldDecided(of=90, author="mallory", by="rongrong", approved=False, why="advertising"),
    "reported": le.Reported(
        of=9, by="brecken", author="mallory", revision=0, seen="Add me", language="en", why="an advertisement"
    ),
    "report_settled": le.ReportSettled(of=9, by="rongrong", outcome="removed"),
    "words_changed": le.WordsChanged(by="rongrong", words=(WORD,), lists=("insults",)),
    "hand_raised": le.HandRaised(user="brecken", name="Brecken", on=True),
    "programme_changed": le.ProgrammeChanged(by="rongrong", programme=PROGRAMME),
    "poll_opened": le.PollOpened(by="rongrong", name="榕榕", question="下一首？", options=("茉莉花", "Imagine")),
    "poll_voted": le.PollVoted(of=95, by="brecken", choices=(1,)),
    "poll_closed": le.PollClosed(of=95, by="rongrong", outcome="ended", counts=(1_204, 1_796), voters=3_000),
    "question_asked": le.QuestionAsked(by="brecken", name="Brecken", text="Will there be an encore?"),
    "question_voted": le.QuestionVoted(of=97, by="rongrong", on=True),
    "question_settled": le.QuestionSettled(of=97, by="rongrong", outcome="answered", votes=12),
    "recorded": e.Recorded(
        epoch="a1b2c3",
        seq=81,
        at_ms=AT_MS - 86_400_000,
        event=le.WordsChanged(by="rongrong", words=(WORD,), lists=("insults",)),
    ),
}

_PAGE_ENTRY = f.PageEntry(seq=4, at_ms=AT_MS, event=EVENTS["posted"])

FRAMES: dict[str, f.Frame] = {
    "ack": f.Ack(re=5, position=Position(EPOCH, 42)),
    "error": f.ErrorFrame(
        re=5, code=ErrorCode.TOO_FAST, words=ERRORS[ErrorCode.TOO_FAST].words, retryable=True, retry_after_ms=450
    ),
    "welcome": f.Welcome(
        re=1,
        user="rongrong",
        name="榕榕",
        languages=("zh", "en"),
        session="s-7f3a",
        server="gateway-1",
        refused=(
            f.RoomRefused(room="lobby", code=ErrorCode.ROOM_NOT_FOUND, words=ERRORS[ErrorCode.ROOM_NOT_FOUND].words),
        ),
        routes=(f.Route(source="zh", target="en", starter=True),),
        limits={"text_chars_max": 4000},
        token_expires_at_ms=AT_MS + 3_600_000,
    ),
    "room": f.RoomFrame(
        room=ROOM,
        title="地球村 · Global Village",
        role="owner",
        head=Position(EPOCH, 41),
        recovered=True,
        missed=0,
        read=40,
        members=128,
        re=1,
    ),
    "page": f.Page(
        re=11,
        room=ROOM,
        epoch=EPOCH,
        entries=(_PAGE_ENTRY,),
        about=(f.PageEntry(seq=9, at_ms=AT_MS + 2, event=EVENTS["translated"]),),
        first=4,
        last=4,
        more=True,
    ),
    "people": f.People(
        room=ROOM,
        total=2,
        by_language={"zh": 1, "en": 1},
        people=(f.Person(user="brecken", name="Brecken", languages=("en",)),),
        re=12,
    ),
    "typing": f.TypingFrame(room=ROOM, user="brecken", name="Brecken"),
    "gap": f.GapFrame(room=ROOM, head=Position(EPOCH, 97), missed=12),
    "glossary": f.GlossaryFrame(
        re=19,
        room=ROOM,
        version=60,
        terms=(f.GlossaryTerm(source="榕树", target="banyan", language="en", note="the tree", added_by="rongrong"),),
    ),
    "names": f.NamesFrame(
        re=32, room=ROOM, cards=(f.Card(user="brecken", name="Brecken", names=(GIVEN,), remark="吉他手"),)
    ),
    "tally": f.TallyFrame(room=ROOM, of=70, tally=(e.ProposalTally(proposal=72, votes=36),), voters=36),
    "desk": lf.DeskFrame(
        re=42,
        room=ROOM,
        conduct=Conduct(kind="live"),
        held=(
            lf.HeldView(
                of=90,
                at_ms=AT_MS,
                held=EVENTS["held_back"],  # type: ignore[arg-type]  # a HeldBack
                translations={"en": "Want money? Add my WeChat"},
                recent=("hi",),
            ),
        ),
        more_held=0,
        reports=(
            lf.ReportView(
                of=9,
                reports=(EVENTS["reported"],),  # type: ignore[arg-type]  # a Reported
                original="加我",
                translations={"en": "Add me"},
            ),
        ),
        hands=(lf.HandView(user="brecken", name="Brecken", at_ms=AT_MS),),
        sanctions=(
            lf.StandingView(
                user="mallory", name="Mallory", standing=Standing(muted=True), why="spam", by="rongrong", seq=91
            ),
        ),
        words=(WORD,),
        lists=("insults",),
    ),
    "stage": lf.StageFrame(
        re=50,
        room=ROOM,
        conduct=Conduct(kind="live"),
        standing=Standing(),
        programme=PROGRAMME,
        programme_seq=94,
        polls=(
            lf.PollView(
                of=95,
                opened=EVENTS["poll_opened"],  # type: ignore[arg-type]  # a PollOpened
                counts=(3, 5),
                voters=8,
                mine=(1,),
            ),
        ),
        questions=(
            lf.QuestionView(of=97, asked=EVENTS["question_asked"], votes=2, mine=True),  # type: ignore[arg-type]  # a QuestionAsked
        ),
        now_ms=AT_MS,
        hand=True,
    ),
    "poll_tally": lf.PollTallyFrame(room=ROOM, of=95, counts=(3, 5), voters=8),
    "question_tally": lf.QuestionTallyFrame(room=ROOM, votes={"97": 12}),
    "reactions": lf.ReactionsFrame(room=ROOM, counts={"4": {"❤️": 31}}, after=96, upto=129),
    "skipped": lf.SkippedFrame(room=ROOM, first=101, last=140, count=32),
    "crowd": lf.CrowdFrame(room=ROOM, total=5_012, by_language={"zh": 1_502, "en": 3_510}),
    "decided": lf.DecidedFrame(room=ROOM, what="held", of=90, why="words"),
    "wait": lf.WaitFrame(room=ROOM, place=12, waiting=40),
    "room_ceremony": f.RoomFrame(
        room=ROOM,
        title="地球村 · Global Village",
        role="guest",
        head=Position(EPOCH, 80),
        recovered=True,
        missed=0,
        read=40,
        members=128,
        re=1,
        ceremonies=(
            f.CeremonyView(
                of=70,
                opened=e.CeremonyOpened(
                    nominee="brecken",
                    nominee_name="Brecken",
                    by="brecken",
                    name="Brecken",
                    script="han",
                    window_s=60,
                    consented=True,
                ),
                consented=True,
                closes_at_ms=AT_MS + 60_000,
                chooses_until_ms=AT_MS + 3_660_000,
                proposals=(f.ProposalView(seq=72, proposed=EVENTS["name_proposed"], votes=36),),  # type: ignore[arg-type]  # a NameProposed
                voters=36,
                mine=72,
            ),
        ),
    ),
    "preview": f.PreviewFrame(re=16, text="Hello everyone", back="大家好", source="zh", starter=True),
    "entry_held": f.EntryFrame(
        room=ROOM, epoch=EPOCH, seq=42, at_ms=AT_MS, event=EVENTS["posted"], translation=EVENTS["translated"]
    ),
    "pong": f.Pong(re=15, at_ms=AT_MS),
    "closing": f.Closing(code=4000, words="the server is restarting", retry_after_ms=1_700),
} | {
    f"entry_{name}": f.EntryFrame(room=ROOM, epoch=EPOCH, seq=42, at_ms=AT_MS, event=event)
    for name, event in EVENTS.items()
}

ENCODERS = {Codec.JSON: msgspec.json.encode, Codec.MSGPACK: msgspec.msgpack.encode}


def entry(event: e.Event, audience: str = "") -> e.Entry:
    return e.Entry(ROOM, EPOCH, 42, AT_MS, audience, msgspec.msgpack.encode(event))


def golden() -> Iterator[tuple[Path, Codec, c.Command | f.Frame]]:
    """Every file with the message it holds."""
    for folder, examples in (("commands", COMMANDS), ("frames", FRAMES)):
        for name, message in examples.items():  # type: ignore[attr-defined]  # dicts of one value type each
            yield HERE / folder / f"{name}.json", Codec.JSON, message
            yield HERE / folder / f"{name}.hex", Codec.MSGPACK, message


def file_text(message: c.Command | f.Frame, codec: Codec) -> str:
    data = ENCODERS[codec](message)
    if codec is Codec.JSON:
        return data.decode() + "\n"
    return "".join(data[at : at + 40].hex() + "\n" for at in range(0, len(data), 40))


def file_bytes(path: Path) -> bytes:
    """The WebSocket message in a golden file."""
    text = path.read_text(encoding="utf-8")
    return text.removesuffix("\n").encode() if path.suffix == ".json" else bytes.fromhex(text)


def write() -> None:
    for path, codec, message in golden():
        path.parent.mkdir(exist_ok=True)
        path.write_text(file_text(message, codec), encoding="utf-8")


if __name__ == "__main__":
    write()
