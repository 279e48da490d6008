"""Hooks: endpoints, how far each was told, what was given up, and who delivers."""

import asyncio

from msgspec.structs import replace

from chat.hooks import ENDPOINTS_MAX, LETTERS_MAX, Cursor, DeadLetter, Endpoint, new_secret
from tests.contracts.conftest import Ports, eventually

ENDPOINT = Endpoint(
    id="a1",
    url="https://hooks.example/in",
    secret=new_secret(bytes(32)),
    events=("message.posted", "room.opened"),
    rooms=("r",),
    made_ms=2_000,
    by="root",
)
LETTER = DeadLetter(
    id="msg_00",
    type="message.posted",
    room="r",
    epoch="aa",
    seq=1,
    phase="open",
    at_ms=5,
    died_ms=10,
    tries=9,
    why="answered 500",
)


async def test_an_endpoint_is_there_until_it_is_removed_with_all_that_is_its_own(ports: Ports) -> None:
    older = replace(ENDPOINT, id="b2", rooms=None, made_ms=1_000)
    assert await ports.hooks.put(ENDPOINT, {"r": Cursor("aa", 7)})
    assert await ports.hooks.put(older, {})
    assert list(await ports.hooks.endpoints()) == [older, ENDPOINT]
    await ports.hooks.advance("a1", "r", Cursor("aa", 8), LETTER)
    assert await ports.hooks.remove("a1") is True
    assert await ports.hooks.remove("a1") is False
    assert await ports.hooks.endpoint("a1") is None
    assert await ports.hooks.cursors("a1") == {}
    assert await ports.hooks.letters("a1", 10) == []
    await ports.hooks.advance("a1", "r", Cursor("aa", 9), LETTER)  # who was just delivering to it
    await ports.hooks.switch("a1", "gone")
    assert await ports.hooks.put(ENDPOINT, {})
    assert await ports.hooks.cursors("a1") == {}
    assert await ports.hooks.letters("a1", 10) == []
    assert await ports.hooks.endpoint("a1") == ENDPOINT


async def test_there_is_a_bound_of_endpoints(ports: Ports) -> None:
    for number in range(ENDPOINTS_MAX):
        assert await ports.hooks.put(replace(ENDPOINT, id=f"a{number}"), {})
    assert not await ports.hooks.put(replace(ENDPOINT, id="more"), {"r": Cursor("aa", 1)})
    assert await ports.hooks.cursors("more") == {}
    assert await ports.hooks.put(replace(ENDPOINT, id="a0", url="https://other.example/"), {})


async def test_an_endpoint_is_switched_off_and_on(ports: Ports) -> None:
    await ports.hooks.put(ENDPOINT, {})
    await ports.hooks.switch("a1", "answered 410")
    assert await ports.hooks.endpoint("a1") == replace(ENDPOINT, off="answered 410")
    assert list(await ports.hooks.endpoints()) == [replace(ENDPOINT, off="answered 410")]
    await ports.hooks.switch("a1", "")
    assert await ports.hooks.endpoint("a1") == ENDPOINT


async def test_a_cursor_moves_forward_only_and_anew_in_another_life(ports: Ports) -> None:
    await ports.hooks.put(ENDPOINT, {"r": Cursor("aa", 7, "lobby")})
    for cursor, stays in (
        (Cursor("aa", 7, "lobby", 2, 99), Cursor("aa", 7, "lobby", 2, 99)),
        (Cursor("aa", 9), Cursor("aa", 9)),
        (Cursor("aa", 8), Cursor("aa", 9)),
        (Cursor("bb", 3), Cursor("bb", 3)),
    ):
        await ports.hooks.advance("a1", "r", cursor)
        assert await ports.hooks.cursors("a1") == {"r": stays}


async def test_dead_letters_come_newest_first_and_the_oldest_go(ports: Ports) -> None:
    await ports.hooks.put(ENDPOINT, {})
    letters = [replace(LETTER, id=f"msg_{number:04x}", seq=number, died_ms=number) for number in range(LETTERS_MAX + 2)]
    await asyncio.gather(*(ports.hooks.advance("a1", "r", Cursor("aa", each.seq), each) for each in letters))
    found = await ports.hooks.letters("a1", LETTERS_MAX + 10)
    assert [letter.seq for letter in found] == list(range(LETTERS_MAX + 1, 1, -1))
    assert [letter.seq for letter in await ports.hooks.letters("a1", 2)] == [LETTERS_MAX + 1, LETTERS_MAX]
    assert await ports.hooks.letter("a1", found[0].id) == found[0]
    assert await ports.hooks.drop_letter("a1", found[0].id) is True
    assert await ports.hooks.drop_letter("a1", found[0].id) is False
    assert await ports.hooks.letter("a1", found[0].id) is None
    assert (await ports.hooks.letters("a1", 1))[0] == found[1]


async def test_one_holds_the_lease_until_it_ends_or_is_given_back(ports: Ports) -> None:
    won = await asyncio.gather(*(ports.hooks.lease(name, 60_000) for name in "abcd"))
    assert sum(won) == 1
    owner, other = "abcd"[won.index(True)], "abcd"[won.index(False)]
    assert await ports.hooks.lease(owner, 60_000)
    await ports.hooks.release(other)
    assert not await ports.hooks.lease(other, 60_000)
    await ports.hooks.release(owner)
    assert await ports.hooks.lease(other, 30)

    async def ended() -> bool:
        return await ports.hooks.lease(owner, 60_000)

    await eventually(ended)


async def test_heads_are_those_of_the_logs(ports: Ports) -> None:
    assert await ports.hooks.heads() == {}
    await ports.create("r")
    await ports.create("s", once="another")
    last = await ports.post("hello")
    heads = await ports.hooks.heads()
    assert heads.keys() == {"r", "s"}
    assert heads["r"] == last.position
    assert heads["s"].seq == 1
