"""What every engine must do, asked of each one there is, with the real starter package."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from translator.ctranslate import CTranslateEngine
from translator.engine import FIRST, SECOND, Engine, EngineFailed, Search
from translator.packages import STARTER as STARTER_FILES
from translator.packages import starter_packages
from translator.punctuation import full_width

STARTER = {(package.source, package.target): package for package in starter_packages()}
ZH_EN, EN_ZH = STARTER["zh", "en"], STARTER["en", "zh"]
QUESTION = "你叫什么名字？"
THANKS = "Thank you so much for the warm welcome."


@pytest.fixture(params=["ctranslate"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    engine: Engine = {"ctranslate": CTranslateEngine}[request.param](threads=2)
    yield engine
    await engine.close()


async def test_a_question_about_a_name_stays_one(engine: Engine) -> None:
    (made,) = await engine.translate(ZH_EN, [QUESTION])
    assert "name" in made.lower()
    assert made.endswith("?")


async def test_thanks_become_chinese(engine: Engine) -> None:
    (made,) = await engine.translate(EN_ZH, [THANKS])
    assert "谢" in made
    assert full_width(made).endswith("。")


async def test_as_many_outputs_as_inputs_in_their_order_and_as_one_by_one(engine: Engine) -> None:
    sentences = [QUESTION, "这个多少钱？", "我养了一只猫，它很可爱。", QUESTION, "你会说英语吗"]
    together = await engine.translate(ZH_EN, sentences)
    apart = [(await engine.translate(ZH_EN, [sentence]))[0] for sentence in sentences]
    assert list(together) == apart
    assert together[0] == together[3]


async def test_nothing_in_nothing_out(engine: Engine) -> None:
    assert list(await engine.translate(ZH_EN, [])) == []


async def test_the_output_is_bounded_whatever_comes_in(engine: Engine) -> None:
    (made,) = await engine.translate(ZH_EN, ["阳性阴性" * 60])
    assert len(made) < 4_000


async def test_the_second_search_repeats_no_three_pieces(engine: Engine) -> None:
    (made,) = await engine.translate(ZH_EN, ["2024年10月1日"], SECOND)
    words = made.split()
    assert all(words[at : at + 3] != words[at + 3 : at + 6] for at in range(len(words)))


async def test_eight_first_calls_at_once_give_eight_equal_answers(engine: Engine) -> None:
    made = await asyncio.gather(*(engine.translate(ZH_EN, [QUESTION]) for _ in range(8)))
    assert len({outputs[0] for outputs in made}) == 1


async def test_the_event_loop_goes_on_while_the_engine_works(engine: Engine) -> None:
    working = asyncio.create_task(engine.translate(ZH_EN, ["我养了一只猫，它很可爱。"] * 64))  # type: ignore[arg-type]
    turns = 0
    while not working.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3
    await working


async def test_a_damaged_package_is_an_answer(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a model")
    damaged = replace(ZH_EN, model=tmp_path)
    with pytest.raises(EngineFailed, match="starter-zh_en"):
        await engine.translate(damaged, [QUESTION])
    no_tokenizer = replace(ZH_EN, tokenizer=tmp_path / "sentencepiece.model")
    with pytest.raises(EngineFailed):
        await engine.translate(no_tokenizer, [QUESTION])


async def test_a_closed_engine_says_so(engine: Engine) -> None:
    await engine.close()
    with pytest.raises(EngineFailed):
        await engine.translate(ZH_EN, [QUESTION])


async def test_the_name_carries_a_version(engine: Engine) -> None:
    name, _, version = engine.name.partition(" ")
    assert name
    assert version[0].isdigit()


def test_the_first_search_is_cheaper_than_the_second() -> None:
    assert FIRST.beam_size < SECOND.beam_size


ARGOS = """
import json, sys
from pathlib import Path
import ctranslate2
from argostranslate import package, settings, translate

class OneSentence:
    def split_sentences(self, text):
        return [text]

found = package.Package(Path(sys.argv[1]))
model = ctranslate2.Translator(str(found.package_path / "model"), device="cpu", compute_type=settings.compute_type)
made = [
    translate.apply_packaged_translation(found, text, model, OneSentence(), num_hypotheses=1)[0].value
    for text in json.loads(sys.argv[2])
]
print(json.dumps([settings.beam_size, made]))
"""


async def test_plain_sentences_read_as_argos_itself_would_put_them(tmp_path: Path) -> None:
    """argostranslate in a process and a home of its own, on the same package, with its own beam."""
    folder = tmp_path / "translate-zh_en-0_1"
    shutil.copytree(STARTER_FILES, folder)
    shutil.copy(folder / "metadata-zh_en.json", folder / "metadata.json")
    sentences = [
        QUESTION,
        "这个多少钱？",
        "我养了一只猫，它很可爱。",
        "你们那边现在几点了？",
        "今天天气真好。",
        "我有3个苹果",
    ]
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ARGOS, str(folder), json.dumps(sentences)],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    beam_size, expected = json.loads(process.stdout.splitlines()[-1])
    engine = CTranslateEngine(threads=1)
    assert list(await engine.translate(ZH_EN, sentences, Search(beam_size=beam_size))) == expected
    await engine.close()
