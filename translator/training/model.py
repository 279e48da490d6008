"""The network: a Transformer with a deep encoder and a shallow decoder, pre-norm, one embedding for everything.

Shape by the reader's patience: the encoder sees a sentence once, the decoder runs once for every piece it writes, so
layers belong into the encoder. Layout and positions are those of CTranslate2's TransformerSpec, which `export.py`
fills: change one and the other is wrong (a test translates with both).

What made it fast on a processor without a GPU, measured in the trial: attention written out (the fused kernel was
slower at 20 pieces a sentence), a byte of chance for each dropped value instead of a float, and a softmax over the
vocabulary in chunks that stay in the cache, with its gradient made in the same pass.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import regex
import torch
from torch import Tensor, nn
from torch.nn import functional

POSITIONS_MAX: Final = 512
_MASKED: Final = -1e4
_CHUNK_ROWS: Final = {"cpu": 256, "cuda": 8192}


@dataclass(frozen=True, slots=True)
class Shape:
    """The default is 8.9 million parameters with 8,000 pieces."""

    pieces: int
    width: int = 256
    inner: int = 1024
    heads: int = 4
    encoders: int = 6
    decoders: int = 2


class Dropout(nn.Module):
    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self._below = round(share * 256)

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not self._below:
            return values
        if values.is_cuda:
            return functional.dropout(values, self.share)
        # All 64 bits: of a smaller range the highest byte of every eight would not be even.
        words = torch.empty((values.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: values.numel()].view_as(values) >= self._below
        return values * (kept.to(values.dtype) * (256 / (256 - self._below)))


class Attention(nn.Module):
    """To the sentence itself, or (`crossing`) from the translation to the source."""

    def __init__(self, shape: Shape, *, crossing: bool = False) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.crossing = crossing
        self.norm = nn.LayerNorm(width)
        if crossing:
            self.queries = nn.Linear(width, width)
            self.memories = nn.Linear(width, 2 * width)
        else:
            self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, state: Tensor, memory: Tensor | None = None, hidden: Tensor | None = None) -> Tensor:
        """hidden: True where nothing may be looked at, of the shape of the weights or spread to it."""
        normed = self.norm(state)
        if self.crossing:
            queries, (keys, values) = self.queries(normed), self.memories(memory).chunk(2, -1)
        else:
            queries, keys, values = self.inputs(normed).chunk(3, -1)
        queries, keys, values = self._split(queries), self._split(keys), self._split(values)
        weights = (queries @ keys.transpose(-1, -2)) * queries.shape[-1] ** -0.5
        if hidden is not None:
            weights = weights.masked_fill(hidden, _MASKED)
        mixed = weights.softmax(-1).to(values.dtype) @ values
        return self.output(mixed.transpose(1, 2).reshape(state.shape))

    def _split(self, values: Tensor) -> Tensor:
        batch, length, width = values.shape
        return values.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


class Feed(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.width)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)

    def forward(self, state: Tensor) -> Tensor:
        return self.narrow(functional.relu(self.widen(self.norm(state))))


class Layer(nn.Module):
    """Of the encoder; with `crossing`, of the decoder."""

    def __init__(self, shape: Shape, dropout: Dropout, *, crossing: bool) -> None:
        super().__init__()
        self.attention = Attention(shape)
        self.crossing = Attention(shape, crossing=True) if crossing else None
        self.feed = Feed(shape)
        self.dropout = dropout

    def forward(
        self, state: Tensor, hidden: Tensor, memory: Tensor | None = None, memory_hidden: Tensor | None = None
    ) -> Tensor:
        state = state + self.dropout(self.attention(state, hidden=hidden))
        if self.crossing is not None:
            state = state + self.dropout(self.crossing(state, memory, memory_hidden))
        return state + self.dropout(self.feed(state))


class Model(nn.Module):
    positions: Tensor

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = Dropout(dropout)
        self.embedding = nn.Embedding(shape.pieces, shape.width)
        nn.init.normal_(self.embedding.weight, 0, shape.width**-0.5)
        self.bias = nn.Parameter(torch.zeros(shape.pieces))
        self.encoder = nn.ModuleList(Layer(shape, self.dropout, crossing=False) for _ in range(shape.encoders))
        self.encoder_norm = nn.LayerNorm(shape.width)
        self.decoder = nn.ModuleList(Layer(shape, self.dropout, crossing=True) for _ in range(shape.decoders))
        self.decoder_norm = nn.LayerNorm(shape.width)
        self.register_buffer("positions", _positions(shape.width), persistent=False)

    def forward(self, source: Tensor, padding: Tensor, target: Tensor) -> Tensor:
        """States of the decoder from which `loss` predicts. padding: True where `source` is only filled up."""
        nowhere = padding[:, None, None, :]
        future = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool, device=target.device).triu(1)
        memory = self._embedded(source)
        for layer in self.encoder:
            memory = layer(memory, nowhere)
        memory = self.encoder_norm(memory)
        state = self._embedded(target)
        for layer in self.decoder:
            state = layer(state, future, memory, nowhere)
        return self.decoder_norm(state)

    def scores(self, state: Tensor) -> Tensor:
        return functional.linear(state, self.embedding.weight, self.bias)

    def loss(self, state: Tensor, expected: Tensor, smoothing: float) -> Tensor:
        """Mean cross-entropy of `expected` (rows of numbers) at `state` (rows of states)."""
        return ChunkedLoss.apply(state, self.embedding.weight, self.bias, expected, smoothing)  # type: ignore[no-any-return, no-untyped-call]  # torch leaves it untyped

    def _embedded(self, numbers: Tensor) -> Tensor:
        # CTranslate2 counts positions from 1.
        positions = self.positions[1 : numbers.shape[1] + 1]
        return self.dropout(self.embedding(numbers) * math.sqrt(self.shape.width) + positions)


class ChunkedLoss(torch.autograd.Function):
    """Smoothed cross-entropy with tied weights; loss and all gradients in one pass over chunks of rows."""

    @staticmethod
    def forward(ctx: Any, state: Tensor, weight: Tensor, bias: Tensor, expected: Tensor, smoothing: float) -> Tensor:
        rows, pieces = state.shape[0], weight.shape[0]
        to_state = torch.empty_like(state)
        to_weight = torch.zeros(weight.shape, device=state.device)
        to_bias = torch.zeros(bias.shape, device=state.device)
        total = torch.zeros((), device=state.device)
        chunk = _CHUNK_ROWS[state.device.type]
        for first in range(0, rows, chunk):
            part, right = state[first : first + chunk], expected[first : first + chunk, None]
            chances = torch.log_softmax(functional.linear(part, weight, bias).float(), -1)
            total -= (1 - smoothing) * chances.gather(1, right).sum() + smoothing * chances.mean(-1).sum()
            gradient = chances.exp_().sub_(smoothing / pieces)
            gradient.scatter_add_(1, right, torch.full_like(gradient[:, :1], smoothing - 1)).mul_(1 / rows)
            to_bias += gradient.sum(0)
            narrow = gradient.to(state.dtype)
            to_state[first : first + chunk] = narrow @ weight
            to_weight += (narrow.t() @ part).float()
        ctx.save_for_backward(to_state, to_weight.to(weight.dtype), to_bias.to(bias.dtype))
        return total / rows

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> Any:
        to_state, to_weight, to_bias = ctx.saved_tensors
        factor = outer[0].to(to_state.dtype)
        return to_state * factor, to_weight * factor, to_bias * factor, None, None


def save_weights(path: Path, weights: dict[str, Tensor], shape: Shape, vocabulary: bytes, update: int) -> None:
    """What `read_weights` reads, halved to bfloat16: to go on from, not to resume exactly."""
    halved = {name: tensor.to(torch.bfloat16).cpu() for name, tensor in weights.items()}
    held = {"weights": halved, "shape": asdict(shape), "vocabulary": vocabulary, "update": update}
    torch.save(held, path)


def read_weights(path: Path) -> tuple[dict[str, Tensor], Shape, bytes]:
    """(weights, shape, vocabulary or b"" when the file has none). Raises ValueError when it holds something else."""
    held = torch.load(path, map_location="cpu", weights_only=True)
    if {"m", "args"} <= set(held):
        held = _of_the_trial(held)
    if not {"weights", "shape"} <= set(held):
        raise ValueError(f"{path} holds no weights of this model")
    weights = {name: tensor.float() for name, tensor in held["weights"].items()}
    return weights, Shape(**held["shape"]), held.get("vocabulary", b"")


_TRIAL_NAMES: Final = (
    (r"^e([af])\.(\d+)\.", r"encoder.\2.e\1."),
    (r"^d([acf])\.(\d+)\.", r"decoder.\2.d\1."),
    (r"^(encoder|decoder)(\.\d+\.)[ed]a\.", r"\1\2attention."),
    (r"^(encoder|decoder)(\.\d+\.)dc\.", r"\1\2crossing."),
    (r"^(encoder|decoder)(\.\d+\.)[ed]f\.", r"\1\2feed."),
    (r"^emb\.", "embedding."),
    (r"^eln\.", "encoder_norm."),
    (r"^dln\.", "decoder_norm."),
    (r"\.ln\.", ".norm."),
    (r"\.qkv\.", ".inputs."),
    (r"\.q\.", ".queries."),
    (r"\.kv\.", ".memories."),
    (r"\.o\.", ".output."),
    (r"\.a\.", ".widen."),
    (r"\.b\.", ".narrow."),
)
"""Names in the weights of the first starter, which was trained by a trial of this recipe."""


def _of_the_trial(held: dict[str, Any]) -> dict[str, Any]:
    weights = {}
    for name, tensor in held["m"].items():
        for old, new in _TRIAL_NAMES:
            name = regex.sub(old, new, name)
        weights[name] = tensor
    given = held["args"]
    shape = Shape(len(weights["bias"]), given["d"], given["ffn"], given["heads"], given["enc"], given["dec"])
    return {"weights": weights, "shape": asdict(shape)}


def _positions(width: int) -> Tensor:
    steps = torch.exp(torch.arange(width // 2) * (-math.log(10_000) / (width // 2 - 1)))
    angles = torch.arange(POSITIONS_MAX)[:, None] * steps
    return torch.cat([angles.sin(), angles.cos()], 1)
