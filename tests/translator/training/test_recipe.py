"""The recipe from end to end, and the parts with a tensor in them. Needs PyTorch, which is an extra."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.translator.training.test_package import argostranslate_offline

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

ROOT = Path(__file__).parents[3]


def train(out: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "translator.training", "--tiny", "--threads", "1", "--out", str(out), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def talk(folder: Path, lines: int = 120) -> Path:
    """A folder of pairs: the recipe must not need the real one."""
    folder.mkdir()
    rows = "| file | pairs | licence | source | register |\n|---|---|---|---|---|\n| talk | 1 | CC0 | us | everyday |\n"
    (folder / "README.md").write_text(rows, "utf-8")
    numbered = (f"This is sentence number {number}.\t这是第{number}句话。\n" for number in range(lines))
    (folder / "talk.tsv").write_text("".join(numbered), "utf-8")
    return folder


def test_from_pairs_to_packages_that_argostranslate_translates_with_offline(tmp_path: Path):
    data, sets = talk(tmp_path / "data"), tmp_path / "sets"
    sets.mkdir()
    (sets / "small.tsv").write_text("Good morning!\t早上好！\nThis is sentence number 7.\t第七句\n", "utf-8")
    started = time.monotonic()
    told = train(tmp_path / "out", "--data", str(data), "--held-out", str(sets), "--updates", "30", "--look-s", "0.5")
    assert time.monotonic() - started < 180
    assert "tokens/s" in told
    assert "chrF2" in told
    assert "| small | zh to en | 2 |" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "talk: us. Licence: CC0." in (tmp_path / "out" / "NOTICE").read_text("utf-8")
    archives = sorted((tmp_path / "out").glob("*.argosmodel"))
    assert len(argostranslate_offline(archives, tmp_path / "home")) == 2


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path):
    data = str(talk(tmp_path / "data"))
    quiet = ("--data", data, "--held-out", str(tmp_path))
    train(tmp_path / "whole", *quiet, "--updates", "8")
    _train_part(tmp_path / "parts", *quiet, updates=8, stop_at=5)
    told = train(tmp_path / "parts", *quiet, "--updates", "8", "--resume")
    assert "goes on after update 5" in told
    whole, parts = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["weights"] for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_it_goes_on_from_weights_and_their_vocabulary(tmp_path: Path):
    data = str(talk(tmp_path / "data"))
    train(tmp_path / "first", "--data", data, "--updates", "4")
    train(tmp_path / "second", "--data", data, "--updates", "4", "--init", str(tmp_path / "first" / "weights.pt"))
    first, second = ((tmp_path / name / "sentencepiece.model").read_bytes() for name in ("first", "second"))
    assert first == second
    assert "weights.pt" in (tmp_path / "second" / "NOTICE").read_text("utf-8")


def test_grown_weights_have_this_corpus_s_vocabulary_and_the_full_depth(tmp_path: Path):
    train(tmp_path / "first", "--data", str(talk(tmp_path / "data")), "--updates", "4")
    other = tmp_path / "other"
    talk(other, 40)
    (other / "talk.tsv").write_text("The cat sleeps on the sofa.\t猫在沙发上睡觉。\n" * 20, "utf-8")
    weights = str(tmp_path / "first" / "weights.pt")
    train(tmp_path / "second", "--data", str(other), "--updates", "4", "--init", weights, "--grow")
    first, second = ((tmp_path / name / "sentencepiece.model").read_bytes() for name in ("first", "second"))
    assert first != second


def test_it_goes_on_from_the_package_that_was_shipped(tmp_path: Path):
    from translator.training.exported import read_exported
    from translator.training.model import read_weights

    first = tmp_path / "first"
    train(first, "--data", str(talk(tmp_path / "data")), "--updates", "4")
    kept, shape, _ = read_weights(first / "weights.pt")
    shipped, same_shape, tokenizer = read_exported(first)
    assert same_shape == shape
    assert tokenizer == (first / "sentencepiece.model").read_bytes()
    assert shipped.keys() == kept.keys()
    for name, tensor in kept.items():
        assert (shipped[name] - tensor).abs().max() <= 0.015 * tensor.abs().max() + 1e-6, name
    told = train(tmp_path / "on", "--data", str(tmp_path / "data"), "--updates", "2", "--init", str(first))
    assert "update 2" in told
    with pytest.raises(ValueError, match=r"sentencepiece\.model"):
        read_exported(tmp_path)


def test_a_deeper_network_says_what_the_shallow_one_said_until_it_learns():
    from translator.training.grow import deepened
    from translator.training.model import Model, Shape

    shallow = Model(Shape(50, 16, 32, 2, 2, 1), dropout=0).eval()
    weights, shape = deepened(
        {name: tensor.detach() for name, tensor in shallow.state_dict().items()}, shallow.shape, 5
    )
    deep = Model(shape, dropout=0)
    deep.load_state_dict(weights)
    source, target = torch.randint(4, 50, (3, 7)), torch.randint(4, 50, (3, 5))
    nowhere = torch.zeros_like(source, dtype=torch.bool)
    assert torch.allclose(shallow(source, nowhere, target), deep(source, nowhere, target), atol=1e-5)
    deep(source, nowhere, target).sum().backward()
    assert deep.encoder[4].feed.narrow.weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="fewer"):
        deepened(weights, shape, 2)


def test_a_known_piece_keeps_its_row_and_a_new_one_is_the_mean_of_what_it_was_written_with():
    from translator.training import vocabulary
    from translator.training.corpus import Kind, Pair
    from translator.training.grow import revocabularied

    def trained(*lines: str) -> vocabulary.Vocabulary:
        return vocabulary.train([Pair(line, "你好", Kind.CONVERSATION, "t") for line in lines] * 30, 400)

    old, new = trained("cat dog", "a cat", "the dog"), trained("catfish dog", "a catfish", "the catfish")
    weights = {"embedding.weight": torch.randn(len(old), 4), "bias": torch.randn(len(old))}
    rows = revocabularied(weights, old, new)["embedding.weight"]
    assert len(rows) == len(new)
    known = [piece for piece in new.pieces() if piece in old.pieces()]
    assert known
    for piece in new.pieces():
        if piece in known:
            written = [old.pieces().index(piece)]
        else:
            written = old.encode([piece.replace("▁", " ").strip() or " "])[0] or [old.pad]
        assert torch.allclose(rows[new.pieces().index(piece)], weights["embedding.weight"][written].mean(0))
    with pytest.raises(ValueError, match="pieces"):
        revocabularied({**weights, "embedding.weight": torch.randn(3, 4)}, old, new)


def test_sources_are_cut_another_way_in_every_epoch_and_the_same_way_for_the_same_seed():
    from translator.training import vocabulary
    from translator.training.corpus import Kind, Pair

    words = vocabulary.train(
        [Pair(f"sleeping on sofa {n}", "猫在沙发上睡觉", Kind.CONVERSATION, "t") for n in range(60)], 400
    )
    texts = ["sleeping on the sofa"] * 20
    cuts = [words.varied(texts, random.Random(seed)) for seed in (1, 1, 2)]
    assert cuts[0] == cuts[1] != cuts[2]
    assert all(words.decode(cut) == texts[0] for cut in cuts[0] + cuts[2])


def test_the_chunked_loss_is_the_loss_of_pytorch_with_its_gradients():
    from translator.training.model import Model, Shape

    model = Model(Shape(50, 16, 32, 2, 1, 1))
    state = torch.randn(600, 16, requires_grad=True)
    expected = torch.randint(0, 50, (600,))
    ours = model.loss(state, expected, 0.1)
    ours.backward()
    gradients = [state.grad.clone(), model.embedding.weight.grad.clone(), model.bias.grad.clone()]
    state.grad = None
    model.zero_grad()
    theirs = torch.nn.functional.cross_entropy(model.scores(state), expected, label_smoothing=0.1)
    theirs.backward()
    assert torch.allclose(ours, theirs, atol=1e-5)
    for got, wanted in zip(gradients, [state.grad, model.embedding.weight.grad, model.bias.grad], strict=True):
        assert torch.allclose(got, wanted, atol=1e-5)


def test_the_rate_rises_stays_and_falls():
    from translator.training.train import Plan

    plan = Plan(updates=1_000, tokens=1, rate=1.0, warmup=100)
    assert [round(plan.rate_at(update), 2) for update in (1, 50, 100, 290, 650, 1_000)] == [0.01, 0.5, 1, 1, 0.5, 0.02]
    assert Plan(updates=20, tokens=1, rate=1.0, warmup=1_500).rate_at(5) == 1.0


def test_batches_lose_nothing_and_keep_to_their_size():
    from translator.training.train import PIECES_MAX, batches

    rng = random.Random(1)
    encoded = [([1] * rng.randint(1, 40), [number] * rng.randint(1, 40), 5) for number in range(2_000)]
    made = batches([*encoded, ([], [1], 5), ([1], [1] * (PIECES_MAX + 1), 5)], 500, rng)
    assert sorted(id(each[1]) for batch in made for each in batch) == sorted(id(each[1]) for each in encoded)
    for batch in made:
        wide = max(len(source) for source, _, _ in batch) + max(len(target) for _, target, _ in batch)
        assert len(batch) == 1 or wide * len(batch) <= 2 * 500 * 1.5


def test_dropout_keeps_the_mean_and_drops_its_share():
    from translator.training.model import Dropout

    torch.manual_seed(1)
    values = torch.ones(40_001)
    dropped = Dropout(0.25)(values)
    for part in (dropped, *(dropped[place::8] for place in range(8))):  # eight values share one random number
        assert abs(float((part == 0).float().mean()) - 0.25) < 0.03
    assert abs(float(dropped.mean()) - 1) < 0.02
    assert torch.equal(Dropout(0.25).eval()(values), values)


def test_the_exported_model_chooses_what_the_trained_one_would(tmp_path: Path):
    """Layout, positions and tags: CTranslate2 and PyTorch agree, piece by piece."""
    import random

    import ctranslate2

    from tests.translator.training.test_package import expansions, read_slots, read_templates
    from translator.training.export import write_model
    from translator.training.model import Model, Shape
    from translator.training.vocabulary import train as train_vocabulary

    words = train_vocabulary(list(expansions(read_templates(), read_slots(), random.Random(1), 2)), 2_500)
    torch.manual_seed(3)
    shape = Shape(len(words), 32, 64, 2, 2, 2)
    model = Model(shape).eval()
    with torch.no_grad():
        for each in model.parameters():
            each.mul_(1.5)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    write_model(tmp_path / "model", arrays, words, heads=2, quantization="float32")
    translator = ctranslate2.Translator(str(tmp_path / "model"), device="cpu", intra_threads=1)
    pieces = words.pieces()
    for text in ("Hello, my name is Emily.", "我养了一只猫，它很可爱。"):
        (numbers,) = words.encode([text])
        result = translator.translate_batch(
            [[pieces[number] for number in numbers]], target_prefix=[["<2en>"]], beam_size=1, max_decoding_length=12
        )[0].hypotheses[0]
        written = [words.start, words.tags["en"]]
        source = torch.tensor([[*numbers, words.end]])
        with torch.no_grad():
            while len(written) - 1 < len(result):
                state = model(source, torch.zeros_like(source, dtype=torch.bool), torch.tensor([written]))
                written.append(int(model.scores(state[0, -1]).argmax()))
        assert [pieces[number] for number in written[1:]] == result


def _train_part(out: Path, *arguments: str, updates: int, stop_at: int) -> None:
    """The same training, cut off after `stop_at` updates as a power failure would."""
    program = (
        "import sys\n"
        "from translator.training import __main__, train\n"
        "step = train.Trainer._step\n"
        "def cut(self, batch):\n"
        f"    if self.update == {stop_at}:\n"
        "        self.save(__import__('pathlib').Path(sys.argv[1]) / 'checkpoint.pt')\n"
        "        raise SystemExit(0)\n"
        "    return step(self, batch)\n"
        "train.Trainer._step = cut\n"
        "__main__.main(['--tiny', '--threads', '1', '--out', *sys.argv[1:]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(out), *arguments, "--updates", str(updates)],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
