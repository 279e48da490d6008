"""Weights of one model made to fit another: a new vocabulary, a deeper network. Pure but for tensors.

A training of hours should not be thrown away because the vocabulary changed. A piece that both vocabularies have keeps
its row; a new piece begins as the mean of the old pieces it is written with. A layer more begins as nothing: what it
adds to the stream is multiplied by zero, so that the grown model says exactly what the old one said and learns from
there (zero initialisation of residual branches: Zhang et al., "Fixup Initialization", ICLR 2019; depth by stacking:
Gong et al., "Efficient Training of BERT by Progressively Stacking", ICML 2019). The new layer stands last, a copy of
the one before it but for those zeros: something to learn from, where all zeros would have no gradient.
"""

from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from translator.training.model import Shape
from translator.training.vocabulary import Vocabulary

_ADDING: Final = ("output.weight", "output.bias", "narrow.weight", "narrow.bias")
"""The last step of every branch that is added to the stream."""


def revocabularied(weights: dict[str, Tensor], old: Vocabulary, new: Vocabulary) -> dict[str, Tensor]:
    """`weights` for the pieces of `new`. Raises ValueError when `old` is not theirs."""
    rows, bias = weights["embedding.weight"], weights["bias"]
    if len(rows) != len(old):
        raise ValueError(f"the weights have {len(rows):,} pieces, their vocabulary {len(old):,}: name theirs")
    place = {piece: number for number, piece in enumerate(old.pieces())}
    made, made_bias = [], []
    for piece in new.pieces():
        known = place.get(piece)
        # "▁word" is written as " word"; a leading space is what SentencePiece makes of a beginning anyway.
        numbers = [known] if known is not None else old.encode([piece.replace("▁", " ").strip() or " "])[0]
        numbers = numbers or [old.pad]
        made.append(rows[numbers].mean(0))
        # Every old piece was said more often than the new one will be.
        made_bias.append(bias[numbers].mean(0) if known is not None else bias.median())
    return {**weights, "embedding.weight": torch.stack(made), "bias": torch.stack(made_bias)}


def deepened(weights: dict[str, Tensor], shape: Shape, encoders: int) -> tuple[dict[str, Tensor], Shape]:
    """`weights` with encoder layers added up to `encoders`. Raises ValueError when they have more."""
    if encoders < shape.encoders:
        raise ValueError(f"the weights have {shape.encoders} encoder layers; {encoders} would be fewer")
    grown = dict(weights)
    for layer in range(shape.encoders, encoders):
        below = f"encoder.{shape.encoders - 1}."
        for name, tensor in weights.items():
            if name.startswith(below):
                rest = name.removeprefix(below)
                zero = rest.endswith(_ADDING)
                grown[f"encoder.{layer}.{rest}"] = torch.zeros_like(tensor) if zero else tensor.clone()
    return grown, replace(shape, encoders=encoders)
