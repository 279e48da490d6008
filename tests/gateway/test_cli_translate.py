"""`diqiucun translate`: the pipeline of a room on the command line, and words for whatever it cannot do."""

import io
import json
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.models import read_wishes

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run_it(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        try:
            main(["translate", *arguments])
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return run_it


def test_a_text_is_translated_and_said_to_be_a_starter_translation(run: Any) -> None:
    assert run("--to", "en", "你好！") == (0, "Hello!\n", "starter translation\n")


def test_several_texts_and_the_lines_of_a_file_come_out_in_order_one_line_each(run: Any) -> None:
    status, out, err = run("--to", "en", stdin="谢谢\n\n666\nGood morning\n晚安\n".encode() + b"\xff\n")
    assert status == 0
    assert out.splitlines()[:5] == ["Thank you", "", "666", "Good morning", "Good night"]
    assert [line.partition(": ")[2] for line in err.splitlines()][:5] == [
        "starter translation",
        "as it is: nothing in it to translate",
        "as it is: nothing in it to translate",
        "as it is: it is in en already",
        "starter translation",
    ]


def test_masks_are_those_of_a_room(run: Any) -> None:
    """The bare model knows nothing of links: that this one survives is the pipeline's work."""
    status, out, _ = run("--to", "en", "谢谢！ https://example.org/a_b?c=d 🎉")
    assert status == 0
    assert "https://example.org/a_b?c=d" in out
    assert out.startswith("Thank you!")


def test_what_the_guard_refuses_is_refused_here_with_its_reason(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from translator import guard
    from translator.pipeline import Pipeline

    monkeypatch.setitem(Pipeline.__init__.__kwdefaults__, "doubt", lambda *_: guard.Doubt.REPETITION)
    status, out, err = run("--to", "en", "这是一句没有人背过的话")
    assert (status, out) == (1, "\n")
    assert err == "not translated: doubtful, so it is not shown (repetition)\n"


def test_a_missing_package_is_named_with_the_command_that_adds_it(run: Any) -> None:
    status, out, err = run("--to", "fr", "你好")
    assert (status, out) == (1, "\n")
    assert err == "not translated: no package here goes from zh to fr; add one: diqiucun models install zh fr\n"
    assert read_wishes(err.split("install ")[1].split()) == [("zh", "fr")]


def test_a_named_source_is_believed(run: Any) -> None:
    assert run("--from", "fr", "--to", "zh", "Bonjour")[0] == 1
    assert "from fr to zh" in run("--from", "fr", "--to", "zh", "Bonjour")[2]


def test_json_says_everything_in_one_object_a_text(run: Any) -> None:
    status, out, err = run("--to", "zh", "--json", "Good night", "你好")
    first, second = map(json.loads, out.splitlines())
    assert (status, err) == (0, "")
    assert (first["text"], first["from"], first["to"], first["starter"]) == ("晚安", "en", "zh", True)
    assert first["package"].startswith("starter-en_zh")
    assert (second["text"], second["starter"], second["reason"]) == ("你好", False, "nothing_to_translate")


@pytest.mark.parametrize("arguments", [("你好",), ("--to", "no language", "你好"), ("--to",)])
def test_wrong_usage_ends_with_words(run: Any, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert status in (1, 2)
    assert out == ""
    assert err


def test_pairs_are_read_as_pages_and_people_write_them() -> None:
    """The page says `diqiucun models install zh en`: that once was no pair."""
    assert read_wishes(["zh", "en"]) == read_wishes(["zh-en"]) == [("zh", "en")]
    assert read_wishes(["zh-Hant", "en", "en-zh", "a/b.argosmodel"]) == [
        ("zh-Hant", "en"),
        ("en", "zh"),
        "a/b.argosmodel",
    ]
    assert read_wishes(["zh_TW", "en"]) == [("zh-Hant", "en")]
