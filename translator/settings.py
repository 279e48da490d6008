"""Environment and settings file -> frozen settings of a translation worker.

Invariant: a value that cannot work stops the process before it takes a job, naming the setting. Names are those of
the gateway where both need the same thing (`DIQIUCUN_DATA_DIR`, the file named by `DIQIUCUN_CONFIG`), so that one
environment serves all processes; what is not ours is ignored here, since the other side reads the same file. A
setting exists where two deployments differ; what only a developer would change is a constant beside its reason.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class TranslatorSettings(BaseSettings):
    """Everything about translation that may differ between two deployments."""

    model_config = SettingsConfigDict(env_prefix="DIQIUCUN_", env_ignore_empty=True, frozen=True, extra="ignore")

    data_dir: Path = Field(
        default=Path("data"), description="Directory of packages, downloads and the built-in engine."
    )
    redis_url: str | None = Field(
        default=None,
        pattern=r"^(rediss?(\+cluster)?|unix)://\S+$",
        description="Redis or Valkey shared with the gateways, or a cluster of them. Empty: the small engine bundled "
        "with Diqiucun.",
    )
    archive_url: str | None = Field(
        default=None,
        pattern=r"^(none|(sqlite:///|postgresql://)\S+)$",
        description="Archive shared with the gateways. Empty: as the gateways have it.",
    )
    package_index_url: str | None = Field(
        default=None, description="Index of translation packages, for mirrors. Empty: the Argos index."
    )
    starter: bool = Field(
        default=True, description="Translate zh <-> en with the small built-in package where no other is installed."
    )
    translation_device: Literal["cpu", "cuda", "auto"] = Field(default="cpu", description="Where models run.")
    translation_threads: int = Field(
        default=0, ge=0, le=256, description="Batches translated at the same time; 0 for one on each processor but one."
    )
    translation_cache_max: int = Field(
        default=20_000, ge=0, le=10_000_000, description="Sentences remembered; a thousand take about 0.3 MB."
    )
    translation_jobs_max: int = Field(
        default=2_048,
        ge=1,
        le=10_000,
        description="Jobs in one worker's hands, to be put in order: mentions first, what is too late last.",
    )
    translation_prefer: str = Field(
        default="", description="Names of packages to prefer where several serve a pair, comma-separated, best first."
    )
    libretranslate_url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="A LibreTranslate-compatible server to ask where no package is installed. It reads the messages. "
        "Empty: no text leaves this machine.",
    )
    libretranslate_key: str = Field(default="", repr=False, description="The key that server wants, if any.")
    translator_niceness: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How far translators step back for gateways on the same processors, as in nice(1). At 10 they keep "
        "a tenth of a busy processor, at 19 hardly anything.",
    )
    translator_metrics_host: str = Field(default="127.0.0.1", description="Address of a translator's own metrics.")
    translator_metrics_port: int = Field(
        default=0, ge=0, le=65_535, description="Port of a translator's own /metrics; 0 for none."
    )
    stop_within_s: float = Field(
        default=10.0, ge=0.0, le=300.0, description="Seconds that running jobs may take once the process must stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto writes for people on a terminal and JSON elsewhere."
    )

    otlp_url: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="Where traces of posts are sent, as for gateways."
    )
    trace_share: float = Field(
        default=1.0, ge=0.0, le=1.0, description="Share of posts that is traced, as for gateways."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over the settings file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _settings_file())


def _settings_file() -> Path:
    """The file that the gateway reads: the named one, else `diqiucun.toml` in the data directory."""
    named = os.environ.get("DIQIUCUN_CONFIG")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("DIQIUCUN_DATA_DIR") or "data").expanduser() / "diqiucun.toml"
