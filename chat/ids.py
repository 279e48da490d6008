"""Identities and places in a room's log.

Every identity that reaches a key, a header line or a URL is validated here, at decoding, so that no later layer
has to quote it. The patterns end in `(?!\\n)$` because `$` alone also matches before a trailing newline, and an
identity with a newline inside would break the header line of a published entry.
"""

from typing import Annotated

from msgspec import Meta, Struct

RoomId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}(?!\n)$",
        description="lower-case letters, digits and hyphens, 1..64",
    ),
]
UserId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}(?!\n)$",
        description="letters, digits and _ . : -, 1..128",
    ),
]
ActorId = Annotated[
    str,
    Meta(
        pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9_.:-]{0,127})?(?!\n)$",
        description="who did it; empty: the room itself, because its time came",
    ),
]
OnceKey = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}(?!\n)$", description="chosen by the sender, new for each new intent"),
]
Epoch = Annotated[str, Meta(pattern=r"^[0-9a-f]{1,32}(?!\n)$", description="identity of one life of a log")]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1, description="1, 2, 3 ... in one epoch; 0 is before the first entry")]
"""At most 2**53 - 1, the largest integer a JavaScript client can count to (ECMA-262, Number.MAX_SAFE_INTEGER)."""


class Position(Struct, frozen=True, array_like=True, order=False):
    """A place in one room's log: (epoch, seq). Positions of different epochs cannot be compared.

    The idea is Centrifugo's StreamPosition: a log that was lost and made again starts a new epoch, so a client that
    asks for [1, 2, 3] of the old life is told so instead of receiving strangers' entries under known numbers.
    """

    epoch: Epoch
    seq: Seq
