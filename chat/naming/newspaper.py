"""A whole foreign name as a Chinese newspaper writes it: `Brecken Johnson` -> `布雷肯·约翰逊`.

Names with a writing everybody uses are listed; others are put together syllable by syllable from a table in the way of
the usual transliteration tables, with the softer characters (莉, 娜, 玛) for women.
"""

from functools import cache

from chat.naming.sounds import Slot, letters_of, slots
from chat.naming.tables import rows

_COLUMNS = ("a", "e", "i", "o", "u", "ai", "ao", "an", "en", "in", "ang", "ong", "")
_TABLE = {
    "": "阿埃伊奥乌艾奥安恩因昂翁", "B": "巴贝比博布拜鲍班本宾邦邦布", "P": "帕佩皮波普派保潘彭平庞蓬普",
    "D": "达德迪多杜戴道丹登丁当东德", "T": "塔特蒂托图泰陶坦滕廷唐通特", "G": "加盖吉戈古盖高甘根金冈贡格",
    "K": "卡凯基科库凯考坎肯金康孔克", "V": "瓦韦维沃武韦沃万文文旺翁夫", "W": "瓦韦威沃伍怀沃万文温旺翁夫",
    "F": "法费菲福富法福凡芬芬方丰夫", "Z": "扎泽齐佐祖宰藻赞曾津藏宗兹", "S": "萨塞西索苏赛绍桑森辛桑松斯",
    "SH": "沙谢希肖舒夏绍尚申欣尚雄什", "CH": "查切奇乔丘柴乔钱琴钦昌琼奇", "JH": "贾杰吉乔朱贾焦詹真金江琼奇",
    "ZH": "扎热日若茹宰饶让任任让容日", "HH": "哈赫希霍胡海豪汉亨欣杭洪赫", "M": "马梅米莫穆迈毛曼门明芒蒙姆",
    "N": "纳内尼诺努奈瑙南嫩宁南农恩", "L": "拉莱利洛卢莱劳兰伦林朗隆尔", "R": "拉雷里罗鲁赖劳兰伦林朗龙尔",
    "Y": "亚耶伊约尤亚尧扬延因扬永伊", "TS": "察采齐措楚蔡曹灿岑钦仓聪茨", "TH": "萨塞西索图泰绍坦森辛桑松斯",
    "DH": "扎泽齐佐祖宰藻丹登丁当东兹", "NG": "恩恩恩恩恩恩恩恩恩恩恩恩恩",
}  # fmt: skip
_VOWEL = {
    "AA": "a", "AE": "a", "AH": "a", "AX": "e", "AO": "o", "AW": "ao", "AY": "ai", "EH": "e", "ER": "e", "EY": "e",
    "IH": "i", "IY": "i", "OW": "o", "OY": "o", "UH": "u", "UW": "u", "UE": "u",
}  # fmt: skip
_NASAL = {"a": "an", "ai": "an", "ao": "ang", "e": "en", "i": "in", "o": "ong", "u": "en"}
_SOFT = str.maketrans("马纳利里丽西蒂尔文", "玛娜莉丽丽西蒂尔雯")


@cache
def _listed() -> dict[str, str]:
    return {row[0]: row[1] for row in rows("newspaper.tsv")}


def transliterated(name: str, gender: str | None = None, language: str | None = None) -> str:
    """All words of the name, joined by a middle dot; empty for a name without Latin letters."""
    written = [_word(word, gender if index == 0 else None, language) for index, word in enumerate(name.split())]
    return "·".join(filter(None, written))


def _word(word: str, gender: str | None, language: str | None) -> str:
    listed = _listed().get(letters_of(word))
    if listed:
        return listed
    found = "".join(_slot(slot) for slot in slots(word, language))
    return found.translate(_SOFT) if gender == "f" else found


def _slot(slot: Slot) -> str:
    row = _TABLE.get(slot.onset, _TABLE[""])
    if not slot.vowel:
        return "" if slot.onset in ("R", "HH", "Y", "W") else row[-1]
    column = _VOWEL[slot.vowel]
    if slot.onset and slot.glide:
        return row[-1] + _slot(slot._replace(onset=slot.glide, glide=""))
    if slot.nasal == "M" and not slot.shared:
        return row[_COLUMNS.index(column)] + "姆"
    if slot.nasal and not slot.shared:
        column = "ang" if slot.nasal == "NG" and column == "a" else _NASAL[column]
    return row[_COLUMNS.index(column)]
