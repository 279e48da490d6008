"""Commands that let people and programs in: tokens, invitations, the first room.

Invariant: what is printed works as it is. A token that the server would refuse, or an invitation into a room that is
not there, is never made.
"""

import asyncio
import json
import sys
from typing import Annotated, Any, Final, get_args

import typer

from chat.events import Role
from gateway.cli.terminal import fail
from gateway.cli.village import existing, nothing_here
from gateway.invites import invite_link
from gateway.settings import load_settings

ROLES: Final[tuple[Role, ...]] = get_args(Role)


def token(
    user: Annotated[str, typer.Argument(help="User id: letters, digits and _ . : -")],
    name: Annotated[str, typer.Option(help="Display name; left out, the client chooses it.")] = "",
    room: Annotated[
        list[str] | None, typer.Option(help="Room it opens, as ROOM or ROOM=ROLE; * for every room. Repeatable.")
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="May create rooms.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything: for your own backend.")] = False,
    days: Annotated[float, typer.Option(min=0.001, max=3650, help="How long it is valid.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mint a token for a user or a program."""
    from gateway.tokens import TokenKeys

    settings = load_settings()
    if settings.may_make_keys and not settings.keys_path.exists():
        nothing_here(settings)
    rooms: dict[str, Any] = {}
    for grant in room or ():
        where, _, role = grant.partition("=")
        rooms[where] = role or "member"
        if rooms[where] not in ROLES:
            fail(f"{role!r} is no role; expected one of {', '.join(ROLES)}.")
    keys = TokenKeys.open(settings.keys_path, settings.audience, make=settings.may_make_keys)
    try:
        minted, expires_at_ms = keys.mint(
            user, name=name, rooms=rooms, create=create, admin=admin, lives_s=days * 86_400
        )
    except ValueError as error:
        fail(f"That token would not be accepted: {error}. Ids of users are letters, digits and _ . : - up to 128.")
    if as_json:
        print(json.dumps({"token": minted, "user": user, "expires_at_ms": expires_at_ms}))
    else:
        print(minted)


def invite(
    room: Annotated[str, typer.Argument(help="Room that the invitation opens.")] = "welcome",
    role: Annotated[str, typer.Option(help="moderator, member or guest.")] = "guest",
    days: Annotated[float, typer.Option(min=0.001, max=3650, help="How long it is valid.")] = 7.0,
    uses: Annotated[int | None, typer.Option(min=1, help="How often it can be used; left out, without limit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an invitation and print its link and QR code."""
    from gateway.invites import new_code
    from gateway.up import connected_service, is_missing_room, public_base, qr_code
    from gateway.welcome import HOST

    settings = existing(load_settings())
    given = next((each for each in ROLES[1:] if each == role), None)
    if given is None:
        fail(f"{role!r} is no role to give away; expected one of {', '.join(ROLES[1:])}.")

    async def make() -> Any:
        async with connected_service(settings) as (_, service):
            return await service.invite(
                HOST,
                room,
                role=given,
                lives_s=int(days * 86_400),
                uses=-1 if uses is None else uses,
                code=new_code(),
            )

    try:
        made = asyncio.run(make())
    except Exception as error:
        if is_missing_room(error):
            fail(f"There is no room {room!r}. `welcome` is there after the first `diqiucun up`.")
        raise
    link = invite_link(public_base(settings, settings.port), made.code)
    if as_json:
        print(json.dumps({"code": made.code, "link": link, "room": room, "expires_at_ms": made.expires_at_ms}))
    else:
        print(f"{link}\n\n{qr_code(link, colours=sys.stdout.isatty())}")


def welcome() -> None:
    """Make the first room, `welcome`, where it is missing, and print the invitation into it. `up` does this itself."""
    from gateway.up import connected_service, public_base, qr_code
    from gateway.up import welcome as find_or_make

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def run() -> str:
        async with connected_service(settings) as (_, service):
            return await find_or_make(service, settings.data_dir)

    link = invite_link(public_base(settings, settings.port), asyncio.run(run()))
    print(f"{link}\n\n{qr_code(link, colours=sys.stdout.isatty())}")
