"""An engine that tests can hold, fail and count. Its translations are predictable: target prefix and the text."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from translator.engine import FIRST, EngineFailed, Search
from translator.routes import Package


def package(source: str, target: str, version: str = "1", *, starter: bool = False) -> Package:
    return Package(
        name=f"{source}_{target}",
        version=version,
        source=source,
        target=target,
        model=Path("model"),
        tokenizer=Path("sentencepiece.model"),
        source_code=source,
        target_code=target,
        starter=starter,
    )


class ScriptedEngine:
    """Answers with `say(package, sentence, search)`, after `delay_s`; every batch is written down."""

    name = "scripted 1"

    def __init__(
        self, say: Callable[[Package, str, Search], str] | None = None, *, delay_s: float = 0.0, fail: bool = False
    ) -> None:
        self.say = say or (lambda package, sentence, search: f"{package.target}:{sentence}")
        self.delay_s = delay_s
        self.fail = fail
        self.batches: list[tuple[str, ...]] = []
        self.running = 0
        self.running_most = 0

    async def translate(self, package: Package, sentences: Sequence[str], search: Search = FIRST) -> Sequence[str]:
        self.batches.append(tuple(sentences))
        self.running += 1
        self.running_most = max(self.running, self.running_most)
        try:
            await asyncio.sleep(self.delay_s)
            if self.fail:
                raise EngineFailed("broken on purpose")
            return [self.say(package, sentence, search) for sentence in sentences]
        finally:
            self.running -= 1

    async def close(self) -> None:
        return None
