"""A name card or a poster as PNG, for places that show no SVG: drawn by resvg, in a process of its own.

The renderer keeps Python's lock while it reads fonts and draws, a tenth of a second and more: inside the gateway that
would be a stall for everybody who is connected. A child costs some milliseconds and stalls nobody, has a deadline, and
is all that goes down with a fault in foreign code. Two at most draw at a time, and few wait.

Fonts are those of the machine; nothing is fetched. Where none has Chinese characters a picture would be empty, so
there is none: whoever asks is told, and the SVG is drawn by devices that have the fonts.
"""

import asyncio
import sys
from typing import Final

from chat.card import HAN_FONTS
from chat.errors import ErrorCode, Rejected, Unavailable

SCALE: Final = 2
"""A card of 640 units has 1,280 pixels a side."""
PER_INCH: Final = 96
"""Pixels of an SVG that measures itself in millimetres (CSS Values 3, 5.2), before it is magnified."""
DRAWN_WITHIN_S: Final = 10.0
AT_ONCE: Final = 2
WAITING_MAX: Final = 20
_NOT_HERE_MS: Final = 3_600_000
_BUSY_MS: Final = 5_000
_TRIALS: Final = tuple(
    f'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">'
    f'<text y="28" font-size="28" font-family="{HAN_FONTS}">{one}</text></svg>'
    for one in "名睿"
)
"""Two characters look alike only where there is no font for them."""


class Painter:
    """One per gateway."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._able: bool | None = None
        self.drawn = 0

    async def png(self, svg: str, zoom: float = SCALE) -> bytes:
        """`zoom`: pixels for each of the SVG's. Raises Rejected(TOO_FAST) where too many wait, Unavailable where this
        machine cannot draw it."""
        if self._waiting >= WAITING_MAX:
            raise Rejected(ErrorCode.TOO_FAST, retry_after_ms=1_000)
        self._waiting += 1
        try:
            async with self._turn:
                if self._able is None:
                    one, other = [await _drawn(trial) for trial in _TRIALS]
                    if one is not None and other is not None:  # or the machine was busy: that says nothing of its fonts
                        self._able = one != other
                picture = await _drawn(svg, zoom) if self._able else None
        finally:
            self._waiting -= 1
        if self._able is False:
            raise Unavailable("this server has no font with Chinese characters; ask for the SVG", _NOT_HERE_MS)
        if picture is None:
            raise Unavailable("the picture was not drawn in time; ask again, or for the SVG", _BUSY_MS)
        self.drawn += 1
        return picture


async def _drawn(svg: str, zoom: float = SCALE) -> bytes | None:
    """None where the renderer failed or took too long."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(zoom),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(DRAWN_WITHIN_S):
            picture, _ = await child.communicate(svg.encode())
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return picture if child.returncode == 0 and picture else None


def main() -> None:
    """The child: the zoom as argument, an SVG on standard input, a PNG on standard output."""
    import resvg_py  # here, because only the child draws

    svg, zoom = sys.stdin.buffer.read().decode(), float(sys.argv[1])
    sys.stdout.buffer.write(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, dpi=PER_INCH, languages=["zh", "en"]))


if __name__ == "__main__":
    main()
