"""How a process of ours hears that it shall stop.

Invariant: told to stop, however early, it ends in order. What it still opens may take a minute (an engine that loads
its data, one that hangs), so that is given up; what it works on is asked to end.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopping:
    """Whether this process was told to stop, and what that means now. Told again, nothing more happens."""

    def __init__(self, opening: "asyncio.Task[object]") -> None:
        self.asked = False
        self.gave_up = False
        self._opening = opening
        self._stop: Callable[[], None] | None = None

    def opened(self, stop: Callable[[], None]) -> None:
        """From now on `stop` is called instead of giving up; at once, where this was asked already."""
        self._stop = stop
        if self.asked:
            stop()

    def ask(self) -> None:
        """As a signal does."""
        if self.asked:
            return
        self.asked = True
        if self._stop is not None:
            self._stop()
        else:
            self.gave_up = True
            self._opening.cancel()


@contextmanager
def stop_signals(*more: signal.Signals) -> Iterator[Stopping]:
    """SIGINT, SIGTERM and `more` tell the task of this block to stop: see `Stopping`. Until it has called `opened`, the
    block is left as if it had come to its end. Signals stay caught afterwards, as the rest of an end takes its time."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a block for signals belongs to a task")
    stopping, loop = Stopping(task), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, *more):
        loop.add_signal_handler(number, stopping.ask)
    try:
        yield stopping
    except asyncio.CancelledError:
        if not stopping.gave_up or task.uncancel():
            raise  # somebody else wants it
