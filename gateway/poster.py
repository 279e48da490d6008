"""A poster to print: an A4 page as SVG or PDF with the room's title in both languages, when it begins, and its
invitation as a QR code and as an address; with its rows of the table of operations in `gateway.api`.

Invariant: nothing is fetched and nothing runs; the QR code is a path, every text is escaped. The invitation is a
secret: it comes in the body of the request that asks for the poster, stands in the picture and nowhere else.
"""

import io
import re
import time
from html import escape
from typing import TYPE_CHECKING, Annotated, Final

import segno
from msgspec import Meta, Struct

from chat.errors import ErrorCode, Rejected
from gateway import picture, printing
from gateway.bodies import InRoom, NoQuery
from gateway.invites import InviteCode, invite_link
from gateway.operation import IN_ROOM, Call, Operation

if TYPE_CHECKING:
    from gateway.api import Api

WIDTH, HEIGHT = 210, 297
"""A4 in millimetres."""
_QR: Final = 112.0
_LINE: Final = 182.0
_ROWS: Final = 2
_HALVES: Final = re.compile(r"\s+[·|/]\s+")
"""A title in two languages: "地球村 · Global Village"."""
_PIECES: Final = re.compile(r"[\u2e80-\U0010ffff]|[^\s\u2e80-\U0010ffff]+|\s+")
_FONTS: Final = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC','Noto Sans CJK SC','Source Han Sans SC',"
    "'WenQuanYi Micro Hei','WenQuanYi Zen Hei','Droid Sans Fallback',sans-serif"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PosterRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    invite: InviteCode
    """A code that opens this room."""
    utc_offset_min: Annotated[int, Meta(ge=-12 * 60, le=14 * 60)] = 0
    """Of the clock on the wall where the event takes place, as in `Date.getTimezoneOffset()` with its sign turned."""


def poster_svg(titles: tuple[str, ...], link: str, starts_ms: int, utc_offset_min: int) -> str:
    """`titles`: the title, and its translation if there is one. `starts_ms` 0: no time is told."""
    parts: list[str] = []
    y = 34.0
    halves = [half for title in titles for half in _HALVES.split(title) if half]
    for number, title in enumerate(dict.fromkeys(halves)):
        size = 13.0 if not number else 9.5
        for row in _rows(title, size):
            parts.append(_text(row, y, size, bold=not number))
            y += size * 1.25
    if starts_ms:
        zh, en = _when(starts_ms, utc_offset_min)
        parts += [_text(zh, y + 4, 7.5), _text(en, y + 13, 6.5)]
        y += 17
    top = max(y + 4, 92.0)
    parts += [
        _qr(link, (WIDTH - _QR) / 2, top),
        _text("扫码进来，用自己的语言聊天", top + _QR + 14, 8, bold=True),
        _text("Scan to come in, and chat in your own language", top + _QR + 23, 6.5),
        _text(link, top + _QR + 33, min(5.0, 330 / max(1, len(link))), fonts="ui-monospace,Menlo,Consolas,monospace"),
    ]
    name = escape(" / ".join(dict.fromkeys(titles)), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}"><title>{name}</title>'
        f'<rect x="-1" y="-1" width="{WIDTH + 2}" height="{HEIGHT + 2}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _qr(link: str, x: float, y: float) -> str:
    """Black on white with the quiet zone of four modules that scanners ask for (ISO/IEC 18004, 9.1)."""
    code = segno.make(link, error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", border=4, xmldecl=False, svgns=False, nl=False, omitsize=True, dark="#000000")
    svg = drawn.getvalue().decode()
    side = code.symbol_size(border=4)[0]
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    return f'<g transform="translate({x:g} {y:g}) scale({_QR / side:.5f})">{inner}</g>'


def _when(starts_ms: int, utc_offset_min: int) -> tuple[str, str]:
    at = time.gmtime(starts_ms / 1000 + utc_offset_min * 60)
    sign = "+" if utc_offset_min >= 0 else "-"
    hours, minutes = divmod(abs(utc_offset_min), 60)
    zone = f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "") if utc_offset_min else "UTC"
    clock = f"{at.tm_hour:02}:{at.tm_min:02}"
    return (
        f"{at.tm_year}年{at.tm_mon}月{at.tm_mday}日 {clock}（{zone}）",
        f"{at.tm_mday} {_MONTHS[at.tm_mon - 1]} {at.tm_year}, {clock} ({zone})",
    )


def _rows(text: str, size: float) -> list[str]:
    """The text in at most `_ROWS` rows that fit the page: Chinese breaks anywhere, other words at spaces."""
    rows, row = [], ""
    for piece in _PIECES.findall(text):
        if row and _wide(row + piece, size) > _LINE:
            rows.append(row.strip())
            row = ""
        row += piece
    rows.append(row.strip())
    if len(rows) > _ROWS:
        rows[_ROWS - 1] += " …"
    return rows[:_ROWS]


def _wide(text: str, size: float) -> float:
    """About how wide the text is: a Chinese character is a square, a letter of bold type two thirds of one."""
    return size * sum(1.0 if ord(char) > 0x2E80 else 0.66 for char in text.strip())


def _text(text: str, y: float, size: float, *, bold: bool = False, fonts: str = _FONTS) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{WIDTH / 2:g}" y="{y:g}" font-size="{size:g}"{weight} fill="#111111" text-anchor="middle" '
        f'font-family="{fonts}">{escape(text)}</text>'
    )


async def draw_poster(api: "Api", call: Call[InRoom, NoQuery, PosterRequest]) -> str:
    """A page to print, A4 as SVG: title in both languages, when it begins, the invitation as QR code and address. For
    who may invite; the code comes in the body, because addresses are written into logs."""
    svg, _ = await _drawn(api, call)
    return svg


async def print_poster(api: "Api", call: Call[InRoom, NoQuery, PosterRequest]) -> bytes:
    """The same as PDF, one page of dots, 300 an inch, in greys; 503 where the server has no font with Chinese
    characters."""
    svg, title = await _drawn(api, call)
    api.spend(api.naming, call.caller.user)
    png = await api.painter.png(svg, zoom=printing.PER_INCH / picture.PER_INCH)
    return printing.page_of(png, WIDTH, HEIGHT, title)


async def _drawn(api: "Api", call: Call[InRoom, NoQuery, PosterRequest]) -> tuple[str, str]:
    """The page, and the room's title."""
    asked, room = call.body, call.where.room
    state = await api.allowed(call.caller, room, "invite")
    invite = await api.service.invites.peek(asked.invite, api.now_ms())
    if invite is None or invite.room != room:
        raise Rejected(ErrorCode.INVITE_INVALID)
    told = [await api.service.title_for(state, (language,)) for language in ("zh", "en")]
    starts_ms = await api.service.starts_ms(room)
    titles = (state.title, *(each.text for each in told if each))
    link = invite_link(api.public_url or call.base_url, asked.invite)
    return poster_svg(titles, link, starts_ms, asked.utc_offset_min), state.title


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST",
        "/rooms/{room}/poster.svg",
        draw_poster,
        where=InRoom,
        body=PosterRequest,
        answer=str,
        image="image/svg+xml",
        errors=(*IN_ROOM, ErrorCode.INVITE_INVALID),
    ),
    Operation(
        "POST",
        "/rooms/{room}/poster.pdf",
        print_poster,
        where=InRoom,
        body=PosterRequest,
        answer=bytes,
        image="application/pdf",
        errors=(*IN_ROOM, ErrorCode.INVITE_INVALID, ErrorCode.TOO_FAST),
    ),
)
