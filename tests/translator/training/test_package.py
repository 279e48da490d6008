"""Vocabulary, model files, packages and their words, without PyTorch: what numbers they hold does not matter here."""

import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from translator.ctranslate import CTranslateEngine
from translator.packages import PackageStore
from translator.training.card import Facts, Row, card, notice, table
from translator.training.corpus import Kind, Pair, Source
from translator.training.export import DIRECTIONS, write_model, write_package
from translator.training.templates import expansions, read_slots, read_templates
from translator.training.vocabulary import Vocabulary, train

np = pytest.importorskip("numpy")

WIDTH, INNER, HEADS = 16, 32, 2

OFFLINE = """
import pathlib, socket, sys
def no(*_, **__): raise OSError("offline")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = no
import argostranslate.package, argostranslate.translate
for path in sys.argv[1:]: argostranslate.package.install_from_path(pathlib.Path(path))
print(repr(argostranslate.translate.translate("你好！你叫什么名字？", "zh", "en")))
print(repr(argostranslate.translate.translate("Hello! What is your name?", "en", "zh")))
"""
"""argostranslate itself, in a home of its own, with the network cut."""


def argostranslate_offline(archives: list[Path], home: Path) -> list[str]:
    """What argostranslate makes of two greetings with these packages."""
    places = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OFFLINE, *map(str, archives)],
        env={name: str(home) for name in places} | {"PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    pairs = list(expansions(read_templates(), read_slots(), random.Random(1), 2))
    return train(pairs, 2_500)


@pytest.fixture(scope="module")
def arrays(vocabulary: Vocabulary) -> dict[str, Any]:
    """A random model of one encoder and one decoder layer, by the names of `model.Model`."""
    rng = np.random.default_rng(1)
    made: dict[str, Any] = {}

    def linear(name: str, rows: int, columns: int) -> None:
        made[f"{name}.weight"] = rng.standard_normal((rows, columns)).astype(np.float32)
        made[f"{name}.bias"] = np.zeros(rows, np.float32)

    def norm(name: str) -> None:
        made[f"{name}.weight"], made[f"{name}.bias"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    made["embedding.weight"] = rng.standard_normal((len(vocabulary), WIDTH)).astype(np.float32)
    made["bias"] = np.zeros(len(vocabulary), np.float32)
    for part in ("encoder", "decoder"):
        for block in ("attention", "feed", *(["crossing"] if part == "decoder" else [])):
            norm(f"{part}.0.{block}.norm")
        linear(f"{part}.0.attention.inputs", 3 * WIDTH, WIDTH)
        linear(f"{part}.0.attention.output", WIDTH, WIDTH)
        linear(f"{part}.0.feed.widen", INNER, WIDTH)
        linear(f"{part}.0.feed.narrow", WIDTH, INNER)
        norm(f"{part}_norm")
    linear("decoder.0.crossing.queries", WIDTH, WIDTH)
    linear("decoder.0.crossing.memories", 2 * WIDTH, WIDTH)
    linear("decoder.0.crossing.output", WIDTH, WIDTH)
    return made


@pytest.fixture
def archives(vocabulary: Vocabulary, arrays: dict[str, Any], tmp_path: Path) -> list[Path]:
    write_model(tmp_path / "model", arrays, vocabulary, heads=HEADS)
    texts = {"README.md": "A card.", "NOTICE": "Sources."}
    return [
        write_package(
            tmp_path, tmp_path / "model", vocabulary.model, texts, source=source, target=target, version="1.2"
        )
        for source, target in DIRECTIONS
    ]


def test_chinese_marks_keep_their_width_and_letters_lose_theirs(vocabulary: Vocabulary):
    text = "你好，Emily！是吗？（真的）……好。"
    (numbers,) = vocabulary.encode([text])
    assert vocabulary.decode(numbers) == text
    (numbers,) = vocabulary.encode(["ＡＢＣ１２\u3000好"])
    assert vocabulary.decode(numbers) == "ABC12 好"


def test_whatever_is_written_can_be_written_again(vocabulary: Vocabulary):
    for text in ("𰻝𰻝面", "🧑‍🚀🦖", "Žluťoučký kůň", "한국어", "@brecken_88"):
        (numbers,) = vocabulary.encode([text])
        assert vocabulary.decode(numbers) == text


def test_a_tag_cannot_be_typed(vocabulary: Vocabulary):
    (numbers,) = vocabulary.encode(["<2en> say <2zh> </s>"])
    assert not set(numbers) & {*vocabulary.tags.values(), vocabulary.end, vocabulary.pad, vocabulary.start}


def test_common_emoji_are_one_piece(vocabulary: Vocabulary):
    (numbers,) = vocabulary.encode(["😂"])
    assert len(numbers) <= 2


def test_a_vocabulary_without_tags_is_none_of_ours():
    import io

    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c"] * 50), model_writer=written, vocab_size=20, hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    with pytest.raises(ValueError, match="none of ours"):
        Vocabulary(written.getvalue())


def test_a_package_is_what_argos_packages_are(archives: list[Path]):
    assert [path.name for path in archives] == ["translate-zh_en-1_2.argosmodel", "translate-en_zh-1_2.argosmodel"]
    with zipfile.ZipFile(archives[0]) as opened:
        top = "translate-zh_en-1_2/"
        names = {name.removeprefix(top) for name in opened.namelist()}
        assert names >= {
            "metadata.json", "sentencepiece.model", "model/model.bin", "model/config.json", "minisbd/zh-hans.onnx",
            "README.md", "NOTICE",
        }  # fmt: skip
        metadata = json.loads(opened.read(f"{top}metadata.json"))
    assert metadata["target_prefix"] == "<2en>"
    assert (metadata["from_code"], metadata["to_code"], metadata["package_version"]) == ("zh", "en", "1.2")


def test_both_directions_hold_the_same_model(archives: list[Path]):
    models = []
    for path in archives:
        with zipfile.ZipFile(path) as opened:
            models.append(opened.read(f"{path.stem}/model/model.bin"))
    assert models[0] == models[1]


def test_the_same_weights_give_the_same_bytes(
    archives: list[Path], vocabulary: Vocabulary, arrays: dict[str, Any], tmp_path: Path
):
    again = tmp_path / "again"
    again.mkdir()
    write_model(again / "model", arrays, vocabulary, heads=HEADS)
    texts = {"README.md": "A card.", "NOTICE": "Sources."}
    path = write_package(again, again / "model", vocabulary.model, texts, source="zh", target="en", version="1.2")
    assert path.read_bytes() == archives[0].read_bytes()


def test_exporting_leaves_the_weights_as_they_are(vocabulary: Vocabulary, arrays: dict[str, Any], tmp_path: Path):
    """It did not: quantizing scales in place, and every look at a held-out score ruined the average being looked at."""
    before = {name: array.copy() for name, array in arrays.items()}
    write_model(tmp_path / "model", arrays, vocabulary, heads=HEADS)
    assert all(np.array_equal(before[name], arrays[name]) for name in before)


async def test_a_room_installs_a_package_and_translates_with_it(archives: list[Path], tmp_path: Path):
    store = PackageStore(tmp_path / "data", starter=False)
    packages = [store.install(path) for path in archives]
    assert [(each.source, each.target) for each in packages] == [("zh", "en"), ("en", "zh")]
    engine = CTranslateEngine(threads=1)
    try:
        for package in packages:
            (made,) = await engine.translate(package, ["你好 hello"])
            assert isinstance(made, str)
            assert "<2" not in made
    finally:
        await engine.close()


@pytest.mark.slow
def test_argostranslate_itself_translates_with_the_packages_offline(archives: list[Path], tmp_path: Path):
    made = argostranslate_offline(archives, tmp_path / "home")
    assert len(made) == 2
    assert not any("<2" in line for line in made)


FACTS = Facts(
    version="1.2", parameters=8_900_000, encoders=6, decoders=2, width=256, pieces=8_000, updates=20_000,
    spent_s=9_000, device="2 processor thread(s)", seed=7, templates=1_055, begun_with="",
)  # fmt: skip
SOURCES = (
    Source("talk", Kind.CONVERSATION, "CC BY 2.0", "Somebody", Path()),
    Source("unused", Kind.OTHER, "MIT", "Nobody", Path()),
)
MIX = [Pair("Hi!", "你好！", Kind.CONVERSATION, "talk")] * 3 + [Pair("Bye!", "再见！", Kind.TEMPLATE, "greetings")]


def test_every_source_that_was_used_is_named_with_its_licence_and_no_other():
    words = notice(SOURCES, MIX)
    assert "talk: Somebody. Licence: CC BY 2.0. 3 pairs" in words
    assert "Nobody" not in words
    assert "weights" not in words
    assert "weights old.pt" in notice(SOURCES, MIX, "old.pt")


def test_the_card_says_what_was_trained_how_and_with_what_result():
    words = card(FACTS, MIX, [Row("tatoeba-test", "zh to en", 1_000, 29.61, 47.6, 6, 698)])
    assert "8.9 million parameters" in words
    assert "20,000 updates in 2.5 hours on 2 processor thread(s), seed 7." in words
    assert "template 25 %, conversation 75 %" in words
    assert "| tatoeba-test | zh to en | 1,000 | 29.6 | 47.6 | 0.6 % | 698 |" in words


def test_without_evaluation_sets_the_card_says_so():
    assert "Not evaluated" in table([])


def test_without_pytorch_the_recipe_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    from translator.training.__main__ import main

    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["--tiny"]) == 1
    assert "diqiucun[train]" in capsys.readouterr().err
