"""The evaluation command over twenty pairs of our own, with the starter."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from translator import evaluate
from translator.evaluate import CannotEvaluate, Outcome, Pair, read_pairs
from translator.packages import STARTER

PAIRS = """
Hello everyone!	大家好！
What is your name?	你叫什么名字？
My name is Brecken.	我叫布雷肯。
Thank you very much.	非常感谢。
How much is this?	这个多少钱？
I have a cat.	我有一只猫。
The weather is nice today.	今天天气很好。
Where are you from?	你是哪里人？
I am from China.	我来自中国。
See you tomorrow.	明天见。
I like this song.	我喜欢这首歌。
Do you speak English?	你会说英语吗？
The train leaves at 3:30.	火车3:30开。
I bought 2 tickets.	我买了2张票。
She is my friend.	她是我的朋友。
Please speak slowly.	请说慢一点。
I don't understand.	我不明白。
Happy birthday!	生日快乐！
We are eating hot pot.	我们在吃火锅。
Look at https://example.com 😀	看 https://example.com 😀
""".strip()


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text(PAIRS + "\n", "utf-8")
    return path


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DIQIUCUN_CONFIG", raising=False)


@pytest.mark.parametrize(("source", "target", "tokenizer"), [("en", "zh", "tok:zh"), ("zh", "en", "tok:13a")])
def test_the_starter_is_measured(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, target: str, tokenizer: str
) -> None:
    written = tmp_path / "out.json"
    assert evaluate.main([str(pairs), source, target, "--json", str(written), "--threads", "1"]) == 0
    figures = json.loads(written.read_text("utf-8"))
    printed = capsys.readouterr().out
    assert f"{source} to {target}" in printed
    assert f"starter-{source}_{target}" in printed
    assert figures["lines"] == len(figures["outcomes"]) == 20
    assert tokenizer in figures["bleu_signature"]
    assert tokenizer in printed
    assert 10 < figures["bleu"] <= 100
    assert 10 < figures["chrf2"] <= 100
    assert figures["refused"] == sum(figures["refusals"].values()) <= 4
    assert figures["runaway_shown"] == 0
    assert figures["terms"] >= 2
    assert 0.5 <= figures["term_survival"] <= 1
    assert figures["sentences_per_s"] > 0
    assert 0 < figures["latency_ms_p50"] <= figures["latency_ms_p95"]


def test_a_package_elsewhere_is_measured_instead(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "elsewhere" / "translate-en_zh-9_9"
    shutil.copytree(STARTER, folder)
    shutil.copy(folder / "metadata-en_zh.json", folder / "metadata.json")
    (tmp_path / "elsewhere" / "stray").mkdir()
    assert evaluate.main([str(pairs), "en", "zh", "--limit", "3", "--packages", str(folder.parent)]) == 0
    said = capsys.readouterr()
    assert "translate-en_zh-9_9" in said.out
    assert "(starter)" not in said.out
    assert "Left out: stray" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["FILE", "en", "fr"], "One side must be en"),
        (["missing.tsv", "en", "zh"], "cannot be read"),
        (["FILE", "en", "zh", "--packages", "missing"], "cannot be read"),
        (["FILE", "en", "zh", "--packages", "."], "holds no translation package"),
        (["FILE", "en", "zh", "--limit", "1", "--json", "missing/out.json"], "cannot be written"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    pairs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    here = pairs.parent
    placed = [str(pairs) if each == "FILE" else each for each in arguments]
    placed = [
        str(here / each) if each in ("missing", "missing.tsv", "missing/out.json", ".") else each for each in placed
    ]
    assert evaluate.main(placed) == 1
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err


def test_without_sacrebleu_it_says_where_to_get_it(
    pairs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert evaluate.main([str(pairs), "en", "zh"]) == 1
    assert "pip install 'diqiucun[test]'" in capsys.readouterr().err


def test_wrong_usage_is_status_2(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ([str(pairs), "en"], [str(pairs), "not a tag", "zh"], [str(pairs), "en", "zh", "--limit", "0"]):
        with pytest.raises(SystemExit) as left:
            evaluate.main(wrong)
        assert left.value.code == 2


def test_no_package_is_said(pairs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_STARTER", "false")
    assert evaluate.main([str(pairs), "en", "zh"]) == 1
    assert "No installed package translates en into zh" in capsys.readouterr().err


def test_pairs_are_read_in_either_direction_and_script(pairs: Path) -> None:
    assert read_pairs(pairs, "en", "zh")[4] == Pair("How much is this?", "这个多少钱？")
    assert read_pairs(pairs, "zh-Hant", "en", 5)[4:] == [Pair("這個多少錢？", "How much is this?")]
    pairs.write_text("only English\n", "utf-8")
    with pytest.raises(CannotEvaluate, match="line 1"):
        read_pairs(pairs, "en", "zh")
    pairs.write_text("", "utf-8")
    with pytest.raises(CannotEvaluate, match="holds no pairs"):
        read_pairs(pairs, "en", "zh")


def test_an_output_that_goes_on_and_on_is_counted() -> None:
    assert evaluate._ran_away(Outcome("他好", "He is well", "positive positive positive positive positive"))
    assert evaluate._ran_away(Outcome("他好", "He is well", "He is well and so are all of his many friends at home"))
    assert not evaluate._ran_away(Outcome("哈哈哈", "Hahaha", "Hahaha"))
    assert not evaluate._ran_away(Outcome("他好", "He is well", "He is fine"))


def test_percentiles() -> None:
    assert evaluate._percentile([4, 1, 3, 2], 0.5) == 2
    assert evaluate._percentile(list(range(1, 101)), 0.95) == 95
    assert evaluate._percentile([7], 0.95) == 7
    assert evaluate._percentile([], 0.5) == 0
