"""Processor time of work whose growth is bounded, not of work that must be fast."""

import time
from collections.abc import Callable

TRIES = 3


def processor_s(work: Callable[[], object]) -> float:
    """The least of some tries: a shared machine halves its speed now and then, and what grows with the square of a line
    is slow in each of them."""
    took = []
    for _ in range(TRIES):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)
