"""The village that stands in the data directory, for commands that work on what is there.

Invariant: they make nothing new. An empty log, or fresh keys, beside the real ones would help nobody: it would look as
if everything had been lost.
"""

from typing import NoReturn

from gateway.cli.terminal import fail
from gateway.settings import PREFIX, Settings


def existing(settings: Settings) -> Settings:
    """Commands that work on what is there make nothing new: an empty log beside the real one helps nobody."""
    if settings.redis_url is None and not (settings.data_dir / "engine.lock").exists():
        nothing_here(settings)
    return settings


def nothing_here(settings: Settings) -> NoReturn:
    fail(
        f"There is no Diqiucun in {settings.data_dir}. Run `diqiucun up` there once, or set {PREFIX}DATA_DIR to the "
        "directory of your server."
    )
