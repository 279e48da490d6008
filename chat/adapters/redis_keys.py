"""Names of keys and channels in Redis.

Everything that one append touches carries the hash tag of the room's partition, {p00} to {p15}, so that it lives in
one cluster slot: the room's own keys, its channel, and the job stream of the partition. One tag per room would spread
better, but a job stream per room cannot be waited on; sixteen streams can, in one XREADGROUP.

The number of partitions is part of the stored format: changing it hides every existing room.
"""

from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

PARTITIONS: Final = 16


class RoomKeys(NamedTuple):
    meta: str
    log: str
    members: str
    refs: str
    revisions: str
    terms: str
    pins: str
    jobs: str
    channel: str
    once: str
    """Prefix: one key for each once-key."""
    read: str
    here: str
    purges: str
    """Recalled messages that the archive has not forgotten yet."""
    ceremonies: str
    """All that are not over: `id`, `id:until`, `id:version`, `id:cast`, and of each proposal `id:p:seq`, `id:n:seq`."""
    ballots: str
    """Prefix: one key for each ceremony, with the vote of each member."""
    unheard: str
    """Seqs of entries that nobody receives."""
    names: str
    """Of each member who has names, under the id; how often they changed, under `#` and the id."""
    remarks: str
    """Prefix: one key for each reader."""
    board: str
    """Prefix: one key for each kind of row; by itself the set of kinds that were ever hung up. Ballot boxes are kinds
    too: `box` and its name, with the choices of each voter; `tally` has the counts of all boxes."""


class Keys:
    """All names under one prefix; two prefixes share an engine without seeing each other."""

    def __init__(self, prefix: str) -> None:
        if "{" in prefix or "}" in prefix:
            raise ValueError("a prefix with braces would replace the hash tag of the partition")
        self.prefix = prefix
        self.rooms = f"{prefix}rooms"
        self.jobs = tuple(f"{prefix}{{p{number:02}}}:jobs" for number in range(PARTITIONS))
        self.parked = tuple(f"{prefix}{{p{number:02}}}:parked" for number in range(PARTITIONS))
        """Jobs that overload skipped: a second queue of the same kind."""

    def room(self, room: str) -> RoomKeys:
        return _room_keys(self.prefix, room)

    def channel(self, room: str) -> str:
        return _room_keys(self.prefix, room).channel

    def invite(self, digest: str) -> str:
        return f"{self.prefix}invite:{digest}"

    def hooks(self, what: str) -> str:
        """Of webhooks, all in one slot: `endpoints`, `off`, `lease`; of each endpoint `cursors:`, `dead:`, `died:`."""
        return f"{self.prefix}{{hooks}}:{what}"


def partition(room: str) -> int:
    return crc32(room.encode()) % PARTITIONS


@lru_cache(maxsize=4096)
def _room_keys(prefix: str, room: str) -> RoomKeys:
    tagged = f"{prefix}{{p{partition(room):02}}}:"
    own = f"{tagged}room:{room}"
    return RoomKeys(
        meta=f"{own}:meta",
        log=f"{own}:log",
        members=f"{own}:members",
        refs=f"{own}:refs",
        revisions=f"{own}:revisions",
        terms=f"{own}:terms",
        pins=f"{own}:pins",
        jobs=f"{tagged}jobs",
        channel=own,
        once=f"{own}:once:",
        read=f"{own}:read",
        here=f"{own}:here",
        purges=f"{own}:purges",
        ceremonies=f"{own}:ceremonies",
        ballots=f"{own}:ballots:",
        unheard=f"{own}:unheard",
        names=f"{own}:names",
        remarks=f"{own}:remarks:",
        board=f"{own}:board:",
    )
