"""Protected spans: nothing of the text is lost by cutting, nothing protected by translating."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.support.addresses import URLS_AMONG_CHINESE
from tests.support.timing import processor_s
from translator import masking
from translator.masking import Kind, Passage, Verbatim, lost, mask, protected, unmask, words

CHATTY = st.lists(
    st.sampled_from(
        regex.split(
            r"\|",
            """@白睿康|@Bob|@Bobby|https://例.com/a|https://x.io/p?q=1|看这里| |
|👩‍👩‍👧‍👦|😀|❤️|🇨🇳|`code`|a@b.org|hello|，|。|!|(|)|3.5
        |www.x.cn|example.com|`|@|:smile:|ω""",
        )
    ),
    max_size=14,
).map("".join)
ANY_TEXT = st.text(max_size=60) | CHATTY
MENTIONS = st.lists(st.sampled_from(["@白睿康", "@Bob", "@Bobby", "@a b", "@", " ", "x"]), max_size=3)


def spans(text: str, *mentions: str) -> list[tuple[str, str]]:
    verbatim = [segment for segment in mask(text, mentions) if isinstance(segment, Verbatim)]
    return [(segment.text, segment.kind.value) for segment in verbatim if segment.kind is not Kind.GLUE]


def passages(text: str, *mentions: str) -> list[str]:
    return [segment.text for segment in mask(text, mentions) if isinstance(segment, Passage)]


@given(ANY_TEXT, MENTIONS)
def test_the_segments_joined_are_the_text(text: str, mentions: list[str]) -> None:
    assert "".join(segment.text for segment in mask(text, mentions)) == text


@given(ANY_TEXT, MENTIONS, st.sampled_from(["zh", "en", "zh-Hant", "ja", "es"]))
def test_whatever_the_words_become_protected_spans_come_back(text: str, mentions: list[str], target: str) -> None:
    segments = mask(text, mentions)
    word = "词" if target in ("zh", "zh-Hant", "ja") else "word"
    made = unmask(segments, [word for segment in segments if isinstance(segment, Passage)], target)
    for segment in segments:
        if isinstance(segment, Verbatim) and segment.kind is not Kind.GLUE:
            assert segment.text in made
    assert made.count("\n") == text.count("\n")


@given(ANY_TEXT, MENTIONS)
def test_a_text_loses_nothing_to_itself(text: str, mentions: list[str]) -> None:
    assert lost(text, text, mentions) == ()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("看https://example.com/a看看", "https://example.com/a"),
        ("(see https://en.wikipedia.org/wiki/Tea_(drink)).", "https://en.wikipedia.org/wiki/Tea_(drink)"),
        ("（https://example.com/路）", "https://example.com/"),
        ("go to https://example.com/a?b=1&c=%E4%BD%A0, please", "https://example.com/a?b=1&c=%E4%BD%A0"),
        ("www.example.com.", "www.example.com"),
        ("github.com/foo很好", "github.com/foo"),
        ("在example.cn上", "example.cn"),
        ("HTTPS://EXAMPLE.COM!", "HTTPS://EXAMPLE.COM"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        *URLS_AMONG_CHINESE.items(),
    ],
)
def test_an_address_ends_where_the_address_ends(text: str, address: str) -> None:
    assert (address, "url") in spans(text)


@given(CHATTY, MENTIONS)
def test_of_a_name_and_another_span_whichever_begins_first_stays_whole(text: str, mentions: list[str]) -> None:
    """As one pattern of all of them says, which would have to be made for every line."""
    names = sorted({name for name in mentions if name.strip()}, key=lambda name: (-len(name), name))
    exact = "|".join(regex.escape(name) + (r"(?![A-Za-z0-9_])" if name[-1].isascii() else "") for name in names)
    pattern = regex.compile(f"(?P<NAMED>{exact})|{masking._PATTERN}" if names else masking._PATTERN)
    found = [(each.start(), each.lastgroup) for each in pattern.finditer(text) if each.lastgroup != "URL"]
    if "URL" not in (each.lastgroup for each in pattern.finditer(text)):
        kinds = {"NAMED": Kind.MENTION}
        expected = [(start, kinds.get(group or "") or Kind[group or ""]) for start, group in found]
        assert [(start, kind) for start, _, kind in masking._spans(text, mentions)] == expected


def test_a_name_within_an_address_does_not_cut_it() -> None:
    assert spans("https://x.example/@ann 看 @ann", "@ann") == [("https://x.example/@ann", "url"), ("@ann", "mention")]


@pytest.mark.parametrize("unit", ["a.", "1.", "+1", "twenty-", "-", "[", "@a", "a@", ").", "https://a/", "`", "@"])
def test_no_line_is_read_again_and_again(unit: str) -> None:
    """From each of its characters to its end, as before, it took up to a quarter of a second."""
    mask("warm @ann")
    line = (unit * 4000)[:4000] + "中k"
    assert processor_s(lambda: mask(line, ["@ann"])) < 0.08


@pytest.mark.parametrize("text", ["I said no.OK then", "e.g. this", "3.5 or 4.0", "node.js", "so.true", "Hi.me too"])
def test_what_only_looks_like_an_address_is_translated(text: str) -> None:
    assert not [kind for _, kind in spans(text) if kind == "url"]


def test_mentions_are_exact_and_the_longest_wins() -> None:
    assert ("@Bobby", "mention") in spans("hi @Bobby!", "@Bob", "@Bobby")
    assert ("@白睿康", "mention") in spans("你好@白睿康你在哪", "@白睿康", "@白")
    assert ("@Emily Johnson", "mention") in spans("thanks @Emily Johnson, bye", "@Emily Johnson")
    assert passages("你好@白睿康你在哪", "@白睿康") == ["你好", "你在哪"]


def test_a_handle_that_nobody_listed_is_kept_too() -> None:
    assert ("@new_one", "mention") in spans("ask @new_one about it")
    assert ("@小明", "mention") in spans("@小明 你好")
    assert passages("@小明你好") != []


@pytest.mark.parametrize(
    "emoji", ["😀", "❤️", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇳", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "#️⃣", ":joy:", "(≧▽≦)", "(╥﹏╥)"]
)
def test_emoji_are_one_span_each_and_never_reach_the_engine(emoji: str) -> None:
    text = f"今天很开心{emoji}我们去吃饭吧"
    assert (emoji, "emoji") in spans(text)
    assert passages(text) == ["今天很开心", "我们去吃饭吧"]


def test_digits_and_copyright_signs_of_plain_text_are_no_emoji() -> None:
    assert spans("I have 25 cats #1") == []


def test_code_and_mail_are_kept() -> None:
    assert spans("run `pip install x` now")[0] == ("`pip install x`", "code")
    assert ("```\na = 1\n```", "code") in spans("look:\n```\na = 1\n```")
    assert ("a.b+c@mail.example.org", "email") in spans("write to a.b+c@mail.example.org!")


@pytest.mark.parametrize(
    ("text", "code", "rest"),
    [
        ("文件是report_final.pdf", "report_final.pdf", ["文件是"]),
        ("The file is report_final.pdf", "report_final.pdf", ["The file is"]),
        ("/help 怎么用", "/help", ["怎么用"]),
        ("cd ~/src 然后 make test", "~/src", ["cd", "然后 make test"]),
        ("运行python main.py", "main.py", ["运行python"]),
        ("run main.py first", "main.py", ["run", "first"]),
        ("打开setup.py。", "setup.py", ["打开"]),
        ("React.js", "React.js", []),
        ("看...src/main.py吧", "src/main.py", ["看...", "吧"]),
        ("IMG_001.JPG 好看", "IMG_001.JPG", ["好看"]),
        ("把user_id改成get_user()", "get_user()", ["把", "改成"]),
        ("是*.zip吗", "*.zip", ["是", "吗"]),
        ('打开"main.py"看', '"main.py"', ["打开", "看"]),
        ("it's 'main.py' ok", "'main.py'", ["it's", "ok"]),
        ("main.py:3 报错", "main.py:3", ["报错"]),
        ("设user_id=3吧", "user_id=3", ["设", "吧"]),
        ("加--dry_run 试试", "--dry_run", ["加", "试试"]),
        ("look at ./run.sh.", "./run.sh", ["look at"]),
        ("改一下/etc/hosts就行", "/etc/hosts", ["改一下", "就行"]),
        ("in /usr/local/bin, I think", "/usr/local/bin", ["in", "I think"]),
        ("see ../a/b and ~/.bashrc", "~/.bashrc", ["see", "and"]),
    ],
)
def test_file_names_identifiers_paths_and_commands_are_code(text: str, code: str, rest: list[str]) -> None:
    assert (code, "code") in spans(text)
    assert passages(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        "and/or",
        "he/she",
        "我/she/they",
        "24/7",
        "e.g. this",
        "in the U.S. army",
        "3.5",
        "hello.world",
        "w/o sugar",
        "on 3/15",
        "yes.go on",
        "I am.so what",
        "ask.me",
        "I_____you",
        "他说 /s",
        "1_000",
        "see /help",
        "no...pdf",
        "走~/ 好",
        "it is.is it",
        "A / B/C",
    ],
)
def test_what_only_looks_like_code_is_translated(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize("text", ["会议纪要.pdf", "请看“会议纪要”.docx吧", "/我们走", "打开“main.py”看", "是《.pdf》"])
@pytest.mark.parametrize("word", ["Words", "these words"])
def test_a_translation_beside_code_makes_no_other_code(text: str, word: str) -> None:
    segments = mask(text)
    made = unmask(segments, [word.capitalize()] * sum(isinstance(each, Passage) for each in segments), "en")
    assert lost(text, made) == ()


def test_an_address_or_a_face_with_an_underscore_is_no_code() -> None:
    assert spans("me_you@mail.com https://x.io/a_b.py @new_one :smile_cat: T_T o_o") == [
        ("me_you@mail.com", "email"),
        ("https://x.io/a_b.py", "url"),
        ("@new_one", "mention"),
        (":smile_cat:", "emoji"),
        ("T_T", "emoji"),
        ("o_o", "emoji"),
    ]


@pytest.mark.parametrize(
    ("text", "face", "rest"),
    [
        ("Σ( ° △ °|||)", "Σ( ° △ °|||)", []),
        ("Σ(っ °Д °;)っ", "Σ(っ °Д °;)っ", []),
        ("ヽ(°〇°)ﾉ", "ヽ(°〇°)ﾉ", []),
        ("(シ_ _)シ", "(シ_ _)シ", []),
        ("(￣o￣) . z Z", "(￣o￣) . z Z", []),
        ("ε=ε=ε=┏(゜ロ゜;)┛快跑", "ε=ε=ε=┏(゜ロ゜;)┛", ["快跑"]),
        ("(つ≧▽≦)つ 抱抱", "(つ≧▽≦)つ", ["抱抱"]),
        ("(｀・ω・´)ゞ收到", "(｀・ω・´)ゞ", ["收到"]),
        ("我裂开了Σ(°△°|||)︴", "Σ(°△°|||)︴", ["我裂开了"]),
        ("┗|｀O′|┛ 嗷~~", "┗|｀O′|┛", ["嗷~~"]),
        ("o(≧口≦)o 气死", "o(≧口≦)o", ["气死"]),
        ("hello(^_^)", "(^_^)", ["hello"]),
        ("(≧▽≦)って言う", "(≧▽≦)", ["って言う"]),
    ],
)
def test_a_face_of_marks_has_its_arms(text: str, face: str, rest: list[str]) -> None:
    assert spans(text) == [(face, "emoji")]
    assert passages(text) == rest


@pytest.mark.parametrize(
    "text",
    [
        "他（老王）来了",
        "二〇二四年（二〇二三年）",
        "tea (green) now",
        "Σ(x) 是和",
        "f(a*b) = c",
        "第(三)章",
        "（°C）",
        "価格(税込)つき",
        "|x| ≤ |y|",
        "(5°)",
        "(a < b > c)",
    ],
)
def test_ordinary_brackets_are_no_face(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize(
    "unit",
    [
        *[
            "a_",
            "a.",
            "a-",
            "_",
            "_.",
            "a__",
            "a_.",
            "1_",
            "1//",
            ".",
            "./",
            "../",
            "~/",
            "/",
            "/a",
            "a/",
            "a.py-",
            "*.",
            "(",
            "(°",
            "(￣o",
            "(°°)",
            "(￣).",
            "Σ(",
            "つ(",
            "°",
            "ε=",
            "o(",
            "┗|",
        ],
        "~/a ",
        "z ",
    ],
)
def test_code_and_faces_are_looked_for_once(unit: str) -> None:
    mask("warm (^_^) a_b")
    line = (unit.replace("l", "|") * 4000)[:4000] + "中k"
    assert processor_s(lambda: mask(line)) < 0.02


@pytest.mark.parametrize(
    ("text", "made", "target", "result"),
    [
        ("你好@Bob，你在哪？", ["Hello", "Where are you?"], "en", "Hello @Bob, Where are you?"),
        ("Thanks @Bob!", ["谢谢"], "zh", "谢谢 @Bob！"),
        ("@Bob: do you like tea?", ["你喜欢茶吗？"], "zh", "@Bob：你喜欢茶吗？"),
        ("看https://x.io/a看看", ["Look", "look"], "en", "Look https://x.io/a look"),
        ("see https://x.io/a, ok?", ["看", "好吗？"], "zh", "看 https://x.io/a，好吗？"),
        ("开心😀吃饭", ["Happy", "eat"], "en", "Happy 😀 eat"),
        ("happy😀😀 now", ["开心", "现在"], "zh", "开心😀😀现在"),
        ("一\n\n二", ["one", "two"], "en", "one\n\ntwo"),
        ("(https://x.io)", [], "zh", "(https://x.io)"),
    ],
)
def test_joining_follows_the_spacing_of_the_target(text: str, made: list[str], target: str, result: str) -> None:
    got = unmask(mask(text, ["@Bob"]), made, target)
    assert got.replace(" 😀", "😀").replace("😀 ", "😀") == result.replace(" 😀", "😀").replace("😀 ", "😀")
    if "😀" in result and target == "en":
        assert got == result


def test_a_span_that_vanished_or_came_twice_is_named() -> None:
    assert lost("hi @Bob", "你好", ["@Bob"]) == ("@Bob",)
    assert lost("hi @Bob", "@Bob 你好 @Bob", ["@Bob"]) == ("@Bob",)
    assert lost("hi", "你好😀") == ("😀",)
    assert lost("hi 😀", "😀你好") == ()


def test_unmask_wants_one_translation_for_each_passage() -> None:
    with pytest.raises(ValueError, match="one translation for each passage"):
        unmask(mask("hello"), [], "zh")


def test_detection_sees_only_the_words() -> None:
    assert words(mask("@Bob 你好 https://x.io/english")) == "你好"
    assert protected("a@b.org a@b.org") == {"a@b.org": 2}


@pytest.mark.parametrize(
    "face",
    [
        "¯\\_(ツ)_/¯",
        "(╯°□°)╯︵ ┻━┻",
        "(｡•́︿•̀｡)",
        ">_<",
        "^_^",
        "T_T",
        ":)",
        ":-D",
        "<3",
        "xD",
        "(^▽^)",
        "-_-||",
        "orz😀",
    ],
)
@pytest.mark.parametrize("form", ["今天好累 {}", "{} so tired", "好累{}\n明天见"])
def test_faces_come_through(face: str, form: str) -> None:
    text = form.format(face)
    segments = mask(text)
    assert "".join(segment.text for segment in segments) == text
    made = unmask(segments, ["word"] * sum(isinstance(segment, Passage) for segment in segments), "en")
    assert face.removeprefix("orz") in made
    assert lost(text, made) == ()


FACES = st.lists(
    st.sampled_from([*"TQVWvwoOuUqaxXDQA39", "你", "é", "Привет", " ", ".", "...", ".com", "，", "'", "…", "?", "ツ"]),
    max_size=10,
).map("".join)


@given(FACES | ANY_TEXT)
def test_an_everyday_text_holds_no_protected_span(text: str) -> None:
    if masking._is_everyday(text):
        assert masking._ANY.search(text) is None


def test_no_everyday_character_is_a_span_of_its_own() -> None:
    everyday = [chr(code) for code in range(0x20000) if masking._is_everyday(chr(code))]
    assert len(everyday) > 30_000
    assert not [character for character in everyday if masking._ANY.search(character)]
