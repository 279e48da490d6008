"""An engine that asks a LibreTranslate-compatible server. Only where an operator names one: by default no text leaves
this machine.

Invariant: what the `Engine` port asks for, kept across a network: as many outputs as inputs or an exception, never a
wait without an end, the event loop left free (urllib in a few threads: a client library would be one more dependency
for two requests). Each pair of languages the server offers is a `Package` like any other, without files; routes put a
local package before it, and the starter behind it. A server translates as it does: `search` changes nothing there, so
a doubtful sentence is refused after its second try.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from chat.language import canonical
from translator.engine import FIRST, Engine, EngineFailed, Search
from translator.routes import Package

SERVER: Final = "libretranslate"
THREADS: Final = 4
ANSWER_WITHIN_S: Final = 15.0
ANSWER_BYTES_MAX: Final = 8 * 2**20
LANGUAGES_MAX: Final = 100


class LibreTranslateEngine:
    """The `Engine` for the server at `url`; `key` where it wants one."""

    def __init__(self, url: str, key: str = "", *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the address of a LibreTranslate server begins with http:// or https://")
        self._url = url.rstrip("/")
        self._key = key
        self._answer_within_s = answer_within_s
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="libretranslate")

    @property
    def name(self) -> str:
        return f"{SERVER} {self._url.partition('://')[2]}"

    async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
        """See `Engine.translate`."""
        if not sentences:
            return []
        wish = {
            "q": list(sentences),
            "source": package.source_code,
            "target": package.target_code,
            "format": "text",
        }
        if self._key:
            wish["api_key"] = self._key
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._pool, self._ask, "/translate", wish)
        except RuntimeError as closed:
            raise EngineFailed("the engine is closed") from closed
        made = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(made, list) or len(made) != len(sentences) or not all(isinstance(each, str) for each in made):
            raise EngineFailed("the translation server answered something else than translations")
        return made

    async def packages(self) -> tuple[Package, ...]:
        """The pairs of languages the server offers. Raises EngineFailed."""
        answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, "/languages", None)
        if not isinstance(answer, list):
            raise EngineFailed("the translation server does not list its languages")
        return tuple(sorted(set(_packages(answer[:LANGUAGES_MAX])), key=lambda package: package.name))

    async def close(self) -> None:
        """See `Engine.close`."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _ask(self, path: str, wish: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            self._url + path,
            data=None if wish is None else json.dumps(wish).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self._answer_within_s) as answer:
                return json.loads(answer.read(ANSWER_BYTES_MAX))
        except urllib.error.HTTPError as error:
            with error:
                raise EngineFailed(f"the translation server answered {error.code}") from error
        except (OSError, ValueError) as error:
            raise EngineFailed(f"the translation server cannot be asked: {type(error).__name__}") from error


class Engines:
    """One `Engine` out of two: packages of a server go to it, all others to the models of this machine."""

    def __init__(self, local: Engine, server: LibreTranslateEngine) -> None:
        self._local = local
        self._server = server

    @property
    def name(self) -> str:
        return self._local.name

    async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
        """See `Engine.translate`."""
        engine: Engine = self._server if package.server else self._local
        return await engine.translate(package, sentences, search)

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._server.close()
        await self._local.close()


def _packages(languages: Sequence[Any]) -> list[Package]:
    """LibreTranslate spells Chinese zh, zh-Hans, zt or zh-Hant, depending on its version; `canonical` knows all."""
    codes: dict[str, tuple[str, list[str]]] = {}
    for language in languages:
        try:
            code, targets = str(language["code"]), [str(target) for target in language.get("targets", ())]
            codes.setdefault(canonical(code), (code, targets))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    made = []
    for source, (source_code, targets) in codes.items():
        for target, (target_code, _) in codes.items():
            if source != target and (not targets or target_code in targets):
                name = f"{SERVER}-{source_code}_{target_code}"
                nowhere = Path(name)
                made.append(
                    Package(
                        name=name,
                        version="",
                        source=source,
                        target=target,
                        model=nowhere,
                        tokenizer=nowhere,
                        source_code=source_code,
                        target_code=target_code,
                        server=SERVER,
                    )
                )
    return made
