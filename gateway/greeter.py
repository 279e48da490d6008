"""The process that runs `chat.greeter` in the welcome room: `python -m gateway.greeter ws://127.0.0.1:8080/ws`.

Started by `diqiucun up` beside the gateways. It is a guest of theirs like any other program: it makes itself tokens
from the deployment's keys, a new one for each connection, and knows nothing else of the server. Invariant: it ends
when it has been removed from the room, and comes back with the next start only.
"""

import asyncio
import signal
import sys
from typing import Final

import structlog

from chat.client import Client, Closed, Refused, Token
from chat.greeter import Removed, attend
from chat.logs import configure_logs
from gateway.settings import SettingsInvalid, load_settings
from gateway.supervisor import WRONG_SETTINGS, stop_with_parent
from gateway.tokens import KeysInvalid, TokenKeys
from gateway.welcome import GREETER, GREETER_NAME, WELCOME_ROOM

TOKEN_LIVES_S: Final = 86_400

log = structlog.get_logger("greeter")


async def serve(url: str, keys: TokenKeys) -> None:
    """Until SIGTERM or SIGINT. Raises KeysInvalid."""

    async def token() -> str:
        return keys.mint(GREETER, name=GREETER_NAME, rooms={WELCOME_ROOM: "member"}, lives_s=TOKEN_LIVES_S)[0]

    await token()  # keys that only verify are a wrong setting, not a connection to try again
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(stopping.wait())
        greeting = tasks.create_task(_greet(url, token, stopping))
        await asyncio.wait((asked, greeting), return_when=asyncio.FIRST_COMPLETED)
        greeting.cancel()


async def _greet(url: str, token: Token, stopping: asyncio.Event) -> None:
    """Gateways may need a moment to start: nothing is wrong before the first welcome."""
    while True:
        try:
            async with Client(url, token=token, languages=("zh", "en"), proxy=None) as client:
                await attend(client, WELCOME_ROOM)
        except* TimeoutError as nobody:
            log.info("still waiting for a gateway", why=str(nobody.exceptions[0]))
        except* (Removed, Refused, Closed) as ended:
            log.warning("the greeter stays away until the next start", why=str(ended.exceptions[0]))
            await stopping.wait()


def main() -> int:
    """The exit status: 2 when the settings are wrong, which no restart mends."""
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        stop_with_parent()
        asyncio.run(serve(sys.argv[1], TokenKeys.open(settings.keys_path, settings.audience)))
    except (SettingsInvalid, KeysInvalid) as wrong:
        print(wrong, file=sys.stderr)
        return WRONG_SETTINGS
    return 0


if __name__ == "__main__":
    sys.exit(main())
