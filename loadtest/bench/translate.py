"""How many chat lines a second, against the tools people use today: `python -m loadtest.bench.translate`.

Three programs translate the same lines with the same packages on this machine, each in a process of its own: our
pipeline (detection apart; routing, masking, batching, guard), `argostranslate.translate.translate` (in 32 threads and
one after another; the better figure counts), and a LibreTranslate server asked by 32 clients. All lines differ, so
that no cache answers, and each is one sentence, so that nobody's sentence splitter is measured: argostranslate would
download a model for that, and is given one that does nothing. Rounds alternate, medians count: a shared machine
drifts by more than a fifth.

Packages: the starter that comes with Diqiucun, and a base-size one (512 wide, 6 + 6 layers) of random weights built
so that every output has twelve pieces, whatever the beam. What random weights say no guard would believe, so there the
guard is off. Beams are those each program uses: 4 in both (ours 6 when the guard doubts); `identical` says how many
lines read the same with both, and with the same beam. A line that got no translation is no work done: one of ours in
twenty is the most that the guard may refuse, and an empty answer of theirs ends the bench.

No network is needed. LibreTranslate asks for the index of packages, and for sentence models, at each start with fewer
than two packages, and offline waits for it beyond patience. So each package is there both ways, as somebody has it who
chats in two languages; nothing of that server is replaced but the sentence splitter.

A lone message, with nothing beside it: 300 lines of mixed length in each of five rounds, every line told three ways
in turn, in all orders, so that a drift of the machine meets all alike; the ratio is the median over pairs, then over
rounds. *Ours* is the whole way through the pipeline, from the text to the text, guard included, on the loop that the
worker uses. *Direct* is what a program with an event loop would write instead: `translate_batch` in a thread, with
SentencePiece before it and nothing after. *Bare* is `translate_batch` alone on ready pieces, blocking the loop. All
three use one loaded model, the same beam, prefix, penalty and bound, and no cache of sentences. The target is held
against *direct*; the ratio to *bare* stands beside it.

What a lone message paid on the starter (2.8 ms bare, two processors) beyond a bare call was 0.68 ms, a third of it
after the engine's answer. None of that is waiting: the batch starts in the next turn of the loop. It is Python that
has gone cold, because its thread slept for 3 ms: a check that takes 30 us in a row takes 150 us then. So what helps
is to touch less. In us, cold, before and after: guard 116 -> 71 (everyday lines need four looks of twenty, no
conversion of script where nothing is denied), protected spans 46 -> 21, lanes 155 -> 95 (a future for each caller
instead of `shield` and `timeout`). What is left is two changes of thread, tokenizer and detokenizer, 200 us together.

LibreTranslate is not installed by us: `python3 -m venv build/libretranslate && build/libretranslate/bin/pip install
libretranslate`, or name another with --libretranslate. Without it that column is missing, and the table says so.
"""

import argparse
import hashlib
import json
import operator
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
RESULT: Final = Path("build/bench/translate.json")
CONCURRENT: Final = 32
TARGETS: Final = {"starter": (3.0, 3.0), "base": (8.0, 6.0)}
"""Least ratio to argostranslate and to LibreTranslate, by package."""
LONE_RATIO_MAX: Final = 1.15
REFUSED_MAX: Final = 0.05
"""Most that our guard may refuse of the lines. What is refused costs less than what is told, and counts as told."""
PEOPLE: Final = ["我", "你", "他", "她", "我们", "你们", "老师", "妈妈", "朋友", "同学"]
TIMES: Final = ["今天", "明天", "昨天", "现在", "周末", "早上", "晚上", "下午"]
DEEDS: Final = [
    "去公园",
    "喝咖啡",
    "学中文",
    "看电影",
    "买水果",
    "做饭",
    "回家",
    "打电话",
    "写作业",
    "听音乐",
    "吃火锅",
    "跑步",
]
ENDS: Final = ["了。", "吗？", "吧。", "呢？"]

PARTS: Final = """
import asyncio, itertools, json, operator, os, statistics, sys, time
from pathlib import Path
folder, wish = Path(sys.argv[1]), json.loads(sys.argv[2])
lines = wish["lines"]
try:
    from uvloop import run
except ImportError:
    run = asyncio.run
"""

OUR_PARTS: Final = (
    PARTS
    + """
from contextlib import asynccontextmanager
from translator.cache import Cache
from translator.ctranslate import CTranslateEngine, DECODING_LENGTH_MAX
from translator.engine import FIRST, Search
from translator.guard import doubt
from translator.lanes import Lanes
from translator.packages import read_package
from translator.pipeline import Pipeline

@asynccontextmanager
async def opened():
    package, engine = read_package(folder), CTranslateEngine()
    believe = doubt if wish["guard"] else (lambda *_: None)
    async with Lanes(engine, Cache(0), running_max=engine.threads) as lanes:
        pipeline = Pipeline(engine, lanes, (package,), doubt=believe)
        loop = asyncio.get_running_loop()
        async def ours(line):
            return await pipeline.translate(line, "zh", "en", deadline=loop.time() + 600)
        yield package, engine, pipeline, ours
    await engine.close()
"""
)

OURS: Final = (
    OUR_PARTS
    + """
async def main():
    async with opened() as (package, engine, _, ours):
        made = {}
        async def one(line):
            made[line] = getattr(await ours(line), "text", None)
        async def some(queue):
            while queue:
                await one(queue.pop())
        await asyncio.gather(*(one("热身" + line) for line in lines[:32]))
        queue = list(lines)
        started = time.perf_counter()
        await asyncio.gather(*(some(queue) for _ in range(wish["concurrent"])))
        rate = len(lines) / (time.perf_counter() - started)
        result = {"rate": rate, "refused": sum(text is None for text in made.values())}
        same = lines[: wish["same"]]
        result["made"] = list(await engine.translate(package, same)) if same else []
        result["made_beam4"] = list(await engine.translate(package, same, Search(beam_size=4))) if same else []
    print(json.dumps(result))
run(main())
"""
)

LONE: Final = (
    OUR_PARTS
    + """
async def main():
    async with opened() as (package, engine, pipeline, ours):
        for line in lines[0][:16]:
            await ours("热身" + line)
        model, tokenizer = engine._model(package), engine._tokenizer(package)
        prefix = [[package.target_prefix]] if package.target_prefix else None
        def direct(pieces):
            return model.translate_batch([pieces], target_prefix=prefix, beam_size=FIRST.beam_size, length_penalty=0.2,
                replace_unknowns=True, max_decoding_length=min(DECODING_LENGTH_MAX, 2 * len(pieces) + 16))
        rounds = []
        orders = list(itertools.permutations(("bare", "direct", "ours")))
        def paired(combine, mine, its):
            return statistics.median(map(combine, took[mine], took[its]))
        for some in lines:
            took = {"bare": [], "direct": [], "ours": []}
            retried = pipeline.statistics()["sentences_retried"]
            same = refused = 0
            for number, line in enumerate(some):
                pieces = tokenizer.encode(line)
                for who in orders[number % len(orders)]:
                    started = time.perf_counter()
                    if who == "bare":
                        said = direct(pieces)
                    elif who == "direct":
                        await asyncio.to_thread(lambda: direct(tokenizer.encode(line)))
                    else:
                        outcome = await ours(line)
                    took[who].append(time.perf_counter() - started)
                words = tokenizer.decode(said[0].hypotheses[0]).removeprefix(package.target_prefix).strip()
                same += words == getattr(outcome, "text", "")
                refused += getattr(outcome, "text", None) is None
            rounds.append({
                "ratio": paired(operator.truediv, "ours", "direct"),
                "ratio_to_bare": paired(operator.truediv, "ours", "bare"),
                "ours_ms": 1000 * statistics.median(took["ours"]),
                "direct_ms": 1000 * statistics.median(took["direct"]),
                "bare_ms": 1000 * statistics.median(took["bare"]),
                "more_ms": 1000 * paired(operator.sub, "ours", "direct"),
                "messages": len(some), "identical": same, "refused": refused,
                "retried": pipeline.statistics()["sentences_retried"] - retried,
            })
    print(json.dumps(rounds))
run(main())
"""
)

ONE_SENTENCE: Final = """
import argostranslate.translate as argos
class OneSentence:
    def __init__(self, pkg): pass
    def split_sentences(self, text): return [text]
argos.MiniSBDSentencizer = OneSentence
"""

ARGOS: Final = (
    PARTS
    + ONE_SENTENCE
    + """
from concurrent.futures import ThreadPoolExecutor
argos.translate("热身", "zh", "en")
result = {}
half = len(lines) // 2
started = time.perf_counter()
made = [argos.translate(line, "zh", "en") for line in lines[:half]]
result["one_by_one"] = half / (time.perf_counter() - started)
with ThreadPoolExecutor(wish["concurrent"]) as pool:
    started = time.perf_counter()
    made += pool.map(lambda line: argos.translate(line, "zh", "en"), lines[half:])
    result["threads"] = (len(lines) - half) / (time.perf_counter() - started)
if not all(made):
    sys.exit("argostranslate gave empty answers")
result["made"] = [argos.translate(line, "zh", "en") for line in wish["same_lines"]]
print(json.dumps(result))
"""
)

LIBRETRANSLATE: Final = (
    ONE_SENTENCE
    + """
from libretranslate.main import main
main()
"""
)

BASE: Final = """
import json, shutil, sys
from pathlib import Path
import ctranslate2, numpy, sentencepiece
from ctranslate2.specs import transformer_spec

WIDTH, HEADS, LAYERS, INNER, PIECES_OUT = 512, 8, 6, 2048, 12
starter, folder = Path(sys.argv[1]), Path(sys.argv[2])
words = sentencepiece.SentencePieceProcessor(model_file=str(starter / "sentencepiece.model"))
special = ["<unk>", "<s>", "</s>"]
vocabulary = special + [p for p in map(words.id_to_piece, range(words.get_piece_size())) if p not in special]
chance = numpy.random.default_rng(1)
positions = numpy.zeros((512, WIDTH), numpy.float32)
steps = numpy.arange(512)[:, None] / 10000 ** (numpy.arange(0, WIDTH, 2) / WIDTH)
positions[:, 0::2], positions[:, 1::2] = numpy.sin(steps), numpy.cos(steps)

def noise(rows, columns, size): return (chance.standard_normal((rows, columns)) * size).astype(numpy.float32)
def norm(spec): spec.gamma, spec.beta = numpy.ones(WIDTH, numpy.float32), numpy.zeros(WIDTH, numpy.float32)
def linear(spec, rows, columns, size=0.02):
    spec.weight, spec.bias = noise(rows, columns, size), numpy.zeros(rows, numpy.float32)
def attention(spec, shapes):
    norm(spec.layer_norm)
    for part, rows in zip(spec.linear, shapes): linear(part, rows, WIDTH, 0.002 if part is spec.linear[-1] else 0.02)
def layer(spec, crossed):
    attention(spec.self_attention, (3 * WIDTH, WIDTH))
    if crossed: attention(spec.attention, (WIDTH, 2 * WIDTH, WIDTH))
    norm(spec.ffn.layer_norm)
    linear(spec.ffn.linear_0, INNER, WIDTH)
    linear(spec.ffn.linear_1, WIDTH, INNER, 0.002)

spec = transformer_spec.TransformerSpec.from_config((LAYERS, LAYERS), HEADS, pre_norm=True)
tokens = noise(len(vocabulary), WIDTH, 0.001)
for side, table in ((spec.encoder, spec.encoder.embeddings[0]), (spec.decoder, spec.decoder.embeddings)):
    table.weight = tokens
    side.position_encodings.encodings = positions
    norm(side.layer_norm)
for each in spec.encoder.layer: layer(each, False)
for each in spec.decoder.layer: layer(each, True)
out = spec.decoder.projection
linear(out, len(vocabulary), WIDTH, 0.03)
# The end is where the position says so: its row answers to that position, and little to the ones before it.
there = positions[PIECES_OUT]
there = (there - there.mean()) / there.std()
near = positions[PIECES_OUT - 1]
near = (near - near.mean()) / near.std()
end = special.index("</s>")
out.weight[end] = there * 4
out.bias[end] = -2 * (there @ there + there @ near)
for name in ("<unk>", "<s>"): out.bias[special.index(name)] = -1e4
spec.register_source_vocabulary(vocabulary)
spec.register_target_vocabulary(vocabulary)
spec.validate()
spec.optimize(quantization="int8")
folder.mkdir(parents=True, exist_ok=True)
(folder / "model").mkdir(exist_ok=True)
spec.save(str(folder / "model"))
shutil.copy(starter / "sentencepiece.model", folder)
names = {"zh": "Chinese", "en": "English"}
for one, other in (("zh", "en"), ("en", "zh")):
    (folder / f"metadata-{one}_{other}.json").write_text(json.dumps({"package_version": "1.0", "argos_version": "1.9.0",
        "from_code": one, "from_name": names[one], "to_code": other, "to_name": names[other]}))
model = ctranslate2.Translator(str(folder / "model"), device="cpu")
lines = [list("▁abc"), ["▁", "de", "f"]]
lengths = [len(made.hypotheses[0]) for beam in (2, 4) for made in model.translate_batch(lines, beam_size=beam)]
print(json.dumps({"lengths": lengths, "vocabulary": len(vocabulary)}))
"""


def lines_of(count: int, first: int) -> list[str]:
    """Different lines of everyday chat, each one sentence. Raises ValueError when there are not so many: a line that
    comes twice may be answered once."""
    every = [f"{who}{when}{what}{end}" for what in DEEDS for end in ENDS for when in TIMES for who in PEOPLE]
    if count > len(every):
        raise ValueError(f"{count:,} lines wanted, {len(every):,} are there")
    return [f"{every[(7 * number) % len(every)][:-1]}{ENDS[number % 4][-1]}" for number in range(first, first + count)]


def lone_lines(count: int, first: int) -> list[str]:
    """Different lines of mixed everyday length, one sentence each: a third of 5 to 7 characters, a third of 7 to 9, a
    third of 17 to 21."""
    lines = []
    for number in range(first, first + count):
        who, other = PEOPLE[number % 10], PEOPLE[(number // 3 + 1) % 10]
        when, end = TIMES[number // 10 % 8], ENDS[number // 5 % 4]
        what, then = DEEDS[number // 7 % 12], DEEDS[(number // 7 + number % 11 + 1) % 12]
        made = (f"{who}{what}", f"{who}{when}{what}", f"{who}{when}先{what}，然后和{other}一起{then}")[number % 3]
        lines.append(made + end)
    return lines


def run(script: str, *arguments: str, python: str = sys.executable, environment: dict[str, str] | None = None) -> Any:
    """What `script` prints last, as JSON."""
    ended = subprocess.run(
        [python, "-W", "ignore", "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"a program of the bench failed:\n{ended.stderr[-2_000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def packages(home: Path) -> dict[str, Path]:
    """The two packages, Chinese to English, each in a directory that has English to Chinese beside it and nothing else,
    as Argos wants them. Made anew where they were made of something else."""
    starter = ROOT / "translator" / "starter"
    tokens = starter / "sentencepiece.model"
    made_of = {
        "starter": [file for file in sorted(starter.rglob("*")) if file.is_file()],
        "base": [tokens],
    }
    found = {}
    for name, files in made_of.items():
        stamp, folder = home / f"{name}.sha256", home / name / "translate-zh_en-1_0"
        digest = hashlib.sha256(BASE.encode() + b"".join(file.read_bytes() for file in files)).hexdigest()
        found[name] = folder
        if stamp.exists() and stamp.read_text() == digest:
            continue
        shutil.rmtree(home / name, ignore_errors=True)
        if name == "starter":
            shutil.copytree(starter, folder)
        else:
            lengths = run(BASE, str(starter), str(folder))["lengths"]
            if set(lengths) - {11, 12, 13}:
                raise SystemExit(f"the random package writes outputs of {lengths} pieces, not 12")
        back = folder.with_name("translate-en_zh-1_0")
        shutil.copytree(folder, back)
        shutil.copy(folder / "metadata-zh_en.json", folder / "metadata.json")
        shutil.copy(back / "metadata-en_zh.json", back / "metadata.json")
        stamp.write_text(digest)
    return found


def argos_home(folder: Path) -> dict[str, str]:
    home = folder.parent.parent / f"home-{folder.parent.name}"
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "ARGOS_PACKAGES_DIR": str(folder.parent), "XDG_DATA_HOME": str(home / "data")}


class LibreTranslate:
    """A server of its own process; `rate` asks it from 32 threads."""

    def __init__(self, python: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._log = (folder.parent.parent / "libretranslate.log").open("wb")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-c", LIBRETRANSLATE, "--host", "127.0.0.1", "--port", str(self._port),
             "--load-only", "zh,en", "--disable-web-ui", "--disable-files-translation"],
            env={**os.environ, **argos_home(folder)}, stdout=self._log, stderr=self._log, cwd=folder.parent.parent,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while True:
            try:
                self.translate("热身")
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise SystemExit("the LibreTranslate server does not answer; see build/bench") from error
                time.sleep(0.5)

    def translate(self, line: str) -> str:
        wish = json.dumps({"q": line, "source": "zh", "target": "en", "format": "text"}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/translate", wish, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return str(json.loads(answer.read())["translatedText"])

    def rate(self, lines: Sequence[str]) -> float:
        with ThreadPoolExecutor(CONCURRENT) as pool:
            started = time.perf_counter()
            answers = list(pool.map(self.translate, lines))
            rate = len(lines) / (time.perf_counter() - started)
        if not all(answers):
            raise SystemExit("the LibreTranslate server gave empty answers")
        return rate

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def measure(name: str, folder: Path, rounds: int, seconds: float, libretranslate: str | None) -> dict[str, Any]:
    """One package, all programs, alternating."""
    same = 24 if name == "starter" else 0
    ours_rate, argos_rate = (400.0, 60.0) if name == "starter" else (60.0, 8.0)
    found: dict[str, list[float]] = {"ours": [], "argos": [], "argos_threads": [], "libretranslate": []}
    compared = Counter[str]()
    asked = refused = 0
    server = LibreTranslate(libretranslate, folder) if libretranslate else None
    try:
        for number in range(rounds):
            many = lines_of(max(CONCURRENT, int(ours_rate * seconds)), 17 * number)
            few = lines_of(max(2 * CONCURRENT, int(argos_rate * seconds)), 17 * number)
            wish = {"lines": many, "concurrent": CONCURRENT, "guard": name == "starter", "same": same}
            ours = run(OURS, str(folder), json.dumps(wish))
            theirs = run(
                ARGOS,
                str(folder),
                json.dumps({"lines": few, "concurrent": CONCURRENT, "same_lines": many[:same]}),
                environment=argos_home(folder),
            )
            found["ours"].append(ours["rate"])
            asked, refused = asked + len(many), refused + ours["refused"]
            found["argos"].append(theirs["one_by_one"])
            found["argos_threads"].append(theirs["threads"])
            if server is not None:
                found["libretranslate"].append(server.rate(few))
            if same:
                compared["identical"] += sum(map(operator.eq, ours["made"], theirs["made"]))
                compared["identical_same_beam"] += sum(map(operator.eq, ours["made_beam4"], theirs["made"]))
                compared["compared"] += same
    finally:
        if server is not None:
            server.stop()
    rates = {who: statistics.median(values) for who, values in found.items() if values}
    best = max(rates["argos"], rates["argos_threads"])
    return {
        **compared,
        "lines_per_s": rates,
        "rounds": found,
        "asked": asked,
        "refused": refused,
        "ratio_to_argos": rates["ours"] / best,
        "ratio_to_libretranslate": rates["ours"] / rates["libretranslate"] if "libretranslate" in rates else None,
    }


def measure_lone(name: str, folder: Path, rounds: int, messages: int) -> dict[str, Any]:
    """One message at a time, ours and a direct call in turn."""
    lines = [lone_lines(messages, messages * number) for number in range(rounds)]
    found = run(LONE, str(folder), json.dumps({"lines": lines, "guard": name == "starter"}))
    figures = ("ratio", "ratio_to_bare", "ours_ms", "direct_ms", "bare_ms", "more_ms")
    return {name: statistics.median(each[name] for each in found) for name in figures} | {"rounds": found}


def told(results: dict[str, dict[str, Any]]) -> tuple[str, bool]:
    """The tables, and whether every target was met."""
    met = True
    rows = []
    if any("rates" in result for result in results.values()):
        rows.append("package   lines/s ours  Argos  Libre   x Argos (>=)  x Libre (>=)")
    for name, result in results.items():
        if "rates" not in result:
            continue
        each = result["rates"]
        rates, (argos_min, libre_min) = each["lines_per_s"], TARGETS[name]
        libre = each["ratio_to_libretranslate"]
        met &= each["ratio_to_argos"] >= argos_min and (libre is None or libre >= libre_min)
        met &= each["refused"] <= REFUSED_MAX * each["asked"]
        rows.append(
            f"{name:<9} {rates['ours']:12.1f} {max(rates['argos'], rates['argos_threads']):6.1f}"
            f" {rates.get('libretranslate', float('nan')):6.1f}   {each['ratio_to_argos']:6.1f} ({argos_min:.0f})"
            f"   {'not run' if libre is None else f'{libre:6.1f} ({libre_min:.0f})':>11}"
        )
        if "compared" in each:
            met &= each["identical_same_beam"] == each["compared"]
            rows.append(
                f"          identical to Argos: {each['identical']} of {each['compared']} with our own beam,"
                f" {each['identical_same_beam']} with Argos's of 4; refused by the guard: {each['refused']} of"
                f" {each['asked']}"
            )
    if any("lone" in result for result in results.values()):
        rows.append(
            f"package   lone: ratio (<= {LONE_RATIO_MAX})   of rounds   ours ms   direct ms   more ms   to a bare call"
        )
    for name, result in results.items():
        if "lone" in result:
            each = result["lone"]
            met &= each["ratio"] <= LONE_RATIO_MAX
            met &= all(found["refused"] <= REFUSED_MAX * found["messages"] for found in each["rounds"])
            spread = [found["ratio"] for found in each["rounds"]]
            rows.append(
                f"{name:<9} {each['ratio']:16.3f}   {min(spread):7.3f}-{max(spread):.3f}   {each['ours_ms']:7.2f}"
                f" {each['direct_ms']:11.2f} {each['more_ms']:9.2f} {each['ratio_to_bare']:16.3f}"
            )
    return "\n".join(rows), met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("all", "rates", "lone"), default="all", help="what to measure")
    parser.add_argument("--rounds", type=int, default=3, help="of rates")
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each program works in a round")
    parser.add_argument("--lone-rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=300, help="lone ones in a round (a fifth of it on base)")
    parser.add_argument("--packages", default="starter,base")
    parser.add_argument("--libretranslate", default="build/libretranslate/bin/python", help="a Python that has it")
    options = parser.parse_args()
    home = ROOT / RESULT.parent / "translate"
    home.mkdir(parents=True, exist_ok=True)
    python = options.libretranslate if Path(options.libretranslate).exists() else None
    if python is None and options.part != "lone":
        print(f"no LibreTranslate at {options.libretranslate}: that column is not run")
    found = packages(home)
    results: dict[str, dict[str, Any]] = {name: {} for name in options.packages.split(",")}
    for name, result in results.items():
        if options.part != "lone":
            there = python and str(Path(python).absolute())
            result["rates"] = measure(name, found[name], options.rounds, options.seconds, there)
        if options.part != "rates":
            messages = options.messages if name == "starter" else max(1, options.messages // 5)
            result["lone"] = measure_lone(name, found[name], options.lone_rounds, messages)
    table, met = told(results)
    print(table)
    (ROOT / RESULT).write_text(
        json.dumps({"met": met, "part": options.part, "processors": os.cpu_count(), "packages": results}, indent=1)
    )
    print(f"{'all targets met' if met else 'NOT ALL TARGETS MET'}; {RESULT}")
    return 0 if met else 1


if __name__ == "__main__":
    assert threading.current_thread() is threading.main_thread()
    sys.exit(main())
