"""One SentencePiece vocabulary for both languages.

Invariants: every text can be written (bytes for what has no piece); the tags `<2en>` and `<2zh>` are control symbols,
so nobody can type one; full-width marks stay full-width. SentencePiece's own normalisation (nmt_nfkc) makes ， a comma,
and a model trained behind it can never write a Chinese one: here only letters, digits and the space lose their width.
"""

import io
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import sentencepiece

from translator.training.corpus import Example, Pair

TAGS: Final = {"en": "<2en>", "zh": "<2zh>"}
PIECES: Final = 8_000
SENTENCES_MAX: Final = 400_000
"""Enough for 8,000 pieces; more only takes longer."""
CUT_SHARE: Final = 0.2
"""Of the pieces of a source that could be two: the share that is, by chance."""
MARKS: Final = "，。！？：；、“”（）《》…—～·"
EMOJI: Final = "😂😊😍👍🙏🎉❤😭🤔🐱🐶😄🌍🔥😅😢😎👏💪🌹🎂🍜🤣😁"
"""Pieces of their own; any other emoji is four bytes, as it has to be."""
_NARROWED: Final = {
    **{full: full - 0xFEE0 for full in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    0x3000: 0x20,
    0xA0: 0x20,
}


class Vocabulary:
    """Texts as numbers, and back."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._processor: Any = sentencepiece.SentencePieceProcessor(model_proto=model)
        self.pad: int = self._processor.pad_id()
        self.start: int = self._processor.bos_id()
        self.end: int = self._processor.eos_id()
        self.tags: dict[str, int] = {to: self._processor.piece_to_id(tag) for to, tag in TAGS.items()}
        unknown = [tag for to, tag in TAGS.items() if self.tags[to] == self._processor.unk_id()]
        if unknown or self.pad < 0:
            raise ValueError(f"this vocabulary has no {unknown or 'padding'}: it is none of ours")
        self._halves = self._two_of_each()

    def __len__(self) -> int:
        return int(self._processor.get_piece_size())

    def pieces(self) -> list[str]:
        return [self._processor.id_to_piece(number) for number in range(len(self))]

    def _two_of_each(self) -> list[list[tuple[int, int]]]:
        """For every piece the pairs of pieces that say the same."""
        pieces = self.pieces()
        place = {
            piece: number
            for number, piece in enumerate(pieces)
            if not self._processor.is_control(number) and not self._processor.is_byte(number)
        }
        return [
            [
                (place[piece[:cut]], place[piece[cut:]])
                for cut in range(1, len(piece) if piece in place else 1)
                if piece[:cut] in place and piece[cut:] in place
            ]
            for piece in pieces
        ]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        encoded: list[list[int]] = self._processor.encode(list(texts))
        return encoded

    def varied(self, texts: Sequence[str], rng: random.Random) -> list[list[int]]:
        """`texts` as `encode` cuts them, but for a share of pieces that are cut once more, in another place in every
        epoch: the model learns what words are made of. With few pairs this is worth more than any other change.
        (Kudo, "Subword Regularization", ACL 2018; dropped merges: Provilkov et al., "BPE-Dropout", ACL 2020.
        SentencePiece's own sampling gives another result in every process, whatever the seed.)"""
        made = []
        for numbers in self.encode(texts):
            cut: list[int] = []
            for number in numbers:
                halves = self._halves[number]
                if halves and rng.random() < CUT_SHARE:
                    cut += rng.choice(halves)
                else:
                    cut.append(number)
            made.append(cut)
        return made

    def decode(self, numbers: Sequence[int]) -> str:
        text: str = self._processor.decode(list(numbers))
        return text

    def encoded(
        self, examples: Iterable[Example], rng: random.Random | None = None
    ) -> Iterator[tuple[list[int], list[int], int]]:
        """(source, target, tag) of every example. With an `rng`, sources are `varied`; targets never are: the model
        is to write in one way only."""
        batch = list(examples)
        given = [each.source for each in batch]
        sources = self.encode(given) if rng is None else self.varied(given, rng)
        targets = self.encode([each.target for each in batch])
        for example, source, target in zip(batch, sources, targets, strict=True):
            yield source, target, self.tags[example.to]


def train(pairs: Sequence[Pair], pieces: int = PIECES) -> Vocabulary:
    """A vocabulary of up to `pieces` pieces (fewer, where the text has fewer). One thread: the same every time."""
    step = max(1, 2 * len(pairs) // SENTENCES_MAX)
    written = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        rules.write_text("".join(f"{full:X}\t{half:X}\n" for full, half in _NARROWED.items()), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(side for pair in pairs[::step] for side in (pair.english, pair.chinese)),
            model_writer=written,
            model_type="unigram",
            vocab_size=pieces,
            hard_vocab_limit=False,
            character_coverage=0.9995,
            byte_fallback=True,
            required_chars=MARKS + EMOJI,
            control_symbols=",".join(TAGS.values()),
            normalization_rule_tsv=str(rules),
            unk_id=0, bos_id=1, eos_id=2, pad_id=3,
            num_threads=1,
            minloglevel=2,
        )  # fmt: skip
    return Vocabulary(written.getvalue())
