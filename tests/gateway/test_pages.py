"""Pages that a crowd shares: each reader gets what a read of its own would give, and few reads are made."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from chat.events import EVERYONE, Entry, Posted
from chat.ports import RoomLog
from chat.wire import Codec, encode_event
from gateway.hub import Frames
from gateway.pages import KEPT_S, PAGE, PAGES_MAX, WRITE_BYTES, Page, Pages
from tests.support.virtual_time import run


def entry(seq: int, audience: str = EVERYONE, epoch: str = "e", text: str = "hi") -> Entry:
    return Entry("tea", epoch, seq, 0, audience, encode_event(Posted(author="ann", name="Ann", text=f"{text} {seq}")))


@dataclass
class Log:
    entries: list[Entry]
    reads: list[tuple[int, int]] = field(default_factory=list)
    now_s: float = 0.0

    async def read_after(self, room: str, seq: int, limit: int) -> list[Entry]:
        self.reads.append((seq, limit))
        return [entry for entry in self.entries if entry.seq > seq][:limit]

    def pages(self) -> Pages:
        return Pages(cast(RoomLog, self), lambda: self.now_s)


async def all_after(pages: Pages, after: int) -> list[int]:
    """As a connection reads."""
    seqs: list[int] = []
    while True:
        page = pages.kept("tea", "e", after) or await pages.read("tea", "e", after)
        seqs += [entry.seq for entry in page.entries]
        if not page.whole:
            return seqs
        after = seqs[-1]


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7])
def test_everybody_gets_everything_behind_their_position(count: int) -> None:
    log = Log([entry(seq) for seq in range(1, count + 1)])
    pages = log.pages()
    for after in (0, 1, PAGE - 1, PAGE, PAGE + 1, count):
        for _ in range(2):
            assert run(all_after(pages, after)) == list(range(after + 1, count + 1))


def test_who_left_at_different_positions_shares_all_but_the_first_page_and_the_end() -> None:
    log = Log([entry(seq) for seq in range(1, 5 * PAGE + 1)])
    pages = log.pages()
    for after in (3, 7, 11):
        run(all_after(pages, after))
    whole = [(seq, limit) for seq, limit in log.reads if seq % PAGE == 0 and seq < 5 * PAGE]
    assert whole == [(PAGE * number, PAGE) for number in range(1, 5)]


def test_what_was_appended_since_is_read_and_nothing_old_is_given_for_ever() -> None:
    log = Log([entry(seq) for seq in range(1, 2 * PAGE + 1)])
    pages = log.pages()
    run(all_after(pages, 0))
    log.entries.append(entry(2 * PAGE + 1))
    assert run(all_after(pages, 0))[-1] == 2 * PAGE + 1, "the page at the end is read each time"
    before = len(log.reads)
    log.now_s = KEPT_S
    run(all_after(pages, 0))
    assert len(log.reads) == before + 3, "too old: all three are read again"


def test_another_life_of_the_room_and_too_many_pages_are_not_kept() -> None:
    log = Log([entry(seq, epoch="old") for seq in range(1, PAGE + 1)])
    pages = log.pages()
    run(pages.read("tea", "e", 0))
    assert pages.kept("tea", "e", 0) is None
    log.entries = [entry(seq) for seq in range(1, PAGE * (PAGES_MAX + 1) + 1)]
    run(all_after(pages, 0))
    assert pages.kept("tea", "e", 0) is None
    assert pages.kept("tea", "e", PAGE) is not None


def test_writes_hold_the_frames_in_order_for_each_audience_and_are_made_once() -> None:
    entries = [entry(1), entry(2, "de"), entry(3, text="x" * WRITE_BYTES), entry(4), entry(5, "fr")]
    page = Page(entries, 0.0, whole=True)

    def frames(codec: Codec, *seqs: int) -> bytes:
        return b"".join(Frames(entries[seq - 1]).of(codec) for seq in seqs)

    writes = page.writes(Codec.MSGPACK, ("de",), 0)
    assert list(writes) == [(frames(Codec.MSGPACK, 1, 2, 3), 3), (frames(Codec.MSGPACK, 4), 1)]
    assert page.writes(Codec.MSGPACK, ("de",), 0) is writes
    assert list(page.writes(Codec.JSON, ("fr",), 0))[-1] == (frames(Codec.JSON, 4, 5), 2)
    assert list(page.writes(Codec.MSGPACK, ("en",), 3)) == [(frames(Codec.MSGPACK, 4), 1)]
    nothing: list[Any] = [entry(1, "de")]
    assert list(Page(nothing, 0.0, whole=False).writes(Codec.JSON, ("en",), 0)) == []
