"""The fault injector fails exactly the call it was asked to fail."""

from contextlib import suppress

import pytest

from chat.errors import Unavailable
from tests.support.faults import Faults, each_failure
from tests.support.virtual_time import run


class Shelf:
    """A port with an effect."""

    def __init__(self) -> None:
        self.books: list[str] = []

    async def put(self, book: str) -> int:
        self.books.append(book)
        return len(self.books)

    def statistics(self) -> int:
        return len(self.books)


async def _two_books(faults: Faults) -> list[str]:
    shelf = Shelf()
    port = faults.wrap(shelf)
    for book in ("a", "b"):
        with suppress(Unavailable):
            await port.put(book)
    assert port.statistics() == len(shelf.books)
    return shelf.books


def test_without_a_fault_nothing_fails():
    assert run(_two_books(Faults())) == ["a", "b"]


def test_before_means_without_effect_and_after_means_with_it():
    assert run(_two_books(Faults(1, "before"))) == ["b"]
    assert run(_two_books(Faults(1, "after"))) == ["a", "b"]


def test_each_failure_visits_every_call_before_and_after_and_then_stops():
    seen = []
    for faults in each_failure():
        run(_two_books(faults))
        seen.append((faults.when, faults.fail_at, faults.failed is not None))
    assert seen == [
        ("before", 1, True),
        ("before", 2, True),
        ("before", 3, False),
        ("after", 1, True),
        ("after", 2, True),
        ("after", 3, False),
    ]


def test_one_counter_runs_over_all_wrapped_ports():
    async def story() -> str | None:
        faults = Faults(2)
        first, second = faults.wrap(Shelf()), faults.wrap(Shelf())
        await first.put("a")
        with pytest.raises(Unavailable):
            await second.put("b")
        return faults.failed

    assert run(story()) == "Shelf.put"
