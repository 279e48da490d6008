"""What a program holds: a client that comes back by itself, its events, and a method for each command.

Invariant: a method returns the server's answer or raises Refused, Unanswered or Closed; nothing else of the network
reaches the program, and a command lost with its connection is asked again with the same once-key.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from chat import commands
from chat.client.backoff import Backoff
from chat.client.failures import Closed, Refused
from chat.client.inbox import Inbox
from chat.client.items import Item
from chat.client.line import Line, Token
from chat.client.link import Link
from chat.client.moderating import Moderating
from chat.client.naming import Naming
from chat.client.questions import Questions, new_once_key
from chat.client.rooms import Rooms
from chat.client.staging import Staging
from chat.errors import ErrorCode
from chat.events import Mention, Translated
from chat.frames import Ack, Page, PageEntry, People, Pong, RoomFrame, Welcome
from chat.ids import Position
from chat.language import canonical
from chat.limits import HISTORY_LIMIT_MAX


class Client(Naming, Staging, Moderating):
    """One connection that comes back. Use as `async with Client(url, token=...) as client:`."""

    def __init__(
        self,
        url: str,
        *,
        token: Token,
        languages: Sequence[str] = ("en",),
        name: str | None = None,
        positions: Mapping[str, Position | None] | None = None,
        inbox_items_max: int = 10_000,
        connect_within_s: float = 30.0,
        answer_within_s: float = 60.0,
        backoff_first_s: float = 0.25,
        backoff_most_s: float = 20.0,
        proxy: str | bool | None = True,
        chance: random.Random | None = None,
    ) -> None:
        """`url` is ws(s)://host/ws. `positions`: rooms to resume from an earlier run (see `positions()`)."""
        self.url = url
        self.languages = tuple(languages)
        self.name = name
        self.connect_within_s = connect_within_s
        self._counts: Counter[str] = Counter()
        self._inbox = Inbox(inbox_items_max)
        self._rooms = Rooms(positions or {}, self._inbox, self._counts)
        self._link = Link()
        backoff = Backoff(backoff_first_s, backoff_most_s, chance or random.Random())
        self._questions = Questions(self._link, self._rooms, backoff, self._counts, answer_within_s=answer_within_s)
        self._line = Line(
            url,
            token,
            proxy,
            self._hello,
            link=self._link,
            questions=self._questions,
            rooms=self._rooms,
            inbox=self._inbox,
            backoff=backoff,
            counts=self._counts,
        )

    async def __aenter__(self) -> Self:
        """Returns when the server has said welcome. Raises Closed, or TimeoutError after `connect_within_s`."""
        self._line.open()
        try:
            async with asyncio.timeout(self.connect_within_s):
                await self._link.wait_ready()
        except TimeoutError:
            await self.close()
            last = self._line.last_ending
            raise TimeoutError(f"no welcome from {self.url}: {last.words if last else 'no answer'}") from last
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye and end. What waits in the inbox can still be read; commands under way raise Closed."""
        await self._line.close()

    @property
    def welcome(self) -> Welcome | None:
        """The server's last welcome."""
        return self._line.welcome

    @property
    def user(self) -> str:
        """Who the token says we are; "" before the first welcome."""
        return self.welcome.user if self.welcome is not None else ""

    def positions(self) -> dict[str, Position | None]:
        """Where each followed room was last seen by the inbox. Save them to resume in another process."""
        return self._rooms.positions()

    def statistics(self) -> dict[str, int]:
        """Counts since the beginning."""
        return {
            **self._counts,
            "inbox_items": len(self._inbox),
            "forgotten": self._inbox.forgotten,
            "unanswered_now": len(self._questions),
            "rooms": len(self._rooms),
        }

    async def events(self) -> AsyncGenerator[Item, None]:
        """What happens, in order, for one listener at a time. Ends after `close()`; raises Closed if the server ended
        it. Leaving the loop and coming back later goes on where it stopped."""
        if self._inbox.listening:
            raise RuntimeError("somebody is listening already; share the items instead")
        self._inbox.listening = True
        try:
            while (item := await self._inbox.take()) is not None:
                yield item
            if not (isinstance(self._link.fate, Closed) and self._link.fate.code == 1000):
                raise self._link.fate or Closed(1000, "closed")
        finally:
            self._inbox.leave()

    async def create_room(self, room: str, title: str, *, once: str | None = None) -> RoomFrame:
        """Make a room, own it and follow it. Raises Refused, Unanswered, Closed, as all commands do."""
        key = once or new_once_key()
        return await self._questions.ask(
            lambda id: commands.CreateRoom(id=id, room=room, title=title, once=key), RoomFrame, once=key
        )

    async def join(self, room: str, *, invite: str | None = None, position: Position | None = None) -> RoomFrame:
        """Become a member if not already, and follow the room: from `position`, or where we were, or from now on."""
        return await self._questions.ask(self._rooms.join(room, invite=invite, position=position), RoomFrame)

    async def leave(self, room: str, *, stay_member: bool = False) -> None:
        """Stop following `room`, and give up membership unless `stay_member`."""
        try:
            await self._questions.ask(lambda id: commands.Leave(id=id, room=room, stay_member=stay_member), Ack)
        except Refused as refused:
            gone = refused.code in (ErrorCode.NOT_A_MEMBER, ErrorCode.ROOM_NOT_FOUND)
            if not (gone and refused.tries > 1):  # an earlier try may have succeeded unheard
                raise
        self._rooms.leave(room)

    async def post(
        self,
        room: str,
        text: str,
        *,
        reply_to: int | None = None,
        mentions: Iterable[Mention] = (),
        once: str | None = None,
        within_s: float | None = None,
    ) -> Position:
        """Say `text`. When this returns, the message is durable, once, at the returned position."""
        named = tuple(mentions)
        return await self._questions.write(
            lambda id, key: commands.Post(id=id, room=room, text=text, once=key, reply_to=reply_to, mentions=named),
            once,
            within_s=within_s,
        )

    async def edit(
        self, room: str, of: int, text: str, *, mentions: Iterable[Mention] = (), once: str | None = None
    ) -> Position:
        named = tuple(mentions)
        return await self._questions.write(
            lambda id, key: commands.Edit(id=id, room=room, of=of, text=text, once=key, mentions=named), once
        )

    async def recall(self, room: str, of: int, *, once: str | None = None) -> Position:
        return await self._questions.write(lambda id, key: commands.Recall(id=id, room=room, of=of, once=key), once)

    async def react(self, room: str, of: int, emoji: str, *, on: bool = True, once: str | None = None) -> Position:
        return await self._questions.write(
            lambda id, key: commands.React(id=id, room=room, of=of, emoji=emoji, on=on, once=key), once
        )

    async def history(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        epoch: str | None = None,
        limit: int = 50,
    ) -> Page:
        """One page of the log as this client reads it, ascending: the latest, or before or after a seq."""
        return await self._questions.ask(
            lambda id: commands.History(id=id, room=room, before=before, after=after, epoch=epoch, limit=limit), Page
        )

    async def read_between(self, room: str, after: Position, until: int) -> AsyncIterator[PageEntry]:
        """Entries behind `after` up to seq `until`, page by page: how to fill a `Missed`."""
        seq, more = after.seq, True
        while more and seq < until:
            page = await self.history(room, after=seq, epoch=after.epoch, limit=HISTORY_LIMIT_MAX)
            for entry in page.entries:
                if entry.seq > until:
                    return
                yield entry
            seq, more = page.last, page.more

    async def presence(self, room: str) -> People:
        """Who is here now."""
        return await self._questions.ask(lambda id: commands.Presence(id=id, room=room), People)

    async def translate(self, room: str, of: int, language: str) -> Translated | None:
        """One message in `language` (one that we read): at once when the log has it, else None and it comes as an
        event."""
        with self._rooms.wanting(room, of, canonical(language)) as wanted:
            ack = await self._questions.ask(
                lambda id: commands.Translate(id=id, room=room, of=of, language=language), Ack
            )
            return wanted.found if ack.position else None

    async def mark_read(self, room: str, seq: int) -> None:
        await self._questions.ask(lambda id: commands.MarkRead(id=id, room=room, seq=seq), Ack)

    async def typing(self, room: str) -> None:
        """Show that we are typing, if connected. Never repeated: it is worth nothing a second later."""
        if self._link.is_ready:
            await self._questions.attempt(lambda id: commands.Typing(id=id, room=room))

    async def set_languages(self, languages: Sequence[str]) -> None:
        """What this client reads from now on, most liked first."""
        wanted = tuple(languages)
        await self._questions.ask(lambda id: commands.SetLanguages(id=id, languages=wanted), Ack)
        self.languages = wanted

    async def ping(self) -> float:
        """Seconds from this program through the server's session and back."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._questions.ask(lambda id: commands.Ping(id=id), Pong)
        return loop.time() - began

    def _hello(self, id: int, token: str) -> commands.Hello:
        rooms = self._rooms.resumes(id)
        return commands.Hello(id=id, token=token, languages=self.languages, rooms=rooms, name=self.name)
