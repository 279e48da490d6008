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
