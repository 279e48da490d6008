"""What every engine must do, asked of each one there is, with the real starter package."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from translator.ctranslate import NICENESS, CTranslateEngine
from translator.engine import FIRST, SECOND, Engine, EngineFailed, Search
from translator.libretranslate import Engines, LibreTranslateEngine
from translator.packages import STARTER as STARTER_FILES
from translator.packages import starter_packages
from translator.punctuation import full_width

STARTER = {(package.source, package.target): package for package in starter_packages()}
ZH_EN, EN_ZH = STARTER["zh", "en"], STARTER["en", "zh"]
QUESTION = "你叫什么名字？"
THANKS = "Thank you so much for the warm welcome."


class _Server(BaseHTTPRequestHandler):
    """LibreTranslate's interface in front of the starter, as its documentation describes it."""

    models = CTranslateEngine(threads=1)
    trouble = ""
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        languages = [
            {"code": "zh-Hans", "name": "", "targets": ["en"]},
            {"code": "en", "name": "", "targets": ["zh-Hans"]},
        ]
        self._answer(200, languages if self.path == "/languages" else {"error": "no such page"})

    def do_POST(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(wish)
        match self.trouble:
            case "busy":
                self._answer(429, {"error": "Slowdown"})
            case "short":
                self._answer(200, {"translatedText": []})
            case "nonsense":
                self._answer(200, "<html>")
            case _:
                package = ZH_EN if wish["source"].startswith("zh") else EN_ZH
                made = self.models._translate(package, wish["q"], FIRST)
                self._answer(200, {"translatedText": made})

    def _answer(self, status: int, body: Any) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    _Server.trouble = ""
    _Server.asked.clear()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture(params=["ctranslate", "libretranslate"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    if request.param == "ctranslate":
        made: Engine = CTranslateEngine(threads=2)
    else:
        made = LibreTranslateEngine(request.getfixturevalue("server"))
    yield made
    await made.close()


async def test_a_server_lists_its_pairs_as_packages_behind_those_of_this_machine(server: str) -> None:
    engine = LibreTranslateEngine(server, "secret")
    packages = await engine.packages()
    assert [(each.source, each.target, each.server) for each in packages] == [
        ("en", "zh", "libretranslate"),
        ("zh", "en", "libretranslate"),
    ]
    (made,) = await engine.translate(packages[1], [QUESTION])
    assert "name" in made.lower()
    assert _Server.asked == [
        {"q": [QUESTION], "source": "zh-Hans", "target": "en", "format": "text", "api_key": "secret"}
    ]
    await engine.close()


@pytest.mark.parametrize("trouble", ["busy", "short", "nonsense", "gone"])
async def test_a_server_in_trouble_is_an_engine_that_failed(server: str, trouble: str) -> None:
    _Server.trouble = trouble
    engine = LibreTranslateEngine("http://127.0.0.1:9" if trouble == "gone" else server, answer_within_s=5)
    with pytest.raises(EngineFailed) as failed:
        await engine.translate(ZH_EN, [QUESTION])
    assert QUESTION not in str(failed.value)
    await engine.close()


async def test_two_engines_make_one(server: str) -> None:
    remote, local = LibreTranslateEngine(server), CTranslateEngine(threads=1)
    both = Engines(local, remote)
    (package,) = [each for each in await remote.packages() if each.source == "zh"]
    assert list(await both.translate(ZH_EN, [QUESTION])) == list(await both.translate(package, [QUESTION]))
    assert len(_Server.asked) == 1
    assert both.name == local.name
    await both.close()


async def test_a_short_line_among_long_ones_is_bounded_by_its_own_length() -> None:
    engine = CTranslateEngine(threads=1)
    short, long = await engine.translate(ZH_EN, ["阳性阴性阳性阴性", "今天天气很好，" * 20])
    alone = (await engine.translate(ZH_EN, ["阳性阴性阳性阴性"]))[0]
    assert short == alone
    assert len(long) < 4_000
    await engine.close()


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="no priorities of threads here")
async def test_threads_of_the_engine_give_way_to_the_event_loop() -> None:
    engine = CTranslateEngine(threads=1)
    before = _threads()
    await engine.translate(ZH_EN, [QUESTION])
    assert os.getpriority(os.PRIO_PROCESS, 0) < NICENESS
    nice = [os.getpriority(os.PRIO_PROCESS, number) for number in _threads() - before]
    assert not before or (len(nice) >= 2 and min(nice) >= NICENESS), nice
    await engine.close()


def _threads() -> set[int]:
    listed = Path("/proc/self/task")
    return {int(each.name) for each in listed.iterdir()} if listed.is_dir() else set()


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
    working = asyncio.create_task(engine.translate(ZH_EN, ["我养了一只猫，它很可爱。"] * 64))  # type: ignore[arg-type]  # an awaitable that is a coroutine
    turns = 0
    while not working.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 3
    await working


async def test_a_damaged_package_is_an_answer(tmp_path: Path) -> None:
    engine = CTranslateEngine(threads=1)
    (tmp_path / "model.bin").write_bytes(b"not a model")
    damaged = replace(ZH_EN, model=tmp_path)
    with pytest.raises(EngineFailed, match="starter-zh_en"):
        await engine.translate(damaged, [QUESTION])
    no_tokenizer = replace(ZH_EN, tokenizer=tmp_path / "sentencepiece.model")
    with pytest.raises(EngineFailed):
        await engine.translate(no_tokenizer, [QUESTION])
    await engine.close()


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
