"""No task without a parent, no error swallowed, nothing of the machine it was written on."""

import ast
import re

import pytest

from tests.house.sources import ROOT, modules, tracked

TASKS_OF_THEIR_OWN = {
    "chat.client.line": "the line is the parent: it ends its tasks in `close` and hands their faults to the caller",
    "loadtest.bench.idle": "one process for one question: the watcher is waited for and cancelled before the answer",
}
BROAD_EXCEPTS = {
    "gateway.connection": (
        2,
        "the two tops of a connection, what it sent and its seat that came: a fault ends it only, and is logged with "
        "its id",
    ),
    "gateway.http": (1, "the top of a request: the same"),
    "gateway.protocol": (1, "the end of an ASGI call, as in uvicorn: logged, and answered with HTTP 500 or a close"),
    "gateway.app": (2, "a start that fails, and a task that dies: both end the process, with words"),
    "gateway.supervisor": (1, "the look at the engine is told on the terminal and tried again"),
    "translator.worker": (2, "the top of the worker's loop: the job stays and is tried again, and at last is answered"),
    "translator.lanes": (
        1,
        "one poisonous sentence condemns no batch; who waits for it gets the exception",
    ),
    "chat.client.line": (1, "not Exception but everything: a fault of the runner is raised in the caller's next call"),
    "chat.adapters.connect": (1, "carried around a TaskGroup, which would wrap it, and raised again"),
}
"""Where everything may be caught, how often, and why. Handlers that end in a bare `raise` are clean-up and free."""

MACHINE = re.compile(
    r"(?<![\w.~-])/(?:work|root|Users)/\w"
    r"|(?<![\w.~:-])/home/(?!diqiucun|user|you|app|chat)\w"
    r"|\.internal\b(?!-)|artifactory|nexus\.|pypi\.(?!org)[\w-]+\.|index-url|extra-index"
)
"""Paths and package hosts of the machine that somebody wrote this on."""
MACHINE_FREE = {"tests/house/test_no_stray.py": "holds the pattern itself"}
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bghp_\w{20}|\bAKIA[0-9A-Z]{16}\b")


@pytest.mark.parametrize("name", list(modules()))
def test_every_task_has_a_parent(name: str):
    """`asyncio.create_task` keeps no reference and tells nobody of a failure; a TaskGroup does both."""
    strays = [
        node.lineno
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("asyncio.") in STRAY_CALLS
    ]
    assert not strays or name in TASKS_OF_THEIR_OWN, f"{name} starts tasks without a TaskGroup in lines {strays}"


STRAY_CALLS = {"create_task", "ensure_future", "get_running_loop().create_task", "loop.create_task"}


@pytest.mark.parametrize("name", list(modules()))
def test_everything_is_caught_only_where_somebody_answers_for_it(name: str):
    broad = [
        node.lineno
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & _names(node.type))
        and not _raises_again(node)
    ]
    allowed, _ = BROAD_EXCEPTS.get(name, (0, ""))
    assert len(broad) <= allowed, f"{name} catches everything in lines {broad}"


@pytest.mark.parametrize("name", list(modules()))
def test_a_cancellation_is_never_swallowed(name: str):
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = _names(node.type)
            if "CancelledError" in caught:
                assert any(isinstance(inner, ast.Raise) for inner in ast.walk(node)), f"{name}:{node.lineno}"


def test_the_lists_above_hold_nothing_that_is_gone():
    assert set(TASKS_OF_THEIR_OWN) | set(BROAD_EXCEPTS) <= set(modules())
    assert all((ROOT / name).is_file() for name in MACHINE_FREE)


@pytest.mark.parametrize("name", list(modules()))
def test_gather_is_for_questions_only(name: str):
    """What `gather` started runs on when one of them fails: fine for reads, never for what has an effect."""
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("asyncio.") == "gather":
            effects = re.findall(r"\.(append|create|put|spend|report)\(", ast.unparse(node))
            assert not effects, f"{name}:{node.lineno} gathers {effects}"


def test_nothing_tells_on_which_machine_it_was_written():
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name in MACHINE_FREE or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line) or SECRET.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [name for name, module in modules().items() if module.body])
def test_a_file_says_what_it_is(name: str):
    assert ast.get_docstring(modules()[name]), f"{name} has no docstring at its head"


def _names(caught: ast.expr) -> set[str]:
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return {ast.unparse(part).removeprefix("asyncio.") for part in parts}


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
