"""Files over HTTP for people who have no patience and no stable network. Used for the package index and for packages.

Invariants: without a network the answer comes within `CONNECT_WITHIN_S` and is one sentence; what has come of a file
stays on disk and the next attempt, in this process or another, goes on there; a half of one file is never sewn to a
half of another (If-Range with the ETag, RFC 9110 section 13.1.5), and a checksum that is known is checked. Plain
urllib: one file at a time, seldom, is no reason for another dependency. Blocking: call it off the event loop.
"""

import contextlib
import hashlib
import threading
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

CONNECT_WITHIN_S: Final = 4.0
"""For the first byte of an answer, name look-up included. An operator waits five seconds gladly, not fifty."""
READ_WITHIN_S: Final = 20.0
"""For each further piece; a download that stands still this long is resumed or given up."""
ATTEMPTS_MAX: Final = 3
"""Resumptions of one download that made no progress at all."""
INDEX_BYTES_MAX: Final = 16 * 2**20
_CHUNK_BYTES: Final = 256 * 2**10

Progress = Callable[[int, int | None], None]
"""Called with bytes so far, and bytes in all when the server says."""


class PackageUnavailable(Exception):
    """Index or package cannot be had just now. One sentence for a person."""


def read_url(url: str, bytes_max: int = INDEX_BYTES_MAX) -> bytes:
    """The whole content at `url`. Raises PackageUnavailable, also for more than `bytes_max`."""
    with _opened(url) as response:
        try:
            body: bytes = response.read(bytes_max + 1)
        except (OSError, HTTPException) as error:
            raise _unavailable(url, error) from error
    if len(body) > bytes_max:
        raise PackageUnavailable(f"what {url} answers is larger than {bytes_max >> 20} MB; is it an index?")
    return body


def fetch_file(url: str, final: Path, sha256: str | None, progress: Progress | None) -> None:
    """Read `url` to its end into `final`. What has come stays in a .part file, and the next attempt goes on there."""
    part = final.with_suffix(".part")
    tag = final.with_suffix(".tag")
    idle = 0
    while True:
        have = part.stat().st_size if part.exists() else 0
        try:
            complete = _fetch_rest(url, part, tag, have, progress)
        except _RangeRefused:
            # Nothing follows what we hold. It may be the whole file (then the zip reads to its end) or another one.
            complete = (sha256 is None and zipfile.is_zipfile(part)) or sha256 == _digest(part)
            if not complete:
                part.unlink(missing_ok=True)
                idle += 1
        if complete:
            break
        idle = 0 if part.exists() and part.stat().st_size > have else idle + 1
        if idle >= ATTEMPTS_MAX:
            raise PackageUnavailable(
                f"the download of {final.name} stopped and did not go on; try again, it will resume"
            )
    tag.unlink(missing_ok=True)
    if sha256 is not None and _digest(part) != sha256:
        part.unlink()
        raise PackageUnavailable(f"the checksum of {final.name} is not the one in the index; it was thrown away")
    part.replace(final)


@contextlib.contextmanager
def _opened(url: str, headers: dict[str, str] | None = None) -> Iterator[Any]:
    """The response to GET `url`, its status below 400.

    The request runs in a thread of its own because the system's name look-up obeys no timeout; a thread that is still
    stuck there when the time is over is left behind, and closes what it gets.
    """
    if not url.startswith(("https://", "http://")):
        raise PackageUnavailable(f"{url[:80]!r} is not an http address")
    request = urllib.request.Request(
        url, headers={"User-Agent": "diqiucun", "Accept-Encoding": "identity"} | (headers or {})
    )
    outcome: list[Any] = []
    settled = threading.Event()
    handing_over = threading.Lock()

    def ask() -> None:
        try:
            answer: Any = urllib.request.urlopen(request, timeout=CONNECT_WITHIN_S)
        except (OSError, HTTPException, ValueError) as error:
            answer = error
        with handing_over:
            if settled.is_set():
                if not isinstance(answer, Exception):
                    answer.close()
                return
            outcome.append(answer)
            settled.set()

    threading.Thread(target=ask, name="package-request", daemon=True).start()
    settled.wait(CONNECT_WITHIN_S)
    with handing_over:
        settled.set()
    answer = outcome[0] if outcome else TimeoutError(f"no answer within {CONNECT_WITHIN_S:.0f} seconds")
    if isinstance(answer, urllib.error.HTTPError) and answer.code == 416:
        answer.close()
        raise _RangeRefused
    if isinstance(answer, Exception):
        if isinstance(answer, urllib.error.HTTPError):
            answer.close()
        raise _unavailable(url, answer) from answer
    with contextlib.closing(answer):
        _set_timeout(answer, READ_WITHIN_S)
        yield answer


class _RangeRefused(Exception):
    """The server has nothing after what we hold: the file is whole, or another one now."""


def _set_timeout(response: Any, timeout_s: float) -> None:
    """Reading may take longer than connecting. urllib has no word for it; without one the first limit stays."""
    with contextlib.suppress(AttributeError):
        response.fp.raw._sock.settimeout(timeout_s)


def _unavailable(url: str, error: Exception) -> PackageUnavailable:
    place = urllib.parse.urlsplit(url).netloc.rpartition("@")[2] or url
    if isinstance(error, urllib.error.HTTPError):
        return PackageUnavailable(f"{place} answers {error.code} {error.reason} for {url}")
    reason = getattr(error, "reason", None) or error
    return PackageUnavailable(
        f"cannot reach {place} ({reason}); without a network, install a downloaded .argosmodel file instead"
    )


def _fetch_rest(url: str, part: Path, tag: Path, have: int, progress: Progress | None) -> bool:
    """Append what follows the first `have` bytes. True when the end was reached, False when the connection broke."""
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.exists():
            headers["If-Range"] = tag.read_text("utf-8")
    with _opened(url, headers) as response:
        going_on = response.status == 206 and _starts_at(response.headers.get("Content-Range"), have)
        if not going_on:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        validator = response.headers.get("ETag") or ""
        if validator and not validator.startswith("W/"):
            tag.write_text(validator, "utf-8")
        elif not going_on:
            tag.unlink(missing_ok=True)
        with part.open("ab" if going_on else "wb") as target:
            while True:
                try:
                    chunk = response.read(_CHUNK_BYTES)
                except (OSError, HTTPException):
                    return False
                if not chunk:
                    return total is None or have >= total
                target.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)


def _starts_at(content_range: str | None, have: int) -> bool:
    return content_range is not None and content_range.strip().lower().startswith(f"bytes {have}-")


def _digest(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
