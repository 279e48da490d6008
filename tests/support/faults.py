"""Wrap a port and let its Nth call fail: before it took effect, or after (the answer was lost on the way back).

The loop over N is SQLite's `do_ioerr_test`: run a story failing call 1, 2, 3, ... until one run has no failing call
left. After `Unavailable` a caller cannot know which of the two it was; the invariants must hold for both. One
`Faults` counts over all ports that it wraps, so N runs over the calls of the whole story in their order.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from chat.errors import Unavailable

Port = TypeVar("Port")
When = Literal["before", "after"]
CALLS_MAX = 500
"""A story with more calls than this has a loop that a failure keeps alive."""


class Faults:
    """The `fail_at`-th call (from 1) of the wrapped ports raises Unavailable; 0 fails none."""

    def __init__(self, fail_at: int = 0, when: When = "before") -> None:
        self.fail_at = fail_at
        self.when = when
        self.calls: list[str] = []
        self.failed: str | None = None

    def wrap(self, port: Port) -> Port:
        return cast(Port, _Faulty(port, self))

    def __str__(self) -> str:
        return f"call {self.fail_at} ({self.failed}) failing {self.when} it took effect; calls: {self.calls}"


class _Faulty:
    def __init__(self, port: Any, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return _failing(found, self._faults) if inspect.iscoroutinefunction(found) else found


def _failing(call: Callable[..., Any], faults: Faults) -> Callable[..., Any]:
    @wraps(call)
    async def counted(*args: Any, **kwargs: Any) -> Any:
        faults.calls.append(call.__qualname__)
        due = len(faults.calls) == faults.fail_at
        if due:
            faults.failed = call.__qualname__
        if due and faults.when == "before":
            raise Unavailable("a fault was injected before the call")
        result = await call(*args, **kwargs)
        if due:
            raise Unavailable("a fault was injected after the call took effect")
        return result

    return counted


def each_failure() -> Iterator[Faults]:
    """Faults for call 1, 2, 3, ..., each before and after its effect, until a run had fewer calls than that."""
    for when in ("before", "after"):
        for fail_at in range(1, CALLS_MAX):
            faults = Faults(fail_at, when)
            yield faults
            if faults.failed is None:
                break
        else:
            raise AssertionError(f"still failing after {CALLS_MAX} calls: a story that never ends")
