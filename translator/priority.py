"""The translator is the least patient guest of its machine: gateways and the engine go first.

Invariant: whoever else has something to do gets the processor from us at once, and nobody starves us: we keep the
share that our niceness gives (a third of an ordinary process's, at 5). Niceness alone does the second and not the
first: Linux lets a running thread finish its slice of some milliseconds before one that has just woken, and an
original on its way wakes five processes in turn. Since Linux 6.12 a thread may ask for a slice of its own length
(sched_setattr(2), `sched_runtime`), and one with a long slice gives way to all with shorter ones. Measured on two
processors under three times the translator's load, p99 of originals: 30 ms with niceness alone, 13 with a long slice.

Linux shares a processor among sessions first (sched(7), "The autogroup feature": on by default, and in force wherever
control groups do not share it), and niceness counts only among threads of one session: a translator that the
supervisor started in a session of its own would not step back at all. So the session is made as nice as we are. Beside
two threads that never rest, p99 of a question to a process that takes 0.3 ms to answer: 4.0 ms, with this 0.3. Under
three times the translator's load, p99 of originals: 9.2 ms, with this 7.2 (calm: 3.3).

SCHED_IDLE gives way about as fast (16 ms) but starves beside any busy program; pinning to one processor costs a third
of what is translated. Elsewhere, and on older kernels, only the niceness counts.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
from pathlib import Path
from typing import Final

AUTOGROUP: Final = Path("/proc/self/autogroup")
SLICE_NS: Final = 100_000_000
"""The longest that Linux takes."""
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
