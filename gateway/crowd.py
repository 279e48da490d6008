"""A live room on this gateway: what of its entries goes on, to whom, and what is told in place of the rest.

Invariant: everything here changes what is shown at once, never the log: who pages back, resumes or reads the archive
meets every entry at its own seq. Joins and leaves are counts; reactions are counted for a quarter of a second; above
the readable rate readers receive a sample (`sampling`) and are told how many more there are.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from chat.conduct import Conduct
from chat.events import EVERYONE, Entry, Event, Joined, Left, Posted, Reacted
from chat.frames import Frame
from chat.live_frames import ReactionsFrame, SkippedFrame
from chat.wire import Codec, encode_frame, readable_event
from gateway.fanout import Timers
from gateway.sampling import Onward, Sample

REACTIONS_EVERY_S: Final = 0.25

Deliver = Callable[[Onward], None]
Encode = Callable[[Codec], bytes]
Announce = Callable[[Encode], None]
Skipped = Callable[[int], Encode | None]
"""What a reader is told was left out behind this seq; None when nothing was."""


class Crowd:
    """Of one room. `deliver` offers an entry on, `announce` a frame that is no entry, both in order; at the end of a
    window `ended` is told what was left out of it."""

    def __init__(
        self,
        room: str,
        conduct: Conduct,
        timers: Timers,
        deliver: Deliver,
        ended: Callable[[Skipped], None],
        announce: Announce,
    ) -> None:
        self._room = room
        self._timers = timers
        self._deliver = deliver
        self._ended = ended
        self._announce = announce
        self.sample = Sample(conduct.readable_per_s, timers.now_s())
        self._reactions: dict[int, Counter[str]] = {}
        self._summed = (0, 0)
        """The stretch of the log, after the first seq up to the second, of the window that is open or was last."""
        self.posts = 0
        """Messages to everybody since the room was opened here."""

    def configure(self, conduct: Conduct) -> None:
        self.sample.per_s = conduct.readable_per_s

    def offer(self, entry: Entry) -> None:
        """An entry of the room, in order."""
        event: Event = readable_event(entry.body)
        if isinstance(event, Joined | Left):
            return
        if isinstance(event, Reacted) and entry.audience == EVERYONE:  # a sum is told to all
            after, upto = self._summed
            if not self._reactions:
                self._timers.call_later(REACTIONS_EVERY_S, self._tell_reactions)
                after = upto if 0 < upto < entry.seq else entry.seq - 1  # 0: the first; above: the log began again
            self._summed = (after, entry.seq)
            self._reactions.setdefault(event.of, Counter())[event.emoji] += 1 if event.on else -1
            return
        self.posts += isinstance(event, Posted) and entry.audience == EVERYONE
        waited = self.sample.waits
        for onward in self.sample.offer(entry, event, self._timers.now_s()):
            self._deliver(onward)
        if self.sample.waits and not waited:
            self._timers.call_later(max(0.0, self.sample.due_s() - self._timers.now_s()), self.close_window)

    def close_window(self) -> None:
        """Let go on what may. Also when the room is no longer live."""
        if not self.sample.waits:
            return
        onward, left = self.sample.close_window(self._timers.now_s())
        for each in onward:
            self._deliver(each)
        self._ended(partial(self._skipped, left))

    def _skipped(self, left: Sequence[int], had: int) -> Encode | None:
        behind = left[bisect_right(left, had) :]
        if not behind:
            return None
        frame = SkippedFrame(room=self._room, first=behind[0], last=behind[-1], count=len(behind))
        return lambda codec: encode_frame(frame, codec)

    def _tell_reactions(self) -> None:
        """Sums of 0 too: who has one part of it from the log must hear that there was another."""
        counted, self._reactions = self._reactions, {}
        after, upto = self._summed
        counts = {str(of): dict(sums) for of, sums in counted.items()}
        self._tell(ReactionsFrame(room=self._room, counts=counts, after=after, upto=upto))

    def _tell(self, frame: Frame) -> None:
        self._announce(lambda codec: encode_frame(frame, codec))
