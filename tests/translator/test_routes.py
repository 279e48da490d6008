"""Which package serves a direction."""

from dataclasses import replace
from pathlib import Path

from translator.routes import Apply, Convert, Package, Route, find, reachable


def package(source: str, target: str, version: str = "1.0", *, starter: bool = False) -> Package:
    name = f"{'starter' if starter else 'translate'}-{source}_{target}-{version}"
    return Package(
        name, version, source, target, Path("model"), Path("sentencepiece.model"), source, target, starter=starter
    )


def test_without_a_package_there_is_no_route() -> None:
    assert find([package("en", "es")], "en", "zh") is None
    assert find([package("en", "zh")], "zh", "en") is None


def test_an_installed_package_is_preferred_to_the_starter_and_the_newer_to_the_older() -> None:
    packages = [package("en", "zh", "9.9", starter=True), package("en", "zh", "1.9"), package("en", "zh", "1.10")]
    route = find(packages, "en", "zh")
    assert route is not None
    assert [each.version for each in route.packages] == ["1.10"]
    assert not route.starter


def test_the_starter_says_so() -> None:
    route = find([package("en", "zh", starter=True)], "en", "zh")
    assert route is not None
    assert route.starter


def test_chinese_scripts_are_converted_around_a_package() -> None:
    to_english, to_chinese = package("zh", "en"), package("en", "zh")
    route = find([to_english, to_chinese], "zh-Hant", "en")
    assert route is not None
    assert route.steps == (Convert("zh-Hant", "zh"), Apply(to_english))
    route = find([to_english, to_chinese], "en", "zh-Hant")
    assert route is not None
    assert route.steps == (Apply(to_chinese), Convert("zh", "zh-Hant"))


def test_a_package_for_the_script_itself_needs_no_conversion() -> None:
    own = package("en", "zh-Hant")
    route = find([package("en", "zh", "2.0"), own], "en", "zh-Hant")
    assert route is not None
    assert route.steps == (Apply(own),)


def test_from_one_script_to_the_other_no_package_is_needed() -> None:
    route = find([], "zh", "zh-Hant")
    assert route is not None
    assert route.steps == (Convert("zh", "zh-Hant"),)
    assert not route.starter


def test_the_same_language_has_no_steps() -> None:
    route = find([], "en", "en")
    assert route is not None
    assert route.steps == ()


def test_reachable_lists_every_direction_once() -> None:
    found = [(route.source, route.target) for route in reachable([package("en", "zh", starter=True)])]
    assert found == [("en", "zh"), ("en", "zh-Hant"), ("zh", "zh-Hant"), ("zh-Hant", "zh")]


def test_where_no_package_goes_all_the_way_two_do_and_english_is_the_bridge() -> None:
    packages = [
        package("zh", "fr"),
        package("fr", "es"),
        package("zh", "en", starter=True),
        package("zh", "en"),
        package("en", "es"),
    ]
    route = find(packages, "zh-Hant", "es")
    assert route is not None
    assert [each.name for each in route.packages] == ["translate-zh_en-1.0", "translate-en_es-1.0"]
    assert route.through == "zh-Hant>en>es"
    assert not route.starter
    direct = find([*packages, package("zh", "es")], "zh", "es")
    assert direct is not None
    assert direct.through == ""


def test_no_route_has_three_legs_or_goes_round_in_a_circle() -> None:
    assert find([package("zh", "en"), package("en", "fr"), package("fr", "es")], "zh", "es") is None
    assert find([package("zh", "en"), package("en", "zh-Hant")], "zh", "zh") == Route("zh", "zh", ())
    assert find([package("en", "zh"), package("zh-Hant", "en")], "en", "fr") is None


def test_two_good_packages_are_preferred_to_the_starter_alone() -> None:
    route = find([package("zh", "en", starter=True), package("zh", "fr"), package("fr", "en")], "zh", "en")
    assert route is not None
    assert route.through == "zh>fr>en"


def test_the_operator_may_prefer_an_older_package_and_a_server_is_asked_last() -> None:
    old, new = package("en", "zh", "1.0"), package("en", "zh", "2.0")
    server = replace(package("en", "zh", "9.0"), name="server", server="libretranslate")
    assert _first([old, new, server]) == new.name
    assert _first([old, new, server], prefer=[old.name]) == old.name
    assert _first([old, server], prefer=["server"]) == "server"
    assert _first([server, package("en", "zh", starter=True)]) == "server"


def _first(packages: list[Package], prefer: list[str] | None = None) -> str:
    route = find(packages, "en", "zh", prefer or ())
    assert route is not None
    return route.packages[0].name
