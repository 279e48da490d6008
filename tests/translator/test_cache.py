"""Sentences remembered: bounded, least recently used first to go, never across versions."""

from hypothesis import given
from hypothesis import strategies as st

from translator.cache import FORBIDDEN_MAX, FORBIDDEN_S, TEXT_CHARS_MAX, Cache, CacheKey


def key(text: str, version: str = "1") -> CacheKey:
    return CacheKey("en_zh", version, "beam2", text)


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(2)
    cache.put(key("a"), "A", 0)
    cache.put(key("b"), "B", 0)
    assert cache.get(key("a")) == "A"
    cache.put(key("c"), "C", 0)
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) == "A"
    assert cache.statistics() == {"cache_entries": 2, "cache_hits": 2, "cache_misses": 1, "cache_forgotten": 0}


def test_an_upgraded_package_does_not_answer_for_its_predecessor() -> None:
    cache = Cache()
    cache.put(key("a"), "old", 0)
    assert cache.get(key("a", "2")) is None


def test_what_hardly_ever_comes_twice_is_not_kept() -> None:
    cache = Cache()
    cache.put(key("a" * (TEXT_CHARS_MAX + 1)), "A", 0)
    assert cache.statistics()["cache_entries"] == 0


@given(st.integers(0, 4), st.lists(st.text("abcdef", min_size=1, max_size=1), max_size=30))
def test_it_never_holds_more_than_its_bound_and_never_lies(entries_max: int, texts: list[str]) -> None:
    cache = Cache(entries_max)
    for text in texts:
        assert cache.get(key(text)) in (None, text.upper())
        cache.put(key(text), text.upper(), 0)
        assert cache.statistics()["cache_entries"] <= entries_max


def test_what_was_taken_back_is_forgotten_on_every_leg_of_its_way() -> None:
    cache = Cache()
    cache.put(CacheKey("zh_en", "1", "", "我住在解放路"), "I live in Jiefang Road", 0)
    cache.put(CacheKey("en_es", "1", "", "I live in Jiefang Road"), "Vivo en Jiefang Road", 0)
    cache.put(CacheKey("zh_en", "1", "", "你好"), "Hello", 0)
    cache.forget(["小明！我住在解放路。", " "], 0)
    assert cache.get(CacheKey("zh_en", "1", "", "我住在解放路")) is None
    assert cache.get(CacheKey("en_es", "1", "", "I live in Jiefang Road")) is None
    assert cache.get(CacheKey("zh_en", "1", "", "你好")) == "Hello"
    cache.clear(0)
    assert cache.statistics()["cache_entries"] == 0
    assert cache.statistics()["cache_forgotten"] == 3


def test_what_was_taken_back_while_it_was_translated_is_not_remembered_afterwards() -> None:
    cache = Cache()
    cache.forget(["小明！我住在解放路。"], 0)
    cache.put(CacheKey("zh_en", "1", "", "我住在解放路"), "I live in Jiefang Road", 1)
    cache.put(CacheKey("en_es", "1", "", "I live in Jiefang Road"), "Vivo en Jiefang Road", 2)
    cache.put(CacheKey("zh_en", "1", "", "你好"), "Hello", 3)
    assert cache.statistics()["cache_entries"] == 1, "the greeting"
    cache.put(CacheKey("zh_en", "1", "", "我住在解放路"), "I live in Jiefang Road", FORBIDDEN_S)
    assert cache.statistics()["cache_entries"] == 2, "somebody said it again"


def test_while_very_much_is_taken_back_nothing_is_remembered() -> None:
    cache = Cache()
    cache.forget([f"number {number}" for number in range(FORBIDDEN_MAX + 1)], 0)
    cache.put(key("hello"), "你好", 1)
    assert cache.statistics()["cache_entries"] == 0
    cache.put(key("hello"), "你好", FORBIDDEN_S)
    assert cache.statistics()["cache_entries"] == 1


def test_after_everything_was_forgotten_nothing_is_remembered_that_was_on_its_way() -> None:
    cache = Cache()
    cache.clear(0)
    cache.put(key("a"), "A", 1)
    assert cache.get(key("a")) is None
    cache.put(key("a"), "A", FORBIDDEN_S)
    assert cache.get(key("a")) == "A"
