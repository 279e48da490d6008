"""The page's pure modules, run where they live: imported into a browser from the real server."""

import re
from typing import Any

import pytest

from chat.errors import ErrorCode
from chat.language import canonical
from chat.limits import ONCE_KEY_LIFE_S, WORD_CHARS_MAX, WORD_INNOCENT_MAX
from chat.wire import Codec
from tests.browser.conftest import ROOT, MakePhone, Phone
from tests.support.addresses import URLS_AMONG_CHINESE
from translator.pipeline import Why

pytestmark = pytest.mark.browser

LATER = ("panels", "sheet", "door", "depth", "deeper", "preview", "mentions")
NAMING = ("naming", "ceremony", "card")
WEB = ROOT / "gateway" / "web"
STAGE = sorted(path.stem for path in (WEB / "stage").glob("*.js"))


def all_words(phone: Phone) -> Any:
    """The one table, with what adds itself to it later."""
    more = "".join(f"await import('/web/{one}.js');" for one in ("naming/words", "stage/words", "stage/host-words"))
    return run(phone, "words-later.js", f"{more} return (await import('/web/words.js')).WORDS;")


@pytest.fixture(scope="module")
def phone(make_lasting_phone: MakePhone) -> Phone:
    phone = make_lasting_phone("en-US")
    phone.page.goto(phone.village.url)
    return phone


def run(phone: Phone, module: str, body: str, argument: Any = None) -> Any:
    return phone.page.evaluate(
        f"async (argument) => {{ const m = await import('/web/{module}'); {body} }}",
        argument,
    )


def test_every_word_is_there_in_both_languages_with_the_same_blanks(phone: Phone) -> None:
    words = all_words(phone)
    for key, row in words.items():
        assert len(row) == 2, key
        blanks = [set(re.findall(r"\{(\w+)\}", value if isinstance(value, str) else value["other"])) for value in row]
        assert blanks[0] == blanks[1], key
        for value in row:
            for form in [value] if isinstance(value, str) else value.values():
                assert form.strip(), key


def test_every_error_code_and_reason_has_words(phone: Phone) -> None:
    words = all_words(phone)
    assert [code for code in ErrorCode if f"error_{code}" not in words] == []
    assert [reason for reason in Why if f"reason_{reason}" not in words] == []


def test_every_key_the_page_asks_for_exists(phone: Phone) -> None:
    words = all_words(phone)
    modules = phone.page.eval_on_selector_all("link[rel=modulepreload]", "links => links.map((link) => link.href)")
    modules += [f"{phone.village.url}/web/view/{name}.js" for name in LATER]
    modules += [f"{phone.village.url}/web/naming/{name}.js" for name in NAMING]
    modules += [f"{phone.village.url}/web/stage/{name}.js" for name in STAGE]
    for address in modules:
        source = phone.page.evaluate("async (address) => (await fetch(address)).text()", address)
        for key in re.findall(r"\bsay\(\"(\w+)\"", source):
            assert key in words, f"{address} asks for {key}"


def test_what_is_fetched_later_is_kept_for_a_phone_without_a_network() -> None:
    """The worker keeps what the page names, and a list of everything else: a module that is in neither is missing where
    there is no network."""
    named = (WEB / "index.html").read_text("utf-8") + (WEB / "sw.js").read_text("utf-8")
    modules = [path for kind in ("js", "css") for path in WEB.rglob(f"*.{kind}") if path.name != "sw.js"]
    assert [path.name for path in modules if f'"/web/{path.relative_to(WEB).as_posix()}"' not in named] == []


def test_the_page_and_the_server_agree(phone: Phone) -> None:
    tags = [
        "zh",
        "zh-CN",
        "zh_Hans",
        "zh-SG",
        "zh-TW",
        "zh-Hant",
        "zh-HK",
        "zh-Hans-HK",
        "yue",
        "cmn",
        "en-US",
        "pt-BR",
        "JA",
    ]
    found = run(phone, "language.js", "return argument.map(m.canonical);", tags)
    assert found == [canonical(tag) for tag in tags]
    assert run(phone, "unsent.js", "return m.LIFE_MS;") == ONCE_KEY_LIFE_S * 1000
    assert run(phone, "socket.js", "return m.SUBPROTOCOL;") == Codec.JSON.value
    listed = run(phone, "stage/records.js", "return [m.INNOCENT_MAX, m.WORD_CHARS_MAX];")
    assert listed == [WORD_INNOCENT_MAX, WORD_CHARS_MAX]


def test_scripts_are_guessed_with_care(phone: Phone) -> None:
    lines = {
        "我今天很happy": "Han", "Let's go 火锅 tonight everyone": "Latin", "666": None, "hhhh": None, "哈哈哈": "Han",
        "😀👍🏽": None, "https://example.org/你好": None, "こんにちは世界": "Kana", "노래": "Hangul",
        "Привет": "Cyrillic",
        "@Brecken 你好": "Han", "lol": None, "Ok": None,
    }  # fmt: skip
    found = run(phone, "language.js", "return argument.map(m.scriptIn);", list(lines))
    assert dict(zip(lines, found, strict=True)) == {**lines, "https://example.org/你好": "Han"}


def test_links_end_where_chinese_begins_unless_it_is_a_part_of_them(phone: Phone) -> None:
    cases: dict[str, list[str]] = {
        "看https://a.example/b吧": ["https://a.example/b"],
        "（见https://a.example/b_(c)）": ["https://a.example/b_(c)"],
        "https://a.example/b。好，http://c.example/?q=1&r=2！": ["https://a.example/b", "http://c.example/?q=1&r=2"],
        "See (https://a.example/b). Then https://a.example!": ["https://a.example/b", "https://a.example/"],
        "javascript:alert(1) ftp://a.example data:text/html,x": [],
        "https://good.example@evil.example/": [],
        "https://": [],
    }
    for text, expected in cases.items():
        parts = run(phone, "links.js", "return m.parts(argument);", text)
        assert [part["href"] for part in parts if "href" in part] == expected
        assert "".join(part["text"] for part in parts) == text
    for text, url in URLS_AMONG_CHINESE.items():  # the translator keeps what the page links (test_masking)
        parts = run(phone, "links.js", "return m.parts(argument);", text)
        assert [part["text"] for part in parts if "href" in part] == [url]


def test_a_mention_is_found_after_any_character(phone: Phone) -> None:
    queries = {
        "@": ["", True], "你好@白": ["白", True], "你好＠白": ["白", True], "hi @Bai Rui": ["Bai Rui", True],
        "mail me@exam": ["exam", False], "no at": None, "@ later": None, "@a\nb": None,
    }  # fmt: skip
    for text, expected in queries.items():
        found = run(phone, "finding.js", "const q = m.mentionQuery(argument); return q && [q.typed, q.eager];", text)
        assert found == expected, text


def test_a_room_is_the_set_of_its_entries(phone: Phone) -> None:
    """Any order, any repetition: the same room. Sixty shuffles of a log with every kind of event."""
    results = run(
        phone,
        "room.js",
        """
        const by = 'h', of = 3, language = 'zh', source = 'en', mentions = [];
        const log = [
          {type: 'room_created', by, name: 'Host', title: 'T'},
          {type: 'joined', user: 'a', name: 'A', role: 'guest'},
          {type: 'posted', author: 'a', name: 'A', text: 'one', mentions},
          {type: 'posted', author: by, name: 'H', text: 'two', mentions},
          {type: 'reacted', of, by, emoji: '👍', on: true},
          {type: 'edited', of, by: 'a', revision: 1, text: 'uno', mentions},
          {type: 'translated', of, revision: 0, language, source, text: '一'},
          {type: 'reacted', of, by, emoji: '👍', on: false},
          {type: 'untranslated', of, revision: 1, language, source, reason: 'doubtful'},
          {type: 'translated', of, revision: 1, language, source, text: '壹'},
          {type: 'edited', of, by: 'a', revision: 2, text: 'eins', mentions},
          {type: 'reacted', of: 4, by: 'a', emoji: '🎉', on: true},
          {type: 'a_word_of_tomorrow', of: 4},
          {type: 'left', user: 'a', by: 'a'},
        ].map((event, index) => ({seq: index + 1, at_ms: 1000 * index, event, epoch: 'e'}));
        const posts = log.filter((one) => ['posted', 'joined', 'room_created'].includes(one.event.type));
        const picture = (room) => JSON.stringify(room.order.map((seq) => { const one = room.messages.get(seq);
          return [seq, one.kind, one.text, one.revision, one.marks && m.reactions(one, 'h'),
            one.translations && [...one.translations.values()].map((t) => [t.language, t.revision, t.text])]; }));
        const pictures = new Set();
        let seed = 7;
        const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
        for (let round = 0; round < 60; round += 1) {
          const room = m.emptyRoom('r'); room.epoch = 'e';
          for (const one of posts) m.applyEntry(room, one);
          const rest = [...log, ...log].map((one) => [random(), one]).sort((a, b) => a[0] - b[0]);
          for (const [, one] of rest) m.applyEntry(room, one);
          pictures.add(picture(room));
          if (room.last !== 14) pictures.add('last ' + room.last);
        }
        return [...pictures];
        """,
    )
    assert len(results) == 1
    assert '"eins",2' in results[0]
    assert "👍" not in results[0]


def test_a_recall_empties_the_message(phone: Phone) -> None:
    result = run(
        phone,
        "room.js",
        """
        const room = m.emptyRoom('r'); room.epoch = 'e';
        const add = (seq, event) => m.applyEntry(room, {seq, at_ms: seq, event});
        const late = {type: 'translated', of: 1, revision: 0, language: 'zh', source: 'en', text: '哎呀'};
        add(1, {type: 'posted', author: 'a', name: 'A', text: 'oops', mentions: []});
        add(2, late);
        add(3, {type: 'recalled', of: 1, by: 'a', author: 'a'});
        add(2, late);
        const one = room.messages.get(1);
        return [one.text, one.recalled_by, one.translations.size];
        """,
    )
    assert result == ["", "a", 0]


def test_messages_are_grouped_by_author_and_five_minutes(phone: Phone) -> None:
    blocks = run(
        phone,
        "room.js",
        """
        const { layout } = await import('/web/layout.js');
        const room = m.emptyRoom('r'); room.epoch = 'e';
        const minute = 60000;
        const say = (seq, author, at) => m.applyEntry(room,
          {seq, at_ms: at * minute, event: {type: 'posted', author, name: author, text: 't', mentions: []}});
        say(1, 'a', 0); say(2, 'a', 4); say(3, 'a', 8.5); say(4, 'a', 14); say(5, 'b', 14); say(6, 'a', 1500);
        room.gaps.push({after: 4, missed: 3, lost: true});
        return layout(room, [{once: 'x', at_ms: 1500 * minute, seq: null}, {once: 'y', at_ms: 0, seq: 6}],
          {me: 'a', unread: 2, dayOf: (ms) => String(Math.floor(ms / (1440 * minute)))})
          .map((one) => one.kind + (one.head ? '*' : ''));
        """,
    )
    assert blocks == ["date", "post*", "unread", "post*", "post", "post*", "gap", "post*", "date", "post*", "unsent"]
