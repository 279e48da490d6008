"""What an operator may set: environment (`DIQIUCUN_...`) over a TOML file over these defaults, frozen after the start.

Invariant: a process either starts with settings that make sense together or ends with words that name the variable,
the value found and the value expected. A setting exists only where two deployments differ; what both ends of a
connection must agree on is a constant in `chat.limits`. `docs/settings.md` is generated from this file.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from chat.hooks import key_of

PREFIX: Final = "DIQIUCUN_"
CONFIG_VARIABLE: Final = "DIQIUCUN_CONFIG"
ELSEWHERE: Final = frozenset({CONFIG_VARIABLE, "DIQIUCUN_REQUIRE_BROWSER", "DIQIUCUN_SUPERVISED"})
"""Names with our prefix that are no settings of the gateway."""

OF_TRANSLATORS: Final = frozenset(
    {
        "libretranslate_key",
        "libretranslate_url",
        "starter",
        "translation_cache_max",
        "translation_device",
        "translation_jobs_max",
        "translation_prefer",
        "translation_threads",
        "translator_metrics_host",
        "translator_metrics_port",
        "translator_niceness",
    }
)
"""Settings of translators alone. They stand in the same file, so they are no slips there."""

WordList = Annotated[tuple[str, ...], NoDecode]


class SettingsInvalid(Exception):
    """The settings cannot be used. The text is for the operator: several lines, one for each thing to mend."""


class Settings(BaseSettings):
    """Everything that may differ between two deployments."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    host: str = Field("0.0.0.0", min_length=1, description="Address to listen on; 127.0.0.1 for this machine only.")
    port: int = Field(8080, ge=0, le=65535, description="Port of page, API and WebSocket; 0 takes any free one.")
    data_dir: Path = Field(
        Path("data"), description="Directory of everything that must survive: the log, the keys, translation packages."
    )
    redis_url: str | None = Field(
        None,
        description="Redis or Valkey shared by all processes, like redis://host:6379/0, or a cluster of them, like "
        "redis+cluster://host1:6379,host2:6379/?replicas=1. Empty: a small engine bundled with Diqiucun keeps its data "
        "in data_dir (one machine only).",
    )
    archive_url: str | None = Field(
        None,
        description="Where messages go that no longer fit the engine: postgresql://user:password@host/name, or "
        "sqlite:///path. Empty: a file in data_dir beside the bundled engine, nowhere with a Redis elsewhere. none: "
        "nowhere, the engine keeps everything.",
    )
    hot_entries: int = Field(
        5_000,
        ge=0,
        le=10_000_000,
        description="Newest entries of each room that stay in the engine; older ones move into the archive.",
    )
    engine_memory_mb: int = Field(
        512,
        ge=0,
        le=10_000_000,
        description="Memory of the engine above which more moves into the archive, of rooms quiet for longest first; "
        "0 for no bound.",
    )
    keep_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Remove messages older than this many days, in rooms that do not say it themselves (`diqiucun "
        "retain`); 0 for never. Needs an archive.",
    )
    workers: int = Field(2, ge=1, le=64, description="Gateway processes of `diqiucun up`, on one port.")
    translators: int = Field(1, ge=0, le=64, description="Translator processes of `diqiucun up`; 0 for none.")
    greeter: bool = Field(
        True,
        description="A bot in the welcome room of `diqiucun up`, which greets each newcomer once in their language and "
        "answers a few questions; false for none.",
    )
    public_url: str | None = Field(
        None,
        description="Where people reach this server, like https://chat.example.org, for invitation links. Empty: the "
        "address of this machine.",
    )
    allowed_origins: WordList = Field(
        (),
        description="Other web pages that may connect, comma-separated, like https://www.example.org. Our own page "
        "always may.",
    )
    trusted_proxies: WordList = Field(
        ("127.0.0.1",),
        description="Reverse proxies, comma-separated addresses or networks, whose X-Forwarded-For and -Proto are "
        "believed; * for any.",
    )
    token_keys_file: Path | None = Field(
        None,
        description="JSON Web Key Set for tokens (HS256, EdDSA). Empty: made at the first start in data_dir, readable "
        "by the owner only.",
    )
    audience: str = Field("diqiucun", min_length=1, max_length=200, description="The `aud` that tokens must carry.")
    guest_token_days: int = Field(30, ge=1, le=365, description="How long a guest stays the same guest on one phone.")
    enter_burst: int = Field(
        300,
        ge=1,
        le=100_000,
        description="Guests that one gateway process lets in at once from one address, like a hall behind one router.",
    )
    enter_per_minute: int = Field(
        120,
        ge=1,
        le=100_000,
        description="Guests that one gateway process lets in per minute from one address, once the burst is spent.",
    )
    stop_within_s: float = Field(
        10.0, ge=1.0, le=300.0, description="Seconds a process has to say goodbye to its clients when it must stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto writes for people on a terminal and JSON elsewhere."
    )
    metrics_rooms: int = Field(
        0,
        ge=0,
        le=50,
        description="Busiest rooms that /metrics names, with figures of their own; 0 for none. Whoever reads /metrics "
        "then reads their names.",
    )
    otlp_url: str | None = Field(
        None,
        description="Where traces of posts are sent: an OpenTelemetry collector, like http://collector:4318/v1/traces. "
        "Needs `pip install 'diqiucun[otel]'`. Empty: none are made.",
    )
    trace_share: float = Field(1.0, ge=0.0, le=1.0, description="Share of posts that is traced, where traces are sent.")
    webhooks: bool = Field(
        True,
        description="A process of `diqiucun up` that delivers webhooks (docs/webhooks.md); idle while there is no "
        "endpoint. false for none.",
    )
    webhooks_allow_private: bool = Field(
        False,
        description="Webhooks and the classifier may also reach addresses of our own network, and without TLS. Whoever "
        "administers Diqiucun can then send requests to whatever answers there.",
    )
    classifier_url: str | None = Field(
        None,
        description="A program that judges messages before they are said, like https://filter.example.org/judge "
        "(docs/webhooks.md). Empty: none is asked.",
    )
    classifier_secret: str | None = Field(
        None,
        validate_default=True,
        description="What requests to it are signed with: whsec_ and base64 of 24 to 64 random bytes.",
    )
    classifier_within_ms: int = Field(
        800, ge=50, le=10_000, description="Milliseconds that it has for a message; the message waits as long."
    )
    classifier_fails: Literal["open", "closed"] = Field(
        "open",
        description="What becomes of messages that it did not judge in time: open lets them through, closed holds them "
        "for a moderator.",
    )
    package_index_url: str | None = Field(
        None, description="Index of translation packages, for mirrors. Empty: the Argos index."
    )

    @field_validator("allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not re.fullmatch(r"https?://[^/\s?#@]+", origin):
                raise ValueError(f"{origin!r} is no origin; expected https://host or https://host:port, without a path")
        return tuple(origin.lower() for origin in value)

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"(rediss?(\+cluster)?|unix)://\S+\Z", value):
            raise ValueError(
                "expected redis://host:port/db, rediss://... (TLS), unix:///path/to/socket or "
                "redis+cluster://host:port,host:port/"
            )
        return value

    @field_validator("archive_url")
    @classmethod
    def _is_archive_url(cls, value: str | None) -> str | None:
        if value is not None and value != "none" and not re.match(r"(sqlite:///|postgresql://)\S+\Z", value):
            raise ValueError("expected postgresql://user:password@host/name, sqlite:///path or none")
        return value

    @field_validator("public_url", "package_index_url", "otlp_url", "classifier_url")
    @classmethod
    def _is_web_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected an address like https://chat.example.org")
        return value.rstrip("/")

    @field_validator("classifier_url")
    @classmethod
    def _is_private_or_secure(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not value.startswith("https:") and not info.data.get("webhooks_allow_private"):
            raise ValueError(f"expected https://, or {PREFIX}WEBHOOKS_ALLOW_PRIVATE=true: texts travel there")
        return value

    @field_validator("classifier_secret")
    @classmethod
    def _is_secret(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            key_of(value)
        elif info.data.get("classifier_url") is not None:
            raise ValueError(f"expected whsec_ and base64, since {PREFIX}CLASSIFIER_URL is set")
        return value

    @field_validator("data_dir", "token_keys_file")
    @classmethod
    def _is_absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @property
    def keys_path(self) -> Path:
        return self.token_keys_file or self.data_dir / "token-keys.json"

    @property
    def may_make_keys(self) -> bool:
        """Keys are made only where nobody said where they are: a wrong path must not become a new secret."""
        return self.token_keys_file is None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _File(settings_cls)


class _File(PydanticBaseSettingsSource):
    """The TOML file, below the environment."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = config_path(os.environ)
        if path is None:
            return {}
        try:
            found = tomllib.loads(path.read_text("utf-8"))
            return {name: value for name, value in found.items() if name not in OF_TRANSLATORS}
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsInvalid(f"The settings file {path} cannot be read: {error}.") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsInvalid(f"The settings file {path} is no valid TOML: {error}.") from None


def config_path(environ: Mapping[str, str]) -> Path | None:
    """The TOML file to read: the named one (which must exist), or `diqiucun.toml` in the data directory if there."""
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    beside = Path(environ.get(PREFIX + "DATA_DIR") or "data").expanduser() / "diqiucun.toml"
    return beside if beside.is_file() else None


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsInvalid with words for every wrong value at once."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsInvalid(_words(error, given)) from None


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that has our prefix and no meaning: usually a slip of the pen."""
    known = {PREFIX + name.upper() for name in (*Settings.model_fields, *OF_TRANSLATORS)} | ELSEWHERE
    lines = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            lines.append(f"{name} is set and means nothing" + (f"; did you mean {near[0]}?" if near else "."))
    return lines


def _words(error: ValidationError, given: Mapping[str, Any]) -> str:
    lines = ["The settings cannot be used:"]
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "?"
        variable = PREFIX + name.upper()
        place = "on the command line" if name in given else "in the environment"
        if name not in given and variable not in os.environ:
            place = f"in {config_path(os.environ)}"
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, Settings.model_fields, 1)
            lines.append(f"  {name} {place} is no setting" + (f"; did you mean {near[0]}?" if near else "."))
            continue
        value = problem["input"]
        shown = "..." if name.endswith("_secret") else re.sub(r"://[^/@\s]*@", "://...@", str(value))[:80]
        expected = problem["msg"].removeprefix("Value error, ")
        lines.append(f"  {variable}={shown!s} {place}: {expected[0].lower()}{expected[1:]}.")
        field = Settings.model_fields.get(name)
        if field is not None and field.description:
            lines.append(f"      {field.description}")
    lines.append("docs/settings.md describes every setting.")
    return "\n".join(lines)


def settings_document(translators: Mapping[str, FieldInfo]) -> str:
    """docs/settings.md; `translators` are the fields of the translators' settings."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    theirs = [_row(name, field) for name, field in translators.items() if name not in Settings.model_fields]
    return "\n".join(
        [
            "# Settings",
            "",
            "Generated from `gateway/settings.py` by `make docs`; change it there.",
            "",
            "Every setting is an environment variable, or a line in a TOML file: the one named by `DIQIUCUN_CONFIG`, "
            "else `diqiucun.toml` in the data directory. The environment wins. Settings are read once, at the start; "
            "a wrong one ends the start with a sentence that names it.",
            "",
            "| environment | in the file | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
            "Translators read the same file and environment, and these besides:",
            "",
            "| environment | in the file | default | meaning |",
            "|---|---|---|---|",
            *theirs,
            "",
            "```toml",
            "# diqiucun.toml",
            "port = 8080",
            'public_url = "https://chat.example.org"',
            'allowed_origins = ["https://www.example.org"]',
            "```",
            "",
        ]
    )


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{PREFIX}{name.upper()}` | `{name}` | {_default(field.default)} | {field.description} |"


def _default(value: object) -> str:
    if value is None or value == ():
        return "empty"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value if isinstance(value, str | Path) else json.dumps(value)}`"
