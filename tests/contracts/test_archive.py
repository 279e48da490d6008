"""Archive: entries that left the engine, idempotent by position; what was forgotten stays forgotten."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from chat.adapters.archive_sql import SqlArchive
from chat.adapters.memory.archive import MemoryArchive
from chat.errors import Unavailable
from chat.events import Entry
from chat.ports import Archive, ArchivedEntry
from tests.support.postgresql import new_database, postgresql

EPOCH = "e1"


def kept(seq: int, kind: str = "posted", of: int | None = None, epoch: str = EPOCH) -> ArchivedEntry:
    return ArchivedEntry(Entry("r", epoch, seq, 1000 + seq, "zh" if of else "", f"b{seq}".encode()), kind, of)


def posts(first: int, last: int) -> list[ArchivedEntry]:
    return [kept(seq) for seq in range(first, last + 1)]


async def everything(archive: Archive, epoch: str = EPOCH) -> list[ArchivedEntry]:
    return list(await archive.read_after("r", epoch, 0, 10**9, 10**6))


def seqs(entries: Sequence[ArchivedEntry]) -> list[int]:
    return [each.entry.seq for each in entries]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        if url is None:
            pytest.skip("no PostgreSQL server is installed here (initdb was not found)")
        yield url


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return new_database(request.getfixturevalue("postgresql_url"))
    return "" if request.param == "memory" else f"sqlite:///{tmp_path / 'archive.sqlite'}"


@pytest.fixture
async def archive(url: str) -> AsyncIterator[Archive]:
    if not url:
        yield MemoryArchive()
        return
    async with SqlArchive(url) as opened:
        yield opened


async def test_entries_come_back_as_they_were_kept(archive: Archive) -> None:
    entries = [kept(1, "room_created"), kept(2), kept(3, "translated", 2), kept(5, "reacted", 2)]
    await archive.keep("r", EPOCH, entries)
    assert await everything(archive) == entries


async def test_keeping_again_changes_nothing(archive: Archive) -> None:
    await archive.keep("r", EPOCH, posts(1, 5))
    await archive.keep("r", EPOCH, posts(3, 8))
    await archive.keep("r", EPOCH, [])
    assert await everything(archive) == posts(1, 8)


async def test_of_many_writers_at_once_none_doubles_or_loses(archive: Archive) -> None:
    await asyncio.gather(*(archive.keep("r", EPOCH, posts(first, first + 30)) for first in range(1, 60, 4)))
    assert seqs(await everything(archive)) == list(range(1, 88))


async def test_pages_are_cut_at_both_ends(archive: Archive) -> None:
    await archive.keep("r", EPOCH, posts(1, 20))
    assert seqs(await archive.read_after("r", EPOCH, 4, 12, 3)) == [5, 6, 7]
    assert seqs(await archive.read_after("r", EPOCH, 10, 12, 5)) == [11, 12]
    assert seqs(await archive.read_before("r", EPOCH, 12, 3)) == [9, 10, 11]
    assert seqs(await archive.read_before("r", EPOCH, 3, 30)) == [1, 2]
    assert await archive.read_after("r", EPOCH, 4, 12, 0) == []
    assert await archive.read_before("r", EPOCH, 4, 0) == []


async def test_about_finds_what_was_said_about_messages_the_latest_of_it(archive: Archive) -> None:
    entries = [kept(1), kept(2), kept(3, "reacted", 1), kept(4, "edited", 2), kept(5, "reacted", 2), kept(6)]
    await archive.keep("r", EPOCH, entries)
    assert seqs(await archive.about("r", EPOCH, 1, 2, 10, 10)) == [3, 4, 5]
    assert seqs(await archive.about("r", EPOCH, 1, 2, 10, 2)) == [4, 5]
    assert seqs(await archive.about("r", EPOCH, 1, 2, 4, 10)) == [3, 4]
    assert seqs(await archive.about("r", EPOCH, 2, 2, 10, 10, "edited")) == [4]
    assert await archive.about("r", EPOCH, 3, 9, 10, 10) == []
    assert await archive.about("r", EPOCH, 1, 2, 10, 0) == []


async def test_a_forgotten_message_goes_with_its_words_and_its_reactions_stay(archive: Archive) -> None:
    about = [kept(seq, kind, 2) for seq, kind in enumerate(("edited", "translated", "untranslated", "suggested"), 3)]
    await archive.keep("r", EPOCH, [kept(1), kept(2), *about, kept(7, "explained", 2), kept(8, "reacted", 2)])
    await archive.forget("r", EPOCH, 2)
    await archive.forget("r", EPOCH, 2)
    assert seqs(await everything(archive)) == [1, 8]


async def test_what_was_forgotten_before_its_copy_arrives_stays_out(archive: Archive) -> None:
    """An archiver reads a message, somebody recalls it, the archiver's copy arrives last."""
    await archive.forget("r", EPOCH, 2)
    await archive.keep("r", EPOCH, [kept(1), kept(2), kept(3, "translated", 2), kept(4, "reacted", 2)])
    assert seqs(await everything(archive)) == [1, 4]


async def test_keeping_and_forgetting_at_once_leaves_no_forgotten_word(archive: Archive) -> None:
    """Two transactions that do not see each other would: writers of one life take turns."""
    for first in range(1, 200, 20):
        await asyncio.gather(
            archive.keep("r", EPOCH, posts(first, first + 19)),
            *(archive.forget("r", EPOCH, seq) for seq in range(first, first + 20, 3)),
            archive.keep("r", EPOCH, posts(first, first + 19)),
        )
    assert seqs(await everything(archive)) == [seq for seq in range(1, 201) if (seq - 1) % 20 % 3]


async def test_what_is_too_old_is_dropped_from_the_front_in_steps(archive: Archive) -> None:
    await archive.keep("r", EPOCH, posts(1, 30))
    assert await archive.drop_before("r", EPOCH, 1021, 10, 100) == 10  # upto 10
    assert await archive.drop_before("r", EPOCH, 1021, 30, 4) == 4
    assert await archive.drop_before("r", EPOCH, 1021, 30, 100) == 6  # seq 20 has 1020
    assert await archive.drop_before("r", EPOCH, 1021, 30, 100) == 0
    assert seqs(await everything(archive)) == list(range(21, 31))


async def test_lives_and_rooms_do_not_mix(archive: Archive) -> None:
    await archive.keep("r", EPOCH, posts(1, 3))
    await archive.keep("r", "e2", [kept(1, epoch="e2")])
    await archive.forget("r", "e2", 2)
    await archive.forget("other", EPOCH, 1)
    assert seqs(await everything(archive)) == [1, 2, 3]
    assert await archive.read_after("other", EPOCH, 0, 10, 10) == []


async def test_processes_share_it_and_what_was_kept_outlives_them(url: str) -> None:
    if not url:
        pytest.skip("memory is one process")
    async with SqlArchive(url) as one, SqlArchive(url) as two:
        await asyncio.gather(
            *(each.keep("r", EPOCH, posts(first, first + 9)) for first in range(1, 80, 5) for each in (one, two))
        )
    async with SqlArchive(url) as later:
        assert seqs(await everything(later)) == list(range(1, 86))


async def test_an_archive_that_is_away_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    away = tmp_path / "not-yet"
    async with SqlArchive(f"sqlite:///{away / 'archive.sqlite'}") as archive:
        with pytest.raises(Unavailable, match="unable to open"):
            await archive.keep("r", EPOCH, posts(1, 2))
        away.mkdir()
        await archive.keep("r", EPOCH, posts(1, 2))
        assert seqs(await everything(archive)) == [1, 2]


def test_other_addresses_are_refused_with_words() -> None:
    for wrong in ("mysql://h/d", "nonsense", "archive.sqlite"):
        with pytest.raises(ValueError, match=r"archive|parse"):
            SqlArchive(wrong)
