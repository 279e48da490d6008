"""The page's files: small, read from disk, kept in memory until they change.

Invariant: only regular files below the root are served, by names that are plain path segments. ETags are hashes of the
content, so that two gateways behind one address agree about them; everything is `no-cache` (ask, then reuse), so a new
version of the page is there at the next visit without any renaming of files.
"""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".txt": "text/plain; charset=utf-8",
}
"""Whatever is not here is not served. `mimetypes` is not asked: its answers differ from machine to machine."""
COMPRESSED: Final = frozenset({".html", ".js", ".mjs", ".css", ".json", ".webmanifest", ".svg", ".txt"})
COMPRESS_FROM_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class WebFile:
    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    stamp: tuple[int, int]


class WebFiles:
    """Files under `root` by relative name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, WebFile] = {}

    def find(self, name: str) -> WebFile | None:
        """A file, read anew when it changed. Blocks for a stat: the files are local and few."""
        path = PurePosixPath(name)
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None or path.is_absolute() or any(part.startswith(".") for part in path.parts):
            return None
        if "\\" in name or "\0" in name:
            return None
        try:
            here = self._root / path
            status = here.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._files.get(name)
            if known is not None and known.stamp == stamp:
                return known
            body = here.read_bytes()
        except (OSError, ValueError):
            return None
        compressed = None
        if path.suffix in COMPRESSED and len(body) >= COMPRESS_FROM_BYTES:
            compressed = gzip.compress(body, 6, mtime=0)
        found = WebFile(body, compressed, media_type, f'"{sha256(body).hexdigest()[:24]}"', stamp)
        self._files[str(path)] = found
        return found
