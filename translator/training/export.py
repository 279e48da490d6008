"""Trained weights as packages: CTranslate2 int8, one .argosmodel for each direction, nothing to download.

Both packages hold the same model; `target_prefix` in their metadata tells it which language to write. Invariant: the
same weights give the same bytes (times in the archives are fixed), so that a checksum says whether two people have
the same package.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ctranslate2.specs import transformer_spec

from translator.training.splitter import MINISBD_CODES, sentence_model
from translator.training.vocabulary import TAGS, Vocabulary

DIRECTIONS: Final = (("zh", "en"), ("en", "zh"))
_NAMES: Final = {"en": "English", "zh": "Chinese"}
_ARGOS_VERSION: Final = "1.9.0"
"""The oldest Argos Translate that knows `target_prefix`."""
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)

Arrays = Mapping[str, Any]
"""numpy arrays of float32 by the names of `model.Model`."""


def write_model(
    folder: Path, arrays: Arrays, vocabulary: Vocabulary, *, heads: int, quantization: str = "int8"
) -> None:
    """The CTranslate2 model of `arrays` in `folder`, which is made anew."""
    # Quantizing scales in place: without copies it would write into the very weights that are still being trained.
    arrays = {name: array.copy() for name, array in arrays.items()}
    encoders, decoders = (
        len({name.split(".")[1] for name in arrays if name.startswith(f"{part}.")}) for part in _PARTS
    )
    spec = transformer_spec.TransformerSpec.from_config((encoders, decoders), heads, pre_norm=True)
    fill = _Filling(arrays)
    embedding = arrays["embedding.weight"]
    spec.encoder.embeddings[0].weight = embedding
    spec.decoder.embeddings.weight = embedding
    for number, layer in enumerate(spec.encoder.layer):
        fill.attention(layer.self_attention, f"encoder.{number}.attention", ("inputs", "output"))
        fill.feed(layer.ffn, f"encoder.{number}.feed")
    fill.norm(spec.encoder.layer_norm, "encoder_norm")
    for number, layer in enumerate(spec.decoder.layer):
        fill.attention(layer.self_attention, f"decoder.{number}.attention", ("inputs", "output"))
        fill.attention(layer.attention, f"decoder.{number}.crossing", ("queries", "memories", "output"))
        fill.feed(layer.ffn, f"decoder.{number}.feed")
    fill.norm(spec.decoder.layer_norm, "decoder_norm")
    spec.decoder.projection.weight = embedding
    spec.decoder.projection.bias = arrays["bias"]
    pieces = vocabulary.pieces()
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.add_source_eos = True
    spec.validate()
    spec.optimize(quantization=quantization)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec.save(str(folder))


def write_package(
    out: Path, model: Path, vocabulary: bytes, texts: Mapping[str, str], *, source: str, target: str, version: str
) -> Path:
    """`translate-zh_en-1_0.argosmodel` in `out`. texts: README.md, NOTICE and the like, by file name."""
    name = f"translate-{source}_{target}-{version.replace('.', '_')}"
    metadata = {
        "package_version": version,
        "argos_version": _ARGOS_VERSION,
        "from_code": source,
        "from_name": _NAMES[source],
        "to_code": target,
        "to_name": _NAMES[target],
        "target_prefix": TAGS[target],
    }
    files = {
        "metadata.json": json.dumps(metadata, indent=1).encode(),
        "sentencepiece.model": vocabulary,
        f"minisbd/{MINISBD_CODES.get(source, source)}.onnx": sentence_model(source),
        **{f"model/{path.name}": path.read_bytes() for path in sorted(model.iterdir())},
        **{name: text.encode() for name, text in texts.items()},
    }
    archive = out / f"{name}.argosmodel"
    with zipfile.ZipFile(archive, "w") as written:
        for file, content in files.items():
            entry = zipfile.ZipInfo(f"{name}/{file}", _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            written.writestr(entry, content)
    return archive


_PARTS: Final = ("encoder", "decoder")


class _Filling:
    """Puts arrays where CTranslate2 wants them."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def linear(self, spec: Any, name: str) -> None:
        spec.weight = self._arrays[f"{name}.weight"]
        spec.bias = self._arrays[f"{name}.bias"]

    def norm(self, spec: Any, name: str) -> None:
        spec.gamma = self._arrays[f"{name}.weight"]
        spec.beta = self._arrays[f"{name}.bias"]

    def attention(self, spec: Any, name: str, parts: Sequence[str]) -> None:
        self.norm(spec.layer_norm, f"{name}.norm")
        for place, part in enumerate(parts):
            self.linear(spec.linear[place], f"{name}.{part}")

    def feed(self, spec: Any, name: str) -> None:
        self.norm(spec.layer_norm, f"{name}.norm")
        self.linear(spec.linear_0, f"{name}.widen")
        self.linear(spec.linear_1, f"{name}.narrow")
