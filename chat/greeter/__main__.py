"""`python -m chat.greeter ws://host:8080/ws TOKEN ROOM`: the greeter as a program of its own, for any room.

Make its token with `diqiucun token bot:greeter --name 小村 --room ROOM`. It ends when it is removed from the room.
"""

import asyncio
import sys

from chat.client import Client, Closed
from chat.greeter import Removed, attend


async def main(url: str, token: str, room: str) -> str:
    """Runs until it may not go on; why."""
    why = ""
    async with Client(url, token=token, languages=("zh", "en")) as client:
        try:
            await attend(client, room)
        except* (Removed, Closed) as ended:
            why = str(ended.exceptions[0])
    return why


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(*sys.argv[1:])))
