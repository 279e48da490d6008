"""The weights of an exported package, to go on training from what was shipped.

`--init FOLDER` takes a folder with `model/model.bin` and `sentencepiece.model`: the starter that comes with it,
or any package this recipe made. Nobody needs to keep the weights of a training for the next person to go on with it.
int8 rounds every row to 255 steps; a few updates make good what that cost.

Layout of model.bin: CTranslate2, `converters` documentation and `specs/model_spec.py` (binary version 6): version,
name, revision, variables (name, shape, type, bytes), aliases. A row of int8 comes with its factor.
"""

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from translator.training.model import Shape

BINARY_VERSION: Final = 6
_TYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

_ATTENTIONS: Final[Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]] = {
    "encoder": {"self_attention": ("attention", ("inputs", "output"))},
    "decoder": {
        "self_attention": ("attention", ("inputs", "output")),
        "attention": ("crossing", ("queries", "memories", "output")),
    },
}


def read_exported(folder: Path) -> tuple[dict[str, Tensor], Shape, bytes]:
    """(weights, shape, vocabulary). Raises ValueError when `folder` holds no model of this recipe."""
    path, tokenizer = folder / "model" / "model.bin", folder / "sentencepiece.model"
    if not path.is_file() or not tokenizer.is_file():
        raise ValueError(f"{folder} holds no package: model/model.bin and sentencepiece.model are expected in it")
    try:
        given = _variables(path.read_bytes())
        weights = _renamed(given)
        shape = Shape(
            pieces=weights["embedding.weight"].shape[0],
            width=weights["embedding.weight"].shape[1],
            inner=weights["encoder.0.feed.widen.weight"].shape[0],
            heads=int(given["encoder/num_heads"].item()),
            encoders=_layers(given, "encoder"),
            decoders=_layers(given, "decoder"),
        )
    except (KeyError, struct.error) as error:
        raise ValueError(f"{path} is no model of this recipe: {error} is missing in it") from error
    return weights, shape, tokenizer.read_bytes()


def _variables(content: bytes) -> dict[str, Any]:
    stream = BytesIO(content)

    def number(code: str) -> int:
        return int(struct.unpack(code, stream.read(struct.calcsize(code)))[0])

    def words() -> str:
        return stream.read(number("H")).rstrip(b"\0").decode("utf-8")

    if (version := number("I")) != BINARY_VERSION:
        raise ValueError(f"model.bin is of version {version}; {BINARY_VERSION} is expected")
    words(), number("I")
    made = {}
    for _ in range(number("I")):
        name = words()
        shape = [number("I") for _ in range(number("B"))]
        kind = _TYPES[number("B")]
        made[name] = np.frombuffer(stream.read(number("I")), kind).reshape(shape)
    for name in [name for name in made if f"{name}_scale" in made]:
        made[name] = made[name].astype(np.float32) / made[f"{name}_scale"][:, None]
    for _ in range(number("I")):
        alias, name = words(), words()
        made[alias] = made[name]
    return made


def _layers(given: Mapping[str, Any], part: str) -> int:
    return sum(f"{part}/layer_{number}/ffn/linear_0/weight" in given for number in range(100))


def _renamed(given: Mapping[str, Any]) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {}

    def put(name: str, array: Any) -> None:
        made[name] = torch.from_numpy(np.array(array, dtype=np.float32))

    def linear(name: str, at: str) -> None:
        put(f"{name}.weight", given[f"{at}/weight"])
        put(f"{name}.bias", given[f"{at}/bias"])

    def norm(name: str, at: str) -> None:
        put(f"{name}.weight", given[f"{at}/gamma"])
        put(f"{name}.bias", given[f"{at}/beta"])

    put("embedding.weight", given["encoder/embeddings_0/weight"])
    put("bias", given["decoder/projection/bias"])
    for part, attentions in _ATTENTIONS.items():
        norm(f"{part}_norm", f"{part}/layer_norm")
        for number in range(_layers(given, part)):
            for at, (name, places) in attentions.items():
                here, there = f"{part}.{number}.{name}", f"{part}/layer_{number}/{at}"
                norm(f"{here}.norm", f"{there}/layer_norm")
                for place, linear_name in enumerate(places):
                    linear(f"{here}.{linear_name}", f"{there}/linear_{place}")
            here, there = f"{part}.{number}.feed", f"{part}/layer_{number}/ffn"
            norm(f"{here}.norm", f"{there}/layer_norm")
            linear(f"{here}.widen", f"{there}/linear_0")
            linear(f"{here}.narrow", f"{there}/linear_1")
    return made
