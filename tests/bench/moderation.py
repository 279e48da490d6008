"""What word lists cost a message: `make bench-moderation` prints microseconds for lists of 10, 100 and 10,000 terms.

Over the lines of tests/data/moderation.tsv, of which most have a hit, and over the innocent ones alone, which are what
a room is full of. Terms beyond those of the house are made from a seed: half of Latin letters, half of two to four
Chinese characters, a tenth of these also looked for by their sound.
"""

import random
import time
from collections.abc import Sequence
from typing import Final

from chat.moderation import Action, Kind, Term, TermList, default_lists
from chat.moderation.folding import readings
from tests.support.moderation_set import default_terms, figures, lines

SIZES: Final = (10, 100, 10_000)
ROUNDS: Final = 7
SEED: Final = 1


def terms(count: int) -> list[Term]:
    """The first of the house's terms in an order by chance, then made ones."""
    chance = random.Random(SEED)
    listed = [term for terms in default_lists().values() for term in terms]
    chance.shuffle(listed)
    common = [character for character in readings() if character < "\u9000"]
    made = dict.fromkeys(listed)
    while len(made) < count:
        if chance.random() < 0.5:
            made[Term("".join(chance.choices("etaoinshrdlucmfwyp", k=chance.randint(4, 12))), Action.HOLD)] = None
        else:
            kind = Kind.PINYIN if chance.random() < 0.1 else Kind.SUBSTRING
            made[Term("".join(chance.choices(common, k=chance.randint(2, 4))), Action.HOLD, kind)] = None
    return list(made)[:count]


def microseconds(matcher: TermList, texts: Sequence[str]) -> float:
    """Processor time of one text, the best of some rounds; expressions are compiled before."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for text in texts:
            matcher.find(text)
        best = min(best, time.process_time() - begun)
    return best / len(texts) * 1e6


def main() -> None:
    every = lines()
    for language, chosen in (("English", str.isascii), ("other", lambda text: not text.isascii())):
        innocent = [line.text for line in every if not line.caught and chosen(line.text)]
        print(
            f"{language}: {len(innocent)} innocent lines, {sum(map(len, innocent)) / len(innocent):.0f} characters each"
        )
    print("| terms | all lines, us | innocent, English, us | innocent, other, us | compiled in, ms |")
    print("|---|---|---|---|---|")
    for count in SIZES:
        listed = terms(count)
        begun = time.process_time()
        matcher = TermList(listed)
        compiled_s = time.process_time() - begun
        costs = [
            microseconds(matcher, texts)
            for texts in (
                [line.text for line in every],
                [line.text for line in every if not line.caught and line.text.isascii()],
                [line.text for line in every if not line.caught and not line.text.isascii()],
            )
        ]
        print(f"| {count:,} | {' | '.join(f'{cost:.1f}' for cost in costs)} | {compiled_s * 1000:.0f} |")
    house = default_terms()
    print(f"lists of the house, {len(house)} terms: {figures(house, every)}")
    print(f"held out: {figures(house, [line for line in every if line.held_out])}")


if __name__ == "__main__":
    main()
