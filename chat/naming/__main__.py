"""docs/names.md: suggestions for the names of two lists, for a person to judge.

python -m chat.naming tests/data/names-foreign.txt tests/data/names-chinese.txt > docs/names.md
"""

import sys
from pathlib import Path

from chat.naming import respelling, suggest_chinese, suggest_latin

HEAD = """# Names

<!-- Written by `python -m chat.naming tests/data/names-foreign.txt tests/data/names-chinese.txt > docs/names.md`. -->

What the naming ceremony suggests, with seed 1, for names of many languages and for Chinese ones: five each, so that a
person can judge them. The number says how much of the name is heard again, from 0 to 1. To make suggestions better,
change the tables in [`chat/naming/data/`](../chat/naming/data) (characters and their glosses, surnames, given names
that parents choose) and run `make docs`; the tests say whether a reading is wrong.

What tests hold true of these lists: five suggestions for every name, for Chinese ones two or three characters, none
with a fault that the checks know, each with pinyin, a meaning and a reason; every reading stands in CC-CEDICT, a source
that the tables were not made from; a name takes less than 200 ms of processor time (on the machine of
[performance.md](performance.md) 17 ms, 60 at most). Of 200 lines with given names, 100 in each direction, at least 198
keep the name in translation by the package that comes with the server (all 200, when this was written).
"""


def listed(path: str) -> list[list[str]]:
    """Rows of a list of names: the name, `f`, `m` or nothing, and for foreign names their language."""
    lines = Path(path).read_text("utf-8").splitlines()
    return [[*line.split("|"), ""] for line in lines if line and not line.startswith("#")]


def main(foreign: str, chinese: str) -> None:
    print(HEAD)
    print("## Chinese names\n")
    for name, gender, language, *_ in listed(foreign):
        print(f"### {name}\n\n| name | pinyin | say it like | sound | meaning | why |\n|---|---|---|---|---|---|")
        for found in suggest_chinese(name, seed=1, gender=gender or None, language=language, with_full=True):
            print(
                f"| **{found.hanzi}** | {found.pinyin} | {respelling(found.pinyin)} | {found.sound:.2f} "
                f"| {found.meaning_en} | {found.why_en} {found.why_zh} |"
            )
        print(f"\nThe whole name in a newspaper: {found.full} ({found.full_pinyin})\n")
    print("## English names\n")
    for name, gender, *_ in listed(chinese):
        print(f"### {name}\n\n| name | say it like | sound | why |\n|---|---|---|---|")
        for given in suggest_latin(name, seed=1, gender=gender or None):
            print(f"| **{given.name}** | {given.respelling} | {given.sound:.2f} | {given.why_en} {given.why_zh} |")
        print()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
