"""An event loop whose clock jumps to the next timer, so that a story of an hour takes milliseconds and ends the same
way every time.

Invariant: time stands still while anything can run. What an ordinary loop would do for ever is a failure with words
here: nothing can run and no timer is set (`Deadlock`), things run without time ever moving (`Spinning`), or the story
goes on after the virtual second it had to be over by (`TooLate`). What nobody looked at (an exception in a task that
nobody awaits) fails the story too. The idea is trio's MockClock with autojump; `run_in_executor` runs its function
on the spot, because a thread's end is an event that no virtual clock can see coming.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextvars import Context
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

STEPS_WITHOUT_TIME_MAX = 200_000
"""Loop iterations in one instant. The largest honest story (10,000 members entering at once) needs some thousands."""


class Deadlock(AssertionError):
    """Nothing can run, and no timer will change that."""


class Spinning(AssertionError):
    """Something runs again and again, and time never moves."""


class TooLate(AssertionError):
    """The story was to be over by now."""


class Unseen(AssertionError):
    """An exception that no one awaited."""


class _Clock(selectors.SelectSelector):
    """Stands where the loop would sleep: `select(timeout)` with nothing ready is the moment to jump."""

    def __init__(self, until_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.until_s = until_s
        self.steps = 0
        self.who_waits: Callable[[], str] = str

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if ready := super().select(0):
            return ready
        if timeout is None:
            raise Deadlock(f"at {self.now_s:g} s nothing can run and no timer is set; {self.who_waits()}")
        if timeout <= 0:
            self.steps += 1
            if self.steps > STEPS_WITHOUT_TIME_MAX:
                raise Spinning(f"at {self.now_s:g} s things run, but time never moves; {self.who_waits()}")
            return []
        self.steps = 0
        self.now_s += timeout
        if self.now_s > self.until_s:
            raise TooLate(f"still not over after {self.until_s:g} s; {self.who_waits()}")
        return []


class _Timer(asyncio.TimerHandle):
    """In virtual time many timers are due in the same instant. asyncio's heap does not keep their order; we do."""

    __slots__ = ("order",)

    def __init__(self, order: int, *args: Any) -> None:
        super().__init__(*args)
        self.order = order

    def __lt__(self, other: object) -> bool:
        return isinstance(other, _Timer) and (self.when(), self.order) < (other.when(), other.order)


class VirtualLoop(asyncio.SelectorEventLoop):
    _clock_resolution: float
    _scheduled: list[_Timer]

    def __init__(self, until_s: float = float("inf")) -> None:
        self._clock = _Clock(until_s)
        self._orders = count()
        self.unseen: list[Mapping[str, Any]] = []
        super().__init__(self._clock)
        self._clock_resolution = 1e-6  # a float's steps at the scale of a year are too coarse for a real clock's 1e-9
        self._clock.who_waits = self._who_waits
        self.set_exception_handler(lambda _, context: self.unseen.append(context))

    def time(self) -> float:
        return self._clock.now_s

    def call_at(  # type: ignore[override]  # typeshed spells the arguments otherwise
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _Timer(next(self._orders), when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]  # private to asyncio, as its own loop does
        return timer

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # typeshed spells the arguments otherwise
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as failed:  # belongs to whoever awaits, as with a real executor
            done.set_exception(failed)
        return done

    def _who_waits(self) -> str:
        waiting = sorted(f"{task.get_name()} {_where(task)}" for task in asyncio.all_tasks(self))
        return "waiting: " + "; ".join(waiting[:20]) + (f" and {len(waiting) - 20} more" if len(waiting) > 20 else "")


def run(story: Coroutine[Any, Any, T], *, until_s: float = 3600.0) -> T:
    """What the story returns. Its clock (`loop.time()`, `now_ms()`) starts at 0 and must not pass `until_s`."""
    loop = VirtualLoop(until_s)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(story)
    if loop.unseen:
        raise Unseen("; ".join(f"{context.get('message')}: {context.get('exception')!r}" for context in loop.unseen))
    return result


def now_ms() -> int:
    """Virtual milliseconds, for everything that takes its clock as an argument."""
    return round(asyncio.get_running_loop().time() * 1000)


def _where(task: asyncio.Task[Any]) -> str:
    """The innermost line of ours or of asyncio that the task waits in."""
    coroutine: Any = task.get_coro()
    place = "not started"
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is not None:
            place = f"in {frame.f_code.co_qualname} ({frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno})"
        coroutine = getattr(coroutine, "cr_await", None)
    return place
