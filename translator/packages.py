"""Argos packages on this machine: find, list, install, remove, download, check.

Only this file imports argostranslate. Invariants: nothing is written outside the data directory; a package is either
whole under its own folder or not there (unpacked beside, moved in one step); a stray folder, a broken metadata file
or a hostile archive costs nobody else anything.

We read the packages ourselves because argostranslate, asked to list them, fails for all when one folder is not a
package, waits most of a minute for an index that cannot be reached, and makes directories in the user's home when
imported. What we take from it is what it alone knows: where its index lives, and the tokenizer of older packages.
Functions here block (files, network): call them off the event loop.
"""

import importlib
import json
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Final

from chat.language import canonical
from translator.downloads import PackageUnavailable as PackageUnavailable
from translator.downloads import Progress, fetch_file, read_url
from translator.engine import Engine
from translator.guard import Doubt, doubt
from translator.routes import Package

UNPACKED_BYTES_MAX: Final = 4 * 2**30
"""What an archive may grow to. The largest Argos packages are about 300 MB."""
_CHUNK_BYTES: Final = 256 * 2**10
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
STARTER: Final = Path(__file__).parent / "starter"
TOKENIZERS: Final = ("sentencepiece.model", "bpe.model")


class PackageInvalid(Exception):
    """The file or folder is not a translation package that can be used here. One sentence for a person."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A package of the index. Languages are canonical tags."""

    source: str
    target: str
    version: str
    name: str
    links: tuple[str, ...]
    sha256: str | None = None
    """When the index carries one; the Argos index does not, today."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something in the packages directory that is no usable package, and why."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """What `check` found: a known sentence through the package, and how fast it is."""

    package: Package
    sentence: str
    output: str
    doubt: Doubt | None
    first_s: float
    """The first sentence, loading included."""
    sentences_per_s: float
    """In one batch of 32 copies, loading excluded."""


class PackageStore:
    """The packages under `<data_dir>/packages`, and the starter unless `starter` is false."""

    def __init__(self, data_dir: Path, *, starter: bool = True) -> None:
        self.data_dir = data_dir
        self.directory = data_dir / "packages"
        self._starter = starter

    def installed(self) -> tuple[Package, ...]:
        """Every usable package, sorted by name, the starter's directions last."""
        return tuple(entry for entry in self._entries() if isinstance(entry, Package)) + (
            starter_packages() if self._starter else ()
        )

    def strays(self) -> tuple[Stray, ...]:
        """What lies in the directory and cannot be used."""
        return tuple(entry for entry in self._entries() if isinstance(entry, Stray))

    def install(self, archive: Path) -> Package:
        """Unpack an .argosmodel file; a package of the same name is replaced. Raises PackageInvalid."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=self.directory) as incoming:
            root = _unpack(archive, Path(incoming))
            package = read_package(root)
            name = f"translate-{package.source_code}_{package.target_code}-{package.version or '0'}"
            name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
            final = self.directory / name
            if final.exists():
                # rename cannot replace a folder that is not empty; the old one leaves with `incoming`
                final.rename(Path(incoming) / "replaced")
            root.rename(final)
        return read_package(final)

    def remove(self, name: str) -> None:
        """Remove a package by its name. Raises PackageInvalid when there is none of that name."""
        found = self.directory / name
        if not _NAME.match(name) or not (found / "metadata.json").is_file():
            raise PackageInvalid(f"no package called {name[:80]!r} is installed")
        leaving = self.directory / f".removed-{uuid.uuid4().hex}"
        found.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def fetch_index(self, url: str | None = None) -> tuple[Offer, ...]:
        """The packages on offer at `url` (default: the Argos index). Raises PackageUnavailable."""
        url = url or argos_index_url(self.data_dir)
        try:
            entries = json.loads(read_url(url))
            if not isinstance(entries, list):
                raise ValueError("not a list")
        except ValueError as error:
            raise PackageUnavailable(f"what {url} answers is not a package index ({error})") from error
        return tuple(offer for offer in map(_offer, entries) if offer is not None)

    def download(self, offer: Offer, progress: Progress | None = None) -> Path:
        """Fetch the offered file into `<data_dir>/downloads`, going on where an earlier attempt stopped.

        Raises PackageUnavailable when no link can be read to its end, or the checksum of what came is another.
        """
        downloads = self.data_dir / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        final = downloads / f"{offer.name}.argosmodel"
        failure: PackageUnavailable | None = None
        for link in offer.links:
            try:
                fetch_file(link, final, offer.sha256, progress)
            except PackageUnavailable as unavailable:
                failure = unavailable
            else:
                return final
        raise failure or PackageUnavailable(f"the index names no place to download {offer.name} from")

    def obtain(self, offer: Offer, progress: Progress | None = None) -> Package:
        """Download, install, and drop the downloaded file. Raises PackageUnavailable, PackageInvalid."""
        archive = self.download(offer, progress)
        try:
            return self.install(archive)
        finally:
            archive.unlink(missing_ok=True)

    def _entries(self) -> Iterator[Package | Stray]:
        try:
            folders = sorted(self.directory.iterdir())
        except OSError:
            return
        for folder in folders:
            if folder.name.startswith("."):
                continue
            try:
                yield read_package(folder)
            except PackageInvalid as invalid:
                yield Stray(folder, str(invalid))


def starter_packages() -> tuple[Package, ...]:
    """The two directions that come with Diqiucun; they share one model."""
    return tuple(
        _package(STARTER, json.loads(metadata.read_text("utf-8")), name=f"starter-{metadata.stem[9:]}", starter=True)
        for metadata in sorted(STARTER.glob("metadata-*.json"))
    )


def read_package(folder: Path) -> Package:
    """The package in `folder`. Raises PackageInvalid with the reason why it is none."""
    try:
        metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise PackageInvalid(f"{folder.name} holds no metadata.json") from error
    except (OSError, ValueError) as error:
        raise PackageInvalid(f"metadata.json of {folder.name} cannot be read: {error}") from error
    return _package(folder, metadata, name=folder.name)


async def check(package: Package, engine: Engine) -> Checkup:
    """Translate a known sentence and take the time. Raises EngineFailed."""
    sentence = _GREETINGS.get(package.source, _GREETINGS["en"])
    started = time.perf_counter()
    (output,) = await engine.translate(package, [sentence])
    first = time.perf_counter()
    await engine.translate(package, [sentence] * 32)
    ended = time.perf_counter()
    return Checkup(
        package=package,
        sentence=sentence,
        output=output,
        doubt=doubt(sentence, output, package.source, package.target),
        first_s=first - started,
        sentences_per_s=32 / max(ended - first, 1e-9),
    )


def argos_index_url(data_dir: Path) -> str:
    """Where Argos keeps its index, as the installed argostranslate has it."""
    url: str = _argos("settings", data_dir).remote_package_index
    return url


def bpe_tokenizer(package: Package) -> tuple[Callable[[str], list[str]], Callable[[list[str]], str]]:
    """(encode, decode) of an older package with bpe.model: Argos's own code for them. Not thread-safe.

    Raises ImportError when sacremoses is missing.
    """
    with tempfile.TemporaryDirectory(prefix="diqiucun-argos-") as scratch:
        module = _argos("tokenizer", Path(scratch))
    tokenizer: Any = module.BPETokenizer(package.tokenizer, package.source_code, package.target_code)
    return tokenizer.encode, tokenizer.decode


_IMPORTING = threading.Lock()
_ARGOS_HOMES: Final = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "ARGOS_PACKAGES_DIR")


def _argos(module: str, data_dir: Path) -> ModuleType:
    """Import a module of argostranslate. Its settings make three directories when imported: under our own then."""
    with _IMPORTING:
        before = {name: os.environ.get(name) for name in (*_ARGOS_HOMES, "KMP_DUPLICATE_LIB_OK")}
        home = data_dir / "argos"
        try:
            for name in _ARGOS_HOMES:
                os.environ[name] = str(home / name.split("_")[1].lower())
            return importlib.import_module(f"argostranslate.{module}")
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _package(folder: Path, metadata: Any, *, name: str, starter: bool = False) -> Package:
    if not isinstance(metadata, dict):
        raise PackageInvalid(f"metadata.json of {folder.name} is not an object")
    kind = metadata.get("type", "translate")
    if kind != "translate":
        raise PackageInvalid(f"{folder.name} is a package of type {str(kind)[:40]!r}, not a translation package")
    source_code, target_code = metadata.get("from_code"), metadata.get("to_code")
    if not isinstance(source_code, str) or not isinstance(target_code, str):
        raise PackageInvalid(f"metadata.json of {folder.name} does not say from which language to which")
    try:
        source, target = canonical(source_code), canonical(target_code)
    except ValueError as error:
        raise PackageInvalid(f"metadata.json of {folder.name}: {error}") from error
    tokenizer = next((folder / each for each in TOKENIZERS if (folder / each).is_file()), None)
    if tokenizer is None:
        raise PackageInvalid(f"{folder.name} holds neither sentencepiece.model nor bpe.model")
    if not (folder / "model" / "model.bin").is_file():
        raise PackageInvalid(f"{folder.name} holds no model/model.bin")
    return Package(
        name=name,
        version=str(metadata.get("package_version", ""))[:40],
        source=source,
        target=target,
        model=folder / "model",
        tokenizer=tokenizer,
        source_code=source_code,
        target_code=target_code,
        target_prefix=str(metadata.get("target_prefix") or ""),
        starter=starter,
    )


def _unpack(archive: Path, into: Path) -> Path:
    """Unpack into `into`; the folder that holds metadata.json. Nothing is written before every name is checked."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _checked(member)
            if sum(member.file_size for member in members) > UNPACKED_BYTES_MAX:
                raise PackageInvalid(f"{archive.name} would unpack to more than {UNPACKED_BYTES_MAX >> 30} GB")
            tops = {PurePosixPath(member.filename).parts[0] for member in members}
            if len(tops) != 1:
                raise PackageInvalid(f"{archive.name} must hold exactly one folder, as every Argos package does")
            for member in members:
                _extract(opened, member, into)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise PackageInvalid(f"{archive.name} is not a readable .argosmodel (zip) file: {error}") from error
    return into / tops.pop()


def _checked(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    inside = not path.is_absolute() and path.parts and not {"..", "."} & set(path.parts)
    if not inside or "\\" in member.filename or ":" in member.filename or "\0" in member.orig_filename:
        raise PackageInvalid(f"the archive names a path outside of itself: {member.filename[:80]!r}")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PackageInvalid(f"the archive holds something that is neither file nor folder: {member.filename[:80]!r}")


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, into: Path) -> None:
    path = into / member.filename
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise PackageInvalid(f"the archive lies about the size of {member.filename[:80]!r}")
            target.write(chunk)


def _offer(entry: Any) -> Offer | None:
    """An entry of the index, or None when it is not a translation package."""
    if not isinstance(entry, dict) or entry.get("type", "translate") != "translate":
        return None
    links = entry.get("links")
    try:
        source, target = canonical(entry["from_code"]), canonical(entry["to_code"])
    except (KeyError, ValueError, AttributeError):
        return None
    usable = tuple(
        link for link in (links if isinstance(links, list) else ()) if str(link).startswith(("https://", "http://"))
    )
    version = str(entry.get("package_version", ""))[:40]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"translate-{entry['from_code']}_{entry['to_code']}-{version or '0'}")
    checksum = entry.get("sha256")
    known = isinstance(checksum, str) and re.fullmatch(r"[0-9a-fA-F]{64}", checksum)
    return Offer(source, target, version, name, usable, checksum.lower() if known and checksum else None)


_GREETINGS: Final[dict[str, str]] = {
    "zh": "你叫什么名字？",
    "zh-Hant": "你叫什麼名字？",
    "en": "What is your name?",
    "ja": "お名前は何ですか？",
    "ko": "이름이 뭐예요?",
    "es": "¿Cómo te llamas?",
    "fr": "Comment tu t'appelles ?",
    "de": "Wie heißt du?",
    "pt": "Qual é o seu nome?",
    "it": "Come ti chiami?",
    "ru": "Как тебя зовут?",
    "ar": "ما اسمك؟",
    "vi": "Bạn tên là gì?",
    "th": "คุณชื่ออะไร",
    "id": "Siapa nama kamu?",
    "tr": "Adın ne?",
    "hi": "आपका नाम क्या है?",
    "nl": "Hoe heet je?",
    "pl": "Jak masz na imię?",
    "uk": "Як тебе звати?",
}
"""The first thing two people who meet in a room ask."""
