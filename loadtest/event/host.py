"""Who runs the room: the host, who opens it, announces and asks; a moderator, who works the queue of what is held."""

import asyncio
import json
import urllib.request
from collections import Counter
from functools import partial
from typing import Any, Final

from chat.commands import CreateRoom, Hello, Join, Post
from chat.conduct import Conduct
from chat.live_commands import ClosePoll, DecideHeld, Desk, OpenPoll, SetConduct, SetWords
from chat.live_events import Word
from loadtest.event.people import ROOM, tell
from loadtest.event.plan import HELD_WORD
from loadtest.event.seat import Evening
from loadtest.product import Product
from loadtest.raw import RawMember

LANGUAGES: Final = ("zh", "en")
OPTIONS: Final = ("茉莉花", "Imagine")
ANNOUNCEMENT: Final = "最后一首歌，请大家一起唱！"
VERSIONS: Final = (("en", "The last song: sing with us!"), ("es", "La última canción: ¡canten con nosotros!"))
LOOK_S: Final = 1.0
ASKED_WITHIN_S: Final = 60.0


class Host(RawMember):
    """`await Host.open(product)`; then the room is there."""

    token: str

    @classmethod
    async def open(cls, product: Product) -> "Host":
        """Raises OSError, TimeoutError."""
        host = await cls.connect(product.port)
        assert isinstance(host, Host)
        host.token = product.token("host", name="榕榕", create=True)
        await host.ask(partial(Hello, token=host.token, languages=LANGUAGES))
        await host.ask(partial(CreateRoom, room=ROOM, title="春天音乐会 · Spring Concert", once="room"))
        await host.ask(partial(SetConduct, room=ROOM, conduct=Conduct(kind="live"), once="live"))
        await host.ask(partial(SetWords, room=ROOM, words=(Word(text=HELD_WORD, action="hold"),), once="words"))
        return host

    def announce(self, evening: Evening, due: float) -> None:
        evening.announced_at = due
        tell(
            self,
            evening,
            "announcement",
            partial(Post, room=ROOM, text=ANNOUNCEMENT, announce=True, versions=VERSIONS, once="announcement"),
        )

    async def open_poll(self) -> int:
        """Its seq."""
        opened = await self.ask(partial(OpenPoll, room=ROOM, question="下一首唱什么？", options=OPTIONS, once="poll"))
        return int(opened["position"][1])

    async def close_poll(self, of: int) -> None:
        await self.ask(partial(ClosePoll, room=ROOM, of=of, once="close"))


async def moderator_of(product: Product) -> RawMember:
    """Somebody else than the host. Raises OSError, TimeoutError."""
    moderator = await RawMember.connect(product.port)
    token = product.token("helper", name="Helper", rooms={ROOM: "moderator"})
    await moderator.ask(partial(Hello, token=token, languages=("en", "zh")))
    await moderator.ask(partial(Join, room=ROOM))
    return moderator


async def moderate(moderator: RawMember, evening: Evening, stop: asyncio.Event, done: Counter[str]) -> None:
    """Look at the queue every second; let every third through, refuse the rest. Until `stop` is set and nothing waits:
    held lines come by the time at which posts come."""
    while True:
        stopping = stop.is_set()
        desk = await moderator.ask(partial(Desk, room=ROOM))
        for view in desk["held"]:
            of, approve = view["of"], view["of"] % 3 == 0
            answer = await moderator.answer(partial(DecideHeld, room=ROOM, of=of, approve=approve, once=f"d{of}"))
            if answer["type"] == "error":
                evening.refused[f"moderator: {answer['code']}"] += 1
                await asyncio.sleep((answer["retry_after_ms"] or 500) / 1000)
                continue
            done["approved" if approve else "refused"] += 1
            done["translated"] += bool(view["translations"])
        if stopping and not desk["held"] and not desk["more_held"]:
            return
        await asyncio.sleep(LOOK_S)


async def invitation(product: Product, token: str) -> str:
    """A code by which anybody becomes a guest of the room."""
    body = json.dumps({"role": "guest"}).encode()
    answer = await asyncio.to_thread(_ask, product, token, "invites", body)
    return str(json.loads(answer)["code"])


async def log_of(product: Product, token: str) -> list[dict[str, Any]]:
    """Every entry of the room that the host may see, from its export."""
    lines = (await asyncio.to_thread(_ask, product, token, "export", None)).splitlines()
    return [json.loads(line) for line in lines if line]


def _ask(product: Product, token: str, what: str, body: bytes | None) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.port}/api/v1/rooms/{ROOM}/{what}",
        data=body,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ASKED_WITHIN_S) as answer:
        return bytes(answer.read())
