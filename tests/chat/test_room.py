"""Who may do what: one table, read here as a specification and checked for every role, action and standing."""

from collections.abc import Callable
from typing import get_args

import pytest
from msgspec import structs

from chat.commands import (
    AcceptName,
    Command,
    Configure,
    Consent,
    CreateRoom,
    Edit,
    EndCeremony,
    FindPeople,
    Glossary,
    History,
    Join,
    Leave,
    MarkRead,
    Names,
    OpenCeremony,
    Pin,
    Post,
    Presence,
    Preview,
    ProposeName,
    PutTerm,
    React,
    Recall,
    Remark,
    RemoveTerm,
    ReportProposal,
    RoomCommand,
    SetName,
    Suggest,
    Translate,
    Typing,
    Vote,
    VoteName,
)
from chat.errors import ErrorCode, Rejected
from chat.events import Edited, Joined, Left, Mention, Posted, Reacted, Recalled, Role, RoleChanged
from chat.ids import Position
from chat.live_commands import LiveCommand
from chat.ports import DropMember, Guard, Invite, Member, RoomState, SetMember
from chat.room import (
    MAY,
    RANK,
    Caller,
    Decision,
    Target,
    View,
    allow,
    decide,
    decide_admission,
    decide_create,
    decide_removal,
    decide_role,
)
from tests.golden.examples import COMMANDS as EXAMPLES

ROLES = get_args(Role)
ME, OTHER = "me", "other"
STATE = RoomState("r", "Room", Position("0f", 10), 3, 0)
CALLER = Caller(ME, "Me")

# The specification. Columns: owner, moderator, member, guest.
TABLE = """
read          yes yes yes yes
post          yes yes yes yes
edit_own      yes yes yes yes
recall_own    yes yes yes yes
recall_any    yes yes no  no
react         yes yes yes yes
leave         yes yes yes yes
invite        yes yes no  no
remove_member yes yes no  no
change_role   yes no  no  no
export        yes yes no  no
announce      yes yes no  no
configure     yes yes no  no
pin           yes yes no  no
change_glossary yes yes no no
suggest       yes yes yes yes
ask_name      yes yes yes yes
propose_name  yes yes yes yes
vote_name     yes yes yes yes
report_proposal yes yes yes yes
own_name      yes yes yes yes
stop_ceremony yes yes no  no
conduct yes yes no  no
sanction yes yes no  no
decide_held yes yes no  no
report yes yes yes yes
settle_report yes yes no  no
change_words yes yes no  no
raise_hand yes yes yes yes
desk yes yes no  no
programme yes yes no  no
poll yes yes no  no
vote_poll yes yes yes yes
ask_stage yes yes yes yes
vote_question yes yes yes yes
settle_question yes yes no  no
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [(action, role, cell == "yes") for action, *cells in ROWS for role, cell in zip(ROLES, cells, strict=True)]


def view(role: Role | None = "member", *, target: str | None = None, revision: int = 0, invite: Invite | None = None):
    member = Member(ME, "Me", role) if role else None
    return View(STATE, member, Target(target, revision) if target else None, invite)


def refusal(ask: Callable[[], object]) -> ErrorCode:
    with pytest.raises(Rejected) as refused:
        ask()
    return refused.value.code


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_table_above_is_complete():
    assert {action for action, *_ in ROWS} == set(MAY)
    assert list(ROLES) == ["owner", "moderator", "member", "guest"]
    assert sorted(ROLES, key=RANK.__getitem__, reverse=True) == list(ROLES)


@pytest.mark.parametrize(("action", "role", "may"), CELLS)
def test_a_role_may_do_what_its_row_says(action: str, role: Role, may: bool):
    if may:
        assert allow(view(role), CALLER, action) == role
    else:
        assert refusal(lambda: allow(view(role), CALLER, action)) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("role", ROLES)
def test_an_action_without_a_row_is_refused_to_all(role: Role):
    assert refusal(lambda: allow(view(role), CALLER, "fly")) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("action", list(MAY))
def test_an_administrator_may_do_all_in_every_room_that_exists(action: str):
    administrator = Caller("backend", "Backend", administrator=True)
    assert allow(view(None), administrator, action) == "owner"
    assert refusal(lambda: allow(View(None), administrator, action)) is ErrorCode.ROOM_NOT_FOUND


# -- strangers ---------------------------------------------------------------------------------------------------------

ROOM_COMMANDS: dict[str, RoomCommand] = {
    "join": Join(id=1, room="r"),
    "leave": Leave(id=1, room="r"),
    "stop following": Leave(id=1, room="r", stay_member=True),
    "post": Post(id=1, room="r", text="hi", once="o"),
    "post empty": Post(id=1, room="r", text="\u200b", once="o"),
    "reply": Post(id=1, room="r", text="hi", once="o", reply_to=99),
    "edit": Edit(id=1, room="r", of=1, text="hi", once="o"),
    "recall": Recall(id=1, room="r", of=1, once="o"),
    "react": React(id=1, room="r", of=1, emoji="❤", once="o"),
    "react badly": React(id=1, room="r", of=1, emoji="no", once="o"),
    "mark_read": MarkRead(id=1, room="r", seq=1),
    "typing": Typing(id=1, room="r"),
    "history": History(id=1, room="r"),
    "presence": Presence(id=1, room="r"),
    "translate": Translate(id=1, room="r", of=1, language="en"),
    "announce": Post(id=1, room="r", text="hi", once="o", announce=True),
    "preview": Preview(id=1, room="r", text="hi", language="zh"),
    "suggest": Suggest(id=1, room="r", of=1, language="zh", text="hi", once="o"),
    "vote": Vote(id=1, room="r", of=1, suggestion=2, once="o"),
    "glossary": Glossary(id=1, room="r"),
    "put_term": PutTerm(id=1, room="r", source="a", once="o"),
    "remove_term": RemoveTerm(id=1, room="r", source="a", once="o"),
    "configure": Configure(id=1, room="r", title="T", once="o"),
    "pin": Pin(id=1, room="r", of=1, once="o"),
    "open_ceremony": OpenCeremony(id=1, room="r", once="o"),
    "consent": Consent(id=1, room="r", of=1, once="o"),
    "propose_name": ProposeName(id=1, room="r", of=1, text="白睿康", once="o"),
    "vote_name": VoteName(id=1, room="r", of=1, proposal=2, once="o"),
    "report_proposal": ReportProposal(id=1, room="r", of=1, proposal=2, once="o"),
    "accept_name": AcceptName(id=1, room="r", of=1, proposal=2, once="o"),
    "end_ceremony": EndCeremony(id=1, room="r", of=1, once="o"),
    "set_name": SetName(id=1, room="r", text="白睿康", once="o"),
    "names": Names(id=1, room="r"),
    "remark": Remark(id=1, room="r", user="other", text="My friend"),
    "find_people": FindPeople(id=1, room="r", query="bai"),
    **{
        name: structs.replace(command, room="r")
        for name, command in EXAMPLES.items()
        if isinstance(command, LiveCommand)
    },
}


def test_every_room_command_is_tried_by_a_stranger():
    assert {type(command) for command in ROOM_COMMANDS.values()} == set(get_args(RoomCommand))
    assert set(get_args(RoomCommand)) < set(get_args(Command))


@pytest.mark.parametrize("command", list(ROOM_COMMANDS.values()), ids=list(ROOM_COMMANDS))
@pytest.mark.parametrize("target", [None, Target(OTHER, 3)], ids=["no message", "a message"])
def test_a_stranger_cannot_tell_a_missing_room_from_a_foreign_one(command: RoomCommand, target: Target | None):
    """Otherwise room ids, messages and their authors could be probed from outside."""
    answers = []
    for found in (View(None), View(None, target=target), View(STATE), View(STATE, target=target)):
        with pytest.raises(Rejected) as refused:
            decide(found, CALLER, command)
        answers.append((refused.value.code, refused.value.words, refused.value.retry_after_ms))
    assert len(set(answers)) == 1
    assert answers[0][0] is ErrorCode.ROOM_NOT_FOUND


@pytest.mark.parametrize("name", [name for name in ROOM_COMMANDS if name != "join"])
def test_who_holds_a_grant_is_told_to_join_first(name: str):
    invited = Caller(ME, "Me", grants={"r": "member"})
    assert refusal(lambda: decide(view(None), invited, ROOM_COMMANDS[name])) is ErrorCode.NOT_A_MEMBER


def test_a_grant_for_one_room_opens_no_other():
    elsewhere = Caller(ME, "Me", grants={"other-room": "owner"})
    assert refusal(lambda: decide(view(None), elsewhere, ROOM_COMMANDS["join"])) is ErrorCode.ROOM_NOT_FOUND


# -- coming and going --------------------------------------------------------------------------------------------------


def invitation(role: Role = "guest", room: str = "r") -> Invite:
    return Invite("c", room, role, "host", 10**15, 1)


@pytest.mark.parametrize("grants", [{"r": "moderator"}, {"*": "moderator"}, {"*": "guest", "r": "moderator"}])
def test_a_grant_lets_in_with_its_role_and_the_rooms_own_comes_first(grants: dict[str, Role]):
    decision = decide(view(None), Caller(ME, " Me ", grants=grants), ROOM_COMMANDS["join"])
    assert decision == Decision(Joined(user=ME, name="Me", role="moderator"), SetMember(Member(ME, "Me", "moderator")))


def test_an_invitation_lets_in_with_its_role():
    decision = decide(view(None, invite=invitation("member")), CALLER, ROOM_COMMANDS["join"])
    assert decision is not None
    assert decision.event == Joined(user=ME, name="Me", role="member")


def test_an_invitation_to_another_room_lets_nobody_in():
    asked = view(None, invite=invitation(room="elsewhere"))
    assert refusal(lambda: decide(asked, CALLER, ROOM_COMMANDS["join"])) is ErrorCode.ROOM_NOT_FOUND


@pytest.mark.parametrize(("granted", "invited", "role"), [
    ("guest", "moderator", "moderator"), ("moderator", "guest", "moderator"), ("member", "member", "member"),
])  # fmt: skip
def test_of_a_grant_and_an_invitation_the_higher_role_counts(granted: Role, invited: Role, role: Role):
    decision = decide(view(None, invite=invitation(invited)), Caller(ME, "Me", {"r": granted}), ROOM_COMMANDS["join"])
    assert decision is not None
    assert decision.event == Joined(user=ME, name="Me", role=role)


@pytest.mark.parametrize("role", ROLES)
def test_joining_again_changes_nothing(role: Role):
    assert decide(view(role, invite=invitation("moderator")), CALLER, ROOM_COMMANDS["join"]) is None


@pytest.mark.parametrize("name", ["", "\u3164", "x" * 41, "x" * 500])
def test_nobody_comes_in_under_a_name_that_could_not_be_read_back(name: str):
    """A token may carry any name. An entry with a name that the types refuse would make its page of history
    unreadable for everybody, for ever."""
    named = Caller(ME, name, {"r": "member"}, may_create=True)
    assert refusal(lambda: decide(view(None), named, ROOM_COMMANDS["join"])) is ErrorCode.NAME_INVALID
    assert refusal(lambda: decide_admission(view(None), ME, name, "member")) is ErrorCode.NAME_INVALID
    create = CreateRoom(id=1, room="new", title="New", once="o")
    assert refusal(lambda: decide_create(named, create)) is ErrorCode.NAME_INVALID


@pytest.mark.parametrize("role", ["moderator", "member", "guest"])
def test_a_member_may_leave(role: Role):
    assert decide(view(role), CALLER, ROOM_COMMANDS["leave"]) == Decision(Left(user=ME, by=ME), DropMember(ME))


def test_the_owner_stays():
    assert refusal(lambda: decide(view("owner"), CALLER, ROOM_COMMANDS["leave"])) is ErrorCode.OWNER_MUST_STAY


@pytest.mark.parametrize("role", ROLES)
def test_to_stop_following_changes_nothing_in_the_room(role: Role):
    assert decide(view(role), CALLER, ROOM_COMMANDS["stop following"]) is None


def test_an_administrator_who_is_a_member_may_leave_like_one():
    """They count as owner in every room, and so could not leave any that they had once joined."""
    administrator = Caller(ME, "Me", administrator=True)
    assert decide(view("member"), administrator, ROOM_COMMANDS["leave"]) is not None
    assert refusal(lambda: decide(view("owner"), administrator, ROOM_COMMANDS["leave"])) is ErrorCode.OWNER_MUST_STAY
    assert decide(view(None), administrator, ROOM_COMMANDS["leave"]) is None


@pytest.mark.parametrize("may_create", [True, False])
@pytest.mark.parametrize("administrator", [True, False])
def test_a_room_is_created_by_who_may(may_create: bool, administrator: bool):
    caller = Caller(ME, "Me", may_create=may_create, administrator=administrator)
    command = CreateRoom(id=1, room="r", title="  地球村\u202e \n Village ", once="o")
    if not (may_create or administrator):
        assert refusal(lambda: decide_create(caller, command)) is ErrorCode.FORBIDDEN
        return
    event, owner = decide_create(caller, command)
    assert (event.title, event.by, owner) == ("地球村 Village", ME, Member(ME, "Me", "owner"))


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_post_carries_the_name_the_room_knows(role: Role):
    decision = decide(View(STATE, Member(ME, "村名", role)), CALLER, Post(id=1, room="r", text=" 你好 ", once="o"))
    assert decision == Decision(Posted(author=ME, name="村名", text="你好"))


@pytest.mark.parametrize(("reply_to", "fine"), [(None, True), (0, False), (1, True), (10, True), (11, False)])
def test_a_reply_names_an_entry_that_exists(reply_to: int | None, fine: bool):
    command = Post(id=1, room="r", text="hi", once="o", reply_to=reply_to)
    if fine:
        assert decide(view(), CALLER, command) is not None
    else:
        assert refusal(lambda: decide(view(), CALLER, command)) is ErrorCode.MESSAGE_NOT_FOUND


def test_a_mention_counts_only_if_its_words_can_be_seen():
    seen, unseen = Mention(OTHER, "@白睿康"), Mention("third", "@somebody")
    decision = decide(view(), CALLER, Post(id=1, room="r", text="你好 @白睿康", once="o", mentions=(seen, unseen)))
    assert decision is not None
    assert isinstance(decision.event, Posted)
    assert decision.event.mentions == (seen,)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("author", [ME, OTHER])
def test_only_the_author_edits_whatever_their_role(role: Role, author: str):
    asked = view(role, target=author, revision=2)
    command = Edit(id=1, room="r", of=4, text="new", once="o")
    if author == ME:
        assert decide(asked, CALLER, command) == Decision(
            Edited(of=4, by=ME, revision=3, text="new"), guard=Guard(4, 2)
        )
    else:
        assert refusal(lambda: decide(asked, CALLER, command)) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("author", [ME, OTHER])
def test_a_message_is_recalled_by_its_author_or_a_moderator(role: Role, author: str):
    asked, command = view(role, target=author), Recall(id=1, room="r", of=4, once="o")
    if author == ME or role in ("owner", "moderator"):
        assert decide(asked, CALLER, command) == Decision(Recalled(of=4, by=ME, author=author))
    else:
        assert refusal(lambda: decide(asked, CALLER, command)) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("role", ROLES)
def test_everybody_reacts_with_one_emoji_and_takes_it_back(role: Role):
    for on in (True, False):
        command = React(id=1, room="r", of=4, emoji="❤️", on=on, once="o")
        assert decide(view(role, target=OTHER), CALLER, command) == Decision(Reacted(of=4, by=ME, emoji="❤️", on=on))
    text = React(id=1, room="r", of=4, emoji="boo", once="o")
    assert refusal(lambda: decide(view(role, target=OTHER), CALLER, text)) is ErrorCode.MALFORMED


@pytest.mark.parametrize("name", ["edit", "recall", "react"])
def test_what_is_recalled_or_was_never_there_cannot_be_changed(name: str):
    assert refusal(lambda: decide(view("owner"), CALLER, ROOM_COMMANDS[name])) is ErrorCode.MESSAGE_NOT_FOUND


@pytest.mark.parametrize("name", ["mark_read", "typing", "history", "presence", "translate"])
@pytest.mark.parametrize("role", ROLES)
def test_reading_is_for_every_member_and_appends_nothing(name: str, role: Role):
    assert decide(view(role), CALLER, ROOM_COMMANDS[name]) is None


# -- ranks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mine", ROLES)
@pytest.mark.parametrize("theirs", ROLES)
def test_nobody_removes_a_member_of_their_own_rank_or_above(mine: Role, theirs: Role):
    def ask() -> Decision:
        return decide_removal(view(mine), CALLER, Member(OTHER, "Other", theirs))

    if mine in ("owner", "moderator") and RANK[theirs] < RANK[mine]:
        assert ask() == Decision(Left(user=OTHER, by=ME), DropMember(OTHER))
    else:
        assert refusal(ask) is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("mine", ROLES)
@pytest.mark.parametrize("before", ROLES)
@pytest.mark.parametrize("after", ROLES)
def test_the_owner_changes_roles_and_a_room_keeps_its_one_owner(mine: Role, before: Role, after: Role):
    def ask() -> Decision:
        return decide_role(view(mine), CALLER, Member(OTHER, "Other", before), after)

    if mine != "owner":
        assert refusal(ask) is ErrorCode.FORBIDDEN
    elif "owner" in (before, after):
        assert refusal(ask) is ErrorCode.OWNER_MUST_STAY
    else:
        assert ask() == Decision(RoleChanged(user=OTHER, role=after, by=ME), SetMember(Member(OTHER, "Other", after)))


def test_not_even_an_administrator_removes_the_owner():
    administrator = Caller("backend", "Backend", administrator=True)
    owner = Member(OTHER, "Other", "owner")
    assert refusal(lambda: decide_removal(view(None), administrator, owner)) is ErrorCode.OWNER_MUST_STAY
    guest = Member(OTHER, "Other", "guest")
    assert decide_removal(view(None), administrator, guest).event == Left(user=OTHER, by="backend")
