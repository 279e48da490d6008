"""Subscriptions on their way: which acknowledgement counts, and that everybody who waits is told once, in time."""

import asyncio

import pytest

from chat.adapters.subscriptions import Followers, Unacknowledged
from chat.errors import Unavailable
from tests.support.virtual_time import run


def test_of_two_that_were_sent_only_the_second_acknowledgement_counts() -> None:
    """Follow, unfollow, follow: the first acknowledgement is of what was taken back."""
    sent = Unacknowledged()
    sent.sent([b"a", b"b"])
    sent.sent([b"a"])
    assert [sent.acknowledged(b"a"), b"a" in sent, sent.acknowledged(b"a"), b"a" in sent] == [False, True, True, False]
    assert sent.acknowledged(b"b")
    sent.sent([b"a"])
    sent.clear()
    sent.sent([b"a"])
    assert sent.acknowledged(b"a"), "what a lost wire owed is owed by nobody"


class Wanted:
    """Who waits for one channel for two seconds, and how often the last of them left."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.followers = Followers(2.0, "the engine", self.left.append)

    def wait(self) -> "asyncio.Task[None]":
        return asyncio.ensure_future(self.followers.wait(b"a"))


def test_all_who_wait_hear_that_it_is_in_force_and_the_last_to_leave_is_noticed() -> None:
    async def story() -> None:
        wanted = Wanted()
        gone, patient = wanted.wait(), wanted.wait()
        await asyncio.sleep(1)
        gone.cancel()
        await asyncio.wait({gone})
        assert wanted.left == [], "somebody still waits"
        wanted.followers.in_force(b"b")
        wanted.followers.in_force(b"a")
        await patient
        assert wanted.left == [b"a"]
        wanted.followers.in_force(b"a")

    run(story())


def test_an_engine_that_does_not_confirm_is_unavailable_after_the_time_of_each() -> None:
    async def story() -> None:
        wanted = Wanted()
        first = wanted.wait()
        await asyncio.sleep(1.5)
        second = wanted.wait()
        for waiting, left in ((first, []), (second, [b"a"])):
            with pytest.raises(Unavailable, match="the engine did not confirm within 2 s"):
                await waiting
            assert wanted.left == left

    run(story(), until_s=4)


def test_who_waits_for_a_room_that_is_unfollowed_is_told_and_whoever_follows_it_next_waits_on() -> None:
    async def story() -> None:
        wanted = Wanted()
        before = wanted.wait()
        await asyncio.sleep(1)
        wanted.followers.unfollowed(b"a")
        after = wanted.wait()
        with pytest.raises(Unavailable, match="unfollowed meanwhile"):
            await before
        assert wanted.left == [], "it is another following"
        wanted.followers.in_force(b"a")
        await after
        assert wanted.left == [b"a"]

    run(story())
