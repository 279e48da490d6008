"""Settings: the environment over the file over the defaults, and words for every mistake."""

from pathlib import Path

import pytest

from gateway.settings import (
    OF_TRANSLATORS,
    Settings,
    SettingsInvalid,
    load_settings,
    settings_document,
    unknown_variables,
)
from translator.settings import TranslatorSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def clean(unset: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def words(**given: object) -> str:
    with pytest.raises(SettingsInvalid) as invalid:
        load_settings(**given)
    return str(invalid.value)


def test_without_anything_there_is_a_village_on_port_8080(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.port, settings.data_dir, settings.redis_url) == (8080, tmp_path / "data", None)
    assert settings.keys_path == tmp_path / "data" / "token-keys.json"
    assert settings.may_make_keys


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "diqiucun.toml").write_text('port = 1\nworkers = 3\nallowed_origins = ["https://a.example"]')
    monkeypatch.setenv("DIQIUCUN_PORT", "2")
    assert (load_settings().port, load_settings().workers) == (2, 3)
    assert load_settings().allowed_origins == ("https://a.example",)
    assert load_settings(port=3).port == 3


def test_a_classifier_needs_tls_and_a_secret_that_is_never_shown() -> None:
    url, secret = "https://filter.example.org/judge", "whsec_" + "QUJD" * 8
    assert load_settings(classifier_url=url, classifier_secret=secret).classifier_secret == secret
    assert "DIQIUCUN_CLASSIFIER_SECRET" in words(classifier_url=url)
    assert "expected https" in words(classifier_url="http://filter.example.org/", classifier_secret=secret)
    assert load_settings(classifier_url="http://10.0.0.1/", classifier_secret=secret, webhooks_allow_private=True)
    assert "hunter2" not in words(classifier_url=url, classifier_secret="hunter2")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_REDIS_URL", "")
    monkeypatch.setenv("DIQIUCUN_PORT", "")
    assert load_settings().redis_url is None


def test_lists_are_words_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_ALLOWED_ORIGINS", "https://A.example, http://b.example:81,")
    assert load_settings().allowed_origins == ("https://a.example", "http://b.example:81")


def test_every_mistake_is_told_at_once_with_variable_value_and_expectation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_PORT", "http")
    monkeypatch.setenv("DIQIUCUN_WORKERS", "0")
    monkeypatch.setenv("DIQIUCUN_ALLOWED_ORIGINS", "https://a.example/chat")
    monkeypatch.setenv("DIQIUCUN_LOG_LEVEL", "loud")
    told = words()
    for part in (
        "DIQIUCUN_PORT=http in the environment: ",
        "DIQIUCUN_WORKERS=0",
        "https://a.example/chat",
        "is no origin",
    ):
        assert part in told
    assert "DIQIUCUN_LOG_LEVEL=loud" in told
    assert "'info'" in told
    assert "Traceback" not in told


def test_a_password_in_a_wrong_address_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIQIUCUN_REDIS_URL", "http://me:hush@host")
    assert "hush" not in words()


@pytest.mark.parametrize("url", ["host:6379", "http://host", "redis://", "redis:// host"])
def test_addresses_that_are_no_redis(url: str) -> None:
    assert "redis://host:port/db" in words(redis_url=url)


@pytest.mark.parametrize("url", ["chat.example.org", "ftp://x", "https://", "https://x/?a=1", "https://x/#a"])
def test_addresses_that_are_no_web_page(url: str) -> None:
    assert "https://chat.example.org" in words(public_url=url)


def test_a_slip_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "diqiucun.toml").write_text("prot = 1")
    assert "did you mean port?" in words()


def test_a_file_that_is_no_toml_or_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIQIUCUN_CONFIG", str(tmp_path / "none.toml"))
    assert "cannot be read" in words()
    (tmp_path / "none.toml").write_text("port 1")
    assert "no valid TOML" in words()


def test_a_variable_without_meaning_is_pointed_out() -> None:
    environ = {"DIQIUCUN_PROT": "1", "DIQIUCUN_PORT": "1", "HOME": "/", "DIQIUCUN_TRANSLATION_DEVICE": "cpu"}
    (line,) = unknown_variables(environ)
    assert line == "DIQIUCUN_PROT is set and means nothing; did you mean DIQIUCUN_PORT?"


def test_settings_of_translators_may_stand_in_the_same_file(tmp_path: Path) -> None:
    assert set(TranslatorSettings.model_fields) - set(Settings.model_fields) == OF_TRANSLATORS
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "diqiucun.toml").write_text("starter = false\nport = 1")
    assert load_settings().port == 1


@pytest.mark.parametrize("name", sorted(set(TranslatorSettings.model_fields) & set(Settings.model_fields)))
def test_a_setting_that_both_read_has_one_default(name: str) -> None:
    assert TranslatorSettings.model_fields[name].default == Settings.model_fields[name].default


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 5


def test_every_setting_has_words() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_document_is_fresh() -> None:
    assert DOCUMENT.read_text("utf-8") == settings_document(TranslatorSettings.model_fields), "stale: run `make docs`"
