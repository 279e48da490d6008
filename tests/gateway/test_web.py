"""The files of the page: what a browser is given, and what is not there."""

import gzip
from pathlib import Path

import pytest

from tests.gateway.rest import CSP, Village, problem


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html>" + "村" * 1000)
    (tmp_path / "sw.js").write_text("self")
    (tmp_path / "view").mkdir()
    (tmp_path / "view" / "room.js").write_text("export {}")
    (tmp_path / ".secret.js").write_text("no")
    (tmp_path / "notes.py").write_text("no")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/web/view/room.js", "text/javascript; charset=utf-8"),
        ("/web/index.html", "text/html; charset=utf-8"),
    ],
)
async def test_a_file_of_the_page(pages: Path, path: str, kind: str) -> None:
    async with Village(web=pages).client() as client:
        response = await client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["content-security-policy"] == CSP
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "camera=()" in response.headers["permissions-policy"]
        again = await client.get(path, headers={"if-none-match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/none.js",
        "/web/notes.py",
        "/web/.secret.js",
        "/web/../http.py",
        "/web/%2e%2e/http.py",
        "/web/..%2f..%2fetc/passwd.txt",
        "/web//etc/hosts.txt",
        "/web/view",
        "/web/a%00.js",
        "/web/%5c..%5ca.js",
        "/favicon.ico",
        "/api/v1/nothing",
        "/api/v2/rooms",
    ],
)
async def test_what_is_not_there(pages: Path, path: str) -> None:
    async with Village(web=pages).client() as client:
        assert problem(await client.get(path)) == (404, "not_found")


async def test_a_changed_file_is_another_file(pages: Path) -> None:
    async with Village(web=pages).client() as client:
        before = (await client.get("/web/view/room.js")).headers["etag"]
        (pages / "view" / "room.js").write_text("export const a = 1;")
        after = await client.get("/web/view/room.js", headers={"if-none-match": before})
        assert (after.status_code, after.text) == (200, "export const a = 1;")


async def test_large_text_travels_compressed_to_whoever_takes_it(pages: Path) -> None:
    async with Village(web=pages).client() as client:
        request = client.build_request("GET", "/", headers={"accept-encoding": "br, gzip;q=0.5"})
        response = await client.send(request, stream=True)
        raw = b"".join([piece async for piece in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw).decode().endswith("村")
        for refusing in ("identity", "gzip;q=0", "br"):
            plain = await client.get("/", headers={"accept-encoding": refusing})
            assert "content-encoding" not in plain.headers
            assert plain.headers["vary"] == "accept-encoding"
