"""The translator is the least patient guest of its machine: gateways and the engine go first.

Invariant: whoever else has something to do gets the processor from us soon, and nobody starves us: we keep the share
that our niceness gives (a tenth of an ordinary process's, at 10). Niceness alone does the second and not the first:
Linux lets a running thread finish its slice of some milliseconds before one that has just woken, and an original on
its way wakes five processes in turn. Four things mend that; p99 of originals on two processors under three times the
translator's load was 30 ms with niceness alone.

- A long slice. Since Linux 6.12 a thread may ask for a slice of its own length (sched_setattr(2), `sched_runtime`),
  and one with a long slice gives way to all with shorter ones: 13 ms.
- One session. Linux shares a processor among sessions first (sched(7), "The autogroup feature": on by default, and in
  force wherever control groups do not share it), and niceness counts only among threads of one session. So the
  supervisor starts its children in its own session. A translator that leads one is as nice to others as its session:
  9.2 ms became 7.2. In one session with the gateway, all who deliver wait a third less for a processor.
- Breath. Who has run more than its share of the last moment is not eligible, whatever its weight (EEVDF), and is not
  looked at again before the one now running sleeps, or the next tick, up to 4 ms later. The engine, which sleeps and
  wakes six times in every write to its disk, waited so for 2 to 4 ms behind the event loop of the translator, where
  one post in thirty met it. The loop works in pieces of a few tenths of a millisecond, and sleeps for a moment
  between them. What waits then runs.
- Less at once: jobs are taken in groups while the engine is busy, and garbage is looked for in little pieces.

With all four: 4 to 6.5 ms where nothing to translate at all gives 2.5 to 4. A program that only decodes, and gives way
as we do, gives 3 to 5 by itself: whoever delivers has one processor then, instead of two.

Measured and not kept, for no gain or a loss: SCHED_IDLE (it starves beside any busy program, too), the engine with the
shortest slice or at niceness -10, everybody pinned to a processor of their own, less of malloc's page faults, telling
in groups what is late (the gateway then has them all at once), telling it at intervals, acknowledgements and takes in
one beat. Elsewhere, and on older kernels, only niceness and breath count.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
import time
from pathlib import Path
from typing import Final

AUTOGROUP: Final = Path("/proc/self/autogroup")
SLICE_NS: Final = 100_000_000
"""The longest that Linux takes."""
BREATHE_EVERY_S: Final = 0.000_2
BREATH_S: Final = 0.000_001
"""Asked for; Linux makes some 60 us of it."""
_SYSCALLS: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""sched_setattr, which has no wrapper in Python before 3.15 and none in most C libraries."""
_ATTRIBUTES: Final = "=IIQiIQQQ"
"""struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period."""


def yield_to_others(niceness: int) -> None:
    """Lower the priority of this thread; threads that it starts inherit that. Never raises: a service that may not do
    this works all the same."""
    if niceness <= 0:
        return
    number = _SYSCALLS.get(platform.machine()) if sys.platform == "linux" else None
    if number is not None:
        size = struct.calcsize(_ATTRIBUTES)
        attributes = ctypes.create_string_buffer(struct.pack(_ATTRIBUTES, size, 0, 0, niceness, 0, SLICE_NS, 0, 0))
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(number, 0, attributes, 0)
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
    _yield_with_our_session(niceness)


def _yield_with_our_session(niceness: int) -> None:
    """Only in a session that this process began, as the supervisor's children do: in another one, a gateway may be."""
    with contextlib.suppress(OSError, AttributeError):
        if os.getsid(0) == os.getpid() and AUTOGROUP.exists():
            AUTOGROUP.write_text(f"{niceness}\n", "ascii")


class Breath:
    """Between two pieces of work: let go of the processor for a moment, when this thread has had it for long."""

    def __init__(self, every_s: float = BREATHE_EVERY_S) -> None:
        self._every_s = every_s
        self._had_s = time.thread_time()

    def __call__(self) -> None:
        if time.thread_time() - self._had_s < self._every_s:
            return
        time.sleep(BREATH_S)
        self._had_s = time.thread_time()
