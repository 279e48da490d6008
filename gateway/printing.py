"""A picture as a page to print: a PDF of one page, filled by one PNG (ISO 32000-1). Pure.

The compressed data of the PNG go into the PDF as they are: PDF's Flate filter knows the PNG's predictors (7.4.4.4), so
nothing is decoded and no library of images is needed. Our renderer writes four channels, and PDF has no such colours
but those of paint; so the page's colour space is a DeviceN of four (8.6.6.5) of which only the first counts, as grey:
what is printed is black paint on paper, and a picture in colours would lose them. Letters are dots, 300 an inch: no
font has to be embedded, nothing is missing on another machine, and nobody can select them.
"""

import struct
import zlib
from typing import Final

PER_INCH: Final = 300
"""Dots: what office printers print."""
_POINTS_PER_MM: Final = 72 / 25.4
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_RGBA: Final = (8, 6, 0, 0, 0)
"""Eight bits, four channels, as compressed, filtered and not interlaced as PNG usually is."""
_FIRST_OF_FOUR: Final = b"{ pop pop pop }"


def page_of(png: bytes, width_mm: float, height_mm: float, title: str) -> bytes:
    """A PDF with one page of this size. Only the red channel of the picture is looked at: it is to be in greys, and
    opaque. Raises ValueError for a picture that is no PNG with eight bits for each of four channels."""
    width, height, data = _read(png)
    box = f"{width_mm * _POINTS_PER_MM:.2f} {height_mm * _POINTS_PER_MM:.2f}"
    drawing = f"{box.replace(' ', ' 0 0 ')} 0 0 cm /Page Do".encode()
    picture = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 "
        "/ColorSpace [/DeviceN [/First /Second /Third /Fourth] /DeviceGray 6 0 R] /Filter /FlateDecode "
        f"/DecodeParms << /Predictor 15 /Colors 4 /BitsPerComponent 8 /Columns {width} >>"
    )
    named = "FEFF" + title.encode("utf-16-be", "replace").hex().upper()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R /Lang (zh) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {box}] /Contents 4 0 R "
        "/Resources << /XObject << /Page 5 0 R >> >> >>".encode(),
        _stream("", drawing),
        _stream(picture, data),
        _stream("/FunctionType 4 /Domain [0 1 0 1 0 1 0 1] /Range [0 1]", _FIRST_OF_FOUR),
        f"<< /Title <{named}> >>".encode(),
    )
    written, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R /Info 7 0 R >>\n"
    return bytes(written + f"{end}startxref\n{len(written)}\n%%EOF\n".encode())


def _stream(entries: str, data: bytes) -> bytes:
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _read(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the compressed data (W3C PNG, section 5)."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    width = height = 0
    data, at = bytearray(), len(_SIGNATURE)
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        content = png[at + 8 : at + 8 + length]
        (known,) = struct.unpack_from(">I", png.ljust(at + 12 + length, b"\0"), at + 8 + length)
        if zlib.crc32(kind + content) != known:
            raise ValueError("this PNG is damaged")
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">II5B", content)
            if tuple(form) != _RGBA:
                raise ValueError("this PNG has not eight bits for each of four channels")
        elif kind == b"IDAT":
            data += content
        elif kind == b"IEND":
            return width, height, bytes(data)
        at += 12 + length
    raise ValueError("this PNG ends too early")
