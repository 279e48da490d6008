"""A bot that repeats what it is told: python docs/echo_bot.py ws://localhost:8080/ws TOKEN ROOM"""

import asyncio
import sys

from chat.client import Arrived, Client
from chat.events import Posted


async def main(url: str, token: str, room: str) -> None:
    async with Client(url, token=token, languages=("en",)) as client:
        await client.join(room)
        async for item in client.events():
            match item:
                case Arrived(event=Posted(author=author, text=text), position=position) if author != client.user:
                    await client.post(room, text, reply_to=position.seq, once=f"echo-{position.seq}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
