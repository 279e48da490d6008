"""Which display names may be kept in a line, and where: a name that is a word too must not spoil a room. Pure.

Invariant: a name that is made of ordinary words alone is never kept where the line may mean the words. In Chinese that
is anywhere (今天 is in every second line); in English it is kept where its capital can only be that of a name. What is
not kept goes through the engine like any other word, which at worst translates a name; kept, it would leave a word
untranslated in every line of everybody. A member who is called by "@" is called by any name: mentions are not asked
about here. Own choice of words: what chat says most, and what people like to call themselves.
"""

from typing import Final

import regex

from translator.chinese import to_simplified
from translator.guests import WORDS
from translator.scripts import WIDE

HAN_MIN: Final = 2
"""One Han character is a word of any line."""

_HAN: Final = regex.compile(r"\p{Han}")
_HAN_ONLY: Final = regex.compile(r"\p{Han}+")
_WORD: Final = regex.compile(r"[\p{L}\p{N}'’]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HAN_WORDS: Final = _words(
    """
    我们 你们 他们 她们 它们 咱们 大家 自己 人家 别人 有人 没人 某人 那个 这个 哪个 那些 这些 哪些 那里 这里 哪里 那边
    这边 那儿 这儿 哪儿 那样 这样 怎样 怎么 什么 为什么 多少 几个 所有 每个 一个 一些 一点 一下 一起 一样 一直 一定
    一切 一般 有点 有些 很多 许多 不少 全部 都是 就是 还是 只是 可是 但是 不过 而且 或者 如果 因为 所以 虽然 然后 于是
    今天 明天 昨天 后天 前天 今晚 明晚 昨晚 今早 明早 早上 上午 中午 下午 晚上 半夜 凌晨 白天 夜里 现在 刚才 刚刚 以前
    以后 之前 之后 最近 将来 未来 过去 从前 平时 有时 时候 时间 小时 分钟 星期 周末 周一 周二 周三 周四 周五 周六 周日
    星期一 星期二 星期三 星期四 星期五 星期六 星期天 星期日 今年 明年 去年 春天 夏天 秋天 冬天 每天 天天 生日 新年
    春节 中秋 国庆 圣诞 马上 已经 正在 曾经 永远 经常 总是 突然 终于 其实 当然 确实 真的 假的 特别 非常 十分 比较 更加
    你好 您好 大家好 早安 午安 晚安 早上好 晚上好 再见 拜拜 谢谢 多谢 感谢 抱歉 对不起 没关系 不客气 没事 欢迎 请问
    恭喜 加油 哈哈 哈哈哈 呵呵 嘿嘿 嘻嘻 嗯嗯 好吧 好的 好啊 可以 不行 是的 不是 不要 不用 不能 不会 不知道 没有 也许
    可能 应该 必须 需要 愿意 知道 觉得 认为 以为 希望 喜欢 讨厌 相信 记得 忘记 明白 认识 了解 理解 快乐 高兴 开心 幸福
    难过 伤心 生气 害怕 无聊 有趣 有意思 好玩 好看 好吃 好听 好笑 漂亮 美丽 可爱 帅气 温柔 善良 聪明 厉害 优秀 努力
    认真 简单 复杂 容易 困难 重要 特殊 普通 正常 奇怪 舒服 辛苦 疲惫 健康 安全 危险 干净 安静 热闹 方便 麻烦 便宜 免费
    新鲜 美好 完美 精彩 幸运 自由 平安 和平 勇敢 勇气 坚强 孤独 寂寞 浪漫 甜蜜 神秘 冷静 淡定 低调 潇洒 随便 随缘 所谓
    无所谓 想念 思念 回忆 记忆 梦想 理想 奋斗 坚持 放弃 成功 失败 胜利 开始 结束 继续 起来 出来 出去 进来 进去 回来
    回去 过来 回家 上班 下班 上课 下课 上学 放学 放假 睡觉 起床 吃饭 做饭 喝酒 喝水 喝茶 唱歌 跳舞 画画 看书 读书 学习
    工作 休息 运动 跑步 游泳 旅行 旅游 散步 逛街 购物 聊天 说话 打电话 见面 等待 帮忙 帮助 介绍 告诉 问题 回答 办法
    事情 东西 地方 意思 名字 故事 消息 新闻 世界 地球 宇宙 中国 北京 上海 广州 深圳 香港 台湾 澳门 美国 日本 韩国 英国
    法国 德国 国家 城市 农村 家乡 学校 大学 公司 医院 酒店 饭店 餐厅 超市 机场 车站 公园 房间 房子 路上 外面 里面 上面
    下面 前面 后面 旁边 中间 中文 英文 汉语 英语 普通话 外国 外国人 中国人 美国人 爸爸 妈妈 爷爷 奶奶 外公 外婆 哥哥
    姐姐 弟弟 妹妹 叔叔 阿姨 舅舅 姑姑 老公 老婆 丈夫 妻子 儿子 女儿 孩子 小孩 宝宝 宝贝 亲爱的 朋友 男朋友 女朋友
    好朋友 闺蜜 兄弟 姐妹 同学 同事 老师 学生 医生 护士 警察 司机 老板 经理 客人 先生 女士 小姐 帅哥 美女 男人 女人
    男生 女生 男孩 女孩 老人 年轻人 主播 粉丝 群主 管理员 游客 新人 路人 网友 观众 歌手 演员 作家 阳光 太阳 月亮 星星
    星空 天空 天气 蓝天 白云 彩虹 下雨 下雪 大雨 雨天 晴天 阴天 雪花 微风 大海 海洋 海边 沙滩 森林 草原 大山 河流 风景
    花朵 鲜花 玫瑰 荷花 樱花 桃花 向日葵 小草 大树 树叶 落叶 苹果 香蕉 西瓜 草莓 葡萄 橙子 橘子 柠檬 桃子 樱桃 芒果
    菠萝 水果 蔬菜 土豆 番茄 西红柿 米饭 面条 饺子 包子 馒头 面包 蛋糕 饼干 糖果 巧克力 冰淇淋 牛奶 奶茶 咖啡 可乐
    啤酒 红酒 绿茶 红茶 豆腐 鸡蛋 牛肉 猪肉 鸡肉 早餐 早饭 午饭 晚饭 零食 小猫 小狗 猫咪 狗狗 熊猫 老虎 狮子 大象 猴子
    兔子 老鼠 小鸟 蝴蝶 蜜蜂 乌龟 狐狸 动物 宠物 手机 电脑 电视 电影 音乐 歌曲 游戏 比赛 足球 篮球 节目 视频 照片 图片
    直播 网络 微信 微博 抖音 软件 礼物 红包 衣服 裤子 鞋子 帽子 眼镜 价格 汽车 飞机 火车 地铁 公交 出租车 自行车 眼泪
    眼睛 头发 身体 心情 爱情 爱好 感情 生活 生命 人生 青春 命运 缘分 灵魂 天使 天堂 魔鬼 英雄 传说 国王 公主 王子 女王
    匿名 昵称 用户 红色 黄色 蓝色 绿色 白色 黑色 紫色 颜色 第一 第二 最后 最好 更好 还好 太好了 太棒了 好久不见 路过
    无名 无语 随意 唯一
    """
)
_HAN_GRAMMAR: Final = frozenset(
    "我你您他她它咱的了吗呢吧啊呀哦嘛么是不没有在很太好都也就还和跟与这那哪来去要想会能说看吃爱"
)
"""With these beside them, ordinary words stay ordinary: 谢谢你, 好开心啊."""

_ENGLISH_GRAMMAR: Final = WORDS["en"] | _words(
    """
    i am ok okay yes no hi hello hey bye goodbye thanks morning evening afternoon night today tomorrow yesterday tonight
    now then here there monday tuesday wednesday thursday friday saturday sunday january february march april may june
    july august september october november december please sorry everyone everybody someone anyone nobody everything
    something anything nothing god english chinese x me us
    """
)
_ENGLISH_WORDS: Final = _words(
    """
    will mark bill art guy man joy summer grace hope faith rose rich sunny happy angel sky star rain river sea king
    autumn dawn chase love moon sun light cat cats dog dogs bird fish tiger lion bear wolf fox panda rabbit bunny
    monkey kitty puppy apple orange lemon lime cherry peach berry strawberry banana mango candy sugar honey coffee tea
    milk water beer wine food rice cake bread cookie pizza fire ice snow wind storm thunder cloud clouds ocean lake
    mountain forest tree flower leaf stone rock gold silver diamond crystal shadow ghost demon devil dragon phoenix
    hero legend master boss chief captain doctor teacher student driver player gamer winner loser friend friends baby
    babe mama papa mom mum dad daddy mommy sister brother bro sis uncle aunt boy boys girl girls woman women men child
    children kid kids lady sir miss mister queen prince princess guest user admin host moderator member nobody
    anonymous stranger traveler world earth heaven dream dreams dreamer magic music dance dancer song singer movie
    game games book books story letter word words number name news cool nice sweet cute pretty beautiful lovely lucky
    crazy funny lazy sleepy hungry tired lonely sad angry quiet silent calm wild free brave smart simple real true
    pure fresh bright dark warm cold hot blue red green black white pink purple yellow brown gray grey golden run play
    work eat sleep read write sing walk talk call wait stop start open close buy sell pay win lose find stay leave
    watch listen learn study help try use feel hear show tell ask meet bring send keep turn live move hold believe
    happen die kill kiss hug smile laugh cry fly swim jump drink cook drive ride travel rest minute minutes hour hours
    week weekend month months year years spring winter season weather place house room school class city town country
    street road car bus train plane bike phone computer internet online money job office company life heart soul mind
    body head face eye eyes hand hands foot feet hair voice side line end part point question answer problem idea
    thing things way ways fun luck peace freedom truth power energy future past present moment forever never always
    sometimes maybe perfect special different same easy hard long short high low fast slow early late full empty poor
    young alone together ready busy sure right wrong left second third chance change party group team chat message
    test
    """
)
"""Names in Latin letters that are words too, and no grammar of every sentence."""

_CONTINUES: Final = regex.compile(rf"[\p{{L}}\p{{N}},，、;；'’)）\]】”~～&+]|{WIDE}")
"""Before a capital in the middle of a sentence. Anything else may begin one."""
_NEXT: Final = regex.compile(r"[ \t]+([\p{L}'’]+)")
_OF_NAMES: Final = _words(
    """
    will won't is isn't was wasn't has hasn't had did didn't does doesn't says said came comes went left joined sent
    told asked asks wants wanted thinks thought knows knew likes loves
    """
)
"""What follows a name at the beginning of a sentence, where every word has a capital: "Will will come"."""


def is_distinct(name: str) -> bool:
    """True for a name that is hardly ever an ordinary word: kept wherever it stands."""
    han = len(_HAN.findall(name))
    if han:
        return (han >= HAN_MIN or len(name) > han + 1) and not _is_ordinary_han(name)
    words = _spoken(name)
    return len(name) >= 2 and not name.isdigit() and not (words and all(map(_is_ordinary_english, words)))


def is_written_as_name(name: str) -> bool:
    """True for a name of ordinary English words that its capitals may tell from them: Will, Happy Cat, not `today`."""
    words = _spoken(name)
    return (
        len(name) >= 2
        and not _HAN.search(name)
        and any(word.casefold() in _ENGLISH_WORDS for word in words)
        and all(word[0].isupper() and not word.isupper() for word in words)
    )


def is_meant(text: str, start: int, end: int) -> bool:
    """True where `text[start:end]`, for which `is_written_as_name` holds, is the name and not the word."""
    before = text[:start].rstrip()
    following = _NEXT.match(text, end)
    beside = following[1].replace("’", "'") if following else ""
    if before and _CONTINUES.match(before[-1]):
        return not beside[:1].isupper() or beside.split("'")[0] == "I"  # "Love Will Find A Way" is a title
    return beside.casefold() in _OF_NAMES


def _spoken(name: str) -> list[str]:
    return [str(word) for word in _WORD.findall(name)]


def _is_ordinary_english(word: str) -> bool:
    folded = word.casefold()
    return folded in _ENGLISH_GRAMMAR or folded in _ENGLISH_WORDS


def _is_ordinary_han(name: str) -> bool:
    """True for a name that falls into ordinary words, in either script."""
    if not _HAN_ONLY.fullmatch(name):
        return False
    plain = to_simplified(name)
    ends = {0}
    for end in range(1, len(plain) + 1):
        parts = (plain[start:end] for start in ends)
        if any(part in _HAN_WORDS or part in _HAN_GRAMMAR for part in parts):
            ends.add(end)
    return len(plain) in ends
