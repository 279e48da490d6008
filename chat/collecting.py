"""How often Python looks for unreachable cycles: seldom, and never among what was there at the start.

In a gateway, a connection is a hundred objects that live for hours. By default Python looks through every 700 new
ones, and through everybody's again and again: while 2,500 people came back that was a third of all work, and each look
at everything held up all rooms for more than a tenth of a second (measured). What connections leave behind is freed by
reference counts; cycles (exceptions with their frames, mostly) are few, and wait here a little longer.
"""

import gc
from typing import Final

YOUNG: Final = 10_000
"""So many more were made than freed, and Python looks through them."""
YOUNG_LOOKS: Final = 20
MIDDLE_LOOKS: Final = 10
"""How often each generation is looked through before the next older one."""


def collect_seldom(young: int = YOUNG, young_looks: int = YOUNG_LOOKS) -> None:
    """Call once everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, young_looks, MIDDLE_LOOKS)
