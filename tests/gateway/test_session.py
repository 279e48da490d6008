"""The protocol machine: who may say what, when. No loop, no socket, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import limits
from chat.commands import Hello, Ping, Post, Typing
from chat.errors import ErrorCode, Malformed
from chat.room import Caller
from gateway.closing import CloseReason
from gateway.session import MALFORMED_MAX, REFUSED_FAST_MAX, End, Perform, Refuse, Session, Shed, State

HELLO = Hello(id=1, token="t", languages=("zh",))
PING = Ping(id=2)


def ready(expires_at_ms: int = 0) -> Session:
    session = Session(0.0)
    session.accept(Caller("alice", "Alice", expires_at_ms=expires_at_ms))
    return session


def post(number: int) -> Post:
    return Post(id=number, room="r", text="x", once=str(number))


def test_before_hello_every_other_command_is_answered_not_ready() -> None:
    (effect,) = Session(0.0).receive(PING, 0.0, 0)
    assert isinstance(effect, Refuse)
    assert effect.failure.code is ErrorCode.NOT_READY
    assert effect.re == PING.id


def test_hello_is_performed_and_a_second_one_is_refused() -> None:
    session = Session(0.0)
    assert session.receive(HELLO, 0.0, 0) == (Perform(HELLO),)
    session.accept(Caller("alice", "Alice"))
    (effect,) = session.receive(HELLO, 0.0, 0)
    assert isinstance(effect, Refuse)
    assert effect.failure.code is ErrorCode.ALREADY_READY


def test_after_close_nothing_is_done() -> None:
    session = ready()
    session.close()
    assert session.receive(PING, 0.0, 0) == ()
    assert session.receive_malformed(Malformed("x")) == ()
    session.accept(Caller("eve", "Eve"))
    assert session.state is State.CLOSED


def test_a_burst_of_posts_is_taken_then_the_wait_is_named() -> None:
    session = ready()
    for number in range(limits.POSTS_BURST):
        assert session.receive(post(number), 0.0, 0) == (Perform(post(number)),)
    (effect,) = session.receive(post(99), 0.0, 0)
    assert isinstance(effect, Refuse)
    assert effect.failure.code is ErrorCode.TOO_FAST
    wait_ms = effect.failure.retry_after_ms
    assert wait_ms == 1000 / limits.POSTS_PER_S
    (again,) = session.receive(post(99), wait_ms / 1000, 0)
    assert isinstance(again, Perform)


def test_what_a_full_house_did_not_do_is_not_held_against_the_member() -> None:
    """Whoever was refused and asked again as told used to be too fast in the end, and so came a third time."""
    session = ready()
    for number in range(2 * limits.POSTS_BURST):
        assert session.receive(post(number), 0.0, 0) == (Perform(post(number)),)
        session.spared(post(number))
    for number in range(limits.POSTS_BURST):
        session.spared(PING)
        assert session.receive(post(number), 0.0, 0) == (Perform(post(number)),)
    (effect,) = session.receive(post(99), 0.0, 0)
    assert isinstance(effect, Refuse)


def test_who_never_listens_to_too_fast_is_closed() -> None:
    session = ready()
    effects = [session.receive(PING, 0.0, 0) for _ in range(limits.COMMANDS_BURST + REFUSED_FAST_MAX + 1)]
    assert effects[-1][-1] == End(CloseReason.FLOOD)
    assert session.state is State.CLOSED


def test_typing_beyond_one_in_two_seconds_is_shed_not_refused() -> None:
    session, typing = ready(), Typing(id=5, room="r")
    assert session.receive(typing, 0.0, 0) == (Perform(typing),)
    assert session.receive(typing, 0.1, 0) == (Shed(5),)
    assert session.receive(typing, 2.1, 0) == (Perform(typing),)


def test_an_expired_token_ends_the_session_at_its_next_command() -> None:
    session = ready(expires_at_ms=1_000)
    assert session.receive(PING, 0.0, 999) == (Perform(PING),)
    refuse, end = session.receive(PING, 0.0, 1_000)
    assert isinstance(refuse, Refuse)
    assert refuse.failure.code is ErrorCode.TOKEN_EXPIRED
    assert end == End(CloseReason.TOKEN_EXPIRED)


def test_a_few_unreadable_messages_are_answered_too_many_close() -> None:
    session = ready()
    for _ in range(MALFORMED_MAX):
        (effect,) = session.receive_malformed(Malformed("x", 7))
        assert isinstance(effect, Refuse)
        assert effect.re == 7
    assert session.receive_malformed(Malformed("x"))[-1] == End(CloseReason.MALFORMED)


@pytest.mark.parametrize(("at_s", "late"), [(limits.HELLO_WITHIN_S, False), (limits.HELLO_WITHIN_S + 0.1, True)])
def test_hello_has_a_deadline(at_s: float, late: bool) -> None:
    assert Session(0.0).late(at_s) is late
    assert not ready().late(1e9)


@given(st.lists(st.sampled_from(["hello", "ping", "post", "malformed", "accept", "close", "wait"]), max_size=400))
def test_every_command_has_exactly_one_answer_and_none_after_close(steps: list[str]) -> None:
    session, now_s, closed = Session(0.0), 0.0, False
    for number, step in enumerate(steps):
        match step:
            case "wait":
                now_s += 0.3
            case "accept":
                session.accept(Caller("alice", "Alice"))
            case "close":
                session.close()
                closed = True
            case "malformed":
                answers = session.receive_malformed(Malformed("x"))
                assert len([a for a in answers if not isinstance(a, End)]) == (0 if closed else 1)
                closed = closed or any(isinstance(a, End) for a in answers)
            case _:
                command = {"hello": HELLO, "ping": PING, "post": post(number)}[step]
                answers = session.receive(command, now_s, 0)
                assert len([a for a in answers if not isinstance(a, End)]) == (0 if closed else 1)
                closed = closed or any(isinstance(a, End) for a in answers)
