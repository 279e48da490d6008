"""The first room, and what the house says in it before anybody else does.

Invariant: the house speaks once. It says its lines only while nobody has spoken and nothing was taken back, each under
a once-key of its own, so that a restart, a second machine or a start that was cut off in the middle never makes a line
twice, and an old room never hears them late.

Lines are in Chinese and in English by turns, and nobody's words are given in both: each reader meets a translation in
the first moment, with its original behind it, which is what this place is about. The starter knows these lines by
heart (`translator/starter/phrases.tsv`). The first line is an announcement: that the house speaks is to be seen.
"""

import contextlib
from typing import Final

from chat.commands import CreateRoom, Post
from chat.errors import Rejected
from chat.events import Posted, Recalled
from chat.room import Caller
from chat.service import Service
from chat.wire import readable_event

WELCOME_ROOM: Final = "welcome"
WELCOME_TITLE: Final = "地球村 · Global Village"
HOST: Final = Caller(user="host", name="host", may_create=True, administrator=True)
HOUSE: Final = Caller(user="house", name="地球村", administrator=True)
"""Whose lines these are: no member, so that nobody is counted who is not here."""
GREETER: Final = "bot:greeter"
GREETER_NAME: Final = "小村 🤖"
LOOK_MAX: Final = 100
"""Entries of the log that are looked at: whoever came to the room that was never spoken in is among the first ones."""

LINES: Final[tuple[tuple[str, int | None], ...]] = (
    ("欢迎来到地球村！在这里，每个人都用自己的语言聊天。", None),
    ("This line was written in English. If there is small text under a line, tap it to see the original.", None),
    ("这一句是用中文写的。想同时看原文和译文，请在阅读设置里选“双语”。", None),
    ("To answer somebody, tap their message and choose Reply, as I did here.", 0),
    ("想要一个英文名字吗？问问大家吧。", None),
    ("Would you like a Chinese name? Just ask.", None),
)
"""What is said, and which line before it is answered."""


async def open_welcome_room(service: Service) -> None:
    """Make the room where it is missing, and let the house speak where nobody has."""
    if await service.log.state(WELCOME_ROOM) is None:
        with contextlib.suppress(Rejected):  # ROOM_EXISTS: another machine on the same Redis was faster
            await service.create_room(HOST, CreateRoom(id=0, room=WELCOME_ROOM, title=WELCOME_TITLE, once="welcome"))
    said: dict[str, int] = {}
    for entry in await service.log.read_after(WELCOME_ROOM, 0, LOOK_MAX):
        match readable_event(entry.body):
            case Posted(author=author, text=text):
                if author != HOUSE.user:
                    return
                said[text] = entry.seq
            case Recalled():
                return
            case _:
                pass
    for number, (text, answered) in enumerate(LINES):
        if text not in said:
            reply_to = None if answered is None else said[LINES[answered][0]]
            post = Post(
                id=0, room=WELCOME_ROOM, text=text, once=f"line-{number}", reply_to=reply_to, announce=number == 0
            )
            said[text] = (await service.post(HOUSE, post)).position.seq
