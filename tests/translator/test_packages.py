"""Packages on disk and from a server: hostile archives, stray folders, broken networks."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from translator.ctranslate import CTranslateEngine
from translator.packages import (
    STARTER,
    Offer,
    PackageInvalid,
    PackageStore,
    PackageUnavailable,
    argos_index_url,
    bpe_tokenizer,
    check,
    starter_packages,
)

METADATA = {
    "package_version": "1.0",
    "argos_version": "1.9.0",
    "from_code": "en",
    "from_name": "English",
    "to_code": "zh",
    "to_name": "Chinese",
    "target_prefix": "<2zh>",
}
SMALL = {"model/model.bin": b"weights", "sentencepiece.model": b"pieces"}


def archive(path: Path, files: dict[str, bytes], *, top: str = "translate-en_zh-1_0/", **metadata: object) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(top + "metadata.json", json.dumps(METADATA | metadata))
        for name, content in files.items():
            made.writestr(top + name, content)
    return path


def real_archive(path: Path) -> Path:
    files = {
        str(each.relative_to(STARTER)): each.read_bytes()
        for each in STARTER.rglob("*")
        if each.is_file() and (each.parent.name == "model" or each.name == "sentencepiece.model")
    }
    return archive(path, files)


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return PackageStore(tmp_path / "data", starter=False)


def test_the_starter_serves_both_directions_with_one_model() -> None:
    to_chinese, to_english = starter_packages()
    assert (to_chinese.source, to_chinese.target, to_english.source, to_english.target) == ("en", "zh", "zh", "en")
    assert to_chinese.model == to_english.model
    assert (to_chinese.target_prefix, to_english.target_prefix) == ("<2zh>", "<2en>")
    assert to_chinese.starter
    notice = (STARTER / "NOTICE").read_text("utf-8")
    assert all(name in notice for name in ("Tatoeba", "CC-CEDICT", "XPersona", "CC BY-SA 4.0", "CC BY 2.0 FR"))


def test_an_empty_machine_has_the_starter_or_nothing(tmp_path: Path) -> None:
    assert [package.name for package in PackageStore(tmp_path).installed()] == ["starter-en_zh", "starter-zh_en"]
    assert PackageStore(tmp_path, starter=False).installed() == ()
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"


async def test_an_installed_package_translates(store: PackageStore, tmp_path: Path) -> None:
    package = store.install(real_archive(tmp_path / "en_zh.argosmodel"))
    assert store.installed() == (package,)
    assert (package.name, package.version, package.starter) == ("translate-en_zh-1_0", "1.0", False)
    engine = CTranslateEngine(threads=1)
    found = await check(package, engine)
    await engine.close()
    assert found.sentence == "What is your name?"
    assert "名字" in found.output
    assert found.doubt is None
    assert found.sentences_per_s > 1


def test_installing_again_replaces_and_removing_removes(store: PackageStore, tmp_path: Path) -> None:
    store.install(archive(tmp_path / "a.argosmodel", SMALL))
    package = store.install(archive(tmp_path / "b.argosmodel", SMALL | {"README.md": b"newer"}))
    assert store.installed() == (package,)
    assert (package.model.parent / "README.md").read_bytes() == b"newer"
    store.remove(package.name)
    assert store.installed() == ()
    assert list(store.directory.iterdir()) == []
    with pytest.raises(PackageInvalid, match="no package called"):
        store.remove(package.name)
    with pytest.raises(PackageInvalid, match="no package called"):
        store.remove("../data")


def test_codes_become_canonical_tags_and_the_package_keeps_its_own(store: PackageStore, tmp_path: Path) -> None:
    package = store.install(archive(tmp_path / "a.argosmodel", SMALL, to_code="zt"))
    assert (package.target, package.target_code) == ("zh-Hant", "zt")


def test_a_stray_folder_costs_nobody_else_anything(store: PackageStore, tmp_path: Path) -> None:
    package = store.install(archive(tmp_path / "a.argosmodel", SMALL))
    (store.directory / "photos").mkdir()
    (store.directory / "notes.txt").write_text("hello")
    broken = store.directory / "broken"
    broken.mkdir()
    (broken / "metadata.json").write_text("{")
    half = store.directory / "half"
    half.mkdir()
    (half / "metadata.json").write_text(json.dumps(METADATA))
    assert store.installed() == (package,)
    assert {stray.path.name for stray in store.strays()} == {"photos", "notes.txt", "broken", "half"}
    assert all(stray.path.name in stray.why for stray in store.strays())


@pytest.mark.parametrize(
    "name", ["../evil.txt", "../../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "C:\\evil.txt", "a\\..\\evil.txt"]
)
def test_an_archive_that_points_outside_writes_nothing(store: PackageStore, tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "evil.argosmodel", SMALL)
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(name, b"evil")
    with pytest.raises(PackageInvalid, match="outside of itself"):
        store.install(path)
    assert store.installed() == ()
    assert not list(tmp_path.rglob("evil.txt"))
    assert list(store.directory.iterdir()) == []


def test_an_archive_with_a_link_is_refused(store: PackageStore, tmp_path: Path) -> None:
    path = archive(tmp_path / "link.argosmodel", SMALL)
    link = zipfile.ZipInfo("translate-en_zh-1_0/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(link, "/etc/passwd")
    with pytest.raises(PackageInvalid, match="neither file nor folder"):
        store.install(path)


@pytest.mark.parametrize(
    ("files", "metadata", "why"),
    [
        ({"sentencepiece.model": b""}, {}, "model.bin"),
        ({"model/model.bin": b""}, {}, "sentencepiece.model"),
        (SMALL, {"from_code": None}, "from which language"),
        (SMALL, {"to_code": "../.."}, "not a language tag"),
        (SMALL, {"type": "sbd"}, "not a translation package"),
    ],
)
def test_what_is_no_translation_package_is_not_installed(
    store: PackageStore, tmp_path: Path, files: dict[str, bytes], metadata: dict[str, object], why: str
) -> None:
    with pytest.raises(PackageInvalid, match=why):
        store.install(archive(tmp_path / "x.argosmodel", files, **metadata))
    assert list(store.directory.iterdir()) == []


def test_what_is_no_archive_is_not_installed(store: PackageStore, tmp_path: Path) -> None:
    (tmp_path / "x.argosmodel").write_bytes(b"<html>not found</html>")
    with pytest.raises(PackageInvalid, match="not a readable"):
        store.install(tmp_path / "x.argosmodel")
    with pytest.raises(PackageInvalid, match="not a readable"):
        store.install(tmp_path / "missing.argosmodel")
    with pytest.raises(PackageInvalid, match="exactly one folder"):
        store.install(archive(tmp_path / "y.argosmodel", SMALL, top=""))


def test_without_a_network_the_answer_is_quick_and_one_sentence(store: PackageStore) -> None:
    started = time.monotonic()
    with pytest.raises(PackageUnavailable, match=r"cannot reach 127\.0\.0\.1:9") as unavailable:
        store.fetch_index("http://127.0.0.1:9/index.json")
    assert time.monotonic() - started < 5
    assert "\n" not in str(unavailable.value)
    with pytest.raises(PackageUnavailable, match="cannot reach"):
        store.download(Offer("en", "zh", "1.0", "translate-en_zh-1_0", ("http://127.0.0.1:9/a",)))
    with pytest.raises(PackageUnavailable, match="no place"):
        store.download(Offer("en", "zh", "1.0", "translate-en_zh-1_0", ()))
    with pytest.raises(PackageUnavailable, match="not an http address"):
        store.fetch_index("file:///etc/passwd")


class Server:
    """A file server that honours Range, and breaks the connection after `break_after` bytes, `breaks` times."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.break_after = 0
        self.breaks = 0
        self.silent_s = 0.0
        self.ranges: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        time.sleep(self.silent_s)
        content = self.files.get(request.path)
        if content is None:
            request.send_error(404)
            return
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        start = 0
        if wanted and request.headers.get("If-Range", etag) == etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                request.send_error(416)
                return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("ETag", etag)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        rest = content[start:]
        if self.breaks > 0:
            self.breaks -= 1
            rest = rest[: self.break_after]
        request.wfile.write(rest)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.http.shutdown()
    made.http.server_close()
    thread.join()


def offer_of(server: Server, content: bytes, *, sha256: str | None = None) -> Offer:
    server.files["/p.argosmodel"] = content
    return Offer("en", "zh", "1.0", "translate-en_zh-1_0", (f"{server.url}/p.argosmodel",), sha256)


def test_the_index_is_read_and_what_is_no_translation_left_out(store: PackageStore, server: Server) -> None:
    server.files["/index.json"] = json.dumps(
        [
            METADATA | {"links": ["https://example.org/a.argosmodel", "ipfs://x"], "to_code": "zt"},
            METADATA | {"type": "sbd", "links": []},
            METADATA | {"from_code": 7},
            "nonsense",
        ]
    ).encode()
    (offer,) = store.fetch_index(server.url + "/index.json")
    assert offer == Offer("en", "zh-Hant", "1.0", "translate-en_zt-1_0", ("https://example.org/a.argosmodel",))
    server.files["/index.json"] = b"<html>"
    with pytest.raises(PackageUnavailable, match="not a package index"):
        store.fetch_index(server.url + "/index.json")
    with pytest.raises(PackageUnavailable, match="404"):
        store.fetch_index(server.url + "/nothing")


def test_download_install_and_tidy_up(store: PackageStore, server: Server, tmp_path: Path) -> None:
    content = archive(tmp_path / "a.argosmodel", SMALL).read_bytes()
    seen: list[tuple[int, int | None]] = []
    offer = offer_of(server, content, sha256=hashlib.sha256(content).hexdigest())
    package = store.obtain(offer, lambda have, total: seen.append((have, total)))
    assert store.installed() == (package,)
    assert seen[-1] == (len(content), len(content))
    assert list((store.data_dir / "downloads").iterdir()) == []


def test_a_broken_download_goes_on_where_it_stopped(store: PackageStore, server: Server) -> None:
    content = os.urandom(300_000)
    server.break_after, server.breaks = 100_000, 2
    path = store.download(offer_of(server, content))
    assert path.read_bytes() == content
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_download_goes_on_in_the_next_process_too(store: PackageStore, server: Server) -> None:
    content = os.urandom(300_000)
    offer = offer_of(server, content)
    server.break_after, server.breaks = 0, 99
    with pytest.raises(PackageUnavailable, match="will resume"):
        store.download(offer)
    server.break_after, server.breaks = 1_000, 1
    part = store.data_dir / "downloads" / f"{offer.name}.part"
    part.write_bytes(content[:50_000])
    path = PackageStore(store.data_dir).download(offer)
    assert path.read_bytes() == content
    assert "bytes=50000-" in server.ranges
    assert not part.exists()


def test_a_file_that_changed_meanwhile_is_not_sewn_to_the_old_half(store: PackageStore, server: Server) -> None:
    offer = offer_of(server, b"old" * 100_000)
    server.break_after, server.breaks = 50_000, 1
    new = b"new" * 100_000
    server.answer, original = (
        (lambda request: (original(request), server.files.update({"/p.argosmodel": new}))),
        (  # type: ignore[method-assign,assignment]  # the double stands in its place
            server.answer
        ),
    )
    assert store.download(offer).read_bytes() == new


def test_a_whole_file_that_was_not_yet_named_so_is_recognised(store: PackageStore, server: Server) -> None:
    content = os.urandom(10_000)
    offer = offer_of(server, content, sha256=hashlib.sha256(content).hexdigest())
    (store.data_dir / "downloads").mkdir(parents=True)
    (store.data_dir / "downloads" / f"{offer.name}.part").write_bytes(content)
    assert store.download(offer).read_bytes() == content


def test_another_checksum_than_the_index_says_is_thrown_away(store: PackageStore, server: Server) -> None:
    with pytest.raises(PackageUnavailable, match="checksum"):
        store.download(offer_of(server, b"tampered", sha256="0" * 64))
    assert [path.suffix for path in (store.data_dir / "downloads").iterdir()] == []


def test_argos_is_imported_late_and_writes_only_into_the_data_directory(tmp_path: Path) -> None:
    """In a process of its own, with an empty home: what is imported, and what lies there afterwards."""
    home = tmp_path / "home"
    home.mkdir()
    script = """
import asyncio, os, sys
from pathlib import Path
from translator import packages, worker
from translator.ctranslate import CTranslateEngine
store = packages.PackageStore(Path(sys.argv[1]))
engine = CTranslateEngine(threads=1)
made = asyncio.run(engine.translate(store.installed()[-1], ["你叫什么名字？"]))
assert "name" in made[0], made
assert not [name for name in sys.modules if name.split(".")[0] in ("argostranslate", "minisbd", "onnxruntime")]
before = dict(os.environ)
print(packages.argos_index_url(store.data_dir))
assert dict(os.environ) == before
assert "minisbd" not in sys.modules
"""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "data")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("https://")
    assert done.stdout.strip().endswith("index.json")
    assert list(home.iterdir()) == []
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["argos"]


def test_the_index_url_is_argos_own(tmp_path: Path) -> None:
    assert argos_index_url(tmp_path).endswith("/index.json")


def test_an_older_package_brings_the_tokenizer_of_argos(store: PackageStore, tmp_path: Path) -> None:
    """bpe.model instead of sentencepiece.model: Moses tokens, cut by merges."""
    merges = b"#version: 0.2\nh e\nhe l\nhel l\nhell o</w>\n"
    package = store.install(
        archive(tmp_path / "old.argosmodel", {"model/model.bin": b"weights", "bpe.model": merges}, to_code="es")
    )
    encode, decode = bpe_tokenizer(package)
    assert encode("hello, ho") == ["hello", ",", "h@@", "o"]
    assert decode(["hello", ",", "h@@", "o"]) == "hello, ho"
