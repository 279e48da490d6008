"""How `simplified.tsv` and `readings.tsv` were made; not run at install, nor by the product.

    python -m chat.moderation.data.make

- `simplified.tsv`: Traditional and variant characters, and below them, in the same order, the Simplified ones: what
  OpenCC (Apache-2.0) makes of each character alone, and some of our own that OpenCC leaves to phrases.
- `readings.tsv`: syllable without tone, and the Simplified characters whose usual reading it is, from pypinyin (MIT).
"""

import unicodedata
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
HAN = [range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0x20000, 0x2A6E0)]
OWN = {
    "乾": "干",
    "幹": "干",
    "榦": "干",
    "妳": "你",
    "牠": "它",
    "祂": "他",
    "臺": "台",
    "裏": "里",
    "麽": "么",
    "媽": "妈",
}


def main() -> None:
    import opencc
    from pypinyin.pinyin_dict import pinyin_dict

    converter = opencc.OpenCC("t2s")
    pairs = {chr(code): converter.convert(converter.convert(chr(code))) for block in HAN for code in block} | OWN
    changed = [(old, new) for old, new in pairs.items() if old != new and len(new) == 1]
    with (HERE / "simplified.tsv").open("w", encoding="utf-8") as table:
        table.write("# Made by make.py from OpenCC's tables (Apache-2.0): Traditional, and below them Simplified\n")
        for column in zip(*changed, strict=True):
            table.write("".join(column) + "\n")
    syllables = defaultdict(list)
    for code, readings in pinyin_dict.items():
        character = chr(code)
        if 0x4E00 <= code < 0xA000 and pairs.get(character, character) == character:
            first = unicodedata.normalize("NFD", readings.split(",")[0])
            bare = "".join(mark for mark in first if mark not in "\u0300\u0301\u0304\u030c\u0302")
            letters = unicodedata.normalize("NFC", bare).replace("ü", "v").replace("ê", "e")
            if letters.isascii() and letters.isalpha():
                syllables[letters].append(character)
    with (HERE / "readings.tsv").open("w", encoding="utf-8") as table:
        table.write("# Made by make.py from pypinyin's table (MIT): syllable without tone, characters read so\n")
        for syllable, characters in sorted(syllables.items()):
            table.write(f"{syllable}\t{''.join(sorted(characters))}\n")


if __name__ == "__main__":
    main()
