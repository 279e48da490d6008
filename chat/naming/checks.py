"""What is to be known about a name before it is given, in either script. Suggestions have none of it; a proposal of the
ceremony is shown with what was found, and its proposer decides.

The lists are ours and short: they catch what everybody in the room would notice, not everything.
"""

import re
import unicodedata

from chat.naming.pinyin import is_hanzi, plain, split_surname, syllables_of, tone
from chat.naming.tables import characters, famous, rude, taboo, words
from chat.naming.values import Finding, Kind

CHARACTERS_MAX = 4
"""Longest Chinese name: two characters of surname and two of given name."""
LETTERS_MAX = 40

BLOCKED_CHARACTERS = frozenset(
    "死亡尸葬丧鬼魂魔妖怪坏恶笨傻蠢呆痴疯癫癌病疾疮疤痔瘤瘸残废盲聋哑瞎秃屎尿屁粪肛奸淫娼妓嫖婊贱骚荡毒贼盗匪"
    "骗抢杀砍宰屠血腥臭烂腐脏丑怕惨悲哭泣痛苦穷贫饿瘟灾祸殃劫败衰绝断灭孤寡囚犯罪刑奴婢妾狗猪鼠蛆虫蛇龟鳖猴驴"
    "骂吵奶胸臀裸操肏屄屌逼鸭娘爸妈婴胎吃喝拉撒睡裤袜脚厕坑棺坟墓冥阴霉懒馋肥胖瘦矮恨怒仇怨愁忧伤"
)
"""In no given name. As a surname some of them are fine, so only the given name is looked at."""
BLOCKED_WORDS = ("共产", "法轮", "纳粹", "希特勒", "支那", "倭寇", "鬼子", "老外", "洋鬼", "黑鬼", "蛮夷", "fuck",
                 "nigg", "nazi", "hitler", "cunt", "chink", "faggot", "whore", "bitch", "slut", "rapist")  # fmt: skip
DATED = frozenset("娥芳桂娣婢妞秀兰花香翠凤珍艳红军强刚勇贵财富根柱栓旺福淑英霞梅萍芬玲琴素巧菊珠娟丽春宝国建发庆")
"""Characters of grandparents' names; one of them beside a modern one is in order, alone or with another it is not."""
_DATED_LATIN = frozenset((
    "agnes", "agatha", "bertha", "beulah", "blanche", "edna", "elmer", "enid", "ermintrude", "ernestine", "ethel",
    "eunice", "eustace", "gertrude", "gladys", "hilda", "horace", "hortense", "hubert", "ida", "irma", "mabel",
    "maud", "maude", "mildred", "mortimer", "myrtle", "norma", "olga", "opal", "percival", "phyllis", "prudence",
    "reginald", "rhoda", "thelma", "ursula", "velma", "verna", "vernon", "wilbur", "wilhelmina", "wilma",
    "winifred", "doris", "debbie",
))  # fmt: skip


def checks(name: str) -> list[Finding]:
    """Everything found, gravest first; nothing for a name nobody would stumble over. Takes Chinese and Latin names."""
    name = unicodedata.normalize("NFC", name).strip()
    hanzi = re.sub(r"[\s·・]", "", name)
    found = _hanzi(hanzi, whole="·" in name or "・" in name) if is_hanzi(hanzi) else _latin(name)
    order = list(Kind)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _hanzi(hanzi: str, whole: bool) -> list[Finding]:
    """`whole`: a foreign name written out, with a middle dot; it may be long."""
    surname, given = split_surname(hanzi)
    found = _blocked_words(hanzi)
    for character in dict.fromkeys(given):
        if character in BLOCKED_CHARACTERS:
            found.append(
                Finding(Kind.BLOCKED, character, f"{character} belongs in no name", f"“{character}”不宜用在名字里")
            )
    if not whole and not 2 <= len(hanzi) <= CHARACTERS_MAX:
        found.append(
            Finding(Kind.BLOCKED, hanzi, "a Chinese name has two to four characters", "中文名一般是两到四个字")
        )
    found += _homophones(hanzi, surname, given)
    if hanzi in famous():
        who = famous()[hanzi]
        found.append(Finding(Kind.FAMOUS, hanzi, f"everybody thinks of {who}", "与名人同名"))
    for part in dict.fromkeys((hanzi, given)):
        if len(part) > 1 and part in words():
            found.append(Finding(Kind.DICTIONARY_WORD, part, f"{part} is an ordinary word", f"“{part}”是一个普通词语"))
    old = [character for character in given if character in DATED]
    if old and (len(old) == len(given) or any(character in "娥娣婢妞翠桂芳" for character in old)):
        found.append(Finding(Kind.DATED, "".join(old), "sounds like a grandparent's name", "听起来像爷爷奶奶辈的名字"))
    return found


def _homophones(hanzi: str, surname: str, given: str) -> list[Finding]:
    """Toneless entries are heard in the whole name or the whole given name, those with tones in any two neighbours."""
    syllables = syllables_of(hanzi)
    cut = len(surname)
    bare = [plain(syllable) for syllable in syllables]
    toned = [f"{plain(syllable)}{tone(syllable)}" for syllable in syllables]
    heard = {"".join(bare): hanzi}
    if len(given) > 1:
        heard["".join(bare[cut:])] = given
    for start in range(len(hanzi)):
        for end in range(start + 2, len(hanzi) + 1):
            heard["".join(toned[start:end])] = hanzi[start:end]
    found = []
    for sound, part in heard.items():
        if sound in taboo() and (meaning := taboo()[sound])[1] != part:
            en, zh = meaning
            found.append(Finding(Kind.TABOO_HOMOPHONE, part, f"sounds like {zh}: {en}", f"与“{zh}”谐音"))
        elif sound in taboo():
            en, zh = taboo()[sound]
            found.append(Finding(Kind.BLOCKED, part, f"means {en}", f"“{zh}”不宜作名字"))
    whole = "".join(bare[cut:])
    if whole in rude() and len(given) >= 1 and whole not in _HARMLESS_PINYIN:
        en, zh = rude()[whole]
        found.append(Finding(Kind.RUDE_IN_OTHER_LANGUAGE, given, f"{whole}: {en}", f"{whole}：{zh}"))
    return found


_HARMLESS_PINYIN = frozenset(("bin", "wang", "hui", "lun", "con", "dong"))
"""Everyday in Chinese names: worth no word although another language hears something."""


def _latin(name: str) -> list[Finding]:
    found = _blocked_words(name.lower())
    if (
        not name
        or len(name) > LETTERS_MAX
        or not re.search(r"[^\W\d_]", name)
        or re.search(r"[\d_@#<>{}\[\]/\\]", name)
    ):
        found.append(Finding(Kind.BLOCKED, name, "this is no name", "这不像名字"))
    bare = "".join(c for c in unicodedata.normalize("NFD", name.lower()) if not unicodedata.combining(c))
    for word in dict.fromkeys(re.findall(r"[^\W\d_]+", bare)):
        if word in rude():
            en, zh = rude()[word]
            found.append(Finding(Kind.RUDE_IN_OTHER_LANGUAGE, word, en, zh))
        if word in _DATED_LATIN:
            found.append(Finding(Kind.DATED, word, "a grandparent's name to English ears", "英语里像爷爷奶奶辈的名字"))
    if " ".join(bare.split()) in famous():
        found.append(
            Finding(Kind.FAMOUS, name, f"everybody thinks of {famous()[' '.join(bare.split())]}", "与名人同名")
        )
    return found


def _blocked_words(name: str) -> list[Finding]:
    return [
        Finding(Kind.BLOCKED, word, f"{word} belongs in no name", f"“{word}”不宜用在名字里")
        for word in BLOCKED_WORDS
        if word in name
    ]


def usable(character: str) -> bool:
    """Whether suggestions may use this character: known, pleasant today, and on no list above."""
    row = characters().get(character)
    return row is not None and row.weight >= 2 and character not in BLOCKED_CHARACTERS
