"""Invites: short codes that open as often as they were made to, and no more."""

import asyncio
import time
from dataclasses import replace

from chat.ports import Invite
from tests.contracts.conftest import Ports

NOW_MS = time.time_ns() // 1_000_000
INVITE = Invite("quiet-river-42", "r", "guest", "ann", NOW_MS + 3_600_000, uses_left=2)


async def test_an_invitation_opens_as_often_as_it_says(ports: Ports) -> None:
    await ports.invites.put(INVITE)
    assert await ports.invites.spend(INVITE.code, NOW_MS) == replace(INVITE, uses_left=1)
    assert await ports.invites.spend(INVITE.code, NOW_MS) == replace(INVITE, uses_left=0)
    assert await ports.invites.spend(INVITE.code, NOW_MS) is None
    assert await ports.invites.peek(INVITE.code, NOW_MS) is None


async def test_peeking_spends_nothing(ports: Ports) -> None:
    await ports.invites.put(INVITE)
    for _ in range(3):
        assert await ports.invites.peek(INVITE.code, NOW_MS) == INVITE


async def test_one_use_is_spent_by_exactly_one_of_twenty(ports: Ports) -> None:
    await ports.invites.put(replace(INVITE, uses_left=1))
    spent = await asyncio.gather(*(ports.invites.spend(INVITE.code, NOW_MS) for _ in range(20)))
    assert sum(each is not None for each in spent) == 1


async def test_an_unlimited_invitation_stays_unlimited(ports: Ports) -> None:
    unlimited = replace(INVITE, uses_left=-1)
    await ports.invites.put(unlimited)
    for _ in range(3):
        assert await ports.invites.spend(INVITE.code, NOW_MS) == unlimited


async def test_an_invitation_ends_at_its_time(ports: Ports) -> None:
    await ports.invites.put(INVITE)
    assert await ports.invites.peek(INVITE.code, INVITE.expires_at_ms - 1) == INVITE
    assert await ports.invites.peek(INVITE.code, INVITE.expires_at_ms) is None
    assert await ports.invites.spend(INVITE.code, INVITE.expires_at_ms) is None
    assert await ports.invites.spend(INVITE.code, INVITE.expires_at_ms - 1) is not None


async def test_a_revoked_or_unknown_code_opens_nothing(ports: Ports) -> None:
    await ports.invites.put(INVITE)
    assert await ports.invites.revoke(INVITE.code) is True
    assert await ports.invites.revoke(INVITE.code) is False
    for code in (INVITE.code, "never-made", "", "*"):
        assert await ports.invites.peek(code, NOW_MS) is None
        assert await ports.invites.spend(code, NOW_MS) is None


async def test_putting_a_code_again_replaces_it(ports: Ports) -> None:
    await ports.invites.put(INVITE)
    changed = replace(INVITE, role="member", uses_left=-1)
    await ports.invites.put(changed)
    assert await ports.invites.peek(INVITE.code, NOW_MS) == changed
