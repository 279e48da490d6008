"""The sentence model of the packages, run as argostranslate runs it."""

from pathlib import Path
from typing import Any

import pytest

from translator.training.splitter import sentence_model


@pytest.fixture(scope="module", params=["zh", "en"])
def split(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from minisbd.inference import create_session
    from minisbd.modules import TokenizationDataset, Vocab, get_sentences, output_predictions

    path: Path = tmp_path_factory.mktemp("splitter") / "model.onnx"
    path.write_bytes(sentence_model(request.param))
    session, given = create_session(str(path), use_gpu=False, max_threads=1)
    vocabulary = Vocab.load_state_dict(given["vocab"])

    def sentences(text: str) -> list[str]:
        batches = TokenizationDataset(given["config"], text=text, vocab=vocabulary, dictionary=None)
        _, _, _, document = output_predictions(given["config"], session, batches, vocabulary, orig_text=text)
        return list(get_sentences(document, text))

    return sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hi", ["Hi"]),
        ("你好！你叫什么名字？我叫李明。", ["你好！", "你叫什么名字？", "我叫李明。"]),
        ("Hello there. How are you?! Fine", ["Hello there.", "How are you?!", "Fine"]),
        ("I'm 3.5 years old.", ["I'm 3.5 years old."]),
        ("他说：“好。”我走了。", ["他说：“好。”", "我走了。"]),
        ('"Really?" she said. Yes!', ['"Really?"', "she said.", "Yes!"]),
        ("真的……？！好吧…走", ["真的……？！", "好吧…", "走"]),
        ("See you.\nBye.", ["See you.", "Bye."]),
    ],
)
def test_a_text_is_cut_where_a_sentence_ends(split: Any, text: str, sentences: list[str]):
    assert split(text) == sentences


def test_it_is_small_and_the_same_every_time():
    assert len(sentence_model("zh")) < 4_000
    assert sentence_model("zh") == sentence_model("zh")
    assert b"zh-hans" in sentence_model("zh")
