"""The training loop: seeded, resumable, and telling how it goes.

Invariant: a run that was stopped and resumed sees the same batches in the same order as one that was not. Order comes
from (seed, epoch), the place in it from the checkpoint; nothing depends on the clock but what is printed.

Weights are kept twice: in float32, where the optimizer adds its small steps, and in bfloat16, where the network
computes; in bfloat16 alone small steps vanish, in float32 alone a processor needs twice the time. What is exported is
a moving average of the former, which is better than any single moment of it.
"""

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from translator.training.corpus import Pair, Teller, examples
from translator.training.model import POSITIONS_MAX, Model, Shape
from translator.training.vocabulary import Vocabulary

Weights = Mapping[str, Tensor]
Encoded = tuple[list[int], list[int], int]

SORTED_TOGETHER: Final = 50_000
"""Examples sorted by length at a time: enough to waste little padding, few enough to stay random."""
PIECES_MAX: Final = 100
AVERAGE_EVERY: Final = 20
AVERAGE_STEP: Final = 0.02
AVERAGED_FROM: Final = 0.2
TOLD_EVERY_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. `tokens`: pieces of an update, padding counted, mean of both sides."""

    updates: int
    tokens: int
    rate: float
    warmup: int
    dropout: float = 0.1
    steady: float = 0.3
    smoothing: float = 0.1
    seed: int = 1
    look_every_s: float = 180.0
    save_every_s: float = 120.0

    def rate_at(self, update: int) -> float:
        """Up to `rate` in `warmup` updates, level for `steady` of all, then down to a fiftieth in a line."""
        done = update / self.updates
        falling = 1.0 if done < self.steady else max(0.02, (1 - done) / (1 - self.steady))
        return self.rate * min(1.0, update / max(1, min(self.warmup, self.updates // 4))) * falling


class Trainer:
    """A model under way. `update` counts what is done; `spent_s` is the time it took, over all sessions."""

    def __init__(self, shape: Shape, plan: Plan, vocabulary: Vocabulary, device: str, tell: Teller = print) -> None:
        torch.manual_seed(plan.seed)
        torch.set_flush_denormal(True)
        self.plan = plan
        self.shape = shape
        self.vocabulary = vocabulary
        self.device = device
        self.update = 0
        self.spent_s = 0.0
        self._tell = tell
        self._epoch = 0
        self._batch = 0
        self._master = Model(shape, plan.dropout).to(device)
        self._working = Model(shape, plan.dropout).to(device, torch.bfloat16)
        self._optimizer = torch.optim.AdamW(
            self._master.parameters(), lr=plan.rate, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01, fused=True
        )
        self._average: dict[str, Tensor] | None = None
        self._copy()

    @property
    def parameters(self) -> int:
        return sum(each.numel() for each in self._master.parameters())

    def weights(self) -> dict[str, Tensor]:
        """What to export: the average, as soon as there is one."""
        return self._average or {name: tensor.detach() for name, tensor in self._master.state_dict().items()}

    def begin_with(self, weights: Weights) -> None:
        self._master.load_state_dict(dict(weights))
        self._copy()

    def run(self, mix: Sequence[Pair], checkpoint: Path, look: Callable[[dict[str, Tensor]], str]) -> None:
        """Train up to `plan.updates` and keep `checkpoint` up to date; `look` says a score of the weights it gets."""
        plan = self.plan
        started = told = looked = saved = time.monotonic()
        before_s, tokens, loss, since = self.spent_s, 0, 0.0, self.update
        while self.update < plan.updates:
            ordered = self._batches(mix)
            for batch in itertools.islice(ordered, self._batch, None):
                if self.update >= plan.updates:
                    break
                made, count = self._step(batch)
                tokens += count
                loss += made * count
                now = time.monotonic()
                self.spent_s = before_s + now - started
                if now - told >= TOLD_EVERY_S or self.update == plan.updates:
                    self._tell(
                        f"update {self.update:,} of {plan.updates:,}   loss {loss / max(1, tokens):.3f}   "
                        f"{tokens / max(1e-9, now - told):,.0f} tokens/s   "
                        f"{(self.update - since) / max(1e-9, now - told):.1f} updates/s   {self.spent_s / 60:.1f} min"
                    )
                    told, tokens, loss, since = now, 0, 0.0, self.update
                if now - looked >= plan.look_every_s:
                    self._tell(f"update {self.update:,}   {look(self.weights())}")
                    told = looked = time.monotonic()
                    tokens, loss, since = 0, 0.0, self.update
                if now - saved >= plan.save_every_s:
                    self.save(checkpoint)
                    saved = time.monotonic()
            else:
                self._epoch, self._batch = self._epoch + 1, 0
        self.save(checkpoint)

    def save(self, path: Path) -> None:
        """Written beside and moved: a crash while writing leaves the last good one."""
        held = {
            "weights": self._master.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "shape": asdict(self.shape),
            "vocabulary": self.vocabulary.model,
            "place": (self.update, self._epoch, self._batch),
            "spent_s": self.spent_s,
            "chance": torch.get_rng_state(),
        }
        beside = path.with_suffix(".writing")
        torch.save(held, beside)
        os.replace(beside, path)

    def resume(self, path: Path) -> None:
        """Go on where `save` was called. Raises ValueError when that was another model."""
        held: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        if held["shape"] != asdict(self.shape) or held["vocabulary"] != self.vocabulary.model:
            raise ValueError(f"{path} is of another shape or vocabulary; choose another --out, or leave --resume out")
        self._master.load_state_dict(held["weights"])
        self._optimizer.load_state_dict(held["optimizer"])
        self._average = held["average"]
        self.update, self._epoch, self._batch = held["place"]
        self.spent_s = held["spent_s"]
        torch.set_rng_state(held["chance"].cpu())
        self._copy()

    def _step(self, batch: Sequence[Encoded]) -> tuple[float, int]:
        """One update: (loss, target tokens)."""
        self.update += 1
        self._batch += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate_at(self.update)
        source, target, expected = (each.to(self.device) for each in padded(batch, self.vocabulary))
        self._working.train()
        state = self._working(source, source == self.vocabulary.pad, target)
        wanted = expected != self.vocabulary.pad
        loss = self._working.loss(state[wanted], expected[wanted], self.plan.smoothing)
        self._working.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        for kept, used in zip(self._master.parameters(), self._working.parameters(), strict=True):
            kept.grad = None if used.grad is None else used.grad.float()
        nn.utils.clip_grad_norm_(self._master.parameters(), 1.0)
        self._optimizer.step()
        self._copy()
        if self.update % AVERAGE_EVERY == 0 and self.update >= AVERAGED_FROM * self.plan.updates:
            self._include()
        return loss.item(), int(wanted.sum())

    def _copy(self) -> None:
        with torch.no_grad():
            for kept, used in zip(self._master.parameters(), self._working.parameters(), strict=True):
                used.copy_(kept)

    def _include(self) -> None:
        latest = self._master.state_dict()
        if self._average is None:
            self._average = {name: tensor.detach().clone() for name, tensor in latest.items()}
            return
        for name, tensor in self._average.items():
            tensor.lerp_(latest[name], AVERAGE_STEP)

    def _batches(self, mix: Sequence[Pair]) -> list[list[Encoded]]:
        rng = random.Random(f"{self.plan.seed} {self._epoch}")
        encoded = list(self.vocabulary.encoded(examples(mix, rng), rng))
        return batches(encoded, self.plan.tokens, rng)


def batches(encoded: Sequence[Encoded], tokens: int, rng: random.Random) -> list[list[Encoded]]:
    """Batches of about `tokens` target pieces, of sentences of like length, in random order. Loses only what is empty
    or longer than PIECES_MAX."""
    usable = [each for each in encoded if 0 < len(each[0]) <= PIECES_MAX and 0 < len(each[1]) <= PIECES_MAX]
    rng.shuffle(usable)
    made: list[list[Encoded]] = []
    for first in range(0, len(usable), SORTED_TOGETHER):
        together = sorted(usable[first : first + SORTED_TOGETHER], key=lambda each: (len(each[1]), len(each[0])))
        made += _cut(together, tokens)
    rng.shuffle(made)
    return made


def _cut(ordered: Sequence[Encoded], tokens: int) -> Iterator[list[Encoded]]:
    batch: list[Encoded] = []
    widest = 0
    for each in ordered:
        wide = max(widest, len(each[0]) + len(each[1]) + 3)
        if batch and wide * (len(batch) + 1) > 2 * tokens:
            yield batch
            batch, wide = [], len(each[0]) + len(each[1]) + 3
        batch.append(each)
        widest = wide
    if batch:
        yield batch


def padded(batch: Sequence[Encoded], vocabulary: Vocabulary) -> tuple[Tensor, Tensor, Tensor]:
    """(source, target, expected) as numbers. The tag is given, never asked for: it is the reader's wish."""
    pad, start, end = vocabulary.pad, vocabulary.start, vocabulary.end
    wide = min(POSITIONS_MAX - 1, max(len(source) for source, _, _ in batch) + 1)
    high = min(POSITIONS_MAX - 1, max(len(target) for _, target, _ in batch) + 2)
    return (
        torch.tensor([_filled([*source, end], wide, pad) for source, _, _ in batch]),
        torch.tensor([_filled([start, tag, *target], high, pad) for _, target, tag in batch]),
        torch.tensor([_filled([pad, *target, end], high, pad) for _, target, _ in batch]),
    )


def _filled(numbers: list[int], size: int, pad: int) -> list[int]:
    return numbers + [pad] * (size - len(numbers))
